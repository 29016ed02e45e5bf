# Sign-in of example.com
# Nothing is to be changed.

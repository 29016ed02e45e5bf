package federation

import (
	"bufio"
	"context"
	"errors"
	"fmt"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/federation/internal/people"
)

// An ImmutableIDSource says what becomes the immutable ID of an account that has
// none. JumpCloud sends the ID that it knows for a bound user, and does not
// document where it keeps it or what it is, so there is no default: look at what
// people who can be signed in have, or let [Federator.PreviewRepair] do so.
type ImmutableIDSource string

const (
	// FromObjectID is base64 of the sixteen bytes of the account's object ID in
	// Azure AD, in the order in which Windows writes a GUID's bytes.
	FromObjectID ImmutableIDSource = "objectID"
	// FromJumpCloudID is the ID of the JumpCloud user.
	FromJumpCloudID ImmutableIDSource = "jumpCloudID"
)

var immutableIDSources = []ImmutableIDSource{FromObjectID, FromJumpCloudID}

// of returns the immutable ID for a person.
func (s ImmutableIDSource) of(azureADID, jumpCloudID string) string {
	if s == FromJumpCloudID {
		return jumpCloudID
	}
	return people.ObjectIDImmutable(azureADID)
}

const fieldImmutableID = "immutableID"

// givingImmutableID gives an immutable ID to an account that has none.
func givingImmutableID(who, account, id string) Change {
	return Change{Resource: ResImmutableID, Name: who, Action: Add, Target: account, Fields: []Field{{Name: fieldImmutableID, New: id}}}
}

// ofImmutableID reports whether the change is about an account's immutable ID.
func (c Change) ofImmutableID() bool { return c.Resource == ResImmutableID }

// immutableIDStands reads where an account's immutable ID stands. Nobody's is ever
// replaced, and what is taken away is the one that was given.
func (f *Federator) immutableIDStands(ctx context.Context, c Change) (standing, string, error) {
	gives := c.Action == Add
	want, was := c.value(fieldImmutableID), c.inverse().value(fieldImmutableID)
	if gives != (was == "") || gives == (want == "") {
		return differs, "", errors.New("there is nothing to make an immutable ID of")
	}
	u, err := f.ad.User(ctx, c.Target)
	switch {
	case errors.Is(err, aad.ErrNotFound) && !gives:
		return undone, "the account does not exist any more", nil
	case err != nil:
		return differs, "", err
	case u.ImmutableID == want && gives:
		return undone, "the account has an immutable ID already", nil
	case u.ImmutableID == want:
		return undone, "the account has no immutable ID any more", nil
	case u.ImmutableID != was && gives:
		return differs, "the account has an immutable ID already", nil
	case u.ImmutableID != was:
		return differs, "the account has another immutable ID by now", nil
	case gives && u.OnPremisesSyncEnabled != nil && *u.OnPremisesSyncEnabled:
		return differs, "the account is synchronised from the premises", nil
	}
	return asLeft, "", nil
}

func (f *Federator) sendImmutableID(ctx context.Context, c Change) error {
	id := c.value(fieldImmutableID)
	return f.explainTaken(ctx, c.Target, id, f.ad.SetImmutableID(ctx, c.Target, id))
}

// explainTaken says who has an immutable ID that is refused because somebody has it.
func (f *Federator) explainTaken(ctx context.Context, account, id string, err error) error {
	if !errors.Is(err, aad.ErrConflict) {
		return err
	}
	opts := &aad.UsersOptions{Filter: "onPremisesImmutableId eq " + aad.Quote(id), Select: []string{"id", "userPrincipalName"}}
	for u, lookErr := range f.ad.Users(ctx, opts) {
		if lookErr != nil {
			return fmt.Errorf("another account has the immutable ID %s, perhaps a deleted one: %w", id, err)
		}
		if u.ID != account {
			return fmt.Errorf("%s has the immutable ID %s: %w", u.UserPrincipalName, id, err)
		}
	}
	return fmt.Errorf("no account shows the immutable ID %s, so a deleted user most likely holds it, for 30 days after the deletion: "+
		"restore that user, or delete it for good, in the Entra admin center under Deleted users, and repair again: %w", id, err)
}

func (c Change) immutableIDCmdlets(b *bufio.Writer) {
	if id := c.value(fieldImmutableID); id != "" {
		fmt.Fprintf(b, "Update-MgUser -UserId %s -OnPremisesImmutableId %s\n", psQuote(c.Name), psQuote(id))
		return
	}
	// Microsoft Graph takes null, and neither the cmdlet's $null nor its "".
	fmt.Fprintf(b, "Invoke-MgGraphRequest -Method PATCH -Uri ('v1.0/users/' + (Get-MgUser -UserId %s).Id) "+
		"-Body @{ onPremisesImmutableId = $null }\n", psQuote(c.Name))
}

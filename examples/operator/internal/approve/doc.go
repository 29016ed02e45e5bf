// Package approve decides who may do what: who is asking, what their role is, whether a
// second person is needed, and whether an approval is one.
//
// A page asks [Guard.Actor] who sends a request, [Roles.Allows] whether they may, and
// [Nonces] whether the form is one that was shown to them and not sent yet. What they
// approve is an [Act], made with [Of] from a proposal; [Key.Sign] makes the [Approval]
// of it, [Approval.Complete] says whether a second person is still to come. Whoever writes calls
// [Key.Check] right before, with the roles as they are then, and applies what
// [Covers] returns.
//
// Its errors name no person: they are shown, logged and kept.
package approve

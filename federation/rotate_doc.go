// # Rotating the signing certificate
//
// This is for the administrator who replaces the certificate with which JumpCloud signs,
// weeks before it ends or in the night in which it was stolen. [Federator.Rotate] is
// called again and again, and each call does what can safely be done by then; the
// program examples/rotate does that from a command line, and shows it on stand-ins.
//
// First:
//
//   - It takes time. A change of either service may need long to reach each of its
//     nodes, so RotatePlan.Settle is waited for after each: three times by [OwnKeyPair];
//     five times by [SecondApplication], and once 10 minutes more, for pages that are
//     open. With the default of 2 hours that is about 6 hours, and 10 hours and a
//     quarter. Nobody has to sit there, and nobody notices anything but the other tile.
//   - Never press "Regenerate Certificate" in JumpCloud's mail or console. It makes a new
//     certificate that Azure AD does not know, and from then on nobody can sign in. If
//     somebody has, call Rotate with the plan that you have, or Federate: either mends
//     that before anything else, without asking, by having Azure AD accept what JumpCloud
//     signs with. People can sign in again where that has spread. Then ask who it was.
//   - Announce it to whoever watches Azure AD's audit log: each step there is the event
//     "Set federation settings on domain", by which attackers are found too.
//   - Keep the stored key until [Rotation.Done], then delete it. Whoever has it can sign
//     in as anybody on the domain. If it is lost before JumpCloud has it, the rotation
//     stops at foreign: see there. Behind that, JumpCloud has it, and it is only needed
//     if what JumpCloud holds turns out to be broken.
//   - Store the [Rotation] that each call returns, and hand it to the next. Without it a
//     call waits longer, and is as safe.
//
// # Which way
//
//	OwnKeyPair         no gap; needs Options.Keys; no way back once JumpCloud has the key
//	SecondApplication  no gap; no key; one person can try it; can be led back by Cancel;
//	                   people's tile, URLs and plan change
//	Regenerate         a gap of up to Settle and the call's time; for who can have neither
//	Emergency          an outage of up to Settle and the call's time; for a stolen key only
//
// All but OwnKeyPair need RotatePlan.Replace: the SHA-256 fingerprint of the certificate
// to be replaced, as [Federator.Watch] shows it. Once JumpCloud signs with another, they
// only finish; so a plan that is called every hour for years does not rotate again.
// OwnKeyPair without Replace replaces what ends within 60 days, for a scheduler.
//
// # A night
//
//  1. Watch: which certificate, how many days, is anything unknown there?
//  2. [Federator.PreviewRotation]: what each call will do, at what time, and what people
//     notice of it. What stands in the way is told here too.
//  3. Rotate, or [Federator.WaitRotation], which calls until it is done. Between the
//     calls everything is safe for ever: to go to bed in the middle is no risk.
//  4. Done: delete the key; after SecondApplication, change the plan (below); Watch once
//     more, which says nothing then.
//
// A call that failed, a program that was killed, an answer that was lost: call again. It
// looks first, and goes on from what it finds, whoever has done that.
//
// # Phases
//
// The phase is decided by what both services show, and by nothing that is stored.
// JumpCloud signs with one certificate; Azure AD accepts two, the first and the second.
//
//	phase        it means                                         what you do
//	idle         nothing is under way                             nothing
//	saved        a pair is stored (or a second application made)  call again
//	             that Azure AD does not know
//	published    Azure AD accepts the new one as well             wait, call again; or Cancel
//	switched     JumpCloud signs with it                          wait, call again; no way back
//	swapped      Azure AD has it first, the old one second        wait, call again
//	retired      Azure AD accepts the old one no more: done       delete the key
//
//	created      the second application's certificate is accepted wait, call again; or Cancel
//	activated    it signs, and nobody sees it                     call again; or Cancel
//	pilot        it waits for one person to try it                bind and try; Approve; or Cancel
//	bound        who has the first has the second                 wait, call again; or Cancel
//	redirected   people are sent to it                            wait, call again; or Cancel
//	swapped      its certificate is the first                     wait, call again; or Cancel
//	deactivated  the first application signs no more              wait, call again; or Cancel
//	closed       the old certificate is retired: done             change the plan
//	reactivated, returning, returned, withdrawn                   Cancel is at work: call again
//	cancelled    led back: done                                   nothing
//
//	regenerated  Azure AD accepts JumpCloud's new certificate     wait, call again
//	expelled     Azure AD accepts the old one no more             call again
//	revoked      and everybody was signed out twice: done         delete the key
//
//	broken       Azure AD accepts nothing that JumpCloud signs    call Rotate or Federate now
//	foreign      Azure AD accepts a certificate nobody here knows see below
//
// [Rotation.Next] says the same in a sentence, and [Rotation.NotBefore] when: a call
// before that reads, and writes nothing. No NotBefore, and not Done: a person has to act.
//
// A certificate that does not go from Azure AD's second place although it was told to
// leaves the phase swapped, with a warning. It is tried once a day. That is no outage.
//
// # Foreign
//
// Beside JumpCloud's, Azure AD accepts a certificate that is neither the stored one, nor
// the one that is replaced. Whoever has its key can sign in as anybody on the domain; it
// is how a tenant is taken over. Nothing is written while it is there. It is
//
//   - yours, if a rotation was begun and its key or the store is gone: the text says so
//     if the last Rotation knows it. Bring the key back, or consent;
//   - yours, if a rotation is swapped and Replace and the last Rotation are both missing:
//     give Replace;
//   - a colleague's or another program's, who is rotating by hand: ask who has changed
//     it, which Azure AD's audit log tells ("Set federation settings on domain", with
//     the account and the time). Ask that person, by telephone;
//   - an attacker's, if that person knows nothing of it. Then call whoever answers for
//     security before you remove it, look at every federated domain of the tenant, and
//     think of Emergency.
//
// RotateConsent.RemoveNextCertificate has it overwritten. Without [Options.Keys],
// Verify and Watch cannot know the new certificate of a rotation from a stranger's, and
// say that it is unknown to this program: give them the same store as Rotate.
//
// # After a second application
//
// The domain's application is another one. [Rotation.Plan] is the plan to keep from now
// on: in the file, set application.id to its ID and application.loginURL to its URL. A
// plan that still names the first one is refused before any write, with the line to
// change. The first one stays, inactive and hidden; with DeleteOld a later call deletes
// it. JumpCloud's authentication policies that name the first application cannot be read
// here: extend them to the second as soon as that is there, which RotateConsent.Policies
// says you have seen to. Bookmarks of the first one's URL end when it is deactivated.
//
// # Regenerate and Emergency, honestly
//
// Regenerate fails sign-ins: from the moment when JumpCloud makes its pair until the
// slowest node of Azure AD has heard of it. That is Settle and the time of the call at
// most, if Settle is right; a sign-in that was begun before, and ends in the gap, fails
// as well. Who may not write to Azure AD is refused before JumpCloud is asked. If the
// program dies between the two writes, the gap lasts until the next call, which mends.
// Who is signed in stays so.
//
// Emergency is for a key that somebody else has. He needs no JumpCloud: he signs for
// himself, and only Azure AD can stop him. So Azure AD is told first, and at once, to
// accept the new certificate in both places, whatever stood there, and JumpCloud is
// given its key then. Sign-ins fail until both have spread. With RevokeSessions everybody
// on the domain is signed out, at once and again after Settle, since he may have signed
// in meanwhile; whom the service refused to sign out is named. That is owed to the
// Rotation alone: if the program dies in the first call, before it is stored, the next one
// finds nothing to expel, and signs out nobody. (The program examples/rotate stores
// beforehand what is to be expelled.) The stolen key is never accepted again, whatever is
// called with the last Rotation: keep that. Whether Azure AD remembers a certificate that
// it accepted before is not known: Microsoft has people make two new ones for that, so
// call it a second time, with Replace of the first new one. Other domains of the tenant,
// and what he did while he was in, are left to you.
//
// # What is not known
//
// No vendor documents the following. Each answer is tolerated, and none is relied on:
//
//   - in what form JumpCloud wants a key of one's own, and whether it checks that it fits
//     the certificate: the pair is checked before, and what is signed with is read after
//     the write from the application and from its metadata;
//   - how soon JumpCloud signs with a new key, on all its nodes: the old certificate stays
//     accepted for Settle after the switch;
//   - how long a change of certificates takes to reach every node of Azure AD: Settle is
//     a guess, 2 hours, and 24 for an application younger than a day;
//   - whether JumpCloud takes two applications with one entity ID: if it refuses, or
//     changes that of the second, SecondApplication takes it back and says so;
//   - how Azure AD's second place is emptied: null is tried, then a copy of the first;
//   - whether one request to Azure AD changes both certificates at once: both are read
//     afterwards, whatever it answered, and no order of the two can hurt;
//   - whether an expired certificate still signs people in, at either service: it changes
//     no step and no wait, and is an alarm;
//   - whether Azure AD compares certificates or their keys: no certificate is made with a
//     key that was used before;
//   - whether Azure AD remembers the certificate before.
//
// What no program sees: somebody's change between the last look and the write behind it.
// The look behind the switch finds it, and mends it in the same call.
//
// # Permissions
//
// Microsoft Graph: Domain.Read.All and Domain-InternalFederation.ReadWrite.All; to begin,
// RoleManagement.Read.Directory and User.Read.All besides, to see that an administrator
// gets in without JumpCloud; for RevokeSessions, User.RevokeSessions.All, and to sign out
// administrators a role for the application. JumpCloud: applications; and groups and
// applicationtemplates.readonly for SecondApplication. Watch reads only.
package federation

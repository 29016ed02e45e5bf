// Package people compares what two directories say about people, and says whose
// sign-in is in danger once their domain is federated. It knows nothing of a plan,
// of the services' interfaces or of wording that a user depends on: who reads the
// directories puts what was read into a [Crowd], and turns each [Finding] of the
// [Judgement] into what is shown.
//
//	c := people.New(people.Audience{Domain: "example.com", Directory: true})
//	c.AddJumpCloud(&people.JumpCloudUser{ID: …, Email: …}) // a page at a time,
//	c.AddAzureAD(&people.AzureADUser{ID: …, UPN: …})       // from any goroutine,
//	c.AddBinding(userID, accountID, "")                    // in any order
//	c.AddMember(userID, true, true)
//	j := c.Judge()
//	for i := range j.Len() {
//		f := j.At(i)
//		fmt.Println(f.Kind, j.Person(f), j.Evidence(f))
//	}
//
// # What may be relied on
//
// The same people give the same findings in the same order, in whatever order they
// were added. Judge is called once; nothing can be added after it. Before it, a crowd
// may be used by several goroutines at once, after it the judgement may be read by
// several; [Judgement.Policy] is for one.
//
// # How little is kept
//
// A crowd is made for hundreds of thousands of people at less than a hundred bytes
// each, those of both directories together, and hardly an allocation. So it holds no
// strings and no pointers a person:
//
//   - Records (crowd.go) are of a fixed size and live in blocks that are never copied
//     (rows, index.go). What is true of somebody is a bit of flags. People point to
//     each other by number; 0 is nobody, so that such numbers count from 1.
//   - IDs are kept as their 12 or 16 bytes and found by an open hash table of numbers
//     (table.go). An ID of an unusual form is a text, and its bytes say which.
//   - Texts (text.go) are written one after the other into blocks, each address once
//     for both directories, and its domain as a number. A ref says where one is;
//     refs of addresses are equal if the addresses are. A name that the login spells,
//     such as Anna Berg's, anna.berg, is not stored, only its length.
//   - Immutable IDs are kept as hashes: they are only compared.
//   - What is true of some is kept in little blocks (sparse, index.go), aliases and
//     what directories say about bindings as numbers (alias.go).
//   - A finding is eight bytes, and whom findings are about four (order.go). Its
//     sentence is made when it is asked for.
//
// # How people are matched
//
// join.go finds each account's user: by the immutable ID, by which Azure AD will find
// the account; else by the binding, which names it; else by the address that
// JumpCloud exports against the user principal name; else by the mail address, the
// proxy addresses and the other mails. ids.go looks which immutable IDs JumpCloud most
// likely does not send. judge.go says what follows for each person, evidence.go what
// was seen, order.go sorts, judgement.go counts.
package people

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jcaad/jcaad/aad"
	"github.com/jcaad/jcaad/aad/signin"
	"github.com/jcaad/jcaad/aad/signin/tenant"
	"github.com/jcaad/jcaad/federation"
	"github.com/jcaad/jcaad/federation/federationtest"
)

// introduction has a line for each paragraph: they are broken as the terminal is wide.
var introduction = []string{
	"What Azure AD makes of a sign-in, and why",
	"When people of a federated domain sign in to Microsoft 365, Azure AD (Microsoft Entra ID) sends them to JumpCloud, and " +
		"JumpCloud has their browser post a signed answer to login.srf. If Azure AD does not take it, people see a page with a code. " +
		"This program says from the captured answer what is wrong, and where.",
	"Nothing here is live: stand-ins of both services are in memory, filled with people who do not exist, and the clock stands. " +
		"Somebody signs in four times; what the browser has in its hands is captured, posted to the stand-in of Azure AD, and judged. " +
		"For a capture of your own, signin -h tells how.",
}

// scene is one sign-in.
type scene struct {
	title, story string
	who          string
	before       func(*stage)
	want         string // the code, or "" if it is accepted
}

// scenes are in the order in which they are shown. Each mends what the one before broke.
var scenes = []scene{
	{"The certificate", "Somebody had JumpCloud make a new certificate, and Azure AD still has the old one.", "ada.abbott",
		func(st *stage) { st.env.JumpCloud.RegenerateCertificate(st.application) }, "AADSTS5000811"},
	{"The immutable ID", "Azure AD has the new certificate. Ben's account has no immutable ID.", "ben.baker",
		func(st *stage) {
			st.certificate()
			st.env.AzureAD.EditUser("ben.baker@"+st.env.Domain, func(u *aad.User) { u.ImmutableID = "" })
		}, "AADSTS51004"},
	{"The protocol", "Somebody wrote the configuration again, with wsFed as its protocol. The page that Ada sees blames the issuer.",
		"ada.abbott",
		func(st *stage) { st.edit(func(f *aad.Federation) { f.Protocol = aad.WSFed }) }, "AADSTS50107"},
	{"As it should be", "All of it is mended.", "ada.abbott",
		func(st *stage) { st.edit(func(f *aad.Federation) { f.Protocol = aad.SAML }) }, ""},
}

// stage is the stand-ins while the scenes are shown.
type stage struct {
	env         *federationtest.Env
	application string
	label       string
	now         time.Time
}

// newStage federates stand-ins of both services.
func newStage(ctx context.Context) (*stage, error) {
	st := &stage{env: federationtest.New(nil), now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return st.now }
	st.env.JumpCloud.Now, st.env.AzureAD.Now = clock, clock
	f := st.env.Federator(&federation.Options{Now: clock})
	if _, err := f.Federate(federationtest.Hurry(ctx), st.env.Plan()); err != nil {
		return nil, err
	}
	for _, a := range st.env.JumpCloud.Applications() {
		st.application, st.label = a.ID, a.Label
	}
	return st, nil
}

// edit changes what Azure AD has of the federation.
func (st *stage) edit(change func(*aad.Federation)) {
	f, _ := st.env.AzureAD.Federation(st.env.Domain)
	change(&f)
	st.env.AzureAD.SetFederation(st.env.Domain, f)
}

// certificate gives Azure AD the certificate that JumpCloud signs with.
func (st *stage) certificate() {
	a, _ := st.env.JumpCloud.Application(st.application)
	st.edit(func(f *aad.Federation) { f.SigningCertificate, f.RawSigningCertificate = a.Certificate, "" })
}

// signIn has a person open the application in JumpCloud's portal. What the browser posts
// to Azure AD is what it has in its hands.
func (st *stage) signIn(ctx context.Context, who string) (posted, told string, err error) {
	w, err := st.env.Browser().OpenTile(ctx, federationtest.Person{UserName: who + "@" + st.env.Domain}, st.label)
	switch {
	case err != nil:
		return "", "", err
	case w.Posted == nil:
		return "", "", errors.New(w.Outcome())
	}
	told = w.Pages[len(w.Pages)-1].Title
	if w.Code != "" {
		told = w.Code + ": " + w.Text
	}
	return w.Posted.Encode(), told, nil
}

// demonstrate shows the scenes.
func demonstrate(ctx context.Context, w, errs io.Writer) int {
	fmt.Fprintln(w, strings.Join(introduction, "\n\n"))
	st, err := newStage(ctx)
	for i, sc := range scenes {
		if err == nil {
			err = st.show(ctx, w, i+1, sc)
		}
	}
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(errs, "interrupted")
		return exitInterrupted
	case err != nil:
		fmt.Fprintln(errs, err)
		return exitFailed
	}
	return exitDone
}

// show shows one scene.
func (st *stage) show(ctx context.Context, w io.Writer, n int, sc scene) error {
	title := fmt.Sprintf("%d. %s", n, sc.title)
	fmt.Fprintf(w, "\n%s\n%s\n\n%s\n", title, strings.Repeat("-", len(title)), sc.story)
	sc.before(st)
	posted, told, err := st.signIn(ctx, sc.who)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n  %s sees:  %s\n\n", strings.ToUpper(sc.who[:1])+sc.who[1:strings.IndexByte(sc.who, '.')], told)
	found, err := signin.Messages([]byte(posted))
	if err != nil {
		return err
	}
	b := &basis{kind: live}
	if b.tenant, err = tenant.Read(ctx, st.env.AzureAD.Client(nil)); err != nil {
		return err
	}
	b.tenant.MFA = signin.No
	b.about = describeTenant(b.tenant)
	r := &result{Input: "the form data of the POST to login.srf", Messages: len(found), At: st.now, AtFrom: "by the clock of the stand-ins",
		brief: sc.want != ""}
	r.judged([]byte(posted), found[signin.Pick(found)], b)
	if r.Code != sc.want || (*r.Accepted == signin.Yes) != (sc.want == "") {
		return fmt.Errorf("this was to end with %q: %s", sc.want, r.Sentence)
	}
	if sc.want != "" && !strings.HasPrefix(told, sc.want+":") {
		return fmt.Errorf("the stand-in of Azure AD says %s, and the judge %s", told, r.Code)
	}
	r.table(w)
	return nil
}

package aad

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/jcaad/jcaad/internal/rest"
	"github.com/jcaad/jcaad/internal/xmlscan"
)

// The protocols of a federated domain, in the words of the realm endpoints. Others may appear.
const (
	RealmSAML20  = "SAML20"
	RealmWSTrust = "WSTrust"
)

// Realm is what the login service tells everybody about a domain. It follows
// changes made through Graph with a delay of minutes, now and then hours.
type Realm struct {
	NameSpaceType AuthenticationType // Managed, Federated, or "Unknown" of a domain without tenant
	DomainName    string
	BrandName     string
	// AuthURL is where users are sent; its host is the one of the sign-in
	// address of the federation. What else it is made of, for SAML, is not documented.
	AuthURL       string
	Protocol      string // only of federated domains; empty if the endpoint does not tell
	CloudInstance string // such as "microsoftonline.com"
}

// UnknownRealm is the NameSpaceType of a domain that no tenant has.
const UnknownRealm AuthenticationType = "Unknown"

// Realm asks the login service, as a sign-in page would, how users of a domain
// sign in. No token is sent: this also tells about domains of other tenants.
//
// One request to common/userrealm tells everything, protocol included. Only if that
// cannot be used is getuserrealm.srf asked, which tells everything but the
// protocol. Neither is documented by Microsoft.
//
//	GET {login}/common/userrealm/{user}?api-version=2.1, GET {login}/getuserrealm.srf?login=…; no permission; safe to repeat
func (c *Client) Realm(ctx context.Context, userOrDomain string) (*Realm, error) {
	r, login, err := userRealm(userOrDomain)
	if err != nil {
		return nil, err
	}
	realm, first := c.realm(ctx, r)
	if first == nil && realm.NameSpaceType != "" {
		return realm, nil
	}
	if ctx.Err() != nil || errors.Is(first, ErrThrottled) {
		return nil, first
	}
	return c.wholeRealm(ctx, getUserRealm(login, "json"))
}

// RealmForm is one of the forms in which the login service tells a [Realm].
type RealmForm int

// The forms. None of them is documented by Microsoft.
const (
	UserRealm       RealmForm = iota // common/userrealm, in JSON, with the protocol
	GetUserRealm                     // getuserrealm.srf, in JSON
	GetUserRealmXML                  // getuserrealm.srf, in XML
)

// RealmIn is like [Client.Realm] for one form alone: what the login service does not
// tell in it is an error or empty, and no other form is asked for. An answer in JSON
// where XML was asked for, or the other way round, is taken.
//
//	GET {login}/common/userrealm/{user}?api-version=2.1 or GET {login}/getuserrealm.srf?login=…; no permission; safe to repeat
func (c *Client) RealmIn(ctx context.Context, form RealmForm, userOrDomain string) (*Realm, error) {
	r, login, err := userRealm(userOrDomain)
	switch {
	case err != nil:
		return nil, err
	case form == GetUserRealm:
		r = getUserRealm(login, "json")
	case form == GetUserRealmXML:
		r = getUserRealm(login, "xml")
	}
	return c.wholeRealm(ctx, r)
}

// userRealm is the request for common/userrealm, and the name to ask others for.
func userRealm(userOrDomain string) (r *rest.Request, login string, err error) {
	r = &rest.Request{Method: http.MethodGet, Path: "common/userrealm/{user}"}
	user, domain := "", userOrDomain
	if i := strings.LastIndex(userOrDomain, "@"); i >= 0 {
		user, domain = userOrDomain[:i], userOrDomain[i+1:]
	}
	name, err := domainName(domain)
	if err != nil {
		return nil, "", invalid(r.Method+" "+r.Path, err)
	}
	login = name
	if user != "" {
		login = user + "@" + name
	}
	r.Args = []string{cmp.Or(user, "realm") + "@" + name}
	r.Query = url.Values{"api-version": {"2.1"}, "checkForMicrosoftAccount": {"false"}}
	return r, login, nil
}

// getUserRealm is the request for getuserrealm.srf in a format.
func getUserRealm(login, format string) *rest.Request {
	return &rest.Request{Method: http.MethodGet, Path: "getuserrealm.srf", Query: url.Values{"login": {login}, format: {"1"}}}
}

// wholeRealm refuses an answer that does not tell what was asked.
func (c *Client) wholeRealm(ctx context.Context, r *rest.Request) (*Realm, error) {
	realm, err := c.realm(ctx, r)
	if err == nil && realm.NameSpaceType == "" {
		err = &Error{Op: r.Method + " " + r.Path, StatusCode: http.StatusOK,
			Err: errors.New("the answer does not say how the domain signs in"), meaning: ErrUnavailable}
	}
	if err != nil {
		return nil, err
	}
	return realm, nil
}

func (c *Client) realm(ctx context.Context, r *rest.Request) (*Realm, error) {
	id := label(r)
	var body []byte
	resp, err := c.login.Do(ctx, r, &body)
	if err != nil {
		return nil, identify(err, id)
	}
	realm, err := parseRealm(body)
	if err != nil {
		return nil, &Error{Op: r.Method + " " + r.Path, StatusCode: resp.Status, RequestID: resp.RequestID, ClientRequestID: id,
			Err: err, meaning: ErrUnavailable}
	}
	return realm, nil
}

// wireRealm takes all spellings of the realm answers: encoding/json does not
// distinguish capitals, so that CloudInstanceName is cloudinstancename too.
type wireRealm struct {
	NameSpaceType string
	AccountType   string `json:"account_type"`

	DomainName string
	Domain     string `json:"domain_name"`

	FederationBrandName string

	AuthURL       string
	STSAuthURL    string
	ActiveAuthURL string `json:"federation_active_auth_url"`

	Protocol string `json:"federation_protocol"`

	CloudInstanceName string
	CloudInstance     string `json:"cloud_instance_name"`
}

// element returns where the text of an element of the XML form belongs, nil if nowhere.
func (w *wireRealm) element(name string) *string {
	switch name {
	case "NameSpaceType":
		return &w.NameSpaceType
	case "DomainName":
		return &w.DomainName
	case "FederationBrandName":
		return &w.FederationBrandName
	case "AuthURL":
		return &w.AuthURL
	case "STSAuthURL":
		return &w.STSAuthURL
	case "federation_protocol":
		return &w.Protocol
	case "CloudInstanceName":
		return &w.CloudInstanceName
	}
	return nil
}

// readXML reads the element RealmInfo, whatever its namespace and what it has besides. Of
// an element that is there twice, the last counts, as for encoding/xml.
func (w *wireRealm) readXML(b []byte) error {
	s := xmlscan.New(b)
	var into *string
	for depth := 0; ; {
		kind, err := s.Next()
		if err != nil {
			return err
		}
		switch kind {
		case xmlscan.Start:
			depth++
			switch name := string(s.Name.Local); {
			case depth == 1 && name != "RealmInfo":
				return errors.New("this is no RealmInfo")
			case depth == 2:
				if into = w.element(name); into != nil {
					*into = ""
				}
			}
		case xmlscan.Text:
			if depth == 2 && into != nil {
				*into += string(s.Text)
			}
		case xmlscan.End:
			if depth--; depth == 0 {
				return nil
			}
		case xmlscan.EOF:
			return io.ErrUnexpectedEOF
		}
	}
}

// parseRealm reads the JSON and the XML forms.
func parseRealm(b []byte) (*Realm, error) {
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	var w wireRealm
	var err error
	if bytes.HasPrefix(b, []byte("<")) {
		err = w.readXML(b)
	} else {
		err = json.Unmarshal(b, &w)
	}
	if err != nil {
		return nil, errors.New("the answer is neither the JSON nor the XML of a realm")
	}
	return &Realm{
		NameSpaceType: AuthenticationType(cmp.Or(w.NameSpaceType, w.AccountType)),
		DomainName:    strings.ToLower(cmp.Or(w.DomainName, w.Domain)),
		BrandName:     w.FederationBrandName,
		AuthURL:       cmp.Or(w.AuthURL, w.STSAuthURL, w.ActiveAuthURL),
		Protocol:      w.Protocol,
		CloudInstance: cmp.Or(w.CloudInstanceName, w.CloudInstance),
	}, nil
}

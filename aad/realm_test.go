package aad

import (
	"encoding/xml"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseRealm(t *testing.T) {
	tests := []struct {
		name, body string
		want       *Realm
	}{
		{"getuserrealm, managed", `{"State":4,"UserState":1,"Login":"example.com","NameSpaceType":"Managed","DomainName":"example.com","FederationBrandName":"Example Corp","CloudInstanceName":"microsoftonline.com","CloudInstanceIssuerUri":"urn:federation:MicrosoftOnline"}`,
			&Realm{NameSpaceType: Managed, DomainName: "example.com", BrandName: "Example Corp", CloudInstance: "microsoftonline.com"}},
		{"getuserrealm, federated", `{"State":3,"UserState":2,"Login":"username@bbc.co.uk","NameSpaceType":"Federated","DomainName":"BBC.co.uk","FederationGlobalVersion":-1,"AuthURL":"https://gateway.id.tools.bbc.co.uk/x?username=username%40bbc.co.uk","FederationBrandName":"BBC","AuthNForwardType":1,"CloudInstanceName":"microsoftonline.com"}`,
			&Realm{NameSpaceType: Federated, DomainName: "bbc.co.uk", BrandName: "BBC", AuthURL: "https://gateway.id.tools.bbc.co.uk/x?username=username%40bbc.co.uk", CloudInstance: "microsoftonline.com"}},
		{"getuserrealm, unknown", `{"State":4,"UserState":1,"Login":"user@nope.example","NameSpaceType":"Unknown"}`, &Realm{NameSpaceType: UnknownRealm}},
		{"XML, managed", `<RealmInfo Success="true"><State>4</State><UserState>1</UserState><Login>example.com</Login><NameSpaceType>Managed</NameSpaceType><DomainName>example.com</DomainName><IsFederatedNS>false</IsFederatedNS><FederationBrandName>Example Corp</FederationBrandName><CloudInstanceName>microsoftonline.com</CloudInstanceName></RealmInfo>`,
			&Realm{NameSpaceType: Managed, DomainName: "example.com", BrandName: "Example Corp", CloudInstance: "microsoftonline.com"}},
		{"XML, federated", "\ufeff<?xml version=\"1.0\"?><RealmInfo><NameSpaceType>Federated</NameSpaceType><STSAuthURL>https://sts.example/?a=1&amp;b=2</STSAuthURL></RealmInfo>",
			&Realm{NameSpaceType: Federated, AuthURL: "https://sts.example/?a=1&b=2"}},
		{"userrealm 1.0, managed", `{"ver":"1.0","account_type":"Managed","domain_name":"company.com","cloud_instance_name":"microsoftonline.com","cloud_audience_urn":"urn:federation:MicrosoftOnline"}`,
			&Realm{NameSpaceType: Managed, DomainName: "company.com", CloudInstance: "microsoftonline.com"}},
		{"userrealm 1.0, federated", `{"ver":"1.0","account_type":"Federated","domain_name":"company.com","federation_protocol":"WSTrust","federation_active_auth_url":"https://sts.company.com/usernamemixed"}`,
			&Realm{NameSpaceType: Federated, DomainName: "company.com", Protocol: RealmWSTrust, AuthURL: "https://sts.company.com/usernamemixed"}},
		{"userrealm 2.1", `{"NameSpaceType":"Federated","federation_protocol":"SAML20","Login":"something@ba.com","AuthURL":"https://sts.baplc.com/adfs/ls/","DomainName":"ba.com","FederationBrandName":"BA.COM","cloudinstancename":"login.microsoftonline.com"}`,
			&Realm{NameSpaceType: Federated, DomainName: "ba.com", BrandName: "BA.COM", AuthURL: "https://sts.baplc.com/adfs/ls/", Protocol: RealmSAML20, CloudInstance: "login.microsoftonline.com"}},
		{"HTML", `<html><body>sign in`, nil},
		{"nothing", ``, nil},
		{"a list", `[]`, nil},
	}
	for _, tt := range tests {
		got, err := parseRealm([]byte(tt.body))
		if (err == nil) != (tt.want != nil) {
			t.Errorf("%s: err = %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// FuzzRealmXML: what the strict scanner takes, encoding/xml reads alike.
func FuzzRealmXML(f *testing.F) {
	for _, s := range []string{
		"<RealmInfo><NameSpaceType>Federated</NameSpaceType><AuthURL>https://sts.example/?a=1&amp;b=2</AuthURL></RealmInfo>",
		`<?xml version="1.0"?><a:RealmInfo xmlns:a="urn:a"><a:DomainName>a<!-- b -->b</a:DomainName><DomainName>c</DomainName></a:RealmInfo> `,
		"<RealmInfo><State><AuthURL>inner</AuthURL></State><STSAuthURL>one<b>two</b>three<![CDATA[&four]]>\r\n</STSAuthURL></RealmInfo>",
		"<RealmInfo><federation_protocol/><CloudInstanceName>&#65;</CloudInstanceName><FederationBrandName>\u00e9</FederationBrandName></RealmInfo><x/>",
		"<RealmInfo><NameSpaceType>Managed", "<Realm/>",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got wireRealm
		if got.readXML([]byte(text)) != nil {
			return
		}
		var want struct {
			XMLName             xml.Name `xml:"RealmInfo"`
			NameSpaceType       string
			DomainName          string
			FederationBrandName string
			AuthURL             string
			STSAuthURL          string
			Protocol            string `xml:"federation_protocol"`
			CloudInstanceName   string
		}
		if err := xml.Unmarshal([]byte(text), &want); err != nil {
			t.Skip(err) // it knows fewer encodings, and no other version
		}
		if diff := cmp.Diff(wireRealm{
			NameSpaceType: want.NameSpaceType, DomainName: want.DomainName, FederationBrandName: want.FederationBrandName,
			AuthURL: want.AuthURL, STSAuthURL: want.STSAuthURL, Protocol: want.Protocol, CloudInstanceName: want.CloudInstanceName,
		}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// One process for all calls of the tests: a line of JSON in, a line of JSON out, in order.
'use strict';

console.log = console.warn = () => {}; // nothing but answers on standard output

const {randomUUID} = require('node:crypto');
const readline = require('node:readline');
const samlify = require('samlify');
const {SAML} = require('@node-saml/node-saml');

// The messages are well-formed and small; their schema is not what is tested.
samlify.setSchemaValidator({validate: async () => 'not looked at'});

const {namespace} = samlify.Constants;
const audience = 'urn:federation:MicrosoftOnline';
const acs = 'https://login.microsoftonline.com/login.srf';
const post = [{Binding: namespace.binding.post, Location: acs, isDefault: true}];

// responseTemplate is samlify's own, with the statement about the log-in that its
// default leaves to whoever uses it.
const statement =
  '<saml:AuthnStatement AuthnInstant="{AuthnInstant}" SessionIndex="{SessionIndex}"><saml:AuthnContext>' +
  '<saml:AuthnContextClassRef>{Class}</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>';
const responseTemplate = samlify.SamlLib.defaultLoginResponseTemplate.context.replace('{AuthnStatement}', statement);

// provider is samlify's identity provider, set up as a recipe says.
function provider(r, template) {
  return samlify.IdentityProvider({
    entityID: r.issuer,
    signingCert: r.certificate,
    privateKey: r.key,
    requestSignatureAlgorithm: r.method,
    nameIDFormat: [r.format],
    isAssertionEncrypted: Boolean(r.encryptTo),
    wantAuthnRequestsSigned: false,
    singleSignOnService: [{Binding: namespace.binding.post, Location: 'https://sso.example.com/saml2/m365'}],
    ...template,
  });
}

function service(r) {
  return samlify.ServiceProvider({
    entityID: audience,
    assertionConsumerService: post,
    wantAssertionsSigned: r.signs !== 'response',
    wantMessageSigned: r.signs !== 'assertion',
    ...(r.encryptTo ? {encryptCert: r.encryptTo} : {}),
  });
}

const calls = {
  // respond makes a response by samlify's identity provider.
  async respond(r) {
    const attributes = r.email ? [{name: 'IDPEmail', valueTag: 'email',
      nameFormat: 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic', valueXsiType: 'xs:string'}] : [];
    const idp = provider(r, {loginResponseTemplate: {context: responseTemplate, attributes}});
    const fill = (template) => {
      const make = () => '_' + randomUUID();
      return {id: '', context: samlify.SamlLib.replaceTagsByValue(template, {
        ID: make(), AssertionID: make(), Issuer: r.issuer, IssueInstant: r.now,
        Destination: r.destination, SubjectRecipient: r.destination,
        InResponseTo: r.inResponseTo || undefined, StatusCode: 'urn:oasis:names:tc:SAML:2.0:status:Success',
        NameID: r.nameID, NameIDFormat: r.format, Audience: r.audience,
        ConditionsNotBefore: r.begin, ConditionsNotOnOrAfter: r.end, SubjectConfirmationDataNotOnOrAfter: r.end,
        AuthnInstant: r.now, SessionIndex: make(), Class: r.class, attrEmail: r.email,
      })};
    };
    const made = await idp.createLoginResponse(service(r), {extract: {request: {id: r.inResponseTo}}}, 'post', {},
      {customTagReplacement: fill});
    return {message: made.context};
  },

  // respondByDefault lets samlify fill in its own template.
  async respondByDefault(r) {
    const asked = {extract: {request: {id: r.inResponseTo}}};
    const made = await provider(r, {}).createLoginResponse(service(r), asked, 'post', {email: r.nameID});
    return {message: made.context};
  },

  // validate asks node-saml's service provider.
  async validate({message, certificate}) {
    const saml = new SAML({
      issuer: audience, audience, callbackUrl: acs, idpCert: certificate, acceptedClockSkewMs: 180000,
      wantAssertionsSigned: true, wantAuthnResponseSigned: false, validateInResponseTo: 'never',
    });
    const {profile} = await saml.validatePostResponseAsync({SAMLResponse: message});
    return {nameID: profile.nameID, issuer: profile.issuer, inResponseTo: profile.inResponseTo, email: profile.IDPEmail};
  },

  // parse asks samlify's service provider.
  async parse({message, certificate, issuer}) {
    const idp = samlify.IdentityProvider({entityID: issuer, signingCert: certificate,
      singleSignOnService: [{Binding: namespace.binding.post, Location: 'https://sso.example.com/saml2/m365'}]});
    const sp = samlify.ServiceProvider({entityID: audience, assertionConsumerService: post, wantAssertionsSigned: true});
    const {extract} = await sp.parseLoginResponse(idp, 'post', {body: {SAMLResponse: message}});
    return {nameID: extract.nameID, issuer: [].concat(extract.issuer)[0], audience: extract.audience};
  },

  // read lets samlify's identity provider read a request.
  async read({form, query, certificate}) {
    const signed = Boolean(certificate);
    const idp = samlify.IdentityProvider({entityID: 'https://example.com', wantAuthnRequestsSigned: signed,
      singleSignOnService: [namespace.binding.post, namespace.binding.redirect].map(
        (Binding) => ({Binding, Location: 'https://sso.example.com/'}))});
    const sp = samlify.ServiceProvider({entityID: audience, assertionConsumerService: post, authnRequestsSigned: signed,
      ...(signed ? {signingCert: certificate} : {})});
    let request = {body: form};
    if (query) {
      // What the signature covers is the query as it was sent, up to it.
      request = {query: Object.fromEntries(new URLSearchParams(query)), octetString: query.replace(/&Signature=.*$/, '')};
    }
    const {extract} = await idp.parseLoginRequest(sp, query ? 'redirect' : 'post', request);
    return {id: extract.request.id, issuer: extract.issuer, policy: (extract.nameIDPolicy || {}).format || ''};
  },
};

(async () => {
  for await (const line of readline.createInterface({input: process.stdin})) {
    let answer;
    try {
      const {call, args} = JSON.parse(line);
      answer = await calls[call](args);
    } catch (err) {
      answer = {error: String((err && err.message) || err)};
    }
    process.stdout.write(JSON.stringify(answer) + '\n');
  }
})();

// Programs that send their users here to sign in, played by clients that nobody here wrote: openid-client and oauth4webapi.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';

import { browserMissing, openBrowser } from './support/browser.mjs';
import { npmMissing } from './support/npm.mjs';
import { slowness } from './support/server.mjs';
import { ask, browse, cookieOf, me, PASSWORD, setUp, signIn, startAuth } from './support/signin.mjs';

const timeout = 60_000 * slowness;
const AUTH = '/api/v1/auth';
const CALLBACK = 'https://app.example.org/callback';
const LOOPBACK = 'http://127.0.0.1/callback';

let server, ann, token, client, other;
before(async () => {
  server = await startAuth();
  ann = await setUp(server);
  token = (await signIn(server)).access_token;
  const register = async (name, redirect_uris) => {
    const made = await ask(server, `${AUTH}/clients`, { token, json: { name, redirect_uris } });
    assert.equal(made.status, 201, made.text);
    return made.json.id;
  };
  client = await register('Time <b>app</b>', [CALLBACK, LOOPBACK, 'com.example.app:/callback']);
  other = await register('Other', ['https://other.example.org/callback']);
}, { timeout });
after(() => server?.stop(), { timeout });

// ---- somebody at a browser without scripts ----

const unescape = (text) => text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&');
const hidden = (page) => Object.fromEntries([...page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)].map(([, name, value]) => [name, unescape(value)]));

// The page behind an authorization URL: { page, fields, cookie }.
async function openForm(url, { cookie } = {}) {
  const reply = await ask(server, String(url).replace(server.url, ''), { cookie });
  assert.equal(reply.status, 200, reply.text);
  return { page: reply.text, headers: reply.headers, fields: hidden(reply.text), cookie: [cookie, cookieOf(reply, '__Host-dowel-login')].filter(Boolean).join('; ') };
}

const send = (form, more) => ask(server, `${AUTH}/authorize`, { form: { ...form.fields, ...more }, cookie: form.cookie });

// Signs in behind the URL: where the browser is sent to.
async function signInAt(url, { email = 'ann@example.org', password = PASSWORD } = {}) {
  const reply = await send(await openForm(url), { action: 'password', email, password });
  assert.equal(reply.status, 303, reply.text);
  return new URL(reply.headers.get('location'));
}

const S256 = (verifier) => createHash('sha256').update(verifier).digest('base64url');
const newVerifier = () => randomBytes(32).toString('base64url');

function authorizeUrl(change = {}) {
  const query = { response_type: 'code', client_id: client, redirect_uri: CALLBACK, state: 's 1&2', code_challenge: S256('x'.repeat(43)), code_challenge_method: 'S256', ...change };
  for (const name of Object.keys(query)) if (query[name] === undefined) delete query[name];
  return `${AUTH}/authorize?${new URLSearchParams(query)}`;
}

const exchange = (form) => ask(server, `${AUTH}/token`, { form: { grant_type: 'authorization_code', client_id: client, redirect_uri: CALLBACK, ...form } });

// A code and its verifier.
async function newCode(change) {
  const verifier = newVerifier();
  const back = await signInAt(authorizeUrl({ code_challenge: S256(verifier), ...change }));
  return { code: back.searchParams.get('code'), code_verifier: verifier };
}

// ---- clients from npm ----

describe('oauth4webapi', { timeout, skip: npmMissing }, () => {
  let oauth, as, insecure;
  const us = () => ({ client_id: client });
  before(async () => {
    oauth = await import('oauth4webapi');
    insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(server.url);
    as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }));
  }, { timeout });

  async function authorize({ redirect_uri = CALLBACK } = {}) {
    const verifier = oauth.generateRandomCodeVerifier(), state = oauth.generateRandomState();
    const url = new URL(as.authorization_endpoint);
    for (const [name, value] of Object.entries({ client_id: client, redirect_uri, response_type: 'code', state, code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' })) url.searchParams.set(name, value);
    const back = await signInAt(url);
    return { verifier, redirect_uri, parameters: oauth.validateAuthResponse(as, us(), back, state) };
  }

  const grant = async ({ parameters, redirect_uri, verifier }, by = us()) => oauth.processAuthorizationCodeResponse(as, by, await oauth.authorizationCodeGrantRequest(as, by, oauth.None(), parameters, redirect_uri, verifier, insecure));

  test('signs in, refreshes, and gives its tokens back', async () => {
    const tokens = await grant(await authorize());
    assert.equal((await me(server, tokens.access_token)).json.user.id, ann.user_id);
    const next = await oauth.processRefreshTokenResponse(as, us(), await oauth.refreshTokenGrantRequest(as, us(), oauth.None(), tokens.refresh_token, insecure));
    assert.notEqual(next.refresh_token, tokens.refresh_token);
    assert.equal((await me(server, next.access_token)).status, 200);
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, us(), oauth.None(), next.refresh_token, insecure));
    assert.equal((await me(server, next.access_token)).status, 401);
    await assert.rejects(async () => oauth.processRefreshTokenResponse(as, us(), await oauth.refreshTokenGrantRequest(as, us(), oauth.None(), next.refresh_token, insecure)), { error: 'invalid_grant' });
  });

  test('reads access tokens by the published keys', async () => {
    const { createRemoteJWKSet, jwtVerify } = await import('jose');
    const tokens = await grant(await authorize());
    const { payload, protectedHeader } = await jwtVerify(tokens.access_token, createRemoteJWKSet(new URL(as.jwks_uri)), { typ: 'at+jwt' });
    assert.equal(payload.sub, ann.user_id);
    assert.equal(payload.client_id, client);
    assert.equal(protectedHeader.alg, 'ES256');
  });

  test('is told why not, as it understands it', async () => {
    const wrong = await authorize();
    await assert.rejects(() => grant({ ...wrong, verifier: oauth.generateRandomCodeVerifier() }), { error: 'invalid_grant' });
    await assert.rejects(() => grant(wrong), { error: 'invalid_grant' }, 'a wrong verifier has used it up');
    const twice = await authorize();
    await grant(twice);
    await assert.rejects(() => grant(twice), { error: 'invalid_grant' });
    await assert.rejects(async () => grant({ ...(await authorize()), redirect_uri: 'https://evil.example.org/callback' }), { error: 'invalid_grant' });
    await assert.rejects(async () => grant(await authorize(), { client_id: other }), { error: 'invalid_grant' });
    await assert.rejects(async () => grant(await authorize(), { client_id: '0190a0a0-0000-7000-8000-00000000000a' }), { error: 'invalid_client', status: 400 });
  });
});

describe('openid-client', { timeout, skip: npmMissing }, () => {
  let openid, config;
  before(async () => {
    openid = await import('openid-client');
    config = await openid.discovery(new URL(server.url), client, undefined, openid.None(), { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] });
  }, { timeout });

  async function authorize(redirect_uri) {
    const pkceCodeVerifier = openid.randomPKCECodeVerifier(), expectedState = openid.randomState();
    const url = openid.buildAuthorizationUrl(config, { redirect_uri, scope: 'users.read roles.read', state: expectedState, code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256' });
    return { back: await signInAt(url), checks: { pkceCodeVerifier, expectedState } };
  }

  test('signs in from a program on a desk, whose port nobody knew', async () => {
    for (const redirect of ['http://127.0.0.1:49152/callback', LOOPBACK, 'com.example.app:/callback']) {
      const { back, checks } = await authorize(redirect);
      assert.ok(back.href.startsWith(`${redirect}?`), back.href);
      const tokens = await openid.authorizationCodeGrant(config, back, checks);
      assert.equal(tokens.scope, 'users.read roles.read');
      assert.deepEqual((await me(server, tokens.access_token)).json.permissions, ['roles.read', 'users.read']);
      const next = await openid.refreshTokenGrant(config, tokens.refresh_token);
      await openid.tokenRevocation(config, next.refresh_token);
      await assert.rejects(() => openid.refreshTokenGrant(config, next.refresh_token), { error: 'invalid_grant' });
    }
  });

  test('notices who else answers: another state, another issuer', async () => {
    const { back, checks } = await authorize(CALLBACK);
    const forged = new URL(back);
    forged.searchParams.set('iss', 'https://evil.example.org');
    await assert.rejects(() => openid.authorizationCodeGrant(config, forged, checks));
    await assert.rejects(() => openid.authorizationCodeGrant(config, back, { ...checks, expectedState: 'another' }));
    await assert.rejects(() => openid.authorizationCodeGrant(config, back, { ...checks, pkceCodeVerifier: openid.randomPKCECodeVerifier() }), { error: 'invalid_grant' });
  });

  test('is sent back with the reason when somebody refuses', async () => {
    const url = openid.buildAuthorizationUrl(config, { redirect_uri: CALLBACK, state: 's', code_challenge: S256('x'.repeat(43)), code_challenge_method: 'S256' });
    const reply = await send(await openForm(url), { action: 'cancel' });
    await assert.rejects(() => openid.authorizationCodeGrant(config, new URL(reply.headers.get('location')), { expectedState: 's', pkceCodeVerifier: 'x'.repeat(43) }), { error: 'access_denied' });
  });
});

// ---- what they do not try ----

describe('the page', { timeout }, () => {
  test('cannot be made to run anything, be framed or kept', async () => {
    const { page, headers } = await openForm(authorizeUrl({ state: '"><script>alert(1)</script>' }));
    assert.ok(!page.includes('<script') && !page.includes('<b>app'), page);
    assert.match(page, /Time &lt;b&gt;app&lt;\/b&gt;/);
    const policy = headers.get('content-security-policy');
    for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self' https://app.example.org"]) assert.ok(policy.includes(part), policy);
    assert.equal(headers.get('x-frame-options'), 'DENY');
    assert.equal(headers.get('cache-control'), 'no-store');
  });

  test('speaks German to who likes that better', async () => {
    const german = await ask(server, authorizeUrl(), { headers: { 'Accept-Language': 'de-AT,de;q=0.9,en;q=0.5' } });
    assert.match(german.text, /<html lang="de">[^]*Anmelden/);
    assert.match((await ask(server, authorizeUrl({ ui_locales: 'de' }))).text, /Passwort/);
    assert.match((await ask(server, authorizeUrl())).text, /<html lang="en">[^]*Sign in/);
  });

  test('is shown again when the password is wrong, and tells nobody who has an account', async () => {
    const answers = await Promise.all(['ann@example.org', 'nobody@example.org'].map(async (email) => send(await openForm(authorizeUrl()), { action: 'password', email, password: 'wrong' })));
    for (const reply of answers) assert.equal(reply.status, 401);
    const text = (reply) => /role="alert">([^<]*)/.exec(reply.text)[1];
    assert.equal(text(answers[0]), text(answers[1]));
    assert.ok(!answers[0].text.includes('value="wrong"'));
  });

  test('takes nothing that another site has filled in', async () => {
    const form = await openForm(authorizeUrl());
    const good = { action: 'password', email: 'ann@example.org', password: PASSWORD };
    const another = await openForm(authorizeUrl());
    for (const change of [{ ...form, cookie: '' }, { ...form, fields: { ...form.fields, csrf: '' } }, { ...form, cookie: another.cookie }, { ...form, fields: { ...form.fields, csrf: another.fields.csrf } }]) {
      const reply = await send(change, good);
      assert.equal(reply.status, 403);
      assert.equal(reply.headers.get('location'), null);
    }
    const browser = await browse(server);
    const forged = await ask(server, `${AUTH}/authorize`, { form: { ...form.fields, csrf: browser.csrf, action: 'continue' }, cookie: browser.cookie });
    assert.equal(forged.status, 403, 'a session alone consents to nothing');
  });

  test('lets who has signed in go on with one click, and only in his browser', async () => {
    const browser = await browse(server);
    const form = await openForm(authorizeUrl(), { cookie: browser.cookie });
    assert.match(form.page, /Continue as Ann/);
    assert.ok(!form.page.includes('type="password"'));
    const reply = await send(form, { action: 'continue' });
    assert.equal(reply.status, 303, reply.text);
    assert.ok(new URL(reply.headers.get('location')).searchParams.get('code'));
    const without = await openForm(authorizeUrl());
    assert.equal((await send(without, { action: 'continue' })).status, 401);
    const elsewhere = unescape(/<a href="([^"]*)"/.exec(form.page)[1]);
    assert.match((await openForm(`${AUTH}/${elsewhere}`, { cookie: browser.cookie })).page, /type="password"/);
  });

  test('sends nothing to who is not known, and to no address that is not registered', async () => {
    const wrong = [{ client_id: 'no-such' }, { client_id: undefined }, { redirect_uri: undefined }, ...['https://evil.example.org/callback', `${CALLBACK}/`, `${CALLBACK}?x=1`, 'https://app.example.org.evil.org/callback', 'https://app.example.org/callbac', 'http://app.example.org/callback', 'http://127.0.0.1:1234/other', 'http://127.0.0.1:123456/callback', 'http://127.0.0.1.evil.org/callback', 'http://127.0.0.1:1@evil.org/callback', 'http://[::1]/callback', 'http://localhost/callback', 'com.example.app:/other', 'https://other.example.org/callback', 'javascript:alert(1)', ''].map((redirect_uri) => ({ redirect_uri }))];
    for (const change of wrong) {
      const reply = await ask(server, authorizeUrl(change));
      assert.equal(reply.status, 400, JSON.stringify(change));
      assert.equal(reply.headers.get('location'), null);
      assert.match(reply.headers.get('content-type'), /^text\/html/);
      const posted = await send(await openForm(authorizeUrl()), { ...change, ...(change.client_id === undefined && 'client_id' in change && { client_id: '' }), ...(change.redirect_uri === undefined && 'redirect_uri' in change && { redirect_uri: '' }), action: 'password', email: 'ann@example.org', password: PASSWORD });
      assert.equal(posted.status, 400, JSON.stringify(change));
    }
  });

  test('sends back what is wrong with the question, with state and iss', async () => {
    const cases = [
      [{ response_type: 'token' }, 'unsupported_response_type'],
      [{ response_type: undefined }, 'unsupported_response_type'],
      [{ code_challenge: undefined }, 'invalid_request'],
      [{ code_challenge_method: 'plain' }, 'invalid_request'],
      [{ code_challenge_method: undefined }, 'invalid_request'],
      [{ code_challenge: 'short' }, 'invalid_request'],
      [{ scope: 'no.such' }, 'invalid_scope'],
      [{ prompt: 'none' }, 'login_required'],
    ];
    for (const [change, error] of cases) {
      const reply = await ask(server, authorizeUrl({ ...change, nonce: 'n', resource: 'r' }));
      assert.equal(reply.status, 303, JSON.stringify(change));
      const back = new URL(reply.headers.get('location'));
      assert.equal(back.origin + back.pathname, CALLBACK);
      assert.deepEqual([back.searchParams.get('error'), back.searchParams.get('state'), back.searchParams.get('iss')], [error, 's 1&2', server.url]);
    }
  });
});

describe('a code', { timeout }, () => {
  test('is good once; a second time ends what it was exchanged for', async () => {
    const proof = await newCode();
    const tokens = (await exchange(proof)).json;
    assert.equal((await me(server, tokens.access_token)).status, 200);
    assert.equal((await ask(server, `${AUTH}/keys`, { token: tokens.access_token, json: { name: 'x' } })).status, 403, 'a program makes itself no keys');
    const again = await exchange(proof);
    assert.deepEqual([again.status, again.json.error], [400, 'invalid_grant']);
    assert.equal((await me(server, tokens.access_token)).status, 401);
    assert.equal((await ask(server, `${AUTH}/token`, { form: { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id: client } })).json.error, 'invalid_grant');
  });

  test('of which two are exchanged at once gives one session', async () => {
    const proof = await newCode();
    const replies = await Promise.all(Array.from({ length: 8 }, () => exchange(proof)));
    assert.ok(replies.filter((reply) => reply.status === 200).length <= 1);
    assert.ok(replies.every((reply) => reply.status === 200 || reply.json.error === 'invalid_grant'));
  });

  test('wants the verifier of its challenge', async () => {
    const { code, code_verifier } = await newCode();
    assert.equal((await exchange({ code })).json.error, 'invalid_request');
    assert.equal((await exchange({ code, code_verifier: S256(code_verifier) })).json.error, 'invalid_grant', 'which is not the challenge itself');
    assert.equal((await exchange({ code, code_verifier })).json.error, 'invalid_grant', 'and now it is used up');
    const short = await newCode({ code_challenge: S256('x') });
    assert.equal((await exchange({ code: short.code, code_verifier: 'x' })).json.error, 'invalid_grant', 'of at least 43 characters');
  });

  test('and its refresh tokens are its client\'s', async () => {
    const { refresh_token } = (await exchange(await newCode())).json;
    const by = (client_id) => ask(server, `${AUTH}/token`, { form: { grant_type: 'refresh_token', refresh_token, ...(client_id && { client_id }) } });
    assert.equal((await by(other)).json.error, 'invalid_grant');
    assert.equal((await by()).json.error, 'invalid_grant');
    assert.equal((await by(client)).status, 200);
  });

  test('is not given out when the password changed while the page was open', async () => {
    const proof = await newCode();
    const changed = await ask(server, `${AUTH}/password`, { json: { email: 'ann@example.org', password: PASSWORD, new_password: `${PASSWORD}!` } });
    assert.equal(changed.status, 204, changed.text);
    assert.equal((await exchange(proof)).json.error, 'invalid_grant');
    const back = await ask(server, `${AUTH}/password`, { json: { email: 'ann@example.org', password: `${PASSWORD}!`, new_password: PASSWORD } });
    assert.equal(back.status, 204, back.text);
    token = (await signIn(server)).access_token;
  });
});

describe('a client', { timeout }, () => {
  const register = (json) => ask(server, `${AUTH}/clients`, { token, json: { name: 'x', ...json } });

  test('is registered by operators, with addresses that are its own', async () => {
    for (const uri of ['http://app.example.org/', 'https://', 'https:///x', 'https://user@app.example.org/', 'https://app.example.org/#x', 'javascript:alert(1)', 'myapp:/x', 'com.example.app://x y', 'data:text/html,x', 'http://127.0.0.1.evil.org/', '/callback', 'http://[::1]:x/', ''])
      assert.equal((await register({ redirect_uris: [uri] })).status, 422, uri);
    for (const uri of ['https://app.example.org:8443/x?y=z', 'http://[::1]/x', 'http://127.0.0.1:5000/x', 'http://localhost:3000/x', 'com.example.app:/x']) assert.equal((await register({ redirect_uris: [uri] })).status, 201, uri);
    const wrong = await register({ redirect_uris: ['https://a.example.org/', 'ftp://x'] });
    assert.equal(wrong.json.errors[0].pointer, '#/redirect_uris/1');
    assert.equal((await ask(server, `${AUTH}/clients`)).status, 401);
  });

  test('that is taken away takes its sessions along', async () => {
    const made = (await register({ redirect_uris: [CALLBACK] })).json.id;
    const verifier = newVerifier();
    const back = await signInAt(authorizeUrl({ client_id: made, code_challenge: S256(verifier) }));
    const tokens = (await exchange({ client_id: made, code: back.searchParams.get('code'), code_verifier: verifier })).json;
    assert.equal((await me(server, tokens.access_token)).status, 200);
    const listed = (await ask(server, `${AUTH}/sessions`, { token })).json.items.find((one) => one.client_id === made);
    assert.equal(listed.client_name, 'x');
    assert.equal((await ask(server, `${AUTH}/clients/${made}`, { method: 'DELETE', token })).status, 204);
    assert.equal((await me(server, tokens.access_token)).status, 401);
    assert.equal((await ask(server, `${AUTH}/clients/${made}`, { method: 'DELETE', token })).status, 404);
  });
});

// ---- with a real browser ----

test('in a browser: a program on the desk gets its code', { timeout, skip: browserMissing }, async () => {
  const arrived = [];
  const desk = createServer((request, response) => {
    arrived.push(new URL(request.url, 'http://127.0.0.1'));
    response.end('<p>Back in the program.</p>');
  });
  await new Promise((listening) => desk.listen(0, '127.0.0.1', listening));
  const browser = await openBrowser();
  try {
    const redirect_uri = `http://127.0.0.1:${desk.address().port}/callback`, verifier = newVerifier();
    const page = await (await browser.newContext({ locale: 'de-DE', javaScriptEnabled: false })).newPage();
    await page.goto(server.url + authorizeUrl({ redirect_uri, code_challenge: S256(verifier) }));
    await page.fill('input[name=email]', 'ann@example.org');
    await page.fill('input[name=password]', 'nicht das richtige');
    await page.click('button:has-text("Anmelden")');
    assert.match(await page.textContent('[role=alert]'), /stimmen nicht/);
    assert.equal(await page.inputValue('input[name=email]'), 'ann@example.org');
    await page.fill('input[name=password]', PASSWORD);
    await page.click('button:has-text("Anmelden")');
    await page.waitForURL(`${redirect_uri}**`);
    const code = arrived.find((url) => url.pathname === '/callback').searchParams.get('code');
    const tokens = await exchange({ code, code_verifier: verifier, redirect_uri });
    assert.equal((await me(server, tokens.json.access_token)).json.user.email, 'ann@example.org');
  } finally {
    await browser.close();
    desk.closeAllConnections();
    await new Promise((closed) => desk.close(closed));
  }
});

// Signing in on a real server: tokens and what passes for them, refresh tokens, browsers' sessions, API keys, and that what was
// taken away is gone within a second, on every server.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createDecipheriv, createHmac, createPrivateKey, createPublicKey, createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { engines, sql } from './support/database.mjs';
import { command, logged, pluginFolder } from './support/plugins.mjs';
import { binaryOf, preset, root, slowness, temporaryFolder, until } from './support/server.mjs';
import { addUser, ask, browse, cookieOf, me, PASSWORD, setUp, signIn, startAuth } from './support/signin.mjs';

const timeout = 120_000 * slowness;
const SOON = 3000 * slowness; // within a second, and what a busy machine takes besides
const AUTH = '/api/v1/auth';

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const partsOf = (token) => token.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
const refresh = (server, refresh_token, more = {}) => ask(server, `${AUTH}/token`, { form: { grant_type: 'refresh_token', refresh_token, ...more } });

// Of a secret nobody must find a trace in the log.
function assertNotLogged(server, ...secrets) {
  for (const secret of secrets) assert.ok(!server.stderr.includes(secret), `the log has ${secret.slice(0, 12)}...`);
}

// What the server has sealed (a Fernet token), with its key.
function unseal(secret, sealed) {
  const bytes = Buffer.from(sealed, 'base64url'), key = Buffer.from(secret, 'base64url');
  const decipher = createDecipheriv('aes-128-cbc', key.subarray(16), bytes.subarray(9, 25));
  return Buffer.concat([decipher.update(bytes.subarray(25, -32)), decipher.final()]).toString();
}

for (const engine of engines) {
  describe(`signing in, on ${engine.name}`, { timeout, skip: engine.skip }, () => {
    let server, database, ann;
    before(async () => {
      database = await engine.make();
      server = await startAuth({ database });
      ann = await setUp(server);
    }, { timeout });
    after(async () => {
      await server?.stop();
      await database?.drop();
    }, { timeout });

    test('with JSON: tokens, and who one is', async () => {
      const tokens = await signIn(server);
      assert.equal(tokens.token_type, 'Bearer');
      assert.equal(tokens.expires_in, 900);
      const [header, claims] = partsOf(tokens.access_token);
      assert.equal(header.typ, 'at+jwt');
      assert.equal(header.alg, 'ES256');
      assert.equal(claims.sub, ann.user_id);
      assert.equal(claims.tenant, ann.tenant_id);
      assert.equal(claims.exp - claims.iat, 900);
      assert.ok(!('permissions' in claims));
      const mine = await me(server, tokens.access_token);
      assert.equal(mine.status, 200, mine.text);
      assert.equal(mine.json.user.id, ann.user_id);
      assert.equal(mine.json.tenant.id, ann.tenant_id);
      assert.equal(mine.json.credential, 'token');
      assert.ok(mine.json.permissions.includes('users.manage'));
      assert.equal(mine.headers.get('cache-control'), 'no-store');
      assertNotLogged(server, tokens.access_token, tokens.refresh_token, PASSWORD);
    });

    test('with the form, where older clients look for it too', async () => {
      for (const path of [`${AUTH}/token`, '/token']) {
        const reply = await ask(server, path, { form: { username: 'ann@example.org', password: PASSWORD } });
        assert.equal(reply.status, 200, reply.text);
        assert.equal(reply.headers.get('cache-control'), 'no-store');
        assert.equal((await me(server, reply.json.access_token)).status, 200);
      }
      for (const path of ['/auth/login', `${AUTH}/login`]) {
        const reply = await ask(server, path, { json: { email: 'ann@example.org', password: PASSWORD } });
        assert.equal(reply.status, 200, reply.text);
        assert.equal((await ask(server, '/auth/me', { token: reply.json.access_token })).json.user.email, 'ann@example.org');
      }
    });

    test('what is wrong is told as OAuth wants it, and as a problem', async () => {
      const wrong = await ask(server, `${AUTH}/token`, { form: { grant_type: 'password', username: 'ann@example.org', password: 'no' } });
      assert.equal(wrong.status, 400);
      assert.equal(wrong.json.error, 'invalid_grant');
      assert.equal(wrong.json.type, '/problems/bad-request');
      assert.ok(wrong.json.detail && wrong.json.error_description && wrong.json.instance);
      const unknown = await ask(server, `${AUTH}/token`, { form: { username: 'eve@example.org', password: 'no' } });
      assert.deepEqual([unknown.status, unknown.json.error_description], [400, wrong.json.error_description], 'whether there is an account is nobody\'s to know');
      const cases = [
        [{}, 'invalid_request'],
        [{ grant_type: 'password', username: 'ann@example.org' }, 'invalid_request'],
        [{ grant_type: 'client_credentials' }, 'unsupported_grant_type'],
        [{ grant_type: 'refresh_token' }, 'invalid_request'],
        [{ grant_type: 'refresh_token', refresh_token: 'dwr_x' }, 'invalid_grant'],
        [{ grant_type: 'authorization_code', code: 'x' }, 'invalid_request'],
        [{ username: 'ann@example.org', password: PASSWORD, scope: 'no.such' }, 'invalid_scope'],
        [{ grant_type: 'refresh_token', refresh_token: 'x', client_secret: 's' }, 'invalid_client'],
      ];
      for (const [form, error] of cases) {
        const reply = await ask(server, `${AUTH}/token`, { form: { more: 'is ignored', ...form } });
        assert.equal(reply.json.error, error, JSON.stringify(form));
        assert.equal(reply.status, 400);
      }
      const basic = await ask(server, `${AUTH}/token`, { form: { grant_type: 'refresh_token', refresh_token: 'x' }, headers: { Authorization: `Basic ${Buffer.from('a:b').toString('base64')}` } });
      assert.deepEqual([basic.status, basic.json.error], [401, 'invalid_client']);
      assert.match(basic.headers.get('www-authenticate'), /^Basic /);
      const german = await ask(server, `${AUTH}/token`, { form: {}, headers: { 'Accept-Language': 'de, en;q=0.5' } });
      assert.deepEqual([german.json.title, german.headers.get('content-language')], ['Fehlerhafte Anfrage', 'de']);
      assert.match(german.json.detail, /fehlt/);
      assert.match(german.json.error_description, /missing/, 'RFC 6749 takes ASCII only there');
      const beyond = await ask(server, `${AUTH}/token`, { form: { username: 'ann@example.org', password: PASSWORD, scope: 'no.such' }, headers: { 'Accept-Language': 'de' } });
      assert.match(beyond.json.detail, /^diese Berechtigung gibt es nicht/);
      assert.match(beyond.json.error_description, /^there is no such permission/);
      const json = await ask(server, `${AUTH}/login`, { json: { email: 'ann@example.org', password: 'no' } });
      assert.deepEqual([json.status, json.headers.get('content-type')], [401, 'application/problem+json']);
    });

    test('says why not in German to whom that is dearer', async () => {
      const headers = { 'Accept-Language': 'de-DE, en;q=0.7' };
      const wrong = await ask(server, `${AUTH}/login`, { json: { email: 'ann@example.org', password: 'no' }, headers });
      assert.deepEqual([wrong.status, wrong.json.detail], [401, 'E-Mail-Adresse oder Passwort stimmen nicht']);
      assert.equal(wrong.headers.get('content-language'), 'de');
      const forged = await ask(server, '/auth/me', { token: 'eyJhbGciOiJub25lIn0.e30.', headers });
      assert.equal(forged.json.detail, 'das Token gilt nicht: das ist kein unterschriebenes JWT mit höchstens 8192 Zeichen');
      const scope = await ask(server, `${AUTH}/login`, { json: { email: 'ann@example.org', password: PASSWORD, scope: 'no.such' }, headers });
      assert.deepEqual(scope.json.errors, [{ pointer: '#/scope', detail: 'diese Berechtigung gibt es nicht; /api/v1/permissions zählt sie auf (scope: no.such)' }]);
      const english = await ask(server, `${AUTH}/login`, { json: { email: 'ann@example.org', password: 'no' } });
      assert.equal(english.json.detail, 'the address or the password is wrong');
    });

    // ---- what passes for a token ----

    describe('a token', { timeout }, () => {
      let token, header, claims, key;
      before(async () => {
        token = (await signIn(server)).access_token;
        [header, claims] = partsOf(token);
        const jwks = (await ask(server, '/.well-known/jwks.json')).json;
        key = jwks.keys.find((one) => one.kid === header.kid);
      });

      const refused = async (what, forged) => {
        const reply = await me(server, forged);
        assert.equal(reply.status, 401, `${what}: ${reply.text}`);
        assert.match(reply.headers.get('www-authenticate') ?? '', /^Bearer/);
      };
      const signedBy = (pair, head, body) => {
        const text = `${encode(head)}.${encode(body)}`;
        return `${text}.${createSign('sha256').update(text).sign({ key: pair.privateKey, dsaEncoding: 'ieee-p1363' }, 'base64url')}`;
      };

      test('is good as it is', async () => assert.equal((await me(server, token)).status, 200));

      test('without a signature is none', async () => {
        const rest = token.split('.')[1];
        for (const alg of ['none', 'None', 'NONE', 'nOnE']) {
          await refused(alg, `${encode({ ...header, alg })}.${rest}.`);
          await refused(alg, `${encode({ ...header, alg })}.${rest}.${token.split('.')[2]}`);
        }
        await refused('no signature', token.slice(0, token.lastIndexOf('.') + 1));
        await refused('two parts', token.slice(0, token.lastIndexOf('.')));
      });

      test('signed with the public key as a secret is none (RS256 or ES256 to HS256)', async () => {
        const pem = createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
        const der = createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'der' });
        for (const secret of [pem, pem.trim(), der, JSON.stringify(key), key.x]) {
          const text = `${encode({ ...header, alg: 'HS256' })}.${encode(claims)}`;
          await refused('HS256', `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`);
        }
      });

      test('that brings its own key, or says where to find one, is none', async () => {
        const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid: header.kid, alg: 'ES256' };
        await refused('jwk', signedBy(pair, { ...header, jwk }, claims));
        await refused('jku', signedBy(pair, { ...header, jku: `${server.url}/.well-known/jwks.json` }, claims));
        await refused('x5u', signedBy(pair, { ...header, x5u: 'http://127.0.0.1:1/cert' }, claims));
        await refused('another key', signedBy(pair, header, claims));
        await refused('crit', signedBy(pair, { ...header, crit: ['exp'] }, claims));
      });

      test('whose kid is a path, an address or SQL is none', async () => {
        const kids = ['../../../../dev/null', '/dev/null', "' OR '1'='1", 'http://127.0.0.1:1/key', '', '%00', `${header.kid}\u0000`, 'x'.repeat(5000), 7, null, ['a'], { a: 1 }];
        for (const kid of kids) {
          const text = `${encode({ ...header, alg: 'HS256', kid })}.${encode(claims)}`;
          await refused(`kid ${JSON.stringify(kid)?.slice(0, 40)}`, `${text}.${createHmac('sha256', '').update(text).digest('base64url')}`);
          await refused('with the old signature', `${encode({ ...header, kid })}.${token.split('.').slice(1).join('.')}`);
        }
      });

      test('that was changed is none', async () => {
        const [head, , signature] = token.split('.');
        for (const change of [{ sub: '0190a0a0-0000-7000-8000-00000000000a' }, { exp: claims.exp + 3600 }, { tenant: '0190a0a0-0000-7000-8000-00000000000b' }])
          await refused(JSON.stringify(change), `${head}.${encode({ ...claims, ...change })}.${signature}`);
      });

      test('of another kind is no access token', async () => {
        const { refresh_token } = await signIn(server);
        await refused('a refresh token', refresh_token);
        for (const text of ['x', 'a.b.c', 'ey.ey.ey', `${'x'.repeat(7000)}`, 'dwk_x', 'Bearer', randomBytes(40).toString('base64url')]) await refused(text.slice(0, 20), text);
      });
    });

    // ---- refresh tokens ----

    test('50 tabs refresh at once, again and again: all go on, with one successor', async () => {
      let { refresh_token } = await signIn(server);
      for (let round = 0; round < 20; round++) {
        const replies = await Promise.all(Array.from({ length: 50 }, () => refresh(server, refresh_token)));
        for (const reply of replies) assert.equal(reply.status, 200, `round ${round}: ${reply.text}`);
        const successors = new Set(replies.map((reply) => reply.json.refresh_token));
        assert.equal(successors.size, 1);
        for (const reply of replies.slice(0, 3)) assert.equal((await me(server, reply.json.access_token)).status, 200);
        assertNotLogged(server, refresh_token);
        [refresh_token] = successors;
      }
      assert.equal((await refresh(server, refresh_token)).status, 200);
    });

    test('a session that is limited stays so', async () => {
      const reply = await ask(server, `${AUTH}/token`, { form: { username: 'ann@example.org', password: PASSWORD, scope: 'roles.read users.*' } });
      assert.equal(reply.json.scope, 'roles.read users.*');
      const { access_token, refresh_token } = reply.json;
      assert.equal((await ask(server, '/api/v1/roles', { token: access_token })).status, 200);
      assert.equal((await ask(server, '/api/v1/users', { token: access_token })).status, 200);
      assert.equal((await ask(server, '/api/v1/tenants', { token: access_token })).status, 403);
      assert.deepEqual((await me(server, access_token)).json.permissions, ['roles.read', 'users.manage', 'users.read']);
      assert.equal((await ask(server, `${AUTH}/keys`, { token: access_token, json: { name: 'more' } })).status, 403, 'or a key would open what the session does not');
      const more = await refresh(server, refresh_token, { scope: 'tenant.manage' });
      assert.deepEqual([more.status, more.json.error], [400, 'invalid_scope']);
      const same = await refresh(server, refresh_token, { scope: 'roles.read' });
      assert.equal(same.status, 200, 'a scope that is refused costs nothing');
      assert.equal(same.json.scope, 'roles.read users.*');
    });

    // ---- browsers ----

    test('a browser gets a cookie that scripts cannot read', async () => {
      const browser = await browse(server);
      const field = browser.cookies.find((one) => one.startsWith('__Host-dowel='));
      for (const attribute of [/; Path=\/(;|$)/, /; Secure(;|$)/, /; HttpOnly(;|$)/, /; SameSite=Lax(;|$)/]) assert.match(field, attribute);
      assert.doesNotMatch(field, /Domain/i);
      assert.ok(!('access_token' in browser));
      const mine = await ask(server, `${AUTH}/me`, { cookie: browser.cookie });
      assert.equal(mine.status, 200, mine.text);
      assert.equal(mine.json.csrf_token, browser.csrf);
      assert.equal(mine.json.credential, 'browser');
      assertNotLogged(server, browser.cookie.split('=')[1], browser.csrf);
    });

    test('what changes something needs the csrf_token', async () => {
      const browser = await browse(server);
      const other = await browse(server);
      const make = (headers) => ask(server, `${AUTH}/keys`, { json: { name: 'from a browser' }, cookie: browser.cookie, headers });
      assert.equal((await make({})).status, 403);
      assert.equal((await make({ 'X-CSRF-Token': 'x' })).status, 403);
      assert.equal((await make({ 'X-CSRF-Token': other.csrf })).status, 403, 'another session\'s');
      assert.equal((await make({ 'X-CSRF-Token': browser.csrf })).status, 201);
      assert.equal((await ask(server, `${AUTH}/logout`, { method: 'POST', cookie: browser.cookie })).status, 403, 'nobody is signed out from elsewhere');
      assert.equal((await ask(server, `${AUTH}/me`, { cookie: browser.cookie })).status, 200, 'reading needs none');
      const form = await ask(server, `${AUTH}/login`, { form: { email: 'ann@example.org', password: PASSWORD, cookie: 'true' } });
      assert.equal(form.status, 415, 'another site\'s form signs nobody in here');
    });

    test('a cookie that was there before the log-in opens nothing (fixation)', async () => {
      const planted = `__Host-dowel=${randomBytes(32).toString('base64url')}`;
      const mine = await browse(server, { headers: { Cookie: planted } });
      assert.notEqual(mine.cookie, planted);
      assert.equal((await ask(server, `${AUTH}/me`, { cookie: planted })).status, 401);
      const again = await browse(server, { headers: { Cookie: mine.cookie } });
      assert.notEqual(again.cookie, mine.cookie);
      assert.equal((await ask(server, `${AUTH}/me`, { cookie: again.cookie })).status, 200);
    });

    test('logging out ends the session and takes the cookie', async () => {
      const browser = await browse(server);
      const out = await ask(server, '/auth/logout', { method: 'POST', cookie: browser.cookie, headers: { 'X-CSRF-Token': browser.csrf } });
      assert.equal(out.status, 204, out.text);
      assert.match(out.cookies.join(), /__Host-dowel=;.*Max-Age=0/);
      assert.equal((await ask(server, `${AUTH}/me`, { cookie: browser.cookie })).status, 401);
      const tokens = await signIn(server);
      assert.equal((await ask(server, `${AUTH}/logout`, { method: 'POST', token: tokens.access_token })).status, 204);
      assert.equal((await me(server, tokens.access_token)).status, 401);
      assert.equal((await refresh(server, tokens.refresh_token)).json.error, 'invalid_grant');
    });

    // ---- API keys ----

    test('an API key is good until it is revoked, and for no more than its scopes', async () => {
      const { access_token } = await signIn(server);
      const made = await ask(server, `${AUTH}/keys`, { token: access_token, json: { name: 'export', scopes: ['roles.read'], ends_at: new Date(Date.now() + 86_400_000).toISOString() } });
      assert.equal(made.status, 201, made.text);
      const { key, id } = made.json;
      assert.match(key, /^dwk_[0-9A-Za-z]{46}$/);
      assert.equal(made.json.hint, key.slice(0, 8));
      const mine = await me(server, key);
      assert.equal(mine.status, 200, mine.text);
      assert.deepEqual([mine.json.credential, mine.json.permissions], ['key', ['roles.read']]);
      assert.equal((await ask(server, '/api/v1/roles', { token: key })).status, 200);
      assert.equal((await ask(server, '/api/v1/users', { token: key })).status, 403);
      for (const [path, method] of [[`${AUTH}/keys`, 'GET'], [`${AUTH}/sessions`, 'GET'], [`${AUTH}/logout`, 'POST'], [`${AUTH}/keys/${id}`, 'DELETE']])
        assert.equal((await ask(server, path, { method, token: key })).status, 403, `${method} ${path}`);
      assert.equal((await ask(server, '/auth/switch', { token: key, json: { tenant: ann.tenant_id } })).status, 403);
      const listed = (await ask(server, `${AUTH}/keys`, { token: access_token })).json.items.find((one) => one.id === id);
      assert.deepEqual([listed.name, listed.scopes, listed.ends_soon, listed.used_from], ['export', 'roles.read', true, '127.0.0.1']);
      assert.ok(listed.used_at && !('key' in listed) && !('hash' in listed));
      for (const wrong of [`${key.slice(0, -1)}${key.at(-1) === 'a' ? 'b' : 'a'}`, key.toUpperCase(), `${key}x`, key.slice(0, -1), `dwk_${'a'.repeat(46)}`]) assert.equal((await me(server, wrong)).status, 401, wrong);
      assert.equal((await ask(server, `${AUTH}/keys/${id}`, { method: 'DELETE', token: access_token })).status, 204);
      assert.equal((await me(server, key)).status, 401);
      assert.equal((await ask(server, `${AUTH}/keys/${id}`, { method: 'DELETE', token: access_token })).status, 404);
      assertNotLogged(server, key);
    });

    test('a key that asks for what nobody has, or ends in the past, is not made', async () => {
      const { access_token } = await signIn(server);
      const make = (json) => ask(server, `${AUTH}/keys`, { token: access_token, json: { name: 'x', ...json } });
      for (const [json, pointer] of [[{ scopes: ['no.such'] }, '#/scopes'], [{ ends_at: '2020-01-01T00:00:00Z' }, '#/ends_at'], [{ scopes: [] }, '#/scopes'], [{ scopes: ['a b'] }, '#/scopes/0']]) {
        const reply = await make(json);
        assert.equal(reply.status, 422, reply.text);
        assert.equal(reply.json.errors[0].pointer, pointer);
      }
    });

    // ---- sessions ----

    test('sessions are listed and ended, also those of others by who may', async () => {
      const { access_token } = await signIn(server);
      const bob = await addUser(server, access_token, { email: 'bob@example.org' });
      const other = await signIn(server, { email: 'bob@example.org' });
      const own = (await ask(server, `${AUTH}/sessions`, { token: other.access_token })).json.items;
      assert.equal(own.filter((one) => one.is_current).length, 1);
      assert.equal(own.find((one) => one.is_current).address, '127.0.0.1');
      assert.equal((await ask(server, `${AUTH}/sessions?user_id=${ann.user_id}`, { token: other.access_token })).status, 403);
      const anns = (await ask(server, `${AUTH}/sessions`, { token: access_token })).json.items;
      assert.equal((await ask(server, `${AUTH}/sessions/${anns[0].id}`, { method: 'DELETE', token: other.access_token })).status, 404, 'another\'s is as unknown');
      assert.equal((await ask(server, `${AUTH}/keys?user_id=${ann.user_id}`, { token: other.access_token })).status, 403);
      const bobs = (await ask(server, `${AUTH}/sessions?user_id=${bob.id}`, { token: access_token })).json.items;
      const ended = bobs.find((one) => one.id === own.find((mine) => mine.is_current).id);
      assert.equal((await ask(server, `${AUTH}/sessions/${ended.id}`, { method: 'DELETE', token: access_token })).status, 204);
      assert.equal((await me(server, other.access_token)).status, 401);
      assert.equal((await refresh(server, other.refresh_token)).json.error, 'invalid_grant');
    });

    // ---- giving tokens back ----

    test('a token that is given back is good no longer, nor is its family', async () => {
      for (const which of ['refresh_token', 'access_token']) {
        const tokens = await signIn(server);
        assert.equal((await ask(server, `${AUTH}/revoke`, { form: { token: tokens[which], client_id: 'any' } })).status, 200);
        assert.equal((await me(server, tokens.access_token)).status, 401);
        assert.equal((await refresh(server, tokens.refresh_token)).json.error, 'invalid_grant');
      }
      assert.equal((await ask(server, `${AUTH}/revoke`, { form: { token: 'never heard of' } })).status, 200);
      assert.equal((await ask(server, `${AUTH}/revoke`, { form: {} })).json.error, 'invalid_request');
    });

    // ---- tenants ----

    test('switching: a browser moves with a new cookie, a program gets other tokens', async () => {
      const tokens = await signIn(server);
      const made = await ask(server, '/api/v1/tenants', { token: tokens.access_token, json: { name: `Globex ${engine.name}` } });
      assert.equal(made.status, 201, made.text);
      const tenant = made.json.id;
      const denied = await ask(server, '/auth/switch', { token: tokens.access_token, json: { tenant: 'no-such' } });
      assert.equal(denied.status, 403, denied.text);
      const moved = await ask(server, '/auth/switch', { token: tokens.access_token, json: { tenant: made.json.slug } });
      assert.equal(moved.status, 200, moved.text);
      assert.equal((await me(server, moved.json.access_token)).json.tenant.id, tenant);
      assert.equal((await me(server, tokens.access_token)).json.tenant.id, ann.tenant_id);
      const browser = await browse(server);
      const there = await ask(server, `${AUTH}/switch`, { cookie: browser.cookie, headers: { 'X-CSRF-Token': browser.csrf }, json: { tenant } });
      assert.equal(there.status, 200, there.text);
      assert.notEqual(cookieOf(there), browser.cookie);
      assert.notEqual(there.json.csrf_token, browser.csrf);
      assert.equal((await ask(server, `${AUTH}/me`, { cookie: browser.cookie })).status, 401);
      assert.equal((await ask(server, `${AUTH}/me`, { cookie: cookieOf(there) })).json.tenant.id, tenant);
    });
  });

  // ---- what other servers say and know ----

  describe(`two servers, on ${engine.name}`, { timeout, skip: engine.skip }, () => {
    const secret = randomBytes(32).toString('base64url') + '=';
    let servers = [], database, ann, token;
    const conf = 'public_url: https://desk.example.org\naudience: desk\n';
    before(async () => {
      database = await engine.make();
      const env = { SECRET_KEY: secret };
      servers.push(await startAuth({ database, auth: conf, env }));
      ann = await setUp(servers[0]);
      if (engine.isSqlite) servers.push(servers[0]);
      else servers.push(await startAuth({ database, auth: conf, env }));
      token = (await signIn(servers[0])).access_token;
    }, { timeout });
    after(async () => {
      for (const server of new Set(servers)) await server.stop();
      await database?.drop();
    }, { timeout });

    // Both have asked about it, and remember the answer.
    async function known(credential) {
      for (const server of servers) for (let i = 0; i < 2; i++) {
        const reply = await ask(server, `${AUTH}/me`, credential);
        assert.equal(reply.status, 200, reply.text);
      }
    }

    // What was done on the first is known to both within a second.
    async function gone(credential, status = 401) {
      const begun = Date.now();
      for (const server of servers) await until('it is refused', async () => (await ask(server, `${AUTH}/me`, credential)).status === status, { limit: SOON, every: 10 });
      return Date.now() - begun;
    }

    test('agree about the keys', async () => {
      const sets = await Promise.all(servers.map((server) => ask(server, '/.well-known/jwks.json')));
      assert.deepEqual(sets[0].json, sets[1].json);
      assert.equal(sets[0].json.keys.length, 1);
      for (const server of servers) {
        const other = await signIn(server);
        await known({ token: other.access_token });
      }
    });

    test('a token that is revoked, a session that ends, a key that is revoked', async () => {
      const one = await signIn(servers[0]);
      await known({ token: one.access_token });
      await ask(servers[0], `${AUTH}/revoke`, { form: { token: one.refresh_token } });
      await gone({ token: one.access_token });

      const browser = await browse(servers[0]);
      await known({ cookie: browser.cookie });
      await ask(servers[0], `${AUTH}/logout`, { method: 'POST', cookie: browser.cookie, headers: { 'X-CSRF-Token': browser.csrf } });
      await gone({ cookie: browser.cookie });

      const made = (await ask(servers[0], `${AUTH}/keys`, { token, json: { name: 'x' } })).json;
      await known({ token: made.key });
      await ask(servers[0], `${AUTH}/keys/${made.id}`, { method: 'DELETE', token });
      await gone({ token: made.key });
    });

    test('an account that is deactivated, a membership that ends, a password that changes', async () => {
      const bob = await addUser(servers[0], token, { email: 'bob@example.org' });
      const change = async (path, json) => {
        const now = await ask(servers[0], path, { token });
        const reply = await ask(servers[0], path, { method: 'PATCH', token, json, headers: { 'If-Match': now.headers.get('etag') } });
        assert.equal(reply.status, 200, reply.text);
      };
      const signed = async () => {
        const tokens = await signIn(servers[0], { email: 'bob@example.org' });
        const { key } = (await ask(servers[0], `${AUTH}/keys`, { token: tokens.access_token, json: { name: 'x' } })).json;
        await known({ token: tokens.access_token });
        await known({ token: key });
        return [{ token: tokens.access_token }, { token: key }];
      };
      let [session, key] = await signed();
      await change(`/api/v1/users/${bob.id}`, { active: false });
      await gone(session);
      await gone(key);
      await change(`/api/v1/users/${bob.id}`, { active: true });
      [session, key] = await signed();
      const other = await signIn(servers[0], { email: 'bob@example.org' });
      const changed = await ask(servers[0], `${AUTH}/password`, { token: other.access_token, json: { password: PASSWORD, new_password: `${PASSWORD}!` } });
      assert.equal(changed.status, 204, changed.text);
      await gone(session);
      await known(key); // a program does not stop because a person has a new password
      assert.equal((await me(servers[1], other.access_token)).status, 200, 'who has changed it stays');
    });

    test('a role that is taken away', async () => {
      await addUser(servers[0], token, { email: 'eve@example.org', roles: ['admin'] });
      const eve = await signIn(servers[0], { email: 'eve@example.org' });
      for (const server of servers) assert.equal((await ask(server, '/api/v1/users', { token: eve.access_token })).status, 200);
      const path = `/api/v1/members/${eve.user.id}`;
      const now = await ask(servers[0], path, { token });
      const reply = await ask(servers[0], path, { method: 'PATCH', token, json: { roles: ['viewer'] }, headers: { 'If-Match': now.headers.get('etag') } });
      assert.equal(reply.status, 200, reply.text);
      for (const server of servers) await until('she may not', async () => (await ask(server, '/api/v1/users', { method: 'POST', json: { email: 'x@example.org' }, token: eve.access_token })).status === 403, { limit: SOON, every: 10 });
    });

    // ---- signed by the right key, and wrong ----

    test('a token of ours with wrong claims is none', async () => {
      const [header, claims] = partsOf(token);
      const key = createPrivateKey(unseal(secret, await sql(servers[0], database, "SELECT secret FROM auth_signing_keys WHERE is_current")));
      const forge = (change, head = {}) => {
        const text = `${encode({ ...header, ...head })}.${encode({ ...claims, ...change })}`;
        return `${text}.${createSign('sha256').update(text).sign({ key, dsaEncoding: 'ieee-p1363' }, 'base64url')}`;
      };
      const now = Math.floor(Date.now() / 1000);
      const status = async (forged) => (await me(servers[1], forged)).status;
      assert.equal(await status(forge({})), 200, 'the test signs as the server does');
      const wrong = {
        'expired': forge({ exp: now - 60, iat: now - 960 }),
        'without an end': forge({ exp: undefined }),
        'with an end that is none': forge({ exp: 'tomorrow' }),
        'not good yet': forge({ nbf: now + 600 }),
        'of the future': forge({ iat: now + 600, exp: now + 900 }),
        'of another issuer': forge({ iss: 'https://evil.example.org' }),
        'of no issuer': forge({ iss: undefined }),
        'for others': forge({ aud: 'others' }),
        'for nobody': forge({ aud: [] }),
        'of another kind': forge({}, { typ: 'JWT' }),
        'of no kind': forge({}, { typ: undefined }),
        'of no session': forge({ sid: undefined }),
        'of a session that never was': forge({ sid: '0190a0a0-0000-7000-8000-00000000000a' }),
        'of a session that is no id': forge({ sid: "' OR 1=1 --" }),
        'of another user': forge({ sub: '0190a0a0-0000-7000-8000-00000000000a' }),
        'in another tenant': forge({ tenant: '0190a0a0-0000-7000-8000-00000000000a' }),
        'with another algorithm': forge({}, { alg: 'ES384' }),
      };
      for (const [what, forged] of Object.entries(wrong)) assert.equal(await status(forged), 401, what);
      assert.equal(await status(forge({ aud: ['others', 'desk'] })), 200, 'we may be one of several');
    });

    test('a key that is rotated at once refuses everywhere what it has signed; a session goes on with the next', async () => {
      const tokens = await signIn(servers[0]);
      await known({ token: tokens.access_token });
      const slow = await command(servers[0], 'key', 'rotate');
      assert.equal(slow.code, 0, slow.stderr);
      await known({ token: tokens.access_token });
      const next = await refresh(servers[1], tokens.refresh_token);
      assert.notEqual(partsOf(next.json.access_token)[0].kid, partsOf(tokens.access_token)[0].kid);
      await known({ token: next.json.access_token });
      const urgent = await command(servers[0], 'key', 'rotate', '--now');
      assert.equal(urgent.code, 0, urgent.stderr);
      await gone({ token: tokens.access_token });
      await gone({ token: next.json.access_token });
      const last = await refresh(servers[1], next.json.refresh_token);
      await known({ token: last.json.access_token });
      token = (await signIn(servers[0])).access_token;
    });

    test('a refresh token that comes again later ends its family', async () => {
      const tokens = await signIn(servers[0]);
      const next = (await refresh(servers[0], tokens.refresh_token)).json;
      await known({ token: next.access_token });
      await sql(servers[0], database, `UPDATE auth_refresh SET used_at = ${engine.isSqlite ? "'2026-01-01T00:00:00.000000Z'" : "now() - interval '11 seconds'"} WHERE used_at IS NOT NULL`);
      const again = await refresh(servers[1], tokens.refresh_token);
      assert.deepEqual([again.status, again.json.error], [400, 'invalid_grant']);
      await gone({ token: next.access_token });
      assert.equal((await refresh(servers[0], next.refresh_token)).json.error, 'invalid_grant');
      await logged(servers[1], { message: /used twice/ });
    });
  });
}

// ---- what other plugins recognise: plugins/auth/tests/badge ----

describe('a credential of another system', { timeout }, () => {
  let server, token;
  const badges = join(root, 'build', preset, 'badge');
  before(async () => {
    server = await startAuth({ plugins: { badge: '' }, folder: `${pluginFolder}, ${badges}` });
    await setUp(server);
    token = (await signIn(server)).access_token;
  }, { timeout });
  after(() => server?.stop(), { timeout });

  test('is good if a plugin knows it, for what that says', async () => {
    const mine = await me(server, 'badge:ann@example.org');
    assert.equal(mine.status, 200, mine.text);
    assert.deepEqual([mine.json.user.email, mine.json.credential, mine.json.permissions], ['ann@example.org', null, ['roles.read']]);
    assert.equal((await ask(server, '/api/v1/roles', { token: 'badge:ann@example.org' })).status, 200);
    assert.equal((await ask(server, '/api/v1/users', { token: 'badge:ann@example.org' })).status, 403);
    assert.equal((await ask(server, `${AUTH}/keys`, { token: 'badge:ann@example.org', json: { name: 'x' } })).status, 403, 'it makes no credentials of ours');
    const { tenant } = mine.json;
    assert.equal((await ask(server, `${AUTH}/switch`, { token: 'badge:ann@example.org', json: { tenant: tenant.id } })).status, 403, 'nor becomes one');
    assert.equal((await ask(server, `${AUTH}/logout`, { method: 'POST', token: 'badge:ann@example.org' })).status, 204);
  });

  test('is refused if nobody knows it, or whom it stands for', async () => {
    for (const other of ['ticket:ann@example.org', 'badge:', 'badge:nobody@example.org']) assert.equal((await me(server, other)).status, 401, other);
    assert.match((await me(server, 'badge:')).json.detail, /no name on it/);
    assert.equal((await me(server, 'badge:stuck')).status, 503, 'which is not to say that it is not good');
    assert.equal((await me(server, token)).status, 200);
  });
});

// The reader's commands, each on a server where Ann has signed in.
describe('docs/auth-tokens.md', { timeout }, () => {
  const page = readFileSync(join(root, 'docs/auth-tokens.md'), 'utf8');
  const lines = [...page.matchAll(/^```(sh|console)\n(.*?)^```$/gms)].flatMap(([, kind, text]) =>
    text.trim().split('\n').filter((line) => kind === 'sh' || line.startsWith('$ ')).map((line) => line.replace(/^\$ /, '')));
  const folder = temporaryFolder();
  let server, known;
  before(async () => {
    server = await startAuth();
    symlinkSync(server.configDir, join(folder, 'conf.d'));
    symlinkSync(server.dataDir, join(folder, 'var'));
    await setUp(server);
    const { access_token: TOKEN } = await signIn(server);
    const { refresh_token: REFRESH } = await signIn(server);
    const { id: KEY_ID } = (await ask(server, `${AUTH}/keys`, { token: TOKEN, json: { name: 'x' } })).json;
    known = { TOKEN, REFRESH, KEY_ID, PASSWORD, PATH: `${dirname(binaryOf())}:${process.env.PATH}` };
  }, { timeout });
  after(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, { timeout });

  test('has commands', () => assert.ok(lines.length >= 15, lines.join('\n')));
  for (const line of lines) {
    test(line, async () => {
      const here = line.replaceAll('http://127.0.0.1:8000', server.url);
      const { code, stdout, stderr } = await new Promise((resolve) => {
        execFile('sh', ['-c', here], { cwd: folder, env: known, timeout: 20_000 * slowness }, (error, out, err) => resolve({ code: error ? error.code : 0, stdout: out, stderr: err }));
      });
      assert.equal(code, 0, stdout + stderr);
      assert.doesNotMatch(stdout, /"status":[45]/);
    });
  }
});

// signin.mjs - a server with the plugin auth, and people who sign in there.

import assert from 'node:assert/strict';

import { logged, pluginFolder, startWith } from './plugins.mjs';

export const PASSWORD = 'correct horse battery';

// Fast: what a password costs is not what is tested.
const cheap = 'argon2_memory: 8\nargon2_passes: 1\nlockout_free: 1000\nlockout_free_address: 100000\n';

// Starts one. `database` is what engines[].make() gave; `auth` what conf.d/auth.yaml says besides.
export function startAuth({ database, auth = '', core = '', plugins = {}, ...options } = {}) {
  const url = database?.url ? `database_url: ${database.url}\n` : '';
  return startWith({ plugins: { auth: cheap + auth, ...plugins }, core: `${url}rate_limit: off\nroute_limits: false\ncheck_replies: true\n${core}`, folder: pluginFolder, ...options });
}

// A request: { status, headers, text, json, cookies }. form: x-www-form-urlencoded; json: JSON; token: Bearer.
export async function ask(server, path, { method, json, form, token, headers = {}, cookie } = {}) {
  const body = json !== undefined ? JSON.stringify(json) : form ? new URLSearchParams(form).toString() : undefined;
  const type = json !== undefined ? 'application/json' : 'application/x-www-form-urlencoded';
  const response = await fetch(server.url + path, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    redirect: 'manual',
    signal: AbortSignal.timeout(20_000),
    headers: { ...(body !== undefined && { 'Content-Type': type }), ...(token && { Authorization: `Bearer ${token}` }), ...(cookie && { Cookie: cookie }), ...headers },
    body,
  });
  const text = await response.text();
  const is = response.headers.get('content-type') ?? '';
  return { status: response.status, headers: response.headers, text, json: is.includes('json') ? JSON.parse(text) : undefined, cookies: response.headers.getSetCookie() };
}

// The value of a cookie that a reply set, as a Cookie field has it: "__Host-dowel=...".
export const cookieOf = (reply, name = '__Host-dowel') => reply.cookies.find((one) => one.startsWith(`${name}=`))?.split(';')[0];

// The first administrator, by the link that the server logs: { user_id, tenant_id, email }.
export async function setUp(server, { email = 'ann@example.org', password = PASSWORD, name = 'Ann', tenant = 'Acme' } = {}) {
  const line = await logged(server, { path: /setup\?token=/ });
  const token = /setup\?token=([\w-]+)/.exec(line.path)[1];
  const made = await ask(server, '/api/v1/auth/setup', { json: { token, email, password, name, tenant } });
  assert.equal(made.status, 201, made.text);
  return made.json;
}

// Tokens of a new session: { access_token, refresh_token, user, tenant... }.
export async function signIn(server, { email = 'ann@example.org', password = PASSWORD, ...more } = {}) {
  const reply = await ask(server, '/api/v1/auth/login', { json: { email, password, ...more } });
  assert.equal(reply.status, 200, reply.text);
  return reply.json;
}

// A browser's session: { cookie, csrf, ... }.
export async function browse(server, { email = 'ann@example.org', password = PASSWORD, headers } = {}) {
  const reply = await ask(server, '/api/v1/auth/login', { json: { email, password, cookie: true }, headers });
  assert.equal(reply.status, 200, reply.text);
  return { ...reply.json, cookie: cookieOf(reply), csrf: reply.json.csrf_token, cookies: reply.cookies };
}

export const me = (server, token) => ask(server, '/api/v1/auth/me', { token });

// Somebody who can sign in with PASSWORD: made by whose token that is, with the password changed as its owner has to: { id, email }.
export async function addUser(server, token, { email, name = email, roles = ['member'] }) {
  const made = await ask(server, '/api/v1/users', { token, json: { email, name, roles, password: `${PASSWORD} for now` } });
  assert.equal(made.status, 201, made.text);
  const changed = await ask(server, '/api/v1/auth/password', { json: { email, password: `${PASSWORD} for now`, new_password: PASSWORD } });
  assert.equal(changed.status, 204, changed.text);
  return made.json;
}

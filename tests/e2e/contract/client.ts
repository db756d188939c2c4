// client.ts - calls every tag of a server with all examples, through types that openapi-typescript made of its /openapi.json.
// contract.test.mjs compiles it with --strict and runs it: node client.js URL. It prints the tags that it has called.

import createClient from 'openapi-fetch';

import type { components, paths } from './contract.js';

type Problem = components['schemas']['Problem'];
type Note = components['schemas']['notes.Note'];

declare const process: { argv: string[] };

const client = createClient<paths>({ baseUrl: process.argv[2] ?? '' });
const id = '019c1322-8f40-7a3b-9d54-6f1b2c3d4e5f';
const called: string[] = [];

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

// What needs somebody who is signed in refuses this client, and says so as the document has it.
function refused(tag: string, { response, error }: { response: Response; error?: Problem }): void {
  check(response.status === 401 || response.status === 503, `${tag}: ${response.status}`);
  check(error !== undefined && error.status === response.status && error.title.length > 0, `${tag}: ${JSON.stringify(error)}`);
  called.push(tag);
}

function answered<T>(tag: string, { response, data }: { response: Response; data?: T }): T {
  check(response.ok && data !== undefined, `${tag}: ${response.status}`);
  called.push(tag);
  return data;
}

// ---- the server ----
const health = answered('server', await client.GET('/api/health'));
check(health.status === 'ok', health.status);
refused('audit', await client.GET('/api/v1/audit'));
refused('events', await client.GET('/api/v1/events', { params: { query: { name: 'shop.*', limit: 5 } } }));
refused('webhooks', await client.POST('/api/v1/webhooks', { body: { url: 'https://www.example.com/hook', events: ['shop.*'] } }));
refused('audit', await client.GET('/api/v1/audit', { params: { query: { action: 'auth.', limit: 5 } } }));
refused('connections', await client.GET('/api/v1/connectors'));
refused('connections', await client.POST('/api/v1/connections', { body: { kind: 'csv', name: 'Times', settings: { folder: '/srv/times' }, untested: true } }));
refused('connections', await client.PATCH('/api/v1/connections/{id}', { params: { path: { id }, header: { 'If-Match': '"1"' } }, body: { settings: { folder: null } } }));
refused('inbox', await client.GET('/api/v1/inbox', { params: { query: { state: 'failed' } } }));

// ---- signing in ----
const metadata = answered('oauth', await client.GET('/.well-known/oauth-authorization-server'));
check(metadata.response_types_supported.includes('code'), JSON.stringify(metadata));
const wrong = await client.POST('/api/v1/auth/login', { body: { email: 'ann@example.org', password: 'wrong', cookie: false } });
check(wrong.response.status === 401 && wrong.error?.status === 401, `sign-in: ${wrong.response.status}`);
refused('sign-in', await client.GET('/api/v1/auth/me'));
const setup = await client.POST('/api/v1/auth/setup', { body: { token: 'x', email: 'ann@example.org', password: 'correct horse battery', name: 'Ann', tenant: 'Acme' } });
check(setup.response.status === 403 && setup.error?.status === 403, `setup: ${setup.response.status}`);
called.push('setup');
refused('keys', await client.POST('/api/v1/auth/keys', { body: { name: 'export', scopes: ['notes.read'] } }));
refused('users', await client.GET('/api/v1/users'));
refused('members', await client.GET('/api/v1/members/{id}', { params: { path: { id } } }));
refused('roles', await client.GET('/api/v1/roles'));
refused('tenants', await client.GET('/api/v1/tenant'));

// ---- examples that anybody may call ----
const words = answered('cpp', await client.GET('/api/v1/words', { params: { query: { text: 'one two two' } } }));
check(words.two === 2, JSON.stringify(words));
const hello = answered('hello', await client.GET('/api/v1/hello', { params: { query: { name: 'Anna' } } }));
check(hello.text.includes('Anna'), hello.text);
const guest = answered('guest', await client.GET('/api/v1/guest', { params: { query: { name: 'Bert' } } }));
check(guest.greeting.includes('Bert'), guest.greeting);
const beat: number = answered('later', await client.GET('/api/v1/later')).beat;
check(Number.isInteger(beat), `${beat}`);
const sealed = answered('settings', await client.POST('/api/v1/settings/sealed', { body: { plain: 'a secret' } }));
const opened = answered('settings', await client.POST('/api/v1/settings/unsealed', { body: { sealed: sealed.sealed } }));
check(opened.plain === 'a secret', opened.plain);
const squares = await client.GET('/api/v1/squares', { params: { query: { rows: 3 } }, parseAs: 'text' });
check(answered('ticker', squares).includes('9'), `${squares.data}`);

// Nobody is at the door who would let anybody in, and the weather is nowhere to be asked: both say so with a problem.
const door = await client.POST('/api/v1/door/{name}', { params: { path: { name: 'nobody' } } });
check(door.response.status === 403 && door.error?.title !== undefined, `door: ${door.response.status}`);
called.push('door');
const weather = await client.GET('/api/v1/weather/{city}', { params: { path: { city: 'Bonn' } } });
check(!weather.response.ok && weather.error?.title !== undefined, `fetcher: ${weather.response.status}`);
called.push('fetcher');

// ---- examples that want a permission ----
refused('notes', await client.POST('/api/v1/notes', { body: { title: 'A note' } }));
refused('reminder', await client.GET('/api/v1/reminders/{id}', { params: { path: { id } } }));
refused('shop', await client.POST('/api/v1/shop/orders', { body: { customer: 'Miller', cents: 1990 } }));

// ---- the main job ----
refused('timesync', await client.POST('/api/v1/timesync/syncs', { body: { name: 'Main', source: id, target: id, rules: { zero: 'skip' }, zone: 'Europe/Berlin', enabled: true } }));
refused('timesync-runs', await client.POST('/api/v1/timesync/syncs/{id}/runs', { params: { path: { id } }, body: { kind: 'full', plan: true } }));
refused('timesync-runs', await client.GET('/api/v1/timesync/entries', { params: { query: { state: 'synced', q: 'router', limit: 5 } } }));
refused('timesync-cases', await client.POST('/api/v1/timesync/cases/decide', { body: { sync: id, reason: 'TARGET_CHANGED', action: 'keep' } }));
refused('timesync-mappings', await client.POST('/api/v1/timesync/mappings', { body: { sync: id, kind: 'activity', source: '3', target: '21', billable: 'no', settle: true } }));
refused('timesync-reports', await client.GET('/api/v1/timesync/reports/minutes', { params: { query: { by: ['customer', 'month'], from: '2026-11-01' } } }));

// ---- what does not compile is what the document says is wrong ----
// @ts-expect-error a note has a title
void (() => client.POST('/api/v1/notes', { body: {} }));
// @ts-expect-error If-Match is required
void (() => client.PATCH('/api/v1/notes/{id}', { params: { path: { id } }, body: { title: 'Other' } }));
// @ts-expect-error there is no such column to sort by
void (() => client.GET('/api/v1/notes', { params: { query: { sort: 'colour' } } }));
// @ts-expect-error there is no such path
void (() => client.GET('/api/v1/nothing'));
void ((note: Note): number => note.version);

console.log(JSON.stringify([...new Set(called)].sort()));

// The stand-in for Kimai answers as a real Kimai 2.66.0 did: every recorded pair of request and response, in order, in a state
// that is built as the record presupposes it. The record lies beside the vectors (DOWEL_VECTORS). Then what the record does not
// show: further rules, listings of 100,000 rows, and how it is steered. Faults: peer-faults.test.mjs.
// Presets: release

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { startKimai } from '../peers/kimai.mjs';
import { castOf } from '../peers/support/cast.mjs';
import { call, close, outputOf } from './support/peers.mjs';
import { root } from './support/server.mjs';

const reference = join(resolve(root, process.env.DOWEL_VECTORS ?? '../shared/vectors'), '../reference');
const record = join(reference, 'kimai-recorded.json');
const contract = join(reference, 'kimai-openapi.json');
const timeout = 60_000;

// ---- the record ----

describe('what was recorded', { skip: !existsSync(record) && `${record} is not there`, timeout }, () => {
  const pairs = existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) : [];

  // The record names no tokens. These were sent with one of agent1, who has ROLE_USER: its answers show no rates, and its forms
  // lack fixedRate, user, exported. One was sent with a token that is none. All others are an administrator's.
  const between = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const byAgent = new Set([...between(53, 65), 67, 68, 74, 78, ...between(80, 86), ...between(89, 92), 187, 196, 197]);
  const byNobody = new Set([52]);

  // What may differ: seq -> why. Status, keys and their order, types, ids, texts and places of errors are the same in all pairs.
  const tolerated = new Map();

  // Probes 1 to 5 are one database, each going on where the former ended; probe 8 is another one. now: the times in the answers.
  const stories = [
    {
      probes: [1, 2, 3, 4, 5],
      now: {
        1: '2026-11-21T03:02:00Z',
        2: '2026-11-21T03:02:10Z',
        3: '2026-11-21T03:02:20Z',
        4: '2026-11-21T03:03:05Z',
        5: '2026-11-21T03:03:10Z',
      },
      build: (kimai) => kimai.addUser({ username: 'agent1', email: 'agent1@example.com' }),
      change: { 4: (kimai) => kimai.control('PATCH', 'users/2', { timezone: 'Europe/Berlin' }) },
    },
    {
      probes: [8],
      now: { 8: '2026-11-21T03:14:00Z' },
      build: (kimai) => {
        kimai.addUser({ username: 'agent1', email: 'agent1@example.com', timezone: 'Europe/Berlin' });
        kimai.addCustomer({ name: 'Fast_Lane_Hardware' });
        for (const name of ['Helpdesk', 'Other']) kimai.addProject({ name, customer: 1 });
        kimai.addActivity({ name: 'Support' });
      },
    },
  ];

  async function replay(kimai, pair) {
    const token = byNobody.has(pair.seq) ? 'nobody' : byAgent.has(pair.seq) ? kimai.tokenOf('agent1') : kimai.token;
    const { status, body } = await call(kimai, pair.method, pair.path, { body: pair.request ?? undefined, token });
    const what = `${pair.seq}: ${pair.method} ${pair.path} ${JSON.stringify(pair.request)}`;
    assert.equal(status, pair.status, what);
    assert.deepEqual(body, pair.response, what);
    assert.equal(JSON.stringify(body), JSON.stringify(pair.response), `${what}: the order of the keys`);
  }

  let replayed = 0;
  for (const { probes, now, build, change = {} } of stories) {
    test(`probes ${probes.join(', ')}`, async (t) => {
      const kimai = await startKimai({ now: now[probes[0]] });
      t.after(() => kimai.stop());
      build(kimai);
      const defaults = kimai.config.all();
      for (const probe of probes) {
        kimai.clock.set(now[probe]);
        change[probe]?.(kimai);
        for (const pair of pairs.filter((one) => one.probe === probe && !tolerated.has(one.seq))) {
          kimai.config.set({ ...defaults, ...pair.config });
          await replay(kimai, pair);
          replayed++;
        }
      }
    });
  }

  test('none was left out', () => {
    assert.equal(replayed + tolerated.size, pairs.length);
    assert.equal(pairs.length, 159);
  });
});

// ---- rules that it lacks ----

const NOW = '2026-11-20T12:00:00Z';
let kimai;
let agent; // ROLE_USER, Berlin
let lead; // ROLE_TEAMLEAD, UTC
let manager; // ROLE_ADMIN, New York

async function fresh() {
  await kimai.resetAll();
  kimai.clock.set(NOW);
  agent = kimai.addUser({ username: 'agent', email: 'agent@example.com', timezone: 'Europe/Berlin' });
  lead = kimai.addUser({ username: 'lead', email: 'lead@example.com', roles: ['ROLE_TEAMLEAD'] });
  manager = kimai.addUser({ username: 'manager', email: 'manager@example.com', roles: ['ROLE_ADMIN'], timezone: 'America/New_York' });
  kimai.addCustomer({ name: 'Bäckerei' });
  kimai.addProject({ name: 'Helpdesk', customer: 1 });
  kimai.addActivity({ name: 'Support' });
}

const hour = { begin: '2026-11-19T09:00:00Z', end: '2026-11-19T10:00:00Z', project: 1, activity: 1 };
const book = (values = {}, token = kimai.token) => call(kimai, 'POST', '/api/timesheets', { body: { ...hour, ...values }, token });
const get = (path, token = kimai.token) => call(kimai, 'GET', path, { token });
const patch = (path, body, token = kimai.token) => call(kimai, 'PATCH', path, { body, token });
const ids = ({ body }) => body.map(({ id }) => id);

describe('the stand-in for Kimai', { timeout }, () => {
  before(async () => {
    kimai = await startKimai({ seed: 5, now: NOW });
  });
  after(() => kimai.stop());

  test('a token is asked for, and its refusals differ', async () => {
    await fresh();
    const none = await call(kimai, 'GET', '/api/ping', { token: null });
    assert.deepEqual([none.status, none.body], [401, { code: 401, message: 'Unauthorized' }]);
    const small = await call(kimai, 'GET', '/api/ping', { token: null, headers: { Authorization: `bearer ${kimai.token}` } });
    assert.equal(small.status, 401);
    const wrong = await get('/api/ping', 'wrong');
    assert.deepEqual([wrong.status, wrong.body], [401, null]);
    assert.match(wrong.headers.get('www-authenticate'), /^Bearer error="invalid_token"/);
    const { token } = kimai.addToken({ user: agent.id, expires: '2026-11-20T12:00:30Z' });
    assert.equal((await get('/api/ping', token)).status, 200);
    kimai.clock.advance(60_000);
    assert.equal((await get('/api/ping', token)).status, 401);
    kimai.control('PATCH', `users/${agent.id}`, { enabled: false });
    assert.equal((await get('/api/ping', agent.token)).status, 401);
  });

  test('the old headers: 403, then 400 when tried too often, and they work', async () => {
    await fresh();
    kimai.addUser({ username: 'old', email: 'old@example.com', apiToken: 'secret' });
    const old = (password) => call(kimai, 'GET', '/api/ping', { token: null, headers: { 'X-AUTH-USER': 'old', 'X-AUTH-TOKEN': password } });
    for (let i = 0; i < 5; i++) assert.deepEqual((await old('bad')).body, { message: 'Invalid credentials' });
    assert.equal((await old('bad')).status, 400);
    assert.equal((await old('secret')).status, 200);
    kimai.clock.advance(61_000);
    assert.equal((await old('bad')).status, 403);
  });

  test('JSON looks as PHP writes it', async () => {
    await fresh();
    const { body } = await call(kimai, 'POST', '/api/timesheets', { body: { ...hour, description: 'Ünïcode / 😀' }, raw: true });
    assert.match(body, /"description":"\\u00dcn\\u00efcode \/ \\ud83d\\ude00","rate":0\.0,"internalRate":0\.0,"fixedRate":null/);
  });

  test('addresses that are not the API', async () => {
    await fresh();
    const page = await call(kimai, 'GET', '/', { raw: true });
    assert.deepEqual([page.status, page.headers.get('location')], [302, `${kimai.url}/en/login`]);
    assert.match((await call(kimai, 'GET', '/en/login', { raw: true })).headers.get('content-type'), /^text\/html/);
    assert.equal((await get('/api/nothing')).status, 404);
    const slash = await call(kimai, 'GET', '/api/timesheets/', { raw: true });
    assert.deepEqual([slash.status, slash.headers.get('location')], [301, `${kimai.url}/api/timesheets`]);
    assert.equal((await call(kimai, 'DELETE', '/api/timesheets')).status, 405);
    assert.equal((await call(kimai, 'POST', '/api/customers/1/team')).status, 410);
    assert.deepEqual((await get('/api/version')).body, { version: '2.66.0', versionId: 26600, copyright: 'Kimai 2.66.0 by Kevin Papst.' });
  });

  test('a description: trimmed, and an error of the server when it is too long', async () => {
    await fresh();
    assert.equal((await book({ description: '  a\nb \u00a0' })).body.description, 'a\nb');
    assert.equal((await book({ description: 'x'.repeat(65_535) })).status, 200);
    assert.equal((await book({ description: 'x'.repeat(65_536) })).status, 500);
    assert.equal(kimai.sheets().length, 2);
  });

  test('a term is LIKE, and a word with a colon is a search for a field', async () => {
    await fresh();
    for (const description of ['ZAM:T50|TA:6|C:ab\nfirst', 'ZAM:T50|TA:61|C:ab\nsecond', '100 % done', null]) await book({ description });
    const found = async (term) => ids(await get(`/api/timesheets?orderBy=id&order=ASC&term=${encodeURIComponent(term)}`));
    assert.deepEqual(await found('t50|ta'), [1, 2]);
    assert.deepEqual(await found('T50|TA second'), [2]);
    assert.deepEqual(await found('!second'), [1, 3, 4]);
    assert.deepEqual(await found('f_rst'), [1]);
    assert.deepEqual(await found('1%done'), [3]);
    assert.deepEqual(await found('ZAM:'), [1, 2]);
    assert.deepEqual(await found('TA:6'), []);
    assert.deepEqual(await found('ZAM:T50|TA:6|C:ab'), []);
    kimai.config.set({ 'standin.search_colons': 'one' }); // as before 2.35
    assert.deepEqual(await found('TA:6'), []);
    assert.deepEqual(await found('ZAM:T50|TA:6'), [1, 2]);
  });

  test('whose times a token sees', async () => {
    await fresh();
    for (const [token, user] of [[agent.token], [lead.token], [kimai.token]]) assert.equal((await book({}, token)).status, 200, user);
    const seen = async (token) => ids(await get('/api/timesheets?user=all&orderBy=id&order=ASC', token));
    assert.deepEqual(await seen(agent.token), [1]);
    assert.deepEqual(await seen(lead.token), [2]); // leads no team
    assert.deepEqual(await seen(manager.token), [1, 2, 3]);
    assert.deepEqual(await seen(kimai.token), [1, 2, 3]);
    assert.deepEqual(ids(await get(`/api/timesheets?user=${agent.id}`, lead.token)), [1]); // who is in no team is open to a teamlead
    kimai.addTeam({ name: 'Desk', members: [{ user: lead.id, teamlead: true }, { user: agent.id }] });
    assert.deepEqual(await seen(lead.token), [1, 2]);
    assert.equal((await get('/api/timesheets/1', lead.token)).status, 200);
    assert.equal((await get('/api/timesheets/3', lead.token)).status, 200); // not listed, and yet shown: its owner is in no team
    assert.equal((await get('/api/timesheets/2', agent.token)).status, 403);
    assert.deepEqual(ids(await get(`/api/timesheets?users[]=${agent.id}&users%5B%5D=1&orderBy=id&order=ASC`)), [1, 3]);
    assert.deepEqual(ids(await get('/api/timesheets?user=999')), [3]); // unknown: as if not asked
    assert.deepEqual(ids(await get('/api/timesheets?project=999')), [3]);
  });

  test('an administrator without the right to view users gets 403, until he is given it', async () => {
    await fresh();
    assert.equal((await get('/api/users', manager.token)).status, 403);
    assert.equal((await get(`/api/users/${agent.id}`, manager.token)).status, 403);
    kimai.permissions.set('ROLE_ADMIN', 'view_user', true);
    assert.deepEqual(ids(await get('/api/users', manager.token)), [1, agent.id, lead.id, manager.id]);
    assert.equal((await get('/api/users/me', agent.token)).body.email, 'agent@example.com');
  });

  test('exported rows are closed to some', async () => {
    await fresh();
    await book({}, agent.token);
    kimai.exportSheet(1);
    for (const token of [agent.token, lead.token]) {
      assert.equal((await patch('/api/timesheets/1', { description: 'x' }, token)).status, 403);
      assert.equal((await call(kimai, 'DELETE', '/api/timesheets/1', { token })).status, 403);
    }
    assert.equal((await patch('/api/timesheets/1/export', {}, agent.token)).status, 403);
    assert.equal((await patch('/api/timesheets/1/export', {}, lead.token)).status, 403);
    assert.equal((await patch('/api/timesheets/1', { description: 'x' }, manager.token)).status, 200);
    assert.equal((await call(kimai, 'DELETE', '/api/timesheets/1', { token: manager.token })).status, 204);
  });

  test('which fields a role may send', async () => {
    await fresh();
    const fields = async (method, path, token) => {
      const { body } = await call(kimai, method, path, { body: { nonsense: 1 }, token });
      return Object.keys(body.errors.children);
    };
    const own = ['begin', 'end', 'project', 'activity', 'description', 'tags'];
    assert.deepEqual(await fields('POST', '/api/timesheets', agent.token), own);
    assert.deepEqual(await fields('POST', '/api/timesheets', lead.token), [...own.slice(0, 5), 'user', 'tags', 'exported', 'billable']);
    await book({}, agent.token);
    assert.deepEqual(await fields('PATCH', '/api/timesheets/1', agent.token), [...own.slice(0, 5), 'user', 'tags']);
    const moved = await patch('/api/timesheets/1', { user: 1 }, agent.token);
    assert.deepEqual(moved.body.errors.children.user, { errors: ['The selected choice is invalid.'] });
  });

  test('a change of tags alone is no modification', async () => {
    await fresh();
    kimai.addTag({ name: 'zammad' });
    await book();
    kimai.clock.advance(60_000);
    const since = async () => ids(await get('/api/timesheets?modified_after=2026-11-20T12:00:30'));
    assert.deepEqual((await patch('/api/timesheets/1', { tags: 'zammad' })).body.tags, ['zammad']);
    assert.deepEqual(await since(), []);
    await patch('/api/timesheets/1', { description: 'new' });
    assert.deepEqual(await since(), [1]);
    assert.deepEqual(ids(await get('/api/timesheets?modified_after=2026-11-20T12:01:00')), [1]); // inclusive
    assert.equal((await get('/api/timesheets?modified_after=2026-11-20T12:01:00Z')).status, 400);
  });

  test('rounding in its four ways', async () => {
    await fresh();
    const rounded = async (mode) => {
      kimai.config.set({ 'timesheet.rounding.default.mode': mode, 'timesheet.rounding.default.begin': 15, 'timesheet.rounding.default.end': 15 });
      const { body } = await book({ begin: '2026-11-19T09:07:00Z', end: '2026-11-19T09:38:00Z' });
      return [body.begin.slice(11, 16), body.end.slice(11, 16), body.duration];
    };
    assert.deepEqual(await rounded('default'), ['09:00', '09:45', 2700]);
    assert.deepEqual(await rounded('floor'), ['09:00', '09:30', 1800]);
    assert.deepEqual(await rounded('ceil'), ['09:15', '09:45', 1800]);
    assert.deepEqual(await rounded('closest'), ['09:00', '09:45', 2700]);
    kimai.config.set({ 'timesheet.rounding.default.mode': 'default', 'timesheet.rounding.default.days': 'friday' });
    assert.equal((await book({ begin: '2026-11-19T09:07:20Z', end: '2026-11-19T09:38:00Z' })).body.duration, 1840); // a Thursday
  });

  test('local times: gap, fold, and whose zone counts', async () => {
    await fresh();
    const times = async (values, token) => {
      const { body } = await book(values, token);
      return [body.begin, body.end, body.duration];
    };
    // New York: 02:30 on 8 March does not exist; 01:30 on 1 November comes twice.
    assert.deepEqual(await times({ begin: '2026-03-08T02:30:00', end: '2026-03-08T03:45:00' }, manager.token),
      ['2026-03-08T03:30:00-0400', '2026-03-08T03:45:00-0400', 900]);
    assert.deepEqual(await times({ begin: '2026-11-01T01:30:00', end: '2026-11-01T02:00:00' }, manager.token),
      ['2026-11-01T01:30:00-0500', '2026-11-01T02:00:00-0500', 1800]);
    // For somebody else: understood and answered in the token's zone, kept and shown in the owner's.
    const { body } = await book({ begin: '2026-07-01T09:00:00', end: '2026-07-01T10:00:00', user: agent.id }, manager.token);
    assert.equal(body.begin, '2026-07-01T09:00:00-0400');
    assert.equal((await get(`/api/timesheets/${body.id}`)).body.begin, '2026-07-01T15:00:00+0200');
    const changed = await patch(`/api/timesheets/${body.id}`, { end: '2026-07-01T17:00:00' }, manager.token);
    assert.equal(changed.body.end, '2026-07-01T17:00:00+0200');
    assert.equal((await book({ begin: '2026-02-30T09:00:00Z' })).status, 400);
  });

  test('a window is local, and includes both ends', async () => {
    await fresh();
    for (const begin of ['08:59', '09:00', '10:00', '10:01']) await book({ begin: `2026-11-19T${begin}:00Z`, end: '2026-11-19T11:00:00Z' });
    const within = async (begin, end, token) =>
      ids(await get(`/api/timesheets?user=all&begin=2026-11-19T${begin}&end=2026-11-19T${end}&orderBy=id&order=ASC`, token));
    assert.deepEqual(await within('09:00:00', '10:00:00'), [2, 3]);
    assert.deepEqual(await within('04:00:00', '05:00:00', manager.token), [2, 3]);
    assert.equal((await get('/api/timesheets?begin=2026-11-19')).status, 400);
    assert.equal((await get('/api/timesheets?begin=2026-11-19T09:00:00Z')).status, 400);
  });

  test('lockdown, its grace, and who passes it', async () => {
    await fresh();
    kimai.config.set({
      'timesheet.rules.lockdown_period_start': 'first day of last month 00:00:00',
      'timesheet.rules.lockdown_period_end': 'last day of last month 23:59:59',
      'timesheet.rules.lockdown_grace_period': '+10 days',
    });
    const october = { begin: '2026-10-15T09:00:00Z', end: '2026-10-15T10:00:00Z' };
    kimai.clock.set('2026-11-10T12:00:00Z');
    assert.equal((await book(october, agent.token)).status, 200);
    const september = { begin: '2026-09-30T09:00:00Z', end: '2026-09-30T10:00:00Z' };
    assert.equal((await book(september, agent.token)).status, 400);
    kimai.clock.set('2026-11-11T12:00:00Z');
    const locked = await book(october, agent.token);
    assert.deepEqual(locked.body.errors.errors, ['This period is locked. Please choose a later date.']);
    assert.equal((await patch('/api/timesheets/1', { description: 'x' }, agent.token)).status, 403);
    assert.equal((await book(october, lead.token)).status, 400);
    assert.equal((await book(september, manager.token)).status, 200);
  });

  test('running entries: one at a time, and the way of saying no', async () => {
    await fresh();
    const run = (token) => call(kimai, 'POST', '/api/timesheets', { body: { project: 1, activity: 1 }, token });
    await run(agent.token);
    kimai.clock.advance(7_200_000);
    kimai.config.set({ 'timesheet.rules.long_running_duration': 60 });
    const refused = await run(agent.token);
    assert.deepEqual([refused.status, refused.body.code, refused.body.errors.errors], [400, 400, ['Cannot stop running timesheet']]);
    const stop = await patch('/api/timesheets/1/stop', {}, agent.token);
    const children = { duration: { errors: ['Maximum 1:00 hours allowed.'] } };
    assert.deepEqual(stop.body, { code: '400', message: 'There was a problem saving.', errors: { children } });
    kimai.config.set({ 'timesheet.rules.long_running_duration': 0 });
    assert.equal((await run(agent.token)).status, 200);
    assert.deepEqual(kimai.sheets().map(({ end }) => end === null), [false, true]);
    const again = await patch('/api/timesheets/1/restart', { copy: 'all', begin: '2026-11-20T16:30:00' }, agent.token);
    assert.deepEqual([again.body.begin, again.body.end], ['2026-11-20T16:30:00+0100', null]);
  });

  test('pages', async () => {
    await fresh();
    const days = [1, 2, 3, 4, 5, 6, 7].map((day) => `2026-11-0${day}`);
    kimai.addSheets(days.map((day) => ({ user: 1, project: 1, activity: 1, begin: `${day}T09:00:00Z`, end: `${day}T10:00:00Z` })));
    const { headers, body } = await get('/api/timesheets?size=3&page=0');
    assert.deepEqual(body.map(({ id }) => id), [7, 6, 5]);
    assert.deepEqual(['x-page', 'x-total-count', 'x-total-pages', 'x-per-page'].map((name) => headers.get(name)), ['1', '7', '3', '3']);
    assert.deepEqual(ids(await get('/api/timesheets?size=3&page=3')), [1]);
    assert.equal((await get('/api/timesheets?size=3&page=4')).status, 404);
    assert.equal((await get('/api/timesheets?size=5000')).headers.get('x-per-page'), '500');
    const empty = await get('/api/timesheets?exported=1');
    assert.deepEqual([empty.status, empty.headers.get('x-total-count'), empty.headers.get('x-total-pages')], [200, '0', '1']);
    assert.equal((await get('/api/timesheets?exported=yes')).status, 400);
    assert.equal((await get('/api/timesheets?active=1&billable=1&full=true')).status, 200);
  });

  test('what a delete takes with it', async () => {
    await fresh();
    await book();
    kimai.addActivity({ name: 'Special', project: 1 });
    assert.equal((await call(kimai, 'DELETE', '/api/customers/1', { token: lead.token })).status, 403);
    assert.equal((await call(kimai, 'DELETE', '/api/customers/1', { token: manager.token })).status, 204);
    assert.equal((await get('/api/timesheets/1')).status, 404);
    assert.deepEqual([kimai.state.projects.size, kimai.state.activities.size, kimai.sheets().length], [0, 1, 0]);
  });

  test('teams shut out, hidden and ended projects cannot be chosen', async () => {
    await fresh();
    const choice = async (project, token) => (await book({ project }, token)).body.errors?.children.project;
    const invalid = { errors: ['The selected choice is invalid.'] };
    kimai.addTeam({ name: 'Inner', members: [{ user: lead.id, teamlead: true }] });
    kimai.control('PATCH', 'projects/1', { teams: [1] });
    assert.deepEqual(await choice(1, agent.token), invalid);
    assert.equal(await choice(1, lead.token), undefined);
    assert.equal(await choice(1), undefined);
    assert.deepEqual(ids(await get('/api/projects', agent.token)), []);
    kimai.addProject({ name: 'Ended', customer: 1, start: '2026-01-01', end: '2026-11-19' });
    assert.deepEqual(await choice(2), invalid);
    assert.deepEqual(ids(await get('/api/projects')), [1]);
    assert.deepEqual(ids(await get('/api/projects?ignoreDates=1&orderBy=id')), [1, 2]);
    kimai.addProject({ name: 'Hidden', customer: 1, visible: false });
    assert.deepEqual(await choice(3), invalid);
    assert.deepEqual(ids(await get('/api/projects?visible=2')), [3]);
    kimai.addProject({ name: 'Own only', customer: 1, globalActivities: false });
    assert.deepEqual((await book({ project: 4 })).body.errors.children.activity, invalid);
  });

  test('masters: numbers, doubles, dates, and who may see them', async () => {
    await fresh();
    const post = (path, body, token) => call(kimai, 'POST', path, { body, token });
    const twice = [await post('/api/customers', { name: 'Twin' }), await post('/api/customers', { name: 'Twin' })];
    assert.deepEqual(twice.map(({ body }) => [body.id, body.number]), [[2, '0003'], [3, '0004']]);
    const taken = await post('/api/customers', { name: 'Third', number: '0003' });
    assert.deepEqual(taken.body.errors.children.number, { errors: ['This value is already used.'] });
    const dated = await patch('/api/projects/1', { end: '2026-12-31' });
    assert.deepEqual(dated.body.errors.children.end, { errors: ['Please enter a valid date.'] });
    assert.equal((await get('/api/customers/1', agent.token)).status, 403);
    assert.equal((await get('/api/customers', agent.token)).body.length, 3);
    assert.equal((await post('/api/tags', { name: 'new', visible: true }, agent.token)).status, 200);
    assert.equal((await call(kimai, 'DELETE', '/api/tags/1', { token: agent.token })).status, 403);
    assert.deepEqual((await get('/api/customers?term=twin&orderBy=id&order=DESC')).body.map(({ id }) => id), [3, 2]);
  });

  test('a budget counts all times of a project but the one that is changed', async () => {
    await fresh();
    kimai.config.set({ 'timesheet.rules.allow_overbooking_budget': 0 });
    kimai.control('PATCH', 'projects/1', { timeBudget: 7200 });
    assert.deepEqual([(await book()).status, (await book()).status, (await book()).status], [200, 200, 400]);
    const told = await book({}, agent.token);
    assert.deepEqual(told.body.errors.children.project, { errors: ['Sorry, the budget is used up.'] });
    assert.equal((await patch('/api/timesheets/1', { end: '2026-11-19T09:30:00Z' })).status, 200);
    assert.equal((await book({ end: '2026-11-19T09:30:00Z' })).status, 200);
    assert.equal((await book({ billable: false })).status, 200);
  });

  test('texts of errors follow the language of the token, their places do not', async () => {
    await fresh();
    kimai.config.set({ 'timesheet.rules.allow_overlapping_records': 0 });
    await book();
    const english = await book();
    kimai.control('PATCH', 'users/1', { language: 'de' });
    const german = await book();
    assert.deepEqual(english.body.errors.errors, ['You already have an entry for this time.']);
    const errors = { ...english.body.errors, errors: ['Es existiert bereits ein Eintrag für diesen Zeitpunkt.'] };
    assert.deepEqual(german.body, { ...english.body, errors });
  });

  test('who has left the company cannot be booked for', async () => {
    await fresh();
    kimai.control('PATCH', `users/${agent.id}`, { enabled: false });
    const { status, body } = await book({ user: agent.id });
    assert.deepEqual([status, body.errors.children.user], [400, { errors: ['The selected choice is invalid.'] }]);
  });

  test('a body that is no Unicode is no JSON', async () => {
    await fresh();
    const sent = async (description) => {
      const body = Buffer.concat([Buffer.from('{"project":1,"activity":1,"description":"'), description, Buffer.from('"}')]);
      const headers = { Authorization: `Bearer ${kimai.token}`, 'Content-Type': 'application/json' };
      return (await fetch(`${kimai.url}/api/timesheets`, { method: 'POST', headers, body })).status;
    };
    assert.equal(await sent(Buffer.from([0xff])), 400);
    assert.equal(await sent(Buffer.from('\\ud83d')), 400);
    assert.equal(await sent(Buffer.from('\\ud83d\\ude00')), 200);
  });

  test('rates come from the user, or are fixed', async () => {
    await fresh();
    kimai.control('PATCH', `users/${agent.id}`, { hourlyRate: 90, internalRate: 60 });
    const { body } = await book({ user: agent.id, end: '2026-11-19T09:20:00Z' });
    assert.deepEqual([body.rate, body.internalRate, body.hourlyRate, body.fixedRate], [30, 20, 90, null]);
    assert.equal('rate' in (await get(`/api/timesheets/${body.id}`, agent.token)).body, false);
  });
});

// ---- many rows ----

test('100,000 timesheets are listed, each once', { timeout }, async (t) => {
  const COUNT = 100_000;
  const many = await startKimai({ now: NOW, kept: 100 });
  t.after(() => many.stop());
  many.addCustomer({ name: 'Bäckerei' });
  many.addProject({ name: 'Helpdesk', customer: 1 });
  many.addActivity({ name: 'Support' });
  const start = Date.parse('2026-01-01T00:00:00Z');
  const beginOf = (i) => start + ((i * 7919) % COUNT) * 60_000; // all minutes once, in no order
  many.addSheets(Array.from({ length: COUNT }, (_, i) => ({
    user: 1, project: 1, activity: 1, begin: beginOf(i), end: beginOf(i) + 60_000, description: `ZAM:T${i % 20_000}|TA:${i + 1}|C:0badcafe\nwork`,
  })));
  for (const orderBy of ['id', 'begin']) {
    let last = 0;
    for (let page = 1; page <= COUNT / 500; page++) {
      const { body, headers } = await call(many, 'GET', `/api/timesheets?user=all&size=500&page=${page}&orderBy=${orderBy}&order=ASC`);
      assert.equal(headers.get('x-total-count'), String(COUNT));
      for (const row of body) {
        const key = orderBy === 'id' ? row.id : (Date.parse(row.begin) - start) / 60_000 + 1;
        assert.equal(key, ++last);
      }
    }
    assert.equal(last, COUNT);
  }
  assert.equal((await call(many, 'GET', `/api/timesheets?user=all&size=500&page=${COUNT / 500 + 1}`)).status, 404);
  // Wherever a row lies, its window and a word of its marker find it; also right after others were written.
  for (const i of [0, 1, 49_999, COUNT - 1]) {
    await call(many, 'POST', '/api/timesheets', { body: { ...hour, description: 'between' } });
    const at = new Date(beginOf(i)).toISOString().slice(0, 19);
    const { body } = await call(many, 'GET', `/api/timesheets?user=all&begin=${at}&end=${at}&term=${encodeURIComponent(`T${i % 20_000}|TA`)}`);
    assert.deepEqual(body.map(({ id }) => id), [i + 1]);
  }
});

// ---- by hand, and from another process ----

describe('started by hand', { timeout }, () => {
  const start = (...options) => spawn(process.execPath, ['tests/peers/kimai.mjs', ...options], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });

  test('a line says where it is; it is steered over HTTP and ends when told', async (t) => {
    const child = start('--port', '0', '--seed', '7', '--data', 'month', '--now', NOW);
    t.after(() => child.kill('SIGKILL'));
    const line = await outputOf(child, /\n/);
    const [, url, token, control] = /^kimai stand-in: (http:\S+) {2}token: (\w+) {2}control: (http:\S+)\n$/.exec(line);
    const other = { url, token };
    const steer = async (method, path, body) => (await call({ url: control }, method, `/${path}`, { body })).body;

    // The cast is the one that Zammad's stand-in has for this seed.
    const emails = castOf(7).agents.map(({ email }) => email);
    assert.deepEqual((await call(other, 'GET', '/api/users?orderBy=id')).body.slice(1).map(({ email }) => email), emails);
    assert.ok((await steer('GET', 'state')).timesheets.length > 20);

    const user = await steer('POST', 'users', { username: 'new', email: 'new@example.com' });
    const { mark } = await steer('GET', 'mark');
    const made = await call(other, 'POST', '/api/timesheets', { body: { ...hour, description: 'mine' }, token: user.token });
    assert.equal(made.status, 200);
    await steer('PATCH', `timesheets/${made.body.id}`, { description: 'edited on the page' });
    await steer('POST', `timesheets/${made.body.id}/export`, {});
    const seen = await call(other, 'GET', `/api/timesheets/${made.body.id}`, { token: user.token });
    assert.deepEqual([seen.body.description, seen.body.exported], ['edited on the page', true]);
    const requests = await steer('GET', `requests?since=${mark}`);
    assert.deepEqual(requests.map(({ method, path, status }) => [method, path, status]),
      [['POST', '/api/timesheets', 200], ['GET', `/api/timesheets/${made.body.id}`, 200]]);
    assert.equal(JSON.parse(requests[0].body).description, 'mine');

    await steer('POST', 'config', { 'timesheet.mode': 'punch' });
    assert.equal((await call(other, 'GET', '/api/config/timesheet')).body.trackingMode, 'punch');
    assert.equal((await steer('POST', 'clock', { advance: 60_000 })).now, '2026-11-20T12:01:00.000Z');
    await steer('DELETE', `tokens/${user.token}`);
    assert.equal((await call(other, 'GET', '/api/ping', { token: user.token })).status, 401);
    await steer('DELETE', `timesheets/${made.body.id}`);
    assert.equal((await call({ url: control }, 'GET', '/nothing')).status, 404);
    assert.equal((await call({ url: control }, 'POST', '/faults', { body: { kind: 'flood' } })).status, 400);
    const counts = await steer('GET', 'counts');
    assert.equal(counts.by['GET /api/timesheets/{id} 200'], 1);
    await steer('POST', 'reset');
    assert.equal((await steer('GET', 'counts')).total, 0);
    assert.equal((await call(other, 'GET', '/api/users')).body.length, emails.length + 1);

    const ended = close(child);
    child.kill('SIGTERM');
    assert.deepEqual(await ended, { code: 0, signal: null });
  });

  test('what tests/peers/README.md says to type', async (t) => {
    const page = readFileSync(join(root, 'tests/peers/README.md'), 'utf8');
    const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text]) => text.trim().split('\n'));
    const words = blocks[0][0].split(' ');
    assert.deepEqual(words.slice(0, 3), ['node', 'tests/peers/kimai.mjs', '--port']);
    const child = start('--port', '0', ...words.slice(4));
    t.after(() => child.kill('SIGKILL'));
    const [, url, token] = /: (http:\S+) {2}token: (\w+)/.exec(await outputOf(child, /\n/));
    const lines = blocks[1];
    assert.equal(lines.length, 5);
    for (const line of lines) {
      const here = line.replace('http://127.0.0.1:8001', url);
      const typed = spawn('sh', ['-c', here], { env: { ...process.env, TOKEN: token }, stdio: ['ignore', 'pipe', 'inherit'] });
      const text = await outputOf(typed, /[\]}]$/);
      assert.ok(!('error' in JSON.parse(text)) && !text.includes('"code":4'), `${line}: ${text}`);
    }
  });

  test('options', async () => {
    const help = start('--help');
    assert.match(await outputOf(help, /--openapi/), /^node tests\/peers\/kimai\.mjs \[OPTION\]/);
    assert.equal((await close(help)).code, 0);
    for (const wrong of [['--port', 'x'], ['--data', 'year'], ['--flood']]) assert.equal((await close(start(...wrong))).code, 2, wrong.join(' '));
  });
});

// ---- the contract ----

describe('requests against the contract', { skip: !existsSync(contract) && `${contract} is not there`, timeout }, () => {
  test('what is wrong with each is collected', async (t) => {
    const checked = await startKimai({ now: NOW, openapi: contract });
    t.after(() => checked.stop());
    const wrong = async (method, path, body) => {
      checked.violations.length = 0;
      await call(checked, method, path, { body });
      return checked.violations.map(({ text }) => text);
    };
    assert.deepEqual(await wrong('GET', '/api/timesheets?user=all&size=500&page=2&orderBy=id&order=ASC&users[]=1&users%5B%5D=2'), []);
    assert.deepEqual(await wrong('POST', '/api/timesheets', { ...hour, description: 'x', tags: 'a,b' }), []);
    assert.deepEqual(await wrong('PATCH', '/api/timesheets/1', { description: 'x' }), []);
    assert.deepEqual(await wrong('GET', '/api/users/me'), []);
    assert.deepEqual(await wrong('GET', '/api/timesheets?user=me&limit=5'), [
      'query: user: "me" is not \\d+|all',
      'query: there is no parameter "limit"',
    ]);
    assert.deepEqual(await wrong('POST', '/api/timesheets', { project: '1', begin: 'now', duration: 5 }), [
      'body: "activity" is missing',
      'body.project: string where integer belongs',
      'body.begin: "now" is no date-time',
      'body: there is no "duration"',
    ]);
    assert.deepEqual(await wrong('PUT', '/api/timesheets/1', {}), ['PUT /api/timesheets/{id}: there is no such method']);
    assert.deepEqual(await wrong('GET', '/api/time'), ['/api/time: there is no such path']);
    assert.equal(checked.control('GET', 'violations').length, 1);
  });
});

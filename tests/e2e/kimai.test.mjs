// Presets: release asan
// The connector for Kimai against its stand-in, through a real server: what is told is stored once and found again, whatever breaks
// meanwhile; each refusal has the reason that it really has; what is exported is left alone; and what a connection cannot do is
// said, with advice, when it is tested. Every request is held against Kimai's own contract where that is there.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';

import { startKimai } from '../peers/kimai.mjs';
import { badges, badgesYaml, bearer, tenants } from './support/badges.mjs';
import { request } from './support/client.mjs';
import { call } from './support/peers.mjs';
import { pluginFolder, startWith } from './support/plugins.mjs';
import { dowel, preset, root, slowness } from './support/server.mjs';

const timeout = 120_000 * slowness;
const folder = `${pluginFolder}, ${join(root, 'build', preset, 'scribe')}`;
const contract = join(resolve(root, process.env.DOWEL_VECTORS ?? '../shared/vectors'), '../reference/kimai-openapi.json');
const NOW = '2026-11-20T12:00:00Z';
const [EAUTH, EDENIED, ENOTFOUND, ECONFLICT, EUPSTREAM, EUNAVAILABLE, EUNKNOWN, EINVALID] = [-2, -3, -4, -5, -9, -10, -11, -1];
const MARKER = 'ZAM:T50|TA:6|C:1a2b3c4d';

const people = badges({ root: 'a *' });

const page = readFileSync(join(root, 'docs/kimai.md'), 'utf8');

let server;
let kimai;
let connection; // over which the administrator's token goes
let n = 0;

async function told(method, path, body, { status = [200, 201], as = people.root } = {}) {
  const answer = await request(server.url, {
    method, path: `/api/v1${path}`, limit: 60_000 * slowness,
    headers: { ...bearer(as), ...(body !== undefined && { 'Content-Type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  assert.ok(status.includes(answer.status), `${method} ${path}: ${answer.status} ${answer.text()}`);
  return answer.json();
}

const settingsOf = (settings) => ({ base_url: kimai.url, token: kimai.token, ...settings });
const connect = async (settings = {}) => (await told('POST', '/connections', {
  kind: 'kimai', name: `kimai ${++n}`, allow_private: true, untested: true, settings: settingsOf(settings),
})).id;
const checked = (settings = {}) => told('POST', '/connections/test', { kind: 'kimai', allow_private: true, settings: settingsOf(settings) });
const scribe = (what, over = connection) => told('POST', '/scribe', { connection: over, ...what });

// What came of it, which has to be well.
async function done(what, over) {
  const answer = await scribe(what, over);
  assert.equal(answer.code, 0, answer.text);
  return answer.items;
}

const write = async (sheet, over) => (await done({ do: 'write', what: sheet }, over))[0];
const sheets = (query = {}, over) => done({ do: 'sheets', what: query }, over);
const idsOf = (rows) => rows.map(({ id }) => Number(id)).sort((a, b) => a - b);

async function refused(code, reason, what, over) {
  const answer = await scribe(what, over);
  assert.deepEqual([answer.code, answer.reason], [code, reason], answer.text);
  return answer.text;
}

// Customer 1, project 1, activity 1; agents who book; a token for each.
async function startPeer(options = {}) {
  await kimai?.stop();
  kimai = await startKimai({ seed: 7, now: NOW, openapi: existsSync(contract) ? contract : undefined, ...options });
  kimai.addCustomer({ name: 'Acme', number: 'OID-5' });
  kimai.addProject({ name: 'Helpdesk', customer: 1, number: 'TID-50' });
  kimai.addActivity({ name: 'Support' });
  kimai.ann = kimai.addUser({ username: 'ann', email: 'ann@example.org', timezone: 'Europe/Berlin' });
  kimai.bob = kimai.addUser({ username: 'bob', email: 'bob@example.org', timezone: 'America/St_Johns' });
  connection = await connect();
}

const wanted = (more = {}) => ({
  project: '1', activity: '1', text: `${MARKER}\nPrinter`, begin: '2026-11-20T09:00:00Z', end: '2026-11-20T09:15:00Z', ...more,
});

before(async () => {
  const core = 'rate_limit: off\nroute_limits: false\ncheck_replies: true\n';
  server = await startWith({ plugins: { badges: badgesYaml(people), kimai: '', scribe: '' }, folder, core });
}, { timeout });

after(async () => {
  try {
    await server?.stop();
  } finally {
    await kimai?.stop();
  }
}, { timeout });

beforeEach(() => startPeer(), { timeout });
afterEach(() => assert.deepEqual(kimai.violations, []));

describe('a connection is tested', { timeout }, () => {
  const states = ({ checks }) => Object.fromEntries(checks.map(({ name, state }) => [name, state]));
  const pointer = ({ errors }) => errors.map((error) => error.pointer).join();
  const token = (username, roles, permissions = []) => {
    const user = kimai.addUser({ username, email: `${username}@example.org`, roles });
    for (const permission of permissions) kimai.control('POST', 'permissions', { role: roles[0], permission });
    return user.token;
  };

  test('and works for who may do all; nothing is written meanwhile', async () => {
    const before = kimai.snapshot();
    const tested = await checked();
    assert.ok(tested.works, JSON.stringify(tested));
    assert.equal(states(tested).version, 'good');
    assert.equal(states(tested).view_other_timesheet, 'good');
    assert.deepEqual(kimai.snapshot(), before);
    assert.ok(kimai.log.since(0).filter(({ method }) => method === 'POST').every(({ status }) => status === 400));
  });

  // The table of docs/kimai.md.
  test('with the role that the documentation describes, which does for all that there is', async () => {
    const permissions = [...page.matchAll(/^\| (`[a-z_`, ]+`) \| /gm)].flatMap(([, names]) => names.match(/\w+/g)).filter((name) => /^(view|create|edit|delete)_/.test(name));
    assert.ok(permissions.length > 10, permissions);
    const settings = { token: token('dowel', ['ROLE_DOWEL'], permissions) };
    const tested = await checked(settings);
    assert.ok(tested.works, JSON.stringify(tested));
    assert.deepEqual(tested.checks.filter(({ state }) => state === 'warning').map(({ name }) => name), ['clock', 'view_other_timesheet']); // nobody has booked
    const over = await connect(settings);
    const [customer] = await done({ do: 'make', listing: 'customer', what: { name: 'New' } }, over);
    const [project] = await done({ do: 'make', listing: 'project', what: { name: 'New', parent: customer.id } }, over);
    const [activity] = await done({ do: 'make', listing: 'activity', what: { name: 'New' } }, over);
    const ids = { project: project.id, activity: activity.id };
    const { id } = await write(wanted({ ...ids, user: String(kimai.ann.id), billable: false, tags: ['zammad'] }), over);
    await write({ id, text: 'new', billable: true, user: String(kimai.bob.id) }, over);
    assert.equal((await sheets({}, over)).length, 1);
    for (const listing of ['customer', 'project', 'activity', 'user', 'team', 'tag']) await done({ do: 'things', listing }, over);
    await done({ do: 'remove', what: { id } }, over);
  });

  test('and is told what the role of the owner lacks', async () => {
    kimai.addSheet({ user: kimai.ann.id, project: 1, activity: 1, begin: '2026-11-19T09:00:00Z', end: '2026-11-19T10:00:00Z' });
    kimai.addSheet({ user: 1, project: 1, activity: 1, begin: '2026-11-19T09:00:00Z', end: '2026-11-19T10:00:00Z' });

    const plain = await checked({ token: kimai.ann.token });
    assert.ok(plain.works, JSON.stringify(plain));
    const { others, billable, create_customer: customer, create_tag: tag, view_user: user } = states(plain);
    assert.deepEqual({ others, billable, customer, tag, user }, { others: 'warning', billable: 'warning', customer: 'warning', tag: undefined, user: 'warning' });

    const admin = await checked({ token: token('boss', ['ROLE_ADMIN']) });
    assert.ok(admin.works);
    assert.deepEqual([states(admin).view_user, states(admin).view_other_timesheet], ['warning', 'good']);

    const lead = await checked({ token: token('lead', ['ROLE_TEAMLEAD']) });
    assert.ok(lead.works);
    assert.equal(states(lead).view_all_data ?? states(lead).view_other_timesheet, 'warning');
  });

  test('and refused where it could not find again what it writes', async () => {
    const blind = token('blind', ['ROLE_BLIND'], ['create_other_timesheet', 'view_user', 'view_all_data']);
    const { id } = [...kimai.state.users.values()].find(({ username }) => username === 'blind');
    kimai.addSheet({ user: id, project: 1, activity: 1, begin: '2026-11-19T09:00:00Z', end: '2026-11-19T10:00:00Z' });
    kimai.addSheet({ user: kimai.ann.id, project: 1, activity: 1, begin: '2026-11-19T09:00:00Z', end: '2026-11-19T10:00:00Z' });
    const tested = await checked({ token: blind });
    assert.ok(!tested.works, JSON.stringify(tested));
    assert.equal(pointer(tested), '#/settings/token');
    assert.match(tested.errors[0].detail, /view_other_timesheet/);
  });

  test('and each thing that can be wrong is told apart', async () => {
    const wrong = async (settings, at, detail) => {
      const tested = await checked(settings);
      assert.ok(!tested.works, JSON.stringify(tested));
      assert.equal(pointer(tested), `#/settings/${at}`);
      assert.match(tested.errors[0].detail, detail);
    };
    await wrong({ token: 'nosuchtoken' }, 'token', /wrong, has expired or was deleted/);
    await wrong({ token: `${kimai.token} ` }, 'token', /blank/);
    await wrong({ token: kimai.addToken({ user: 1, expires: '2026-11-19T00:00:00Z' }).token }, 'token', /has expired/);
    await wrong({ base_url: `${kimai.url}/en` }, 'base_url', /page for signing in/);
    await wrong({ base_url: `${kimai.url}/api` }, 'base_url', /leave away/);
    await wrong({ customer_timezone: 'Europe/Nowhere' }, 'customer_timezone', /does not take this/);
    await wrong({ token: '', legacy_user: 'ann', legacy_token: 'nothing' }, 'legacy_token', /is wrong/);

    const meets = async (fault, at, detail) => {
      kimai.faults.add({ path: '/api/version', ...fault });
      await wrong({}, at, detail);
      kimai.faults.clear();
    };
    await meets({ kind: 'html' }, 'base_url', /should be JSON/);
    await meets({ kind: 'half_text' }, 'base_url', /should be JSON/);
    await meets({ kind: 'redirect', status: 308, location: 'https://kimai.example/api/version' }, 'base_url', /kimai\.example/);
    await meets({ kind: 'status', status: 404 }, 'base_url', /no Kimai answers there/);
    await meets({ kind: 'status', status: 401, body: { code: 401, message: 'Unauthorized' } }, 'token', /did not arrive/);
    await meets({ kind: 'huge' }, 'base_url', /no Kimai/);

    await kimai.down();
    const down = await checked();
    assert.ok(!down.works);
    assert.match(down.error, new RegExp(kimai.url));
    await kimai.up();
  });

  test('and told what will stop bookings: rules, a punch clock, a clock that is wrong', async () => {
    kimai.config.set({ 'timesheet.rules.allow_overlapping_records': '0', 'timesheet.rules.allow_future_times': '0' });
    const strict = states(await checked());
    assert.deepEqual([strict.overlap, strict.future, strict.clock], ['warning', 'warning', 'warning']);
    kimai.config.set({ 'timesheet.mode': 'punch' });
    assert.ok((await checked()).works); // whom a punch clock does not bind
    const tested = await checked({ token: kimai.ann.token });
    assert.ok(!tested.works);
    assert.match(tested.errors[0].detail, /punch clock/);
  });

  test('in the old form too', async () => {
    kimai.control('PATCH', `users/${kimai.ann.id}`, { apiToken: 'open sesame' });
    const legacy = { token: '', legacy_user: 'ann' };
    const tested = await checked({ ...legacy, legacy_token: 'open sesame' });
    assert.ok(tested.works, JSON.stringify(tested));
    for (let i = 0; i < 5; i++) assert.match((await checked({ ...legacy, legacy_token: 'sesame' })).errors[0].detail, /is wrong/);
    assert.match((await checked({ ...legacy, legacy_token: 'sesame' })).errors[0].detail, /too often/);
  });
});

describe('a timesheet', { timeout }, () => {
  test('is stored at its instant, whatever clocks hang where, and found again', async () => {
    for (const user of [kimai.ann, kimai.bob]) {
      const stored = await write(wanted({ user: String(user.id), text: `${MARKER}${user.id}\nDruckér "<&>" \u202e🖨` }));
      assert.equal(stored.begin, '2026-11-20T09:00:00.000000Z');
      assert.equal(stored.end, '2026-11-20T09:15:00.000000Z');
      assert.equal(stored.user, String(user.id));
      const [found] = await sheets({ marker: `${MARKER}${user.id}`, begin_from: stored.begin, begin_to: stored.begin });
      assert.deepEqual(found, stored);
      assert.deepEqual(await sheets({ id: stored.id }), [stored]);
    }
  });

  test('in the hour that comes twice, and in the one that never comes', async () => {
    for (const [begin, end] of [['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'], ['2026-03-29T01:00:00Z', '2026-03-29T01:30:00Z']]) {
      const stored = await write(wanted({ user: String(kimai.ann.id), begin, end }));
      assert.equal(Date.parse(stored.begin), Date.parse(begin));
      assert.equal(Date.parse(stored.end), Date.parse(end));
    }
  });

  test('is found by its own marker only, by whoever it is', async () => {
    await write(wanted({ text: 'ZAM:T50|TA:61|C:1a2b3c4d\nPrinter' }));
    await write(wanted({ text: 'see\nZAM:T50|TA:6|C:1a2b3c4d' }));
    await write(wanted({ text: 'ZAM:T50|TA:6|C:ffffffff' }));
    const { id } = await write(wanted({ user: String(kimai.bob.id) }));
    assert.deepEqual(idsOf(await sheets({ marker: MARKER })), [Number(id)]);
    assert.deepEqual(await sheets({ marker: 'ZAM:T50|TA:7|C:1a2b3c4d' }), []);
  });

  test('is rounded by Kimai, and what it made of it is told', async () => {
    kimai.config.set({ 'timesheet.rounding.default.begin': '15', 'timesheet.rounding.default.end': '15' });
    const stored = await write(wanted({ begin: '2026-11-20T09:07:30.250Z', end: '2026-11-20T09:20:00Z' }));
    assert.deepEqual([stored.begin, stored.end, stored.seconds], ['2026-11-20T09:00:00.000000Z', '2026-11-20T09:30:00.000000Z', 1800]);
  });

  test('gets its tags, new ones and hidden ones, and loses them', async () => {
    kimai.addTag({ name: 'hidden', visible: false });
    const { id, tags } = await write(wanted({ tags: ['zammad', 'hidden', 'ticket:#50'] }));
    assert.deepEqual([...tags].sort(), ['hidden', 'ticket:#50', 'zammad']);
    assert.deepEqual(idsOf(await sheets({ tag: 'zammad' })), [Number(id)]);
    assert.deepEqual(idsOf(await sheets({ tag: 'hidden' })), [Number(id)]);
    assert.deepEqual(await sheets({ tag: 'nowhere' }), []);
    const { id: gone } = [...kimai.state.tags.values()].find(({ name }) => name === 'zammad');
    assert.equal((await call(kimai, 'DELETE', `/api/tags/${gone}`)).status, 204); // by somebody, after this server had seen it
    assert.deepEqual((await write(wanted({ id, tags: ['zammad'] }))).tags, ['zammad']);
    assert.deepEqual((await write({ id, tags: [] })).tags, []);
  });

  test('is changed in what differs, so that nothing else is looked at again', async () => {
    const { id } = await write(wanted());
    kimai.control('PATCH', 'activities/1', { visible: false });
    const mark = kimai.log.mark;
    const changed = await write(wanted({ id, text: `${MARKER}\nToner` }));
    assert.equal(changed.text, `${MARKER}\nToner`);
    assert.deepEqual(kimai.log.since(mark, { method: 'PATCH' }).map(({ body }) => JSON.parse(body)), [{ description: `${MARKER}\nToner` }]);
    await write(wanted({ id, text: `${MARKER}\nToner`, begin: '2026-11-20T10:00:00Z', end: '2026-11-20T11:00:00Z', user: String(kimai.ann.id) }));
    const [stored] = kimai.sheets();
    assert.deepEqual([stored.begin, stored.end, stored.user], ['2026-11-20T10:00:00Z', '2026-11-20T11:00:00Z', kimai.ann.id]);
    await refused(ENOTFOUND, '', { do: 'write', what: { id: '999', text: 'x' } });
  });

  test('is removed once, and twice is no failure', async () => {
    const { id } = await write(wanted());
    for (let i = 0; i < 2; i++) await done({ do: 'remove', what: { id } });
    assert.deepEqual(kimai.sheets(), []);
  });

  test('that is exported is not touched, although this token could', async () => {
    const { id } = await write(wanted());
    kimai.exportSheet(Number(id));
    const before = kimai.sheets();
    await refused(ECONFLICT, 'LOCKED_OR_EXPORTED', { do: 'write', what: { id, text: 'x' } });
    await refused(ECONFLICT, 'LOCKED_OR_EXPORTED', { do: 'remove', what: { id } });
    assert.deepEqual(kimai.sheets(), before);
    assert.ok((await sheets({ id }))[0].exported);
  });
});

describe('a refusal has its reason', { timeout }, () => {
  const plain = () => connect({ token: kimai.ann.token });

  test('of the project, the customer, the activity, the user', async () => {
    const missing = [EINVALID, 'PROJECT_OR_CUSTOMER_MISSING'];
    await refused(...missing, { do: 'write', what: wanted({ project: '99' }) });
    kimai.addProject({ name: 'Hidden', customer: 1, visible: false });
    await refused(...missing, { do: 'write', what: wanted({ project: '2' }) });
    kimai.addProject({ name: 'Over', customer: 1, end: '2026-10-31' });
    await refused(...missing, { do: 'write', what: wanted({ project: '3', begin: '2026-10-20T09:00:00Z', end: '2026-10-20T10:00:00Z' }) });
    kimai.addProject({ name: 'New', customer: 1, start: '2026-11-19' });
    await refused(...missing, { do: 'write', what: wanted({ project: '4', begin: '2026-10-20T09:00:00Z', end: '2026-10-20T10:00:00Z' }) });
    const { id } = kimai.addCustomer({ name: 'Gone', visible: false });
    kimai.addProject({ name: 'Of one who is gone', customer: id });
    await refused(...missing, { do: 'write', what: wanted({ project: '5' }) });

    const unmapped = [EINVALID, 'UNMAPPED_ACTIVITY'];
    await refused(...unmapped, { do: 'write', what: wanted({ activity: '99' }) });
    kimai.addActivity({ name: 'Hidden', visible: false });
    await refused(...unmapped, { do: 'write', what: wanted({ activity: '2' }) });
    kimai.addActivity({ name: 'Of another', project: 4 });
    await refused(...unmapped, { do: 'write', what: wanted({ activity: '3' }) });

    await refused(EINVALID, 'UNMAPPED_USER', { do: 'write', what: wanted({ user: '99' }) });
    kimai.control('PATCH', `users/${kimai.bob.id}`, { enabled: false });
    await refused(EINVALID, 'UNMAPPED_USER', { do: 'write', what: wanted({ user: String(kimai.bob.id) }) });
    assert.deepEqual(kimai.sheets(), []);
  });

  test('of budgets, in whatever they are', async () => {
    kimai.config.set({ 'timesheet.rules.allow_overbooking_budget': '0' });
    const project = kimai.addProject({ name: 'Small', customer: 1, timeBudget: 600 });
    const text = await refused(ECONFLICT, 'BUDGET', { do: 'write', what: wanted({ project: String(project.id) }) });
    assert.match(text, /budget is used up/i); // Kimai's own words, for people
    const activity = kimai.addActivity({ name: 'Scarce', timeBudget: 600 });
    await refused(ECONFLICT, 'BUDGET', { do: 'write', what: wanted({ activity: String(activity.id) }) });
  });

  test('of time: ahead, over another one, locked, too long, none at all', async () => {
    kimai.config.set({ 'timesheet.rules.allow_future_times': '0' });
    await refused(ECONFLICT, 'FUTURE', { do: 'write', what: wanted({ begin: '2026-11-20T11:00:00Z', end: '2026-11-20T13:00:00Z' }) });
    kimai.config.set({ 'timesheet.rules.allow_overlapping_records': '0' });
    const { id } = await write(wanted({ user: String(kimai.ann.id) }));
    const over = { user: String(kimai.ann.id), begin: '2026-11-20T09:10:00Z', end: '2026-11-20T09:30:00Z' };
    assert.match(await refused(ECONFLICT, 'OVERLAP', { do: 'write', what: wanted(over) }), new RegExp(`\\b${id}\\b`));
    await write(wanted({ ...over, begin: '2026-11-20T09:15:00Z' })); // only touches
    kimai.config.set({ 'timesheet.rules.long_running_duration': '60' });
    await refused(EINVALID, 'INVALID_AMOUNT', { do: 'write', what: wanted({ begin: '2026-11-18T09:00:00Z', end: '2026-11-18T12:00:00Z' }) });
    kimai.config.set({ 'timesheet.rules.allow_zero_duration': '0' });
    await refused(EINVALID, 'INVALID_AMOUNT', { do: 'write', what: wanted({ begin: '2026-11-18T09:00:00Z', end: '2026-11-18T09:00:00Z' }) });
    await refused(EINVALID, 'INVALID_AMOUNT', { do: 'write', what: wanted({ begin: '2026-11-18T09:00:00Z', end: '2026-11-18T08:00:00Z' }) });
  });

  test('of a locked period, in which a plain token may make, change and remove nothing', async () => {
    const over = await plain();
    const old = wanted({ begin: '2026-10-20T09:00:00Z', end: '2026-10-20T10:00:00Z' });
    const { id } = await write(old, over);
    kimai.config.set({ 'timesheet.rules.lockdown_period_start': 'first day of last month 00:00:00', 'timesheet.rules.lockdown_period_end': 'last day of last month 23:59:59' });
    await refused(ECONFLICT, 'LOCKDOWN', { do: 'write', what: old }, over);
    await refused(ECONFLICT, 'LOCKDOWN', { do: 'write', what: { id, text: 'x' } }, over);
    await refused(ECONFLICT, 'LOCKDOWN', { do: 'remove', what: { id } }, over);
    assert.equal(kimai.sheets().length, 1);
  });

  test('of what the token may not', async () => {
    const over = await plain();
    assert.match(await refused(EDENIED, 'CREATION_ERROR', { do: 'write', what: wanted({ user: String(kimai.bob.id) }) }, over), /create_other_timesheet/);
    assert.match(await refused(EDENIED, 'CREATION_ERROR', { do: 'write', what: wanted({ billable: true }) }, over), /edit_billable_own_timesheet/);
    const { id } = await write(wanted({ user: String(kimai.bob.id) }));
    assert.equal((await scribe({ do: 'write', what: { id, text: 'x' } }, over)).code, EDENIED);
    await refused(EAUTH, '', { do: 'write', what: wanted() }, await connect({ token: 'wrong' }));
    assert.equal(kimai.sheets().length, 1);
  });
});

describe('what breaks', { timeout }, () => {
  const meets = (fault) => kimai.faults.add({ method: 'POST', path: '/api/timesheets', times: 1, ...fault });

  test('between Kimai and us leaves it unknown, and it is found or not by its marker', async () => {
    const unknown = [
      [{ kind: 'cut_before' }, 0], [{ kind: 'cut_after' }, 1], [{ kind: 'half_length' }, 1], [{ kind: 'half_text' }, 1],
      [{ kind: 'status', status: 500 }, 0], [{ kind: 'status', status: 504, acts: 'now' }, 1], [{ kind: 'html', acts: 'now' }, 1],
    ];
    for (const [fault, stored] of unknown) {
      const marker = `ZAM:T50|TA:${++n}|C:1a2b3c4d`;
      meets(fault);
      await refused(EUNKNOWN, '', { do: 'write', what: wanted({ text: marker }) });
      assert.equal((await sheets({ marker, begin_from: '2026-11-20T08:00:00Z', begin_to: '2026-11-20T10:00:00Z' })).length, stored, fault.kind);
    }
    assert.equal(kimai.log.since(0, { method: 'POST', path: '/api/timesheets' }).length, unknown.length); // never a second time
  });

  test('and arrives later is found then', async () => {
    meets({ kind: 'cut_late', lateMs: 60_000 });
    await refused(EUNKNOWN, '', { do: 'write', what: wanted() });
    assert.deepEqual(await sheets({ marker: MARKER }), []);
    kimai.clock.advance(60_000);
    assert.equal((await sheets({ marker: MARKER })).length, 1);
  });

  test('before anything is sent is not unknown', async () => {
    await kimai.down();
    assert.equal((await scribe({ do: 'write', what: wanted() })).code, EUNAVAILABLE);
    await kimai.up();
    await write(wanted());
    meets({ kind: 'redirect', status: 307, location: `${kimai.url}/elsewhere` });
    assert.equal((await scribe({ do: 'write', what: wanted() })).code, EUPSTREAM);
    assert.equal(kimai.sheets().length, 1);
  });

  // Whatever chance does: what is said to be stored is, once; what is said not to be is not, also later; and a list is whole or none.
  // KIMAI_SEED replays, KIMAI_ROUNDS prolongs.
  test('by chance never makes a lie', async () => {
    const seed = Number(process.env.KIMAI_SEED ?? Date.now() % 1_000_000);
    const rounds = Number(process.env.KIMAI_ROUNDS ?? 40);
    const kinds = ['cut_before', 'cut_after', 'cut_late', 'half_length', 'half_text', 'html', 'redirect', 'huge', 'wrong_clock',
      ...[401, 403, 404, 429, 500, 502, 503].map((status) => ({ kind: 'status', status })),
      ...[500, 504].map((status) => ({ kind: 'status', status, acts: 'now' })), { kind: 'status', status: 504, acts: 'late', lateMs: 60_000 }];
    const outcomes = {};
    const told = new Map(); // marker -> what was said
    for (let i = 0; i < rounds; i++) {
      kimai.faults.random({ rate: 0.4, kinds, seed: seed + i, path: '/api/*' });
      const text = `ZAM:T${i}|TA:${i}|C:1a2b3c4d`;
      const { code } = await scribe({ do: 'write', what: wanted({ text, user: String(i % 2 ? kimai.ann.id : kimai.bob.id), tags: ['zammad'] }) });
      told.set(text, code);
      outcomes[code] = (outcomes[code] ?? 0) + 1;
      const listed = await scribe({ do: 'sheets' });
      if (listed.code === 0) assert.equal(listed.items.length, kimai.sheets().length, `KIMAI_SEED=${seed} round ${i}`);
    }
    kimai.faults.clear();
    kimai.clock.advance(120_000);
    for (const [text, code] of told) {
      const stored = kimai.sheets().filter(({ description }) => description === text).length;
      const right = code === 0 ? stored === 1 : code === EUNKNOWN ? stored <= 1 : stored === 0;
      assert.ok(right, `KIMAI_SEED=${seed} ${text}: ${code}, and ${stored} are stored`);
    }
    assert.ok(outcomes[0] > rounds / 10 && outcomes[EUNKNOWN] > 0, `KIMAI_SEED=${seed} ${JSON.stringify(outcomes)}`);
  });

  test('makes no list shorter than it is', async () => {
    kimai.addSheets(Array.from({ length: 30 }, (_, i) => ({ user: 1, project: 1, activity: 1, begin: Date.parse('2026-11-01T09:00:00Z') + i * 3_600_000, end: Date.parse('2026-11-01T10:00:00Z') + i * 3_600_000 })));
    const over = await connect({ page_size: 5 });
    assert.equal((await sheets({}, over)).length, 30);
    const faults = [{ kind: 'html' }, { kind: 'half_text' }, { kind: 'status', status: 500 }, { kind: 'status', status: 403 }, { kind: 'status', status: 404 }, { kind: 'redirect' }, { kind: 'huge', bytes: 20_000_000 }];
    for (const fault of faults) {
      kimai.faults.add({ method: 'GET', path: '/api/timesheets', ...fault });
      const { code, items } = await scribe({ do: 'sheets' }, over);
      assert.ok(code < 0 && items === undefined, `${fault.kind} ${fault.status}: ${code}`);
      kimai.faults.clear();
    }
    assert.equal((await sheets({}, over)).length, 30); // and heals
  });

  test('for an hour because a token ended heals with it', async () => {
    const fault = kimai.faults.add({ kind: 'status', status: 401, body: '' });
    await refused(EAUTH, '', { do: 'write', what: wanted() });
    await refused(EAUTH, '', { do: 'sheets' });
    await refused(EAUTH, '', { do: 'things', listing: 'project' });
    kimai.faults.remove(fault);
    await write(wanted());
  });
});

describe('a long list', { timeout }, () => {
  const begin = Date.parse('2026-01-01T09:00:00Z');
  const fill = (count) => kimai.addSheets(Array.from({ length: count }, (_, i) =>
    ({ user: i % 2 ? kimai.ann.id : 1, project: 1, activity: 1, begin: begin + i * 900_000, end: begin + (i + 1) * 900_000, description: `row ${i}` })));

  test('comes whole, several pages at a time', async () => {
    fill(2345);
    const over = await connect({ page_size: 100 });
    kimai.faults.add({ kind: 'delay', ms: 20, method: 'GET', path: '/api/timesheets' });
    const rows = await sheets({}, over);
    assert.deepEqual(idsOf(rows), Array.from({ length: 2345 }, (_, i) => i + 1));
    assert.ok(kimai.peak.requests > 1, JSON.stringify(kimai.peak));
  });

  test('lacks nothing that was there all the time, although rows go while it is read', async () => {
    fill(600);
    const over = await connect({ page_size: 20 });
    const go = Array.from({ length: 8 }, (_, i) => 3 + i * 5);
    kimai.faults.add({ kind: 'delay', ms: 15, method: 'GET', path: '/api/timesheets' });
    const reading = sheets({}, over);
    for (const id of go) {
      await new Promise((later) => setTimeout(later, 20));
      kimai.deleteSheet(id);
    }
    const found = new Set(idsOf(await reading));
    for (const { id } of kimai.sheets()) assert.ok(found.has(id), `${id} is missing`);
  });

  const at = (ms) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

  test('of what changed since', async () => {
    const now = Math.floor(Date.now() / 1000) * 1000;
    await startPeer({ now: at(now - 3_600_000) });
    fill(10);
    kimai.clock.set(at(now));
    kimai.editSheet(4, { description: 'new' });
    assert.deepEqual(idsOf(await sheets({ changed_since: at(now) })), [4]);
    assert.deepEqual(idsOf(await sheets({ changed_since: at(now + 1000) })), []);
  });

  test('of what changed since, also where its clock is a day behind, or ahead', async () => {
    for (const off of [-86_400_000, 86_400_000]) {
      const now = Math.floor(Date.now() / 1000) * 1000;
      await startPeer({ now: at(now + off - 3 * 86_400_000) });
      fill(10);
      kimai.clock.set(at(now + off));
      kimai.editSheet(4, { description: 'new' });
      assert.deepEqual(idsOf(await sheets({ changed_since: at(now - 600_000) })), [4]);
    }
  });

  test('of a window, for an owner whose clock hangs elsewhere', async () => {
    fill(200);
    const over = await connect({ token: kimai.addUser({ username: 'far', email: 'far@example.org', timezone: 'Pacific/Kiritimati', roles: ['ROLE_SUPER_ADMIN'] }).token });
    const window = { begin_from: '2026-01-01T23:00:00Z', begin_to: '2026-01-02T01:00:00Z' };
    const ids = Array.from({ length: 9 }, (_, i) => 57 + i);
    assert.deepEqual(idsOf(await sheets(window, over)), ids);
    assert.deepEqual(idsOf(await sheets(window)), ids);
  });
});

describe('what people point at', { timeout }, () => {
  const things = (listing, what = {}) => done({ do: 'things', listing, what });

  test('is listed by the server for forms', async () => {
    const { items } = await told('GET', `/connections/${connection}/things/project`);
    assert.deepEqual(items.map(({ id, name, number, parent }) => ({ id, name, number, parent })), [{ id: '1', name: 'Helpdesk', number: 'TID-50', parent: '1' }]);
    assert.deepEqual((await things('user')).map(({ name, email }) => [name, email]), [
      ['admin', 'admin@example.com'], ['ann', 'ann@example.org'], ['bob', 'bob@example.org']]);
    assert.deepEqual((await things('activity')).map(({ name }) => name), ['Support']);
    assert.deepEqual(await things('team'), []);
    assert.deepEqual((await things('customer', { number: 'OID-5' })).map(({ name }) => name), ['Acme']);
    assert.deepEqual(await things('customer', { name: 'acme' }), []); // exactly
  });

  test('is made once, with what its contract demands', async () => {
    const make = (listing, what) => done({ do: 'make', listing, what });
    const [customer] = await make('customer', { name: 'Zürich "AG" %_', number: 'OID-6' });
    const [project] = await make('project', { name: 'Ticket 51: Drucker', number: 'TID-51', parent: customer.id });
    await make('activity', { name: 'On site' });
    await make('tag', { name: 'zammad' });
    for (const [listing, what] of [['customer', { name: 'X AG', number: 'OID-6' }], ['project', { name: 'X', number: 'TID-51', parent: customer.id }],
      ['activity', { name: 'On site' }], ['tag', { name: 'zammad' }]]) {
      const answer = await scribe({ do: 'make', listing, what: { ...what, name: what.name === 'X' ? 'XX' : what.name } });
      assert.equal(answer.code, ECONFLICT, `${listing}: ${answer.text}`);
    }
    assert.deepEqual((await things('customer', { name: 'Zürich "AG" %_' })).map(({ id }) => id), [customer.id]);
    assert.deepEqual((await things('project', { parent: customer.id })).map(({ id }) => id), [project.id]);
    assert.deepEqual((await things('tag', { name: 'zammad' })).length, 1);
    await write(wanted({ project: project.id }));
  });

  test('is never doubled by an answer that was lost', async () => {
    kimai.faults.add({ kind: 'cut_after', method: 'POST', path: '/api/customers', times: 1 });
    await refused(EUNKNOWN, '', { do: 'make', listing: 'customer', what: { name: 'New', number: 'OID-9' } });
    await refused(ECONFLICT, '', { do: 'make', listing: 'customer', what: { name: 'New', number: 'OID-9' } });
    assert.equal([...kimai.state.customers.values()].filter(({ number }) => number === 'OID-9').length, 1);
  });
});

// As a reader types them, with this test's server and Kimai in the place of theirs.
test('docs/kimai.md has commands that work', { timeout }, async () => {
  const commands = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, lines]) => lines.trim().split('\n'));
  assert.equal(commands.length, 3);
  for (const line of commands) {
    const [program, ...args] = line.replace('https://kimai.example.org', kimai.url).split(' ');
    assert.equal(program, 'dowel');
    const more = args[1] === 'add' ? ['--allow-private', 'yes'] : [];
    const here = ['--tenant', tenants.a, '--config', server.configDir, '--data', server.dataDir];
    const { code, stdout, stderr } = await dowel([...args, ...more, ...here], { input: `${kimai.token}\n` });
    assert.equal(code, 0, `${line}: ${stdout}${stderr}`);
    assert.ok(!`${stdout}${stderr}`.includes(kimai.token));
  }
});

test('its settings are shown with what they are for', { timeout }, async () => {
  const { settings } = await told('GET', '/connectors/kimai');
  assert.deepEqual(settings.required, ['base_url']);
  assert.ok(Object.values(settings.properties).every(({ description }) => description?.length > 20));
  const secret = Object.entries(settings.properties).filter(([, { writeOnly }]) => writeOnly).map(([name]) => name);
  assert.deepEqual(secret.sort(), ['legacy_token', 'token']);
});

// Each line that a test of a connection may show is explained, and none that it never shows.
test('docs/kimai.md explains each line of a test', () => {
  const source = readFileSync(join(root, 'plugins/kimai/check.c'), 'utf8');
  const shown = [...source.matchAll(/dw_checked\([^,]+, DW_CHECK_\w+,\s+"(\w+)"/g)].map(([, name]) => name);
  const made = [...source.matchAll(/"(create_(?:customer|project|activity|tag))"/g)].map(([, name]) => name);
  const table = /^\| line \|.*?\n\n/ms.exec(page)[0];
  const told = [...table.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap(([, names]) => names.match(/\w+/g));
  assert.deepEqual([...new Set(told)].sort(), [...new Set([...shown, ...made])].sort());
});

// Presets: release asan
// The whole way, as an admin and a biller go it: two connections, a sync, a plan, a run, what has to be decided, edits at both sides,
// undo, reports; over HTTP and on the command line, with the real connectors and stand-ins for Zammad and Kimai.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { startKimai } from '../peers/kimai.mjs';
import { startZammad } from '../peers/zammad.mjs';
import { badges, badgesYaml, bearer, tenants } from './support/badges.mjs';
import { request } from './support/client.mjs';
import { command, pluginFolder, startWith } from './support/plugins.mjs';
import { slowness, until } from './support/server.mjs';

const timeout = 180_000 * slowness;
const people = badges({
  root: 'a *', biller: 'a timesync.read timesync.run timesync.decide', viewer: 'a timesync.read', foreigner: 'b *',
});
const DAY = 86_400_000;
const TODAY = Math.floor(Date.now() / DAY) * DAY; // once: a suite that runs over midnight means the same days all the time
const midday = (daysAgo) => new Date(TODAY - daysAgo * DAY + DAY / 2).toISOString();
const minute = () => new Date(Math.floor(Date.now() / 60_000) * 60_000).toISOString(); // whole ones, as Kimai rounds
const dayOf = (daysAgo) => midday(daysAgo).slice(0, 10);

let server, zammad, kimai, source, target, sync;

async function ask(method, path, body, { as = people.root, headers = {} } = {}) {
  return request(server.url, {
    method, path: `/api/v1${path}`, limit: 60_000 * slowness,
    headers: { ...bearer(as), ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

async function told(method, path, body, options) {
  const answer = await ask(method, path, body, options);
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text()}`);
  return answer.body.length === 0 ? {} : answer.json();
}

async function refused(status, says, method, path, body, options) {
  const answer = await ask(method, path, body, options);
  assert.equal(answer.status, status, answer.text());
  assert.match(answer.text(), says);
}

const get = (path, options) => told('GET', path, undefined, options);
const patch = async (path, body) => {
  const { version } = await get(path);
  return told('PATCH', path, body, { headers: { 'If-Match': `"${version}"` } });
};

const ended = (id) => until(`run ${id} has ended`, async () => {
  const run = await get(`/timesync/runs/${id}`);
  return ['done', 'failed', 'cancelled'].includes(run.state) && run;
}, { limit: 60_000 * slowness });
const numbersOf = ({ examined, created, updated, unchanged, deleted, skipped, to_decide, failed }) => {
  assert.equal(examined, created + updated + unchanged + deleted + skipped + to_decide + failed);
  return { created, updated, unchanged, deleted, skipped, to_decide, failed };
};
const numbers = (more) => ({ created: 0, updated: 0, unchanged: 0, deleted: 0, skipped: 0, to_decide: 0, failed: 0, ...more });
const run = async (what = {}, options) => {
  const done = await ended((await told('POST', `/timesync/syncs/${sync.id}/runs`, what, options)).id);
  assert.equal(done.state, 'done', JSON.stringify(done));
  return done;
};
const open = (reason) => get(`/timesync/cases?state=open${reason ? `&reason=${reason}` : ''}`);
const decided = async ({ runs }) => Promise.all(runs.map(ended));
const sheets = () => kimai.sheets();
const sheetOf = (entry) => sheets().find(({ description }) => description?.includes(`|TA:${entry.id}|`));
const shell = async (...args) => {
  const done = await command(server, 'timesync', ...args, '--tenant', tenants.a);
  assert.equal(done.code, 0, done.stderr);
  return done.stdout;
};

describe('time that was booked in Zammad', { timeout }, () => {
  const entries = {};
  let ann, bob;

  before(async () => {
    zammad = await startZammad({ seed: 7 });
    kimai = await startKimai({ seed: 7 });
    const core = 'rate_limit: off\nroute_limits: false\ncheck_replies: true\n';
    server = await startWith({ plugins: { badges: badgesYaml(people), zammad: '', kimai: '', timesync: '' }, folder: pluginFolder, core });
    [ann, bob] = zammad.state.agents.slice(1, 3);
    kimai.addUser({ username: 'ann', email: ann.email, timezone: 'Europe/Berlin' });
    kimai.addActivity({ name: 'On site' });
    for (const row of [...zammad.state.entries.values()]) zammad.remove(row.id);
    zammad.control('POST', 'types', { name: 'Visit' });
    zammad.control('POST', 'types', { name: 'on site' });
    const ticket = zammad.openTicket({ title: 'Router; "new" =SUM(A1)' });
    entries.visit = zammad.book({ ticket: ticket.id, time_unit: '15', type: 'Visit', agent: ann.email, at: midday(5) });
    entries.site = zammad.book({ ticket: ticket.id, time_unit: '30', type: 'on site', agent: ann.email, at: midday(4) });
    entries.bob = zammad.book({ ticket: ticket.id, time_unit: '45', type: 'Visit', agent: bob.email, at: midday(3) });
  }, { timeout });

  after(async () => {
    await server?.stop();
    await zammad?.stop();
    await kimai?.stop();
  }, { timeout });

  test('is asked for over connections that were tested', async () => {
    const connect = (kind, peer) => told('POST', '/connections', {
      kind, name: `our ${kind}`, allow_private: true, settings: { base_url: peer.url, token: peer.token },
    });
    source = await connect('zammad', zammad);
    target = await connect('kimai', kimai);
    assert.ok(source.tested.works && target.tested.works);
  });

  test('a sync that is wrong is told what is wrong', async () => {
    const make = (more) => ['POST', '/timesync/syncs', { name: 'Main', source: source.id, target: target.id, ...more }];
    await refused(422, /#\/source.*is no enabled connection from which booked time can be read/, ...make({ source: target.id }));
    await refused(422, /#\/rules\/minutes_per_unit.*is no decimal above zero/, ...make({ rules: { minutes_per_unit: '1,5' } }));
    await refused(422, /#\/rules\/anker.*anchor/, ...make({ rules: { anker: 'ends' } }));
    await refused(422, /#\/schedule/, ...make({ schedule: 'often' }));
    await refused(403, /timesync.write/, ...make(), { as: people.biller });
    assert.deepEqual((await get('/timesync/syncs')).items, []);
  });

  test('a plan shows what would be, and writes nothing', async () => {
    sync = await told('POST', '/timesync/syncs', {
      name: 'Main', source: source.id, target: target.id, schedule: '', full_schedule: '', zone: 'Europe/Berlin', rules: { minutes_per_unit: '1' },
    });
    const plan = await run({ plan: true }, { as: people.biller });
    assert.deepEqual(numbersOf(plan), numbers({ to_decide: 3 }));
    assert.deepEqual((await get(`/timesync/runs/${plan.id}/steps`)).items.map(({ outcome }) => outcome), ['deciding', 'deciding', 'deciding']);
    assert.equal((await open()).items.length, 0);
    assert.equal(sheets().length, 0);
  });

  test('what nothing says anything about waits for a person, with all facts', async () => {
    assert.deepEqual(numbersOf(await run()), numbers({ to_decide: 3 }));
    const counts = await get('/timesync/cases/counts');
    assert.deepEqual(counts.items, [{ reason: 'UNMAPPED_ACTIVITY', count: 3 }]);
    const [first] = (await open()).items;
    assert.deepEqual([first.source.amount, first.source.activity_name, first.source.agent_email, first.target], ['15.0', 'Visit', ann.email, null]);
    assert.equal(sheets().length, 0);
  });

  test('a mapping that was suggested settles what it explains', async () => {
    const { items } = await get(`/timesync/mappings/suggestions?sync=${sync.id}&kind=activity`, { as: people.biller });
    assert.deepEqual(items.map(({ source_name, cases, target_name }) => [source_name, cases, target_name]), [['Visit', 2, null], ['on site', 1, 'On site']]);
    const map = ({ source: from, target: to }, more) => told('POST', '/timesync/mappings', {
      sync: sync.id, kind: 'activity', source: from, target: to ?? items[1].target, settle: true, ...more,
    }, { as: people.biller });
    await refused(422, /#\/target.*is not there/, 'POST', '/timesync/mappings', { sync: sync.id, kind: 'activity', source: items[0].source, target: '4711' });
    const made = await map(items[1]);
    assert.deepEqual(numbersOf(await ended(made.settled_by)), numbers({ created: 1 }));
    assert.equal((await get(`/timesync/mappings/${made.id}`)).explains, 0);
    const visits = await ended((await map(items[0], { billable: 'no' })).settled_by);
    assert.deepEqual(numbersOf(visits), numbers({ created: 1, to_decide: 1 })); // nobody in Kimai is Bob
    assert.deepEqual((await open()).items.map(({ reason }) => reason), ['UNMAPPED_USER']);
    assert.equal(sheets().length, 2);
    assert.equal(sheetOf(entries.visit).billable, false);
  });

  test('a case is decided', async () => {
    const [one] = (await open('UNMAPPED_USER')).items;
    await refused(422, /makes no sense/, 'POST', `/timesync/cases/${one.id}/decide`, { action: 'keep' });
    await refused(403, /timesync.decide/, 'POST', `/timesync/cases/${one.id}/decide`, { action: 'skip' }, { as: people.viewer });
    await refused(404, /./, 'POST', `/timesync/cases/${one.id}/decide`, { action: 'skip' }, { as: people.foreigner });
    kimai.addUser({ username: 'bob', email: bob.email, timezone: 'Europe/Berlin' });
    const [done] = await decided(await told('POST', `/timesync/cases/${one.id}/decide`, { action: 'retry', note: 'Bob has an account now' }, { as: people.biller }));
    assert.deepEqual(numbersOf(done), numbers({ created: 1 }));
    const resolved = await get(`/timesync/cases/${one.id}`);
    assert.deepEqual([resolved.state, resolved.action, resolved.note], ['resolved', 'retry', 'Bob has an account now']);
    assert.equal(sheets().length, 3);
  });

  test('a second pass changes nothing, and an edit arrives', async () => {
    assert.deepEqual(numbersOf(await run({ kind: 'full' })), numbers({ unchanged: 3 }));
    zammad.edit(entries.visit.id, { time_unit: '20' });
    assert.deepEqual(numbersOf(await run()).updated, 1);
    assert.equal(sheetOf(entries.visit).duration, 1200);
  });

  test('an edit at the target is for a person, single and in bulk', async () => {
    kimai.editSheet(sheetOf(entries.site).id, { end: new Date(Date.parse(sheetOf(entries.site).end) + 600_000).toISOString() });
    kimai.deleteSheet(sheetOf(entries.bob).id);
    assert.equal(numbersOf(await run({ kind: 'full' })).to_decide, 2);
    const bulk = { sync: sync.id, reason: 'TARGET_CHANGED', action: 'keep' };
    assert.deepEqual((await decided(await told('POST', '/timesync/cases/decide', bulk, { as: people.biller }))).map(({ state }) => state), ['done']);
    const [gone] = (await open('DELETED_TARGET')).items;
    await decided(await told('POST', `/timesync/cases/${gone.id}/decide`, { action: 'create' }));
    assert.ok(sheetOf(entries.bob));
    assert.equal((await open()).items.length, 0);
    assert.equal((await get('/timesync/entries?state=synced')).items.length, 3);
  });

  test('reports add up, in the days of the zone, as JSON and CSV', async () => {
    const report = await get('/timesync/reports/minutes?by=day&by=agent');
    assert.deepEqual(report.items.map(({ groups, minutes }) => [groups[0].id, minutes]), [[dayOf(5), 20], [dayOf(4), 40], [dayOf(3), 45]]);
    assert.deepEqual([report.sums.minutes, report.sums.synced, report.sums.not_billable], [105, 105, 65]);
    const csv = await ask('GET', '/timesync/entries/export?separator=semicolon');
    assert.equal(csv.header('content-type'), 'text/csv; charset=utf-8');
    assert.match(csv.text(), /^\uFEFFsource_id;ticket;/);
    assert.match(csv.text(), /;"Router; ""new"" =SUM\(A1\)";/);
    const kpis = await get('/timesync/kpis');
    assert.deepEqual([kpis.open_cases, kpis.waiting, kpis.days.length], [0, 0, 14]);
    assert.equal(kpis.days.reduce((sum, { synced }) => sum + synced, 0), 105);
  });

  test('is also moved and looked at from the command line', async () => {
    zammad.book({ ticket: entries.visit.ticket_id, time_unit: '10', type: 'Visit', agent: ann.email, at: minute() });
    assert.match(await shell('plan', 'Main'), /created.*\nplanned \(.*created: 1/s);
    const done = JSON.parse(await shell('run', 'Main', '--output', 'json'));
    assert.deepEqual([done.state, done.created], ['done', 1]);
    assert.match(await shell('status'), /^Main /m);
    assert.match(await shell('runs', '--limit', '3'), new RegExp(`^${done.run} `, 'm'));
    assert.match(await shell('mappings'), /Visit/);
    const report = JSON.parse(await shell('report', '--by', 'month', '--output', 'json'));
    assert.equal(report.minutes, 115);
    assert.match(await shell('cases'), /^none/);
    const undone = JSON.parse(await shell('undo', done.run, '--yes', '--output', 'json'));
    assert.deepEqual([undone.state, undone.deleted], ['done', 1]);
    assert.equal(sheets().length, 3);
    const wrong = await command(server, 'timesync', 'run', 'Other', '--tenant', tenants.a);
    assert.match(wrong.stderr, /there is no such sync \(sync: Other, there_are: Main\)/);
    assert.match((await command(server, 'timesync', 'status')).stderr, /there are 2 tenants: say --tenant ID/);
  });

  test('what was undone is not made again until somebody lets the sync go on', async () => {
    const held = await get(`/timesync/syncs/${sync.id}`);
    assert.notEqual(held.held_reason, '');
    assert.equal((await told('POST', `/timesync/syncs/${sync.id}/release`, undefined, { as: people.biller })).held_reason, '');
  });

  test('what was billed is not touched', async () => {
    kimai.exportSheet(sheetOf(entries.visit).id);
    zammad.edit(entries.visit.id, { time_unit: '60' });
    const before = sheetOf(entries.visit);
    await run();
    assert.deepEqual(sheetOf(entries.visit), before);
    assert.deepEqual((await open('LOCKED_OR_EXPORTED')).items.map(({ target: { exported } }) => exported), [true]);
    await refused(409, /undone already|cannot be undone/, 'POST', `/timesync/runs/${(await get('/timesync/runs?kind=undo')).items[0].id}/undo`, {});
  });

  test('nobody of another tenant sees any of it', async () => {
    for (const list of ['syncs', 'runs', 'entries', 'cases', 'mappings'])
      assert.deepEqual((await get(`/timesync/${list}`, { as: people.foreigner })).items, []);
    assert.equal((await ask('GET', `/timesync/syncs/${sync.id}`, undefined, { as: people.foreigner })).status, 404);
  });

  test('a connection is not deleted while a sync hangs on it; the sync goes by its name, its timesheets stay', async () => {
    const uses = await get(`/connections/${source.id}/uses`);
    assert.equal(uses.items[0].name, 'Main');
    await refused(409, /send its name as confirm/, 'DELETE', `/timesync/syncs/${sync.id}`);
    const before = sheets().length;
    await told('DELETE', `/timesync/syncs/${sync.id}?confirm=Main`);
    assert.equal(sheets().length, before);
    const trail = (await get('/audit?action=timesync.*&limit=100')).items.map(({ action }) => action);
    for (const action of ['sync.created', 'sync.deleted', 'sync.released', 'run.started', 'run.undone', 'case.decided', 'mapping.created'])
      assert.ok(trail.includes(`timesync.${action}`), action);
  });

  test('a new sync between the same two takes the timesheets over, and doubles none', async () => {
    const before = sheets().length;
    sync = await told('POST', '/timesync/syncs', {
      name: 'Again', source: source.id, target: target.id, schedule: '', full_schedule: '', zone: 'Europe/Berlin',
      rules: { activity: 'default', default_activity: String(sheetOf(entries.site).activity.id ?? sheetOf(entries.site).activity) },
    });
    const done = await run();
    assert.ok(done.adopted >= 1, JSON.stringify(done));
    assert.equal(sheets().length, before);
  });
});

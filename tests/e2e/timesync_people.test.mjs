// Presets: release asan
// The sync as people meet it: who may what, what is written down about it, how far a run is, and what it says in German.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { startKimai } from '../peers/kimai.mjs';
import { startZammad } from '../peers/zammad.mjs';
import { badges, badgesYaml, bearer, tenants } from './support/badges.mjs';
import { request } from './support/client.mjs';
import { command, pluginFolder, startWith } from './support/plugins.mjs';
import { binaryOf, root, slowness, until } from './support/server.mjs';

const timeout = 180_000 * slowness;
const limit = 60_000 * slowness;

// What plugins/timesync/api.yaml gives the roles of plugins/auth.
const people = badges({
  root: 'a *', viewer: 'a timesync.read', biller: 'a timesync.read timesync.run timesync.decide', admin: 'a timesync.read timesync.run timesync.decide timesync.write',
  outsider: 'a notes.read', foreigner: 'b *',
});

// Who may what, as it is meant: [operation, method, path, permission]. NAME stands for an id of that thing.
const READ = 'timesync.read', RUN = 'timesync.run', DECIDE = 'timesync.decide', WRITE = 'timesync.write';
const OPERATIONS = [
  ['listRules', 'GET', '/rules', READ],
  ['previewSchedule', 'GET', '/schedule?when=every%2015m', READ],
  ['listSyncs', 'GET', '/syncs', READ],
  ['createSync', 'POST', '/syncs', WRITE],
  ['getSync', 'GET', '/syncs/SYNC', READ],
  ['changeSync', 'PATCH', '/syncs/SYNC', WRITE],
  ['deleteSync', 'DELETE', '/syncs/SYNC', WRITE],
  ['releaseSync', 'POST', '/syncs/SYNC/release', RUN],
  ['startRun', 'POST', '/syncs/SYNC/runs', RUN],
  ['listRuns', 'GET', '/runs', READ],
  ['exportRuns', 'GET', '/runs/export', READ],
  ['getRun', 'GET', '/runs/RUN', READ],
  ['listSteps', 'GET', '/runs/RUN/steps', READ],
  ['followRun', 'GET', '/runs/RUN/events', READ],
  ['cancelRun', 'POST', '/runs/RUN/cancel', RUN],
  ['undoRun', 'POST', '/runs/RUN/undo', RUN],
  ['listEntries', 'GET', '/entries', READ],
  ['exportEntries', 'GET', '/entries/export', READ],
  ['getEntry', 'GET', '/entries/ENTRY', READ],
  ['listEntrySteps', 'GET', '/entries/ENTRY/steps', READ],
  ['listReasons', 'GET', '/reasons', READ],
  ['listCases', 'GET', '/cases', READ],
  ['countCases', 'GET', '/cases/counts', READ],
  ['decideCases', 'POST', '/cases/decide', DECIDE],
  ['getCase', 'GET', '/cases/CASE', READ],
  ['changeCase', 'PATCH', '/cases/CASE', DECIDE],
  ['decideCase', 'POST', '/cases/CASE/decide', DECIDE],
  ['listMappings', 'GET', '/mappings', READ],
  ['createMapping', 'POST', '/mappings', DECIDE],
  ['exportMappings', 'GET', '/mappings/export', READ],
  ['suggestMappings', 'GET', '/mappings/suggestions?sync=SYNC&kind=activity', DECIDE],
  ['getMapping', 'GET', '/mappings/MAPPING', READ],
  ['changeMapping', 'PATCH', '/mappings/MAPPING', DECIDE],
  ['deleteMapping', 'DELETE', '/mappings/MAPPING', DECIDE],
  ['settleMapping', 'POST', '/mappings/MAPPING/settle', DECIDE],
  ['reportMinutes', 'GET', '/reports/minutes', READ],
  ['exportReport', 'GET', '/reports/minutes/export', READ],
  ['getKpis', 'GET', '/kpis', READ],
];

// What is sent to those that want content; valid, so that nothing but who asks is wrong with it.
const bodyOf = (operation, ids) => ({
  createSync: { name: 'Second', source: ids.SOURCE, target: ids.TARGET }, changeSync: { name: 'Other' }, decideCases: { sync: ids.SYNC, reason: 'UNMAPPED_ACTIVITY', action: 'skip' },
  changeCase: { note: 'seen' }, decideCase: { action: 'skip' }, createMapping: { sync: ids.SYNC, kind: 'activity', source: '99', target: '' }, changeMapping: { billable: 'no' },
})[operation];

let server, zammad, kimai;
const ids = {};

async function ask(method, path, { as = people.root, body, headers = {} } = {}) {
  return request(server.url, {
    method, path: `/api/v1${path}`, limit,
    headers: { ...bearer(as), ...(body && { 'Content-Type': 'application/json' }), ...headers }, ...(body && { body: JSON.stringify(body) }),
  });
}

async function told(method, path, body, options = {}) {
  const answer = await ask(method, path, { ...options, body });
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text()}`);
  return answer.body.length === 0 ? {} : answer.json();
}

const get = (path, options) => told('GET', `/timesync${path}`, undefined, options);
const post = (path, body, options) => told('POST', `/timesync${path}`, body, options);
const withVersion = async (method, path, body, options = {}) => {
  const { version } = await get(path);
  return told(method, `/timesync${path}`, body, { ...options, headers: { 'If-Match': `"${version}"` } });
};
const isOver = ({ state }) => ['done', 'failed', 'cancelled'].includes(state);
const ended = (id) => until(`run ${id} has ended`, async () => {
  const run = await get(`/runs/${id}`);
  return isOver(run) && run;
}, { limit });
const run = async (body = {}, options) => ended((await post(`/syncs/${ids.SYNC}/runs`, body, options)).id);
const filled = (path) => path.replace(/[A-Z]{3,}/g, (name) => ids[name] ?? name);

// An entry an hour ago of somebody whom Kimai knows.
const book = (amount, type = 'Visit', at = new Date(Date.now() - 3_600_000).toISOString()) =>
  zammad.book({ ticket: ids.TICKET, time_unit: amount, type, agent: zammad.state.agents[1].email, at });

describe('people', { timeout }, () => {
  before(async () => {
    zammad = await startZammad({ seed: 7 });
    kimai = await startKimai({ seed: 7 });
    const core = 'rate_limit: off\nroute_limits: false\ncheck_replies: true\nworkers: 16\n'; // as many as a small machine has
    server = await startWith({ plugins: { badges: badgesYaml(people), zammad: '', kimai: '', timesync: '' }, folder: pluginFolder, core });
    for (const row of [...zammad.state.entries.values()]) zammad.remove(row.id);
    kimai.addUser({ username: 'ann', email: zammad.state.agents[1].email, timezone: 'Europe/Berlin' });
    for (const name of ['Visit', 'Travel', 'Call']) zammad.control('POST', 'types', { name });
    for (const name of ['Visit', 'Call']) kimai.addActivity({ name });
    ids.TICKET = zammad.openTicket({ title: 'Router' }).id;
    const connect = async (kind, peer) => (await told('POST', '/connections', { kind, name: kind, allow_private: true, settings: { base_url: peer.url, token: peer.token } })).id;
    ids.SOURCE = await connect('zammad', zammad);
    ids.TARGET = await connect('kimai', kimai);
    const visit = book('15');
    book('30', 'Travel');
    book('45', 'Travel');
    book('20', 'Call');
    ids.SYNC = (await post('/syncs', { name: 'Main', source: ids.SOURCE, target: ids.TARGET, schedule: '', full_schedule: '' })).id;
    const type = [...zammad.state.types.values()].find(({ name }) => name === 'Visit');
    const activity = [...kimai.state.activities.values()].find(({ name }) => name === 'Visit');
    ids.MAPPING = (await post('/mappings', { sync: ids.SYNC, kind: 'activity', source: String(type.id), target: String(activity.id) })).id;
    ids.RUN = (await run()).id;
    [{ id: ids.CASE }] = (await get('/cases?state=open&reason=UNMAPPED_ACTIVITY')).items;
    ids.ENTRY = (await get('/entries')).items.find(({ source_id }) => source_id === String(visit.id)).id;
  }, { timeout });

  after(async () => {
    await server?.stop();
    await zammad?.stop();
    await kimai?.stop();
  }, { timeout });

  describe('who may what', { timeout }, () => {
    test('the table above has all operations, with the permission that the contract says', () => {
      const yaml = readFileSync(join(root, 'plugins/timesync/api.yaml'), 'utf8');
      const said = [...yaml.matchAll(/operationId: (\w+)\n[^]*?x-permission: (\S+)\n/g)].map(([, operation, permission]) => [operation, permission]);
      assert.deepEqual(said, OPERATIONS.map(([operation, , , permission]) => [operation, permission]));
    });

    test('the contract says of each what it is for', () => {
      const yaml = readFileSync(join(root, 'plugins/timesync/api.yaml'), 'utf8');
      const operations = yaml.split(/(?=^ {4}(?:get|post|patch|delete):$)/m).slice(1);
      assert.equal(operations.length, OPERATIONS.length);
      const silent = operations.filter((text) => !/^ {6}summary: .{8}/m.test(text) || !/^ {6}description: (>-\n {8})?.{20}/m.test(text));
      assert.deepEqual(silent.map((text) => /operationId: (\w+)/.exec(text)[1]), []);
    });

    for (const [operation, method, path, permission] of OPERATIONS) {
      test(`${operation} is for ${permission}`, { timeout: limit }, async () => {
        const body = bodyOf(operation, ids);
        const headers = method === 'PATCH' ? { 'If-Match': '"1"' } : {};
        const status = async (as) => (await ask(method, `/timesync${filled(path)}`, { as, body, headers })).status;
        assert.equal(await status(null), 401);
        assert.equal(await status(people.outsider), 403);
        for (const name of ['viewer', 'biller', 'admin'])
          if (!people[name].permissions.includes(permission)) assert.equal(await status(people[name]), 403, name);
        if (permission === READ) assert.equal(await status(people.viewer), 200);
        // Another tenant: what has an id is not there, a list has nothing.
        const foreign = await ask(method, `/timesync${filled(path)}`, { as: people.foreigner, body, headers });
        if (/[A-Z]{3,}/.test(path)) assert.ok(foreign.status === 404 || (method === 'PATCH' && foreign.status === 412), foreign.text());
        else if (method === 'GET') assert.equal(foreign.status, 200, foreign.text());
        else assert.ok([404, 422].includes(foreign.status), foreign.text());
        if (/^list(Syncs|Runs|Entries|Cases|Mappings)$/.test(operation)) assert.deepEqual(foreign.json().items, []);
        if (/^export/.test(operation)) assert.equal(foreign.text().trim().split('\n').length, 1);
      });
    }

    test('nothing of that changed anything', async () => {
      assert.deepEqual((await get('/syncs')).items.map(({ name }) => name), ['Main']);
      assert.equal((await get('/runs')).items.length, 1);
      assert.equal((await get('/mappings')).items.length, 1);
      assert.equal((await get('/cases?state=open')).items.length, 3);
    });
  });

  describe('what is written down', { timeout }, () => {
    // Of the whole log, which the command line reads: [action, who] of what came since.
    const records = async () => JSON.parse((await command(server, 'audit', 'list', '--tenant', tenants.a, '--action', 'timesync.*', '--limit', '1000', '--output', 'json')).stdout).records;
    let before = 0;
    const news = async () => {
      const all = await records();
      const found = all.slice(0, all.length - before).reverse();
      before = all.length;
      return found;
    };
    // One change, one record: that action, by who did it, of that thing.
    const leaves = async (action, target, who, change) => {
      await news();
      const made = await change();
      const found = await news();
      assert.deepEqual(found.map((one) => one.action), [action]);
      assert.match(JSON.stringify(found[0]), new RegExp(`"${who.name}"`));
      assert.equal(found[0].target, target ?? made.id, JSON.stringify(found[0]));
      return made;
    };

    test('each change by a person is one record with who and what', async () => {
      const { biller, admin } = people;
      const as = (who) => ({ as: who });
      await leaves('timesync.sync.changed', ids.SYNC, admin, () => withVersion('PATCH', `/syncs/${ids.SYNC}`, { zone: 'Europe/Berlin' }, as(admin)));
      await leaves('timesync.sync.released', ids.SYNC, biller, () => post(`/syncs/${ids.SYNC}/release`, undefined, as(biller)));
      const started = await leaves('timesync.run.started', null, biller, () => post(`/syncs/${ids.SYNC}/runs`, { plan: true }, as(biller)));
      await ended(started.id);
      const mapping = await leaves('timesync.mapping.created', null, biller, () => post('/mappings', { sync: ids.SYNC, kind: 'activity', source: '77', target: '' }, as(biller)));
      await leaves('timesync.mapping.changed', mapping.id, biller, () => withVersion('PATCH', `/mappings/${mapping.id}`, { billable: 'no' }, as(biller)));
      await leaves('timesync.mapping.deleted', mapping.id, biller, () => told('DELETE', `/timesync/mappings/${mapping.id}`, undefined, as(biller)));
      await leaves('timesync.case.changed', ids.CASE, biller, () => withVersion('PATCH', `/cases/${ids.CASE}`, { note: 'seen' }, as(biller)));
      const { runs } = await leaves('timesync.case.decided', ids.CASE, biller, () => post(`/cases/${ids.CASE}/decide`, { action: 'skip' }, as(biller)));
      await Promise.all(runs.map(ended));
      await news();
      const undone = await leaves('timesync.run.undone', ids.RUN, biller, () => post(`/runs/${ids.RUN}/undo`, { plan: true }, as(biller)));
      await ended(undone.id);
    });

    test('what is refused leaves none', async () => {
      await news();
      await ask('POST', `/timesync/cases/${ids.CASE}/decide`, { body: { action: 'skip' } });
      await ask('PATCH', `/timesync/syncs/${ids.SYNC}`, { body: { name: 'Other' }, headers: { 'If-Match': '"1"' } });
      await ask('POST', `/timesync/runs/${ids.RUN}/cancel`);
      assert.deepEqual(await news(), []);
    });
  });

  describe('how far a run is', { timeout }, () => {
    const events = (text) => text.split('\n\n').filter((one) => /^(id: end\n)?event: /.test(one))
      .map((one) => ({ event: /^event: (.*)$/m.exec(one)[1], ...JSON.parse(/^data: (.*)$/m.exec(one)[1]) }));

    test('is told until it has ended', async () => {
      kimai.faults.add({ kind: 'delay', ms: 1200 });
      const { id } = await post(`/syncs/${ids.SYNC}/runs`, { kind: 'full' });
      const answer = await ask('GET', `/timesync/runs/${id}/events`, { as: people.viewer });
      kimai.faults.clear();
      assert.match(answer.header('content-type'), /^text\/event-stream/);
      const all = events(answer.text());
      assert.ok(all.length >= 2, answer.text());
      assert.deepEqual(all.map(({ event }) => event), [...Array(all.length - 1).fill('progress'), 'end']);
      const [last] = all.slice(-1), { examined, unchanged, state } = await get(`/runs/${id}`);
      assert.deepEqual([last.state, last.examined, last.unchanged], [state, examined, unchanged]);
    });

    test('of one that is over there is its end, and then nothing more', async () => {
      const all = events((await ask('GET', `/timesync/runs/${ids.RUN}/events`)).text());
      assert.deepEqual(all.map(({ event, examined }) => [event, examined]), [['end', 4]]);
      assert.equal((await ask('GET', `/timesync/runs/${ids.RUN}/events`, { headers: { 'Last-Event-ID': 'end' } })).status, 204);
    });

    test('is looked at by many, and the server has time for others still', async () => {
      const fault = kimai.faults.add({ kind: 'delay', ms: 5000 * slowness });
      const { id } = await post(`/syncs/${ids.SYNC}/runs`, { kind: 'full' });
      let told = 0;
      const all = Array.from({ length: 16 }, async () => {
        const answer = await ask('GET', `/timesync/runs/${id}/events`, { as: people.viewer });
        told += 1;
        return answer.text();
      });
      await until('those who are too many are told how far it is', async () => {
        const one = await get(`/runs/${id}`); // waits behind them, where they have all threads
        assert.ok(!isOver(one), 'nobody was answered before the run was over');
        return told >= 12;
      }, { limit });
      await post(`/runs/${id}/cancel`);
      kimai.faults.remove(fault);
      for (const text of await Promise.all(all)) assert.match(text, /^event: (progress|end)$/m);
    });

    test('is a question of waiting: Ctrl-C in front of one ends that, says so, and the run goes on', async () => {
      const fault = kimai.faults.add({ kind: 'delay', ms: 1500 });
      const child = spawn(binaryOf(), ['timesync', 'run', 'Main', '--full', '--tenant', tenants.a, '--config', server.configDir, '--data', server.dataDir], { stdio: ['ignore', 'ignore', 'pipe'] });
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
      const closed = once(child, 'close');
      const { id } = await until('the run has begun', async () => (await get('/runs?sort=-created_at&limit=1')).items.find((one) => !isOver(one)), { limit });
      child.kill('SIGINT');
      assert.deepEqual(await closed, [1, null]);
      kimai.faults.remove(fault);
      assert.match(said, new RegExp(`^only the waiting has ended, the run goes on: .*\\(run: ${id}\\)\n$`));
      assert.equal((await ended(id)).state, 'done');
    });

    test('is said of one that somebody cancelled, and whoever waited for it is told that it is no success', async () => {
      const fault = kimai.faults.add({ kind: 'delay', ms: 1500 });
      const waits = command(server, 'timesync', 'run', 'Main', '--full', '--tenant', tenants.a);
      const { id } = await until('the run has begun', async () => (await get('/runs?sort=-created_at&limit=1')).items.find((one) => !isOver(one)), { limit });
      await post(`/runs/${id}/cancel`);
      const { code, stdout, stderr } = await waits;
      kimai.faults.remove(fault);
      assert.equal(code, 1, stdout);
      assert.match(stdout, /^cancelled \(/m);
      assert.match(stderr, new RegExp(`^the run was cancelled; what it did is kept, .*\\(run: ${id}\\)$`, 'm'));
    });
  });

  describe('in German', { timeout }, () => {
    const german = { headers: { 'Accept-Language': 'de' } };

    test('is what a case says, also what Kimai\'s connector said; its numbers stay', async () => {
      kimai.control('POST', 'config', { 'timesheet.rules.allow_overlapping_records': '0' });
      const at = new Date(Date.now() - 7_200_000).toISOString();
      book('15', 'Visit', at);
      book('15', 'Visit', at);
      await run({ kind: 'full' });
      const [{ id, detail }] = (await get('/cases?state=open&reason=OVERLAP')).items;
      assert.match(detail, /^the user has a timesheet at this time already \(timesheet: \d+/);
      const inGerman = /^der Benutzer hat zu dieser Zeit schon einen Eintrag \(timesheet: \d+/;
      assert.match((await get('/cases?state=open&reason=OVERLAP', german)).items[0].detail, inGerman);
      const one = await get(`/cases/${id}`, german);
      assert.match(one.detail, inGerman);
      assert.deepEqual({ ...one, detail }, await get(`/cases/${id}`));
    });

    test('is why a run failed, and why a sync is held', async () => {
      await post(`/syncs/${ids.SYNC}/runs`, { kind: 'tickets', tickets: ['nobody/knows'] });
      const failed = await until('the run has failed', async () => (await get('/runs?sort=-created_at&limit=1')).items.find(({ state }) => state === 'failed'), { limit });
      assert.equal(failed.detail, 'the source does not show this ticket; it is asked for by its id, which is not its number (ticket: nobody/knows)');
      assert.equal((await get(`/runs/${failed.id}`, german)).detail, 'die Quelle zeigt dieses Ticket nicht; gefragt wird nach seiner id, und die ist nicht seine Nummer (ticket: nobody/knows)');
      await ended((await post(`/runs/${ids.RUN}/undo`)).id);
      assert.equal((await get(`/syncs/${ids.SYNC}`)).held_detail, 'a run was undone; look at the rules, then let it go on');
      assert.equal((await get(`/syncs/${ids.SYNC}`, german)).held_detail, 'ein Lauf wurde zurückgenommen; bitte die Regeln ansehen und dann weiterlaufen lassen');
      assert.match((await get('/syncs', german)).items[0].held_detail, /^ein Lauf wurde/);
    });
  });
});

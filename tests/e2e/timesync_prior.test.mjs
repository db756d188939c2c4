// Presets: release asan
// What the one tool that did this job before got wrong, each as a test of what is right. The numbers are those of the list of its
// faults; those that are about its pages, its packaging or its users are other tests' business.

import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';

import { stageOf } from './support/timesync.mjs';
import { slowness, until } from './support/server.mjs';

const timeout = 180_000 * slowness;
const limit = 60_000 * slowness;

const { house, open } = stageOf({ timeout });

const DAY = 86_400_000;
const daysAgo = (n) => Date.now() - n * DAY;
const seconds = ({ begin, end }) => (Date.parse(end) - Date.parse(begin)) / 1000;

describe('what stopped it', { timeout }, () => {
  test('1: what is mapped gets its timesheet; for what is not, nothing is made at the target', async () => {
    const scene = await open({ unmapped: ['Travel'] });
    const [one, other] = [scene.ticket(), scene.ticket()];
    const mapped = scene.book(one, '15');
    scene.book(other, '30', { type: 'Travel' });
    await scene.well('poll');
    assert.equal(scene.sheet(mapped).duration, 900);
    assert.deepEqual((await scene.reasons()).map(([, reason]) => reason), ['UNMAPPED_ACTIVITY']);
    assert.deepEqual([...scene.kimai.state.projects.values()].map(({ number }) => number).filter((number) => /^TID-/.test(number)), [`TID-${one}`]);
  });

  test('2: a decision to create or to update does so, in the places that runs use', async () => {
    const scene = await open();
    const [edited, deleted] = [scene.book(scene.ticket(), '15'), scene.book(scene.ticket(), '30')];
    await scene.well('poll');
    scene.kimai.editSheet(scene.sheet(edited).id, { end: Date.parse(scene.sheet(edited).end) + 600_000 });
    scene.kimai.deleteSheet(scene.sheet(deleted).id);
    await scene.well('full');
    await scene.decide('TARGET_CHANGED', 'update');
    await scene.decide('DELETED_TARGET', 'create');
    assert.deepEqual([seconds(scene.sheet(edited)), seconds(scene.sheet(deleted))], [900, 1800]);
    const numbers = [...scene.kimai.state.projects.values()].map(({ number }) => number).filter((number) => /^TID-/.test(number));
    assert.equal(new Set(numbers).size, numbers.length);
  });

  test('3: a case closes by itself when a mapping is added, at once or in the next pass', async () => {
    const scene = await open({ unmapped: ['Travel', 'Internal'] });
    const ticket = scene.ticket();
    const [travel, internal] = [scene.book(ticket, '15', { type: 'Travel' }), scene.book(ticket, '30', { type: 'Internal' })];
    await scene.well('poll');
    assert.equal((await scene.cases()).length, 2);
    const map = (name, settle) => house.told('POST', '/timesync/mappings', {
      sync: scene.dowel.sync.id, kind: 'activity', source: String(scene.type(name)), target: String(scene.world.activities.get(scene.type(name))), settle,
    });
    const made = await map('Travel', true);
    await scene.dowel.ended(made.settled_by);
    assert.equal(seconds(scene.sheet(travel)), 900);
    await map('Internal', false);
    await scene.well('full');
    assert.equal(seconds(scene.sheet(internal)), 1800);
    assert.deepEqual(await scene.cases(), []);
  });

  test('4: a webhook needs its signature and nothing else, is answered at once, and counts once', async () => {
    const scene = await open();
    const entry = scene.book(scene.ticket(), '15');
    const send = async (body, headers) => {
      const since = performance.now();
      const answer = await fetch(`${house.url}${scene.dowel.zammad.webhook.path}`, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body });
      return { status: answer.status, ms: performance.now() - since };
    };
    const body = JSON.stringify({ ticket: { id: scene.world.entry(entry).ticket_id }, article: {} });
    const signed = (text) => `sha1=${createHmac('sha1', scene.dowel.zammad.webhook_secret).update(text).digest('hex')}`;
    const id = randomUUID();
    assert.ok((await send(body, {})).status >= 400);
    assert.ok((await send(body, { 'X-Hub-Signature': signed(`${body} `), 'X-Zammad-Delivery': id })).status >= 400);
    const headers = { 'X-Hub-Signature': signed(body), 'X-Zammad-Delivery': id };
    const first = await send(body, headers);
    assert.equal(first.status, 202);
    assert.ok(first.ms < 2000 * slowness, `${first.ms} ms`);
    assert.ok((await send(body, headers)).status < 300);
    await until('the timesheet is there', () => scene.sheets(entry).length > 0, { limit });
    await scene.dowel.idle();
    assert.equal(seconds(scene.sheet(entry)), 900);
  });

  test('6: parts of a minute are taken, kept exact, and shown', async () => {
    const scene = await open({ unmapped: ['Travel'] });
    const ticket = scene.ticket();
    const entry = scene.book(ticket, '7.5');
    scene.book(ticket, '0.25', { type: 'Travel' });
    await scene.well('poll');
    assert.equal(scene.sheet(entry).duration, 480); // Kimai rounds to the minute
    const rows = await scene.entries();
    assert.deepEqual(rows.map(({ amount }) => amount).sort(), ['0.25', '7.5']);
    assert.deepEqual((await scene.cases()).map(({ source }) => source.amount), ['0.25']);
  });
});

describe('what made its data wrong', { timeout }, () => {
  test('8: lists are read to their end, on both sides', async () => {
    const scene = await open();
    const [ticket, other] = [scene.ticket(), scene.ticket()];
    const entries = Array.from({ length: 130 }, (_, i) => scene.book(i % 2 ? ticket : other, String(1 + (i % 50)), { at: daysAgo(1 + i / 20) }));
    for (const side of ['kimai', 'zammad']) {
      const { version } = await house.told('GET', `/connections/${scene.dowel[side].id}`);
      const small = side === 'kimai' ? { page_size: 20 } : { per_page: 20 };
      await house.told('PATCH', `/connections/${scene.dowel[side].id}`, { settings: small, untested: true }, { 'If-Match': `"${version}"` });
    }
    const first = await scene.well('full');
    assert.equal(first.created, entries.length);
    // Another sync that knows nothing finds all of them again.
    await house.told('DELETE', `/timesync/syncs/${scene.dowel.sync.id}?confirm=${encodeURIComponent(scene.dowel.sync.name)}`);
    const { id, ...rest } = scene.dowel.sync;
    scene.dowel.sync = await house.told('POST', '/timesync/syncs', {
      name: `${rest.name} again`, source: rest.source, target: rest.target, schedule: '', full_schedule: '', rules: scene.rules,
    });
    for (const [type, activity] of scene.world.activities) await scene.dowel.map(type, true, activity);
    const again = await scene.well('full');
    assert.deepEqual([again.created, again.adopted], [entries.length, entries.length]);
    for (const entry of entries) scene.sheet(entry);
    await scene.judge();
  });

  test('9, 10: a timesheet whose id is that of an entry is not taken for it', async () => {
    const scene = await open();
    const ticket = scene.ticket();
    const entries = Array.from({ length: 8 }, () => scene.book(ticket, '15')); // their ids are those of the foreign timesheets
    await scene.well('full');
    for (const entry of entries) scene.zammad.edit(entry, { time_unit: '30' });
    await scene.well('full');
    for (const entry of entries) assert.equal(seconds(scene.sheet(entry)), 1800);
    await scene.judge(); // which looks at the foreign ones
  });

  test("11: a ticket's number is not its id", async () => {
    const scene = await open();
    const [ticket, other] = [scene.ticket(), scene.ticket()];
    scene.zammad.state.tickets.get(other).number = String(ticket);
    const [entry, second] = [scene.book(ticket, '15'), scene.book(other, '15')];
    await scene.well('full');
    const projectOf = (one) => scene.kimai.state.projects.get(scene.sheet(one).project).number;
    assert.deepEqual([projectOf(entry), projectOf(second)], [`TID-${ticket}`, `TID-${other}`]);
  });

  test('12: edits arrive, also those that leave the sum as it was, and deletions are seen', async () => {
    const scene = await open({ rules: { source_deleted: 'remove' } });
    const ticket = scene.ticket();
    const [a, b, gone] = ['15', '45', '60'].map((amount) => scene.book(ticket, amount));
    await scene.well('poll');
    scene.zammad.edit(a, { time_unit: '45' });
    scene.zammad.edit(b, { time_unit: '15' });
    scene.zammad.remove(gone);
    const run = await scene.well('full');
    assert.deepEqual([run.updated, run.deleted], [2, 1]);
    assert.deepEqual([seconds(scene.sheet(a)), seconds(scene.sheet(b)), scene.sheets(gone).length], [2700, 900, 0]);
  });

  test('12: a deletion waits for a person where the rule says so', async () => {
    const scene = await open();
    const entry = scene.book(scene.ticket(), '15');
    await scene.well('poll');
    scene.zammad.remove(entry);
    await scene.well('full');
    assert.deepEqual(await scene.reasons(), [[entry, 'DELETED_SOURCE']]);
    await scene.decide('DELETED_SOURCE', 'remove');
    assert.equal(scene.sheets(entry).length, 0);
  });

  test('13, 14: equal bookings of several agents on one day are several, each of its own agent', async () => {
    const scene = await open();
    const ticket = scene.ticket();
    const at = daysAgo(1);
    const entries = [0, 1, 2].map((agent) => scene.book(ticket, '15', { agent, at }));
    await scene.well('full');
    assert.deepEqual(entries.map((entry) => scene.sheet(entry).user), [0, 1, 2].map((agent) => scene.world.users.get(scene.agent(agent))));
    assert.deepEqual(await scene.cases(), []);
  });

  test('14: an agent whom the target does not know is asked about', async () => {
    const scene = await open();
    const entry = scene.book(scene.ticket(), '15', { agent: 4 });
    await scene.well('poll');
    assert.deepEqual(await scene.reasons(), [[entry, 'UNMAPPED_USER']]);
  });

  test('15: work ends when it is booked, so that nothing lies in the future', async () => {
    const scene = await open();
    scene.kimai.config.set({ 'timesheet.rules.allow_future_times': '0' });
    const entry = scene.book(scene.ticket(), '120', { at: Date.now() });
    await scene.well('poll');
    assert.equal(seconds(scene.sheet(entry)), 7200);
    assert.ok(Date.parse(scene.sheet(entry).end) <= Date.now() + 60_000);
  });

  test('16: instants stay what they are, whatever the zones of agents, tokens and servers', async () => {
    const scene = await open();
    const at = Date.parse('2026-03-29T00:30:00Z'); // an hour before Europe's clocks jump
    const night = Date.parse('2026-10-24T23:45:00Z');
    const ticket = scene.ticket();
    const entries = [0, 1, 2, 3].flatMap((agent) => [scene.book(ticket, '90', { agent, at: at + agent * 3_600_000 }), scene.book(ticket, '30', { agent, at: night })]);
    scene.kimai.state.users.get(1).timezone = 'America/St_Johns';
    await scene.well('full');
    await scene.judge();
    for (const [i, entry] of entries.entries()) assert.equal(Date.parse(scene.sheet(entry).end), i % 2 ? night : at + (i / 2) * 3_600_000);
    scene.kimai.editSheet(scene.sheet(entries[0]).id, { begin: at - 3_600_000 });
    await scene.well('full');
    await scene.decide('TARGET_CHANGED', 'update');
    assert.equal(Date.parse(scene.sheet(entries[0]).begin), at - 5_400_000);
  });

  test('17: a unit is what the rules say, exact; entries without a type can be mapped', async () => {
    const scene = await open({ rules: { minutes_per_unit: '60' } });
    const ticket = scene.ticket();
    const [hours, untyped] = [scene.book(ticket, '1.75'), scene.book(ticket, '0.1', { type: null })];
    await scene.well('poll');
    assert.equal(seconds(scene.sheet(hours)), 6300);
    assert.deepEqual(await scene.reasons(), [[untyped, 'UNMAPPED_ACTIVITY']]);
    await scene.change({ rules: { activity: 'default', default_activity: String(scene.world.activities.get(scene.type('Internal'))) } });
    await scene.well('full');
    assert.equal(seconds(scene.sheet(untyped)), 360);
  });

  test('18: a window finds what was booked in it on tickets that changed since', async () => {
    const scene = await open();
    const ticket = scene.ticket();
    await scene.well('full');
    const old = scene.book(ticket, '15', { at: daysAgo(30) });
    scene.zammad.state.changeEntry(scene.world.entry(old), { updated_at: daysAgo(30) });
    scene.zammad.changeTicket(ticket, { title: 'Printer again' });
    await scene.well('window', { since: new Date(daysAgo(31)).toISOString(), until: new Date(daysAgo(29)).toISOString() });
    assert.equal(seconds(scene.sheet(old)), 900);
  });

  test('18: what cannot be read is no empty list: the run says so, and the next one does it', async () => {
    const scene = await open({ rules: { source_deleted: 'remove' } });
    const entries = [1, 2, 3].map(() => scene.book(scene.ticket(), '15'));
    await scene.well('poll');
    scene.book(scene.ticket(), '30');
    scene.zammad.faults.add({ kind: 'status', status: 500, path: 're:time_accountings' });
    const run = await scene.run('full');
    assert.deepEqual([run.state, run.reason], ['failed', 'UNREACHABLE']);
    assert.match(run.detail, /500/);
    for (const entry of entries) scene.sheet(entry);
    await scene.judge();
  });

  test('19: a type has one mapping in each sync; two sources with the same ids do not meet', async () => {
    const scene = await open();
    const [travel, internal] = ['Travel', 'Internal'].map((name) => scene.type(name));
    const mapping = { sync: scene.dowel.sync.id, kind: 'activity', source: String(travel), target: String(scene.world.activities.get(internal)) };
    assert.equal((await house.ask('POST', '/timesync/mappings', mapping)).status, 409);
    const other = await open();
    // The other's entries have the same numbers; they go into the first one's Kimai.
    const joined = await house.told('POST', '/timesync/syncs', {
      name: `both ${randomUUID()}`, source: other.dowel.zammad.id, target: scene.dowel.kimai.id, schedule: '', full_schedule: '',
      rules: { user: 'owner', activity: 'default', default_activity: '1', customer_number: 'OID-{mark}-{id}', project_number: '{mark}{id}' },
    });
    const [mine, its] = [scene.book(scene.ticket(), '15'), other.book(other.ticket(), '45')];
    assert.equal(mine, its);
    await scene.well('full');
    const { id } = await house.told('POST', `/timesync/syncs/${joined.id}/runs`, { kind: 'full' });
    const run = await scene.dowel.ended(id);
    assert.deepEqual([run.state, run.created, run.adopted, run.to_decide], ['done', 1, 0, 0], JSON.stringify(run));
    const sheets = scene.kimai.sheets().filter(({ description }) => description?.includes(`|TA:${mine}|`)); // of both syncs
    assert.deepEqual(sheets.map(({ duration }) => duration).sort(), [2700, 900]);
    await scene.well('full');
    assert.deepEqual(await scene.reasons(), []);
  });

  test('20: a project is found by its number, not by what looks like it; a merge and a new name leave it', async () => {
    const scene = await open();
    const [ticket, into] = [scene.ticket(), scene.ticket()];
    const { number } = scene.world.ticket(ticket);
    const lure = scene.kimai.addProject({ name: `Ticket-${number}`, customer: 1, number: `TID-${ticket}0` });
    const entry = scene.book(ticket, '15');
    await scene.well('full');
    const { project } = scene.sheet(entry);
    assert.notEqual(project, lure.id);
    scene.kimai.control('PATCH', `projects/${project}`, { name: 'The printers' });
    for (const customer of scene.kimai.state.customers.values()) customer.name += ' (renamed)';
    scene.zammad.merge(ticket, into);
    const second = scene.book(into, '30');
    await scene.well('full');
    assert.equal(scene.sheet(entry).project, project);
    scene.sheet(second);
    await scene.judge();
  });

  test('21: a change of one setting leaves the others; a connection that is needed does not vanish', async () => {
    const scene = await open();
    const entry = scene.book(scene.ticket(), '15');
    await scene.well('poll');
    const path = `/connections/${scene.dowel.kimai.id}`;
    const before = await house.told('GET', path);
    const changed = await house.told('PATCH', path, { settings: { customer_country: 'BE' }, untested: true }, { 'If-Match': `"${before.version}"` });
    assert.deepEqual(changed.settings, { ...before.settings, customer_country: 'BE' });
    assert.deepEqual(changed.secrets, before.secrets);
    const refused = await house.ask('DELETE', path, undefined, { 'If-Match': `"${changed.version}"` });
    assert.ok(refused.status === 409 || refused.status === 412, refused.text);
    assert.equal((await scene.entries()).length, 1);
    scene.sheet(entry);
  });

  test('22: what is exported is never touched; each run has its own numbers and steps', async () => {
    const scene = await open({ rules: { source_deleted: 'remove', target_edited: 'restore', target_deleted: 'create' } });
    const ticket = scene.ticket();
    const [edited, deleted, other] = [scene.book(ticket, '15'), scene.book(ticket, '30'), scene.book(ticket, '45')];
    await scene.well('poll');
    for (const entry of [edited, deleted]) scene.kimai.exportSheet(scene.sheet(entry).id);
    const was = [edited, deleted].map((entry) => JSON.stringify(scene.sheet(entry)));
    scene.zammad.edit(edited, { time_unit: '60' });
    scene.zammad.remove(deleted);
    scene.zammad.edit(other, { time_unit: '50' });
    const run = await scene.well('full');
    assert.deepEqual([edited, deleted].map((entry) => JSON.stringify(scene.sheet(entry))), was);
    assert.deepEqual(await scene.reasons(), [[edited, 'LOCKED_OR_EXPORTED'], [deleted, 'LOCKED_OR_EXPORTED']]);
    assert.deepEqual([run.examined, run.updated, run.to_decide, run.failed], [3, 1, 2, 0]);
    const steps = await house.all(`/timesync/runs/${run.id}/steps`);
    assert.deepEqual(steps.map(({ outcome }) => outcome).sort(), ['deciding', 'deciding', 'updated']);
    assert.deepEqual(scene.kimai.forbidden, []);
  });
});

describe('what made it unreliable', { timeout }, () => {
  test('23: runs at the same time, by people and webhooks, make each timesheet once', async () => {
    const scene = await open({ rules: { parallel: 8 } });
    scene.listen();
    const ticket = scene.ticket();
    const entries = Array.from({ length: 40 }, (_, i) => scene.book(ticket, String(5 + i)));
    const runs = await Promise.all(['poll', 'full', 'poll', 'full'].map((kind) => scene.start({ kind })));
    for (const { id } of runs) assert.equal((await scene.dowel.ended(id)).state, 'done');
    await scene.dowel.idle();
    for (const entry of entries) scene.sheet(entry);
    await scene.judge();
  });

  test('24: a run is begun at once, tells how far it is, can be cancelled, and a plan writes nothing', async () => {
    const scene = await open({ rules: { parallel: 1 } });
    const ticket = scene.ticket();
    const entries = Array.from({ length: 30 }, (_, i) => scene.book(ticket, String(5 + i)));
    const plan = await scene.well('full', { plan: true });
    assert.deepEqual([plan.created, scene.kimai.writes.length], [entries.length, 0]);
    scene.kimai.faults.add({ kind: 'delay', ms: 200, method: 'POST', path: '/api/timesheets' });
    const since = performance.now();
    const { id } = await scene.start({ kind: 'full' });
    assert.ok(performance.now() - since < 2000 * slowness);
    await until('it is half way', async () => scene.kimai.writes.length > 5, { limit });
    const under = await house.told('GET', `/timesync/runs/${id}`);
    assert.deepEqual([under.state, under.total], ['writing', entries.length]);
    await house.told('POST', `/timesync/runs/${id}/cancel`);
    const ended = await scene.dowel.ended(id);
    assert.equal(ended.state, 'cancelled');
    assert.ok(ended.created < entries.length && ended.created + ended.skipped + ended.failed + ended.unchanged + ended.updated === ended.examined, JSON.stringify(ended));
    await scene.judge();
  });

  test('24: a crash leaves no run behind that runs for ever, and doubles nothing', async () => {
    const scene = await open();
    const entries = [];
    const since = house.kills;
    for (const [nth, fault] of [[2, { kind: 'cut_after' }], [7, { kind: 'cut_late', lateMs: 900 }], [4, { kind: 'cut_before' }]]) {
      entries.push(...Array.from({ length: 5 }, () => scene.book(scene.ticket(), '15')));
      scene.kimai.faults.at({ nth, writes: true }, () => house.kill(), fault);
      const { id } = await scene.start({ kind: 'full' });
      await scene.dowel.ended(id);
      await house.risen();
    }
    assert.equal(house.kills - since, 3);
    await scene.judge();
    for (const entry of entries) scene.sheet(entry);
  });

  test('25: a peer that asks for patience gets it; and is asked little', async () => {
    const scene = await open();
    const ticket = scene.ticket();
    const entries = Array.from({ length: 100 }, (_, i) => scene.book(ticket, String(1 + i)));
    scene.kimai.faults.add({ kind: 'status', status: 429, retryAfter: 2, method: 'POST', path: '/api/timesheets', times: 1 });
    scene.zammad.faults.add({ kind: 'status', status: 503, times: 1 });
    await scene.well('full');
    for (const entry of entries) scene.sheet(entry);
    const mark = [scene.zammad.log.mark, scene.kimai.log.mark];
    await scene.well('full');
    const asked = scene.zammad.log.since(mark[0]).length + scene.kimai.log.since(mark[1]).length;
    assert.ok(asked <= 20, `${asked} requests for ${entries.length} entries of which none changed`);
  });

  test('26: a schedule is of its zone, and Monday is Monday', async () => {
    const scene = await open();
    const when = '30 6 * * MON';
    const changed = await scene.change({ schedule: when, zone: 'America/St_Johns' });
    const { items } = await house.told('GET', `/timesync/schedule?when=${encodeURIComponent(when)}&zone=America/St_Johns`);
    assert.equal(Date.parse(changed.poll_due_at), Date.parse(items[0]));
    for (const at of items) {
      const local = new Date(at).toLocaleString('en-GB', { timeZone: 'America/St_Johns', weekday: 'short', hour: '2-digit', minute: '2-digit' });
      assert.match(local, /^Mon.*06:30$/);
    }
    await scene.change({ schedule: '' });
  });

  test('27: a name is taken once, also when two want it at the same time', async () => {
    const [one, other] = [await open(), await open()];
    const name = `twice ${randomUUID()}`;
    const make = (from, to) => house.ask('POST', '/timesync/syncs', { name, source: from.dowel.zammad.id, target: to.dowel.kimai.id, schedule: '', full_schedule: '' });
    const answers = await Promise.all([make(one, other), make(other, one)]);
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409]);
  });

  test('28: a dashboard has its days in order, and counts as open what is open', async () => {
    const scene = await open({ unmapped: ['Travel'] });
    const ticket = scene.ticket();
    scene.book(ticket, '15', { at: daysAgo(2) });
    scene.book(ticket, '30', { at: daysAgo(1), type: 'Travel' });
    await scene.well('full');
    const path = `/timesync/kpis?sync=${scene.dowel.sync.id}`;
    const { days, open_cases } = await house.told('GET', path);
    assert.deepEqual(days.map(({ day }) => day), [...days.map(({ day }) => day)].sort());
    assert.equal(days.length, 14);
    assert.equal(days.reduce((sum, { minutes }) => sum + minutes, 0), 45);
    assert.equal(open_cases, 1);
    await scene.decide('UNMAPPED_ACTIVITY', 'dismiss');
    assert.equal((await house.told('GET', path)).open_cases, 0);
  });
});

describe('what let others in', { timeout }, () => {
  test('31: a stored token is not sent to an address that somebody else gives', async () => {
    const scene = await open();
    const seen = [];
    const thief = createServer((req, res) => {
      seen.push(JSON.stringify(req.headers));
      res.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
    });
    await new Promise((listening) => thief.listen(0, '127.0.0.1', listening));
    try {
      for (const side of ['zammad', 'kimai']) {
        const { id } = scene.dowel[side];
        const settings = { base_url: `http://127.0.0.1:${thief.address().port}` };
        const { version } = await house.told('GET', `/connections/${id}`);
        const tested = await house.ask('POST', `/connections/${id}/test`, { settings });
        assert.ok(tested.status >= 400 || tested.json.works === false, tested.text);
        const changed = await house.ask('PATCH', `/connections/${id}`, { settings, untested: true }, { 'If-Match': `"${version}"` });
        assert.equal(changed.status, 422, changed.text);
        assert.ok(seen.every((headers) => !headers.includes(scene.world[side].token)));
      }
    } finally {
      thief.closeAllConnections();
      await new Promise((closed) => thief.close(closed));
    }
  });

  test('32: who decided, started and undid what is in the audit log', async () => {
    const scene = await open({ unmapped: ['Travel'] });
    scene.book(scene.ticket(), '15', { type: 'Travel' });
    const run = await scene.well('full');
    const found = await scene.decide('UNMAPPED_ACTIVITY', 'skip', { note: 'not ours' });
    const records = (await house.all('/audit?action=timesync.*')).map(({ action, target, details }) => ({ action, target, details }));
    assert.ok(records.some(({ action, target }) => action === 'timesync.run.started' && target === run.id), JSON.stringify(records).slice(0, 1000));
    assert.ok(records.some(({ action, target }) => action === 'timesync.case.decided' && target === found.id));
  });
});

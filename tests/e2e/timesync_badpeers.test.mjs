// Presets: release asan
// Peers that answer with anything but what was asked: the run ends in a state that says so, nothing is lost, doubled or believed that
// is not so, and the next one puts it right.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { vectors } from './support/zammad.mjs';
import { Scene, stageOf, startHouse } from './support/timesync.mjs';
import { slowness, until } from './support/server.mjs';

const timeout = 240_000 * slowness;
const DAY = 86_400_000;

const { house, open } = stageOf({ timeout });

// So many texts that somebody may give for a name, those of our own first.
function naughty(most) {
  const file = join(vectors, 'naughty-strings/blns.json');
  const own = [
    '\u202Etxet', '𝕿𝖊𝖝𝖙', '<script>alert(1)</script>', "'; DROP TABLE timesync_entries; --", '../../etc/passwd', '{note} {url}', '%s%n', 'a'.repeat(250), 'ZAM:T1|TA:1', '=SUM(A1)', '\r\nX: y',
    '田中さん', '\uFEFF', '‏عربي',
  ];
  const texts = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).filter((text) => typeof text === 'string' && text !== '') : [];
  return [...new Set([...own.filter((text) => text.trim()), ...texts.filter((text) => !text.includes('\u0000'))])].slice(0, most);
}

// What a peer says instead, and what the run says of it.
const WRONG = [
  ['a page of HTML', { kind: 'html' }, 'UNREACHABLE', /not the JSON|a page for people/],
  ['half a JSON', { kind: 'half_text' }, 'UNREACHABLE', /JSON|early/],
  ['fewer bytes than it promised', { kind: 'half_length' }, 'UNREACHABLE', /./],
  ['10 MB of something', { kind: 'huge' }, 'UNREACHABLE', /./],
  ['a redirect', { kind: 'redirect' }, 'UNREACHABLE', /redirect|leads elsewhere/i],
  ['502', { kind: 'status', status: 502 }, 'UNREACHABLE', /502/],
  ['nothing, and cuts the connection', { kind: 'cut_before' }, 'UNREACHABLE', /./],
  ['401', { kind: 'status', status: 401 }, 'AUTH_EXPIRED', /./],
  ['403', { kind: 'status', status: 403 }, 'AUTH_EXPIRED', /./],
];

for (const side of ['zammad', 'kimai']) {
  describe(`a ${side} that answers`, { timeout }, () => {
    for (const [what, fault, reason, says] of WRONG) {
      test(`${what}: the run says so, and the next one heals`, { timeout }, async () => {
        const scene = await open({ rules: { source_deleted: 'remove', target_deleted: 'create' } });
        const ticket = scene.ticket();
        const [before, edited, gone] = ['15', '30', '45'].map((amount) => scene.book(ticket, amount));
        await scene.well('full');
        const news = scene.book(scene.ticket(), '60');
        scene.zammad.edit(edited, { time_unit: '20' });
        scene.zammad.remove(gone);
        scene[side].faults.add(fault);
        const run = await scene.run('full');
        assert.deepEqual([run.state, run.reason], ['failed', reason], JSON.stringify(run));
        assert.match(run.detail, says);
        scene.sheet(before);
        scene[side].faults.clear();
        await scene.judge();
        assert.deepEqual([scene.sheet(news).duration, scene.sheet(edited).duration, scene.sheets(gone).length], [3600, 1200, 0]);
      });
    }
  });
}

describe('a target that answers a write', { timeout }, () => {
  for (const fault of ['html', 'half_text', 'half_length', 'huge', 'redirect', 'cut_before', 'cut_after']) {
    // What breaks off in the middle of a true answer, was done.
    for (const acts of fault.startsWith('cut_') ? [undefined] : fault.startsWith('half_') ? ['now'] : ['now', 'no']) {
      test(`with ${fault}${{ now: ', having done it', no: ', not having done it' }[acts] ?? ''}: it is there once`, { timeout }, async () => {
        const scene = await open();
        const [one, other] = [scene.book(scene.ticket(), '15'), scene.book(scene.ticket(), '30')];
        scene.kimai.faults.add({ kind: fault, method: 'POST', path: '/api/timesheets', times: 1, ...(acts && { acts }) });
        await scene.run('full');
        await scene.judge();
        assert.deepEqual([scene.sheet(one).duration, scene.sheet(other).duration], [900, 1800]);
      });
    }
  }
});

describe('a peer that', { timeout }, () => {
  for (const side of ['zammad', 'kimai']) {
    test(`refuses the token for an hour (${side}): the sync is held longer and longer, says why, and goes on`, { timeout }, async () => {
      const scene = await open();
      const before = scene.book(scene.ticket(), '15');
      await scene.well('full');
      const entry = scene.book(scene.ticket(), '30');
      const rest = [];
      for (let i = 0; i < 3; i++) {
        scene[side].faults.clear();
        scene[side].faults.add({ kind: 'status', status: 401 });
        assert.equal((await scene.run('poll')).reason, 'AUTH_EXPIRED');
        const held = await scene.sync();
        assert.equal(held.held_reason, 'AUTH_EXPIRED');
        rest.push(Date.parse(held.held_until) - Date.now());
      }
      assert.ok(rest[0] > 0 && rest[1] > rest[0] && rest[2] > rest[1], `held for ${rest} ms`);
      assert.deepEqual([scene.sheet(before).duration, scene.sheets(entry).length], [900, 0]);
      scene[side].faults.clear();
      if (side === 'kimai') await scene.dowel.renew(side); // else it knows the old one again
      await scene.well('poll');
      assert.equal((await scene.sync()).held_reason, '');
      assert.equal(scene.sheet(entry).duration, 1800);
      await scene.judge();
    });
  }

  test('shows a ticket to others only: that is about this ticket, and holds nothing up', { timeout }, async () => {
    const scene = await open();
    const ticket = scene.ticket();
    const entry = scene.book(ticket, '15');
    scene.zammad.faults.add({ kind: 'status', status: 403, path: `/api/v1/tickets/${ticket}/time_accountings`, body: { error: 'Not authorized' } });
    const run = await scene.run('tickets', { tickets: [String(ticket)] });
    assert.deepEqual([run.state, run.reason], ['failed', 'OTHER'], JSON.stringify(run));
    assert.equal((await scene.sync()).held_reason, '');
    scene.zammad.faults.clear();
    await scene.well('tickets', { tickets: [String(ticket)] });
    assert.equal(scene.sheet(entry).duration, 900);
    await scene.judge();
  });

  test('is a day ahead or behind: each booking lies where it was booked, and a full pass finds all', { timeout }, async () => {
    for (const skewMs of [DAY, -DAY]) {
      const scene = await open();
      scene.kimai.faults.add({ kind: 'wrong_clock', skewMs });
      const at = Date.now() - 3 * DAY;
      const first = scene.book(scene.ticket(), '15', { at });
      await scene.well('full');
      scene.zammad.faults.add({ kind: 'wrong_clock', skewMs });
      const second = scene.book(scene.ticket(), '30', { at });
      await scene.well('poll');
      await scene.well('full');
      const end = Math.floor(at / 60_000) * 60_000;
      assert.deepEqual([first, second].map((entry) => Date.parse(scene.sheet(entry).end)), [end, end]);
      await scene.judge();
    }
  });

  test('writes decimals with commas: nobody guesses what was meant', { timeout }, async () => {
    const scene = await open({ settings: { decimal_separator: ',' } });
    const entry = scene.book(scene.ticket(), '1.5');
    await scene.run('full');
    assert.deepEqual(scene.sheets(entry), []);
    assert.deepEqual(await scene.reasons(), [[entry, 'INVALID_AMOUNT']]);
    scene.zammad.control('POST', 'settings', { decimal_separator: '.' });
    await scene.judge();
    assert.equal(scene.sheet(entry).duration, 120); // a minute and a half, as Kimai rounds
  });

  test('has naughty strings for names of tickets and firms: all of them arrive', { timeout }, async () => {
    const all = naughty(150);
    const scene = await open();
    scene.zammad.naughty(all);
    const run = await scene.run('full');
    assert.deepEqual([run.state, run.failed], ['done', 0], JSON.stringify(run));
    assert.equal(run.examined, all.length);
    const cases = await scene.cases();
    const told = new Map(cases.map((one) => [one.entry, one]));
    for (const id of scene.zammad.state.entries.keys()) {
      if (told.has(id)) assert.equal(scene.sheets(id).length, 0);
      else scene.sheet(id);
    }
    // Kimai takes no name of less than two letters: that is for a person, and says why.
    for (const { reason, detail, source } of cases) {
      assert.equal(reason, 'PROJECT_OR_CUSTOMER_MISSING', detail);
      assert.doesNotMatch(source.customer_name, /[\p{L}\p{N}].*[\p{L}\p{N}]/u, detail);
    }
    const again = await scene.well('full');
    assert.deepEqual([again.created, again.updated], [0, 0]);
  });

  test('has naughty strings for names of people, activities, projects and tags: each comes to where it belongs', { timeout }, async () => {
    const names = naughty(60).filter((text) => text.trim().length > 1);
    const tags = names.map((text) => text.trim().replaceAll(/[,\p{C}]/gu, '')).filter((text) => text.length > 1 && text.length <= 100).slice(0, 8);
    const scene = await open({ rules: { project_name: '{title}', tags: [...new Set(tags)], description: '{number} {title}\n{agent} {activity} {customer}' } });
    const booked = names.map((name, i) => {
      const email = `naughty.agent${i}@example.com`;
      const { id: agent } = scene.zammad.control('POST', 'agents', { login: email, email, firstname: name, lastname: name });
      const { id: type } = scene.zammad.state.insert('types', { name, note: name, active: true });
      const user = scene.kimai.addUser({ username: `naughty${i}`, alias: name, email, roles: [] }).id;
      const activity = scene.kimai.addActivity({ name }).id;
      const { id: entry } = scene.zammad.book({ ticket: scene.ticket({ title: name }), time_unit: '15', type, agent });
      return { entry, type, user, activity };
    });
    const { id: sync } = scene.dowel.sync;
    for (const { type, activity } of booked) {
      await house.told('POST', '/timesync/mappings', { sync, kind: 'activity', source: String(type), target: String(activity), settle: false });
    }
    const run = await scene.run('full');
    assert.deepEqual([run.state, run.failed], ['done', 0], JSON.stringify(run));
    const told = new Map((await scene.cases()).map((one) => [one.entry, one.reason]));
    for (const { entry, user, activity } of booked) {
      if (told.has(entry)) {
        assert.equal(told.get(entry), 'PROJECT_OR_CUSTOMER_MISSING'); // Kimai calls no project so
        continue;
      }
      const sheet = scene.sheet(entry);
      assert.deepEqual([sheet.user, sheet.activity, sheet.duration], [user, activity, 900]);
      assert.deepEqual([...sheet.tags].sort(), [...new Set(tags)].sort());
    }
    assert.ok(told.size < booked.length / 4, JSON.stringify([...told]));
    const again = await scene.well('full');
    assert.deepEqual([again.created, again.updated], [0, 0]);
  });
});

// An intent is believed for five times as long as a request takes to settle: 1.5 s here.
describe('a target that takes a second for each timesheet, one at a time', { timeout }, () => {
  test('who waited for his turn so long that another one did it for him does nothing any more', { timeout }, async () => {
    const patient = await startHouse({ settleMs: 300 });
    let scene;
    try {
      scene = await Scene.open(patient, { rules: { parallel: 1 } });
      scene.kimai.faults.add({ kind: 'delay', ms: 1000, method: 'POST', path: '/api/timesheets' });
      scene.listen();
      const entries = Array.from({ length: 8 }, () => scene.book(scene.ticket(), '15')); // a run for each, side by side
      await until('the first one is there', () => scene.kimai.state.sheets.size > 0, { limit: 60_000 * slowness });
      for (let i = 0; i < 3; i++) await scene.run('poll'); // takes up what nobody seems to be at any more
      await scene.dowel.idle();
      for (const entry of entries) scene.sheet(entry);
      await scene.judge();
    } finally {
      await scene?.close();
      await patient.stop();
    }
  });
});

// Presets: release
// Much at once, in small: what is asked of both sides, of the database and of the memory is counted, never timed (bench/timesync.mjs
// does that, with fifty times as much).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { startAuth } from './support/signin.mjs';
import { slowness, until } from './support/server.mjs';
import { Stage } from './support/timesync_stage.mjs';

const ENTRIES = 2000;
const TICKETS = 400;
const BOOKINGS = 40;
const PASSES = 30;
const MIB = 1024 * 1024;
const timeout = 120_000 * slowness;

let stage;

const total = (requests, wanted = /./) => Object.entries(requests).filter(([what]) => wanted.test(what)).reduce((sum, [, n]) => sum + n, 0);
const statements = () => stage.counter('dowel_db_statements_total');

// A full pass that finds nothing to do: what it cost.
async function unchanged() {
  await stage.forget();
  const begun = await statements();
  const run = await stage.run('full');
  assert.equal(run.state, 'done', run.detail);
  assert.equal(run.unchanged, run.examined);
  return { run, requests: await stage.requests(), statements: (await statements()) - begun };
}

// What the server process has for itself: its heap and stacks, not the pages of the database's file, which the system takes back.
const privateMemory = () => Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${stage.server.serverPid}/status`, 'latin1'))[1]) * 1024;

describe('booked time', { timeout }, () => {
  before(async () => {
    const start = () => startAuth({ plugins: { zammad: '', kimai: '', timesync: '' } });
    stage = await Stage.set({ start, entries: ENTRIES, tickets: TICKETS });
  }, { timeout });
  after(() => stage?.strike(), { timeout });

  test('arrives once each, with a request for each timesheet and each project, and few besides', { timeout }, async () => {
    const begun = await statements();
    const run = await stage.run('full');
    assert.equal(run.state, 'done', run.detail);
    assert.equal(run.created, ENTRIES);
    assert.equal(run.examined, ENTRIES);
    assert.equal(await stage.check(), ENTRIES);
    const requests = await stage.requests();
    const shown = JSON.stringify(requests, null, 1);
    assert.equal(total(requests, /POST \/api\/timesheets /), ENTRIES, shown);
    assert.equal(total(requests, /POST \/api\/projects /), TICKETS, shown);
    assert.equal(total(requests, /^kimai (PATCH|DELETE)/), 0, shown);
    // Lists: of customers, projects and users once for each of four workers and six customers; pages of both sides.
    const others = total(requests) - ENTRIES - TICKETS;
    assert.ok(others < 120, `${others} requests besides: ${shown}`);
    const each = ((await statements()) - begun) / ENTRIES;
    assert.ok(each < 25, `${each} statements an entry`);
  });

  test('costs no statement and no change where nothing changed', { timeout }, async () => {
    const { run, requests, statements: n } = await unchanged();
    assert.equal(run.unchanged, ENTRIES);
    assert.equal(total(requests, / (PUT|PATCH|DELETE|POST) \/(?!api\/v1\/tickets\/search)/), 0, JSON.stringify(requests));
    assert.ok(total(requests) < 40, JSON.stringify(requests));
    // Loading what is known takes one for 2,000 entries; the rest is the run, its job, and what the test asks.
    assert.ok(n < ENTRIES / 4, `${n} statements`);
  });

  test('costs a few requests in a poll', { timeout }, async () => {
    await stage.run('poll');
    await stage.forget();
    const run = await stage.run('poll');
    assert.equal(run.state, 'done', run.detail);
    assert.equal(run.created + run.updated + run.failed, 0);
    const requests = await stage.requests();
    assert.ok(total(requests) < 15, JSON.stringify(requests));
  });

  test('needs no more memory with each pass', { timeout }, async () => {
    for (let i = 0; i < 3; i++) await unchanged();
    const before = privateMemory();
    for (let i = 0; i < PASSES; i++) await unchanged();
    const grown = (privateMemory() - before) / MIB;
    // What a pass knows of its entries is 0.35 MiB: thirty passes that keep it are far above the bound. Below it is noise: jobs go to
    // whichever thread is free, and malloc keeps an arena for each, which its first pass lets grow.
    assert.ok(grown < 7, `${grown.toFixed(1)} MiB more after ${PASSES} passes`);
  });

  test('is heard of by webhooks: each booking once, and few requests for it', { timeout }, async () => {
    await stage.listen();
    await stage.forget();
    await stage.kimai.ask('created');
    await stage.zammad.ask('bookings', { rate: 50, seconds: BOOKINGS / 50, tickets: TICKETS });
    const made = new Set();
    await until('each booking has its timesheet', async () => {
      for (const [entry] of await stage.kimai.ask('created')) {
        assert.ok(!made.has(entry), `booking ${entry} came twice`);
        made.add(entry);
      }
      return made.size >= BOOKINGS;
    }, { limit: 60_000 * slowness });
    assert.equal(await stage.check(), ENTRIES + BOOKINGS);
    const requests = await stage.requests();
    assert.equal(total(requests, /POST \/api\/timesheets /), BOOKINGS);
    assert.ok(total(requests) / BOOKINGS < 9, JSON.stringify(requests, null, 1));
  });
});

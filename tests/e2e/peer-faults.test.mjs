// What may go wrong between a client and a stand-in (tests/peers/support/faults.mjs), each fault once, seen from the client and
// from the database; the clock that late deeds wait for; and that a seed replays a run.
// Presets: release

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';

import { startKimai } from '../peers/kimai.mjs';
import { castOf } from '../peers/support/cast.mjs';
import { Clock } from '../peers/support/clock.mjs';
import { Faults, KINDS, MOST_LATE_MS } from '../peers/support/faults.mjs';
import { Connection, requestBytes } from './support/client.mjs';
import { makeCertificate } from './support/certificate.mjs';
import { call } from './support/peers.mjs';

const NOW = '2026-11-20T12:00:00Z';
const timeout = 60_000;
const sheet = { project: 1, activity: 1, begin: '2026-11-20T09:00:00Z', end: '2026-11-20T09:30:00Z' };

let kimai;
const book = (options = {}) => call(kimai, 'POST', '/api/timesheets', { body: sheet, ...options });
const stored = () => kimai.state.sheets.size;

// What became of a request: its status, or the code of the error that its client got.
async function outcome(promise) {
  try {
    return (await promise).status;
  } catch (error) {
    return error.cause?.code ?? error.name;
  }
}

async function build() {
  await kimai.resetAll();
  kimai.mostConnections = undefined;
  kimai.clock.set(NOW);
  kimai.addCustomer({ name: 'Bäckerei' });
  kimai.addProject({ name: 'Helpdesk', customer: 1 });
  kimai.addActivity({ name: 'Support' });
}

before(async () => {
  kimai = await startKimai({ seed: 11, now: NOW });
});
after(() => kimai.stop());

describe('a fault', { timeout }, () => {
  beforeEach(build);

  test('each kind is tried below', () => {
    const cuts = ['delay', 'cut_before', 'cut_after', 'cut_late'];
    const answers = ['status', 'html', 'half_length', 'half_text', 'huge', 'redirect', 'wrong_clock', 'slow'];
    assert.deepEqual(Object.keys(KINDS), [...cuts, ...answers, 'refuse']);
    assert.throws(() => kimai.faults.add({ kind: 'flood' }), /there is no fault "flood": delay, /);
    assert.throws(() => kimai.faults.add({ kind: 'cut_late', lateMs: MOST_LATE_MS + 1 }), /at most 120000/);
  });

  test('cut before it acted: a reset, and nothing there', async () => {
    kimai.faults.add({ kind: 'cut_before', times: 1 });
    assert.equal(await outcome(book()), 'ECONNRESET');
    assert.equal(stored(), 0);
    assert.equal(await outcome(book()), 200);
    assert.deepEqual(kimai.log.since().map(({ status, fault }) => [status, fault]), [[0, 'cut_before'], [200, undefined]]);
  });

  test('cut after it acted: a reset, and the row is there', async () => {
    kimai.faults.add({ kind: 'cut_after', times: 1 });
    assert.equal(await outcome(book()), 'ECONNRESET');
    assert.equal(stored(), 1);
  });

  test('cut, and the row comes later', async () => {
    kimai.faults.add({ kind: 'cut_late', lateMs: 80_000, times: 1 });
    assert.equal(await outcome(book()), 'ECONNRESET');
    kimai.clock.advance(79_999);
    assert.equal(stored(), 0);
    kimai.clock.advance(1);
    assert.equal(stored(), 1);
    assert.equal(kimai.shownSheet(kimai.state.sheets.get(1)).modified, '2026-11-20T12:01:20Z');
    assert.deepEqual(kimai.log.since()[0].late, { at: Date.parse('2026-11-20T12:01:20Z'), status: 200 });
  });

  test('late by as much as the seed says, two minutes at most', async () => {
    kimai.faults.add({ kind: 'cut_late' });
    for (let i = 0; i < 20; i++) await outcome(book());
    const [first] = kimai.clock.pending();
    const last = kimai.clock.pending().at(-1);
    assert.ok(first > Date.parse(NOW) && last > first && last <= Date.parse(NOW) + MOST_LATE_MS);
    kimai.clock.advance(MOST_LATE_MS);
    assert.equal(stored(), 20);
  });

  test('a gateway that gave up although the row comes: 504 now, done later', async () => {
    kimai.faults.add({ kind: 'status', status: 504, acts: 'late', lateMs: 30_000, times: 1 });
    assert.equal(await outcome(book()), 504);
    assert.equal(stored(), 0);
    kimai.clock.advance(30_000);
    assert.equal(stored(), 1);
  });

  for (const status of [401, 403, 429, 500, 502, 503, 504]) {
    test(`${status}, nothing done`, async () => {
      kimai.faults.add({ kind: 'status', status, retryAfter: status === 429 ? 7 : undefined, times: 1 });
      const { status: got, headers } = await book();
      assert.deepEqual([got, headers.get('retry-after')], [status, status === 429 ? '7' : null]);
      assert.equal(stored(), 0);
    });
  }

  test('a page instead of JSON', async () => {
    kimai.faults.add({ kind: 'html', times: 1 });
    const { status, headers, body } = await book({ raw: true });
    assert.deepEqual([status, headers.get('content-type')], [200, 'text/html; charset=UTF-8']);
    assert.match(body, /^<!DOCTYPE html>/);
  });

  test('half a JSON: fewer bytes than promised, or a text that breaks off', async () => {
    kimai.faults.add({ kind: 'half_length', times: 1 });
    await assert.rejects(book({ raw: true }), /terminated/);
    kimai.faults.add({ kind: 'half_text', times: 1 });
    const { body } = await book({ raw: true });
    assert.match(body, /^\{"activity":1/);
    assert.throws(() => JSON.parse(body), SyntaxError);
    assert.equal(stored(), 2);
  });

  test('10 MB', async () => {
    kimai.faults.add({ kind: 'huge', times: 1 });
    const { body } = await book();
    assert.equal(JSON.stringify(body).length, 10 * 1024 * 1024);
  });

  test('a redirect to elsewhere', async () => {
    kimai.faults.add({ kind: 'redirect', status: 301, location: 'http://other.example/', times: 1 });
    const { status, headers } = await book({ raw: true });
    assert.deepEqual([status, headers.get('location'), stored()], [301, 'http://other.example/', 0]);
  });

  test('a server in another day', async () => {
    kimai.faults.add({ kind: 'wrong_clock', times: 1 });
    const { headers, body } = await call(kimai, 'POST', '/api/timesheets', { body: { project: 1, activity: 1 } });
    assert.equal(headers.get('date'), 'Sat, 21 Nov 2026 12:00:00 GMT');
    assert.equal(body.begin, '2026-11-21T12:00:00+0000');
    assert.equal((await call(kimai, 'GET', '/api/ping')).headers.get('date'), 'Fri, 20 Nov 2026 12:00:00 GMT');
  });

  test('byte by byte', async () => {
    kimai.faults.add({ kind: 'slow', bytes: 1, everyMs: 10, times: 1 });
    const response = await fetch(`${kimai.url}/api/ping`, { headers: { Authorization: `Bearer ${kimai.token}` } });
    const pieces = [];
    for await (const piece of response.body) pieces.push(Buffer.from(piece));
    assert.ok(pieces.length > 1, 'it came in one piece');
    assert.equal(Buffer.concat(pieces).toString(), '{"message":"pong"}');
  });

  test('an answer that takes its time', async () => {
    kimai.faults.add({ kind: 'delay', ms: 30, times: 1 });
    const begun = performance.now();
    assert.equal(await outcome(book()), 200);
    assert.ok(performance.now() - begun >= 25);
  });

  // A connection of its own with one request: its status, or "reset".
  async function knock() {
    const connection = await Connection.open(kimai.url).catch(() => undefined);
    if (!connection) return { status: 'reset', close() {} };
    connection.send(requestBytes({ path: '/api/ping', headers: { Authorization: `Bearer ${kimai.token}` } }));
    const status = await connection.response().then((response) => response.status, () => 'reset');
    return { status, close: () => connection.close() };
  }

  async function knockAll(count) {
    const all = [];
    for (let i = 0; i < count; i++) all.push(await knock());
    for (const one of all) one.close();
    return all.map(({ status }) => status);
  }

  test('the next connections reset', async () => {
    kimai.faults.add({ kind: 'refuse', times: 2 });
    assert.deepEqual(await knockAll(3), ['reset', 'reset', 200]);
  });

  test('nobody there, and there again', async () => {
    await kimai.down();
    await assert.rejects(Connection.open(kimai.url), { code: 'ECONNREFUSED' });
    assert.equal((await fetch(`${kimai.controlUrl}/counts`)).status, 200); // the second door stays open
    await kimai.up();
    assert.equal(await outcome(book()), 200);
  });

  test('too many connections', async () => {
    await kimai.down();
    await kimai.up();
    kimai.control('POST', 'connections', { most: 2 });
    assert.deepEqual(await knockAll(3), [200, 200, 'reset']);
    assert.ok(kimai.control('GET', 'counts').peak.connections >= 2);
  });

  test('meets only the requests that it is for, as often as it is for', async () => {
    kimai.faults.add({ kind: 'status', status: 500, method: 'POST', path: '/api/timesheets', times: 2 });
    const patterns = kimai.faults.add({ kind: 'status', status: 502, path: '/api/*/1' });
    kimai.faults.add({ kind: 'status', status: 504, path: 're:^/api/(tags|teams)$' });
    const get = (path) => outcome(call(kimai, 'GET', path));
    assert.deepEqual([await outcome(book()), await get('/api/timesheets'), await outcome(book()), await outcome(book())], [500, 200, 500, 200]);
    const got = [];
    for (const path of ['timesheets/1', 'customers/1', 'tags', 'teams', 'users']) got.push(await get(`/api/${path}`));
    assert.deepEqual(got, [502, 502, 504, 504, 200]);
    assert.deepEqual(kimai.control('GET', 'faults').map(({ hits, left }) => [hits, left]), [[2, null], [2, null]]);
    kimai.control('DELETE', `faults/${patterns}`);
    assert.equal(await get('/api/timesheets/1'), 200);
    kimai.control('DELETE', 'faults');
    assert.equal(await get('/api/tags'), 200);
  });
});

describe('chance', { timeout }, () => {
  const requests = Array.from({ length: 300 }, (_, i) => ({ method: 'POST', path: '/api/timesheets', body: `{"n":${i % 100}}` }));
  const kinds = ['cut_before', 'cut_after', 'cut_late', { kind: 'status', status: 502 }];
  const drawn = (seed, list = requests) => {
    const faults = new Faults({ seed });
    faults.random({ rate: 0.3, kinds });
    return list.map((one) => faults.choose(one)).map((fault) => fault && [fault.kind, fault.status, fault.lateMs]);
  };

  test('is the same for the same seed, and about as rare as asked', () => {
    assert.deepEqual(drawn(1), drawn(1));
    assert.notDeepEqual(drawn(1), drawn(2));
    const met = drawn(1).filter(Boolean);
    assert.ok(met.length > 60 && met.length < 120, `${met.length} of 300`);
    assert.equal(new Set(met.map(([kind]) => kind)).size, kinds.length);
    // The same request again is drawn anew, or no retry would ever help.
    const all = drawn(1);
    assert.ok(requests.slice(0, 100).some((_, n) => Boolean(all[n]) !== Boolean(all[n + 100])));
    const faults = new Faults({ seed: 1 });
    assert.throws(() => faults.random({ rate: 1, kinds: ['refuse'] }), /no fault that chance can choose/);
  });

  test('does not depend on the order of requests that come side by side', () => {
    const order = (list) => list.map((fault, i) => `${i % 100}: ${fault}`);
    const mixed = [...Array(3).keys()].flatMap((round) => [...Array(100).keys()].reverse().map((n) => requests[round * 100 + n]));
    const back = drawn(1, mixed);
    const again = [...Array(3).keys()].flatMap((round) => back.slice(round * 100, round * 100 + 100).reverse());
    assert.deepEqual(order(again), order(drawn(1)));
  });

  test('a run replays: the same outcomes, the same rows', async () => {
    const run = async () => {
      await build();
      kimai.faults.random({ rate: 0.4, kinds, method: 'POST' });
      const outcomes = [];
      for (let i = 0; i < 60; i++) outcomes.push(await outcome(book({ body: { ...sheet, description: `n ${i % 20}` } })));
      kimai.clock.advance(MOST_LATE_MS);
      return { outcomes, rows: kimai.sheets().map(({ id, ...rest }) => rest) };
    };
    const [once, twice] = [await run(), await run()];
    assert.deepEqual(once, twice);
    assert.ok(once.outcomes.includes('ECONNRESET') && once.outcomes.includes(502) && once.outcomes.includes(200));
  });

  test('makes the same cast for the same seed', () => {
    assert.deepEqual(castOf(3), castOf(3));
    assert.notDeepEqual(castOf(3).agents, castOf(4).agents);
    const { agents, organisations } = castOf(3, { agents: 8, organisations: 8 });
    assert.equal(new Set(agents.map(({ email }) => email)).size, 8);
    assert.equal(new Set(organisations.map(({ name }) => name)).size, 8);
  });
});

describe('the clock', () => {
  test('does what was put off in its order, each at its time', () => {
    const clock = new Clock({ now: NOW });
    const seen = [];
    const note = (what) => () => seen.push([what, clock.now() - Date.parse(NOW)]);
    clock.after(2000, note('second'));
    clock.after(1000, () => {
      note('first')();
      clock.after(500, note('between'));
    });
    const never = clock.after(1500, note('never'));
    clock.cancel(never);
    clock.advance(999);
    assert.deepEqual(seen, []);
    clock.advance(1001);
    assert.deepEqual(seen, [['first', 1000], ['between', 1500], ['second', 2000]]);
    assert.throws(() => clock.set('noon'), /"noon" is no time/);
  });

  test('runs beside the real one, and can be moved and stopped', async () => {
    const clock = new Clock();
    const come = new Promise((resolve) => clock.after(20, resolve));
    assert.ok(Math.abs(clock.now() - Date.now()) < 1000);
    await come;
    let late = false;
    clock.after(3_600_000, () => (late = true));
    clock.advance(3_600_000);
    assert.ok(late && clock.running && clock.now() - Date.now() > 3_599_000);
    clock.stop();
    const at = clock.now();
    await new Promise((over) => setTimeout(over, 5));
    assert.equal(clock.now(), at);
  });
});

test('over TLS', { timeout }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'dowel-peer-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { pem, key } = makeCertificate(folder);
  const secure = await startKimai({ tls: { key: readFileSync(key), cert: pem } });
  t.after(() => secure.stop());
  assert.match(secure.url, /^https:/);
  const status = await new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${secure.token}` };
    const asked = httpsRequest(`${secure.url}/api/ping`, { ca: pem, headers, agent: false }, (response) => resolve(response.resume().statusCode));
    asked.on('error', reject).end();
  });
  assert.equal(status, 200);
});

// timesync_stage.mjs - a Zammad and a Kimai (stand-ins, each a process of its own), a server between them, and a sync that is
// ready: connections, the activities mapped by their names. What came of it is looked for in the stand-ins themselves.

import assert from 'node:assert/strict';

import { request } from './client.mjs';
import { setUp, signIn } from './signin.mjs';
import { StandIn } from './stand_in.mjs';
import { until } from './server.mjs';

const SEED = 7;
const OVER = ['done', 'failed', 'cancelled'];

export class Stage {
  // start(): a server with the plugins auth, zammad, kimai and timesync. latency: ms that each answer of both takes longer.
  // connection: what both connections have beside their address and token.
  static async set({ start, entries, tickets, latency = 0, kept = 1000, connection = {}, rules = {}, schedule = '' }) {
    const stage = new Stage();
    try {
      await stage.#set({ start, entries, tickets, latency, kept, connection, rules, schedule });
    } catch (error) {
      await stage.strike().catch(() => {});
      throw error;
    }
    return stage;
  }

  async #set({ start, entries, tickets, latency, kept, connection, rules, schedule }) {
    [this.zammad, this.kimai] = await Promise.all([
      StandIn.start('zammad', { seed: SEED, kept, settings: { job_workers: 16 } }),
      StandIn.start('kimai', { seed: SEED, kept, data: 'month' }),
    ]);
    this.tickets = tickets;
    await this.zammad.control('POST', 'fill', { tickets, entries });
    this.server = await start();
    await setUp(this.server);
    this.token = (await signIn(this.server)).access_token;
    this.source = await this.#connect(this.zammad, connection);
    this.target = await this.#connect(this.kimai, connection);
    this.sync = await this.api('POST', '/timesync/syncs', {
      name: 'load', source: this.source.id, target: this.target.id, rules, schedule, full_schedule: '', zone: 'Europe/Berlin',
    });
    await this.#map();
    if (latency > 0) for (const peer of [this.zammad, this.kimai]) await peer.control('POST', 'faults', { kind: 'delay', ms: latency, path: '/api/*' });
    await this.forget();
  }

  async api(method, path, json) {
    const answer = await request(this.server.url, {
      method, path: `/api/v1${path}`, limit: 120_000, body: json === undefined ? undefined : JSON.stringify(json),
      headers: { Authorization: `Bearer ${this.token}`, ...(json !== undefined && { 'Content-Type': 'application/json' }) },
    });
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text()}`);
    return answer.body.length === 0 ? {} : answer.json();
  }

  #connect({ name, url, token }, more) {
    return this.api('POST', '/connections', { kind: name, name, allow_private: true, ...more, settings: { base_url: url, token } });
  }

  // Kimai calls each activity as Zammad its type.
  async #map() {
    const things = async ({ id }) => (await this.api('GET', `/connections/${id}/things/activity?limit=100`)).items;
    const [types, activities] = [await things(this.source), await things(this.target)];
    for (const { id, name } of types) {
      const like = activities.find((one) => one.name === name);
      assert.ok(like, `Kimai has no activity "${name}"`);
      await this.api('POST', '/timesync/mappings', { sync: this.sync.id, kind: 'activity', source: id, source_name: name, target: like.id });
    }
  }

  // Starts a run and waits for its end; look() is called while it waits.
  async run(kind, { limit = 600_000, look = () => {} } = {}) {
    const { id } = await this.api('POST', `/timesync/syncs/${this.sync.id}/runs`, { kind });
    return until(`the run ${kind} has ended`, async () => {
      look();
      const run = await this.api('GET', `/timesync/runs/${id}`);
      return OVER.includes(run.state) && run;
    }, { limit, every: 250 });
  }

  // Zammad tells the server of each ticket that changes.
  listen() {
    return this.zammad.control('POST', 'webhooks', {
      endpoint: `${this.server.url}${this.source.webhook.path}`, signature_token: this.source.webhook_secret, trigger: 'Dowel', on: ['update'],
    });
  }

  // Requests to both since forget(), by "PEER METHOD /path/{id} status".
  async requests() {
    const all = {};
    for (const peer of [this.zammad, this.kimai]) {
      for (const [what, n] of Object.entries(await peer.ask('counts'))) all[`${peer.name} ${what}`] = n;
    }
    return all;
  }

  // By the stand-ins' own clocks, since forget(): { zammad: { n, ms, peak }, kimai: ... }; ms of all together, peak: at one time.
  async times() {
    return { zammad: await this.zammad.ask('times'), kimai: await this.kimai.ask('times') };
  }

  async forget() {
    for (const peer of [this.zammad, this.kimai]) await peer.ask('forget');
  }

  // Each booking has exactly one timesheet, of its ticket and length. Gives how many.
  async check() {
    const [entries, sheets] = await Promise.all([this.zammad.ask('entries'), this.kimai.ask('sheets')]);
    const booked = new Map(entries.map((entry) => [entry[0], entry]));
    const found = new Set();
    for (const [id, ticket, seconds] of sheets) {
      const entry = booked.get(id);
      assert.ok(entry, `a timesheet of booking ${id}, which is not there`);
      assert.ok(!found.has(id), `booking ${id} has two timesheets`);
      found.add(id);
      assert.equal(ticket, entry[1], `booking ${id}`);
      assert.ok(Math.abs(seconds - entry[2]) < 120, `booking ${id}: ${entry[2]} s became ${seconds} s`); // Kimai rounds both ends to minutes
    }
    const lacking = entries.filter(([id]) => !found.has(id));
    assert.equal(lacking.length, 0, `${lacking.length} bookings without a timesheet, ${lacking[0]?.[0]} is the first`);
    return entries.length;
  }

  // A sum of one counter of /metrics over its labels; `labels` has to stand in them.
  async counter(name, labels = '') {
    const text = (await request(this.server.url, { path: '/metrics' })).text();
    const lines = text.split('\n').filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && line.includes(labels));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  async strike() {
    try {
      await this.server?.stop();
    } finally {
      await this.zammad?.stop();
      await this.kimai?.stop();
    }
  }
}

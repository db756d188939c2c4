// dowel.mjs - the real sync for play.mjs: a server with its plugins, killed and started again, and a driver for each world on it.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { badges, badgesYaml, bearer } from '../../e2e/support/badges.mjs';
import { binaryOf, launch, preset, root, slowness, sleep, temporaryFolder, writeFiles } from '../../e2e/support/server.mjs';
import { markerOf } from './world.mjs';

const RUN_LIMIT_MS = 120_000 * slowness;
const SECOND_LOOK_MS = 500; // a notice of which nothing comes is the rule here: most things are read before it arrives
const ENDED = ['done', 'failed', 'cancelled'];

// For all of a server's lives: below those that the system gives to whoever asks for any, which somebody would have while it is away.
async function freePort() {
  const [lowest] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split('\t').map(Number);
  const first = Math.min(10_000, lowest - 1000);
  for (;;) {
    const server = createServer();
    const port = first + Math.floor(Math.random() * (lowest - first));
    const isFree = await new Promise((tried) => server.once('error', () => tried(false)).listen(port, '127.0.0.1', () => tried(true)));
    if (!isFree) continue;
    await new Promise((closed) => server.close(closed));
    return port;
  }
}

// One server with its folder, at one address for all of its lives.
export class House {
  kills = 0;
  #rising = Promise.resolve();
  #ended = false;

  constructor({ database, settleMs, core = '', people = badges({ root: 'a *' }) } = {}) {
    Object.assign(this, { settleMs, people, folder: temporaryFolder() });
    this.logs = [];
    [this.config, this.data] = ['conf.d', 'var'].map((name) => join(this.folder, name));
    for (const path of [this.config, this.data]) mkdirSync(path, { mode: 0o755 });
    this.database = database;
    this.core = core;
  }

  async start() {
    this.port ??= await freePort();
    const url = this.database?.url ? `database_url: ${JSON.stringify(this.database.url)}\n` : '';
    writeFiles(this.config, {
      'core.yaml': `access_log: false\nrate_limit: off\nroute_limits: false\nplugin_dirs: [${join(root, 'build', preset, 'lib/dowel/plugins')}]\n${url}${this.core}`,
      'badges.yaml': `enabled: true\n${badgesYaml(this.people)}`,
      'zammad.yaml': 'enabled: true\nrequired: true\n',
      'kimai.yaml': 'enabled: true\nrequired: true\n',
      'timesync.yaml': `enabled: true\nrequired: true\nsettle: ${this.settleMs}ms\nsecond_look: ${SECOND_LOOK_MS}ms\n`,
    });
    await this.#launch();
    return this;
  }

  async #launch() {
    for (let tries = 0; ; tries++) {
      try {
        this.server = await launch(binaryOf(), ['serve', '--config', this.config, '--data', this.data, '--listen', `127.0.0.1:${this.port}`], { cwd: this.folder });
        return;
      } catch (error) {
        if (tries >= 20) throw error;
        await sleep(100); // what was killed may not be gone yet
      }
    }
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  // Its processes end where they are; it rises again by itself.
  kill({ stays = false } = {}) {
    if (!this.server || this.#ended) return;
    const { server } = this;
    this.server = undefined;
    this.kills++;
    server.kill();
    this.#rising = server.ended.then(() => {
      this.logs.push(server.stderr.slice(-20_000));
      return this.#ended || stays ? undefined : this.#launch();
    });
  }

  // After a kill from which it was not to rise by itself.
  async rise() {
    await this.#rising;
    await this.#launch();
  }

  get log() {
    return [...this.logs.slice(-3), this.server?.stderr ?? ''].join('\n');
  }

  async risen() {
    await this.#rising;
  }

  async stop() {
    this.#ended = true;
    await this.#rising.catch(() => {});
    const { server } = this;
    this.server = undefined;
    await server?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  // A request that is tried again until it has an answer: the server may be away just now.
  async ask(method, path, body, headers = {}) {
    const until = Date.now() + RUN_LIMIT_MS;
    for (;;) {
      try {
        const answer = await fetch(`${this.url}/api/v1${path}`, {
          method, signal: AbortSignal.timeout(60_000 * slowness), body: body && JSON.stringify(body),
          headers: { ...bearer(this.people.root), ...(body && { 'Content-Type': 'application/json' }), ...headers },
        });
        const text = await answer.text();
        // 503: it starts, or somebody else writes; 429: too many tests of connections at a time
        if ([503, 429].includes(answer.status) && Date.now() < until) throw new Error(`${answer.status} ${text}`);
        return { status: answer.status, json: text && answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : undefined, text };
      } catch (error) {
        if (Date.now() > until) throw new Error(`${method} ${path}: ${error.message}\n${this.log.slice(-2000)}`, { cause: error });
        await sleep(50);
      }
    }
  }

  async told(method, path, body, headers) {
    const answer = await this.ask(method, path, body, headers);
    if (answer.status >= 300) throw new Error(`${method} ${path} ${JSON.stringify(body)}: ${answer.status} ${answer.text}`);
    return answer.json;
  }

  async all(path) {
    const found = [];
    for (let cursor = ''; ; ) {
      const { items, next } = await this.told('GET', `${path}${path.includes('?') ? '&' : '?'}limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      found.push(...items);
      if (!next) return found;
      cursor = next;
    }
  }
}

export class Dowel {
  #actions;

  constructor(house) {
    this.house = house;
  }

  async start(world, { rules, unmapped, more = {} }) {
    const { house } = this;
    this.world = world;
    const name = `${world.seed} ${randomUUID().slice(0, 8)}`;
    const connect = (kind, settings) => house.told('POST', '/connections', { kind, name: `${kind} ${name}`, allow_private: true, untested: true, settings });
    this.zammad = await connect('zammad', { base_url: world.zammad.url, token: world.zammad.token });
    this.kimai = await connect('kimai', { base_url: world.kimai.url, token: world.kimai.token });
    this.mark = this.zammad.id.replaceAll('-', '').slice(-8);
    this.#actions = new Map((await house.told('GET', '/timesync/reasons')).items.map(({ reason, actions }) => [reason, actions]));
    this.sync = await house.told('POST', '/timesync/syncs', {
      name, source: this.zammad.id, target: this.kimai.id, rules, schedule: '', full_schedule: '', zone: 'Europe/Berlin', enabled: true, ...more,
    });
    for (const [type, activity] of world.activities) if (!unmapped.has(type)) await this.map(type, true, activity);
    world.zammad.webhooks.subscribe({ endpoint: `${house.url}${this.zammad.webhook.path}`, signature_token: this.zammad.webhook_secret });
  }

  async stop() {}

  kill() {
    this.house.kill();
  }

  async revive() {
    await this.house.risen();
  }

  async map(type, on, activity = this.world.activities.get(type)) {
    const { house } = this;
    const [there] = await house.all(`/timesync/mappings?sync=${this.sync.id}&kind=activity&source=${type}`);
    const mapping = { sync: this.sync.id, kind: 'activity', source: String(type), target: String(activity), settle: type % 2 === 0 };
    if (on && !there) await house.ask('POST', '/timesync/mappings', mapping);
    if (!on && there) await house.ask('DELETE', `/timesync/mappings/${there.id}`);
  }

  async renew(side) {
    const { version } = await this.house.told('GET', `/connections/${this[side].id}`);
    await this.house.told('PATCH', `/connections/${this[side].id}`, { settings: { token: this.world[side].token }, untested: true }, { 'If-Match': `"${version}"` });
  }

  async release() {
    await this.house.told('POST', `/timesync/syncs/${this.sync.id}/release`);
  }

  async edit(rules) {
    const { house, sync } = this;
    const { version } = await house.told('GET', `/timesync/syncs/${sync.id}`);
    await house.told('PATCH', `/timesync/syncs/${sync.id}`, { rules }, { 'If-Match': `"${version}"` });
  }

  async enable(side, enabled) {
    const { version } = await this.house.told('GET', `/connections/${this[side].id}`);
    await this.house.told('PATCH', `/connections/${this[side].id}`, { enabled }, { 'If-Match': `"${version}"` });
  }

  // More is gone than the sync believes: somebody looks, and says that it is so.
  async believe() {
    for (let left = 5; left > 0 && (await this.house.told('GET', `/timesync/syncs/${this.sync.id}`)).held_reason === 'TOO_MANY_DELETIONS'; left--) {
      await this.release();
      await this.idle();
    }
    await this.pass('full');
  }

  // ---- runs ----

  async cancel() {
    if (this.run) await this.house.ask('POST', `/timesync/runs/${this.run}/cancel`).catch(() => {});
  }

  async pass(kind, { tickets } = {}) {
    const body = kind === 'tickets' ? { kind, tickets: tickets.map(String) } : { kind };
    if (kind === 'tickets' && tickets.length === 0) return;
    const run = await this.house.told('POST', `/timesync/syncs/${this.sync.id}/runs`, body, { 'Idempotency-Key': randomUUID() });
    this.run = run.id;
    await this.ended(run.id);
    this.run = undefined;
    await this.idle();
  }

  async ended(id) {
    const until = Date.now() + RUN_LIMIT_MS;
    for (;;) {
      const run = await this.house.told('GET', `/timesync/runs/${id}`);
      if (ENDED.includes(run.state)) return run;
      if (Date.now() > until) throw new Error(`after ${RUN_LIMIT_MS} ms a run is not over: ${JSON.stringify(run)}\n${await this.#left(id)}`);
      await sleep(30);
    }
  }

  // What a run that does not end still has to do, as a text.
  async #left(id) {
    const steps = (await this.house.all(`/timesync/runs/${id}/steps`)).filter(({ outcome }) => outcome === '');
    const entries = (await this.house.all(`/timesync/entries?sync=${this.sync.id}`)).filter((one) => steps.some(({ entry }) => entry === one.id));
    return `${JSON.stringify(steps)}\n${JSON.stringify(entries)}\n${this.house.log.slice(-3000)}`;
  }

  // No webhook is on its way, and no run of this sync is under way.
  async idle() {
    await this.world.zammad.webhooks.idle();
    for (const state of ['waiting', 'reading', 'writing']) {
      for (const { id } of await this.house.all(`/timesync/runs?sync=${this.sync.id}&state=${state}`)) await this.ended(id);
    }
  }

  async state() {
    const { house, sync, world } = this;
    // A webhook that was taken becomes a run when its turn comes.
    let runs = await house.all(`/timesync/runs?sync=${sync.id}`);
    for (let left; (left = runs.filter(({ state }) => !ENDED.includes(state))).length > 0; runs = await house.all(`/timesync/runs?sync=${sync.id}`)) {
      for (const { id } of left) await this.ended(id);
    }
    runs.sort((a, b) => (a.created_at < b.created_at ? -1 : 1));
    const rows = await house.all(`/timesync/entries?sync=${sync.id}`);
    const ids = new Map(rows.map(({ id, source_id }) => [id, Number(source_id)]));
    const entries = new Map(rows.map((row) => [Number(row.source_id), { state: row.state, reason: row.reason, sheet: row.sheet }]));
    // A case about a timesheet that no entry has is about the entry that its marker names.
    const entryOf = ({ entry, sheet, target }) => ids.get(entry) ?? markerOf(world.kimai.state.sheets.get(Number(sheet))?.description ?? target?.text)?.entry;
    const cases = (await house.all(`/timesync/cases?sync=${sync.id}`)).map((one) => ({ ...one, entry: entryOf(one), actions: this.#actions.get(one.reason) ?? [] }));
    return { runs, cases, entries };
  }

  async decide({ id, reason, sheet }, action) {
    const answer = await this.house.ask('POST', `/timesync/cases/${id}/decide`, { action, ...(action === 'adopt' && { sheet }), note: `${reason}: ${action}` });
    if (answer.status === 409) return; // it has solved itself meanwhile
    if (answer.status === 422 && (await this.house.told('GET', `/timesync/cases/${id}`)).reason !== reason) return; // or is another one now
    if (answer.status !== 202) throw new Error(`${action} of a case ${reason}: ${answer.status} ${answer.text}`);
    for (const run of answer.json.runs) await this.ended(run);
  }

  // { entry } of all that it reached.
  async decideAll(reason, action) {
    const answer = await this.house.ask('POST', '/timesync/cases/decide', { sync: this.sync.id, reason, action });
    if (answer.status !== 202) return []; // one of them is not what it was any more, so none was decided
    const ids = new Map((await this.house.all(`/timesync/entries?sync=${this.sync.id}`)).map(({ id, source_id }) => [id, Number(source_id)]));
    const reached = [];
    for (const run of answer.json.runs) {
      await this.ended(run);
      reached.push(...(await this.house.all(`/timesync/runs/${run}/steps`)).map(({ entry, sheet }) => ({ entry: ids.get(entry), sheet })));
    }
    return reached.filter(({ entry }) => entry !== undefined);
  }

  // The last run that did something is taken back.
  async undo() {
    const runs = (await this.house.all(`/timesync/runs?sync=${this.sync.id}`)).sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
    const run = runs.find(({ kind, created, updated, undone_by: by }) => kind !== 'undo' && !by && created + updated > 0);
    if (!run) return;
    const answer = await this.house.ask('POST', `/timesync/runs/${run.id}/undo`);
    if (answer.status !== 202) return;
    await this.ended(answer.json.id);
    await this.release();
  }
}

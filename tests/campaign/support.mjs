// support.mjs - a server with the ledger plugin, clients that write entries into it, and the balance at the end.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { Connection, request } from '../e2e/support/client.mjs';
import { engines } from '../e2e/support/database.mjs';
import { binaryOf, dowel, launch, preset, root, slowness, sleep, temporaryFolder, until, writeFiles } from '../e2e/support/server.mjs';

const PATH = '/api/v1/ledger';

export const engineOf = (name) => {
  const found = engines.find((engine) => engine.name.toLowerCase().startsWith(name));
  if (!found) throw new Error(`${name}: sqlite or postgres`);
  if (found.skip) throw new Error(found.skip);
  return found;
};

// Numbers in [0, 1) that the seed decides (mulberry32), so that a run can be repeated as far as the machine lets it.
export function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// A folder with a configuration, and the server that is started in it again and again.
export class Place {
  server;

  constructor({ url = '', core = '' } = {}) {
    this.folder = temporaryFolder();
    [this.config, this.data] = ['conf.d', 'var'].map((name) => join(this.folder, name));
    for (const path of [this.config, this.data]) mkdirSync(path, { mode: 0o755 });
    const database = url && `database_url: ${JSON.stringify(url)}\n`;
    const plugins = join(root, 'build', preset, 'campaign');
    writeFiles(this.config, { 'core.yaml': `access_log: false\nplugin_dirs: [${plugins}]\n${database}${core}`, 'ledger.yaml': 'enabled: true\nrequired: true\n' });
  }

  get url() {
    return this.server?.url;
  }

  get #arguments() {
    return ['serve', '--config', this.config, '--data', this.data, '--listen', '127.0.0.1:0'];
  }

  async start() {
    this.server = await launch(binaryOf(), this.#arguments, { cwd: this.folder });
    return this;
  }

  // Starts a server that is killed so many milliseconds later, with all its processes, wherever it has come to by then.
  async startAndKill(ms) {
    const child = spawn(binaryOf(), this.#arguments, { cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'], detached: true });
    const ended = new Promise((resolved) => child.on('close', resolved)); // nobody has the pipe any more
    child.stderr.resume();
    await sleep(ms);
    assert.equal(child.exitCode, null, 'the server ended by itself');
    process.kill(-child.pid, 'SIGKILL'); // its group
    await ended;
  }

  async kill() {
    const { server } = this;
    this.server = undefined;
    server?.kill();
    await server?.ended;
  }

  async stop() {
    const { server } = this;
    this.server = undefined;
    await server?.stop();
  }

  // Runs `dowel ...` on it; what it printed.
  async command(...args) {
    const { code, stdout, stderr } = await dowel([...args, '--config', this.config, '--data', this.data], { limit: 60_000 * slowness });
    assert.equal(code, 0, `dowel ${args.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  }

  // Are all of the plugin's migrations there?
  async migrated() {
    const { owners } = JSON.parse(await this.command('db', 'status', '--output', 'json'));
    const { pending, wrong } = owners.find(({ owner }) => owner === 'ledger');
    assert.equal(wrong, null);
    return pending === 0;
  }

  async remove() {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function countLedger(place) {
  const response = await request(place.url, { path: PATH, limit: 60_000 });
  assert.equal(response.status, 200, response.text());
  return response.json();
}

const asRequest = (batch) => ({ method: 'POST', path: PATH, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(batch) });

// Clients that add entries without end, each with one request in flight, and remember what they were answered.
export class Clients {
  answered = new Map(); // id of the batch: its size
  statuses = new Map();
  lost = 0; // requests without an answer: nobody knows what became of them
  #next = 1;
  #newest = 0; // id of those that were answered
  #running = true;
  #clients;

  // place() is asked before each request where to send it; pause is the longest wait in ms between two of a client.
  constructor(place, { clients = 8, random = Math.random, pause = 20, size = () => (random() < 0.1 ? 10 : 1), most = Infinity } = {}) {
    Object.assign(this, { place, random, pause, size, most });
    this.#clients = Array.from({ length: clients }, () => this.#client());
  }

  #batch() {
    const id = this.#next;
    const size = Math.min(this.size(), this.most + 1 - id);
    this.#next += size;
    return { id, size };
  }

  async #client() {
    let connection, at;
    const close = () => (connection = connection?.close());
    while (this.#running && this.#next <= this.most) {
      const { url } = this.place();
      if (!url) {
        await sleep(10);
        continue;
      }
      const batch = this.#batch();
      try {
        if (connection?.closed || connection?.ended || at !== url) close();
        connection ??= await Connection.open((at = url));
        const { status, last } = await connection.request({ ...asRequest(batch), limit: 30_000 * slowness });
        this.#note(batch, status);
        if (last) close();
        if (status !== 201) await sleep(20);
      } catch {
        this.lost++;
        close();
        await sleep(20);
      }
      if (this.pause) await sleep(this.random() * this.pause);
    }
    close();
  }

  // No more than so many entries are made, but those that are under way already. How many that will be.
  endAt(most) {
    this.most = Math.max(most, this.#next - 1);
    return this.most;
  }

  #note({ id, size }, status) {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    if (status !== 201) return;
    this.answered.set(id, size);
    this.#newest = Math.max(this.#newest, id);
  }

  // When a request that was begun from now on has been answered well.
  async served(limit = 60_000 * slowness) {
    const from = this.#next;
    await until('requests are answered', () => this.#newest >= from, { limit, every: 2 });
  }

  // All of `most` were sent.
  async sent() {
    await Promise.all(this.#clients);
  }

  async stop() {
    this.#running = false;
    await this.sent();
  }
}

async function batchesOf(place) {
  const found = new Set();
  for (let after = 0; ; ) {
    const response = await request(place.url, { path: `${PATH}/batches?after=${after}`, limit: 60_000 });
    assert.equal(response.status, 200, response.text());
    const { items } = response.json();
    if (items.length === 0) return found;
    for (const { id } of items) found.add(id);
    after = items.at(-1).id;
  }
}

// Waits for the jobs, then asserts that every request which was answered 201 is there, whole; that what is there has exactly
// one effect; that the schedule fired once for each second; and that the database is sound. The last count.
export async function balance(place, clients, { limit }) {
  for (const status of clients.statuses.keys()) assert.ok([201, 503, 504].includes(status), `a client was answered ${status}`);
  const found = await batchesOf(place);
  const missing = [...clients.answered.keys()].filter((id) => !found.has(id));
  assert.deepEqual(missing, [], 'answered with 201, and not there');

  let now = await countLedger(place);
  await until('every job is done', async () => (now = await countLedger(place)).done >= now.entries, { limit, every: 500 }).catch(async (error) => {
    throw new Error(`${error.message}: ${JSON.stringify(now)}\n${(await place.command('job', 'list')).slice(0, 4000)}`);
  });
  const { entries, done, effects, strange, halves, ticks, instants, first, last } = now;
  assert.deepEqual({ done, effects, strange, halves }, { done: entries, effects: entries, strange: 0, halves: 0 });
  assert.equal(ticks, instants, 'an instant was fired twice');
  assert.equal(instants, (Date.parse(last) - Date.parse(first)) / 1000 + 1, 'an instant was not fired');

  assert.deepEqual(JSON.parse(await place.command('job', 'list', '--state', 'dead', '--output', 'json')), []);
  assert.ok(await place.migrated());
  const check = await place.command('db', 'check');
  assert.match(check, place.isSqlite ? /^ok +integrity/m : /^ok +indexes/m);
  return now;
}

// "3 of 5 ms": for the figures.
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => (sorted.length ? Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]) : '-');
  return `median ${at(0.5)}, 95 % ${at(0.95)}, longest ${at(1)} ms`;
}

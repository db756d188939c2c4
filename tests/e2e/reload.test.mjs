// Presets: release asan tsan
// Alone: it measures how long a server is away.
// The server changes its process under load: reloads lose nothing, a kill only what was in flight.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';

import { Connection, request } from './support/client.mjs';
import { Load } from './support/load.mjs';
import { childrenOf, dowel, preset, slowness, sleep, startServer, temporaryFolder, until, writeFiles } from './support/server.mjs';

const timeout = 120_000 * Math.min(slowness, 2);
const RELOADS = preset === 'release' ? 20 : 5;
const KILLS = preset === 'release' ? 5 : 2;
const CLIENTS = 16;

let server;
before(async () => (server = await startServer()), { timeout });
after(() => server?.stop(), { timeout });

const ready = async () => (await request(server.url, { path: '/readyz' }).catch(() => ({}))).status === 200;

let load;
afterEach(() => load?.stop());

describe('reload', { timeout }, () => {
  test(`${RELOADS} times under load: every request is answered`, async () => {
    load = new Load(server.url, { clients: CLIENTS });
    await until('the load has begun', () => load.served > CLIENTS);
    const processes = new Set([server.serverPid]);
    for (let i = 0; i < RELOADS; i++) {
      const old = server.serverPid;
      const served = load.served;
      if (i % 2 === 0) {
        server.signal('SIGHUP');
      } else {
        const { code, stderr } = await dowel(['reload', '--config', server.configDir, '--data', server.dataDir]);
        assert.equal(code, 0, stderr);
      }
      await until(`reload ${i + 1} gives a new process`, () => server.serverPid !== old, { limit: 10_000 * slowness });
      await until('the new process answers', () => load.served > served + CLIENTS, { limit: 10_000 * slowness });
      processes.add(server.serverPid);
    }
    await load.stop();
    assert.deepEqual(load.lost, []);
    assert.deepEqual([...load.statuses.keys()], [200]);
    assert.equal(processes.size, RELOADS + 1);
    await until('the old processes have gone', () => childrenOf(server.pid).length === 1, { limit: 15_000 * slowness });
  });

  test('loses no connection that one loop accepts for the others, as on a Unix socket', async () => {
    const folder = temporaryFolder();
    const url = `unix:${folder}/s.sock`;
    const own = await startServer({ listen: [url], config: { 'core.yaml': 'loops: 4\naccess_log: false\n' } });
    const lost = [];
    let running = true;
    let served = 0;
    const client = async () => {
      while (running) await request(url, { path: '/livez', headers: { connection: 'close' } }).then(() => served++, (error) => lost.push(error.message));
    };
    const clients = Array.from({ length: 24 }, client);
    // A loop that has to wait for a processor is what lets connections pile up on their way to it.
    const busy = Array.from({ length: 4 }, () => spawn('timeout', ['60', 'sh', '-c', 'while :; do :; done'], { stdio: 'ignore' }));
    try {
      for (let i = 0; i < 2 * RELOADS; i++) assert.equal((await dowel(['reload', '--config', own.configDir, '--data', own.dataDir])).code, 0);
    } finally {
      running = false;
      for (const child of busy) child.kill();
      await Promise.all(clients);
      await own.stop();
      rmSync(folder, { recursive: true, force: true });
    }
    assert.deepEqual(lost, []);
    assert.ok(served > CLIENTS);
  });

  test('keeps a connection that is idle until its next request', async () => {
    const connection = await Connection.open(server.url);
    assert.equal((await connection.request({ path: '/livez' })).status, 200);
    const old = server.serverPid;
    server.signal('SIGHUP');
    await until('a new process', () => server.serverPid !== old);
    // Answered by the old process, which goes on until the new one serves, and then says that it is the last.
    await until('the last answer', async () => {
      const response = await connection.request({ path: '/livez' });
      assert.equal(response.status, 200);
      return response.last;
    }, { every: 100 });
    connection.close();
  });

  test('with a wrong configuration keeps the old process and says why', async () => {
    const old = server.serverPid;
    writeFiles(server.configDir, { 'core.yaml': 'no_such_item: 1\n' });
    const { code, stderr } = await dowel(['reload', '--config', server.configDir, '--data', server.dataDir]);
    assert.equal(code, 3);
    assert.match(stderr, /core\.yaml:1: no_such_item: unknown item/);
    assert.equal(server.serverPid, old);
    assert.equal((await request(server.url, { path: '/livez' })).status, 200);
    writeFiles(server.configDir, { 'core.yaml': '' });
  });
});

describe('SIGKILL of the server process', { timeout }, () => {
  test(`${KILLS} times under load: only what was in flight is lost, and service is back within a second`, async () => {
    for (let i = 0; i < KILLS; i++) {
      await until('the server is ready', ready, { limit: 10_000 * slowness });
      load = new Load(server.url, { clients: CLIENTS });
      await until('the load has begun', () => load.served > CLIENTS);
      const old = server.serverPid;
      const killed = performance.now();
      process.kill(old, 'SIGKILL');
      await until('another process', () => server.serverPid !== undefined && server.serverPid !== old, { every: 2 });
      const response = await request(server.url, { path: '/livez', limit: 10_000 });
      const away = performance.now() - killed;
      assert.equal(response.status, 200);
      await sleep(300);
      await load.stop();
      assert.ok(load.lost.length <= CLIENTS, `${load.lost.length} lost of ${CLIENTS} in flight: ${load.lost[0]?.why}`);
      assert.ok(load.served > CLIENTS && load.lastAnswer > killed, 'the clients went on');
      assert.ok(away < 1000 * slowness, `away for ${Math.round(away)} ms`);
      // The next crash must be as unexpected as this one: the supervisor forgives after a while.
      if (i + 1 < KILLS) await sleep(1500);
    }
  });
});

describe('SIGTERM', { timeout }, () => {
  test('answers what is in flight, then ends with 0', async () => {
    const own = await startServer({ config: { 'core.yaml': 'loops: 1\n' } });
    const connection = await Connection.open(own.url);
    assert.equal((await connection.request({ path: '/livez' })).status, 200);
    connection.send('GET /livez HTTP/1.1\r\nHost: a\r\n');
    const idle = await Connection.open(own.url);
    assert.equal((await idle.request({ path: '/livez' })).status, 200); // the loop has read what came before it
    const stopped = own.stop();
    await idle.toEnd(); // so it drains
    connection.send('\r\n');
    const response = await connection.response();
    assert.equal(response.status, 200);
    assert.equal(response.last, true);
    connection.close();
    await stopped;
    await assert.rejects(Connection.open(own.url), /ECONNREFUSED/);
  });
});

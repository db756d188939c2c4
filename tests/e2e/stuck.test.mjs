// Presets: release asan
// Long: it waits for limits to be over.
// Plugins that hold on (tests/hostile): to a worker, to their stop, to crashing. Their process is replaced, or the server goes on
// without them; it takes its time, and the requests to another plugin go on meanwhile.

import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';

import { request } from './support/client.mjs';
import { Load } from './support/load.mjs';
import { command, linesWith, logged, notesOf, readyz, startWith } from './support/plugins.mjs';
import { childrenOf, preset, slowness, until } from './support/server.mjs';

const timeout = 120_000 * Math.min(slowness, 2);
const CLIENTS = 4;
const PAUSE_MS = 2; // other suites run at the same time
const GOOD = '/api/v1/good?name=neighbour';
const notUnderAsan = preset === 'asan' && 'AddressSanitizer and UBSan take the fault themselves';

const get = (server, path, options) => request(server.url, { path: `/api/v1/${path}`, limit: 15_000 * slowness, ...options });
// `dowel plugin` probes each file of the folder, and one of them does not end by itself: hence the short limit where that is used.
const probes = `probe_timeout: ${2 * slowness}s\n`;
const good = async (server) => (await request(server.url, { path: GOOD, limit: 2000 }).catch(() => ({}))).status === 200;

let server;
let load;

async function start(options) {
  server = await startWith(options);
  load = new Load(server.url, { clients: CLIENTS, path: GOOD, pause: PAUSE_MS });
  await until('the load has begun', () => load.served > CLIENTS);
}

async function stopAnyhow() {
  await load?.stop();
  await server?.stop();
  server = load = undefined;
}

describe('a handler that holds its worker', { timeout }, () => {
  afterEach(stopAnyhow, { timeout });

  for (const how of ['asleep', 'awake']) {
    test(`${how} is named, and its process replaced without a lost request`, async () => {
      await start({ plugins: { good: '', slow: '' }, core: `watchdog_warn: 1s\nwatchdog_replace: 3s\ndrain_timeout: 1s\nidle_timeout: 1s\nworkers: 8\n${probes}` });
      const old = server.serverPid;
      const victim = get(server, `slow/${how}`, { limit: 30_000 }).catch((error) => error);
      const operation = how === 'asleep' ? 'operation waitAsleep' : 'operation waitAwake';
      await logged(server, { message: 'a piece of work takes long', owner: 'slow', what: operation }, { limit: 10_000 * slowness });
      await until('another process', () => server.serverPid !== old, { limit: 20_000 * slowness });
      await until('the old process has gone', () => !childrenOf(server.pid).includes(old), { limit: 30_000 * slowness });
      await victim;
      await load.stop();
      assert.deepEqual(load.lost, []);
      assert.deepEqual([...load.statuses.keys()], [200]);
      const notes = notesOf(server);
      assert.equal(notes.length, 1, notes.join('\n'));
      assert.match(notes[0], new RegExp(`charged to: slow`));
      const { stdout } = await command(server, 'plugin', 'info', 'slow');
      assert.match(stdout, /crash/i);
    });
  }
});

describe('a plugin that crashes three times in ten minutes', { timeout }, () => {
  afterEach(stopAnyhow, { timeout });

  async function crashThrice() {
    for (let i = 0; i < 3; i++) {
      await until('the neighbour answers', () => good(server), { limit: 15_000 * slowness });
      await assert.rejects(get(server, 'crash/abort'));
    }
    await until('the neighbour answers', () => good(server), { limit: 15_000 * slowness });
  }

  test('is quarantined, until somebody clears it', async () => {
    server = await startWith({ plugins: { good: '', crash: '' }, core: probes });
    await crashThrice();
    await logged(server, { message: /quarantined/, plugin: 'crash' });
    assert.match(await readyz(server), /^\[!\] plugin crash: quarantined/m);
    assert.match(await readyz(server), /^ok$/m);
    assert.equal((await get(server, 'crash/abort')).status, 404);
    assert.match((await command(server, 'plugin', 'list')).stdout, /crash.*quarantined/);
    assert.equal(notesOf(server).length, 3);

    // A reload alone does not bring it back.
    assert.equal((await command(server, 'reload')).code, 0);
    assert.equal((await get(server, 'crash/abort')).status, 404);

    const { code, stderr } = await command(server, 'plugin', 'clear', 'crash');
    assert.equal(code, 0, stderr);
    assert.equal((await command(server, 'reload')).code, 0);
    assert.doesNotMatch(await readyz(server), /plugin crash/);
    await assert.rejects(get(server, 'crash/abort'), 'it is back');
  });

  test('is not quarantined when it is required', async () => {
    server = await startWith({ plugins: { good: '', crash: 'required: true\n' } });
    await crashThrice();
    assert.equal(linesWith(server, { message: /quarantined/ }).length, 0);
    assert.doesNotMatch(await readyz(server), /quarantined/);
    await assert.rejects(get(server, 'crash/abort'), 'it is still there');
  });

  test('in init is quarantined before the server ever was ready', { skip: notUnderAsan }, async () => {
    server = await startWith({ plugins: { good: '', crashinit: '' } });
    await until('the neighbour answers', () => good(server));
    await logged(server, { message: /quarantined/, plugin: 'crashinit' });
    assert.match(await readyz(server), /^\[!\] plugin crashinit: quarantined/m);
    assert.equal((await get(server, 'crashinit')).status, 404);
    assert.match(notesOf(server)[0], /^what: init,/m);
  });
});

describe('a plugin that does not let go', { timeout }, () => {
  afterEach(stopAnyhow, { timeout });

  const said = {
    stays: { message: 'the server process does not end, killing it', owner: 'clingy', what: 'stop' },
    leaves_thread: { message: /threads still hold calls after its stop/, plugin: 'clingy' },
  };

  for (const [how, line] of Object.entries(said)) {
    test(`(${how}) does not keep the server from a reload, or from its end`, async () => {
      await start({ plugins: { good: '', clingy: `${how}: true\n` }, core: 'drain_timeout: 1s\nidle_timeout: 1s\n' });
      const old = server.serverPid;
      assert.equal((await command(server, 'reload')).code, 0);
      await until('the old process has gone', () => !childrenOf(server.pid).includes(old), { limit: 15_000 * slowness });
      await load.stop();
      assert.deepEqual(load.lost, []);
      assert.deepEqual([...load.statuses.keys()], [200]);
      await logged(server, line);
      assert.ok(linesWith(server, { level: 'error' }).length < 5, 'it does not fill the log');
      await server.stop(); // with 0, and within its limit
      server = undefined;
    });
  }
});

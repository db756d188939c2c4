// Presets: tsan
// Requests that are answered by a plugin's own thread (sdk/examples/later), while others leave before their answer: under
// ThreadSanitizer. DOWEL_SECONDS=60 for longer.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Connection, request, requestBytes } from './support/client.mjs';
import { Load } from './support/load.mjs';
import { command, pluginFolder, startWith } from './support/plugins.mjs';
import { sleep } from './support/server.mjs';

const SECONDS = Number(process.env.DOWEL_SECONDS ?? 5);
const timeout = (SECONDS + 120) * 1000;
const CLIENTS = 16;
const path = '/api/v1/later';

let server;
before(async () => (server = await startWith({ plugins: { later: 'every: 10ms\n' }, core: 'workers: 16\n', folder: pluginFolder })), { timeout });
after(() => server?.stop(), { timeout }); // fails when the sanitizer has said something

// Asks and resets the connection, mostly before the next beat.
async function leave() {
  const connection = await Connection.open(server.url);
  connection.send(requestBytes({ path }));
  await sleep(Math.random() * 15);
  connection.reset();
}

describe(`answers from another thread, for ${SECONDS} s`, { timeout }, () => {
  test(`${CLIENTS} clients get every answer while others leave, and through a reload`, async (t) => {
    const load = new Load(server.url, { clients: CLIENTS, path, limit: 30_000 });
    const end = performance.now() + SECONDS * 1000;
    let left = 0;
    let reloaded = false;
    while (performance.now() < end) {
      await Promise.all([leave(), leave()]);
      left += 2;
      if (!reloaded && performance.now() > end - SECONDS * 500) {
        reloaded = true;
        assert.equal((await command(server, 'reload')).code, 0);
      }
    }
    await load.stop();
    assert.deepEqual(load.lost, []);
    assert.deepEqual([...load.statuses.keys()], [200]);
    assert.ok(load.served > CLIENTS * SECONDS && left > SECONDS, `${load.served} served, ${left} left`);
    t.diagnostic(`${load.served} answers, ${left} clients left`);
    const page = (await request(server.url, { path: '/metrics' })).text();
    assert.match(page, /^dowel_plugin_tokens_lost_total\{plugin="later"\} 0$/m);
    assert.match(page, /^dowel_plugin_misuses_total\{plugin="later"\} 0$/m);
  });
});

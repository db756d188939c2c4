// Presets: release tsan coverage
// What the server sees to beside requests, on threads of its own.

import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { request } from './support/client.mjs';
import { slowness, startServer, temporaryFolder, until } from './support/server.mjs';

const timeout = 60_000 * slowness;

test('its threads are there, and the data folder is looked at', { timeout }, async () => {
  const server = await startServer();
  const page = async () => (await request(server.url, { path: '/metrics' })).body.toString();
  await until('the room is known', async () => /^dowel_data_free_bytes [1-9]\d*$/m.test(await page()));
  assert.match(await page(), /^dowel_workers_queued\{pool="upkeep"\} 0$/m);
  await until('the data folder is ready', async () => /^\[\+\] data$/m.test((await request(server.url, { path: '/readyz?verbose' })).body.toString()));
  await server.stop();
});

test('a data folder that has gone makes the server not ready, and says so', { timeout }, async (t) => {
  const folder = temporaryFolder();
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  const server = await startServer({ data });
  t.after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  await until('it is ready', async () => (await request(server.url, { path: '/readyz' })).status === 200);
  renameSync(data, join(folder, 'elsewhere')); // at once: while it is emptied the server goes on making files in it
  const page = async () => (await request(server.url, { path: '/readyz?verbose' })).body.toString();
  // The database is looked at more often, and has gone, too.
  await until('the data folder is not ready', async () => /^\[-\] data: .+$/m.test(await page()), { limit: 25_000 * slowness, every: 250 });
  assert.equal((await request(server.url, { path: '/readyz' })).status, 503);
  await server.said(/data folder is not in order/);
});

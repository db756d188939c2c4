// Clients that are slow on purpose: they are cut off at their deadline, and others do not notice them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { Connection, request, requestBytes } from './support/client.mjs';
import { readResponses } from './support/message.mjs';
import { preset, slowness, sleep, startServer, until } from './support/server.mjs';

const timeout = 120_000 * slowness;
const SLOW_CLIENTS = 300;

let server;
before(async () => {
  server = await startServer({ config: { 'core.yaml': 'header_timeout: 1s\nidle_timeout: 1s\nwrite_timeout: 2s\naccess_log: false\n' } });
}, { timeout });
after(() => server?.stop(), { timeout });

const since = (start) => performance.now() - start;

// How long the connection has lasted since `start`, before it was made, while bytes are sent one every 100 ms.
async function drip(connection, bytes, start) {
  for (const byte of bytes) {
    if (connection.ended) break;
    connection.send(Buffer.from([byte]));
    await sleep(100);
  }
  await connection.toEnd({ limit: 10_000 * slowness });
  return since(start);
}

describe('deadlines', { timeout, concurrency: true }, () => {
  test('a head that comes byte by byte is cut off: the deadline is for all of it', async () => {
    const start = performance.now();
    const connection = await Connection.open(server.url);
    const lasted = await drip(connection, Buffer.from(`GET /livez HTTP/1.1\r\nX: ${'a'.repeat(100)}`), start);
    assert.ok(lasted > 800 && lasted < 3000 * slowness, `after ${Math.round(lasted)} ms`);
    const responses = readResponses(connection.pending);
    assert.ok(responses.length <= 1);
    if (responses.length) assert.equal(responses[0].status, 408);
    connection.close();
  });

  test('a connection on which nothing happens is closed without a word', async () => {
    const start = performance.now();
    const connection = await Connection.open(server.url);
    await connection.toEnd({ limit: 10_000 * slowness });
    assert.ok(since(start) > 800, `after ${Math.round(since(start))} ms`);
    assert.ok(readResponses(connection.pending).every((response) => response.status === 408));
    connection.close();
  });

  test('a connection that is idle after an answer is closed without a word', async () => {
    const connection = await Connection.open(server.url);
    const start = performance.now(); // before the server's time begins: the answer may be read late
    assert.equal((await connection.request({ path: '/livez' })).status, 200);
    assert.equal((await connection.toEnd({ limit: 10_000 * slowness })).length, 0);
    assert.ok(since(start) > 800, `after ${Math.round(since(start))} ms`);
    connection.close();
  });

  test('a body that comes byte by byte is cut off', async () => {
    const start = performance.now();
    const connection = await Connection.open(server.url);
    connection.send(requestBytes({ path: '/livez', headers: { 'Content-Length': '10000' } }));
    const lasted = await drip(connection, Buffer.alloc(200, 'a'), start);
    assert.ok(lasted < 15_000 * slowness, `after ${Math.round(lasted)} ms`);
    connection.close();
  });

  test('a client that does not read is cut off', async () => {
    const connection = await Connection.open(server.url);
    connection.pause();
    // More answers than the kernel's buffers hold.
    connection.send(Buffer.concat(Array(20_000).fill(requestBytes({ path: '/no/such/page' }))));
    await sleep(4000 * slowness);
    connection.resume();
    await connection.toEnd({ limit: 20_000 * slowness });
    connection.close();
  });
});

describe('a client that asks and does not read', { timeout }, () => {
  test('does not make the server grow', { skip: preset !== 'release' && 'a sanitizer has its own idea of memory' }, async () => {
    const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.serverPid}/status`, 'utf8'))[1]);
    const before = resident();
    const connections = await Promise.all(Array.from({ length: 20 }, () => Connection.open(server.url)));
    const many = Buffer.concat(Array(5000).fill(requestBytes({ path: '/no/such/page' })));
    for (const connection of connections) connection.pause().send(many);
    await sleep(1000);
    const grown = resident() - before;
    for (const connection of connections) connection.close();
    assert.ok(grown < 16 * 1024, `grown by ${grown} kB for 20 clients`);
  });
});

describe('many slow clients', { timeout }, () => {
  test(`${SLOW_CLIENTS} of them leave the others alone`, async () => {
    const slow = await Promise.all(Array.from({ length: SLOW_CLIENTS }, () => Connection.open(server.url)));
    for (const connection of slow) connection.send('GET /livez HTTP/1.1\r\nHost: a\r\nX-Slow: ');
    const times = [];
    for (let i = 0; i < 100; i++) {
      for (const connection of slow.slice(i * 3, i * 3 + 3)) connection.send('a');
      const start = performance.now();
      assert.equal((await request(server.url, { path: '/livez' })).status, 200);
      times.push(since(start));
    }
    times.sort((a, b) => a - b);
    // Behind the slow ones it would be all that wait; the machine alone may hold up a few.
    assert.ok(times[90] < 250 * slowness, `p90 ${times[90].toFixed(1)} ms, longest ${times[99].toFixed(1)} ms`);
    await until('all slow ones are cut off', () => slow.every((connection) => connection.ended), { limit: 10_000 * slowness });
    for (const connection of slow) connection.close();
  });
});

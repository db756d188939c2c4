// Presets: dev coverage
// Memory that runs out: the server may refuse, and may hang up, but neither crash nor give a wrong answer, and when there is
// memory again nothing has been lost.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';

import { Connection, request, requestBytes } from './support/client.mjs';
import { slowness, startTestServerWith, testServerBinary, until } from './support/server.mjs';

const timeout = 120_000 * slowness;
const library = join(dirname(testServerBinary()), 'failmalloc.so');
const skip = existsSync(library) ? false : `${library} is not there: sanitizers have allocators of their own`;

const KIB = 1024;
const body = Buffer.alloc(20 * KIB, 'b');
const chunks = Buffer.concat([Buffer.from('5000\r\n'), body, Buffer.from('\r\n0\r\n\r\n')]);
const chunked = { 'Transfer-Encoding': 'chunked' };
const is = (text) => (response) => response.body.toString() === text;

// What is asked, and whether an answer of 2xx is right.
const questions = [
  [{ path: '/hello' }, is('hello\n')],
  [{ path: '/worker' }, is('hello\n')],
  [{ path: '/items/42?a=b' }, is('hello\n')],
  [{ path: '/hello', headers: { 'X-Large': 'x'.repeat(6000), Origin: 'https://app.example' } }, is('hello\n')],
  [{ path: '/echo', method: 'POST', body }, (response) => response.body.equals(body)],
  [{ path: '/echo', method: 'POST', body: chunks, headers: chunked }, (response) => response.body.equals(body)],
  [{ path: '/spool', method: 'POST', body }, (response) => response.body.equals(body)],
  [{ path: '/stream', method: 'POST', body }, is(`whole ${body.length}\n`)],
  [{ path: '/stream', method: 'POST', body: chunks, headers: chunked }, is(`whole ${body.length}\n`)],
  [{ path: '/big?size=5000', headers: { 'Accept-Encoding': 'gzip' } },
    (response) => (response.header('content-encoding') ? gunzipSync(response.body) : response.body).length === 5000],
  [{ path: '/big?size=50000&stream=1' }, (response) => response.body.length === 50000],
  [{ path: '/events?n=3&ms=0' }, (response) => response.body.toString().match(/^id: /gm).length === 3],
  [{ path: '/detached?ms=1' }, is('later\n')],
  [{ path: '/detached-worker?ms=1' }, is('later\n')],
  [{ path: '/who' }, (response) => /^127\.0\.0\.1 http test\.example [0-9a-f]{32}\n$/.test(response.body.toString())],
  [{ path: '/metrics' }, (response) => /^dowel_http_connections \d+$/m.test(response.body.toString())],
];

// Asks one after another on one connection, and anew on another when the server has hung up.
async function ask(url, rounds, count) {
  let connection;
  for (let i = 0; i < rounds; i++) {
    for (const [question, isRight] of questions) {
      try {
        connection ??= await Connection.open(url, { limit: 20_000 });
        const response = await connection.request({ ...question, limit: 20_000 });
        if (response.status === 200) assert.ok(isRight(response), `a wrong answer to ${question.path}: ${response.body.toString('latin1', 0, 200)}`);
        else assert.ok(response.status >= 500, `${question.path} was answered with ${response.status}: ${response.body}`);
        count(response.status);
        if (response.header('connection') !== 'close') continue;
      } catch (error) {
        if (!/the connection ended|ECONNRESET|EPIPE/.test(`${error.message} ${error.code}`)) throw new Error(`${question.method} ${question.path}: ${error.message}`, { cause: error });
        count('hung up');
      }
      connection?.close();
      connection = undefined;
    }
  }
  connection?.close();
}

// One malformed and one unrouted request each; whatever comes, it is no 2xx.
async function askNonsense(url, rounds) {
  for (let i = 0; i < rounds; i++) {
    for (const bytes of ['GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', requestBytes({ path: '/nowhere/%ff' }), requestBytes({ path: '/hello', method: 'PUT' })]) {
      const connection = await Connection.open(url, { limit: 20_000 });
      const response = await connection.send(bytes).response().catch(() => undefined);
      assert.ok(!response || response.status >= 400);
      connection.close();
    }
  }
}

async function number(server, name) {
  const page = (await request(server.url, { path: '/metrics' })).body.toString();
  return Number(page.split('\n').find((line) => line.startsWith(`${name} `))?.split(' ').at(-1));
}

async function survives(options, env) {
  const server = await startTestServerWith({ LD_PRELOAD: library, ...env }, '--access-log', '--cors', 'https://app.example', ...options);
  const counts = {};
  const count = (what) => (counts[what] = (counts[what] ?? 0) + 1);
  await ask(server.url, 1, (status) => assert.equal(status, 200, 'nothing fails yet'));
  server.signal('SIGUSR2');
  await server.said(/failmalloc: on/);
  await Promise.all([1, 2, 3, 4].map(() => ask(server.url, 12, count)).concat(askNonsense(server.url, 20)));
  server.signal('SIGUSR2');
  await server.said(/failmalloc: off/);
  await ask(server.url, 2, (status) => assert.equal(status, 200, 'all is well again'));
  await until('nothing is left open', async () => (await number(server, 'dowel_http_connections')) === 1, { limit: 10_000 });
  // One whose client is gone may be answered yet.
  await until('nothing is under way', async () => (await number(server, 'dowel_http_requests_in_flight')) === 1, { limit: 10_000 });
  await server.stop();
  return counts;
}

describe('memory that runs out', { timeout, skip }, () => {
  for (const every of [2, 3, 5, 10, 50]) {
    test(`at every ${every}th allocation is survived`, async () => {
      const counts = await survives([], { FAILMALLOC_EVERY: String(every) });
      assert.ok(Object.keys(counts).some((what) => what !== '200'), `something failed: ${JSON.stringify(counts)}`);
    });
  }

  for (const seed of [1, 2, 3, 4]) {
    test(`by chance, seed ${seed}, is survived`, () => survives(['--loops', '1'], { FAILMALLOC_EVERY: '7', FAILMALLOC_RANDOM: String(seed) }));
  }

  test('altogether is survived', async () => {
    const counts = await survives([], { FAILMALLOC_EVERY: '1' });
    assert.ok(counts['hung up'] > 0);
  });
});

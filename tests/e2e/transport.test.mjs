// Presets: asan tsan coverage
// The transport between sockets and handlers: content, streams, clients that leave, deadlines, draining.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';

import { Connection, request, requestBytes } from './support/client.mjs';
import { sleep, slowness, startTestServer, until } from './support/server.mjs';

const timeout = 60_000 * slowness;
const KIB = 1024;

const chunked = (bytes, size) => {
  const parts = [];
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
};

const head = (method, path, ...fields) => [`${method} ${path} HTTP/1.1`, 'Host: test.example', ...fields, '', ''].join('\r\n');

async function metric(server, name) {
  const page = (await request(server.url, { path: '/metrics' })).body.toString();
  return Number(page.split('\n').find((line) => line.startsWith(`${name} `))?.split(' ').at(-1));
}

// The request for the page is one itself.
const underWay = (server, n) => until(`${n} requests are under way`, async () => (await metric(server, 'dowel_http_requests_in_flight')) === n + 1);

describe('content', { timeout }, () => {
  let server;
  before(async () => (server = await startTestServer('--body-rate', 100)), { timeout });
  after(() => server?.stop(), { timeout });

  // Within the input buffer, at its end, just past it, and far past it.
  for (const size of [0, 1, 100, 3900, 4000, 4096, 5000, 70 * KIB, 1024 * KIB]) {
    for (const path of ['/echo', '/spool']) {
      test(`of ${size} bytes comes back from ${path}, whole and in chunks`, async () => {
        const body = randomBytes(size);
        const connection = await Connection.open(server.url);
        const whole = await connection.request({ method: 'POST', path, body });
        assert.equal(whole.status, 200);
        assert.ok(whole.body.equals(body));
        connection.send(head('POST', path, 'Transfer-Encoding: chunked')).send(chunked(body, 1000));
        assert.ok((await connection.response()).body.equals(body));
        assert.equal((await connection.request({ path: '/hello' })).status, 200, 'still in step');
        connection.close();
      });
    }
  }

  test('above 256 KiB is spooled to a file, below it is not', async () => {
    for (const [size, spooled] of [[255 * KIB, 'no'], [300 * KIB, 'yes']]) {
      const response = await request(server.url, { method: 'POST', path: '/spool', body: Buffer.alloc(size) });
      assert.equal(response.header('x-spooled'), spooled);
      assert.equal(response.body.length, size);
    }
  });

  test('cut at every place of head and content is the same', async () => {
    const bytes = requestBytes({ method: 'POST', path: '/echo', body: 'the content' });
    for (let cut = 1; cut < bytes.length; cut += 7) {
      const connection = await Connection.open(server.url);
      connection.send(bytes.subarray(0, cut));
      await sleep(1); // a packet of its own; the test holds without it, too
      connection.send(bytes.subarray(cut));
      assert.equal((await connection.response()).body.toString(), 'the content');
      connection.close();
    }
  });

  test('behind which the next request follows at once leaves that one whole', async () => {
    for (const size of [10, 5000, 100 * KIB]) {
      const connection = await Connection.open(server.url);
      const body = randomBytes(size);
      const next = requestBytes({ path: '/hello' });
      connection.send(Buffer.concat([requestBytes({ method: 'POST', path: '/echo', body }), next]));
      assert.ok((await connection.response()).body.equals(body));
      assert.equal((await connection.response()).body.toString(), 'hello\n');
      connection.send(Buffer.concat([Buffer.from(head('POST', '/echo', 'Transfer-Encoding: chunked')), chunked(body, 999), next]));
      assert.ok((await connection.response()).body.equals(body));
      assert.equal((await connection.response()).body.toString(), 'hello\n');
      connection.close();
    }
  });

  test('is streamed to a handler that reads more slowly than it comes', async () => {
    const body = Buffer.alloc(3 * 1024 * KIB, 'x');
    const response = await request(server.url, { method: 'POST', path: '/stream?slow=1', body, limit: timeout });
    assert.equal(response.body.toString(), `whole ${body.length}\n`);
  });

  test('is streamed in chunks, too, and the connection goes on', async () => {
    const connection = await Connection.open(server.url);
    const body = Buffer.alloc(500 * KIB, 'x');
    connection.send(head('POST', '/stream', 'Transfer-Encoding: chunked')).send(chunked(body, 3000));
    assert.equal((await connection.response()).body.toString(), `whole ${body.length}\n`);
    assert.equal((await connection.request({ path: '/hello' })).status, 200);
    connection.close();
  });

  test('that is streamed and then malformed ends the stream as cut, with a 400', async () => {
    const connection = await Connection.open(server.url);
    connection.send(head('POST', '/stream', 'Transfer-Encoding: chunked')).send('5\r\nhello\r\n');
    await until('the handler reads', async () => (await metric(server, 'dowel_http_requests_in_flight')) >= 2);
    connection.send('ZZ\r\n');
    const response = await connection.response();
    assert.equal(response.status, 400);
    assert.match(response.json().detail, /chunk size/);
    await connection.toEnd();
    await server.said(/stream cut/);
    connection.close();
  });

  test('that is malformed at once is a 400 before a handler is asked', async () => {
    const response = await request(server.url, { method: 'POST', path: '/stream', headers: { 'Transfer-Encoding': 'chunked' }, body: 'ZZ\r\n' });
    assert.equal(response.status, 400);
  });

  test('whose sender leaves in the middle wakes the handler that reads it', async () => {
    const before = server.stderr.split('stream cut').length;
    await underWay(server, 0);
    const connection = await Connection.open(server.url);
    connection.send(head('POST', '/stream', 'Content-Length: 100000')).send(Buffer.alloc(5000));
    await underWay(server, 1);
    connection.reset();
    await until('the handler is woken', () => server.stderr.split('stream cut').length > before);
  });

  test('that drips in below the floor is refused with 408', async () => {
    const connection = await Connection.open(server.url);
    connection.send(head('POST', '/echo', 'Content-Length: 100000')).send('x');
    const response = await connection.response({ limit: 20_000 * slowness });
    assert.equal(response.status, 408);
    await connection.toEnd();
    connection.close();
  });
});

describe('replies', { timeout }, () => {
  let server;
  before(async () => (server = await startTestServer('--write-ms', 1000, '--heartbeat-ms', 100, '--stream-buffer', 65536)), { timeout });
  after(() => server?.stop(), { timeout });

  test('are compressed for who takes gzip, from a thousand bytes', async () => {
    const gzip = { 'Accept-Encoding': 'gzip' };
    const large = await request(server.url, { path: '/big?size=5000', headers: gzip });
    assert.equal(large.header('content-encoding'), 'gzip');
    assert.equal(large.header('vary'), 'Accept-Encoding');
    assert.equal(large.header('etag'), 'W/"big"');
    assert.equal(gunzipSync(large.body).length, 5000);
    const plain = await request(server.url, { path: '/big?size=5000' });
    assert.equal(plain.header('content-encoding'), undefined);
    assert.equal(plain.header('vary'), 'Accept-Encoding');
    assert.equal(plain.header('etag'), '"big"');
    const small = await request(server.url, { path: '/big?size=999', headers: gzip });
    assert.equal(small.header('content-encoding'), undefined);
  });

  test('of many megabytes arrive whole, however slowly they are read', async () => {
    const patient = await startTestServer('--stream-buffer', 65536); // this process may be too slow for a second of the other one
    const connection = await Connection.open(patient.url);
    connection.send(requestBytes({ path: '/big?size=20000000' })).pause();
    await sleep(300);
    connection.resume();
    const response = await connection.response({ limit: timeout });
    assert.equal(response.body.length, 20_000_000);
    connection.close();
    await patient.stop();
  });

  test('that nobody reads end after the write timeout, streams and others', async () => {
    for (const path of ['/big?size=50000000', '/big?size=500000000&stream=1']) {
      const connection = await Connection.open(server.url);
      connection.send(requestBytes({ path })).pause();
      await until('the connection is given up', async () => (await metric(server, 'dowel_http_connections')) <= 1, {
        limit: 20_000 * slowness,
      });
      connection.close();
    }
    await server.said(/big cut/);
  });

  test('may come from another thread after the handler returned', async () => {
    const connection = await Connection.open(server.url);
    for (const path of ['/detached', '/detached-worker', '/detached?ms=0', '/detached-worker?ms=0'])
      assert.equal((await connection.request({ path })).body.toString(), 'later\n');
    connection.close();
  });

  test('that a handler forgot are a 500 with a problem', async () => {
    const response = await request(server.url, { path: '/nothing' });
    assert.equal(response.status, 500);
    assert.equal(response.json().instance, response.header('x-request-id'));
  });

  test('of unknown length are chunked for 1.1 and end with the connection for 1.0', async () => {
    const modern = await request(server.url, { path: '/big?size=100000&stream=1' });
    assert.equal(modern.header('transfer-encoding'), 'chunked');
    assert.equal(modern.body.length, 100_000);
    const connection = await Connection.open(server.url);
    connection.send('GET /big?size=100000&stream=1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    const all = await connection.toEnd();
    assert.equal(all.length - all.indexOf('\r\n\r\n') - 4, 100_000);
    assert.doesNotMatch(all.toString('latin1', 0, 400), /transfer-encoding/i);
    connection.close();
  });

  test('that end before they are whole are cut, not closed', async () => {
    const connection = await Connection.open(server.url);
    connection.send(requestBytes({ path: '/big?size=100000&stream=1&cut=1' }));
    const all = await connection.toEnd().catch(() => connection.pending);
    assert.ok(!all.toString('latin1').endsWith('0\r\n\r\n'));
    connection.close();
  });

  test('HEAD of a stream has no content and keeps the connection in step', async () => {
    const connection = await Connection.open(server.url);
    assert.equal((await connection.request({ method: 'HEAD', path: '/events?n=3' })).status, 200);
    assert.equal((await connection.request({ path: '/hello' })).body.toString(), 'hello\n');
    connection.close();
  });
});

describe('event streams', { timeout }, () => {
  let server;
  before(async () => (server = await startTestServer('--heartbeat-ms', 100, '--stream-buffer', 65536)), { timeout });
  after(() => server?.stop(), { timeout });

  test('bring events in order, never compressed, and go on after Last-Event-ID', async () => {
    const first = await request(server.url, { path: '/events?n=3&ms=1', headers: { 'Accept-Encoding': 'gzip' } });
    assert.equal(first.header('content-type'), 'text/event-stream');
    assert.equal(first.header('content-encoding'), undefined);
    assert.deepEqual(first.body.toString().match(/^id: .*$/gm), ['id: 1', 'id: 2', 'id: 3']);
    const second = await request(server.url, { path: '/events?n=1&ms=1', headers: { 'Last-Event-ID': '3' } });
    assert.match(second.body.toString(), /^id: 4\nevent: tick\ndata: eeeeeeeeee\n\n$/);
  });

  test('have a heartbeat while nothing happens', async () => {
    const connection = await Connection.open(server.url);
    connection.send(requestBytes({ path: '/events' }));
    await until('three heartbeats came', () => connection.pending.toString('latin1').split(':\n\n').length > 3);
    connection.close();
  });

  test('of a client that does not read are cut when its buffer is full, and others go on', async () => {
    const lazy = await Connection.open(server.url);
    lazy.send(requestBytes({ path: '/events?n=100000&ms=0&size=4000' })).pause();
    const awake = await request(server.url, { path: '/events?n=20&ms=5' });
    assert.equal(awake.body.toString().match(/^id: /gm).length, 20);
    await until('the lazy one is let go', async () => (await metric(server, 'dowel_http_connections')) <= 1);
    lazy.close();
  });
});

describe('clients that leave', { timeout }, () => {
  let server;
  before(async () => (server = await startTestServer()), { timeout });
  after(() => server?.stop(), { timeout });

  test('with a reset are noticed while the handler works', async () => {
    const connection = await Connection.open(server.url);
    connection.send(requestBytes({ path: '/slow?ms=20000' }));
    await until('it works', async () => (await metric(server, 'dowel_http_requests_in_flight')) >= 2);
    connection.reset();
    await server.said(/slow \w+ gone/, { limit: 5000 * slowness });
  });

  test('with a FIN only still get their answer', async () => {
    const connection = await Connection.open(server.url);
    connection.send(requestBytes({ path: '/slow?ms=300' })).halfClose();
    assert.equal((await connection.response()).body.toString(), 'slow\n');
    await connection.toEnd();
    connection.close();
  });
});

describe('limits', { timeout }, () => {
  test('a handler that overstays is answered with 504 in its place', async () => {
    const server = await startTestServer('--request-ms', 300);
    const connection = await Connection.open(server.url);
    const response = await connection.request({ path: '/slow?ms=3000' });
    assert.equal(response.status, 504);
    assert.equal(response.json().status, 504);
    await connection.toEnd();
    await server.said(/slow \w+ gone/);
    connection.close();
    await server.stop();
  });

  test('a full queue is a 503 with Retry-After, at once', async () => {
    const server = await startTestServer('--workers', 1, '--queue', 2);
    const slow = { path: `/slow?ms=${500 * slowness}`, limit: timeout }; // longer than it takes all of them to come
    const connections = await Promise.all(Array.from({ length: 8 }, () => Connection.open(server.url)));
    const answers = await Promise.all(connections.map((connection) => connection.request(slow)));
    const busy = answers.filter((answer) => answer.status === 503);
    assert.ok(busy.length >= 4, `${busy.length} of 8 were refused`);
    for (const answer of busy) assert.equal(answer.header('retry-after'), '1');
    assert.ok(answers.some((answer) => answer.status === 200));
    for (const connection of connections) connection.close();
    await server.stop();
  });

  test('a head that takes too long is a 408, however it drips', async () => {
    const server = await startTestServer('--header-ms', 500);
    const connection = await Connection.open(server.url);
    const drip = setInterval(() => connection.send('X'), 50);
    connection.send('GET /hello HTTP/1.1\r\nX-Drip: ');
    const response = await connection.response({ limit: 10_000 * slowness });
    clearInterval(drip);
    assert.equal(response.status, 408);
    await connection.toEnd();
    connection.close();
    const silent = await Connection.open(server.url);
    assert.equal((await silent.toEnd({ limit: 10_000 * slowness })).length, 0, 'one that never spoke is only closed');
    silent.close();
    await server.stop();
  });

  test('idle connections are closed after their time', async () => {
    const server = await startTestServer('--idle-ms', 300);
    const connection = await Connection.open(server.url);
    assert.equal((await connection.request({ path: '/hello' })).status, 200);
    await connection.toEnd({ limit: 5000 * slowness });
    connection.close();
    await server.stop();
  });

  test('connections above the limit are told so and closed', async () => {
    const server = await startTestServer('--connections', 2);
    const kept = await Promise.all([Connection.open(server.url), Connection.open(server.url)]);
    for (const connection of kept) assert.equal((await connection.request({ path: '/hello' })).status, 200);
    const third = await Connection.open(server.url);
    assert.equal((await third.response()).status, 503);
    await third.toEnd();
    for (const connection of [...kept, third]) connection.close();
    await server.stop();
  });

  test('the rate limit counts down, refuses with 429, and spares probes', async () => {
    const server = await startTestServer('--rate', 3);
    const connection = await Connection.open(server.url);
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push(await connection.request({ path: '/hello' }));
    assert.equal(answers[0].header('ratelimit-limit'), '3');
    assert.equal(answers[0].header('ratelimit-remaining'), '2');
    const refused = answers.find((answer) => answer.status === 429);
    assert.ok(refused, 'one of five was refused');
    assert.ok(Number(refused.header('retry-after')) >= 1);
    assert.equal((await connection.request({ path: '/livez' })).status, 200);
    connection.close();
    await server.stop();
  });
});

describe('behind a proxy', { timeout }, () => {
  const headers = { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https', 'X-Request-Id': 'from-proxy' };

  test('that is trusted, its words about client, scheme and request id count', async () => {
    const server = await startTestServer('--trust', '127.0.0.0/8');
    const response = await request(server.url, { path: '/who', headers });
    assert.match(response.body.toString(), /^203\.0\.113\.9 https test\.example from-proxy\n$/);
    await server.stop();
  });

  test('that is not, they do not', async () => {
    const server = await startTestServer();
    const response = await request(server.url, { path: '/who', headers });
    assert.match(response.body.toString(), /^127\.0\.0\.1 http test\.example [0-9a-f]{32}\n$/);
    await server.stop();
  });
});

describe('CORS', { timeout }, () => {
  test('answers the origins of the configuration only', async () => {
    const server = await startTestServer('--cors', 'https://app.example');
    const from = (origin, more) => ({ path: '/items/1', headers: { Origin: origin, ...more } });
    const good = await request(server.url, from('https://app.example'));
    assert.equal(good.header('access-control-allow-origin'), 'https://app.example');
    const bad = await request(server.url, from('https://evil.example'));
    assert.equal(bad.status, 200);
    assert.equal(bad.header('access-control-allow-origin'), undefined);
    assert.equal(bad.header('vary'), 'Origin');
    const preflight = await request(server.url, {
      ...from('https://app.example', { 'Access-Control-Request-Method': 'GET' }),
      method: 'OPTIONS',
    });
    assert.equal(preflight.status, 204);
    assert.match(preflight.header('access-control-allow-methods'), /GET/);
    await server.stop();
  });
});

describe('draining', { timeout }, () => {
  test('answers what is in flight, says goodbye to the idle, ends streams with a retry', async () => {
    const server = await startTestServer();
    const [busy, idle, stream] = await Promise.all([1, 2, 3].map(() => Connection.open(server.url)));
    assert.equal((await idle.request({ path: '/hello' })).status, 200);
    stream.send(requestBytes({ path: '/events' }));
    await until('the stream is open', () => stream.pending.includes('event-stream'));
    busy.send(requestBytes({ path: '/slow?ms=500' }));
    await until('it works', async () => (await metric(server, 'dowel_http_requests_in_flight')) >= 3);
    server.signal('SIGHUP');
    await stream.toEnd();
    assert.match(stream.pending.toString('latin1'), /retry: \d+\n\n/);
    const last = await idle.request({ path: '/hello' });
    assert.equal(last.status, 200);
    assert.equal(last.header('connection'), 'close');
    const answer = await busy.response();
    assert.equal(answer.body.toString(), 'slow\n');
    assert.equal(answer.header('connection'), 'close');
    await server.said(/drained/);
    await assert.rejects(Connection.open(server.url, { limit: 300 }).then((c) => c.request({ path: '/hello', limit: 300 })));
    for (const connection of [busy, idle, stream]) connection.close();
    await server.stop();
  });
});

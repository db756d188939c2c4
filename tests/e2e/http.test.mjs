// Presets: release asan tsan coverage
// What every HTTP/1.1 client relies on, over real sockets.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Connection, exchange, request, requestBytes } from './support/client.mjs';
import { readResponses } from './support/message.mjs';
import { slowness, startServer } from './support/server.mjs';

const timeout = 120_000 * slowness;
const KIB = 1024;

let server;
before(async () => (server = await startServer()), { timeout });
after(() => server?.stop(), { timeout });

const ask = (options) => request(server.url, options);

function assertProblem(response, status) {
  assert.equal(response.status, status);
  assert.match(response.header('content-type') ?? '', /^application\/problem\+json/);
  const problem = response.json();
  assert.equal(problem.status, status);
  assert.equal(typeof problem.title, 'string');
  assert.equal(typeof problem.type, 'string');
  return problem;
}

describe('answers', { timeout }, () => {
  test('GET /livez is 200', async () => {
    const response = await ask({ path: '/livez' });
    assert.equal(response.status, 200);
    assert.notEqual(response.body.length, 0);
    assert.ok(Math.abs(Date.parse(response.header('date')) - Date.now()) < 5000, 'a Date of now');
  });

  test('an unknown path is a 404 with a problem', async () => {
    assertProblem(await ask({ path: '/no/such/page' }), 404);
  });

  test('a known path asked with another method is a 405 that names those allowed', async () => {
    const response = await ask({ method: 'DELETE', path: '/livez' });
    assertProblem(response, 405);
    const allowed = response.header('allow').split(/\s*,\s*/);
    assert.ok(allowed.includes('GET') && allowed.includes('HEAD'), `Allow: ${allowed}`);
    assert.ok(!allowed.includes('DELETE'));
  });

  test('HEAD has the head of GET and no content', async () => {
    const connection = await Connection.open(server.url);
    const get = await connection.request({ path: '/livez' });
    const head = await connection.request({ method: 'HEAD', path: '/livez' });
    assert.equal(head.status, 200);
    assert.equal(head.header('content-length'), String(get.body.length));
    assert.equal(head.header('content-type'), get.header('content-type'));
    assert.equal((await connection.request({ path: '/livez' })).status, 200, 'the connection is still in step');
    assert.equal(connection.pending.length, 0);
    connection.close();
  });

  test('HEAD of nothing is a 404 without content', async () => {
    const connection = await Connection.open(server.url);
    assert.equal((await connection.request({ method: 'HEAD', path: '/no/such/page' })).status, 404);
    assert.equal((await connection.request({ path: '/livez' })).status, 200);
    connection.close();
  });

  test('OPTIONS names the methods', async () => {
    const response = await ask({ method: 'OPTIONS', path: '/livez' });
    assert.ok([200, 204].includes(response.status), `status ${response.status}`);
    assert.match(response.header('allow'), /\bGET\b/);
  });

  test('OPTIONS * is about the server', async () => {
    const response = await ask({ method: 'OPTIONS', path: '*' });
    assert.ok([200, 204].includes(response.status), `status ${response.status}`);
  });

  test('a method that nobody knows is refused with a problem', async () => {
    const response = await ask({ method: 'FOO', path: '/livez' });
    assert.ok([405, 501].includes(response.status));
    assertProblem(response, response.status);
  });

  test('every answer has a request id of its own, an error in its problem too', async () => {
    const ids = new Set();
    for (let i = 0; i < 3; i++) {
      const response = await ask({ path: '/no/such/page' });
      const id = response.header('x-request-id');
      assert.match(id ?? '', /^\S{16,}$/);
      assert.ok(response.json().instance.includes(id), 'the problem names the request');
      ids.add(id);
    }
    assert.equal(ids.size, 3);
  });

  test("a stranger's request id and trace are not taken for ours", async () => {
    const response = await ask({ path: '/livez', headers: { 'X-Request-Id': 'chosen-by-a-stranger-000000000000' } });
    assert.notEqual(response.header('x-request-id'), 'chosen-by-a-stranger-000000000000');
  });

  test('security headers are there', async () => {
    const response = await ask({ path: '/livez' });
    assert.equal(response.header('x-content-type-options'), 'nosniff');
  });
});

describe('connections', { timeout }, () => {
  test('stay open for the next request', async () => {
    const connection = await Connection.open(server.url);
    for (let i = 0; i < 5; i++) {
      const response = await connection.request({ path: '/livez' });
      assert.equal(response.status, 200);
      assert.equal(response.last, false);
    }
    connection.close();
  });

  test('are closed when the client asks for it', async () => {
    const connection = await Connection.open(server.url);
    const response = await connection.request({ path: '/livez', headers: { Connection: 'close' } });
    assert.equal(response.last, true);
    assert.equal((await connection.toEnd()).length, 0);
    connection.close();
  });

  test('of HTTP/1.0 are closed, and get no chunks', async () => {
    const connection = await Connection.open(server.url);
    const response = await connection.request({ path: '/livez', version: '1.0' });
    assert.equal(response.status, 200);
    assert.notEqual(response.framing, 'chunked');
    assert.equal((await connection.toEnd()).length, 0);
    connection.close();
  });

  test('answer pipelined requests in their order, also where a worker answers one', async () => {
    const paths = ['/livez', '/api/version', '/no/such/page', '/api/health', '/livez', '/api/version'];
    const alone = [];
    for (const path of paths) alone.push((await ask({ path })).status);
    const connection = await Connection.open(server.url);
    connection.send(Buffer.concat(paths.map((path) => requestBytes({ path }))));
    for (const [i, path] of paths.entries()) {
      const response = await connection.response();
      assert.equal(response.status, alone[i], path);
      if (path === '/api/version') assert.ok('version' in response.json());
    }
    assert.equal(connection.pending.length, 0);
    connection.close();
  });

  test('take two hundred pipelined requests that come byte by byte or all at once', async () => {
    const one = requestBytes({ path: '/livez' });
    const connection = await Connection.open(server.url);
    connection.send(Buffer.concat(Array(200).fill(one)));
    for (let i = 0; i < 200; i++) assert.equal((await connection.response()).status, 200);
    for (const byte of one) {
      connection.send(Buffer.from([byte]));
      await new Promise((sent) => setImmediate(sent));
    }
    assert.equal((await connection.response()).status, 200);
    connection.close();
  });

  test('that the client has half closed are still answered', async () => {
    for (const path of ['/livez', '/api/health']) {
      const connection = await Connection.open(server.url);
      connection.send(requestBytes({ path })).halfClose();
      const responses = readResponses(await connection.toEnd());
      assert.deepEqual(responses.map((response) => response.status), [200], path);
      connection.close();
    }
  });

  test('that the client resets hurt nobody', async () => {
    for (let i = 0; i < 20; i++) {
      const connection = await Connection.open(server.url);
      connection.send(requestBytes({ path: '/api/health' }));
      connection.reset();
    }
    assert.equal((await ask({ path: '/livez' })).status, 200);
  });

  test('that send nothing but FIN are closed', async () => {
    const connection = await Connection.open(server.url);
    connection.halfClose();
    assert.equal((await connection.toEnd()).length, 0);
    connection.close();
  });
});

describe('content', { timeout }, () => {
  const chunked = (pieces) => pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('') + '0\r\n\r\n';

  test('that a route does not want is read away, and the next request is found behind it', async () => {
    const connection = await Connection.open(server.url);
    const withLength = requestBytes({ path: '/livez', body: 'GET /smuggled HTTP/1.1\r\n\r\n' });
    const withChunks = Buffer.concat([
      requestBytes({ path: '/livez', headers: { 'Transfer-Encoding': 'chunked' } }),
      Buffer.from(chunked(['GET /smuggled', ' HTTP/1.1\r\n\r\n'])),
    ]);
    connection.send(Buffer.concat([withLength, withChunks, requestBytes({ path: '/no/such/page' })]));
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await connection.response()).status);
    assert.deepEqual(statuses, [200, 200, 404]);
    assert.equal(connection.pending.length, 0);
    connection.close();
  });

  test('in chunks may carry extensions and trailers, which are dropped', async () => {
    const connection = await Connection.open(server.url);
    connection.send(requestBytes({ path: '/livez', headers: { 'Transfer-Encoding': 'chunked' } }));
    connection.send('2;a=b;c="d"\r\nhi\r\n0\r\nX-Trailer: a\r\nContent-Length: 9\r\n\r\n');
    assert.equal((await connection.response()).status, 200);
    assert.equal((await connection.request({ path: '/livez' })).status, 200);
    connection.close();
  });

  test('is asked for with 100 when the client waits for that', async () => {
    const connection = await Connection.open(server.url);
    connection.send(requestBytes({ path: '/livez', headers: { Expect: '100-continue', 'Content-Length': '3' } }));
    const first = await connection.response();
    // Either is right: ask for the content, or answer without it (and then close or read it).
    if (first.status === 100) {
      connection.send('abc');
      assert.equal((await connection.response()).status, 200);
    } else {
      assert.equal(first.status, 200);
    }
    connection.close();
  });

  test('that is too long is refused before it is asked for', async () => {
    const connection = await Connection.open(server.url);
    connection.send(requestBytes({ path: '/livez', headers: { Expect: '100-continue', 'Content-Length': String(2 * KIB * KIB) } }));
    assertProblem(await connection.response(), 413);
    connection.close();
  });

  test('that is too long is refused before it is read', async () => {
    const { bytes, closed } = await exchange(
      server.url,
      requestBytes({ path: '/livez', headers: { 'Content-Length': String(2 * KIB * KIB) } }),
      { limit: 5000 * slowness },
    );
    const responses = readResponses(bytes);
    assert.equal(responses.length, 1);
    assertProblem(responses[0], 413);
    assert.ok(responses[0].last && closed, 'what may follow is not read');
  });

  test('in chunks that grow too long is refused', async () => {
    const connection = await Connection.open(server.url);
    connection.send(requestBytes({ path: '/livez', headers: { 'Transfer-Encoding': 'chunked' } }));
    const piece = 'x'.repeat(64 * KIB);
    for (let i = 0; i < 20; i++) connection.send(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    assertProblem(await connection.response(), 413);
    connection.close();
  });
});

describe('limits of the head', { timeout }, () => {
  const refusals = {
    'a request line of 9 KiB': [414, requestBytes({ path: `/${'a'.repeat(9 * KIB)}` })],
    'a request line that never ends': [414, Buffer.from(`GET /${'a'.repeat(20 * KIB)}`)],
    '101 header fields': [431, requestBytes({ path: '/livez', headers: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`X-${i}`, '1'])) })],
    'a header field of 9 KiB': [431, requestBytes({ path: '/livez', headers: { 'X-Long': 'a'.repeat(9 * KIB) } })],
    '33 KiB of header fields': [431, requestBytes({ path: '/livez', headers: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`X-${i}`, 'a'.repeat(KIB)])) })],
  };
  for (const [name, [status, bytes]] of Object.entries(refusals)) {
    test(`${name}: ${status}, and the connection is closed`, async () => {
      const answer = await exchange(server.url, Buffer.concat([bytes, requestBytes({ path: '/livez' })]), { limit: 5000 * slowness });
      const responses = readResponses(answer.bytes);
      assert.equal(responses.length, 1);
      assertProblem(responses[0], status);
      assert.ok(responses[0].last && answer.closed);
    });
  }

  test('what is just within them is served', async () => {
    const fields = Object.fromEntries(Array.from({ length: 99 }, (_, i) => [`X-${i}`, 'a'.repeat(200)]));
    assert.equal((await ask({ path: '/livez', headers: fields })).status, 200, '100 fields, 21 kB');
    assert.equal((await ask({ path: `/livez?${'a'.repeat(8000)}` })).status, 200, 'a line of 8,000 bytes');
  });
});

describe('targets', { timeout }, () => {
  test('are decoded and normalised before they are routed', async () => {
    for (const path of ['/%6cive%7a', '/a/../livez', '/./livez', '/a/%2e%2e/livez', 'http://test.example/livez']) {
      assert.equal((await ask({ path })).status, 200, path);
    }
  });

  test('that cannot be decoded are refused', async () => {
    for (const path of ['/%', '/%zz', '/%00', '/a%00b', '/%ff', '/../livez/..%2f..']) {
      const response = await ask({ path });
      assert.ok([400, 404].includes(response.status), `${path}: ${response.status}`);
    }
    assert.equal((await ask({ path: '/%00' })).status, 400);
  });
});

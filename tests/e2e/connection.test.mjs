// Presets: asan tsan coverage
// A connection at its edges: buffers that end in the wrong place, halves of a conversation, handlers that are slow, early
// or late, and peers that flood.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { Connection, request, requestBytes } from './support/client.mjs';
import { sleep, slowness, startTestServer, until } from './support/server.mjs';

const timeout = 60_000 * slowness;
const KIB = 1024;

const head = (method, path, ...fields) => [`${method} ${path} HTTP/1.1`, 'Host: test.example', ...fields, '', ''].join('\r\n');

// The same, filled up to `size` bytes.
function headOfSize(size, method, path, ...fields) {
  const bare = head(method, path, 'X-Fill: ', ...fields);
  return head(method, path, `X-Fill: ${'f'.repeat(size - bare.length)}`, ...fields);
}

describe('the input buffer', { timeout }, () => {
  let server;
  before(async () => (server = await startTestServer()), { timeout });
  after(() => server?.stop(), { timeout });

  // 4096 is its first size; it grows by doubling.
  for (const size of [3071, 3072, 4094, 4095, 4096, 4097, 8191, 8192]) {
    test(`that a head of ${size} bytes fills leaves room for content of every kind`, async () => {
      const body = Buffer.alloc(5000, 'c');
      const chunks = Buffer.concat([Buffer.from('1388\r\n'), body, Buffer.from('\r\n0\r\n\r\n')]);
      for (const path of ['/echo', '/spool', '/stream']) {
        for (const [field, content] of [['Transfer-Encoding: chunked', chunks], ['Content-Length: 5000', body]]) {
          const connection = await Connection.open(server.url);
          connection.send(headOfSize(size, 'POST', path, field));
          await sleep(2); // a packet of its own; the test holds without it, too
          connection.send(content).send(requestBytes({ path: '/hello' }));
          const answer = (await connection.response({ limit: 4000 * slowness })).body.toString();
          assert.equal(answer, path === '/stream' ? 'whole 5000\n' : body.toString());
          assert.equal((await connection.response()).body.toString(), 'hello\n', 'still in step');
          connection.close();
        }
      }
    });
  }
});

describe('half a conversation', { timeout }, () => {
  let server;
  before(async () => (server = await startTestServer('--access-log', '--request-ms', 1000 * slowness)), { timeout });
  after(() => server?.stop(), { timeout });

  test('whose client has said all and closed its side still gets every answer', async () => {
    for (const path of ['/hello', '/worker']) {
      const connection = await Connection.open(server.url);
      connection.send(Buffer.concat(Array.from({ length: 5 }, () => requestBytes({ path })))).halfClose();
      for (let i = 0; i < 5; i++) assert.equal((await connection.response()).body.toString(), 'hello\n');
      await connection.toEnd();
      connection.close();
    }
  });

  test('that is answered before its content came does not keep the handler waiting for it', async () => {
    const connection = await Connection.open(server.url);
    connection.send(head('POST', '/answer-first', 'Content-Length: 100000')).send('some');
    await server.said(/first cut/);
    assert.match((await connection.response()).body.toString(), /^begun\ncut \d+\n$/);
    await connection.toEnd();
    connection.close();
  });

  test('that is answered while its content is there is read to its end', async () => {
    const response = await request(server.url, { method: 'POST', path: '/answer-first', body: 'some' });
    assert.equal(response.body.toString(), 'begun\nwhole 4\n');
  });

  test('HEAD has no content in its answer, not even when that is a 504', async () => {
    const connection = await Connection.open(server.url);
    const response = await connection.request({ method: 'HEAD', path: `/slow?ms=${1500 * slowness}`, limit: timeout });
    assert.equal(response.status, 504);
    assert.equal((await connection.toEnd()).length, 0);
    connection.close();
    await server.said(/slow \w+ gone/);
  });

  test('that waits for 100 Continue is refused without it when the answer is known', async () => {
    const connection = await Connection.open(server.url);
    connection.send(head('POST', '/nowhere', 'Expect: 100-continue', 'Content-Length: 10'));
    assert.equal((await connection.response()).status, 404);
    await connection.toEnd();
    connection.close();
  });
});

describe('a handler', { timeout }, () => {
  test('that reads its content slowly gets all of it', async () => {
    const server = await startTestServer('--body-rate', 1000);
    const body = Buffer.alloc(900 * KIB, 'x');
    const response = await request(server.url, { method: 'POST', path: '/stream?slow=60', body, limit: timeout });
    assert.equal(response.body.toString(), `whole ${body.length}\n`);
    await server.stop();
  });

  test('that is always a little behind does not collect the whole content in memory', async () => {
    const server = await startTestServer();
    const body = Buffer.alloc(96 * KIB * KIB, 'x');
    const before = peakMemory(server.pid);
    const response = await request(server.url, { method: 'POST', path: '/stream?slow=1', body, limit: timeout });
    assert.equal(response.body.toString(), `whole ${body.length}\n`);
    const grown = peakMemory(server.pid) - before;
    assert.ok(grown < 32 * KIB, `${grown} KiB more`);
    await server.stop();
  });

  test('that completes while the server ends is waited for', async () => {
    const server = await startTestServer();
    const connections = await Promise.all(Array.from({ length: 4 }, () => Connection.open(server.url)));
    for (const connection of connections) connection.send(requestBytes({ path: `/detached?ms=${700 * slowness}` }));
    const begun = /^dowel_http_requests_in_flight 5$/m; // with the one that asks
    await until('all have begun', async () => begun.test((await request(server.url, { path: '/metrics' })).text()));
    await server.stop();
    assert.equal(server.stderr.match(/^completed$/gm)?.length, 4);
    for (const connection of connections) connection.close();
  });
});

// What bash does with a connection to the server as its descriptor 3: { code, signal }. It keeps a socket full, and tells a
// reset from an end, as no client in this process could.
function shell(server, script, signal) {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolved) => {
    const child = spawn('bash', ['-c', `exec 3<>/dev/tcp/${hostname}/${port}; ${script}`], { stdio: 'ignore', detached: true });
    const end = () => {
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL'); // and all that it started
    };
    const timer = setTimeout(end, 20_000 * slowness);
    signal?.addEventListener('abort', end);
    child.once('exit', (code, by) => {
      clearTimeout(timer);
      resolved({ code, signal: by });
    });
  });
}

const peakMemory = (pid) => Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]);

describe('half an answer is not taken for a whole one', { timeout }, () => {
  let server;
  before(async () => (server = await startTestServer()), { timeout });
  after(() => server?.stop(), { timeout });

  test('when a file became shorter', async () => {
    const connection = await Connection.open(server.url);
    connection.send(requestBytes({ path: '/shrunk?size=100000' }));
    await assert.rejects(connection.response(), /the connection ended/);
    connection.close();
    assert.equal((await request(server.url, { path: '/hello' })).status, 200);
  });

  test('when a stream of HTTP/1.0, which only the end of the connection ends, is cut', async () => {
    const whole = await shell(server, "printf 'GET /big?size=1000&stream=1 HTTP/1.0\\r\\n\\r\\n' >&3; exec cat <&3");
    assert.equal(whole.code, 0);
    const cut = await shell(server, "printf 'GET /big?size=1000&stream=1&cut=1 HTTP/1.0\\r\\n\\r\\n' >&3; exec cat <&3");
    assert.notEqual(cut.code, 0, 'cat has met a reset');
  });
});

describe('one who sends without end', { timeout }, () => {
  test('after a refusal is cut off in time', async () => {
    const server = await startTestServer('--loops', 1);
    const { signal } = await shell(server, "printf 'NONSENSE\\r\\n' >&3; exec cat /dev/zero >&3");
    assert.notEqual(signal, 'SIGKILL', 'the connection was closed before the limit');
    await server.stop();
  });

  const floods = {
    'a pipeline': "cat <&3 >/dev/null & exec yes $'GET /hello HTTP/1.1\\r\\nHost: a\\r\\n\\r' >&3",
    'refused requests': "cat <&3 >/dev/null & exec yes $'GET /nowhere HTTP/1.1\\r\\nHost: a\\r\\n\\r' >&3",
    content: "printf 'POST /spool HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 1000000000\\r\\n\\r\\n' >&3; exec cat /dev/zero >&3",
  };
  for (const [what, script] of Object.entries(floods)) {
    test(`of ${what} leaves the others their turn`, async () => {
      const server = await startTestServer('--loops', 1);
      const connection = await Connection.open(server.url);
      const stop = new AbortController();
      const senders = [1, 2].map(() => shell(server, script, stop.signal));
      await sleep(200);
      for (let i = 0; i < 10; i++) assert.equal((await connection.request({ path: '/hello', limit: 2000 * slowness })).status, 200);
      stop.abort();
      await Promise.all(senders);
      connection.close();
      await server.stop();
    });
  }
});

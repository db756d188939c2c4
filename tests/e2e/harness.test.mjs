// Presets: release
// The tools of the other suites: a client that overlooks bad framing would let every server pass.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import net from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { Connection, exchange, request } from './support/client.mjs';
import { FramingError, readResponse, readResponses } from './support/message.mjs';
import { root } from './support/server.mjs';

const bytes = (text) => Buffer.from(text, 'latin1');

describe('readResponse', () => {
  const good = [
    ['length', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi', {}, 'hi'],
    ['chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n', {}, 'hi!'],
    ['to the end', 'HTTP/1.1 200 OK\r\n\r\nhi', { ended: true }, 'hi'],
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n', { method: 'HEAD' }, ''],
    ['204', 'HTTP/1.1 204 No Content\r\n\r\n', {}, ''],
    ['304 with a length', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n', {}, ''],
  ];
  for (const [name, text, options, body] of good) {
    test(`reads ${name}`, () => {
      const { response, used } = readResponse(bytes(text), options);
      assert.equal(response.text(), body);
      assert.equal(used, text.length);
    });
  }

  const bad = {
    'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi',
    'length and chunked': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'a signed length': 'HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi',
    'another coding': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    'a chunk extension': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a\r\nhi\r\n0\r\n\r\n',
    'no CRLF after a chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi0\r\n\r\n',
    'a 204 with a length': 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n',
    'a bare LF': 'HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nhi',
    'a space before the colon': 'HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi',
    'a folded field': 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n',
    'no response at all': '<html>',
  };
  for (const [name, text] of Object.entries(bad)) {
    test(`refuses ${name}`, () => assert.throws(() => readResponse(bytes(text), { ended: true }), FramingError));
  }

  test('waits for every byte', () => {
    const [, chunked] = good[1];
    for (let n = 0; n < chunked.length; n++) assert.equal(readResponse(bytes(chunked).subarray(0, n)), null);
  });

  test('reads several, and interim ones without counting them', () => {
    const text = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n';
    const found = readResponses(bytes(text), ['HEAD', 'GET']);
    assert.deepEqual(found.map((response) => response.status), [100, 200, 404]);
    assert.throws(() => readResponses(bytes(`${text}HTT`), ['HEAD']), FramingError);
  });
});

// A server that answers every connection with the same pieces, then FIN unless it should keep it open.
async function withPeer(pieces, { open = false }, use) {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    for (const piece of pieces) socket.write(piece, 'latin1');
    if (!open) socket.end();
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    return await use(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.close();
  }
}

describe('client', () => {
  test('keeps what follows a response', () =>
    withPeer(['HTTP/1.1 200 OK\r\nContent-Le', 'ngth: 0\r\n\r\nmore'], {}, async (url) => {
      const connection = await Connection.open(url);
      assert.equal((await connection.request()).status, 200);
      await connection.toEnd();
      assert.equal(connection.pending.toString(), 'more');
      connection.close();
    }));

  test('fails when a response is cut off', () =>
    withPeer(['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi'], {}, (url) => assert.rejects(request(url), FramingError)));

  test('fails when nothing comes', () =>
    withPeer([], { open: true }, (url) => assert.rejects(request(url, { limit: 500 }), /no response within 500 ms/)));

  test('tells a closed connection from an open one', async () => {
    await withPeer(['x'], {}, async (url) => assert.equal((await exchange(url, 'y', { limit: 5000 })).closed, true));
    await withPeer(['x'], { open: true }, async (url) => assert.equal((await exchange(url, 'y', { limit: 200 })).closed, false));
  });
});

describe('dev', () => {
  const dev = (args, input = '') => spawnSync(join(root, 'dev'), args, { input, encoding: 'utf8', timeout: 10_000 });
  const tallies = {
    'cmocka: a pass, a failure, a skip': ['1..3\nok 1 - a\nnot ok 2 - b\n# 1 != 2\nnot ok 3 # SKIP c\n', 1, '1 1 1'],
    'cmocka: a crash in the middle': ['1..3\nok 1 - a\n', 139, '1 1 0'],
    'a good end that came too early': ['1..3\nok 1 - a\n', 0, '1 1 0'],
    'a bad end after good points': ['1..1\nok 1 - a\n', 1, '1 1 0'],
    'nothing at all': ['', 0, '0 1 0'],
    'node: a suite is no test': ['    ok 1 - a\n    not ok 2 - b\n    1..2\nnot ok 1 - s\n1..1\n', 1, '1 1 0'],
    'node: a suite that failed by itself': ['    ok 1 - a\n    1..1\nnot ok 1 - s\n1..1\n', 1, '1 1 0'],
    'node: what an error quotes': ["not ok 1 - a\n  ---\n  error: |-\n    not ok 2 - b\n    1..9\n  ...\nok 2 - c # SKIP no\n1..2\n", 1, '0 1 1'],
  };
  for (const [name, [tap, status, sum]] of Object.entries(tallies)) {
    test(`counts ${name}`, () => assert.equal(dev(['_tally', String(status)], tap).stdout.trim(), sum));
  }

  test('says what it knows, and refuses what it does not', () => {
    assert.match(dev(['help']).stdout, /\.\/dev run/);
    for (const args of [['frobnicate'], ['test', '--only', 'nothing'], ['build', 'nothing'], ['bench', 'nothing'], ['fuzz', 'ten']]) {
      const { status, stderr } = dev(args);
      assert.equal(status, 2, args.join(' '));
      assert.match(stderr, /See: \.\/dev help/);
    }
  });
});

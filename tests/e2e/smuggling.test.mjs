// Requests that two readers could understand in two ways. Each probe must get its verdict, and whatever is refused must
// be the end of its connection: a second answer would be a request that somebody smuggled.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { exchange } from './support/client.mjs';
import { readResponses } from './support/message.mjs';
import { root, slowness, startServer, startTestServer, testServerBinary } from './support/server.mjs';

const DOWEL_VECTORS = process.env.DOWEL_VECTORS ?? join(root, '../shared/vectors');
const file = join(DOWEL_VECTORS, 'smuggling/evhttp_probe.json');
const skip = existsSync(file) ? false : `${file} is not there`;
const rows = skip ? [] : JSON.parse(readFileSync(file, 'utf8')).rows;
const timeout = 120_000 * slowness;

// What the column rfc9112_or_policy wants.
const VERDICTS = {
  'accept/normal': 'accept',
  'accept, ignore': 'accept',
  'SHOULD ignore one empty line': 'accept',
  '400': [400],
  '400+close': [400],
  '400/413': [400, 413],
  '400/505': [400, 505],
  505: [505],
  '501/400+close': [501, 400],
  431: [431],
  '431 (count limit)': [431],
  // Where two answers are allowed, ours is the stricter one.
  '400 or collapse': [400],
  '400 or SP-replace': [400],
  'MAY accept; policy: 400': [400],
  'use URI host; policy: 400 on mismatch': [400],
};

// Rows that say "accept/normal" where RFC 9110 or 9112 asks for something else, or where a request that is framed well
// is refused for what it wants: [statuses, reason].
const EXCEPTIONS = {
  'lowercase http': [[400], 'RFC 9112, 2.3: HTTP-name is case-sensitive'],
  'tab sep': [[400], 'RFC 9112, 3: the parts of the request line are separated by a single SP'],
  'TLS hello': [[400], 'no request line begins with octet 22'],
  'big body CL 2M': [[405, 413], 'above the limit of 1 MiB, or a method that the path does not take; not read'],
};

// Well framed, and refused or not: afterwards the next request may be read, or the connection ends.
const REFUSABLE = {
  'lower method': [[404, 405, 501], 'RFC 9110, 9.1: methods are case-sensitive, so "get" is an unknown one'],
  'unknown method': [[404, 405, 501], 'RFC 9110, 9.1: 501 where a server does not know the method'],
  'Expect 100': [[200, 404, 405], 'RFC 9110, 10.1.1: a final answer may come before the content is read'],
  'Expect junk': [[200, 404, 405, 417], 'RFC 9110, 10.1.1: 417 for an expectation that is not known'],
  TRACE: [[404, 405, 501], 'TRACE reflects secrets back to scripts, no route takes it'],
  CONNECT: [[400, 404, 405, 501], 'we are no proxy'],
};

// A request was understood; what its path leads to is another matter.
const ACCEPTED = [200, 204, 404, 405];

// How many answers a row gets: one for each request it holds.
const ANSWERS = { 'pipeline 3': 3 };

// What an attacker wants to have parsed. Behind a good request it is answered with 404, behind a refused one never.
const CANARY = Buffer.from('GET /canary HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

// The server as it is shipped has no route that takes content; the test server has one.
const SERVERS = {
  dowel: { start: startServer, prepare: (probe) => probe },
  testserver: {
    start: () => startTestServer(),
    skip: existsSync(testServerBinary()) ? false : `${testServerBinary()} is not built with this preset`,
    prepare: (probe) => Buffer.from(probe.toString('latin1').replace(/^POST \/ /, 'POST /echo-loop '), 'latin1'),
  },
};

test('the table of probes is the one that this suite knows', { skip }, () => {
  assert.equal(rows.length, 68);
  for (const row of rows) assert.ok(row.rfc9112_or_policy in VERDICTS, `unknown verdict ${row.rfc9112_or_policy}`);
  const names = rows.map((row) => row.name);
  for (const name of Object.keys({ ...EXCEPTIONS, ...REFUSABLE })) assert.ok(names.includes(name), `no probe is called ${name}`);
});

function methodsOf(bytes) {
  return bytes.toString('latin1').startsWith('HEAD') ? ['HEAD'] : [];
}

// Sends the probe and the canary; the final answers. The canary wants the connection closed, a refusal closes it too.
async function ask(server, probe) {
  const { bytes, closed } = await exchange(server.url, Buffer.concat([probe, CANARY]), { limit: 5000 * slowness });
  const responses = readResponses(bytes, methodsOf(probe)).filter((response) => response.status >= 200);
  assert.ok(responses.length > 0, closed ? 'closed without an answer' : 'no answer');
  assert.ok(closed, 'the connection is still open');
  return { first: responses[0], statuses: responses.map((response) => response.status) };
}

function assertAccepted({ first, statuses }, answers) {
  assert.ok(ACCEPTED.includes(first.status), `refused with ${first.status}: ${first.text()}`);
  assert.equal(statuses.length, answers + 1, `answers ${statuses}`);
  assert.equal(statuses.at(-1), 404, 'the canary, found where it begins');
}

function assertRefused({ first, statuses }, wanted) {
  assert.ok(wanted.includes(first.status), `answered ${statuses}`);
  assert.equal(statuses.length, 1, `something behind the refused request was parsed: ${statuses}`);
  assert.ok(first.last, 'the end of the connection is not announced');
}

function assertEither({ first, statuses }, wanted) {
  assert.ok(wanted.includes(first.status), `answered ${statuses}`);
  if (first.last) assert.equal(statuses.length, 1, `answers ${statuses}`);
  else assert.deepEqual(statuses.slice(1), [404], 'the canary, found where it begins');
}

for (const [kind, { start, prepare, skip: absent = false }] of Object.entries(SERVERS)) {
  describe(`a probe of ${kind}`, { skip: skip || absent, timeout, concurrency: 8 }, () => {
    let server;
    before(async () => (server = await start()), { timeout });
    after(() => server?.stop(), { timeout });

    for (const { name, raw_b64: raw, rfc9112_or_policy: column } of rows) {
      const wanted = EXCEPTIONS[name]?.[0] ?? VERDICTS[column];
      test(`${name}: ${REFUSABLE[name]?.[0] ?? wanted}`, async () => {
        const answer = await ask(server, prepare(Buffer.from(raw, 'base64')));
        if (name in REFUSABLE) return assertEither(answer, REFUSABLE[name][0]);
        return wanted === 'accept' ? assertAccepted(answer, ANSWERS[name] ?? 1) : assertRefused(answer, wanted);
      });
    }
  });
}

describe('a refused head', { timeout }, () => {
  let server;
  before(async () => (server = await startServer()), { timeout });
  after(() => server?.stop(), { timeout });

  const length = CANARY.length;
  const tricks = {
    'two lengths': `POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: ${length}\r\n\r\n`,
    'a space before the colon': `POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length : ${length}\r\n\r\n`,
    'length and chunks': `POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'chunks by another name': 'POST /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
    'a NUL in a value': 'GET /livez HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n',
    'a line that is folded': 'GET /livez HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n',
  };
  for (const [name, head] of Object.entries(tricks)) {
    test(`with ${name} is one problem, then the end`, async () => {
      const answer = await ask(server, Buffer.from(head, 'latin1'));
      assertRefused(answer, [400, 501]);
      assert.match(answer.first.header('content-type'), /^application\/problem\+json/);
    });
  }
});

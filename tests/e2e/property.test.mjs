// What comes from outside, by the thousand: requests made at random from the contract, and the vectors of others through a
// real server. More of the first: ./dev campaign contract.
// Presets: release

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { request } from './support/client.mjs';
import { npmMissing } from './support/npm.mjs';
import { startWith } from './support/plugins.mjs';
import { preset, root, slowness } from './support/server.mjs';

const timeout = 240_000 * slowness;
const vectors = process.env.DOWEL_VECTORS ?? join(root, '../shared/vectors');
// Where isemail and we differ, by its diagnosis.
const DEVIATIONS = { ISEMAIL_RFC5321_IPV6DEPRECATED: 'RFC 5952 would not write :: for a single group, RFC 4291 reads it' };

const missing = (name) => (existsSync(join(vectors, name)) ? false : `${join(vectors, name)} is not there`);

test('requests made at random from the contract', { skip: npmMissing, timeout }, async (t) => {
  const { campaign, startAll } = await import('./support/random_requests.mjs');
  const seed = Number(process.env.DOWEL_SEED ?? 20261127);
  const server = await startAll();
  try {
    const { operations, seen } = await campaign(server, { requests: 1500, seed });
    t.diagnostic(`seed ${seed}, ${operations} operations, ${seen.size} different answers`);
    assert.ok(seen.size > operations, 'hardly anything was tried');
    for (const answer of ['createThing 201', 'getThing 404', 'listThings 200', 'readForm 200', 'echoAll 200']) assert.ok(seen.has(answer), `${answer} did not occur`);
    for (const status of [400, 404, 412, 415, 422]) assert.ok([...seen.keys()].some((answer) => answer.endsWith(` ${status}`)), `${status} did not occur`);
  } finally {
    await server.stop();
    server.peer.close();
  }
});

describe('vectors of others', { timeout }, () => {
  let server;
  before(async () => {
    server = await startWith({ plugins: { rules: '' }, folder: join(root, 'build', preset, 'campaign'), core: 'check_replies: true\n' });
  }, { timeout });
  after(() => server?.stop(), { timeout });

  const put = (path, body, method = 'PUT') => request(server.url, { method, path, headers: { 'Content-Type': 'application/json' }, body });

  // Which of those that a reader may take or refuse are refused: stricter than RFC 8259 asks, for what two readers could read
  // differently. And those that JSONTestSuite says must be taken, and are not.
  const REASONS = {
    'y_object_duplicated_key.json': 'a name stands twice in an object',
    'y_object_duplicated_key_and_value.json': 'a name stands twice in an object',
    'y_object_escaped_null_in_key.json': 'a name has a NUL character',
    'y_string_null_escape.json': 'a text has a NUL character',
  };

  test('JSONTestSuite as content', { skip: missing('JSONTestSuite'), timeout }, async (t) => {
    const folder = join(vectors, 'JSONTestSuite/test_parsing');
    const found = { y: 0, n: 0, i: 0, left: 0 };
    for (const name of readdirSync(folder).sort()) {
      const body = readFileSync(join(folder, name));
      const answer = await put('/api/v1/rules/json', body);
      const kind = name[0];
      found[kind]++;
      assert.ok(answer.status < 500, `${name}: ${answer.status}`);
      assert.ok(answer.status === 204 || answer.status === 400, `${name}: ${answer.status}`);
      if (answer.status === 400) {
        const problem = JSON.parse(answer.text());
        assert.equal(problem.type, '/problems/bad-request', name);
        // No content at all is the one that has no place to point at.
        if (body.length > 0) {
          assert.equal(problem.errors[0].pointer, '#', name);
          assert.match(problem.errors[0].detail, /^the content cannot be read as JSON: /, name);
        }
      }
      const why = REASONS[name];
      if (why) {
        found.left++;
        assert.match(JSON.parse(answer.text()).errors[0].detail, new RegExp(why), name);
      } else if (kind === 'y') assert.equal(answer.status, 204, `${name}: ${answer.text()}`);
      else if (kind === 'n') assert.equal(answer.status, 400, name);
    }
    assert.ok(found.y > 90 && found.n > 180 && found.i > 30, JSON.stringify(found));
    t.diagnostic(JSON.stringify(found));
  });

  // Addresses that a mail server takes (RFC 5321, "Mailbox", which JSON Schema names), whatever their domain is. What only
  // headers of mails may hold (comments, folding, obsolete forms) is none.
  const MAILBOX = new Set(['ISEMAIL_VALID_CATEGORY', 'ISEMAIL_DNSWARN', 'ISEMAIL_RFC5321']);

  test('isemail as format: email', { skip: missing('isemail'), timeout }, async (t) => {
    const text = readFileSync(join(vectors, 'isemail/test/tests.xml'), 'utf8');
    const entity = (one) => one.replace(/&#x([0-9a-f]+);/gi, (_, hex) => String.fromCodePoint(parseInt(hex, 16)))
      .replace(/&(lt|gt|amp|quot|apos);/g, (_, name) => ({ lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" })[name])
      .replace(/[\u2400-\u241f]/g, (one) => String.fromCodePoint(one.codePointAt(0) - 0x2400)); // pictures of control characters
    const seen = { taken: 0, refused: 0, left: 0 };
    const wrong = [];
    for (const [, id, body] of text.matchAll(/<test id="(\d+)">([^]*?)<\/test>/g)) {
      const address = entity(/<address>([^]*?)<\/address>/.exec(body)?.[1] ?? '');
      const category = /<category>(\w+)<\/category>/.exec(body)[1];
      const diagnosis = /<diagnosis>(\w+)<\/diagnosis>/.exec(body)[1];
      const answer = await put('/api/v1/rules/mail', JSON.stringify({ mail: address }), 'POST');
      assert.ok([204, 400, 422].includes(answer.status), `${id}: ${answer.status}`);
      seen[answer.status === 204 ? 'taken' : 'refused']++;
      if ((answer.status === 204) === MAILBOX.has(category)) continue;
      if (DEVIATIONS[diagnosis]) seen.left++;
      else wrong.push(`${id} ${JSON.stringify(address)} ${category} ${diagnosis}: ${answer.status}`);
    }
    assert.deepEqual(wrong, []);
    assert.ok(seen.taken > 20 && seen.refused > 60, JSON.stringify(seen));
    t.diagnostic(JSON.stringify(seen));
  });
});

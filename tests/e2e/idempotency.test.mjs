// Idempotency-Key across the death of the server process, on both engines: what was committed is not done twice, what was not
// is free again at once, and many who send the same at the same time make one thing.
// Presets: release

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, describe, test } from 'node:test';

import { request } from './support/client.mjs';
import { engines } from './support/database.mjs';
import { startWith } from './support/plugins.mjs';
import { preset, root, slowness, until } from './support/server.mjs';

const timeout = 120_000 * slowness;

for (const engine of engines) {
  describe(`on ${engine.name}`, { skip: engine.skip, timeout }, () => {
    let server, database;
    before(async () => {
      database = await engine.make();
      server = await startWith({ plugins: { rules: 'required: true\n' }, folder: join(root, 'build', preset, 'campaign'), core: database.url ? `database_url: ${database.url}\n` : '' });
    }, { timeout });
    after(async () => {
      await server?.stop();
      await database?.drop();
    }, { timeout });

    const create = (key, headers = {}, body = { name: 'a cup', kind: 'cup', stars: 3 }) => request(server.url, {
      method: 'POST', path: '/api/v1/rules/things', body: JSON.stringify(body),
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key, ...headers },
    });
    const things = async () => JSON.parse((await request(server.url, { path: '/api/v1/rules/things?limit=200' })).text()).items.length;
    const claims = async () => Number(/dowel_idempotency_requests_total\{result="first"\} (\d+)/.exec((await request(server.url, { path: '/metrics' })).text())?.[1] ?? 0);
    // As soon as the server is there again.
    const again = (key) => until('an answer', () => create(key).catch(() => undefined), { limit: 20_000 * slowness });

    // Asks, waits until the handler holds, and kills the process.
    async function killWhile(key, hold, isThere) {
      const pid = server.serverPid;
      const asked = create(key, { 'X-Hold': hold }).catch((error) => error);
      await until('the handler to hold', isThere);
      process.kill(pid, 'SIGKILL');
      await asked;
    }

    test('many at once make one', { timeout }, async () => {
      const key = randomUUID();
      const n = await things();
      const answers = await Promise.all(Array.from({ length: 20 }, () => create(key)));
      const ids = new Set(answers.filter(({ status }) => status === 201).map((one) => JSON.parse(one.text()).id));
      assert.equal(ids.size, 1);
      for (const { status } of answers) assert.ok(status === 201 || status === 409, String(status));
      assert.equal(await things(), n + 1);
      const late = await create(key);
      assert.equal(late.header('idempotency-replayed'), 'true');
      assert.ok(ids.has(JSON.parse(late.text()).id));
      assert.equal((await create(key, {}, { name: 'another', kind: 'cup', stars: 3 })).status, 422);
    });

    test('killed after the commit: the answer is there', { timeout }, async () => {
      const key = randomUUID();
      const n = await things();
      await killWhile(key, 'after', async () => (await things()) === n + 1);
      const answer = await again(key);
      assert.equal(answer.status, 201, answer.text());
      assert.equal(answer.header('idempotency-replayed'), 'true');
      assert.equal(await things(), n + 1);
    });

    test('killed after the commit, before there was an answer: it is not done again', { timeout }, async () => {
      const key = randomUUID();
      const n = await things();
      await killWhile(key, 'unsaid', async () => (await things()) === n + 1);
      const answer = await until('what became of it', async () => {
        const one = await create(key).catch(() => undefined);
        return one && !one.header('retry-after') && one;
      }, { limit: 20_000 * slowness });
      assert.equal(answer.status, 409, answer.text());
      assert.match(answer.text(), /was carried out/);
      assert.equal(await things(), n + 1);
    });

    test('killed before the transaction: the key is free long before its time is over', { timeout }, async () => {
      const key = randomUUID();
      const n = await things();
      const before = await claims();
      await killWhile(key, 'before', async () => (await claims()) > before);
      const answer = await until('the key to be free', async () => {
        const one = await create(key).catch(() => undefined);
        return one?.status === 201 && one;
      }, { limit: 20_000 * slowness, every: 200 });
      assert.equal(answer.header('idempotency-replayed'), undefined);
      assert.equal(await things(), n + 1);
    });

    test('it counts what became of them', { timeout }, async () => {
      await create(randomUUID());
      assert.ok((await claims()) > 0);
    });
  });
}

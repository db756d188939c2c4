// Presets: release asan
// The audit log as an admin meets it: what was done at the command line is in it, with a server running and without; it is
// sealed within a second; verify says when it is not what was written.

import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';

import { engines, psql } from './support/database.mjs';
import { command, startWith } from './support/plugins.mjs';
import { slowness, temporaryFolder, until } from './support/server.mjs';

const timeout = 120_000 * Math.min(slowness, 3);
const tenant = '0190a0a0-0000-7000-8000-00000000000a';
const OK = 0, FAILED = 1, USAGE = 2, BROKEN = 5;

for (const engine of engines) {
  describe(`dowel audit on ${engine.name}`, { timeout, skip: engine.skip }, () => {
    let database, server, data;

    before(async () => {
      database = await engine.make();
      data = temporaryFolder();
    });
    afterEach(async () => {
      server?.kill();
      await server?.ended;
    });
    after(async () => {
      await database?.drop();
      if (data) rmSync(data, { recursive: true, force: true });
    });

    const start = async () => {
      server = await startWith({ plugins: {}, core: database.url ? `database_url: "${database.url}"\n` : '', data });
    };
    const dowel = (...args) => command(server, ...args);
    const json = async (...args) => {
      const { code, stdout, stderr } = await dowel(...args, '--output', 'json');
      assert.equal(code, OK, stderr);
      return JSON.parse(stdout);
    };
    const verify = async (...args) => {
      const { code, stdout } = await dowel('audit', 'verify', ...args, '--output', 'json');
      return { code, ...JSON.parse(stdout) };
    };

    test('what an admin does is recorded, and sealed within a second', { timeout }, async () => {
      await start();
      assert.deepEqual(await json('audit', 'list'), { records: [], next: null });
      assert.equal((await verify()).seq, 0);

      const { id } = await json('webhook', 'add', 'https://example.com/hooks', '--tenant', tenant, '--events', 'notes.*');
      const began = Date.now();
      const [record] = await until('it is sealed', async () => {
        const { records } = await json('audit', 'list');
        return records[0]?.seq && records;
      }, { every: 20 });
      assert.ok(Date.now() - began < 1500 * slowness, `after ${Date.now() - began} ms`);
      assert.deepEqual([record.action, record.target, record.tenant, record.actor.kind], ['core.webhook.added', id, tenant, 'machine']);
      assert.notEqual(record.actor.id, '');
      assert.deepEqual(record.values, { url: 'https://example.com/hooks', events: 'notes.*', allow: '' });

      await json('webhook', 'disable', id);
      await json('webhook', 'enable', id);
      await json('webhook', 'rotate', id);
      await json('webhook', 'remove', id);
      assert.equal((await dowel('webhook', 'remove', id)).code, FAILED); // and what did not happen is not there
      const { records } = await json('audit', 'list');
      assert.deepEqual(records.map(({ action }) => action), ['removed', 'rotated', 'enabled', 'disabled', 'added'].map((what) => `core.webhook.${what}`));
      assert.ok(!JSON.stringify(records).includes('whsec_'));
      const all = await until('all are sealed', async () => {
        const found = await verify();
        return found.unsealed === 0 && found;
      });
      assert.deepEqual([all.code, all.intact, all.records, all.seq], [OK, true, 5, 5]);
    });

    test('it is looked at with a server and without, in the same words', { timeout }, async () => {
      await start();
      const filters = [['--action', 'core.webhook.*'], ['--action', 'core.webhook.added'], ['--tenant', tenant], ['--since', '1h'], ['--until', '1h'], ['--limit', '2']];
      const ask = async () => {
        const answers = [];
        for (const filter of filters) answers.push((await json('audit', 'list', ...filter)).records.length);
        for (const args of [['list'], ['verify'], ['export'], ['export', '--format', 'csv']]) {
          const { code, stdout } = await dowel('audit', ...args);
          answers.push([code, stdout]);
        }
        return answers;
      };
      const running = await ask();
      assert.deepEqual(running.slice(0, 6), [5, 1, 2, 5, 0, 2]);
      const ndjson = running[8][1].trim().split('\n').map((line) => JSON.parse(line));
      assert.deepEqual(ndjson.map(({ seq }) => seq), [1, 2, 3, 4, 5]);
      const csv = running[9][1].trim().split('\r\n');
      assert.equal(csv.length, 6);
      assert.match(csv[0], /^"id","at","seq",/);

      const page = await json('audit', 'list', '--limit', '2');
      const next = await json('audit', 'list', '--limit', '2', '--before', page.next);
      assert.equal(page.next, page.records[1].id);
      assert.ok(next.records[0].id < page.next);

      const { configDir, dataDir } = server;
      await server.stop();
      server = { configDir, dataDir, kill() {} };
      if (!engine.isSqlite) return; // its configuration went with the server
      const config = temporaryFolder();
      writeFileSync(join(config, 'core.yaml'), '');
      server = { configDir: config, dataDir: data, kill() {} };
      assert.deepEqual(await ask(), running);
      rmSync(config, { recursive: true });
    });

    test('what is asked in the wrong way is told', { timeout }, async () => {
      await start();
      for (const args of [[], ['what'], ['list', 'x'], ['list', '--tenant', 'x'], ['list', '--action', 'a*'], ['list', '--since', 'x'], ['list', '--before', 'x'], ['export', '--format', 'xml'], ['verify', '--expect', 'x']]) {
        const { code, stderr } = await dowel('audit', ...args);
        assert.equal(code, USAGE, args.join(' '));
        assert.notEqual(stderr, '');
      }
    });

    test('what was noted down must still be there', { timeout }, async () => {
      await start();
      const { seq, hash } = await verify();
      assert.equal((await verify('--expect', `${seq}:${hash}`)).code, OK);
      const other = await verify('--expect', `${seq}:${hash.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))}`);
      assert.deepEqual([other.code, other.intact, other.findings[0].kind], [BROKEN, false, 'other']);
      assert.equal((await verify('--expect', `${seq + 1}:${hash}`)).code, BROKEN);
    });

    test('a log that was changed is broken, and is sealed no further', { timeout, skip: engine.isSqlite && 'there is no program to change it with' }, async () => {
      await start();
      await psql(database.name, 'ALTER TABLE dowel_audit DISABLE TRIGGER USER; DELETE FROM dowel_audit WHERE seq = 2');
      const removed = await verify();
      assert.deepEqual([removed.code, removed.findings.map(({ kind, from, to }) => [kind, from, to])], [BROKEN, [['removed', 2, 2]]]);
      const { code, stdout } = await dowel('audit', 'verify');
      assert.equal(code, BROKEN);
      assert.match(stdout, /record 2 was removed\n.*the audit log is broken: 1 finding/s);
    });

    test('another key does not confirm it', { timeout, skip: !engine.isSqlite && 'once is enough' }, async () => {
      const file = join(data, 'secret.key');
      const key = readFileSync(file);
      await start();
      const before = (await verify()).seq;
      await server.stop();
      writeFileSync(file, 'BBECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n');
      await start();
      const found = await verify();
      assert.deepEqual([found.code, found.findings.map(({ kind }) => kind)], [BROKEN, ['checkpoint']]);
      await json('webhook', 'add', 'https://example.com/hooks', '--tenant', tenant, '--events', 'notes.*');
      await until('the log says so', () => /the audit log is sealed no further/.test(server.stderr));
      assert.equal((await verify()).unsealed, 1);

      await server.stop();
      writeFileSync(file, key);
      await start(); // what waits is tried again when the job is due, and after a start at once
      await until('it goes on', async () => (await verify()).seq === before + 1, { limit: 30_000 * slowness, every: 200 });
    });
  });
}

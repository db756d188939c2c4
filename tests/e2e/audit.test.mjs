// Presets: release asan
// The audit log as an admin meets it: what was done at the command line is in it, with a server running and without; it is
// sealed within a second; verify says when it is not what was written.

import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';

import { badges, badgesYaml, bearer, tenants } from './support/badges.mjs';
import { request } from './support/client.mjs';
import { engines, psql } from './support/database.mjs';
import { command, pluginFolder, startWith } from './support/plugins.mjs';
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
      assert.ok(Date.now() - began < 3000 * slowness, `after ${Date.now() - began} ms`); // within a second, and what a busy machine takes besides
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

const people = badges({ ann: 'a audit.read', ben: 'b audit.read', eve: 'a events.read' });

for (const engine of engines) {
  describe(`/api/v1/audit on ${engine.name}`, { timeout, skip: engine.skip }, () => {
    let database, server;

    const ask = (as, path) => request(server.url, { path: `/api/v1/audit${path}`, headers: bearer(as) });
    const items = async (as, path) => {
      const answer = await ask(as, path);
      assert.equal(answer.status, 200, answer.text());
      return answer.json().items;
    };
    const lines = (answer) => answer.text().trim().split('\n');

    before(async () => {
      database = await engine.make();
      const core = `check_replies: true\n${database.url && `database_url: "${database.url}"\n`}`;
      server = await startWith({ plugins: { badges: badgesYaml(people) }, folder: pluginFolder, core });
      const ids = [];
      for (const [name, whose] of [['1', tenants.a], ['2', tenants.a], ['3', tenants.b], ['4', tenants.a]]) {
        const { stdout } = await command(server, 'webhook', 'add', `https://example.com/${name}`, '--tenant', whose, '--events', '*', '--output', 'json');
        ids.push(JSON.parse(stdout).id);
      }
      await command(server, 'webhook', 'disable', ids[0]);
    }, { timeout });
    after(async () => {
      await server?.stop();
      await database?.drop();
    }, { timeout });

    test('shows the records of the own tenant, to whom they are open', { timeout }, async () => {
      const urls = (found) => found.map(({ values }) => values.url.replace('https://example.com/', '')).join(' ');
      assert.equal(urls(await items(people.ann, '?action=core.webhook.added')), '4 2 1');
      assert.equal(urls(await items(people.ben, '')), '3');
      assert.equal((await ask(people.eve, '')).status, 403);
      assert.equal((await ask('nobody', '')).status, 401);
    });

    test('filters, and refuses what is no filter', { timeout }, async () => {
      const all = await items(people.ann, '');
      assert.equal((await items(people.ann, `?target=${all[0].target}`)).length, 1);
      assert.equal((await items(people.ann, '?action=core.*')).length, all.length);
      assert.equal((await items(people.ann, '?action=notes.*')).length, 0);
      assert.equal((await items(people.ann, `?since=${all[0].at}`)).length, 1);
      assert.equal((await items(people.ann, `?until=${all[0].at}`)).length, all.length - 1);
      assert.equal((await items(people.ann, `?actor=${all[0].actor.id}`)).length, all.length);
      for (const [query, pointer] of [['action=a*', '#/query/action'], ['since=x', '#/query/since'], ['what=x', '#/query/what'], ['cursor=x', '#/query/cursor']]) {
        const answer = await ask(people.ann, `?${query}`);
        assert.ok([400, 422].includes(answer.status), `${query}: ${answer.status}`);
        assert.equal(answer.json().errors[0].pointer, pointer);
      }
    });

    test('a page leads to the next', { timeout }, async () => {
      const all = await items(people.ann, '');
      const found = [];
      let next = '';
      do {
        const answer = await ask(people.ann, `?limit=2${next && `&cursor=${next}`}`);
        const page = answer.json();
        found.push(...page.items);
        next = page.next;
        assert.equal(answer.header('link') !== undefined, next !== null);
      } while (next);
      assert.deepEqual(found.map(({ id }) => id), all.map(({ id }) => id));
      const { next: other } = (await ask(people.ann, '?limit=1')).json();
      assert.equal((await ask(people.ben, `?cursor=${other}`)).status, 422);
    });

    test('exports the same as a file', { timeout }, async () => {
      const all = await until('all are sealed', async () => {
        const found = await items(people.ann, '');
        return found.every(({ seq }) => seq) && found;
      });
      const ndjson = await ask(people.ann, '/export');
      assert.match(ndjson.header('content-type'), /ndjson/);
      assert.match(ndjson.header('content-disposition'), /attachment; filename="audit.ndjson"/);
      assert.deepEqual(lines(ndjson).map((line) => JSON.parse(line)), [...all].reverse());
      const csv = await ask(people.ann, '/export?format=csv&action=core.webhook.added');
      assert.match(csv.header('content-type'), /text\/csv/);
      assert.equal(lines(csv).length, 4);
      assert.equal((await ask(people.ann, '/export?action=notes.*')).text(), '');
      assert.equal((await ask(people.ann, '/export?format=xml')).status, 422);
      assert.equal((await ask(people.eve, '/export')).status, 403);
    });
  });
}

// What a server does for each of its tenants by itself, once a plugin tells which there are: schedules.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { badges, badgesYaml, tenants } from './support/badges.mjs';
import { engines } from './support/database.mjs';
import { command, logged, pluginFolder, startWith } from './support/plugins.mjs';
import { slowness, until, writeFiles } from './support/server.mjs';

const timeout = 60_000 * slowness;
const both = badges({ ann: 'a', ben: 'b', guest: '-' });

for (const engine of engines) {
  describe(`schedules of tenants, on ${engine.name}`, { timeout, skip: engine.skip }, () => {
    let server;
    let database;
    before(async () => {
      database = await engine.make();
      server = await startWith({
        plugins: { badges: badgesYaml(both), nightly: 'when: off\n' }, folder: pluginFolder,
        core: database.url && `database_url: ${JSON.stringify(database.url)}\n`,
      });
    }, { timeout });
    after(async () => {
      try {
        await server?.stop();
      } finally {
        await database?.drop();
      }
    }, { timeout });

    const schedule = async (...args) => {
      const { code, stdout, stderr } = await command(server, 'schedule', ...args);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const rowsOf = async (name) => JSON.parse(await schedule('list', '--output', 'json')).filter((row) => row.name === name).map((row) => row.tenant).sort();

    test('each tenant has its own', async () => {
      await until('both have a row', async () => (await rowsOf('nightly.hourly')).length === 2);
      assert.deepEqual(await rowsOf('nightly.hourly'), [tenants.a, tenants.b]);
      assert.deepEqual(await rowsOf('nightly.night'), [null]);
    });

    test('runs one of a tenant, in it', async () => {
      await schedule('run', 'nightly.hourly', tenants.b);
      await logged(server, { message: 'tidied up' });
      // The job says so, and is done after it.
      const done = await until('a job is done', async () => {
        const jobs = JSON.parse((await command(server, 'job', 'list', '--state', 'done', '--output', 'json')).stdout);
        return jobs.length > 0 && jobs;
      });
      assert.deepEqual(done.map((job) => [job.kind, job.tenant]), [['nightly.tidy', tenants.b]]);
    });

    test('one that has gone loses it, when it is told', async () => {
      writeFiles(server.configDir, { 'badges.yaml': `enabled: true\n${badgesYaml(badges({ ann: 'a' }))}` });
      const { code, stderr } = await command(server, 'reload');
      assert.equal(code, 0, stderr);
      await until('one is left', async () => (await rowsOf('nightly.hourly')).length === 1);
      assert.deepEqual(await rowsOf('nightly.hourly'), [tenants.a]);
    });

    test('who no longer tells them takes none away', async () => {
      writeFiles(server.configDir, { 'badges.yaml': 'enabled: false\n' });
      const { code, stderr } = await command(server, 'reload');
      assert.equal(code, 0, stderr);
      await schedule('run', 'nightly.hourly', tenants.a);
      assert.deepEqual(await rowsOf('nightly.hourly'), [tenants.a]);
    });
  });
}

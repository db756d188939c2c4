// Presets: release coverage
// Schedules in a server: they fire by themselves, an admin holds them back beside it, and a restart forgets nothing.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { request } from './support/client.mjs';
import { command, linesWith, logged, pluginFolder, startWith } from './support/plugins.mjs';
import { sleep, slowness, until } from './support/server.mjs';

const timeout = 60_000 * slowness;

describe('a server with schedules', { timeout }, () => {
  let server;
  before(async () => {
    server = await startWith({ plugins: { nightly: 'when: every 1s\n' }, folder: pluginFolder, core: 'time_zone: Europe/Berlin\n' });
  }, { timeout });
  after(() => server?.stop(), { timeout });

  const schedule = async (...args) => {
    const { code, stdout, stderr } = await command(server, 'schedule', ...args);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const row = async () => JSON.parse(await schedule('list', '--output', 'json')).find((one) => one.name === 'nightly.night');
  const runs = () => linesWith(server, { message: 'tidied up' }).length;
  // What was added before it was paused has run, and said so.
  const rests = async () => {
    await until('no job is left', async () => {
      const { stdout } = await command(server, 'job', 'list', '--kind', 'nightly.tidy', '--output', 'json');
      return JSON.parse(stdout).every(({ state }) => state === 'done');
    }, { every: 100 });
    await sleep(500);
  };

  test('fires them again and again', async () => {
    await until('three runs', () => runs() >= 3, { limit: 15_000 * slowness });
  });

  test('lists them, those of tenants not before there are some', async () => {
    const listed = JSON.parse(await schedule('list', '--output', 'json'));
    assert.deepEqual(listed.map(({ name, tenant, job, when, zone }) => ({ name, tenant, job, when, zone })),
      [{ name: 'nightly.night', tenant: null, job: 'nightly.tidy', when: 'every 1s', zone: 'Europe/Berlin' }]);
    assert.match(listed[0].fired_at, /^\d{4}-.*Z$/);
  });

  test('counts them', async () => {
    const page = (await request(server.url, { path: '/metrics' })).text();
    const fired = /^dowel_schedule_instants_total\{schedule="nightly.night",result="fired"\} (\d+)$/m.exec(page);
    assert.ok(fired && Number(fired[1]) >= 3, page.split('\n').filter((line) => line.includes('schedule')).join('\n'));
  });

  test('stops one that an admin pauses, and goes on when it is resumed', async () => {
    await schedule('pause', 'nightly.night');
    await rests();
    const before = runs();
    await sleep(2500);
    assert.equal(runs(), before);
    assert.ok((await row()).paused_at);
    await schedule('resume', 'nightly.night');
    await until('a run', () => runs() > before, { limit: 20_000 * slowness });
    assert.equal((await row()).paused_at, null);
  });

  test('runs one at once', async () => {
    await schedule('pause', 'nightly.night');
    await rests();
    const before = runs();
    await schedule('run', 'nightly.night');
    await until('a run', () => runs() > before, { limit: 10_000 * slowness });
  });

  test('keeps them paused over a reload', async () => {
    const { code, stderr } = await command(server, 'reload');
    assert.equal(code, 0, stderr);
    assert.ok((await row()).paused_at);
    await schedule('resume', 'nightly.night');
    const before = runs();
    await until('a run', () => runs() > before, { limit: 20_000 * slowness });
  });
});

test('a schedule that cannot be carried out declines its plugin with the reason', { timeout }, async () => {
  const server = await startWith({ plugins: { nightly: 'when: 0 25 * * *\n' }, folder: pluginFolder });
  try {
    const line = await logged(server, { plugin: 'nightly', why: /its schedule night cannot be carried out: the hour "25" is out of range/ });
    assert.ok(line);
    assert.equal((await request(server.url, { path: '/livez' })).status, 200);
  } finally {
    await server.stop();
  }
});

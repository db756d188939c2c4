// Presets: release asan
// Two servers on one PostgreSQL move booked time side by side, and one of them is killed in the middle of a run: the one that began
// it, or the other. Nothing is lost, nothing doubled, and the run ends on the one that is left.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import { engines, psql } from './support/database.mjs';
import { Scene, startHouse } from './support/timesync.mjs';
import { slowness, until } from './support/server.mjs';

const timeout = 240_000 * slowness;
const ENTRIES = 160; // enough for jobs of their own on both
const postgres = engines.find(({ isSqlite }) => !isSqlite);

describe('two servers on PostgreSQL', { timeout, skip: postgres.skip }, () => {
  let database, first, second, scene;

  // Both share people, so that either answers.
  before(async () => {
    database = await postgres.make();
    const core = `database_connections: 8\nsecret_key: ${randomBytes(32).toString('base64url')}=\n`;
    first = await startHouse({ database, core });
    second = await startHouse({ database, core, people: first.people });
  }, { timeout });

  after(async () => {
    await scene?.close();
    for (const house of [first, second]) await house?.stop();
    await database?.drop();
  }, { timeout });

  const working = async () => {
    const pids = await psql(database.name, "SELECT DISTINCT server FROM dowel_jobs WHERE state = 'running' AND kind IN ('timesync.work', 'timesync.run')");
    return pids.split('\n').filter(Boolean);
  };
  const works = async (house) => (await working()).some((server) => server.includes(`:${house.server.serverPid}:`));

  const book = (n) => {
    const tickets = Array.from({ length: 20 }, () => scene.ticket());
    return Array.from({ length: n }, (_, i) => scene.book(tickets[i % tickets.length], String(1 + (i % 60)), { agent: i % 4 }));
  };
  const takes = (ms) => {
    scene.kimai.faults.clear();
    scene.kimai.faults.add({ kind: 'delay', ms, method: 'POST', path: '/api/timesheets' });
  };
  const begin = async () => {
    await scene?.close();
    scene = await Scene.open(first, { rules: { parallel: 8 } });
    takes(100);
  };
  const allIsThere = async (entries) => {
    for (const entry of entries) scene.sheet(entry);
    assert.deepEqual(scene.kimai.forbidden, []);
    await scene.judge();
  };

  // One alone has the run; the other joins it, and is all that is left.
  for (const [name, housesOf] of [['the first', () => [first, second]], ['the second', () => [second, first]]]) {
    test(`${name} is killed in the middle of a run, and stays away: the other one ends it`, { timeout }, async () => {
      await begin();
      const [victim, other] = housesOf();
      other.kill({ stays: true });
      scene.house = scene.dowel.house = victim;
      const entries = book(ENTRIES);
      const { id } = await scene.start({ kind: 'full' });
      await until('a part is there', () => scene.kimai.state.sheets.size > 40, { limit: 60_000 * slowness });
      takes(500 * slowness); // a server takes its time to rise, and must find something to do
      await other.rise();
      victim.kill({ stays: true });
      takes(100);
      const left = entries.filter((entry) => scene.sheets(entry).length === 0).length;
      assert.ok(left > 0, 'it was killed after all was done');
      scene.house = scene.dowel.house = other;
      const run = await scene.dowel.ended(id);
      assert.deepEqual([run.state, run.failed], ['done', 0], JSON.stringify(run));
      assert.equal(run.examined, run.created + run.updated + run.unchanged + run.deleted + run.skipped + run.to_decide + run.failed);
      await victim.rise();
      await allIsThere(entries);
    });
  }

  test('both are asked at the same moment, and one of those that work is killed and comes back', { timeout }, async () => {
    await begin();
    const entries = book(ENTRIES);
    const start = (house, kind) => house.told('POST', `/timesync/syncs/${scene.dowel.sync.id}/runs`, { kind });
    const runs = await Promise.all([start(first, 'poll'), start(second, 'full'), start(second, 'poll'), start(first, 'full')]);
    let victim;
    await until('somebody is at work', async () => {
      for (const house of [first, second]) if (await works(house)) victim = house;
      return victim;
    }, { limit: 60_000 * slowness, every: 5 });
    await until('a part is there', () => scene.kimai.state.sheets.size > 20, { limit: 60_000 * slowness });
    victim.kill();
    for (const { id } of runs) assert.equal((await scene.dowel.ended(id)).state, 'done');
    await allIsThere(entries);
  });
});

// A connection is led to another system, whose ids are those of others: nothing is read into the sync from there, nothing written there.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { World } from '../campaign/timesync/world.mjs';
import { slowness } from './support/server.mjs';
import { Scene, SETTLE_MS, startHouse } from './support/timesync.mjs';

const timeout = 120_000 * slowness;

describe('a connection that leads elsewhere', { timeout }, () => {
  let house, scene, other;

  before(async () => {
    house = await startHouse();
    other = await new World({ seed: 99, settleMs: SETTLE_MS }).start();
    scene = await Scene.open(house, { rules: { target_edited: 'restore', source_deleted: 'remove', target_deleted: 'create' } });
  }, { timeout });

  after(async () => {
    await scene?.close();
    await other?.stop();
    await house?.stop();
  }, { timeout });

  const lead = async (side, peer) => {
    const { id } = scene.dowel[side];
    const { version } = await house.told('GET', `/connections/${id}`);
    const settings = { base_url: peer.url, token: peer.token };
    await house.told('PATCH', `/connections/${id}`, { settings, allow_private: true, untested: true }, { 'If-Match': `"${version}"` });
  };

  for (const side of ['kimai', 'zammad'])
    test(`${side}: the sync is held, and goes on where it was`, async () => {
      const entry = scene.book(scene.ticket(), '15');
      await scene.well('full');
      const sheet = scene.sheet(entry);
      const before = [other.kimai.snapshot(), scene.kimai.snapshot()];
      await lead(side, other[side]);
      for (const kind of ['poll', 'full']) {
        const run = await scene.run(kind);
        assert.deepEqual([run.state, run.reason], ['failed', 'MOVED'], JSON.stringify(run));
      }
      const { held_reason, held_detail } = await scene.sync();
      assert.equal(held_reason, 'MOVED');
      assert.ok(held_detail.includes(other[side].url), held_detail);
      assert.deepEqual([other.kimai.snapshot(), scene.kimai.snapshot()], before);
      await lead(side, scene.world[side]);
      await scene.well('full');
      assert.equal((await scene.sync()).held_reason, '');
      assert.deepEqual(scene.sheet(entry), sheet);
    });

  test('or it is the same system at another address, as somebody says', async () => {
    const entry = scene.book(scene.ticket(), '20');
    await scene.well('full');
    await lead('kimai', { ...scene.world.kimai, url: scene.kimai.url.replace('127.0.0.1', 'localhost'), token: scene.kimai.token });
    assert.equal((await scene.run('full')).reason, 'MOVED');
    await house.told('POST', `/timesync/syncs/${scene.dowel.sync.id}/release`);
    const run = await scene.well('full');
    assert.deepEqual([run.created, run.updated, run.deleted], [0, 0, 0]);
    scene.sheet(entry);
  });
});

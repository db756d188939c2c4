// Presets: release
// Long: it waits for leases to end.
// Servers on one PostgreSQL share jobs and a schedule, and one is killed: tests/campaign/servers.mjs, in short. What the
// killed one held moves when its leases end, after half a minute; or at once when it returns.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { servers } from '../campaign/servers.mjs';
import { engines } from './support/database.mjs';

const timeout = 280_000;
const JOBS = 2000;
const LEASE_MS = 20_000; // 30 s, less what it is old, in any case
const { skip } = engines.find((engine) => !engine.isSqlite);

describe('servers on one database', { timeout, skip }, () => {
  for (const [count, returns] of [[2, false], [4, true]]) {
    test(`${count} do ${JOBS} jobs once each, and the schedule fires once; the killed one ${returns ? 'returns' : 'is gone'}`, { timeout }, async (t) => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      t.diagnostic(`seed ${seed}`);
      const { held, shares, movedMs } = await servers({ count, jobs: JOBS, seed, returns, limit: 120_000 });
      assert.equal(movedMs < LEASE_MS, returns, `after ${Math.round(movedMs)} ms`);
      t.diagnostic(`${held} jobs of the killed one moved; shares ${shares.join(', ')}`);
    });
  }
});

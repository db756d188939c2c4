// Presets: release
// Servers on one PostgreSQL share jobs and a schedule, and one is killed: tests/campaign/servers.mjs, in short. What the
// killed one held moves when its leases end, after half a minute.

import { describe, test } from 'node:test';

import { servers } from '../campaign/servers.mjs';
import { engines } from './support/database.mjs';

const timeout = 280_000;
const JOBS = 2000;
const { skip } = engines.find((engine) => !engine.isSqlite);

describe('servers on one database', { timeout, skip }, () => {
  for (const count of [2, 4]) {
    test(`${count} do ${JOBS} jobs once each, and the schedule fires once`, { timeout }, async (t) => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      t.diagnostic(`seed ${seed}`);
      const { held, shares } = await servers({ count, jobs: JOBS, seed, limit: 120_000 });
      t.diagnostic(`${held} jobs of the killed one moved; shares ${shares.join(', ')}`);
    });
  }
});

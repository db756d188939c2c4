// Presets: release
// A server that is killed at random moments under load loses nothing and does nothing twice: tests/campaign/crash.mjs, in
// short.

import { describe, test } from 'node:test';

import { crash } from '../campaign/crash.mjs';
import { engines } from './support/database.mjs';

const timeout = 280_000;
const KILLS = 8;

describe('SIGKILL at random moments', { timeout, concurrency: true }, () => {
  for (const engine of engines) {
    test(`${KILLS} times on ${engine.name}`, { timeout, skip: engine.skip }, async (t) => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      t.diagnostic(`seed ${seed}`);
      const { answered, entries } = await crash({ engine, kills: KILLS, seed, limit: 200_000 });
      t.diagnostic(`${answered} requests answered, ${entries} entries`);
    });
  }
});

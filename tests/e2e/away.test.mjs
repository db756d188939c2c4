// Presets: release
// Long: it waits for PostgreSQL to be away.
// PostgreSQL is restarted, crashes, stays away, hangs, cuts off, is full: tests/campaign/away.mjs, once.

import { test } from 'node:test';

import { away } from '../campaign/away.mjs';
import { engines } from './support/database.mjs';

const timeout = 280_000;
const { skip } = engines.find((engine) => !engine.isSqlite); // there is no PostgreSQL to start either

test('a server whose PostgreSQL is in trouble recovers by itself and loses nothing', { timeout, skip }, async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  await away({ rounds: 1, seed, limit: 150_000, say: (line) => t.diagnostic(line) });
});

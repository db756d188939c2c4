// Presets: release
// Random histories of booked time, with everything going wrong on the way, against a model of what has to be true at the end: the
// code of tests/campaign/timesync, with fewer of them than `./dev campaign timesync`. First the model itself is tried: it accepts a
// small sync that is right, and catches each of its mistakes.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { timesync } from '../campaign/timesync.mjs';
import { secondsOf } from '../campaign/timesync/judge.mjs';
import { planOf } from '../campaign/timesync/plan.mjs';
import { minimize, play } from '../campaign/timesync/play.mjs';
import { MISTAKES, Reference } from '../campaign/timesync/reference.mjs';
import { engines } from './support/database.mjs';
import { slowness } from './support/server.mjs';

const timeout = 600_000 * slowness;
const SETTLE_MS = 400;
const MOST_WORLDS = 120; // a mistake that is not found by then is not found
const WIDTH = 6; // worlds at a time

// The seeds from `seed` on, until one is wrong: { seed, faults } or undefined.
async function firstWrong(make, { seed = 1, worlds }) {
  let next = seed;
  let found;
  const worker = async () => {
    while (!found && next < seed + worlds) {
      const plan = planOf(next++, { strands: 3, settleMs: SETTLE_MS });
      const { faults } = await play(plan, make, { settleMs: SETTLE_MS });
      if (faults.length > 0) found ??= { plan, faults };
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, worker));
  return found;
}

describe('the model of booked time', { timeout, concurrency: 4 }, () => { // they mostly wait
  test('counts seconds exactly', () => {
    const of = (amount, unit) => secondsOf(BigInt(Math.round(amount * 1e6)), unit);
    assert.deepEqual([of(7.5, '1'), of(0.1, '60'), of(0.25, '0.5'), of(-15, '1'), of(3.33, '7.5'), of(0.01, '0.5')], [450, 360, 8, -900, 1499, 0]);
  });

  test('makes of a seed the same history each time', () => {
    assert.deepEqual(planOf(7, { strands: 5 }), planOf(7, { strands: 5 }));
    assert.notDeepEqual(planOf(7).rounds, planOf(8).rounds);
  });

  test('accepts a sync that is right', { timeout }, async () => {
    assert.equal((await firstWrong(() => new Reference(), { worlds: 40 }))?.faults.join('\n'), undefined);
  });

  for (const [wrong, what] of Object.entries(MISTAKES)) {
    test(`catches one that ${what}`, { timeout }, async () => {
      const found = await firstWrong(() => new Reference({ wrong }), { worlds: MOST_WORLDS });
      assert.ok(found, `${wrong} was not found in ${MOST_WORLDS} worlds`);
    });
  }

  test('makes a failure small', { timeout }, async () => {
    const make = () => new Reference({ wrong: 'missesEdits' });
    const { plan } = await firstWrong(make, { worlds: MOST_WORLDS });
    const stepsOf = ({ rounds }) => rounds.flatMap(({ steps }) => steps).length;
    const small = await minimize(plan, async (smaller) => (await play(smaller, make, { settleMs: SETTLE_MS })).faults.length > 0, { tries: 150 });
    assert.ok((await play(small, make, { settleMs: SETTLE_MS })).faults.length > 0);
    assert.ok(stepsOf(small) < 8 && stepsOf(small) < stepsOf(plan), `${stepsOf(small)} of ${stepsOf(plan)} steps`);
  });
});

for (const engine of engines) {
  describe(`booked time through a real server that is killed, on ${engine.name}`, { timeout, skip: engine.skip }, () => {
    test('every entry has its timesheet or its case; none was lost, none doubled, nothing exported was touched', { timeout }, async (t) => {
      const worlds = engine.isSqlite ? 16 : 8;
      const seed = 20_261_127;
      const { histories, entries, kills } = await timesync({ worlds, seed, engine, small: false });
      t.diagnostic(`${histories} histories, ${entries} entries, ${kills} servers killed`);
      assert.ok(entries > worlds * 10, `${entries} entries`);
    });
  });
}

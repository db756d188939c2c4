// timesync.mjs - `./dev campaign timesync [HISTORIES] [SEED]`: random histories of booked time, with everything going wrong on the
// way, each judged after its last quiet pass (timesync/judge.mjs says by what). A failure is made small and printed; its seed
// replays it: `./dev campaign timesync 0 SEED` plays that world alone and tells all of it.
//
// A world has a server, a Zammad and a Kimai, and as many histories as fit beside each other: see timesync/plan.mjs. In every fifth
// two syncs write into the one Kimai. Worlds mostly wait (for requests that may still come, for pauses of the server's), so many are
// played at a time: some 20 histories cost a second of CPU, the stand-ins' included.

import process from 'node:process';
import { pathToFileURL } from 'node:url';

import { Dowel, House } from './timesync/dowel.mjs';
import { planOf } from './timesync/plan.mjs';
import { minimize, play, textOf } from './timesync/play.mjs';
import { engineOf } from './support.mjs';

export const STRANDS = 20;
const SETTLE_MS = 1000;
const PARALLEL = 16;
const SHOWN = 5; // of what is wrong with a world

// Plays worlds with seeds from..to on servers of their own. Throws when one is wrong. Figures.
export async function timesync({ worlds, seed, strands = STRANDS, parallel = PARALLEL, engine = engineOf('sqlite'), say = () => {}, tell, small = true }) {
  const figures = { worlds: 0, histories: 0, entries: 0, requests: 0, writes: 0, kills: 0, slowest: 0 };
  let next = seed;
  const failed = [];

  const one = async (house, plan, more = {}) => play(plan, () => new Dowel(house), { settleMs: SETTLE_MS, ...more });
  const worker = async () => {
    const database = await engine.make();
    const house = new House({ database, settleMs: SETTLE_MS });
    try {
      await house.start();
      while (next < seed + worlds && failed.length === 0) {
        const plan = planOf(next++, { strands, settleMs: SETTLE_MS });
        const since = performance.now();
        const { faults, stats } = await one(house, plan, { say: tell }).catch((error) => ({ faults: [error.stack], stats: {} }));
        figures.worlds++;
        figures.histories += strands;
        figures.slowest = Math.max(figures.slowest, performance.now() - since);
        for (const [name, n] of Object.entries(stats)) figures[name] += n;
        if (faults.length > 0) failed.push({ plan, faults, log: house.log.slice(-4000) });
        else if (figures.worlds % 10 === 0) say(`${figures.histories} histories, ${figures.entries} entries, ${figures.requests} requests to the peers`);
        if (faults.length > 0 && small) {
          say(`seed ${plan.seed}: ${faults[0].slice(0, 300)}; it is made small now`);
          const fails = async (smaller) => (await one(house, smaller).catch((error) => ({ faults: [error.message] }))).faults.length > 0;
          const suspect = /strand (\d+)/.exec(faults[0]);
          failed.at(-1).small = await minimize(plan, fails, { suspect: suspect ? Number(suspect[1]) : undefined });
        }
      }
      figures.kills += house.kills;
    } finally {
      await house.stop();
      await database.drop();
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, worlds) }, worker));
  if (failed.length === 0) return figures;
  const texts = failed.map(({ plan, faults, log, small: smaller }) =>
    `seed ${plan.seed}:\n${faults.slice(0, SHOWN).join('\n')}\n${smaller ? `the smallest history that still fails:\n${textOf(smaller)}\n` : ''}the log ends with\n${log}`);
  throw new Error(texts.join('\n\n'));
}

async function main([histories = '2000', seed = String(Math.floor(Math.random() * 2 ** 31)), engine = 'sqlite']) {
  const isReplay = Number(histories) === 0;
  const worlds = isReplay ? 1 : Math.ceil(Number(histories) / STRANDS);
  console.log(`timesync: ${worlds * STRANDS} histories in ${worlds} worlds on ${engine}, seed ${seed}`);
  const since = performance.now();
  const options = { worlds, seed: Number(seed), engine: engineOf(engine), say: console.log, tell: isReplay ? console.log : undefined, small: !isReplay };
  const { entries, requests, writes, kills, slowest } = await timesync(options);
  const seconds = (performance.now() - since) / 1000;
  const all = worlds * STRANDS;
  const pace = `${(all / seconds).toFixed(1)} a second, the slowest world ${Math.round(slowest / 1000)} s`;
  console.log(`played       ${all} histories in ${Math.round(seconds)} s: ${pace}`);
  console.log(`booked       ${entries} entries; ${requests} requests to the peers, of them ${writes} that wrote to Kimai`);
  console.log(`killed       ${kills} servers with SIGKILL`);
  console.log('every entry has its timesheet or its case; none was lost, none doubled, nothing exported was touched');
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(process.argv.slice(2));

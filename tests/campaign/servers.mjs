// servers.mjs - `./dev campaign servers [2|4] [JOBS] [SEED]`: servers on one PostgreSQL share jobs and a schedule, and one of
// them is killed in the middle. The same code runs in tests/e2e/servers.test.mjs, with fewer jobs.

import assert from 'node:assert/strict';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

import { psql } from '../e2e/support/database.mjs';
import { childrenOf, slowness, until } from '../e2e/support/server.mjs';
import { Clients, Place, balance, countLedger, engineOf, randomOf } from './support.mjs';

const BATCH = 50;

const number = async (database, sql) => Number(await psql(database.name, sql));
const leasedBy = (pid) => `SELECT count(*) FROM dowel_jobs WHERE state = 'running' AND server LIKE '%:${pid}:%'`;

// Kills a server while it has jobs: it is stopped first, so that they can be counted. What it held.
async function killAtWork(place, database) {
  const { pid, serverPid } = place.server;
  let held = 0;
  await until('the server is caught at work', async () => {
    for (const one of [pid, ...childrenOf(pid)]) process.kill(one, 'SIGSTOP');
    held = await number(database, leasedBy(serverPid));
    if (held === 0) for (const one of [pid, ...childrenOf(pid)]) process.kill(one, 'SIGCONT');
    return held > 0;
  }, { limit: 20_000 * slowness, every: 7 });
  await place.kill();
  return held;
}

// Throws when a job was lost or done twice, or an instant of the schedule. Where the killed one returns, what it held is taken up
// at once, else when its leases end. Figures.
export async function servers({ count, jobs, seed, limit, returns = false, say = () => {} }) {
  const random = randomOf(seed);
  const database = await engineOf('postgres').make();
  const places = Array.from({ length: count }, () => new Place({ url: database.url, core: 'database_connections: 8\n' }));
  let clients;
  try {
    await Promise.all(places.map((place) => place.start()));
    const since = performance.now();
    let turn = 0;
    const running = () => places.filter((place) => place.server);
    clients = new Clients(() => running()[turn++ % running().length], { clients: 4 * count, random, pause: 0, size: () => BATCH });

    const [victim] = places;
    const at = random() * 0.5 * jobs;
    await until('a part is done', async () => (await countLedger(places[1])).done >= at, { limit, every: 10 });
    const held = await killAtWork(victim, database);
    const killed = performance.now();
    say(`killed one that ran ${held} jobs`);
    const most = clients.endAt(jobs); // until then there must be work to be caught at
    if (returns) await victim.start();

    await clients.sent();
    const added = performance.now();
    const left = () => number(database, "SELECT count(*) FROM dowel_jobs WHERE kind = 'ledger.effect' AND state <> 'done'");
    await until('what the others can do is done', async () => (await left()) <= held, { limit, every: 50 });
    const shared = performance.now();
    const last = await balance(places[1], clients, { limit });
    const all = performance.now();

    assert.ok(last.entries >= most - BATCH * clients.lost && last.entries <= most, `${last.entries} of ${most}`);
    const moved = await number(database, 'SELECT count(DISTINCT job) FROM dowel_job_failures');
    assert.equal(moved, held, 'what the killed server held was done by others');
    const shares = await psql(database.name, "SELECT count(*) FROM dowel_jobs WHERE kind = 'ledger.effect' GROUP BY server ORDER BY 1 DESC");
    for (const place of running()) await place.stop();
    return {
      entries: last.entries,
      ticks: last.ticks,
      lost: clients.lost,
      shares: shares.split('\n').map(Number),
      held,
      addedMs: added - since,
      mostMs: shared - since,
      movedMs: all - killed,
    };
  } catch (error) {
    const logs = places.map((place) => place.server?.stderr.slice(-2000) ?? '');
    throw new Error(`seed ${seed}: ${error.message}\n${logs.join('\n')}`, { cause: error });
  } finally {
    await clients?.stop();
    await Promise.all(places.map((place) => place.remove()));
    await database.drop();
  }
}

async function main([count = '2', jobs = '50000', seed = String(Math.floor(Math.random() * 2 ** 31))]) {
  console.log(`servers: ${jobs} jobs on ${count} servers, seed ${seed}`);
  const figures = await servers({ count: Number(count), jobs: Number(jobs), seed: Number(seed), limit: 900_000, say: console.log });
  const { entries, ticks, lost, shares, held, addedMs, mostMs, movedMs } = figures;
  const seconds = (ms) => (ms / 1000).toFixed(1);
  console.log(`jobs       ${entries}, each with one effect (${lost} requests were lost with the server that was killed)`);
  console.log(`added      in ${seconds(addedMs)} s, ${BATCH} in a transaction: ${Math.round((entries * 1000) / addedMs)} a second, while they ran`);
  console.log(`done       in ${seconds(mostMs)} s but for ${held} that the killed server held: ${Math.round((entries * 1000) / mostMs)} a second`);
  console.log(`moved      ${held} jobs, all done ${seconds(movedMs)} s after the kill`);
  console.log(`shares     ${shares.join(', ')}`);
  console.log(`schedule   ${ticks} instants, each fired once, none left out`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(process.argv.slice(2));

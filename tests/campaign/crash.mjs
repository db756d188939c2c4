// crash.mjs - `./dev campaign crash [KILLS] [sqlite|postgres] [SEED]`: a server under load is killed with SIGKILL at random
// moments, and loses nothing. The same code runs in tests/e2e/crash.test.mjs, with fewer kills.

import process from 'node:process';
import { pathToFileURL } from 'node:url';

import { sleep, slowness, until } from '../e2e/support/server.mjs';
import { Clients, Place, balance, engineOf, randomOf, spread } from './support.mjs';

// What is killed, and how often of a hundred times: the server process, which its supervisor replaces; both; the supervisor
// alone, with the server process left behind; a server that starts, with a migration to be applied.
const WAYS = [
  ['server process', 45],
  ['all', 25],
  ['supervisor', 10],
  ['start', 20],
];
const LONGEST_LIFE_MS = 1500;

function wayOf(number) {
  let left = number * 100;
  return WAYS.find(([, share]) => (left -= share) < 0)[0];
}

async function killServerProcess(place) {
  const old = place.server.serverPid;
  if (old === undefined) return false; // it has not been replaced yet since the last time
  process.kill(old, 'SIGKILL');
  await until('another server process', () => place.server.serverPid !== undefined && place.server.serverPid !== old, { limit: 90_000 * slowness, every: 2 });
  return true;
}

async function killSupervisor(place) {
  const { server } = place;
  place.server = undefined;
  process.kill(server.pid, 'SIGKILL');
  await server.gone; // with it its lock of the folder
  await place.start();
  await server.ended; // its pipes are closed: the server process that was left behind has ended too
  return true;
}

async function killAll(place) {
  await place.kill();
  await place.start();
  return true;
}

// The migration that is taken back and applied takes most of a start.
async function killStart(place, random, found) {
  await place.kill();
  await place.command('db', 'down', 'ledger');
  await place.startAndKill(20 + random() * 400 * slowness);
  found[(await place.migrated()) ? 'applied' : 'pending']++;
  await place.start();
  return true;
}

const killers = { 'server process': killServerProcess, all: killAll, supervisor: killSupervisor, start: killStart };

// Throws when something was lost or done twice. Figures.
export async function crash({ engine, kills, seed, limit, say = () => {} }) {
  const random = randomOf(seed);
  const database = await engine.make();
  const place = new Place({ url: database.url });
  place.isSqlite = engine.isSqlite;
  const done = Object.fromEntries(WAYS.map(([name]) => [name, 0]));
  const migrations = { applied: 0, pending: 0 };
  const away = [];
  let clients;
  try {
    await place.start();
    clients = new Clients(() => place, { random });
    await clients.served();
    for (let i = 0; i < kills; ) {
      await sleep(random() * LONGEST_LIFE_MS);
      const way = wayOf(random());
      const since = performance.now();
      if (!(await killers[way](place, random, migrations))) continue;
      await clients.served();
      away.push(performance.now() - since);
      done[way]++;
      if (++i % 20 === 0) say(`${i} kills, ${clients.answered.size} requests answered, ${clients.lost} lost`);
    }
    await clients.stop();
    const since = performance.now();
    const { entries, ticks } = await balance(place, clients, { limit });
    const settled = performance.now() - since;
    await place.stop();
    return { done, migrations, away, settled, entries, ticks, answered: clients.answered.size, lost: clients.lost, statuses: clients.statuses };
  } catch (error) {
    throw new Error(`seed ${seed}, after ${JSON.stringify(done)}: ${error.message}\n${place.server?.stderr.slice(-3000) ?? ''}`, { cause: error });
  } finally {
    await clients?.stop();
    await place.remove();
    await database.drop();
  }
}

async function main([kills = '200', engine = 'sqlite', seed = String(Math.floor(Math.random() * 2 ** 31))]) {
  console.log(`crash: ${kills} kills on ${engine}, seed ${seed}`);
  const figures = await crash({ engine: engineOf(engine), kills: Number(kills), seed: Number(seed), limit: 900_000, say: console.log });
  const { done, migrations, away, settled, entries, ticks, answered, lost, statuses } = figures;
  console.log(`killed           ${Object.entries(done).map(([name, n]) => `${name} ${n}`).join(', ')}`);
  console.log(`while migrating  ${migrations.pending} times nothing of the migration was there, ${migrations.applied} times all`);
  console.log(`away             ${spread(away)} (with the start of what was killed)`);
  console.log(`requests         ${answered} answered with 201, ${lost} without an answer; ${[...statuses].map(([status, n]) => `${status}: ${n}`).join(', ')}`);
  console.log(`entries          ${entries}, each with one effect, ${Math.round(settled / 1000)} s after the last kill; instants of the schedule ${ticks}`);
  console.log('nothing was lost, nothing was done twice');
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(process.argv.slice(2));

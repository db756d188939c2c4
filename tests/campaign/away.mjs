// away.mjs - `./dev campaign away [ROUNDS] [SEED]`: a server under load whose PostgreSQL is restarted, crashes, stays away,
// hangs, cuts connections off, takes no more of them, has no more room: it answers 503 or waits, recovers by itself, and
// loses nothing. The same code runs in tests/e2e/away.test.mjs, with one round.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import { request } from '../e2e/support/client.mjs';
import { childrenOf, root, sleep, slowness, temporaryFolder, until } from '../e2e/support/server.mjs';
import { Clients, Place, balance, randomOf, spread } from './support.mjs';

const run = promisify(execFile);

// A PostgreSQL of the campaign's own. It writes to the disk as it should: what it has committed outlives its crashes.
class Postgres {
  folder = temporaryFolder();

  #script(...args) {
    return run(join(root, 'tests/support/postgres.sh'), args, { timeout: 120_000 });
  }

  async start() {
    const { stdout } = await this.#script('start', this.folder, '--until', String(process.pid));
    this.url = stdout.trim();
    return this;
  }

  stop() {
    return this.#script('stop', this.folder);
  }

  async remove() {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get pid() {
    return Number(readFileSync(join(this.folder, 'cluster/postmaster.pid'), 'latin1').split('\n')[0]);
  }

  // All its processes, the one that starts others first.
  signal(name) {
    const { pid } = this;
    for (const one of [pid, ...childrenOf(pid)]) {
      try {
        process.kill(one, name);
      } catch (error) {
        if (error.code !== 'ESRCH') throw error; // a connection that has just ended
      }
    }
  }

  async crash() {
    const { pid } = this;
    process.kill(pid, 'SIGQUIT'); // an immediate shutdown: nothing is written any more, the next start recovers
    await until('PostgreSQL has ended', () => {
      try {
        return process.kill(pid, 0) && false;
      } catch {
        return true;
      }
    }, { limit: 30_000 });
  }

  // As the superuser.
  async sql(...statements) {
    const url = this.url.replace('://dowel@', '://postgres@');
    for (const statement of statements) await run('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', statement], { timeout: 20_000 });
  }

  cutOff() {
    return this.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'dowel'");
  }
}

const full = (table) => `CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON ${table} EXECUTE FUNCTION full_disk()`;
const TABLES = ['ledger_entries', 'ledger_effects', 'dowel_jobs'];

// What is done to PostgreSQL. `refuses`: nothing can be written meanwhile, so 503 is what clients must have been told.
const TROUBLES = [
  {
    name: 'restarted',
    begin: (postgres) => postgres.stop(),
    end: (postgres) => postgres.start(),
  },
  {
    name: 'crashed',
    begin: (postgres) => postgres.crash(),
    end: (postgres) => postgres.start(),
  },
  {
    name: 'away for 8 s',
    refuses: true,
    lasts: 8000,
    begin: (postgres) => postgres.stop(),
    end: (postgres) => postgres.start(),
  },
  {
    name: 'connections cut, 20 times',
    begin: async (postgres, random) => {
      for (let i = 0; i < 20; i++) {
        await postgres.cutOff();
        await sleep(random() * 200);
      }
    },
  },
  {
    name: 'hung for 4 s (SIGSTOP)',
    lasts: 4000,
    begin: async (postgres) => postgres.signal('SIGSTOP'),
    end: async (postgres) => postgres.signal('SIGCONT'),
  },
  {
    name: 'no more connections (CONNECTION LIMIT 0, SQLSTATE 53300)',
    refuses: true,
    lasts: 7000,
    begin: async (postgres) => {
      await postgres.sql('ALTER ROLE dowel CONNECTION LIMIT 0');
      await postgres.cutOff();
    },
    end: (postgres) => postgres.sql('ALTER ROLE dowel CONNECTION LIMIT -1'),
  },
  {
    name: 'disk full (triggers that raise SQLSTATE 53100)',
    refuses: true,
    lasts: 3000,
    begin: (postgres) =>
      postgres.sql(
        `CREATE OR REPLACE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$`,
        ...TABLES.map(full),
      ),
    end: (postgres) => postgres.sql(...TABLES.map((table) => `DROP TRIGGER full_disk ON ${table}`)),
  },
];

async function pass({ begin, end, lasts = 0, refuses = false }, { postgres, place, clients, random }) {
  const refused = clients.statuses.get(503) ?? 0;
  await begin(postgres, random);
  await sleep(lasts);
  if (refuses) {
    await until('clients are told 503', () => (clients.statuses.get(503) ?? 0) > refused, { limit: 10_000 * slowness });
    assert.equal((await request(place.url, { path: '/livez' })).status, 200);
  }
  await end?.(postgres);
  const since = performance.now();
  await clients.served();
  return performance.now() - since;
}

// Throws when something was lost or done twice, or a request was not answered. Figures.
export async function away({ rounds, seed, limit, say = () => {} }) {
  const random = randomOf(seed);
  const postgres = new Postgres();
  let place, clients;
  try {
    await postgres.start();
    place = new Place({ url: postgres.url });
    await place.start();
    const { serverPid } = place.server;
    clients = new Clients(() => place, { random });
    await clients.served();
    const back = [];
    for (let round = 0; round < rounds; round++) {
      for (const trouble of TROUBLES) {
        await sleep(500 + random() * 500);
        const took = await pass(trouble, { postgres, place, clients, random }).catch((error) => {
          throw new Error(`${trouble.name}: ${error.message}`, { cause: error });
        });
        say(`${trouble.name}: served again after ${Math.round(took)} ms`);
        back.push(took);
      }
    }
    await clients.stop();
    assert.equal(clients.lost, 0, 'requests without an answer');
    assert.equal(place.server.serverPid, serverPid, 'the server process was replaced');
    const since = performance.now();
    const { entries, ticks } = await balance(place, clients, { limit });
    const settled = performance.now() - since;
    await place.stop();
    return { back, entries, ticks, settled, answered: clients.answered.size, statuses: clients.statuses };
  } catch (error) {
    throw new Error(`seed ${seed}: ${error.message}\n${place?.server?.stderr.slice(-3000) ?? ''}`, { cause: error });
  } finally {
    await clients?.stop();
    await place?.remove();
    await postgres.remove();
  }
}

async function main([rounds = '5', seed = String(Math.floor(Math.random() * 2 ** 31))]) {
  console.log(`away: ${rounds} rounds, seed ${seed}`);
  const { back, entries, ticks, settled, answered, statuses } = await away({ rounds: Number(rounds), seed: Number(seed), limit: 900_000, say: console.log });
  console.log(`served again     ${spread(back)} after PostgreSQL was there`);
  console.log(`requests         ${answered} answered with 201, all were answered: ${[...statuses].map(([status, n]) => `${status}: ${n}`).join(', ')}`);
  console.log(`entries          ${entries}, each with one effect, ${Math.round(settled / 1000)} s after the last trouble; instants of the schedule ${ticks}`);
  console.log('nothing was lost, nothing was done twice');
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(process.argv.slice(2));

// database.mjs - the engines that the database may be on, and a new, empty database on one of them.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

// A server as `./dev pg url` or `./dev test` names it; its superuser makes databases there.
const server = process.env.DOWEL_TEST_POSTGRES;
let made = 0;

// Runs SQL as the superuser in the database of that name; what psql prints.
export async function psql(name, sql) {
  const url = server.replace('://dowel@', '://postgres@').replace(/\/dowel\?/, `/${name}?`);
  const { stdout } = await run('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', sql], { timeout: 20_000 });
  return stdout.trim();
}

// { name, url, drop() }: url is '' for SQLite in the data directory.
async function makePostgres() {
  const name = `e2e_${process.pid}_${made++}`;
  await psql('postgres', `CREATE DATABASE ${name} OWNER dowel_system ENCODING 'UTF8' TEMPLATE template0`);
  return { name, url: server.replace(/\/dowel\?/, `/${name}?`), drop: () => psql('postgres', `DROP DATABASE ${name} WITH (FORCE)`) };
}

const sqlite = { name: 'SQLite', isSqlite: true, make: async () => ({ name: '', url: '', drop: async () => {} }) };
const postgres = { name: 'PostgreSQL', isSqlite: false, make: makePostgres, skip: server ? false : 'DOWEL_TEST_POSTGRES is not set: export it as ./dev pg url' };

export const engines = [sqlite, postgres];

const PYTHON = 'import sqlite3, sys; db = sqlite3.connect(sys.argv[1], 10); rows = db.execute(sys.argv[2]).fetchall(); db.commit(); print("\\n".join("|".join(map(str, row)) for row in rows))';

// Runs SQL in a running server's database, behind its back; its rows as text.
export async function sql(server, database, text) {
  if (database.url) return psql(database.name, text);
  const { stdout } = await run('python3', ['-c', PYTHON, `${server.dataDir}/dowel.db`, text], { timeout: 20_000 });
  return stdout.trim();
}

// api.mjs - what an API costs: who asks, a row, a list, a durable insert; Dowel beside Fastify and FastAPI. See README.md.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';

import { request } from '../tests/e2e/support/client.mjs';
import { root, startServer, until } from '../tests/e2e/support/server.mjs';
import { signIn } from './api/sign_in.mjs';
import { median, options, shuffled, table, targets } from './support/figures.mjs';
import { binary, end, freePort, launch } from './support/peers.mjs';
import { cpuSeconds } from './support/processes.mjs';
import { round } from './support/wrk.mjs';

const chosen = options(
  {
    rounds: 5,
    seconds: 4,
    connections: 64,
    rows: 100_000,
    engines: 'sqlite,postgres',
    only: '', // names of servers, separated by commas
    mmap: '', // Dowel's database_mmap; empty: as it is by itself
    dir: join(root, 'build/bench'), // the disk that is meant
    'postgres-dir': '/var/tmp',
    out: join(root, 'build/bench/api.json'),
  },
  process.argv.slice(2),
);

const PEERS = join(root, 'bench/api/peers');
const SECRET = 'a secret of the peers, at least 32 bytes long';
const TEXT = 'It stands where it stood, and somebody should look at it before the weekend begins. ';
const NEW_THING = {
  title: 'One more thing', body: TEXT.repeat(7).slice(0, 560), state: 'open', priority: 2, amount: '12.50', due_at: '2026-12-24T18:00:00Z',
};

// What is asked for; the names are those of bench/api/request.lua.
const ASKS = [
  { ask: 'read', servers: ['dowel', 'fastify', 'fastapi', 'fastapi-models'] },
  { ask: 'list', servers: ['dowel', 'fastify', 'fastapi', 'fastapi-models'] },
  { ask: 'insert', servers: ['dowel', 'fastify', 'fastapi', 'fastapi-models', 'fastify-full', 'fastapi-full'] },
];

// ---- rows ----

// The same ones for all, written by the engine itself. `from` makes the numbers i.
const fill = (tenant, from, text) =>
  'INSERT INTO things (tenant_id, id, title, body, author, state, priority, amount, due_at, created_at, changed_at)' +
  ` SELECT '${tenant}', i, 'Thing ' || i, ${text}, 'user-' || (i % 100), CASE i % 3 WHEN 0 THEN 'open' WHEN 1 THEN 'waiting' ELSE 'done' END,` +
  ` i % 5 + 1, '12.50', '2026-12-01T08:00:00.000000Z', '2026-11-01T08:00:00.000000Z', '2026-11-02T08:00:00.000000Z' FROM ${from}`;

const onSqlite = (tenant) =>
  fill(tenant, 'n', `substr('${TEXT.repeat(7)}', 1, 560)`).replace(
    'INSERT INTO', `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${chosen.rows}) INSERT INTO`);
const onPostgres = (tenant) =>
  fill(tenant, `generate_series(1, ${chosen.rows}) AS i`, `substr('${TEXT.repeat(7)}', 1, 560)`)
    .replace(`'${tenant}', i`, `'${tenant}'::uuid, i`).replace("'12.50',", "12.50, ").replace(/'(2026-[^']*)'/g, "'$1'::timestamptz");

const tables = (text, decimal, time, uuid) =>
  `CREATE TABLE things (tenant_id ${uuid} NOT NULL, id BIGINT NOT NULL, title ${text} NOT NULL, body ${text} NOT NULL, author ${text} NOT NULL,` +
  ` state ${text} NOT NULL, priority INTEGER NOT NULL, amount ${decimal} NOT NULL, due_at ${time} NOT NULL, created_at ${time} NOT NULL,` +
  ` changed_at ${time} NOT NULL, PRIMARY KEY (tenant_id, id));` +
  `CREATE TABLE things_made (tenant_id ${uuid} NOT NULL, id ${uuid} NOT NULL, title ${text} NOT NULL, body ${text} NOT NULL, author ${text} NOT NULL,` +
  ` state ${text} NOT NULL, priority INTEGER NOT NULL, amount ${decimal} NOT NULL, due_at ${time} NOT NULL, created_at ${time} NOT NULL,` +
  ' PRIMARY KEY (tenant_id, id));';

const sqlite = (file, sql) => execFileSync('sqlite3', [file], { input: `${sql};`, encoding: 'utf8' }).trim();

// ---- engines: { url, sql(text), pid } each; a database of its own for Dowel, and one for the peers ----

const folders = [];
function folderIn(parent) {
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'dowel-bench-api-'));
  folders.push(folder);
  return folder;
}

let postgres;
function startPostgres() {
  const script = join(root, 'tests/support/postgres.sh');
  const parent = folderIn(chosen['postgres-dir']);
  chmodSync(parent, 0o755); // PostgreSQL's own user has to get in
  const folder = join(parent, 'pg');
  const started = spawnSync('sh', [script, 'start', folder, '--until', String(process.pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (started.status !== 0) throw new Error('PostgreSQL did not start');
  const psql = execFileSync('sh', ['-c', "find /usr/lib/postgresql -name psql | sort -V | tail -n 1"], { encoding: 'utf8' }).trim() || 'psql';
  postgres = {
    pid: Number(readFileSync(join(folder, 'cluster/postmaster.pid'), 'utf8').split('\n')[0]),
    url: (name) => `postgres://dowel@/${name}?host=${folder}`,
    sql: (name, text) => execFileSync(psql, ['-X', '-q', '-t', '-A', '-v', 'ON_ERROR_STOP=1', '-h', folder, '-U', 'postgres', '-d', name], { input: `${text};`, encoding: 'utf8' }).trim(),
    stop: () => execFileSync('sh', [script, 'stop', folder]),
  };
}

// ---- servers ----

async function startDowel(engine) {
  const data = folderIn(chosen.dir);
  const database = `${engine === 'postgres' ? `database_url: "${postgres.url('dowel')}"\n` : ''}${chosen.mmap ? `database_mmap: ${chosen.mmap}\n` : ''}`;
  const config = {
    'core.yaml': `access_log: false\nplugin_dirs: [${join(root, 'build/bench/api')}, ${join(root, 'build/bench/lib/dowel/plugins')}]\n${database}`,
    'things.yaml': 'enabled: true\n',
    'auth.yaml': 'enabled: true\naccess_token_ttl: 12h\n',
  };
  const server = await startServer({ binary: binary('dowel'), config, data });
  if (/plugin declined/.test(server.stderr)) throw new Error(server.stderr);
  const { token, tenant } = await signIn(server);
  const sql = engine === 'postgres' ? (text) => postgres.sql('dowel', text) : (text) => sqlite(join(data, 'dowel.db'), text);
  sql(engine === 'postgres' ? `SET ROLE dowel_system; SET dowel.tenant = '${tenant}'; ${onPostgres(tenant)}; ANALYZE things` : `${onSqlite(tenant)}; ANALYZE`);
  const count = engine === 'postgres' ? `SET row_security = off; SELECT count(*) FROM things_made` : 'SELECT count(*) FROM things_made';
  return { url: server.url, pid: server.pid, token, made: () => Number(sql(count)), stop: () => server.stop() };
}

const TENANT = '0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b';
const base64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
function peerToken() {
  const text = `${base64({ alg: 'HS256', typ: 'JWT' })}.${base64({ sub: 'user-1', tenant: TENANT, exp: Math.floor(Date.now() / 1000) + 36_000 })}`;
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
}

// Every peer has a database of its own: what one inserts does not slow the others down.
function peerDatabase(engine, name) {
  if (engine === 'postgres') {
    const database = name.replaceAll('-', '_');
    postgres.sql('postgres', `CREATE DATABASE ${database} OWNER dowel`);
    postgres.sql(database, `${tables('TEXT', 'NUMERIC(12,2)', 'TIMESTAMPTZ', 'UUID')} ${onPostgres(TENANT)}; GRANT ALL ON things, things_made TO dowel; ANALYZE things`);
    return { url: postgres.url(database), made: () => Number(postgres.sql(database, 'SELECT count(*) FROM things_made')) };
  }
  const file = join(folderIn(chosen.dir), 'peer.db');
  sqlite(file, `PRAGMA journal_mode = WAL; ${tables('TEXT', 'TEXT', 'TEXT', 'TEXT')} ${onSqlite(TENANT)}; ANALYZE`);
  return { url: file, made: () => Number(sqlite(file, 'SELECT count(*) FROM things_made')) };
}

// Fastify's packages are compiled where they are installed: once, beside the other things that are built.
function modules() {
  const folder = join(root, 'build/bench/api-peers');
  if (existsSync(join(folder, 'node_modules/fastify'))) return folder;
  mkdirSync(folder, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) copyFileSync(join(PEERS, name), join(folder, name));
  console.log('  installs the packages of Fastify');
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  return folder;
}

const PYTHON = '/usr/bin/python3'; // Debian's, which Debian's packages are for

async function startPeer(engine, name) {
  const { url: database, made } = peerDatabase(engine, name);
  const port = await freePort();
  const env = { ...process.env, SECRET, DATABASE: database, PORT: String(port), FULL: name.endsWith('-full') ? '1' : '0', LEAN: name.endsWith('-models') ? '0' : '1' };
  const child = name.startsWith('fastify')
    ? launch('node', [join(PEERS, 'fastify_peer.mjs')], { env: { ...env, MODULES: modules() } })
    : launch(PYTHON, ['-m', 'uvicorn', '--app-dir', PEERS, '--workers', '2', '--loop', 'uvloop', '--http', 'httptools', '--no-access-log',
      '--log-level', 'error', '--port', String(port), 'fastapi_peer:app'], { env: { ...env, PYTHONDONTWRITEBYTECODE: '1' } });
  const url = `http://127.0.0.1:${port}`;
  const token = peerToken();
  await until(`${name} answers`, () => request(url, { path: '/api/v1/things/1', headers: { Authorization: `Bearer ${token}` } }).then(({ status }) => status === 200, () => false), { limit: 30_000 });
  return { url, pid: child.pid, token, made, stop: () => end(child) };
}

// ---- the answers ----

// A wrong path once answered 404 at great speed: what is measured is looked at, before and after.
async function assertAnswers(name, server) {
  const headers = { Authorization: `Bearer ${server.token}` };
  const ask = async (options, status) => {
    const response = await request(server.url, { headers, ...options });
    assert.equal(response.status, status, `${name}: ${options.path}: ${response.text()}`);
    return response.json();
  };
  const thing = await ask({ path: '/api/v1/things/77' }, 200);
  assert.deepEqual([Number(thing.id), thing.title, thing.body.length, thing.author, thing.state, thing.priority, String(thing.amount)],
    [77, 'Thing 77', 560, 'user-77', 'done', 3, '12.50'], name);
  for (const [key, date] of [['due_at', '2026-12-01'], ['created_at', '2026-11-01'], ['changed_at', '2026-11-02']]) {
    assert.equal(new Date(thing[key]).toISOString(), `${date}T08:00:00.000Z`, `${name}: ${key}`);
  }
  const { items } = await ask({ path: '/api/v1/things?after=100' }, 200);
  assert.deepEqual(items.map(({ id }) => Number(id)), Array.from({ length: 50 }, (_, i) => 101 + i), name);
  const json = { 'Content-Type': 'application/json', ...headers };
  const made = await ask({ method: 'POST', path: '/api/v1/things', headers: json, body: JSON.stringify(NEW_THING) }, 201);
  assert.match(made.id, /^[0-9a-f-]{36}$/, name);
  const wrong = await request(server.url, { method: 'POST', path: '/api/v1/things', headers: json, body: JSON.stringify({ ...NEW_THING, state: 'closed' }) });
  assert.ok([400, 422].includes(wrong.status), `${name}: a wrong state was answered ${wrong.status}`);
  assert.equal((await request(server.url, { path: '/api/v1/things/77' })).status, 401, name);
  assert.equal((await request(server.url, { path: '/api/v1/things/77', headers: { Authorization: `Bearer ${server.token.slice(0, -6)}AAAAAA` } })).status, 401, name);
}

// ---- measuring ----

async function one(engine, { name, ask }, server) {
  const env = { DOWEL_BENCH_ASK: ask, DOWEL_BENCH_TOKEN: server.token, DOWEL_BENCH_ROWS: String(chosen.rows), DOWEL_BENCH_BODY: JSON.stringify(NEW_THING) };
  const madeBefore = ask === 'insert' ? server.made() : 0;
  const onServer = engine === 'postgres' ? cpuSeconds(postgres.pid) : 0;
  const result = await round(server, '/', { connections: chosen.connections, seconds: chosen.seconds, script: join(root, 'bench/api/request.lua'), env });
  result.pgUs = engine === 'postgres' ? ((cpuSeconds(postgres.pid) - onServer) * 1e6) / result.requests : 0;
  if (ask === 'insert') assert.ok(server.made() - madeBefore >= result.requests, `${name}: ${result.requests} were answered, ${server.made() - madeBefore} are there`);
  return result;
}

async function measure(engine, running) {
  const work = ASKS.flatMap(({ ask, servers }) => servers.filter((name) => running.has(name)).map((name) => ({ ask, name })));
  const rounds = new Map(work.map((entry) => [entry, []]));
  for (let i = 0; i < chosen.rounds; i++) {
    process.stdout.write(`  ${engine}, round ${i + 1} of ${chosen.rounds}\n`);
    for (const entry of shuffled(work)) rounds.get(entry).push(await one(engine, entry, running.get(entry.name)));
  }
  return work.map((entry) => {
    const all = rounds.get(entry);
    const of = (key) => median(all.map((result) => result[key]));
    return { engine, ...entry, cpuUs: of('cpuUs'), cpuUsMin: Math.min(...all.map((result) => result.cpuUs)), cpuUsMax: Math.max(...all.map((result) => result.cpuUs)),
      pgUs: of('pgUs'), perSecond: of('perSecond'), p50: of('p50'), p99: of('p99'), errors: all.reduce((sum, result) => sum + result.errors, 0), rounds: all };
  });
}

async function measureEngine(engine) {
  const names = [...new Set(ASKS.flatMap(({ servers }) => servers))].filter(
    (name) => (chosen.only === '' || chosen.only.split(',').includes(name)) && (engine === 'sqlite' || !name.endsWith('-full')));
  const running = new Map();
  try {
    for (const name of names) running.set(name, name === 'dowel' ? await startDowel(engine) : await startPeer(engine, name));
    for (const [name, server] of running) await assertAnswers(name, server);
    const rows = await measure(engine, running);
    for (const [name, server] of running) await assertAnswers(name, server);
    return rows;
  } finally {
    for (const server of running.values()) await server.stop();
  }
}

// ---- telling ----

function print(rows) {
  for (const engine of new Set(rows.map((row) => row.engine))) {
    for (const { ask } of ASKS) {
      const some = rows.filter((row) => row.engine === engine && row.ask === ask);
      const ours = some.find((row) => row.name === 'dowel');
      console.log(`\n${ask} on ${engine}, ${chosen.connections} connections, medians of ${chosen.rounds} rounds of ${chosen.seconds} s`);
      console.log(
        table(
          ['server', 'CPU us/req', 'min-max', 'x dowel', 'PG us/req', 'req/s', 'p50 ms', 'p99 ms', 'errors'],
          some.map((row) => [row.name, row.cpuUs.toFixed(1), `${row.cpuUsMin.toFixed(1)}-${row.cpuUsMax.toFixed(1)}`, ours ? (row.cpuUs / ours.cpuUs).toFixed(2) : '-',
            row.pgUs.toFixed(1), Math.round(row.perSecond), row.p50.toFixed(2), row.p99.toFixed(2), row.errors]),
        ),
      );
    }
  }
}

function targetsOf(rows) {
  const cpu = (engine, ask, name) => rows.find((row) => row.engine === engine && row.ask === ask && row.name === name)?.cpuUs;
  const wanted = [
    ['sqlite', 'read', 12, 3.5, 9],
    ['sqlite', 'list', 80, 3.5, 5],
    ['sqlite', 'insert', 36, 2, 4.5],
    ['postgres', 'read', 30, 3, 8],
  ].filter(([engine]) => rows.some((row) => row.engine === engine));
  return wanted.flatMap(([engine, ask, us, fastify, fastapi]) => {
    const ours = cpu(engine, ask, 'dowel');
    return [
      { what: `${ask} on ${engine}, CPU`, limit: us, value: ours, unit: 'us' },
      { what: `${ask} on ${engine}, of Fastify's CPU`, limit: Number((1 / fastify).toFixed(3)), value: ours / cpu(engine, ask, 'fastify'), unit: 'x' },
      { what: `${ask} on ${engine}, of lean FastAPI's CPU`, limit: Number((1 / fastapi).toFixed(3)), value: ours / cpu(engine, ask, 'fastapi'), unit: 'x' },
    ];
  });
}

async function main() {
  let rows = [];
  try {
    for (const engine of chosen.engines.split(',')) {
      if (engine === 'postgres') startPostgres();
      rows = rows.concat(await measureEngine(engine));
    }
  } finally {
    postgres?.stop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
  print(rows);
  const list = targetsOf(rows);
  console.log(`\n${targets(list).join('\n')}`);
  mkdirSync(join(chosen.out, '..'), { recursive: true });
  const machine = { cores: cpus().length, model: cpus()[0]?.model, kernel: release(), node: process.version };
  writeFileSync(chosen.out, `${JSON.stringify({ at: new Date().toISOString(), machine, options: chosen, rows, targets: list }, null, 2)}\n`);
  console.log(`\nwritten to ${chosen.out}`);
  if (rows.some((row) => row.errors > 0)) {
    console.log('there were errors: the figures of those rows mean nothing');
    process.exitCode = 1;
  }
}

await main();

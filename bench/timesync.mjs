// timesync.mjs - what it costs to move booked time: a first pass, passes in which nothing changed, and webhooks. See README.md.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';

import { request } from '../tests/e2e/support/client.mjs';
import { root, sleep, startServer, until } from '../tests/e2e/support/server.mjs';
import { Stage } from '../tests/e2e/support/timesync_stage.mjs';
import { options, table, targets } from './support/figures.mjs';
import { cpuSeconds, pss, pssOwn } from './support/processes.mjs';

const chosen = options(
  {
    entries: 100_000,
    tickets: 20_000,
    latency: 0, // ms that every answer of both peers takes longer
    parallel: 4, // the rule of the sync
    connection: 8, // requests at a time to each side
    passes: 3, // in which nothing changed
    rate: 50, // webhooks a second
    seconds: 60,
    engine: 'sqlite', // or postgres
    profile: 0, // of PostgreSQL: so many statements that took most of its time in each pass
    mmap: '', // core's database_mmap; empty: as it is by itself
    build: 'release',
    dir: join(root, 'build/bench'), // the disk that is meant
    out: join(root, 'build/bench/timesync.json'),
  },
  process.argv.slice(2),
);

const MIB = 1024 * 1024;
const PLUGINS = ['auth', 'zammad', 'kimai', 'timesync'];

// ---- the server, and what is under it ----

const folders = [];
function folderIn(parent) {
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'dowel-bench-timesync-'));
  folders.push(folder);
  return folder;
}

let postgres;
function startPostgres() {
  const script = join(root, 'tests/support/postgres.sh');
  const parent = folderIn('/var/tmp');
  chmodSync(parent, 0o755); // PostgreSQL's own user has to get in
  const folder = join(parent, 'pg');
  const started = spawnSync('sh', [script, 'start', folder, '--until', String(process.pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (started.status !== 0) throw new Error('PostgreSQL did not start');
  const stop = () => execFileSync('sh', [script, 'stop', folder]);
  const sql = (text) => execFileSync('psql', ['-X', '-A', '-t', '-F', '\t', '-h', folder, '-U', 'postgres', '-d', 'dowel', '-c', text], { encoding: 'utf8' });
  if (chosen.profile > 0) {
    appendFileSync(join(folder, 'cluster/postgresql.conf'), "shared_preload_libraries = 'pg_stat_statements, auto_explain'\nauto_explain.log_min_duration = 500\n");
    stop();
    execFileSync('sh', [script, 'start', folder], { stdio: ['ignore', 'ignore', 'inherit'] });
    sql('CREATE EXTENSION pg_stat_statements');
  }
  postgres = { pid: Number(readFileSync(join(folder, 'cluster/postmaster.pid'), 'utf8').split('\n')[0]), url: `postgres://dowel@/dowel?host=${folder}`, stop, sql, log: join(folder, 'log') };
}

// What took most of PostgreSQL's time since the last call, in a line each.
function printStatements() {
  if (!(chosen.profile > 0) || !postgres) return;
  const text = postgres.sql(`SELECT round(total_exec_time), calls, round((total_exec_time / calls)::numeric, 3), rows, round((shared_blks_hit + shared_blks_read) / calls),
    left(regexp_replace(query, '\\s+', ' ', 'g'), 150) FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT ${Number(chosen.profile)}`);
  const rows = text.trim().split('\n').map((line) => line.split('\t'));
  console.log(table(['ms', 'calls', 'ms each', 'rows', 'pages each', 'statement'], rows));
  console.log(`plans of what took half a second or more:\n${readFileSync(postgres.log, 'utf8')}`);
  postgres.sql('SELECT pg_stat_statements_reset()');
}

function startDowel() {
  const built = ['release', 'bench'].includes(chosen.build) ? chosen.build : 'release';
  const binary = join(root, 'build', built, 'bin/dowel');
  if (!existsSync(binary)) throw new Error(`${binary} is not there: ./dev build ${built}`);
  const database = `${postgres ? `database_url: "${postgres.url}"\n` : ''}${chosen.mmap ? `database_mmap: ${chosen.mmap}\n` : ''}`;
  const config = {
    'core.yaml': `access_log: false\nroute_limits: false\nrate_limit: off\nplugin_dirs: [${join(root, 'build', built, 'lib/dowel/plugins')}]\n${database}`,
    ...Object.fromEntries(PLUGINS.map((name) => [`${name}.yaml`, 'enabled: true\n'])),
  };
  config['auth.yaml'] += 'access_token_ttl: 12h\n';
  return startServer({ binary, config, data: folderIn(chosen.dir) });
}

// ---- measuring ----

const round = (value, digits = 2) => Number(value.toFixed(digits));

// The CPU of each process tree, as seconds since the last call.
function meter(stage) {
  const pids = { dowel: stage.server.pid, zammad: stage.zammad.pid, kimai: stage.kimai.pid, ...(postgres && { postgres: postgres.pid }) };
  const now = () => Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuSeconds(pid)]));
  let before = now();
  return () => {
    const after = now();
    const used = Object.fromEntries(Object.keys(pids).map((name) => [name, round(after[name] - before[name])]));
    before = after;
    return used;
  };
}

const STATEMENTS = { statements: ['dowel_db_statements_total'], transactions: ['dowel_db_transactions_total', 'commit'], commits: ['dowel_db_commits_total'], answered: ['dowel_client_duration_seconds_sum'], answers: ['dowel_client_duration_seconds_count'] };

async function counters(stage) {
  const all = {};
  for (const [name, [metric, labels]] of Object.entries(STATEMENTS)) all[name] = await stage.counter(metric, labels);
  return all;
}

// Does act(), and says what it cost: { seconds, cpu, requests, memory: [[s, MiB of its own, MiB with the file's pages]], statements... }.
async function measured(stage, act) {
  await stage.forget();
  const before = await counters(stage);
  const cpu = meter(stage);
  const begun = Date.now();
  const memoryAt = (at) => [at, round(pssOwn(stage.server.pid) / MIB, 1), round(pss(stage.server.pid) / MIB, 1)];
  const memory = [memoryAt(0)];
  const look = () => {
    const at = round((Date.now() - begun) / 1000, 1);
    if (at - memory.at(-1)[0] >= 1) memory.push(memoryAt(at));
  };
  const value = await act(look);
  const seconds = round((Date.now() - begun) / 1000);
  const used = cpu();
  memory.push(memoryAt(seconds));
  const after = await counters(stage);
  const did = Object.fromEntries(Object.keys(before).map((name) => [name, after[name] - before[name]]));
  return { value, seconds, cpu: used, requests: await stage.requests(), peers: await stage.times(), memory, ...did };
}

const total = (requests) => Object.values(requests).reduce((sum, n) => sum + n, 0);
const answerMs = ({ answered, answers }) => round((1000 * answered) / Math.max(1, answers), 1); // as long as the server saw one take
// As long as the stand-ins themselves took: less than answerMs() by what waited for one of the connection's places, or for a processor.
const peersMs = ({ peers }) => Object.entries(peers).map(([name, { n, ms, peak }]) => `${name} ${round(ms / Math.max(1, n), 1)} ms, ${peak} at once`).join('; ');
const most = (memory) => Math.max(...memory.map(([, size]) => size));

// ---- what is measured ----

async function pass(stage, kind, expected) {
  const result = await measured(stage, (look) => stage.run(kind, { limit: 3_600_000, look }));
  const { state, reason, detail, ...counts } = result.value;
  assert.equal(state, 'done', `${kind}: ${state} ${reason} ${detail}`);
  for (const [name, n] of Object.entries(expected)) assert.equal(counts[name], n, `${kind}: ${name}`);
  console.log(`  ${kind}: ${result.seconds} s, CPU ${JSON.stringify(result.cpu)}, ${total(result.requests)} requests, ${result.statements} statements, answers ${answerMs(result)} ms (${peersMs(result)}), ${most(result.memory)} MiB`);
  printStatements();
  return result;
}

// Sorted numbers as { median, p90, p99, max }.
function spread(sorted) {
  const of = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
  return { median: of(0.5), p90: of(0.9), p99: of(0.99), max: sorted.at(-1) };
}

const spreadOf = (numbers) => spread(numbers.map((n) => Math.round(n)).sort((a, b) => a - b));

// By ticket, in the order in which they began: [{ created, started }] in ms.
async function ticketRuns(stage, since) {
  const runs = new Map();
  for (let cursor = ''; cursor !== undefined;) {
    const page = await stage.api('GET', `/timesync/runs?kind=tickets&limit=100&since=${since.toISOString()}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    for (const { scope, created_at, started_at } of page.items) {
      const ticket = Number(scope.tickets[0]);
      runs.set(ticket, [...(runs.get(ticket) ?? []), { created: Date.parse(created_at), started: Date.parse(started_at) }]);
    }
    cursor = page.next ?? undefined;
  }
  for (const list of runs.values()) list.sort((a, b) => a.started - b.started);
  return runs;
}

// Where the time went between a booking and its timesheet: until its run was there (trigger, inbox, event), until that began (one of
// so many at a time), and until Kimai had the timesheet (two requests to Zammad, two to Kimai).
async function parts(stage, bookings, storedAt, since) {
  const runs = await ticketRuns(stage, since);
  const told = [];
  const turn = [];
  const work = [];
  for (const [id, booked, ticket] of bookings) {
    const run = (runs.get(ticket) ?? []).find(({ started }) => started >= booked);
    if (!run) continue;
    const there = Math.max(booked, run.created);
    told.push(there - booked);
    turn.push(run.started - there);
    work.push(storedAt.get(id) - run.started);
  }
  return { told: spreadOf(told), turn: spreadOf(turn), work: spreadOf(work) };
}

async function webhooks(stage) {
  const { rate, seconds } = chosen;
  const since = new Date();
  await stage.listen();
  await stage.kimai.ask('created');
  const n = rate * seconds;
  const made = [];
  const result = await measured(stage, async (look) => {
    const booking = stage.zammad.ask('bookings', { rate, seconds, tickets: stage.tickets });
    await until(`${n} timesheets`, async () => {
      look();
      made.push(...(await stage.kimai.ask('created')));
      return made.length >= n;
    }, { limit: (seconds + 120) * 1000, every: 200 });
    return booking;
  });
  const at = new Map(made);
  const waits = result.value.map(([id, booked]) => at.get(id) - booked).sort((a, b) => a - b);
  assert.equal(waits.length, n);
  assert.ok(waits.every((wait) => wait >= 0));
  const latency = spread(waits);
  console.log(`  webhooks: ${result.seconds} s, ${JSON.stringify(latency)} ms, CPU ${JSON.stringify(result.cpu)}, ${total(result.requests)} requests, ${result.statements} statements, answers ${answerMs(result)} ms (${peersMs(result)})`);
  printStatements();
  const where = await parts(stage, result.value, at, since);
  delete result.value;
  for (const [name, one] of Object.entries(where)) console.log(`    ${name}: ${JSON.stringify(one)} ms`);
  return { ...result, latency, where, n };
}

async function measure(stage) {
  const entries = chosen.entries;
  const rows = [];
  console.log(`${entries} entries on ${chosen.tickets} tickets, ${chosen.engine}, ${chosen.latency} ms an answer`);
  rows.push({ what: 'first', n: entries, ...(await pass(stage, 'full', { created: entries, examined: entries })) });
  await stage.check();
  for (let i = 0; i < chosen.passes; i++) rows.push({ what: `unchanged ${i + 1}`, n: entries, ...(await pass(stage, 'full', { unchanged: entries, examined: entries })) });
  rows.push({ what: 'poll', n: entries, ...(await pass(stage, 'poll', {})) });
  await stage.check();
  if (chosen.seconds > 0) {
    rows.push({ what: 'webhooks', ...(await webhooks(stage)) });
    await sleep(1000);
    await stage.check();
    const all = entries + chosen.rate * chosen.seconds;
    rows.push({ what: 'full after', n: all, ...(await pass(stage, 'full', { examined: all })) });
    await stage.check();
  }
  return rows;
}

// ---- telling ----

function print(rows) {
  const cpuOf = (row, name) => row.cpu[name]?.toFixed(1) ?? '-';
  const db = postgres ? ['PG s'] : [];
  console.log(`\n${table(
    ['pass', 'entries', 'seconds', 'CPU s', ...db, 'Zammad s', 'Kimai s', 'requests', 'an entry', 'statements', 'commits', 'MiB before', 'most', 'after', 'with file'],
    rows.map((row) => [row.what, row.n, row.seconds, cpuOf(row, 'dowel'), ...(postgres ? [cpuOf(row, 'postgres')] : []), cpuOf(row, 'zammad'), cpuOf(row, 'kimai'),
      total(row.requests), (total(row.requests) / row.n).toFixed(4), row.statements, row.commits || row.transactions, row.memory[0][1], most(row.memory), row.memory.at(-1)[1], row.memory.at(-1)[2]]),
  )}`);
  for (const row of rows.filter(({ what }) => ['first', 'unchanged 1', 'poll', 'webhooks'].includes(what))) {
    console.log(`\nrequests of "${row.what}", by kind and per entry`);
    console.log(table(['request', 'number', 'an entry'], Object.entries(row.requests).map(([what, n]) => [what, n, (n / row.n).toFixed(4)])));
  }
  const { latency } = rows.find(({ what }) => what === 'webhooks') ?? {};
  if (latency) console.log(`\nbooking to timesheet at ${chosen.rate} a second: ${Object.entries(latency).map(([name, ms]) => `${name} ${ms} ms`).join(', ')}`);
}

function targetsOf(rows) {
  const of = (what) => rows.find((row) => row.what === what);
  const again = rows.filter(({ what }) => what.startsWith('unchanged'));
  const full = chosen.entries === 100_000;
  return [
    ...(full && again.length > 0 ? [{ what: 'a pass with nothing changed, CPU', limit: 10, value: Math.max(...again.map(({ cpu }) => cpu.dowel)), unit: 's' }] : []),
    ...(again.length > 1 ? [{ what: 'the most memory in the last such pass above that in the first', limit: 5, value: most(again.at(-1).memory) - most(again[0].memory), unit: 'MiB' }] : []),
    ...(of('webhooks') ? [{ what: 'booking to timesheet, the slowest', limit: 2000, value: of('webhooks').latency.max, unit: 'ms' }] : []),
    ...(chosen.latency > 0 ? [{ what: 'first pass, of the time that the answers to its writes take', limit: 1.25, value: of('first').seconds / answerTime(of('first')), unit: 'x' }] : []),
  ];
}

// What the changes alone take when as many as allowed are under way: that is the limit. An answer takes as long as the server saw it
// take: where the stand-ins have to wait for a processor, that is more than the latency.
function answerTime({ requests, answered, answers }) {
  const writes = Object.entries(requests).filter(([what]) => /^kimai (POST|PATCH|DELETE)/.test(what)).reduce((sum, [, n]) => sum + n, 0);
  const each = answered / answers;
  return (writes * each) / chosen.parallel;
}

async function main() {
  if (chosen.engine === 'postgres') startPostgres();
  let stage;
  let rows;
  try {
    stage = await Stage.set({ start: startDowel, entries: chosen.entries, tickets: chosen.tickets, latency: chosen.latency, connection: { parallel: chosen.connection }, rules: { parallel: chosen.parallel } });
    rows = await measure(stage);
  } finally {
    await stage?.strike();
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
}

await main();

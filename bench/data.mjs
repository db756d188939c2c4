// data.mjs - what a session costs beside the engine's library doing the same, on SQLite and PostgreSQL: CPU per operation,
// in one run. And a connection a worker beside one that all workers share. See README.md.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

import { root } from '../tests/e2e/support/server.mjs';
import { median, options, shuffled, table, targets } from './support/figures.mjs';

const chosen = options(
  {
    rounds: 5,
    milliseconds: 1000, // of one measurement
    clients: 64, // threads that insert
    engines: 'sqlite,postgres',
    dir: join(root, 'build/bench'), // SQLite's, on the disk whose syncs are measured
    'postgres-dir': '/var/tmp', // PostgreSQL's, where its own user can get to
    out: join(root, 'build/bench/data.json'),
  },
  process.argv.slice(2),
);

// What is measured together, and stands in one table.
const READ = { work: 'read', threads: 1, what: 'a row of 840 bytes by its key, as JSON' };
const LIST = { work: 'list', threads: 1, what: '50 rows, 42 kB, as JSON' };
const INSERT = { work: 'insert', what: 'a row, on the disk when it is answered' };
const PACED = { work: 'paced', what: 'the same, with a rest of a millisecond before each' };
const MIXED = { work: 'mixed', what: 'the same, and after 200 of them a scan of some milliseconds' };
const WAYS = ['raw', 'raw-guarded', 'session'];
const SHARED = ['raw-guarded', 'session', 'pipelined']; // a connection each, twice, and one for all
const WORKS = [
  { engine: 'sqlite', ...READ, ways: WAYS },
  { engine: 'sqlite', ...LIST, ways: WAYS },
  { engine: 'sqlite', ...INSERT, threads: chosen.clients, ways: WAYS },
  { engine: 'postgres', ...READ, ways: [...WAYS, 'pipelined'] },
  { engine: 'postgres', ...READ, threads: 8, ways: SHARED },
  { engine: 'postgres', ...READ, threads: 64, ways: SHARED },
  { engine: 'postgres', ...PACED, threads: 8, ways: SHARED },
  { engine: 'postgres', ...MIXED, threads: 8, ways: SHARED },
  { engine: 'postgres', ...MIXED, threads: 64, ways: SHARED },
  { engine: 'postgres', ...LIST, ways: WAYS },
  { engine: 'postgres', ...INSERT, threads: 1, ways: WAYS },
  { engine: 'postgres', ...INSERT, threads: chosen.clients, ways: WAYS },
];

// ---- the databases ----

const folders = [];
process.on('exit', () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

function folderIn(parent) {
  const TMPFS = 0x01021994;
  mkdirSync(parent, { recursive: true });
  if (statfsSync(parent).type === TMPFS) console.log(`  ${parent} is memory: what inserts cost on a disk is not seen there`);
  folders.push(mkdtempSync(join(parent, 'data-')));
  return folders.at(-1);
}

// A private server that syncs as it should; undefined where PostgreSQL is not installed.
function startPostgres() {
  const script = join(root, 'tests/support/postgres.sh');
  const folder = folderIn(chosen['postgres-dir']);
  try {
    const url = execFileSync(script, ['start', folder, '--until', String(process.pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    process.on('exit', () => execFileSync(script, ['stop', folder]));
    return url.trim();
  } catch (error) {
    if (!/there is no PostgreSQL here/.test(error.stderr)) throw error;
    console.log('  PostgreSQL is left out, as it is not installed: apt-get install postgresql');
    return undefined;
  }
}

const START = { sqlite: () => `sqlite:${join(folderIn(chosen.dir), 'data.db')}`, postgres: startPostgres };
const urls = Object.fromEntries(chosen.engines.split(',').map((engine) => [engine, START[engine]()]));

// ---- measuring ----

const works = WORKS.filter(({ engine }) => urls[engine]);
const rounds = [];

function measure(way, { engine, work, threads }) {
  const program = join(root, 'build/bench/bin/bench_data');
  const said = execFileSync(program, [way, work, String(threads), String(chosen.milliseconds), urls[engine]]);
  return { engine, ...JSON.parse(said) };
}

for (let i = 0; i < chosen.rounds; i++) {
  console.log(`  round ${i + 1} of ${chosen.rounds}`);
  for (const one of shuffled(works.flatMap((work) => work.ways.map((way) => ({ way, ...work }))))) {
    rounds.push(measure(one.way, one));
  }
}

// ---- what came out ----

const of = (way, { engine, work, threads }) =>
  rounds.filter((r) => r.way === way && r.engine === engine && r.work === work && r.threads === threads);
const figure = (way, work, name) => median(of(way, work).map((r) => r[name]));
const total = (way, work) => median(of(way, work).map((r) => r.cpuUs + r.serverUs));

// All ways write the same JSON, or they did not do the same work; ids have one to four digits.
for (const work of works) {
  const [first, ...others] = work.ways.map((way) => figure(way, work, 'bytes'));
  if (others.some((bytes) => Math.abs(bytes - first) > 0.001 * first + 1)) throw new Error(`${work.engine} ${work.work}: the answers are not alike`);
}

function print(work) {
  const onServer = work.engine === 'postgres';
  const isTimed = figure(work.ways[0], work, 'p99Us') > 0;
  const base = work.ways[0];
  const rows = work.ways.map((way) => [
    way,
    figure(way, work, 'us').toFixed(1),
    Math.round(figure(way, work, 'perSecond')),
    figure(way, work, 'cpuUs').toFixed(2),
    (figure(way, work, 'cpuUs') / figure(base, work, 'cpuUs')).toFixed(2),
    ...(onServer ? [figure(way, work, 'serverUs').toFixed(2), (total(way, work) / total(base, work)).toFixed(2)] : []),
    ...(isTimed ? [(figure(way, work, 'p99Us') / 1000).toFixed(2)] : []),
  ]);
  console.log(`\n${work.engine}, ${work.work}: ${work.what}; ${work.threads} thread${work.threads > 1 ? 's' : ''}`);
  const columns = ['way', 'us', 'op/s', 'CPU us/op', `x ${base}`];
  if (onServer) columns.push('server us/op', `both x ${base}`);
  if (isTimed) columns.push('p99 ms');
  console.log(table(columns, rows));
}

works.forEach(print);

function targetsOf(engine) {
  const of = (name, threads) => works.find((w) => w.engine === engine && w.work === name && w.threads === threads);
  const [read, list, insert] = [of('read', 1), of('list', 1), of('insert', chosen.clients)];
  const ratio = (work, to) => total('session', work) / total(to, work);
  const one = (what, limit, value) => ({ what: `${engine}: ${what}`, limit, value, unit: 'x' });
  const same = [
    one('read, beside the same guard', 1.3, ratio(read, 'raw-guarded')),
    one('read, beside no guard', 1.5, ratio(read, 'raw')),
    one('list, beside the same guard', 1.3, ratio(list, 'raw-guarded')),
    one('list, beside no guard', 1.5, ratio(list, 'raw')),
    one('insert, beside no guard', 1.8, ratio(insert, 'raw')),
  ];
  // SQLite has one writer: its raw way is one commit each, whoever waits. PostgreSQL's is one client at a time.
  const alone = engine === 'sqlite' ? figure('raw', insert, 'perSecond') : figure('session', of('insert', 1), 'perSecond');
  const what = `time of a durable insert of ${chosen.clients} clients, beside one commit each`;
  return [...same, one(what, 0.25, alone / figure('session', insert, 'perSecond'))];
}

console.log('');
for (const engine of Object.keys(urls).filter((name) => urls[name])) console.log(targets(targetsOf(engine)).join('\n'));
writeFileSync(chosen.out, JSON.stringify({ date: new Date().toISOString(), options: chosen, rounds }, null, 2));

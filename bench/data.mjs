// data.mjs - what a session costs beside SQLite's library doing the same: CPU per operation, in one run. See README.md.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { root } from '../tests/e2e/support/server.mjs';
import { median, options, shuffled, table, targets } from './support/figures.mjs';

const chosen = options(
  {
    rounds: 5,
    milliseconds: 1000, // of one measurement
    clients: 64, // threads that insert
    dir: join(root, 'build/bench'), // on the disk whose syncs are measured
    out: join(root, 'build/bench/data.json'),
  },
  process.argv.slice(2),
);

const WAYS = ['raw', 'raw-guarded', 'session'];
const WORKS = [
  { work: 'read', threads: 1, what: 'a row of 840 bytes by its key, as JSON' },
  { work: 'list', threads: 1, what: '50 rows, 42 kB, as JSON' },
  { work: 'insert', threads: chosen.clients, what: 'a row, on the disk when it is answered' },
];

mkdirSync(chosen.dir, { recursive: true });
const folder = mkdtempSync(join(chosen.dir, 'data-'));

function measure(way, { work, threads }) {
  const program = join(root, 'build/bench/bin/bench_data');
  return JSON.parse(execFileSync(program, [way, work, String(threads), String(chosen.milliseconds), join(folder, 'data.db')]));
}

const rounds = [];
try {
  for (let i = 0; i < chosen.rounds; i++) {
    console.log(`  round ${i + 1} of ${chosen.rounds}`);
    for (const one of shuffled(WORKS.flatMap((work) => WAYS.map((way) => ({ way, ...work }))))) {
      rounds.push(measure(one.way, one));
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}

const figure = (way, work, name) => median(rounds.filter((r) => r.way === way && r.work === work).map((r) => r[name]));
const ratio = (work, to, name = 'cpuUs') => figure('session', work, name) / figure(to, work, name);

for (const { work, threads, what } of WORKS) {
  console.log(`\n${work}: ${what}; ${threads} thread${threads > 1 ? 's' : ''}`);
  const rows = WAYS.map((way) => [
    way,
    figure(way, work, 'cpuUs').toFixed(2),
    (figure(way, work, 'cpuUs') / figure('raw', work, 'cpuUs')).toFixed(2),
    Math.round(figure(way, work, 'perSecond')),
  ]);
  console.log(table(['way', 'CPU us/op', 'x raw', 'op/s'], rows));
}

console.log('');
console.log(
  targets([
    { what: 'read, beside the same guard', limit: 1.3, value: ratio('read', 'raw-guarded'), unit: 'x' },
    { what: 'read, beside no guard', limit: 1.5, value: ratio('read', 'raw'), unit: 'x' },
    { what: 'list, beside the same guard', limit: 1.3, value: ratio('list', 'raw-guarded'), unit: 'x' },
    { what: 'list, beside no guard', limit: 1.5, value: ratio('list', 'raw'), unit: 'x' },
    { what: 'insert, beside no guard', limit: 1.8, value: ratio('insert', 'raw'), unit: 'x' },
    {
      what: `time of a durable insert of ${chosen.clients} clients, beside one commit each`,
      limit: 0.25,
      value: 1 / ratio('insert', 'raw', 'perSecond'),
      unit: 'x',
    },
  ]).join('\n'),
);
writeFileSync(chosen.out, JSON.stringify({ date: new Date().toISOString(), options: chosen, rounds }, null, 2));

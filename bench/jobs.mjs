// jobs.mjs - how many jobs a second are added and run, in a database of the benchmark's own. See README.md.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';

import { root } from '../tests/e2e/support/server.mjs';
import { options, table } from './support/figures.mjs';

// In the order of the rows; a rate below is told, and fails nothing.
const WANTED = [5000, 5000, 20000, undefined];

const chosen = options({ scale: 1, url: '', out: join(root, 'build/bench/jobs.json') }, process.argv.slice(2));

mkdirSync(join(chosen.out, '..'), { recursive: true });
const folder = mkdtempSync(join(chosen.out, '..', 'jobs-'));
let rows;
try {
  const url = chosen.url || `sqlite:${join(folder, 'jobs.db')}`;
  rows = execFileSync(join(root, 'build/bench/bin/bench_jobs'), [url, String(chosen.scale)], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const judge = (rate, wanted) => (wanted === undefined ? '-' : `${wanted} ${rate >= wanted ? 'met' : 'NOT MET'}`);
console.log(
  table(
    ['jobs', 'number', 'seconds', 'a second', 'target'],
    rows.map(({ what, jobs, seconds, rate }, i) => [what, jobs, seconds, rate, judge(rate, WANTED[i])]),
  ),
);

const machine = { cores: cpus().length, model: cpus()[0]?.model, kernel: release(), node: process.version };
writeFileSync(chosen.out, `${JSON.stringify({ at: new Date().toISOString(), machine, options: { scale: chosen.scale }, rows }, null, 2)}\n`);
console.log(`\nwritten to ${chosen.out}`);

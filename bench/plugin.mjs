// plugin.mjs - what a step through the host's table costs a plugin, beside the same step called directly. See README.md.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';

import { root } from '../tests/e2e/support/server.mjs';
import { options, table, targets } from './support/figures.mjs';

const LIMIT_NS = 20;

const chosen = options({ rounds: 50, out: join(root, 'build/bench/plugin.json') }, process.argv.slice(2));

const rows = execFileSync(join(root, 'build/bench/bin/bench_calls'), [String(chosen.rounds)], { encoding: 'utf8' })
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

const ns = (value) => (value === undefined ? '-' : value.toFixed(1));
console.log(
  table(
    ['step', 'table ns', 'direct ns', 'more ns'],
    rows.map(({ step, table: by, direct }) => [step, ns(by), ns(direct), direct === undefined ? '-' : ns(by - direct)]),
  ),
);

const list = rows
  .filter(({ direct }) => direct !== undefined)
  .map(({ step, table: by, direct }) => ({ what: `${step}, more than directly`, limit: LIMIT_NS, value: by - direct, unit: 'ns' }));
console.log(`\n${targets(list).join('\n')}`);

mkdirSync(join(chosen.out, '..'), { recursive: true });
const machine = { cores: cpus().length, model: cpus()[0]?.model, kernel: release(), node: process.version };
writeFileSync(chosen.out, `${JSON.stringify({ at: new Date().toISOString(), machine, options: chosen, rows, targets: list }, null, 2)}\n`);
console.log(`\nwritten to ${chosen.out}`);

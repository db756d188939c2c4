// hello.mjs - what one small request costs: Dowel beside its peers, in one run. See README.md.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';

import { request } from '../tests/e2e/support/client.mjs';
import { root, sleep } from '../tests/e2e/support/server.mjs';
import { median, options, shuffled, table, targets } from './support/figures.mjs';
import { SERVERS, binary, startAll } from './support/peers.mjs';
import { pss } from './support/processes.mjs';
import { round } from './support/wrk.mjs';

const chosen = options(
  {
    rounds: 5,
    seconds: 4,
    connections: '64,1000',
    only: '', // names of scenarios, separated by commas
    idle: 10_000, // connections held for the memory figures; 0: leave them out
    'events-path': '/events',
    out: join(root, 'build/bench/hello.json'),
  },
  process.argv.slice(2),
);
const connectionCounts = chosen.connections.split(',').map(Number);

const SCENARIOS = [
  { name: 'epoll', server: 'epoll', path: '/', body: 'ok\n' },
  { name: 'nginx', server: 'nginx', path: '/', body: 'ok\n' },
  { name: 'evhttp', server: 'evhttp', path: '/', body: 'ok\n' },
  { name: 'dowel-loop', server: 'dowel', path: '/livez' },
  { name: 'dowel-worker', server: 'dowel', path: '/api/health' },
].filter(({ name }) => chosen.only === '' || chosen.only.split(',').includes(name));

function available(names) {
  return names.filter((name) => {
    if (!SERVERS[name].missing?.()) return true;
    console.log(`left out: ${name} is not built`);
    return false;
  });
}

// A wrong path once answered 404 at great speed: what is measured is looked at, before and after.
async function assertAnswer(server, scenario) {
  const response = await request(server.url, { path: scenario.path });
  assert.equal(response.status, 200, `${scenario.name}: ${scenario.path}`);
  if (scenario.body !== undefined) assert.equal(response.text(), scenario.body, scenario.name);
  else assert.notEqual(response.body.length, 0, scenario.name);
}

// Rounds of all scenarios in shuffled order, so that what the machine does meanwhile hits all alike.
async function measure(running, scenarios, connections) {
  const rounds = new Map(scenarios.map(({ name }) => [name, []]));
  for (let i = 0; i < chosen.rounds; i++) {
    process.stdout.write(`  ${connections} connections, round ${i + 1} of ${chosen.rounds}\n`);
    for (const scenario of shuffled(scenarios)) {
      const server = running.get(scenario.server);
      rounds.get(scenario.name).push(await round(server, scenario.path, { connections, seconds: chosen.seconds }));
      await assertAnswer(server, scenario);
    }
  }
  return scenarios.map(({ name, server }) => {
    const all = rounds.get(name);
    const of = (key) => median(all.map((one) => one[key]));
    return {
      name,
      connections,
      cpuUs: of('cpuUs'),
      cpuUsMin: Math.min(...all.map((one) => one.cpuUs)),
      cpuUsMax: Math.max(...all.map((one) => one.cpuUs)),
      perSecond: of('perSecond'),
      p50: of('p50'),
      p99: of('p99'),
      errors: all.reduce((sum, one) => sum + one.errors, 0),
      pss: pss(running.get(server).pid),
      rounds: all,
    };
  });
}

// PSS growth of a server, in bytes for each connection that asked once and is held.
async function idleGrowth(server, path, count) {
  const before = pss(server.pid);
  const child = spawn(binary('idle_clients'), [new URL(server.url).port, String(count), path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.on('close', resolve));
  const ready = new Promise((resolve) => child.stdout.once('data', () => resolve(true)));
  child.stdin.on('error', () => {}); // it has ended already
  const isReady = (await Promise.race([ready, ended])) === true;
  await sleep(500);
  const grown = pss(server.pid) - before;
  child.stdin.end();
  const code = await ended; // not 0 when a connection was refused or did not last
  return isReady && code === 0 ? grown / count : undefined;
}

async function measureIdle(names) {
  const figures = {};
  for (const name of names) {
    // A fresh server: memory that the load has left behind would hide what connections need.
    const server = await SERVERS[name].start();
    try {
      const path = { testserver: chosen['events-path'], dowel: '/livez' }[name] ?? '/';
      figures[name] = { path, bytes: await idleGrowth(server, path, chosen.idle) };
    } finally {
      await server.stop();
    }
  }
  return figures;
}

function print(rows) {
  for (const connections of connectionCounts) {
    const some = rows.filter((row) => row.connections === connections);
    const nginx = some.find((row) => row.name === 'nginx');
    console.log(`\n${connections} connections, medians of ${chosen.rounds} rounds of ${chosen.seconds} s`);
    console.log(
      table(
        ['server', 'CPU us/req', 'min-max', 'x nginx', 'req/s', 'p50 ms', 'p99 ms', 'PSS MB', 'errors'],
        some.map((row) => [
          row.name,
          row.cpuUs.toFixed(2),
          `${row.cpuUsMin.toFixed(1)}-${row.cpuUsMax.toFixed(1)}`,
          nginx ? (row.cpuUs / nginx.cpuUs).toFixed(2) : '-',
          Math.round(row.perSecond),
          row.p50.toFixed(2),
          row.p99.toFixed(2),
          (row.pss / 1e6).toFixed(1),
          row.errors,
        ]),
      ),
    );
  }
}

function targetsOf(rows, idle) {
  const cpu = (name, connections) => rows.find((row) => row.name === name && row.connections === connections)?.cpuUs;
  return [
    { what: 'from the loop, CPU against nginx', limit: 1.1, value: cpu('dowel-loop', 64) / cpu('nginx', 64), unit: 'x' },
    { what: 'through a worker, CPU against nginx', limit: 1.5, value: cpu('dowel-worker', 64) / cpu('nginx', 64), unit: 'x' },
    { what: '1,000 connections against 64, CPU', limit: 1.15, value: cpu('dowel-loop', 1000) / cpu('dowel-loop', 64), unit: 'x' },
    { what: 'an idle keep-alive connection, PSS', limit: 6, value: idle.dowel?.bytes / 1000, unit: 'kB' },
    { what: 'an idle event stream, PSS', limit: 12, value: idle.testserver?.bytes / 1000, unit: 'kB' },
  ];
}

async function main() {
  const names = available([...new Set(SCENARIOS.map(({ server }) => server))]);
  const scenarios = SCENARIOS.filter(({ server }) => names.includes(server));
  const running = await startAll(names);
  let rows = [];
  try {
    for (const scenario of scenarios) await assertAnswer(running.get(scenario.server), scenario);
    for (const connections of connectionCounts) rows = rows.concat(await measure(running, scenarios, connections));
  } finally {
    for (const server of running.values()) await server.stop();
  }
  print(rows);

  const idle = chosen.idle > 0 ? await measureIdle(available([...names, 'testserver'])) : {};
  if (chosen.idle > 0) {
    console.log(`\nPSS growth of ${chosen.idle} idle connections`);
    console.log(table(['server', 'path', 'kB each'], Object.entries(idle).map(([name, { path, bytes }]) => [name, path, bytes === undefined ? '-' : (bytes / 1000).toFixed(2)])));
  }

  const list = targetsOf(rows, idle);
  console.log(`\n${targets(list).join('\n')}`);
  mkdirSync(join(chosen.out, '..'), { recursive: true });
  const machine = { cores: cpus().length, model: cpus()[0]?.model, kernel: release(), node: process.version };
  writeFileSync(chosen.out, `${JSON.stringify({ at: new Date().toISOString(), machine, options: chosen, rows, idle, targets: list }, null, 2)}\n`);
  console.log(`\nwritten to ${chosen.out}`);
  if (rows.some((row) => row.errors > 0)) {
    console.log('there were errors: the figures of those rows mean nothing');
    process.exitCode = 1;
  }
}

await main();

// slow.mjs - what clients that are slow on purpose do to the others: the same measurement in peace and under each of
// slowhttptest's attacks. See README.md.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { root, sleep } from '../tests/e2e/support/server.mjs';
import { options, table } from './support/figures.mjs';
import { SERVERS } from './support/peers.mjs';
import { measureRate } from './support/rate.mjs';

const chosen = options(
  {
    servers: 'dowel,testserver,nginx', // of these only the test server has a route that reads content
    path: '/livez', // nginx answers every path
    'attack-path': '/livez',
    connections: 1000,
    rate: 200, // requests a second of the clients that behave
    seconds: 15,
    out: join(root, 'build/bench/slow.json'),
  },
  process.argv.slice(2),
);

// Options of slowhttptest: -r connections a second, -i seconds between two pieces, -x longest piece, -p patience with
// an answer, in seconds.
const ATTACKS = {
  'slow header': ['-H', '-i', '2', '-x', '16'],
  'slow body': ['-B', '-i', '2', '-x', '16', '-s', '65536', '-t', 'POST'],
  'slow read': ['-X', '-k', '3', '-n', '5', '-w', '512', '-y', '1024', '-z', '32'],
};

function attack(flags, target) {
  const common = ['-c', String(chosen.connections), '-r', '500', '-l', String(chosen.seconds + 6), '-p', '5', '-u', target];
  const child = spawn('slowhttptest', [...flags, ...common], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  return {
    // The most connections that the attacker held at once: without them there was no attack.
    held() {
      const plain = said.replaceAll(/\x1b\[[0-9;]*m/g, '');
      return Math.max(0, ...[...plain.matchAll(/connected:\s*(\d+)/g)].map((match) => Number(match[1])));
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGINT');
      const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
      await once(child, 'close');
      clearTimeout(timer);
    },
  };
}

async function measureServer(name) {
  const server = await SERVERS[name].start();
  const rows = [];
  const measure = () => measureRate(server.url, chosen.path, { perSecond: chosen.rate, seconds: chosen.seconds });
  try {
    await measureRate(server.url, chosen.path, { perSecond: chosen.rate, seconds: 1 }); // warm
    rows.push({ server: name, attack: 'none', held: 0, ...(await measure()) });
    for (const [what, flags] of Object.entries(ATTACKS)) {
      const path = (flags.includes('-B') && SERVERS[name].bodyPath) || chosen['attack-path'];
      const attacker = attack(flags, server.url + path);
      try {
        await sleep(3000); // until the connections are there
        const figures = await measure();
        await attacker.stop(); // it writes what it saw when it ends
        rows.push({ server: name, attack: what, held: attacker.held(), ...figures });
      } finally {
        await attacker.stop();
      }
    }
  } finally {
    await server.stop();
  }
  return rows;
}

async function main() {
  const names = chosen.servers.split(',').filter((name) => {
    if (!SERVERS[name]) throw new Error(`there is no server ${name}: ${Object.keys(SERVERS).join(', ')}`);
    if (!SERVERS[name].missing?.()) return true;
    console.log(`left out: ${name} is not built`);
    return false;
  });
  const rows = [];
  for (const name of names) rows.push(...(await measureServer(name)));
  console.log(`\n${chosen.rate} requests/s for ${chosen.seconds} s beside ${chosen.connections} slow connections`);
  console.log(
    table(
      ['server', 'attack', 'held', 'answered', 'failed', 'p50 ms', 'p99 ms', 'max ms'],
      rows.map((row) => [row.server, row.attack, row.held, row.answered, row.failed, ...[row.p50, row.p99, row.max].map((ms) => ms?.toFixed(2) ?? '-')]),
    ),
  );
  mkdirSync(join(chosen.out, '..'), { recursive: true });
  writeFileSync(chosen.out, `${JSON.stringify({ at: new Date().toISOString(), options: chosen, rows }, null, 2)}\n`);
  console.log(`\nwritten to ${chosen.out}`);
}

await main();

// contract.mjs - `./dev campaign contract [REQUESTS] [SEED]`: 10,000 random requests (tests/e2e/support/random_requests.mjs), and
// how often each operation answered what. tests/e2e/property.test.mjs runs fewer of them.

import process from 'node:process';

import { campaign, startAll } from '../e2e/support/random_requests.mjs';

const requests = Number(process.argv[2] ?? 10_000);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const server = await startAll();
console.log(`${requests} requests, seed ${seed}`);
try {
  const { seen } = await campaign(server, { requests, seed });
  for (const [status, n] of [...seen].sort()) console.log(`${String(n).padStart(6)} ${status}`);
} finally {
  await server.stop();
  server.peer.close();
}

// rate.mjs - a client that asks at a constant rate, whatever the server does, and notes how long each answer took.

import { Connection } from '../../tests/e2e/support/client.mjs';
import { sleep } from '../../tests/e2e/support/server.mjs';

const percentile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))];

// { answered, failed, p50, p99, max } in milliseconds. Times count from when a request was due, not from when it could
// be sent: a server that stalls must not slow down the clock that it is measured by.
export async function measureRate(url, path, { perSecond, seconds, connections = 16 }) {
  const idle = [];
  const due = [];
  const times = [];
  let failed = 0;

  async function ask(at) {
    let connection = idle.pop();
    try {
      connection ??= await Connection.open(url);
      const response = await connection.request({ path });
      if (response.status !== 200) throw new Error(`status ${response.status}`);
      times.push(performance.now() - at);
      if (response.last || connection.ended) connection.close();
      else idle.push(connection);
    } catch {
      failed++;
      connection?.close();
    }
  }

  for (let i = 0; i < connections; i++) idle.push(await Connection.open(url));
  const start = performance.now();
  for (let i = 0; i < perSecond * seconds; i++) {
    const at = start + (i * 1000) / perSecond;
    if (at - performance.now() > 1) await sleep(at - performance.now());
    due.push(ask(Math.min(at, performance.now()))); // a timer may fire a little early
  }
  await Promise.all(due);
  for (const connection of idle) connection.close();
  times.sort((a, b) => a - b);
  return { answered: times.length, failed, p50: percentile(times, 50), p99: percentile(times, 99), max: times.at(-1) };
}

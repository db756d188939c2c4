// wrk.mjs - one round of wrk against one server.

import { spawn } from 'node:child_process';
import { join } from 'node:path';

import { root } from '../../tests/e2e/support/server.mjs';
import { cpuSeconds } from './processes.mjs';

const REPORT = join(root, 'bench/support/report.lua');

function runWrk(args, env, limit) {
  return new Promise((resolve, reject) => {
    const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env, DOWEL_BENCH_REPORT: REPORT } });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (out += text));
    const timer = setTimeout(() => child.kill('SIGKILL'), limit);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      const summary = /^SUMMARY (\{.*\})$/m.exec(out);
      if (code !== 0 || !summary) reject(new Error(`wrk ${args.join(' ')} ended with ${code}:\n${out}`));
      else resolve(JSON.parse(summary[1]));
    });
  });
}

// { perSecond, cpuUs (user and system time of the server's processes per request), p50, p99 (ms), errors }. Errors, an
// answer of 400 or above among them, are counted; whoever asks decides. A script of one's own begins with
// dofile(os.getenv('DOWEL_BENCH_REPORT')).
export async function round(server, path, { connections, seconds, threads = 2, script = REPORT, env = {} }) {
  const before = cpuSeconds(server.pid);
  const summary = await runWrk(
    [`-t${threads}`, `-c${connections}`, `-d${seconds}s`, '--timeout', '5s', '-s', script, server.url + path],
    env,
    (seconds + 30) * 1000,
  );
  const cpu = cpuSeconds(server.pid) - before;
  return {
    requests: summary.requests,
    perSecond: summary.requests / (summary.us / 1e6),
    cpuUs: (cpu * 1e6) / summary.requests,
    p50: summary.p50,
    p99: summary.p99,
    errors: Object.values(summary.errors).reduce((sum, n) => sum + n, 0),
    errorKinds: summary.errors,
  };
}

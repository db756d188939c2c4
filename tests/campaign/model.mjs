// model.mjs - random histories of timesync in process (plugins/timesync/tests/timesync_model_test.c): two desks and the books played by
// the test, people, weather, crashes and cuts, on as many processors as there are.
//
//   node tests/campaign/model.mjs [HISTORIES] [SEED] [sqlite|postgres]    0 histories: replays SEED, and makes it small where it fails

import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const FAILURES = 10; // of a process, then it stops
const NAMES = ['crashes', 'cuts', 'failing steps', 'decisions', 'runs', 'writes', 'failed'];

const root = join(import.meta.dirname, '..', '..');
const program = join(root, 'build', process.env.DOWEL_PRESET ?? 'bench', 'bin', 'timesync_model_test');

const numberOf = (line, name) => Number(new RegExp(`(\\d+) ${name}`).exec(line)?.[1] ?? 0);

// One process: { lines, histories, ... }; what it says goes to say(). last: its last line with figures.
function share({ histories, seed, engine, isReplay }, say, progress) {
  const more = isReplay ? { DOWEL_MODEL_SEED: String(seed) } : { DOWEL_MODEL_HISTORIES: String(histories), DOWEL_MODEL_FROM: String(seed) };
  const env = { ...process.env, ...more, DOWEL_MODEL_ENGINE: engine, DOWEL_MODEL_FAILURES: String(FAILURES), DOWEL_MODEL_TELLS: '1' };
  const child = spawn(program, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((resolve, reject) => {
    const figures = { histories: 0 };
    const hear = (line) => {
      const told = /^(\d+) histories/.exec(line) ?? /^# (\d+) histories/.exec(line);
      if (told) for (const name of ['histories', ...NAMES]) figures[name] = numberOf(line, name);
      if (told) progress(figures);
      else if (!/^(\[|1\.\.|ok |TAP|$)/.test(line)) say(line);
    };
    for (const from of [child.stdout, child.stderr]) createInterface({ input: from }).on('line', hear);
    child.once('error', reject);
    child.once('close', (code, signal) => (signal ? reject(new Error(`${program} ended by ${signal}`)) : resolve({ ...figures, code })));
  });
}

// Plays that many histories from that seed on. The sums of what their processes say.
export async function model({ histories, seed, engine = 'sqlite', isReplay = false, say = console.log, tell = () => {} }) {
  const n = isReplay ? 1 : Math.min(availableParallelism(), histories);
  const each = Math.ceil(histories / n);
  const now = [];
  const progress = (i) => (figures) => {
    now[i] = { ...figures };
    tell(now.reduce((sum, one) => sum + (one?.histories ?? 0), 0));
  };
  const shares = Array.from({ length: n }, (_, i) => ({ histories: Math.min(each, histories - i * each), seed: seed + i * each, engine, isReplay }))
    .filter((one) => isReplay || one.histories > 0);
  const done = await Promise.all(shares.map((one, i) => share(one, say, progress(i))));
  const sums = { processes: done.length };
  for (const name of ['histories', ...NAMES, 'code']) sums[name] = done.reduce((sum, one) => sum + (one[name] ?? 0), 0);
  return sums;
}

async function main([histories = '50000', seed = String(Math.floor(Math.random() * 2 ** 31)), engine = 'sqlite']) {
  if (!['sqlite', 'postgres'].includes(engine)) throw new Error(`${engine}: sqlite or postgres`);
  const isReplay = Number(histories) === 0;
  console.log(`model: ${isReplay ? 'one history' : `${histories} histories`} on ${engine}, seed ${seed}`);
  const since = performance.now();
  const pace = (n) => `${(n / ((performance.now() - since) / 1000)).toFixed(1)} a second`;
  let told = since;
  const tell = (n) => {
    if (performance.now() - told < 30_000) return;
    told = performance.now();
    console.log(`  ${n} histories, ${pace(n)}`);
  };
  const sums = await model({ histories: Number(histories), seed: Number(seed), engine, isReplay, tell });
  console.log(`played       ${sums.histories} histories in ${Math.round((performance.now() - since) / 1000)} s by ${sums.processes} processes: ${pace(sums.histories)}`);
  console.log(`crashes      ${sums.crashes} times the power went; ${sums.cuts} requests cut or refused, ${sums['failing steps']} steps of the host failed`);
  console.log(`decisions    ${sums.decisions} by people; ${sums.runs} runs by hand, ${sums.writes} writes at the target`);
  console.log(`failed       ${sums.failed}`);
  if (sums.code !== 0) throw new Error('some histories ended wrong; their seeds stand above, and `./dev campaign model 0 SEED` replays one');
  console.log('every entry has its timesheet or its case; none was lost, none doubled, nothing exported was touched');
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(process.argv.slice(2));

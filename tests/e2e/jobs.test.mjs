// Presets: release asan
// Jobs as an admin meets them: looked at, run, held back, cancelled, replayed by `dowel job`, with a server and without;
// and what becomes of them when a server ends.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';

import { request } from './support/client.mjs';
import { engines } from './support/database.mjs';
import { command, logged, notesOf, startWith } from './support/plugins.mjs';
import { childrenOf, preset, slowness, sleep, temporaryFolder, until, writeFiles } from './support/server.mjs';

const timeout = 180_000 * Math.min(slowness, 2);
const MISUSE = -16;
const THREAD = -15;

// A machine may be slow; that something happened at once is told by why it happened, not by how long it took.
const LIMIT = 60_000 * slowness;

let server;
afterEach(async () => {
  server?.kill();
  await server?.ended;
  server = undefined;
  if (data) rmSync(data, { recursive: true, force: true });
}, { timeout });

// A place whose server has ended: what it had is still there.
let data;
const stopped = async () => {
  const configDir = temporaryFolder();
  writeFiles(configDir, { 'core.yaml': '' });
  await server.stop();
  return { dataDir: data, configDir };
};
const start = async (options = {}) => {
  data = options.data ?? temporaryFolder();
  server = await startWith({ plugins: { toil: '' }, ...options, data });
};

const job = async (...args) => {
  const { code, stdout, stderr } = await command(server, 'job', ...args, '--output', 'json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
};
const run = async (kind, payload = {}) => (await job('run', `toil.${kind}`, JSON.stringify(payload))).id;
const history = (id) => job('history', id);
const becomes = (id, state, options) => until(`${id} is ${state}`, async () => (await history(id)).state === state && history(id), { every: 50, ...options });
const toil = async () => (await request(server.url, { path: '/api/v1/toil' })).json();

test('a job that is added by hand runs, and can be looked at', { timeout }, async () => {
  await start();
  const id = await run('count', { n: 5 });
  const done = await becomes(id, 'done');
  assert.deepEqual([done.kind, done.attempts, done.payload, done.failures], ['toil.count', 1, { n: 5 }, []]);
  assert.deepEqual(await toil(), { all: 1, distinct: 1 });

  const refused = await becomes(await run('refuse'), 'dead');
  assert.match(refused.error, /it is not allowed \(why: because\)/);
  await logged(server, { message: 'mourned', error: /it is not allowed/ });

  const { code, stdout } = await command(server, 'job', 'list', '--state', 'dead');
  assert.equal(code, 0);
  assert.match(stdout, /^ID +KIND +STATE.*\n[0-9a-f-]{36} +toil\.refuse +dead +1 .*it is not allowed/);
  assert.equal((await job('list', '--plugin', 'toil')).length, 2);
  assert.deepEqual(await job('list', '--kind', 'toil.poll'), []);
});

test('what was given up runs again when it is replayed', { timeout }, async () => {
  await start();
  const id = await run('refuse');
  await becomes(id, 'dead');
  assert.deepEqual(await job('replay', id), { jobs: 1 });
  await until('it was tried again', async () => (await history(id)).failures.length === 2);
  await becomes(id, 'dead');
  assert.deepEqual(await job('replay', '--all', '--kind', 'toil.count'), { jobs: 0 });
  assert.deepEqual(await job('replay', '--all'), { jobs: 1 });
});

test('a running job shows how far it is, and is cancelled within a second or so', { timeout }, async () => {
  await start();
  const id = await run('hang');
  await until('it gets on', async () => (await history(id)).progress_done > 0);
  const since = performance.now();
  assert.deepEqual(await job('cancel', id), { jobs: 1 });
  await becomes(id, 'cancelled');
  assert.ok(performance.now() - since < 3000 * slowness);
  await logged(server, { message: 'mourned' });
});

test('a kind that is paused waits until it is resumed', { timeout }, async () => {
  await start();
  assert.deepEqual(await job('pause', 'toil.count'), { jobs: 1 });
  // The server hears of it within a second or so: what is added before it has may run yet.
  const id = await until('one waits', async () => {
    const one = await run('count', { n: 1 });
    await sleep(500);
    return (await history(one)).state === 'waiting' && one;
  });
  assert.deepEqual((await job('kinds')).filter((kind) => kind.paused).map((kind) => [kind.kind, kind.waiting]), [['toil.count', 1]]);
  assert.deepEqual(await job('resume', 'toil.count'), { jobs: 1 });
  await becomes(id, 'done');
});

test('the verbs work without a server, and the next one does what they said', { timeout }, async () => {
  await start();
  const place = await stopped();
  const added = await command(place, 'job', 'run', 'toil.count', '{"n":7}', '--output', 'json');
  assert.equal(added.code, 0, added.stderr);
  const listed = await command(place, 'job', 'list', '--state', 'waiting', '--plugin', 'toil', '--output', 'json');
  assert.equal(JSON.parse(listed.stdout).length, 1);
  await start({ data: place.dataDir });
  await becomes(JSON.parse(added.stdout).id, 'done');
});

test('what is wrong is told in words', { timeout }, async () => {
  await start();
  const said = async (...args) => {
    const { code, stderr } = await command(server, 'job', ...args);
    assert.notEqual(code, 0);
    return stderr;
  };
  assert.match(await said('run', 'toil.nothing'), /no server has had such a kind of job; dowel job kinds shows/);
  assert.match(await said('run', 'toil.count', '[1]'), /has to be a JSON object/);
  assert.match(await said('run', 'toil.count', '{"n"'), /no JSON: .*, at character/);
  assert.match(await said('run', 'toil.count', '{}', '--tenant', 'acme'), /a UUID/);
  assert.match(await said('history', '5'), /no id of a job/);
  assert.match(await said('history', '0190a0a0-0000-7000-8000-00000000000a'), /there is no such job/);
  assert.match(await said('cancel', '0190a0a0-0000-7000-8000-00000000000a'), /waits or runs/);
  assert.match(await said('replay'), /takes the id of a job, or --all/);
  assert.match(await said('pause', 'nothing'), /no server has had/);
  assert.match(await said('list', '--all'), /does not take it/);
});

test('a plugin that misuses its jobs is told so, and harms nobody', { timeout }, async () => {
  await start();
  const forgotten = await becomes(await run('forget'), 'dead');
  assert.match(forgotten.error, /dw_tx_commit\(\) is missing/);
  assert.deepEqual(await toil(), { all: 0, distinct: 0 });

  await becomes(await run('keep'), 'done');
  await becomes(await run('use_kept'), 'done');
  await logged(server, { message: 'told', step: 'dw_job_add', rc: MISUSE });
  const told = (step) => logged(server, { message: 'told', step });
  for (const step of ['dw_job_read', 'dw_job_progress', 'dw_job_attempt', 'dw_job_done']) assert.ok((await told(step)).rc === THREAD, step);
});

test('again is not a failure, and is committed with what was done', { timeout }, async () => {
  await start();
  const polled = await becomes(await run('poll'), 'done');
  assert.deepEqual(polled.failures, []);
  assert.deepEqual(await toil(), { all: 3, distinct: 1 });
});

test('a job that crashes is charged to its plugin, and its note names it', { timeout, skip: preset === 'asan' && 'AddressSanitizer takes the fault itself' }, async () => {
  await start();
  const id = await run('crash');
  // Taken up at once it crashes the next process as well; then there is a pause.
  const back = await until('it waits again', async () => (await history(id)).failures.length === 2 && history(id), { limit: LIMIT });
  assert.deepEqual([back.state, back.attempts], ['waiting', 2]);
  for (const { error } of back.failures) assert.match(error, /^the server \S+ ended while it ran$/);
  const notes = await until('a note of each', () => notesOf(server).length === 2 && notesOf(server));
  for (const note of notes) {
    assert.match(note, /^owner: toil$/m);
    assert.match(note, /what: job crash,/);
    assert.match(note, /^charged to: toil$/m);
  }
  await until('the next process serves', async () => (await request(server.url, { path: '/livez' }).catch(() => ({}))).status === 200);
});

test('a server that is killed loses no job, and does none twice', { timeout }, async () => {
  const N = 3000;
  await start();
  const kill = async () => {
    const old = server.serverPid;
    process.kill(old, 'SIGKILL');
    await until('another process', () => server.serverPid && server.serverPid !== old && !childrenOf(server.pid).includes(old));
    await until('it serves', async () => (await request(server.url, { path: '/livez' }).catch(() => ({}))).status === 200);
  };
  for (const from of [0, N / 2]) {
    const added = await request(server.url, { method: 'POST', path: '/api/v1/toil', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ from, to: from + N / 2 }) });
    assert.equal(added.status, 202);
    await until('some are done', async () => (await toil()).all > from + 50, { every: 2 });
    await kill();
  }
  await until('all are done', async () => (await toil()).distinct === N, { limit: LIMIT, every: 50 });
  assert.deepEqual(await toil(), { all: N, distinct: N });
  assert.equal((await job('list', '--state', 'dead')).length, 0);
});

const killed = async (pid) => {
  process.kill(pid, 'SIGKILL');
  await until('it has gone', () => !existsSync(`/proc/${pid}`) || !childrenOf(server.pid).includes(pid));
};
// Because its server is known to be dead: where its lease has ended, after 30 s, the error says so.
const takenUp = async (id) => {
  const { failures } = await until('it runs a second time', async () => (await history(id)).attempts === 2 && history(id), { limit: LIMIT });
  assert.deepEqual(failures.map(({ error }) => /^the server \S+ ended while it ran$/.test(error)), [true], JSON.stringify(failures));
};
const stillRuns = async (id) => {
  const { state, attempts, failures } = await history(id);
  assert.deepEqual([state, attempts, failures], ['running', 1, []]);
};

for (const engine of engines) {
  test(`the next server in a folder takes up what the one before died with, on ${engine.name}`, { timeout, skip: engine.skip }, async () => {
    const database = await engine.make();
    try {
      const core = database.url && `database_url: ${JSON.stringify(database.url)}\n`;
      await start({ core });
      const id = await run('hang');
      await until('it gets on', async () => (await history(id)).progress_done > 0);
      server.kill();
      await server.ended;
      await start({ core, data });
      await takenUp(id);
      assert.ok(readdirSync(join(data, 'servers')).length === 1);
      await job('cancel', id);
      await becomes(id, 'cancelled');
      await server.stop();
      assert.deepEqual(readdirSync(join(data, 'servers')), []);
    } finally {
      server?.kill();
      await database.drop();
    }
  });
}

test('a reload leaves the process before its jobs, and what it dies with is taken up', { timeout }, async () => {
  await start({ core: 'drain_timeout: 60s\n' });
  const id = await run('hang');
  const old = server.serverPid;
  await until('it gets on', async () => (await history(id)).progress_done > 0);
  assert.equal((await command(server, 'reload')).code, 0);
  const { progress_done: before } = await history(id);
  await until('it goes on where it was', async () => (await history(id)).progress_done > before + 30);
  await stillRuns(id);
  await killed(old);
  await takenUp(id);
});

test('a process whose supervisor was killed keeps its jobs as long as it lives', { timeout }, async () => {
  await start();
  const id = await run('hang');
  const old = server.serverPid;
  await until('it gets on', async () => (await history(id)).progress_done > 0);
  server.signal('SIGKILL'); // the supervisor alone
  await server.gone; // with it its lock of the folder
  try {
    await start({ data });
    const { progress_done: before } = await history(id);
    await until('it goes on where it was', async () => (await history(id)).progress_done > before + 30);
    await stillRuns(id);
  } finally {
    await killed(old);
  }
  await takenUp(id);
});

test('a server that stops lets a job end, or gives it back', { timeout }, async () => {
  await start({ core: 'drain_timeout: 1s\n' });
  const id = await run('hang');
  await until('it runs', async () => (await history(id)).state === 'running');
  const { stdout } = await command(await stopped(), 'job', 'history', id, '--output', 'json');
  const { state, attempts, failures } = JSON.parse(stdout);
  assert.deepEqual([state, attempts, failures], ['waiting', 0, []]);
});

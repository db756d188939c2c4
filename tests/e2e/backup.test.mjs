// Presets: release asan
// Backups as an admin meets them: made while the server writes, checked, brought back, and what is refused.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';

import { request } from './support/client.mjs';
import { dowel, slowness, startServer, temporaryFolder, until, writeFiles } from './support/server.mjs';

const timeout = 120_000 * slowness;
const tenant = '0190a0a0-0000-7000-8000-00000000000a';

// ---- a place to try it in ----

let folder, config, data, server, env;
beforeEach(() => {
  folder = temporaryFolder();
  [config, data] = ['conf.d', 'var'].map((name) => join(folder, name));
  for (const path of [config, data]) mkdirSync(path, { mode: 0o755 });
  writeFiles(config, { 'core.yaml': 'plugin_dirs: []\n' });
  env = {};
});
afterEach(async () => {
  server?.kill();
  await server?.ended;
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
}, { timeout });

const verb = (...args) => dowel([...args, '--config', config, '--data', data], { env });
const backup = (...args) => verb('backup', ...args);

async function good(...args) {
  const { code, stdout, stderr } = await verb(...args);
  assert.equal(code, 0, stdout + stderr);
  return stdout;
}

async function bad(...args) {
  const { code, stdout, stderr } = await backup(...args);
  assert.equal(code, 1, stdout + stderr);
  return stderr;
}

const create = async (...args) => JSON.parse(await good('backup', 'create', ...args, '--output', 'json'));
const names = async () => JSON.parse(await good('backup', 'list', '--output', 'json')).backups.map(({ name }) => name);

// ---- rows: what came for a plugin that is not here ----

async function start() {
  server = await startServer({ data, args: ['--config', config], env });
}

async function stop() {
  await server.stop();
  server = undefined;
}

const openDoor = () => good('inbox', 'add', 'keeper', 'things', '--verify', 'none', '--inbox', 'box', '--tenant', tenant);

async function send() {
  const { status } = await request(server.url, { method: 'POST', path: '/hooks/keeper/things', headers: { 'Content-Type': 'application/json' }, body: '{"a":1}' });
  assert.equal(status, 202);
}

const rows = async () => JSON.parse(await good('inbox', 'list', '--limit', '10000', '--output', 'json')).received.map(({ id }) => id);

// Sends until it is told to stop: how many were taken.
function sendOn() {
  const state = { sent: 0, stop: false };
  state.ended = (async () => {
    for (; !state.stop; state.sent++) await send();
  })();
  return state;
}

// ---- ----

async function roundTrip() {
  await start();
  await openDoor();
  for (let i = 0; i < 5; i++) await send();
  const before = await rows();
  const writer = sendOn();
  await until('the server writes', () => writer.sent >= 5);
  const made = await create();
  const sentMeanwhile = writer.sent;
  await until('it goes on', () => writer.sent > sentMeanwhile);
  writer.stop = true;
  await writer.ended;
  assert.match(await good('backup', 'verify'), /files are as they were written/);
  assert.match(await bad('restore', '--yes'), /a server \(pid \d+\) already runs on the data directory/);
  const after = await rows();
  await stop();

  const restored = JSON.parse(await good('backup', 'restore', '--yes', '--output', 'json'));
  assert.equal(restored.backup, made.backup);
  assert.deepEqual(restored.missing_keys, []);
  await start();
  const back = await rows();
  for (const id of before) assert.ok(back.includes(id), `${id} is gone`);
  for (const id of back) assert.ok(after.includes(id), `${id} came from nowhere`);
  assert.ok(back.length >= before.length + 5 && back.length < after.length, `${before.length} ${back.length} ${after.length}`);
  await send(); // it is a database to work with
  await stop();
  return restored;
}

describe('on SQLite', { timeout }, () => {
  test('what was there at one instant comes back, and what was there since is kept', async () => {
    const { kept } = await roundTrip();
    assert.match(kept, /dowel\.db\.before-\d{8}T\d{6}Z$/);
    assert.ok(statSync(kept).size > 0);
  });

  test('a backup has no key, and only its owner can read it', async () => {
    const secret = 'hunter2hunter2';
    writeFiles(config, { 'core.yaml': 'plugin_dirs: []\n', 'other.yaml': `# ${secret}\n` });
    await start();
    const { backup: made, manifest } = await create();
    const key = readFileSync(join(data, 'secret.key'), 'utf8').split('\n').filter((line) => line && !line.startsWith('#'))[0];
    assert.match(manifest.keys[0], /^[0-9a-f]{8}$/);
    assert.deepEqual(manifest.files.map(({ path }) => path), ['database.sqlite', 'conf.d/core.yaml', 'conf.d/other.yaml']);
    assert.equal(statSync(made).mode & 0o777, 0o700);
    for (const { path } of [...manifest.files, { path: 'manifest.json' }]) {
      assert.equal(statSync(join(made, path)).mode & 0o777, 0o600, path);
      assert.ok(!readFileSync(join(made, path), 'latin1').includes(key), path);
    }
    assert.ok(readFileSync(join(made, 'conf.d/other.yaml'), 'utf8').includes(secret));
    await stop();
  });

  test('one damaged byte is found, and named', async () => {
    await good('db', 'up');
    const { backup: made } = await create(join(folder, 'elsewhere'));
    assert.equal(made, join(folder, 'elsewhere'));
    assert.match(await good('backup', 'verify', made), /structure, indexes, references and migrations are in order/);
    for (const name of ['database.sqlite', 'conf.d/core.yaml', 'manifest.json']) {
      const bytes = readFileSync(join(made, name));
      const whole = Buffer.from(bytes);
      bytes[bytes.length >> 1] ^= 1;
      writeFileSync(join(made, name), bytes);
      const { code, stdout, stderr } = await backup('verify', made, '--output', 'json');
      assert.equal(code, 1);
      assert.ok(stderr.includes(join(made, name)), stderr);
      assert.equal(JSON.parse(stdout).ok, false);
      assert.ok((await bad('restore', made, '--yes')).includes(name));
      writeFileSync(join(made, name), whole);
    }
    assert.match(await good('backup', 'restore', made, '--yes'), /is as it was at/);
  });

  test('a database that was destroyed is brought back, and the wreck kept', async () => {
    await start();
    await openDoor();
    await send();
    const [id] = await rows();
    await create();
    await stop();
    writeFileSync(join(data, 'dowel.db'), 'nothing of it is left\n');
    assert.notEqual((await verb('inbox', 'list')).code, 0);
    const { kept } = JSON.parse(await good('backup', 'restore', '--yes', '--output', 'json'));
    assert.equal(readFileSync(kept, 'utf8'), 'nothing of it is left\n');
    assert.deepEqual(await rows(), [id]);
    rmSync(join(data, 'dowel.db'));
    assert.equal(JSON.parse(await good('backup', 'restore', '--yes', '--output', 'json')).kept, null);
    assert.deepEqual(await rows(), [id]);
  });

  test('the key that is missing is named', async () => {
    await start();
    const { manifest } = await create();
    await stop();
    rmSync(join(data, 'secret.key'));
    const { code, stderr } = await backup('restore', '--yes');
    assert.equal(code, 0, stderr);
    assert.match(stderr, new RegExp(`^the key ${manifest.keys[0]} is not here: `, 'm'));
    assert.ok(!existsSync(join(data, 'secret.key')), 'another key helps nobody');
  });

  test('a backup of a newer server is refused', async () => {
    await good('db', 'up');
    const { backup: made } = await create();
    const path = join(made, 'manifest.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8'));
    manifest.migrations.push({ owner: 'core', number: 999, name: '0999_tomorrow', checksum: '00', applied_at: manifest.created_at });
    writeFileSync(path, JSON.stringify(manifest));
    const sum = spawnSync('sha256sum', ['manifest.json'], { cwd: made });
    writeFileSync(`${path}.sha256`, sum.stdout);
    assert.match(await bad('restore', '--yes'), /does not fit what is installed here: .*0999_tomorrow|does not fit what is installed here: .*newer/);
  });

  test('they are listed and pruned; what is not whole is none', async () => {
    assert.match(await bad('create'), /there is no database yet/);
    assert.match(await bad('verify'), /there is no backup yet; make one: dowel backup create/);
    assert.match(await good('backup', 'list'), /there is no backup yet/);
    await good('db', 'up');
    for (let i = 0; i < 3; i++) await create();
    const [newest, middle, oldest] = await names();
    assert.ok(newest > middle && middle > oldest);
    rmSync(join(data, 'backups', middle, 'manifest.json'));
    assert.match(await good('backup', 'list'), new RegExp(`^${middle}  .*manifest\\.json: cannot be opened`, 'm'));
    cpSync(join(data, 'backups', newest), join(data, 'backups', 'my own'), { recursive: true });
    assert.equal(await good('backup', 'prune', '--keep', '1'), `removed ${middle}\nremoved ${oldest}\n`);
    assert.deepEqual(readdirSync(join(data, 'backups')).sort(), [newest, 'my own']);
    assert.match(await good('backup', 'verify', newest), /files are as they were written/);
    assert.equal(await good('backup', 'prune', '--keep', '1'), 'nothing to remove\n');
    assert.match(await bad('create', join(data, 'backups', newest)), /File exists/);
    assert.deepEqual(readdirSync(join(data, 'backups')).sort(), [newest, 'my own'], 'nothing is left of what failed');
  });

  test('says what is asked wrong', async () => {
    await good('db', 'up');
    await create();
    for (const [args, why] of [
      [[], /say what to do: create, list, verify, restore or prune/],
      [['throw'], /throw: backup cannot do that/],
      [['list', 'x'], /x: one argument too many/],
      [['prune'], /say how many stay, 1 or more: --keep N/],
      [['prune', '--keep', '0'], /say how many stay/],
      [['create', '--yes'], /--yes: backup create does not take it/],
      [['restore'], /replaces the database, so say --yes/],
    ]) {
      const { code, stderr } = await backup(...args);
      assert.equal(code, 2, args.join(' '));
      assert.match(stderr, why);
    }
  });
});

const postgres = process.env.DOWEL_TEST_POSTGRES;

describe('on PostgreSQL', { timeout, skip: !postgres && 'DOWEL_TEST_POSTGRES names none (export it as ./dev pg url)' }, () => {
  const name = `test_backup_${process.pid}`;

  function admin(sql) {
    const { status, stderr } = spawnSync('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', new URL(postgres.replace('@/', '@x/')).searchParams.get('host'), '-U', 'postgres', '-c', sql, 'postgres'], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  }
  beforeEach(() => {
    admin(`CREATE DATABASE ${name} OWNER dowel_system ENCODING 'UTF8' TEMPLATE template0`);
    env = { DATABASE_URL: postgres.replace('/dowel?', `/${name}?`) };
  });
  afterEach(() => admin(`DROP DATABASE ${name} WITH (FORCE)`), { timeout });

  test('what was there at one instant comes back', async () => {
    const { kept } = await roundTrip();
    assert.equal(kept, null);
  });

  test('is refused while another server works with it, and for the other engine', async () => {
    await start();
    const { backup: made } = await create();
    const mine = data;
    data = join(folder, 'other');
    mkdirSync(data);
    assert.match(await bad('restore', made, '--yes'), /the database is in use: \d+ other connections/);
    env = {};
    assert.match(await bad('restore', made, '--yes'), /is a backup of PostgreSQL, and database_url names SQLite/);
    data = mine;
    await stop();
  });
});

// Presets: release asan coverage
// The database as an admin meets it: made and brought up at the start, looked at and changed by `dowel db`, and what is
// refused.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';

import { request } from './support/client.mjs';
import { engines, psql } from './support/database.mjs';
import { linesWith, logged as said } from './support/plugins.mjs';
import { anybody, binaryOf, childrenOf, dowel, preset, root, slowness, startServer, temporaryFolder, until, writeFiles } from './support/server.mjs';

const timeout = 120_000 * slowness;
const FAILED = 1;
const CONFIG = 3; // of which systemd does not try again
const made = join(root, 'build', preset, 'loading');

// ---- a place to try it in ----

let folder, plugins, config, data, server, database;
async function make(engine) {
  folder = temporaryFolder();
  [plugins, config, data] = ['plugins', 'conf.d', 'var'].map((name) => join(folder, name));
  for (const path of [plugins, config, data]) mkdirSync(path, { mode: 0o755 });
  database = await engine.make();
  configure(database.url);
  writeFiles(config, { 'keeper.yaml': 'enabled: true\n', 'innocent.yaml': 'enabled: true\n' });
  for (const name of ['keeper', 'innocent']) take(name);
}

async function remove() {
  server?.kill();
  await server?.ended;
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
  await database.drop();
}

function configure(url) {
  writeFiles(config, { 'core.yaml': `plugin_dirs: [${plugins}]\n${url && `database_url: ${url}\n`}` });
}

// A suite on an engine, each test with a database of its own.
function suite(name, engine, define) {
  describe(engine.isSqlite ? name : `${name}, on ${engine.name}`, { timeout, skip: engine.skip }, () => {
    beforeEach(() => make(engine), { timeout });
    afterEach(remove, { timeout });
    define(engine);
  });
}

const [sqlite] = engines;
const onEach = (name, define) => engines.forEach((engine) => suite(name, engine, define));

// The plugin's file with other bytes in it: pairs of what is there and what takes its place, of the same length.
function take(name, ...changes) {
  let bytes = readFileSync(join(made, `${name}.so`), 'latin1');
  for (const [from, to] of changes) {
    assert.equal(from.length, to.length, `${from} | ${to}`);
    assert.ok(bytes.includes(from), from);
    bytes = bytes.replace(from, to);
  }
  const path = join(plugins, `${name}.so`);
  rmSync(path, { force: true });
  writeFileSync(path, bytes, { encoding: 'latin1', mode: 0o755 });
}

const verb = (...args) => dowel([...args, '--config', config, '--data', data]);
const db = (...args) => verb('db', ...args);

async function good(...args) {
  const { code, stdout, stderr } = await db(...args);
  assert.equal(code, 0, stdout + stderr);
  return stdout;
}

async function bad(...args) {
  const { code, stdout, stderr } = await db(...args);
  assert.equal(code, FAILED, stdout + stderr);
  return stderr;
}

async function owners() {
  const list = JSON.parse(await good('status', '--output', 'json')).owners;
  return Object.fromEntries(list.map((one) => [one.owner, one]));
}

async function start(options = {}) {
  server = await startServer({ data, args: ['--config', config], ...options });
  return server;
}

async function stop() {
  await server.stop();
  server = undefined;
}

const logged = (message) => linesWith(server, { message });
const status = async (path) => (await request(server.url, { path })).status;

// ---- what works ----

onEach('a fresh start', (engine) => {
  test('makes the database, what the server needs, and what its plugins need', async () => {
    await start();
    await server.said(/the database is open/); // another pipe than the one that says where it listens
    const [open] = logged('the database is open');
    assert.equal(open.where, engine.isSqlite ? `SQLite, ${join(data, 'dowel.db')}` : `PostgreSQL, /${database.name}`);
    assert.match(open.id, /^[0-9a-f-]{36}$/);
    assert.equal(await status('/keeper'), 200);
    const ready = (await request(server.url, { path: '/readyz?verbose' })).text();
    assert.match(ready, /^\[\+\] database$/m);
    await until('the database was asked', async () => /^dowel_database_up 1$/m.test((await request(server.url, { path: '/metrics' })).text()));

    const { core, keeper } = await owners();
    assert.ok(core.applied >= 1);
    assert.equal(core.pending, 0);
    assert.deepEqual(keeper.migrations.map(({ name, state }) => [name, state]), [
      ['0001_things', 'applied'],
      ['0002_words', 'applied'],
      ['0003_loudness', 'applied'],
    ]);
    await stop();

    await start();
    await server.said(/the database is open/);
    assert.equal(logged('the database is open')[0].id, open.id);
    assert.deepEqual(logged('migration applied'), []);
    await stop();
  });

  test('of an upgrade applies what is new before the plugin starts', async () => {
    take('keeper', ['0003_loudness.sql', '0003_loudness.txt']);
    await start();
    assert.equal((await owners()).keeper.applied, 2);
    take('keeper');
    const { code, stderr } = await verb('reload');
    assert.equal(code, 0, stderr);
    assert.equal((await owners()).keeper.applied, 3);
    await stop();
  });
});

suite('dowel db', sqlite, () => {
  test('without a server and without a database tells what would be, and makes nothing', async () => {
    assert.match(await good('status'), /dowel\.db: is not there yet\n\nOWNER +APPLIED +PENDING +STATE\ncore +0 +\d+ +0001_database .*pending\nkeeper +0 +3 +0001_things and more are pending\n/);
    assert.match(await good('plan'), /^core +0001_database\n(core .*\n)*keeper +0001_things\nkeeper +0002_words\nkeeper +0003_loudness\n$/);
    assert.equal(await good('history'), 'nothing was applied yet\n');
    assert.match(await good('check'), /^ok +database +is not there yet/);
    assert.match(await bad('down', 'keeper'), /there is no database yet/);
    assert.match((await verb('doctor')).stdout, /^ok +database +SQLite, .*dowel\.db is not there yet/m);
    assert.ok(!existsSync(join(data, 'dowel.db')));
  });

});

onEach('dowel db', (engine) => {
  test('brings it up and takes it back, with and without a server', async () => {
    assert.match(await good('up'), /^applied core 0001_database\n(applied core .*\n)*applied keeper 0001_things\napplied keeper 0002_words\napplied keeper 0003_loudness\n$/);
    assert.equal(await good('up'), 'everything is up to date\n');
    assert.match(await good('status'), /, id [0-9a-f-]{36}\n[^]*\nkeeper +3 +0 +up to date\n/);
    assert.equal(await good('down', 'keeper', '2'), 'took back keeper 0003_loudness\ntook back keeper 0002_words\n');
    assert.match(await good('status'), /\nkeeper +1 +2 +0002_words and more are pending\n/);
    assert.match((await db('check')).stdout, /^bad +keeper +migrations pending: 2; dowel db up/m);
    assert.equal(await good('up', 'keeper'), 'applied keeper 0002_words\napplied keeper 0003_loudness\n');
    assert.match(await good('check'), /^ok +(integrity|indexes)[^]*^ok +keeper +migrations applied: 3, none is pending$/m);
    assert.match(await bad('down', 'keeper', '4'), /keeper has only 3 migrations that could be taken back/);

    await start();
    assert.equal(await good('up'), 'everything is up to date\n');
    assert.match(await good('check'), engine.isSqlite ? /^ok +tables/m : /^ok +walls/m);
    const history = JSON.parse(await good('history', 'keeper', '--output', 'json')).history;
    assert.deepEqual(history.map(({ number, server: by }) => [number, typeof by]), [[1, 'string'], [2, 'string'], [3, 'string']]);
    assert.match(await good('history'), /^APPLIED AT +OWNER +TOOK +BY +MIGRATION\n\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +core /);
    await stop();
  });

  test('takes no ground away from a server that stands on it', async () => {
    await start();
    assert.match(await bad('down', 'keeper'), /keeper: a server runs and works with its tables; first: dowel plugin disable keeper && dowel reload, or stop the server/);
    assert.match(await bad('down', 'core'), /core: a server runs and works with its tables; stop it first/);
    assert.equal((await verb('plugin', 'disable', 'keeper')).code, 0);
    assert.equal((await verb('reload')).code, 0);
    assert.equal(await good('down', 'keeper'), 'took back keeper 0003_loudness\n');
    assert.match(await good('status'), /\nkeeper +2 +1 +is not loaded; its tables stay as they are\n/);
    assert.match(await bad('up', 'keeper'), /keeper: is not enabled; its migrations are applied when it is/);
    rmSync(join(plugins, 'keeper.so'));
    assert.match(await good('status'), /\nkeeper +2 +0 +is not installed; its tables stay as they are\n/);
    assert.match(await bad('down', 'keeper'), /keeper: there are no files of its migrations here/);
    await stop();
  });

  test('shows the SQL as the engine gets it', async () => {
    const sql = await good('plan', 'keeper', '--sql');
    assert.match(sql, /^-- keeper +0001_things\n/);
    assert.match(sql, engine.isSqlite ? / price +DECIMAL_TEXT\(12,2\),/ : / price +NUMERIC\(12,2\),/);
    assert.match(sql, engine.isSqlite ? /WHERE loudness > 1;/ : /loudness DESC/);
    assert.doesNotMatch(sql, engine.isSqlite ? /loudness DESC/ : /loudness > 1/);
  });

  test('says what is asked wrong', async () => {
    for (const [args, why] of [
      [[], /say what to do: status, plan, up, down, history or check/],
      [['sideways'], /sideways: db cannot do that/],
      [['down'], /db down: the name of a plugin is missing/],
      [['down', 'keeper', '0'], /0: say how many migrations, 1 or more/],
      [['down', 'keeper', '-1'], /unknown option/],
      [['up', 'keeper', 'x'], /x: one argument too many/],
      [['up', '--sql'], /--sql: only `db plan` takes it/],
    ]) {
      const { code, stderr } = await db(...args);
      assert.equal(code, 2, args.join(' '));
      assert.match(stderr, why);
    }
    for (const what of [['up', 'nobody'], ['plan', 'nobody'], ['history', 'nobody']]) assert.match(await bad(...what), /nobody: has nothing to do with the database/);
  });
});

onEach('dowel plugin purge', (engine) => {
  const purge = (...args) => verb('plugin', 'purge', ...args);
  const gone = /^purged keeper:\n {2}the table keeper_things with 0 rows\n {2}the table keeper_words with 10 rows\n {2}migrations: 3\n$/;

  async function refused(why, ...args) {
    const { code, stdout, stderr } = await purge(...args);
    assert.equal(code, FAILED, stdout + stderr);
    assert.match(stderr, why);
  }

  test('takes away what a plugin has left, beside a server that goes on', async () => {
    await start();
    await refused(/^keeper: is enabled; first: dowel plugin disable keeper, and dowel reload$/m, 'keeper', '--yes');
    assert.equal((await verb('plugin', 'disable', 'keeper')).code, 0);
    await refused(/^keeper: the server that runs works with it; first: dowel reload$/m, 'keeper', '--yes');
    assert.equal((await verb('reload')).code, 0);
    const { code, stdout, stderr } = await purge('keeper', '--yes');
    assert.equal(code, 0, stderr);
    assert.match(stdout, gone);
    assert.equal(await status('/innocent'), 200);
    await refused(/^keeper: the database has nothing of it$/m, 'keeper', '--yes');
    assert.doesNotMatch(await good('history'), /keeper/);
    assert.match(await good('check'), engine.isSqlite ? /^ok +tables/m : /^ok +walls/m);
    assert.equal((await verb('plugin', 'enable', 'keeper')).code, 0);
    assert.equal((await verb('reload')).code, 0);
    assert.equal(await status('/keeper'), 200);
    assert.equal((await owners()).keeper.applied, 3);
    await stop();
  });

  test('also when it is not installed any more, and no server runs', async () => {
    await good('up');
    rmSync(join(plugins, 'keeper.so'));
    rmSync(join(config, 'keeper.yaml'));
    const { code, stdout, stderr } = await purge('keeper', '--yes', '--output', 'json');
    assert.equal(code, 0, stderr);
    const { name, tables, migrations, jobs } = JSON.parse(stdout);
    assert.deepEqual([name, tables, migrations, jobs], ['keeper', [{ name: 'keeper_things', rows: 0 }, { name: 'keeper_words', rows: 10 }], 3, 0]);
    await start();
    assert.equal(await status('/innocent'), 200);
    await stop();
  });

  test('asks', async () => {
    await good('up');
    assert.equal((await verb('plugin', 'disable', 'keeper')).code, 0);
    const silent = await purge('keeper');
    assert.equal(silent.code, 2);
    assert.match(silent.stderr, /plugin purge: takes rows away for good, so say --yes/);
    const command = [binaryOf(), 'plugin', 'purge', 'keeper', '--config', config, '--data', data].join(' ');
    const onTerminal = (answer) => spawnSync('script', ['-qec', command, '/dev/null'], { input: `${answer}\n`, encoding: 'utf8', timeout });
    const no = onTerminal('y');
    assert.equal(no.status, FAILED, no.stdout);
    assert.match(no.stdout, /Of keeper, this goes for good, for all tenants; only a backup would bring it back:\r\n {2}the table keeper_things with 0 rows[^]*Type yes to go on: [^]*nothing was changed/);
    assert.equal((await owners()).keeper.applied, 3);
    const yes = onTerminal('yes');
    assert.equal(yes.status, 0, yes.stdout);
    assert.match(yes.stdout, /purged keeper:/);
    assert.equal((await owners()).keeper.applied, 0);
  });

  test('says what is asked wrong', async () => {
    await refused(engine.isSqlite ? /^there is no database yet$/m : /^nobody: the database has nothing of it$/m, 'nobody', '--yes');
    await good('up');
    await refused(/^nobody: the database has nothing of it$/m, 'nobody', '--yes');
    for (const [args, why] of [
      [['purge'], /plugin purge: the name of a plugin is missing/],
      [['purge', 'core', '--yes'], /core: is not the name of a plugin/],
      [['purge', 'No', '--yes'], /No: is not the name of a plugin/],
      [['list', '--yes'], /--yes: only `plugin purge` takes it/],
    ]) {
      const { code, stderr } = await verb('plugin', ...args);
      assert.equal(code, 2, args.join(' '));
      assert.match(stderr, why);
    }
  });
});

onEach('what cannot be applied', () => {
  // The neighbour works, and the plugin is declined for this.
  async function declined(why) {
    assert.equal(await status('/innocent'), 200);
    assert.equal(await status('/keeper'), 404);
    const line = await said(server, { message: 'plugin declined' });
    assert.equal(line.plugin, 'keeper');
    assert.match(line.why, why);
  }

  test('leaves nothing behind, and says where it is', async () => {
    take('keeper', ['INSERT INTO keeper_words (id, word)', 'INSERT INTO keeper_words (id, ward)']);
    await start();
    await declined(/^keeper\/migrations\/0002_words\.sql:8: .*ward.*; nothing of 0002_words is left in the database, which stays at 0001_things/);
    assert.equal((await owners()).keeper.applied, 1);
    assert.match(await bad('up'), /keeper\/migrations\/0002_words\.sql:8: /);
    await stop();
    take('keeper');
    await start();
    assert.equal(await status('/keeper'), 200, 'a table of the failed attempt would be in the way');
    await stop();
  });

  test('because its file was changed', async () => {
    await good('up');
    take('keeper', ['-- Things of people.', '-- Things of nobody.']);
    await start();
    await declined(/^keeper\/migrations\/0001_things\.sql was changed after it had been applied/);
    assert.match(await bad('plan'), /0001_things\.sql was changed after it had been applied/);
    assert.match(await good('status'), /\nkeeper +3 +0 +keeper\/migrations\/0001_things\.sql was changed/);
    assert.equal((await db('check')).code, FAILED);
    await stop();
  });

  test('because the database is newer', async () => {
    await good('up');
    take('keeper', ['0003_loudness.sql', '0003_loudness.txt']);
    await start();
    await declined(/^the database is newer than this plugin: it has the migration 0003_loudness of keeper, applied by dowel \d\S*, of which this plugin has no file: install the version that has it/);
    await stop();
  });

  test('because the linter refuses it, as does `plugin verify`', async () => {
    take('keeper', ['PRIMARY KEY (tenant_id, id)', 'PRIMARY KEY (id, tenant_id)']);
    const verified = await dowel(['plugin', 'verify', join(plugins, 'keeper.so')]);
    assert.equal(verified.code, FAILED);
    assert.match(verified.stderr, /keeper\/migrations\/0001_things\.sql:\d+: /);
    await start();
    await declined(/^keeper\/migrations\/0001_things\.sql:\d+: /);
    await stop();
  });

  test('by the command line while a server runs, if it is offline', async () => {
    take('keeper', ['0003_loudness.sql', '0003_loudness.txt']);
    await start();
    take('keeper', ['-- louder is nicer', '-- migrate:offline']);
    assert.match(await bad('up'), /0003_loudness\.sql is an offline migration: no server may work with the database while it is applied\. Stop the server, and then: dowel db up/);
    assert.equal(await status('/keeper'), 200, 'the server goes on');
    await stop();
    assert.equal(await good('up'), 'applied keeper 0003_loudness\n');
  });
});

onEach('an offline migration', () => {
  test('lets the server before end first, while connections wait', async () => {
    take('keeper', ['0003_loudness.sql', '0003_loudness.txt']);
    await start();
    const before = server.serverPid;
    take('keeper', ['-- louder is nicer', '-- migrate:offline']);
    let asking = true;
    const answers = [];
    const clients = [1, 2, 3].map(async () => {
      while (asking) answers.push(await status('/keeper'));
    });
    await until('some were answered', () => answers.length > 10);
    const { code, stderr } = await verb('reload');
    const reloaded = answers.length;
    await until('some more were answered', () => answers.length > reloaded + 10);
    asking = false;
    await Promise.all(clients);
    assert.equal(code, 0, stderr);
    assert.deepEqual([...new Set(answers)], [200]);
    assert.equal((await owners()).keeper.applied, 3);
    assert.notEqual(server.serverPid, before);
    assert.equal(childrenOf(server.pid).length, 1);
    await server.said(/the server process before ends first: an offline migration waits for it/);
    await stop();
  });

  test('that fails then leaves a server without the plugin', async () => {
    take('keeper', ['0003_loudness.sql', '0003_loudness.txt']);
    await start();
    take('keeper', ['-- louder is nicer', '-- migrate:offline'], ['ALTER TABLE keeper_words ADD', 'ALTER TABLE keeper_wordy ADD']);
    const { code, stderr } = await verb('reload');
    assert.notEqual(code, 0);
    assert.match(stderr, /keeper\/migrations\/0003_loudness\.sql:\d+: .*keeper_wordy/);
    await until('it serves again', () => status('/innocent').then((got) => got === 200, () => false));
    assert.equal((await owners()).keeper.applied, 2);
    assert.equal(await status('/keeper'), 404);
    await stop();
  });
});

onEach('whoever comes in between', (engine) => {
  test('a second server with the same database waits, and finds all done', async () => {
    if (engine.isSqlite) configure(`sqlite:${join(folder, 'shared.db')}`);
    take('keeper', ['n < 0000010', 'n < 0300000']);
    const both = await Promise.all(['one', 'two'].map((name) => {
      mkdirSync(join(folder, name));
      return startServer({ data: join(folder, name), args: ['--config', config] });
    }));
    try {
      const told = () => both.flatMap((one) => linesWith(one, { message: 'migration applied' })).map(({ owner, migration }) => `${owner} ${migration}`);
      await until('the last one is told', () => told().includes('keeper 0003_loudness')); // another pipe than the one that says where it listens
      const applied = told();
      assert.equal(new Set(applied).size, applied.length, applied.join('\n'));
      assert.deepEqual(applied.filter((one) => one.startsWith('keeper')).sort(), ['keeper 0001_things', 'keeper 0002_words', 'keeper 0003_loudness']);
      for (const one of both) assert.equal((await request(one.url, { path: '/keeper' })).status, 200);
    } finally {
      await Promise.all(both.map((one) => one.stop()));
    }
  });

  test('SIGKILL in the middle of a migration: nothing of it is there, and the next start does it', async () => {
    take('keeper', ['n < 0000010', engine.isSqlite ? 'n < 9000000' : 'n < 1000000']);
    const working = async () =>
      engine.isSqlite
        ? statSync(join(data, 'dowel.db-wal')).size > 4_000_000
        : (await psql(database.name, "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'INSERT INTO keeper_words%'")) === '1';
    const child = spawn(binaryOf(), ['serve', '--config', config, '--data', data, '--listen', '127.0.0.1:0'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = new Promise((resolved) => child.on('close', resolved));
    let told = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (told += text));
    const end = (pid) => {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if (error.code !== 'ESRCH') throw error; // it has ended with the one before
      }
    };
    try {
      await until('the migration has begun', () => told.includes('"migration":"0001_things"') && working());
      const generation = childrenOf(child.pid);
      child.kill('SIGKILL');
      for (const pid of generation) end(pid);
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
    assert.ok(!told.includes('0002_words'), told);
    const { keeper } = await owners();
    assert.deepEqual([keeper.applied, keeper.pending, keeper.wrong], [1, 2, null]);
    take('keeper', ['n < 0000010', 'n < 0000020']);
    await start();
    assert.equal(await status('/keeper'), 200);
    assert.match(await good('check'), /^ok +keeper/m);
    await stop();
  });
});

suite('a database that cannot be used', sqlite, () => {
  // The server does not start: its exit code, and the last thing it said.
  async function refused(options = {}) {
    const { code, stderr } = await dowel(['serve', '--config', config, '--data', data, '--listen', '127.0.0.1:0'], options);
    const line = stderr.split('\n').filter((text) => text.includes('"the server process did not start"')).at(-1);
    return { code, why: line ? JSON.parse(line).why : stderr };
  }

  test('because its file is no database', async () => {
    writeFileSync(join(data, 'dowel.db'), 'this is not a database, but a text that somebody has put here by mistake\n'.repeat(100));
    const { code, why } = await refused();
    assert.equal(code, CONFIG);
    assert.match(why, /dowel\.db/);
    for (const what of [['status'], ['up'], ['check']]) assert.match(await bad(...what), /dowel\.db/);
    assert.match((await verb('doctor')).stdout, /^BAD +database +.*dowel\.db/m);
  });

  test('because its folder is not there', async () => {
    configure('sqlite:/nonexistent/dowel.db');
    const { code, why } = await refused();
    assert.equal(code, CONFIG);
    assert.match(why, /\/nonexistent/);
  });

  test('because its folder may not be written', async () => {
    const closed = join(folder, 'closed');
    mkdirSync(closed, { mode: 0o555 });
    chmodSync(folder, 0o755);
    chownSync(data, anybody.uid, anybody.gid);
    configure(`sqlite:${closed}/dowel.db`);
    const { code, why } = await refused({ spawning: anybody });
    assert.equal(code, CONFIG);
    assert.match(why, /closed/);
  });

  test('because it is not up yet, which another start may find otherwise', async () => {
    configure('postgres://dowel@127.0.0.1:1/dowel');
    const { code, why } = await refused();
    assert.equal(code, FAILED);
    assert.match(why, /Is it up/);
  });

  test('or that root would make for somebody else', { skip: process.getuid() !== 0 && 'only root can give a folder away' }, async () => {
    chmodSync(folder, 0o755);
    chownSync(data, anybody.uid, anybody.gid);
    assert.match(await bad('up'), /dowel\.db is not there, and the data directory belongs to another user \(65534\)/);
    const asUser = (...args) => dowel([...args, '--config', config, '--data', data], { spawning: anybody });
    assert.equal((await asUser('db', 'up')).code, 0);
    rmSync(join(data, 'dowel.db.migrations.lock'));
    assert.equal(await good('down', 'keeper'), 'took back keeper 0003_loudness\n'); // as root
    const { code, stderr } = await asUser('db', 'up');
    assert.equal(code, 0, stderr);
  });
});

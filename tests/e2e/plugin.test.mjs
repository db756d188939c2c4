// Presets: release asan coverage
// Plugins that cannot be loaded are refused by name, with what to do; the others load and the server starts. And what
// `dowel plugin` says and does about it, with and without a server.

import assert from 'node:assert/strict';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';

import { request } from './support/client.mjs';
import { logOf } from './support/plugins.mjs';
import { anybody, dowel, preset, root, slowness, startServer, temporaryFolder, until, writeFiles } from './support/server.mjs';

const timeout = 60_000 * slowness;
const FAILED = 1;
const USAGE = 2;
const CONFIGURATION = 3;
const made = join(root, 'build', preset, 'loading');
const sanitized = preset === 'asan' && 'its report would be taken for one about the server';

// A folder with copies of these plugins.
function pluginsOf(folder, ...names) {
  mkdirSync(folder, { recursive: true });
  for (const name of names) take(folder, name);
  return folder;
}

function take(folder, name, as = name) {
  copyFileSync(join(made, `${name}.so`), join(folder, `${as}.so`));
  chmodSync(join(folder, `${as}.so`), 0o755);
  return join(folder, `${as}.so`);
}

const enabled = (names, more = {}) => Object.fromEntries(names.map((name) => [`${name}.yaml`, `enabled: true\n${more[name] ?? ''}`]));

let folder; // of plugins
beforeEach(() => (folder = temporaryFolder()));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a plugin that cannot be loaded', { timeout }, () => {
  let server;
  afterEach(async () => {
    await server?.stop();
    server = undefined;
  }, { timeout });

  const start = (names, { more, core = '' } = {}) =>
    startServer({ config: { 'core.yaml': `plugin_dirs: [${folder}]\n${core}`, ...enabled(names, more) } }).then((started) => (server = started));
  const logged = () => logOf(server);
  const declined = (name) => logged().find((line) => line.message === 'plugin declined' && line.plugin === name)?.why;
  const status = async (path) => (await request(server.url, { path })).status;
  const readyz = async () => (await request(server.url, { path: '/readyz?verbose' })).text();

  // The neighbour works, the server is ready, and each of these is declined for that reason everywhere.
  async function onlyTheseAreDeclined(reasons) {
    assert.equal(await status('/innocent'), 200);
    const ready = await readyz();
    assert.match(ready, /^ok$/m);
    for (const [name, why] of Object.entries(reasons)) {
      assert.match(await until(`${name} is declined`, () => declined(name)), why, name);
      assert.ok(ready.includes(`[!] plugin ${name}: declined: `), ready);
    }
    assert.equal(logged().filter((line) => line.message === 'plugin declined').length, Object.keys(reasons).length);
    const metrics = (await request(server.url, { path: '/metrics' })).text();
    assert.match(metrics, /^dowel_plugin_up\{plugin="innocent"\} 1$/m);
    for (const name of Object.keys(reasons)) assert.ok(metrics.includes(`dowel_plugin_up{plugin="${name}"} 0\n`), name);
  }

  test('for its file: corrupt, cut off, of another machine, writable for all, of another name, no plugin, or not there', async () => {
    pluginsOf(folder, 'innocent', 'no_entry', 'missing_symbol');
    const bytes = readFileSync(take(folder, 'innocent', 'cut'));
    writeFileSync(join(folder, 'cut.so'), bytes.subarray(0, bytes.length / 2));
    const foreign = Buffer.from(bytes);
    foreign.writeUInt16LE(foreign.readUInt16LE(18) === 183 ? 62 : 183, 18); // e_machine
    writeFileSync(join(folder, 'foreign.so'), foreign);
    writeFileSync(join(folder, 'corrupt.so'), Buffer.from(bytes).fill(0xff, 0, 64));
    chmodSync(take(folder, 'follower'), 0o777);
    take(folder, 'innocent', 'renamed');
    const reasons = {
      cut: /is cut off.*copy it again/,
      foreign: /is for .* machines \(64 bits\), this server is for/,
      corrupt: /is not a shared object/,
      follower: new RegExp(`may be written by everyone \\(mode 0777\\): chmod go-w ${folder}/follower.so`),
      renamed: /holds the plugin innocent; call the file innocent\.so/,
      no_entry: /has no symbol dowel_plugin_v0/,
      missing_symbol: /undefined symbol: function_that_nobody_has/,
      absent: new RegExp(`there is no absent\\.so in ${folder}`),
    };
    await start(['innocent', ...Object.keys(reasons)]);
    await onlyTheseAreDeclined(reasons);
  });

  test('for its owner', { skip: process.getuid() !== 0 && 'only root can give a file away' }, async () => {
    pluginsOf(folder, 'innocent');
    chownSync(take(folder, 'follower'), anybody.uid, anybody.gid);
    await start(['innocent', 'follower']);
    await onlyTheseAreDeclined({ follower: new RegExp(`belongs to user ${anybody.uid}, .*: chown root ${folder}/follower.so`) });
  });

  test('for what it does when it is opened', { skip: sanitized }, async () => {
    pluginsOf(folder, 'innocent', 'crash_on_open', 'hang_on_open', 'exit_on_open');
    const reasons = {
      crash_on_open: /crashes when it is opened \(signal 11, Segmentation fault\); it printed: about to fall/,
      hang_on_open: /did not come back within 3 seconds/,
      exit_on_open: /ends the process when it is opened \(exit code 0\)/,
    };
    await start(['innocent', ...Object.keys(reasons)], { core: 'probe_timeout: 3s\n' });
    await onlyTheseAreDeclined(reasons);
    assert.ok(!existsSync(join(server.dataDir, 'crashes')) || (await readyz()).includes('ok'), 'no crash of the server is on record');
  });

  test('for its ABI', async () => {
    pluginsOf(folder, 'innocent', 'other_major', 'newer_minor');
    const reasons = {
      other_major: /was built for plugin ABI 9, this server has 0: get it for this server/,
      newer_minor: /needs plugin ABI 0\.99, this server has 0\.2: update the server/,
    };
    await start(['innocent', ...Object.keys(reasons)]);
    await onlyTheseAreDeclined(reasons);
  });

  test('for what it needs: missing, too old, in a ring, or declined itself', async () => {
    const names = ['lonely', 'behind', 'follower', 'ring_a', 'ring_b', 'ring_c'];
    pluginsOf(folder, 'innocent', ...names);
    await start(['innocent', ...names]);
    await onlyTheseAreDeclined({
      lonely: /needs the plugin nobody, which is not enabled: dowel plugin enable nobody/,
      behind: /needs innocent>=2\.0, but the version of innocent is 1\.0\.0/,
      follower: /needs lonely, which was declined: needs the plugin nobody/,
      ring_a: /in a ring: ring_a -> ring_b -> ring_c -> ring_a/,
      ring_b: /in a ring: ring_b -> ring_c -> ring_a -> ring_b/,
      ring_c: /in a ring: ring_c -> ring_a -> ring_b -> ring_c/,
    });
  });

  test('for its settings, its own check, its init, its start, and a route that another one has', async () => {
    const names = ['bad_version', 'check_refuses', 'init_refuses', 'start_refuses', 'first_dav', 'second_dav', 'core_itself'];
    pluginsOf(folder, 'innocent', ...names, 'crash_in_init');
    const reasons = {
      bad_version: /version is not of the form 1\.2\.0/,
      check_refuses: /check_refuses\.yaml:2: most: is more than there are/,
      init_refuses: /init: the moon is not full/,
      start_refuses: /start: the moon is not full/,
      second_dav: /first_dav/,
      core_itself: /is called core/,
      crash_in_init: /crash_in_init\.yaml:2: mots: unknown item, did you mean most\?/,
    };
    await start(['innocent', 'first_dav', ...Object.keys(reasons)], { more: { check_refuses: 'most: 77\n', crash_in_init: 'mots: 5\n' } });
    await onlyTheseAreDeclined(reasons);
    assert.equal(await status('/dav/x'), 200);
    assert.equal(await status('/start_refuses'), 503, 'its routes were mounted before');
  });

  test('and guards something leaves its hook shut, and the log says so', async () => {
    pluginsOf(folder, 'innocent', 'asker', 'guard_refuses');
    await start(['innocent', 'asker', 'guard_refuses']);
    await onlyTheseAreDeclined({ guard_refuses: /start: the moon is not full/ });
    const line = await until('a line about it', () => logged().find((entry) => entry.message.startsWith('a hook denies everything until')));
    assert.deepEqual([line.level, line.hook, line.plugin], ['warn', 'asker.may', 'guard_refuses']);
  });

  test('or may be replaced by somebody else is told, the latter not refused', async () => {
    const inner = pluginsOf(join(folder, 'inner'), 'innocent');
    chmodSync(folder, 0o777);
    server = await startServer({ config: { 'core.yaml': `plugin_dirs: [${inner}]\n`, ...enabled(['innocent']) } });
    await onlyTheseAreDeclined({});
    const line = await until('a line about it', () => logged().find((entry) => entry.message === "a plugin's file may be replaced by somebody else"));
    assert.deepEqual([line.level, line.plugin], ['warn', 'innocent']);
    assert.ok(line.what.includes(`chmod go-w ${folder}`), line.what);
  });

  test('for another file of its name: the first counts, and the other one is named', async () => {
    const [one, two] = [pluginsOf(join(folder, 'one'), 'innocent'), pluginsOf(join(folder, 'two'), 'innocent')];
    server = await startServer({ config: { 'core.yaml': `plugin_dirs: [${one}, ${two}]\n`, ...enabled(['innocent']) } });
    await onlyTheseAreDeclined({});
    const line = await until('a line about it', () => logged().find((entry) => entry.not_used));
    assert.deepEqual([line.plugin, line.used, line.not_used], ['innocent', join(one, 'innocent.so'), join(two, 'innocent.so')]);
  });

  test('and is required ends the server with 3 and the reason; at a reload the old process goes on', async () => {
    pluginsOf(folder, 'innocent', 'lonely');
    const required = { lonely: 'required: true\n' };
    await assert.rejects(start(['innocent', 'lonely'], { more: required }), ({ stderr, message }) => {
      assert.match(message, /ended with 3/);
      assert.match(stderr, /the plugin lonely, which conf\.d requires, does not work: needs the plugin nobody/);
      return true;
    });
    await start(['innocent']);
    const pid = server.serverPid;
    writeFiles(server.configDir, enabled(['lonely'], required));
    const { code, stderr } = await dowel(['reload', '--data', server.dataDir]);
    assert.equal(code, CONFIGURATION);
    assert.match(stderr, /the plugin lonely, which conf\.d requires/);
    assert.equal(server.serverPid, pid);
    assert.equal(await status('/innocent'), 200);
  });

  test('though it works now refuses the reload; a process that is replaced after a crash asks nobody', async () => {
    pluginsOf(folder, 'innocent', 'check_refuses');
    await start(['innocent', 'check_refuses'], { more: { check_refuses: 'most: 5\n' } });
    const before = readFileSync(join(server.configDir, 'check_refuses.yaml'));
    writeFileSync(join(server.configDir, 'check_refuses.yaml'), 'enabled: true\nmots: 5\n');
    const refused = await dowel(['reload', '--config', server.configDir, '--data', server.dataDir]);
    assert.equal(refused.code, CONFIGURATION);
    assert.match(refused.stderr, /the plugin check_refuses works now and would not any more: .*check_refuses\.yaml:2: mots: unknown item/);
    assert.equal(await status('/innocent'), 200);
    assert.equal(declined('check_refuses'), undefined);

    writeFileSync(join(server.configDir, 'core.yaml'), 'no_such_item: 1\n');
    process.kill((await until('it serves', () => logged().find((line) => line.message === 'serving'))).pid, 'SIGKILL');
    await until('it serves again', () => logged().filter((line) => line.message === 'serving').length === 2);
    assert.equal(await status('/innocent'), 200);
    assert.match(declined('check_refuses'), /mots: unknown item/);

    writeFileSync(join(server.configDir, 'core.yaml'), `plugin_dirs: [${folder}]\n`);
    writeFileSync(join(server.configDir, 'check_refuses.yaml'), before);
    assert.equal((await dowel(['reload', '--config', server.configDir, '--data', server.dataDir])).code, 0);
  });

  test('is probed once, and again when its file changes', async () => {
    pluginsOf(folder, 'innocent');
    await start(['innocent']);
    const record = join(server.dataDir, 'plugins/probed.json');
    assert.equal(statSync(record).mode & 0o777, 0o600);
    const known = () => Object.values(JSON.parse(readFileSync(record, 'utf8')).files).map(({ name }) => name);
    const before = statSync(record).ino;
    assert.deepEqual(known(), ['innocent']);
    assert.equal((await dowel(['reload', '--data', server.dataDir])).code, 0);
    assert.equal(statSync(record).ino, before, 'nothing was new');

    take(folder, 'ring_a');
    writeFiles(server.configDir, enabled(['ring_a']));
    assert.equal((await dowel(['reload', '--data', server.dataDir])).code, 0);
    assert.deepEqual(known().sort(), ['innocent', 'ring_a']);

    writeFileSync(record, '{"version": 1, "abi": "0.1", "files": [');
    assert.equal((await dowel(['reload', '--data', server.dataDir])).code, 0, 'a broken record is no obstacle');
    assert.deepEqual(known().sort(), ['innocent', 'ring_a']);
    assert.equal(await status('/innocent'), 200);
  });

  test('is told of by `dowel plugin list` and `info`, and what a reload would change', async () => {
    pluginsOf(folder, 'innocent', 'lonely', 'ring_a');
    await start(['innocent', 'lonely']);
    const plugin = async (...args) => JSON.parse((await dowel(['plugin', ...args, '--config', server.configDir, '--data', server.dataDir, '--output', 'json'])).stdout);
    const list = await plugin('list');
    assert.equal(list.running, true);
    assert.deepEqual(list.plugins.map(({ name, state }) => [name, state]), [['innocent', 'loaded'], ['lonely', 'declined'], ['ring_a', 'available']]);
    assert.match(list.plugins[1].why, /nobody/);
    assert.ok(list.plugins.every((one) => !one.after_reload));

    const { code } = await dowel(['plugin', 'disable', 'innocent', '--config', server.configDir, '--data', server.dataDir]);
    assert.equal(code, 0);
    const info = await plugin('info', 'innocent');
    assert.equal(info.state, 'loaded');
    assert.equal(info.after_reload.state, 'available');
    assert.equal(info.found.items.length, 3);
    assert.equal(await status('/innocent'), 200);
    assert.equal((await dowel(['reload', '--data', server.dataDir])).code, 0);
    assert.equal(await status('/innocent'), 404);
    assert.equal((await plugin('info', 'innocent')).state, 'available');
    await assert.rejects(plugin('info', 'nobody'));
  });
});

describe('without a server', { timeout }, () => {
  let config;
  let data;
  before(() => (config = temporaryFolder()) && (data = temporaryFolder()));
  after(() => [config, data].forEach((one) => rmSync(one, { recursive: true, force: true })));
  beforeEach(() => writeFiles(config, { 'core.yaml': `plugin_dirs: [${folder}]\n` }));
  afterEach(() => ['innocent', 'lonely', 'ring_a'].forEach((name) => rmSync(join(config, `${name}.yaml`), { force: true })));

  const run = (...args) => dowel([...args, '--config', config, '--data', data]);
  const plugin = (...args) => run('plugin', ...args);
  const file = (name) => readFileSync(join(config, `${name}.yaml`), 'utf8');

  test('list says what would be', async () => {
    pluginsOf(folder, 'innocent', 'lonely');
    writeFiles(config, enabled(['innocent', 'lonely']));
    const { code, stdout } = await plugin('list');
    assert.equal(code, 0);
    assert.match(stdout, /no server runs/);
    assert.match(stdout, /^innocent +1\.0\.0 +loaded +For tests$/m);
    assert.match(stdout, /^lonely +1\.0\.0 +declined +needs the plugin nobody/m);
  });

  test('enable writes a file with all items, disable changes one line, and what else is there stays', async () => {
    pluginsOf(folder, 'innocent');
    const first = await plugin('enable', 'innocent');
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /dowel reload/);
    assert.match(file('innocent'), /^enabled: true$/m);
    assert.match(file('innocent'), /^#most: 10$/m);

    const mine = '# mine\nmost: 5   # few\n\nenabled: true  # for now\nkeep: 2h\n';
    writeFiles(config, { 'innocent.yaml': mine });
    assert.equal((await plugin('disable', 'innocent')).code, 0);
    assert.equal(file('innocent'), mine.replace('enabled: true ', 'enabled: false '));
    assert.equal((await plugin('enable', 'innocent')).code, 0);
    assert.equal(file('innocent'), mine);

    writeFiles(config, { 'innocent.yaml': '# mine\nmost: 5\n' });
    chmodSync(join(config, 'innocent.yaml'), 0o640);
    assert.equal((await plugin('enable', 'innocent')).code, 0);
    assert.equal(file('innocent'), '# mine\nenabled: true\nmost: 5\n');
    assert.equal(statSync(join(config, 'innocent.yaml')).mode & 0o777, 0o640);
  });

  test('enable refuses what is not there or cannot be used, and a file that it does not understand', async () => {
    pluginsOf(folder, 'innocent', 'other_major');
    const absent = await plugin('enable', 'absent');
    assert.equal(absent.code, FAILED);
    assert.match(absent.stderr, new RegExp(`there is no absent\\.so in ${folder}`));
    const other = await plugin('enable', 'other_major');
    assert.equal(other.code, FAILED);
    assert.match(other.stderr, /plugin ABI 9/);
    assert.equal((await plugin('enable', 'core')).code, USAGE);
    writeFiles(config, { 'innocent.yaml': 'most: [1,\n' });
    assert.equal((await plugin('disable', 'innocent')).code, FAILED);
    assert.equal(file('innocent'), 'most: [1,\n');
  });

  test('config check, show and get know the items of plugins', async () => {
    pluginsOf(folder, 'innocent');
    writeFiles(config, enabled(['innocent'], { innocent: 'most: 500\nkeeep: 1h\n' }));
    const wrong = await run('config', 'check');
    assert.equal(wrong.code, CONFIGURATION);
    assert.match(wrong.stderr, /innocent\.yaml:2: most: "?500"? must be between 1 and 100/);
    assert.match(wrong.stderr, /innocent\.yaml:3: keeep: unknown item, did you mean keep\?/);
    writeFiles(config, enabled(['innocent'], { innocent: 'most: 50\n' }));
    assert.equal((await run('config', 'get', 'innocent.most')).stdout, '50\n');
    assert.match((await run('config', 'show')).stdout, /^ {2}keep: +1h$/m);
    assert.match((await run('config', 'reference', 'innocent')).stdout, /^#### `most`$/m);
    assert.match((await run('config', 'env', 'innocent')).stdout, /^#DOWEL_INNOCENT__MOST=10$/m);
    assert.equal((await run('config', 'reference', 'absent')).code, FAILED);
  });

  test('config check tells a plugin that is not installed from one that cannot be used', async () => {
    pluginsOf(folder, 'other_major');
    writeFiles(config, enabled(['lonely', 'other_major']));
    const { stderr } = await run('config', 'check');
    rmSync(join(config, 'other_major.yaml'));
    assert.match(stderr, /lonely\.yaml: warning: no plugin of that name is installed/);
    assert.match(stderr, /other_major\.yaml: warning: its plugin is there, but cannot be used; `dowel plugin list` says why/);
  });

  test('config check tells at once what is wrong in core.yaml and in a file of a plugin', async () => {
    writeFiles(config, { 'core.yaml': 'idle_timeout: -3\n', 'timesync.yaml': 'enabled: true\nkeep_rums: 90d\n' }); // one that is installed
    const { code, stderr } = await run('config', 'check');
    rmSync(join(config, 'timesync.yaml'));
    assert.equal(code, CONFIGURATION);
    assert.match(stderr, /core\.yaml:1: idle_timeout: "-3" is not a duration/);
    assert.match(stderr, /timesync\.yaml:2: keep_rums: unknown item, did you mean keep_runs\?/);
    assert.doesNotMatch(stderr, /cannot be used/);
  });

  test('verify says whether a file would be loaded', async () => {
    const good = await plugin('verify', take(folder, 'innocent'));
    assert.equal(good.code, 0, good.stderr);
    assert.match(good.stdout, /innocent 1\.0\.0 can be loaded: 0 operations, 1 routes, 3 items/);
    const here = await plugin('verify', join(folder, 'innocent.so'), '--probe', '--output', 'json');
    assert.equal(JSON.parse(here.stdout).ok, true);
    chmodSync(join(folder, 'innocent.so'), 0o777);
    const open = await plugin('verify', join(folder, 'innocent.so'));
    assert.equal(open.code, 0);
    assert.match(open.stderr, /warning: may be written by everyone/);
    const inner = pluginsOf(join(folder, 'inner'), 'innocent');
    chmodSync(folder, 0o777);
    const below = await plugin('verify', join(inner, 'innocent.so'));
    chmodSync(folder, 0o755);
    assert.equal(below.code, 0);
    assert.match(below.stderr, /warning: its directory is below \S+, which may be written by everyone \(mode 0777\): chmod go-w /);
    const bad = await plugin('verify', take(folder, 'no_strides'), '--output', 'json');
    assert.equal(bad.code, FAILED);
    assert.match(JSON.parse(bad.stdout).errors[0], /not made by DOWEL_PLUGIN\(\)/);
    assert.equal((await plugin('verify', join(folder, 'absent.so'))).code, FAILED);
    assert.equal((await plugin('verify')).code, USAGE);
  });

  test('clear of one that never crashed is no error; new writes a folder', async () => {
    assert.match((await plugin('clear', 'innocent')).stdout, /has no crashes/);
    const { code, stdout } = await plugin('new', 'fresh', join(folder, 'fresh'));
    assert.equal(code, 0);
    assert.match(stdout, /cmake -B build/);
    assert.ok(existsSync(join(folder, 'fresh/fresh.c')));
    assert.equal((await plugin('new', 'fresh', join(folder, 'fresh'))).code, FAILED);
  });
});

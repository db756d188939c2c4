// The command line: what it prints where, and the exit codes that scripts rely on.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';

import { request } from './support/client.mjs';
import { anybody, binaryOf, dowel, launch, slowness, startServer, temporaryFolder, until, writeFiles } from './support/server.mjs';

const timeout = 120_000 * slowness;
const OK = 0;
const FAILED = 1;
const USAGE = 2;
const CONFIGURATION = 3;
const UNREACHABLE = 4;

const VERBS = ['init', 'serve', 'config', 'reload', 'version', 'doctor', 'completion'];

let config;
let data;
let places;
beforeEach(() => {
  config = temporaryFolder();
  data = temporaryFolder();
  places = ['--config', config, '--data', data];
});
afterEach(() => {
  for (const folder of [config, data]) rmSync(folder, { recursive: true, force: true });
});

describe('help', { timeout }, () => {
  test('of the command lists every verb', async () => {
    const { code, stdout, stderr } = await dowel(['--help']);
    assert.equal(code, OK);
    assert.equal(stderr, '');
    for (const verb of VERBS) assert.match(stdout, new RegExp(`\\b${verb}\\b`));
  });

  test('is also asked for by its name', async () => {
    assert.equal((await dowel(['help'])).stdout, (await dowel(['--help'])).stdout);
    assert.equal((await dowel(['help', 'serve'])).stdout, (await dowel(['serve', '-h'])).stdout);
  });

  for (const verb of VERBS) {
    test(`of ${verb}`, async () => {
      const { code, stdout, stderr } = await dowel([verb, '--help']);
      assert.equal(code, OK);
      assert.equal(stderr, '');
      assert.match(stdout, new RegExp(`dowel ${verb}`));
      for (const option of ['--config', '--data', '--output', '--help']) assert.ok(stdout.includes(option), option);
    });
  }
});

describe('usage', { timeout }, () => {
  const wrong = {
    'no verb': [[], ''],
    'an unknown verb': [['frobnicate'], 'frobnicate'],
    'a slip of the fingers': [['serv'], 'serve'],
    'an unknown option': [['version', '--frobnicate'], '--frobnicate'],
    'an option without its value': [['version', '--config'], '--config'],
    'an unknown output': [['version', '--output', 'xml'], 'xml'],
    'too much': [['version', 'surplus'], 'surplus'],
    'an unknown part of config': [['config', 'frobnicate'], 'frobnicate'],
    'an address that is none': [['serve', '--listen', 'nowhere'], 'nowhere'],
  };
  for (const [name, [args, named]] of Object.entries(wrong)) {
    test(`${name}: exit 2, standard error says what and how`, async () => {
      const { code, stdout, stderr } = await dowel([...args, ...(args.length ? places : [])]);
      assert.equal(code, USAGE, stderr);
      assert.equal(stdout, '');
      assert.ok(stderr.includes(named), stderr);
      assert.match(stderr, /dowel/);
    });
  }
});

describe('version', { timeout }, () => {
  test('as text and as JSON', async () => {
    const text = await dowel(['version', ...places]);
    assert.equal(text.code, OK);
    const json = await dowel(['version', '--output', 'json', ...places]);
    assert.equal(json.code, OK);
    const { version } = JSON.parse(json.stdout);
    assert.ok(text.stdout.includes(version));
  });
});

describe('config', { timeout }, () => {
  test('check of an empty folder is good', async () => {
    const { code, stderr } = await dowel(['config', 'check', ...places]);
    assert.equal(code, OK, stderr);
  });

  test('check names every error with its file and line, and the nearest item', async () => {
    writeFiles(config, { 'core.yaml': 'listn: 127.0.0.1:1\nidle_timeout: soon\n' });
    const { code, stderr } = await dowel(['config', 'check', ...places]);
    assert.equal(code, CONFIGURATION);
    assert.match(stderr, /core\.yaml:1: listn: unknown item, did you mean listen\?/);
    assert.match(stderr, /core\.yaml:2: idle_timeout:/);
  });

  test('check as JSON is one document, also when something is wrong', async () => {
    writeFiles(config, { 'core.yaml': 'listn: 127.0.0.1:1\n' });
    const { code, stdout } = await dowel(['config', 'check', '--output', 'json', ...places]);
    assert.equal(code, CONFIGURATION);
    assert.match(JSON.stringify(JSON.parse(stdout)), /listn/);
  });

  test('show --origin says where a value comes from', async () => {
    writeFiles(config, { 'core.yaml': 'idle_timeout: 61s\n' });
    const { code, stdout } = await dowel(['config', 'show', '--origin', ...places], { env: { LOG_LEVEL: 'debug' } });
    assert.equal(code, OK);
    assert.match(stdout, /idle_timeout.*core\.yaml:1/);
    assert.match(stdout, /LOG_LEVEL/);
  });

  test('get prints one value, the environment wins over the file', async () => {
    writeFiles(config, { 'core.yaml': 'idle_timeout: 61s\n' });
    assert.match((await dowel(['config', 'get', 'core.idle_timeout', ...places])).stdout, /^(61s|1m1s)\n$/);
    const { stdout } = await dowel(['config', 'get', 'core.idle_timeout', ...places], { env: { DOWEL_CORE__IDLE_TIMEOUT: '62s' } });
    assert.match(stdout, /^(62s|1m2s)\n$/);
  });

  test('get of an item that is not there fails', async () => {
    const { code, stderr } = await dowel(['config', 'get', 'core.idle_timout', ...places]);
    assert.notEqual(code, OK);
    assert.match(stderr, /idle_timeout/);
  });
});

describe('without a server', { timeout }, () => {
  test('reload is exit 4', async () => {
    const { code, stderr } = await dowel(['reload', ...places]);
    assert.equal(code, UNREACHABLE);
    assert.ok(stderr.includes(data), 'it says where it looked');
  });

  test('serve with a wrong configuration is exit 3', async () => {
    writeFiles(config, { 'core.yaml': 'listn: 1\n' });
    const { code, stderr } = await dowel(['serve', '--listen', '127.0.0.1:0', ...places]);
    assert.equal(code, CONFIGURATION);
    assert.match(stderr, /core\.yaml:1/);
  });

  test('doctor looks around and says what it saw', async () => {
    const { code, stdout } = await dowel(['doctor', '--output', 'json', ...places]);
    assert.ok([0, 1].includes(code));
    assert.equal(typeof JSON.parse(stdout), 'object');
  });

  test('init makes a folder that config check likes, and overwrites nothing', async () => {
    const fresh = ['--config', join(config, 'new'), '--data', join(data, 'new')];
    assert.equal((await dowel(['init', ...fresh])).code, OK);
    assert.ok(readdirSync(join(config, 'new')).length > 0);
    assert.equal((await dowel(['config', 'check', ...fresh])).code, OK);
    writeFiles(join(config, 'new'), { 'core.yaml': '# mine\n' });
    await dowel(['init', ...fresh]);
    assert.equal(readFileSync(join(config, 'new', 'core.yaml'), 'utf8'), '# mine\n');
  });

  test('doctor finds what is broken, and says what to do about it', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address();
    chmodSync(data, 0o777);
    writeFiles(config, { 'core.yaml': `listen: ["127.0.0.1:${port}", "unix:${config}/none/s.sock"]\ntls_certificate: ${config}/core.yaml\ntls_key: ${config}/core.yaml\n` });
    const { code, stdout } = await dowel(['doctor', '--output', 'json', ...places]);
    taken.close();
    assert.equal(code, FAILED);
    const { ok, findings } = JSON.parse(stdout);
    assert.equal(ok, false);
    const bad = (check) => findings.filter((one) => one.check === check && one.level !== 'ok');
    assert.match(bad('listen')[0].found, new RegExp(`${port}.*in use.*pid ${process.pid}`));
    assert.match(bad('listen')[1].found, /none/);
    assert.equal(bad('certificate').length, 1);
    assert.match(bad('data')[0].advice, /chmod/);
    writeFiles(config, { 'core.yaml': 'listn: 1\n' });
    const text = await dowel(['doctor', ...places]);
    assert.equal(text.code, FAILED);
    assert.match(text.stdout, /^BAD +configuration +.*core\.yaml:1: listn/m);
  });
});

describe('in an empty folder', { timeout }, () => {
  const installed = existsSync('/etc/dowel') || existsSync('/var/lib/dowel');

  test('a user gets conf.d and var right there', { skip: installed && 'a Dowel is installed on this machine' }, async (t) => {
    chownSync(config, anybody.uid, anybody.gid);
    const { code, stdout } = await dowel(['init'], { cwd: config, spawning: anybody }).catch((error) => error);
    if (code === 'EACCES') return t.skip('another user cannot reach the binary');
    assert.equal(code, OK);
    assert.match(stdout, /dowel serve --config conf\.d --data var/);
    assert.deepEqual(readdirSync(config).sort(), ['conf.d', 'var']);
  });

  test('a named configuration that is not there is an error, an unnamed one is not', async () => {
    const env = { DOWEL_CONFIG: join(config, 'typo'), DOWEL_DATA: data };
    const { code, stderr } = await dowel(['serve'], { env });
    assert.equal(code, CONFIGURATION);
    assert.match(stderr, /typo.*dowel init/);
    assert.equal((await dowel(['config', 'check'], { cwd: config })).code, OK);
  });

  test('what is there is used: init, then serve, without an option', async () => {
    mkdirSync(join(config, 'conf.d'));
    mkdirSync(join(config, 'var'), { mode: 0o700 });
    assert.equal((await dowel(['init'], { cwd: config })).code, OK);
    const server = await launch(binaryOf(), ['serve', '--listen', '127.0.0.1:0'], { cwd: config });
    assert.equal((await request(server.url, { path: '/livez' })).status, 200);
    await until('the log says where', () => /"starting".*"config":"conf\.d","data":"var"/.test(server.stderr));
    assert.equal((await dowel(['reload'], { cwd: config })).code, OK);
    await server.stop();
  });
});

describe('completion', { timeout }, () => {
  // What a user has typed, and what bash then offers.
  async function complete(...words) {
    const { stdout } = await dowel(['completion', 'bash']);
    const script = `${stdout}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _dowel; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const out = execFileSync('bash', ['--norc', '-c', script, 'bash', 'dowel', ...words], { encoding: 'utf8', timeout: 10_000, cwd: config });
    return out.trim().split('\n');
  }

  test('knows verbs, their words and their options', async () => {
    assert.deepEqual(await complete('re'), ['reload']);
    assert.deepEqual((await complete('')).filter((word) => VERBS.includes(word)).sort(), [...VERBS].sort());
    assert.deepEqual(await complete('config', 'sh'), ['show']);
    assert.deepEqual(await complete('--data', 'x', 'config', 'show', '--or'), ['--origin']);
    assert.deepEqual(await complete('serve', '--li'), ['--listen']);
    assert.deepEqual(await complete('version', '--output', ''), ['text', 'json']);
    assert.deepEqual(await complete('help', 'se'), ['serve']);
  });

  test('offers folders for --config and --data', async () => {
    mkdirSync(join(config, 'my-conf'));
    assert.deepEqual(await complete('serve', '--config', 'my'), ['my-conf']);
  });
});

describe('standard streams', { timeout }, () => {
  const shell = (line) => dowel(['-c', line, binaryOf(), ...places], { binary: '/bin/sh' });

  test('a closed standard output is an error, not a success', async () => {
    const { code, stderr } = await shell('exec "$0" config show "$@" >&-');
    assert.equal(code, FAILED);
    assert.match(stderr, /standard output/);
  });

  test('a full one, too', { skip: !existsSync('/dev/full') && 'no /dev/full' }, async () => {
    assert.equal((await shell('exec "$0" config show "$@" >/dev/full')).code, FAILED);
  });
});

describe('with a server', { timeout }, () => {
  let server;
  before(async () => (server = await startServer()), { timeout });
  after(() => server?.stop(), { timeout });

  test('reload asks it, and answers in JSON when told to', async () => {
    const own = ['--config', server.configDir, '--data', server.dataDir];
    assert.equal((await dowel(['reload', ...own])).code, OK);
    const { code, stdout } = await dowel(['reload', '--output', 'json', ...own]);
    assert.equal(code, OK);
    assert.equal(typeof JSON.parse(stdout), 'object');
  });

  test('a second one on the same data folder is refused', async () => {
    const { code, stderr } = await dowel(['serve', '--listen', '127.0.0.1:0', '--config', server.configDir, '--data', server.dataDir]);
    assert.notEqual(code, OK);
    assert.ok(stderr.includes(server.dataDir));
  });
});

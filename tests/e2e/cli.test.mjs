// The command line: what it prints where, and the exit codes that scripts rely on.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';

import { dowel, slowness, startServer, temporaryFolder, writeFiles } from './support/server.mjs';

const timeout = 120_000 * slowness;
const OK = 0;
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

  test('completion is a script that bash reads', async () => {
    const { code, stdout } = await dowel(['completion', 'bash', ...places]);
    assert.equal(code, OK);
    assert.match(stdout, /complete .*dowel/);
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

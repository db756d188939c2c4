// Presets: release
// Old and new plugins on old and new servers, and plugins as they were released. Old is this tree; new is the tree as the
// next minor might have it (tests/abi/next.mjs); released is what tests/abi/frozen has. docs/sdk/abi.md says what has to
// happen.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { ADVICE, buildProbe, compare, constantOf, frozen, headers, versionOf } from '../abi/abi.mjs';
import { buildNext, grown, makeNext } from '../abi/next.mjs';
import { request } from './support/client.mjs';
import { logged } from './support/plugins.mjs';
import { binaryOf, dowel, root, startServer, temporaryFolder, until } from './support/server.mjs';

const timeout = 290_000;
const folder = temporaryFolder();
const plugins = join(folder, 'plugins');
const data = join(folder, 'data');
const minor = constantOf(headers, 'DW_ABI_MINOR');
const released = readdirSync(frozen, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
const jansson = execFileSync('pkg-config', ['--cflags', '--libs', 'jansson'], { encoding: 'utf8' }).trim().split(/\s+/);
const nameOf = (version) => `frozen_${version.replace('.', '_')}`;

// Compiles source.c of `from` with the api.yaml beside it to plugins/NAME.so.
function build(name, from, source, include, ...defines) {
  const work = join(folder, name);
  const assets = join(work, 'assets.c');
  const quiet = { stdio: ['ignore', 'pipe', 'inherit'] };
  mkdirSync(work);
  writeFileSync(join(work, 'api.yaml'), readFileSync(join(from, 'api.yaml'), 'utf8').replaceAll('/NAME', `/${name}`));
  writeFileSync(join(work, 'list'), 'api.yaml\n');
  execFileSync('cmake', ['-DSYMBOL=dw_assets_', `-DFOLDER=${work}`, `-DLIST=${join(work, 'list')}`, `-DOUT=${assets}`, '-P', join(root, 'sdk/cmake/DowelAssets.cmake')], quiet);
  execFileSync('cc', ['-std=c11', '-Wall', '-Wextra', '-Wpedantic', '-Wno-missing-field-initializers', '-Werror', '-shared', '-fPIC', '-fvisibility=hidden', '-pthread', `-I${include}`, ...defines, join(from, source), assets,
    ...jansson, `-Wl,--version-script=${join(root, 'sdk/cmake/plugin.map')},-z,defs,-z,now,-z,nodelete`, '-o', join(plugins, `${name}.so`)], quiet);
}

const next = { source: join(root, 'build/abi-next/source'), build: join(root, 'build/abi-next/build') };

before(() => {
  const pair = join(root, 'tests/abi/pair');
  mkdirSync(plugins);
  mkdirSync(data, { mode: 0o700 });
  next.headers = makeNext(next.source);
  build('old', pair, 'pair.c', headers, '-DNAME="old"');
  build('both', pair, 'pair.c', next.headers, '-DNAME="both"', `-DDOWEL_NEED_MINOR=${minor}`);
  build('new', pair, 'pair.c', next.headers, '-DNAME="new"');
  for (const version of released) build(nameOf(version), join(frozen, version), 'frozen.c', join(frozen, version, 'include'));
}, { timeout });
after(() => rmSync(folder, { recursive: true, force: true }));

describe('the next minor', { timeout }, () => {
  test('has headers that differ where they may', () => {
    buildProbe(headers, join(folder, 'now.probe.so'));
    buildProbe(next.headers, join(folder, 'next.probe.so'));
    const report = compare(join(folder, 'now.probe.so'), join(folder, 'next.probe.so'));
    for (const type of Object.values(grown).flatMap(Object.keys)) assert.match(report, new RegExp(`'struct ${type}`), report);
  });

  test('has a server', (t) => {
    const started = Date.now();
    next.binary = buildNext(next.source, next.build);
    t.diagnostic(`built in ${Date.now() - started} ms`);
  });
});

describe('released headers', { timeout }, () => {
  test('are there', () => assert.ok(released.includes('0.1'), released.join(' ')));

  test('of the minor of this tree are those of this tree', (t) => {
    const version = versionOf(headers);
    if (!released.includes(version)) return t.skip(`${version} is not frozen yet`);
    const [before, now] = ['frozen', 'now'].map((name) => join(folder, `${name}.so`));
    buildProbe(join(frozen, version, 'include'), before);
    buildProbe(headers, now);
    const report = compare(before, now);
    assert.equal(report, '', `${report}\n${ADVICE}\nIf ${version} has not been released yet: ./dev abi freeze`);
    return undefined;
  });
});

// The settings of all that is in plugins/, and a server that may talk to itself.
function config() {
  const files = { 'core.yaml': `plugin_dirs: ["${plugins}"]\nclient_allow: ["127.0.0.0/8"]\nlog_level: debug\n` };
  for (const name of ['old', 'both', 'new']) files[`${name}.yaml`] = 'enabled: true\nfirst: 3\n';
  for (const version of released) files[`${nameOf(version)}.yaml`] = 'enabled: true\nsecret: word\n';
  return files;
}

// One server after the other on the same data, as an update does it.
for (const [age, server] of Object.entries({
  old: { binary: () => binaryOf(), minor, slot: 0, table: 0 },
  new: { binary: () => next.binary, minor: minor + 1, slot: 41, table: 42 },
  'old again': { binary: () => binaryOf(), minor, slot: 0, table: 0 },
})) {
  describe(`the ${age} server`, { timeout }, () => {
    let running;
    const get = async (path) => request(running.url, { path });
    const ask = async (path) => {
      const response = await get(`/api/v1/${path}`);
      assert.equal(response.status, 200, response.text());
      return response.json();
    };
    const list = async () => {
      const { code, stdout, stderr } = await dowel(['plugin', 'list', '--output', 'json', '--config', running.configDir, '--data', data], { binary: server.binary() });
      assert.equal(code, 0, stderr);
      return Object.fromEntries(JSON.parse(stdout).plugins.map((plugin) => [plugin.name, plugin]));
    };
    const kindsOf = async (name) => {
      const { code, stdout, stderr } = await dowel(['plugin', 'info', name, '--output', 'json', '--config', running.configDir, '--data', data], { binary: server.binary() });
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout).found.connectors;
    };
    before(async () => (running = await startServer({ config: config(), data, binary: server.binary() })), { timeout });
    after(() => running?.stop(), { timeout });

    const answers = { old: { built_for: minor, slot: 0, table: 0 }, both: { built_for: minor + 1, slot: server.slot, table: server.table } };
    if (server.minor > minor) answers.new = answers.both;
    for (const [plugin, answer] of Object.entries(answers)) {
      test(`runs the plugin ${plugin}: ${answer.slot ? 'with' : 'without'} what is new`, async () => {
        const { built_for, slot, table } = answer;
        const wanted = { built_for, server: server.minor, slot, table, first: 3, second: 'two' };
        assert.deepEqual(await ask(plugin), wanted);
        assert.deepEqual(await ask(`${plugin}/again`), wanted);
        assert.deepEqual(await ask(`${plugin}/later`), { built_for, slot, table });
        assert.equal((await list())[plugin].state, 'loaded');
        assert.deepEqual(await kindsOf(plugin), [`${plugin}_one`, `${plugin}_two`]);
      });
    }

    if (server.minor === minor) {
      test('declines the plugin new, with both numbers and what to do', async () => {
        const why = `needs plugin ABI 0.${minor + 1}, this server has 0.${minor}: update the server, get an older version of the plugin, or build it with DOWEL_NEED_MINOR ${minor}`;
        const { new: declined } = await list();
        assert.deepEqual([declined.state, declined.why], ['declined', why]);
        const line = await logged(running, { message: 'plugin declined' });
        assert.deepEqual([line.plugin, line.why], ['new', why]);
        const ready = await get('/readyz?verbose');
        assert.equal(ready.status, 200);
        assert.ok(ready.text().includes('plugin new') && ready.text().includes(why.slice(0, 40)), ready.text());
        assert.equal((await get('/api/v1/new')).status, 404);
      });
    }

    for (const version of released) {
      describe(`runs the plugin of ${version}:`, () => {
        const name = nameOf(version);
        const call = (path) => ask(`${name}/${path}`);

        test('settings', async () => {
          assert.deepEqual(await call('settings'), { flag: true, number: 7, real: 0.5, text: 'asc', span: 90, list: ['a', 'b'] });
          const files = join(folder, `wrong-${age}`);
          cpSync(running.configDir, files, { recursive: true });
          writeFileSync(join(files, `${name}.yaml`), 'enabled: true\nsecret: abc\nnumber: 11\n');
          const { code, stderr } = await dowel(['config', 'check', '--config', files, '--data', data], { binary: server.binary() });
          assert.equal(code, 3, stderr);
          assert.match(stderr, /:2: secret: must be at least 4 bytes long\n.*:3: number: "11" must be between 1 and 10\n/);
        });

        test('call, log, out, secure', async () => {
          const { begun, undone, counted, ...rest } = await call('call');
          assert.deepEqual([begun, counted, undone % 100], [2, true, 1]);
          assert.deepEqual(rest, {
            text: '1-two', zero: 0, time: '2026-11-21T07:05:00.000000Z', in_time: true, n: 3, json: { object: { b: 2 }, list: [1, 'two', null] },
            code: -5, why: 'is taken (by: me)', unsealed: 'plain', id: 36, token: 22, equal: true,
            digest: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
            hmac: execFileSync('openssl', ['dgst', '-sha256', '-hmac', 'word', '-r', '/dev/null'], { encoding: 'utf8' }).split(' ')[0],
          });
          assert.match((await get('/metrics')).text(), new RegExp(`^dowel_${name}_threads_total\\{plugin="${name}",kind="own"\\} 1$`, 'm'));
        });

        test('requests and replies', async () => {
          const headers = { 'Content-Type': 'application/json' };
          const path = `/api/v1/${name}/echo/me`;
          const echo = await request(running.url, { method: 'POST', path, headers, body: '{"n":5}' });
          assert.equal(echo.status, 201, echo.text());
          assert.equal(echo.header('x-frozen'), 'yes');
          assert.deepEqual(echo.json(), { name: 'me', n: 5, members: 1, bytes: 7, type: 'application/json', method: 'POST', path, has_id: true });
          const refused = await get(`/api/v1/${name}/refuse`);
          assert.deepEqual([refused.status, refused.json().errors.map((error) => error.detail)], [422, ['is wrong', 'is wrong too']]);
          assert.deepEqual(await call('tree'), { tree: true });
          assert.equal((await get(`/${name}/a/b`)).text(), 'path a/b');
          assert.equal((await request(running.url, { method: 'PUT', path: `/${name}_any` })).text(), 'path none');
        });

        test('answers that come later', async () => {
          assert.deepEqual(await call('later'), { later: true });
          assert.equal((await get(`/api/v1/${name}/later?well=false`)).status, 404);
          await until('both tokens are released', async () => (await call('call')).undone >= 200);
        });

        test('streams and channels', async () => {
          assert.equal((await get(`/api/v1/${name}/file`)).text(), '1,2\n');
          const events = (await get(`/api/v1/${name}/events`)).text();
          assert.deepEqual(events.match(/^(event|data): .*$/gm), ['event: kept', 'data: {"n":1}', 'event: kept', 'data: {"n":2}']);
        });

        test('peers', async () => {
          const url = encodeURIComponent(`${running.url}/api/health`);
          const { status, type, header, same, json } = await call(`fetch?url=${url}`);
          assert.deepEqual([status, same, header], [200, true, type]);
          assert.equal(typeof json.status, 'string');
          assert.deepEqual(await call(`then?url=${url}`), { status: 200 });
        });

        test('hooks and services', async () => assert.deepEqual(await call('ask'), { silent: 0, answered: 1, hooks: 11, services: 11 }));
      });
    }

    test('ends their lives well', async () => {
      await running.stop();
      for (const what of ['the frozen one stops', 'the frozen one ends']) assert.equal(running.stderr.split(what).length - 1, released.length, what);
      running = undefined;
    });
  });
}

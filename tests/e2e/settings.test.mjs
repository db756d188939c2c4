// Presets: release asan coverage
// Each item of core.yaml does what its line in docs/configuration.md says, in a real server.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';

import { Connection, request } from './support/client.mjs';
import { logOf } from './support/plugins.mjs';
import { dowel, slowness, startServer, temporaryFolder, until, writeFiles } from './support/server.mjs';

const timeout = 60_000 * slowness;
const CONFIGURATION = 3;

let server;
const start = async (yaml, more = {}) => (server = await startServer({ config: { 'core.yaml': yaml }, ...more }));
afterEach(async () => {
  await server?.stop();
  server = undefined;
}, { timeout });

const get = (path, headers = {}, options = {}) => request(server.url, { path, headers, ...options });
const reload = () => dowel(['reload', '--config', server.configDir, '--data', server.dataDir]);
const logLines = () => logOf(server);

// The access log's line about a path.
const lineAbout = (path) => until(`a line about ${path}`, () => logLines().find((line) => line.message === 'request' && line.path === path));

describe('requests', { timeout }, () => {
  test('rate_limit: 429 with Retry-After and the RateLimit headers, probes excepted', async () => {
    await start('rate_limit: 3/1m\n');
    const connection = await Connection.open(server.url);
    for (let i = 0; i < 3; i++) {
      const response = await connection.request({ path: '/api/version' });
      assert.equal(response.status, 200);
      assert.ok(response.header('ratelimit-policy') ?? response.header('ratelimit-limit'), 'it says what the limit is');
    }
    const refused = await connection.request({ path: '/api/version' });
    assert.equal(refused.status, 429);
    assert.ok(Number(refused.header('retry-after')) >= 1 && Number(refused.header('retry-after')) <= 60, refused.header('retry-after'));
    assert.match(refused.json().type, /too-many-requests/);
    assert.equal((await connection.request({ path: '/livez' })).status, 200);
    connection.close();
  });

  test('rate_burst: how many of these may come at once', async () => {
    await start('rate_limit: 100/1m\nrate_burst: 2\n');
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await get('/api/version')).status);
    assert.deepEqual(statuses, [200, 200, 429, 429]);
  });

  test('cors_origins: those, and no others', async () => {
    await start('cors_origins: ["https://app.example"]\n');
    const preflight = { origin: 'https://app.example', 'access-control-request-method': 'GET' };
    const allowed = await request(server.url, { method: 'OPTIONS', path: '/api/version', headers: preflight });
    assert.equal(allowed.status, 204);
    assert.equal(allowed.header('access-control-allow-origin'), 'https://app.example');
    assert.match(allowed.header('access-control-allow-methods'), /GET/);
    const simple = await get('/api/version', { origin: 'https://app.example' });
    assert.equal(simple.header('access-control-allow-origin'), 'https://app.example');
    assert.match(simple.header('vary'), /origin/i);
    assert.match(simple.header('access-control-expose-headers') ?? '', /x-request-id/i);
    const missing = await get('/no/such/page', { origin: 'https://app.example' });
    assert.equal(missing.header('access-control-allow-origin'), 'https://app.example', 'a page may read an error, too');
    assert.equal((await get('/api/version', { origin: 'https://evil.example' })).header('access-control-allow-origin'), undefined);
  });

  test('trusted_proxies: their word about client, scheme and request id counts', async () => {
    await start('trusted_proxies: ["127.0.0.1"]\n');
    const headers = { 'x-forwarded-for': '10.9.9.9, 203.0.113.7', 'x-forwarded-proto': 'https', 'x-request-id': 'from-the-proxy-1' };
    const response = await get('/seen-by-proxy', headers);
    assert.equal(response.header('x-request-id'), 'from-the-proxy-1');
    assert.equal(response.json().instance.includes('from-the-proxy-1'), true);
    const line = await lineAbout('/seen-by-proxy');
    assert.equal(line.client, '203.0.113.7', 'the last address that is no proxy of ours');
    assert.equal(line.id, 'from-the-proxy-1');
    assert.equal((await get('/metrics', headers)).status, 403, 'whoever is behind the proxy is a stranger');
    await get('/forwarded', { forwarded: 'for="[2001:db8::1]:4711";proto=https' });
    assert.equal((await lineAbout('/forwarded')).client, '2001:db8::1');
  });

  test('without trusted_proxies nobody is believed', async () => {
    await start('');
    const response = await get('/not-believed', { 'x-forwarded-for': '203.0.113.7', 'x-request-id': 'made-up' });
    assert.notEqual(response.header('x-request-id'), 'made-up');
    assert.equal((await lineAbout('/not-believed')).client, '127.0.0.1');
  });

  test('traceparent: its trace is in the log, a broken one is not', async () => {
    await start('');
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    await get('/traced', { traceparent: `00-${trace}-00f067aa0ba902b7-01` });
    assert.equal((await lineAbout('/traced')).trace, trace);
    for (const [path, traceparent] of [['/zeros', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`], ['/short', '00-4bf9-00f0-01'], ['/ff', `ff-${trace}-00f067aa0ba902b7-01`]]) {
      await get(path, { traceparent });
      assert.notEqual((await lineAbout(path)).trace, trace, path);
    }
  });

  test('body_max: 413 beyond it', async () => {
    await start('body_max: 2 KiB\n');
    assert.equal((await get('/livez', {}, { body: Buffer.alloc(2048) })).status, 200);
    const refused = await get('/livez', {}, { body: Buffer.alloc(2049) });
    assert.equal(refused.status, 413);
    assert.match(refused.json().type, /content-too-large/);
  });

  test('compression: false sends everything as it is', async () => {
    await start('');
    const zipped = await get('/metrics', { 'accept-encoding': 'gzip' });
    assert.equal(zipped.header('content-encoding'), 'gzip');
    assert.match(gunzipSync(zipped.body).toString(), /^# HELP/);
    writeFiles(server.configDir, { 'core.yaml': 'compression: false\n' });
    assert.equal((await reload()).code, 0);
    assert.equal((await get('/metrics', { 'accept-encoding': 'gzip' })).header('content-encoding'), undefined);
  });

  test('static_dir: its files at /, and a reload sees another one', async () => {
    const folder = temporaryFolder();
    try {
      for (const name of ['one', 'two']) {
        mkdirSync(join(folder, name));
        writeFileSync(join(folder, name, 'index.html'), `<h1>${name}</h1>\n`);
      }
      await start('');
      assert.match((await get('/')).text(), /static_dir/, 'the welcome page says what to do');
      for (const name of ['one', 'two']) {
        writeFiles(server.configDir, { 'core.yaml': `static_dir: ${folder}/${name}\n` });
        assert.equal((await reload()).code, 0);
        assert.equal((await get('/')).text(), `<h1>${name}</h1>\n`);
      }
      assert.equal((await get('/livez')).text(), 'ok\n', 'the server keeps its own addresses');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('metrics_allow: those networks, beside this machine', async () => {
    await start('trusted_proxies: ["127.0.0.1"]\nmetrics_allow: ["198.51.100.0/24"]\n');
    const from = (client) => get('/metrics', { 'x-forwarded-for': client });
    assert.equal((await from('198.51.100.9')).status, 200);
    assert.equal((await from('198.51.101.9')).status, 403);
    const verbose = async (client) => (await get('/readyz?verbose', { 'x-forwarded-for': client })).text();
    assert.match(await verbose('198.51.100.9'), /loops/);
    assert.doesNotMatch(await verbose('198.51.101.9'), /loops/);
  });
});

describe('connections', { timeout }, () => {
  test('idle_timeout: closed after it, not before', async () => {
    await start('idle_timeout: 700ms\n');
    const connection = await Connection.open(server.url);
    const began = performance.now(); // before the server's time begins: the answer may be read late
    await connection.request({ path: '/livez' });
    await connection.toEnd();
    const took = performance.now() - began;
    assert.ok(took > 650 && took < 3000 * slowness, `${Math.round(took)} ms`);
    connection.close();
  });

  test('header_timeout: 408', async () => {
    await start('header_timeout: 500ms\n');
    const connection = await Connection.open(server.url);
    connection.send('GET /livez HTTP/1.1\r\nHost: a\r\n');
    assert.equal((await connection.response()).status, 408);
    connection.close();
  });

  test('connections_max: one more is told so', async () => {
    await start('connections_max: 3\nloops: 1\n');
    const open = [];
    for (let i = 0; i < 3; i++) {
      open.push(await Connection.open(server.url));
      assert.equal((await open[i].request({ path: '/livez' })).status, 200);
    }
    const surplus = await Connection.open(server.url);
    surplus.send('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n');
    const bytes = await surplus.toEnd();
    assert.match(bytes.toString('latin1'), /^HTTP\/1\.1 503 [^]*retry-after: /i);
    surplus.close();
    for (const one of open) one.close();
    await until('there is room again', async () => (await get('/livez').catch(() => ({}))).status === 200);
  });

  test('drain_timeout: a request that does not end is cut off after it', async () => {
    await start('loops: 1\ndrain_timeout: 1s\n');
    const connection = await Connection.open(server.url);
    connection.send('POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nbeginning');
    assert.equal((await get('/livez')).status, 200); // so the one before it has been read
    const began = performance.now();
    await server.stop();
    const took = performance.now() - began;
    assert.ok(took > 700 && took < 5000 * slowness, `${Math.round(took)} ms`);
    connection.close();
  });
});

describe('threads', { timeout }, () => {
  test('loops and workers: as many threads as they say', async () => {
    const threads = async (yaml) => {
      await start(yaml);
      await get('/api/health');
      const names = readdirSync(`/proc/${server.serverPid}/task`).map((id) => readFileSync(`/proc/${server.serverPid}/task/${id}/comm`, 'latin1').trim());
      await server.stop();
      server = undefined;
      return ['loop', 'requests'].map((kind) => names.filter((name) => name.startsWith(`${kind}-`)).length);
    };
    assert.deepEqual(await threads('loops: 1\nworkers: 2\n'), [1, 2]);
    assert.deepEqual(await threads('loops: 3\nworkers: 2\n'), [3, 2]);
    assert.deepEqual(await threads('loops: 1\nworkers: 9\n'), [1, 9]);
  });
});

describe('the log', { timeout }, () => {
  test('access_log: false leaves the rest of the log alone', async () => {
    await start('access_log: false\n');
    await get('/quiet');
    await until('a line that it serves', () => logLines().some((line) => line.message === 'serving'));
    writeFiles(server.configDir, { 'core.yaml': 'access_log: true\n' });
    assert.equal((await reload()).code, 0);
    await get('/loud');
    await lineAbout('/loud');
    assert.ok(!server.stderr.includes('/quiet'));
  });

  test('log_format: text for people, json for machines', async () => {
    await start('log_format: text\n');
    await get('/for/people');
    await until('a line of text', () => /^\S+Z info +request .*path="\/for\/people"/m.test(server.stderr));
    writeFiles(server.configDir, { 'core.yaml': 'log_format: json\n' });
    assert.equal((await reload()).code, 0);
    await get('/for/machines');
    const line = await lineAbout('/for/machines');
    for (const name of ['time', 'level', 'message', 'id', 'client', 'method', 'route', 'status', 'bytes', 'took']) assert.ok(name in line, name);
    assert.ok(Math.abs(Date.parse(line.time) - Date.now()) < 60_000);
  });

  test('log_level: lines below it are not written', async () => {
    await start('log_level: error\n');
    await get('/unseen');
    assert.equal((await reload()).code, 0);
    await server.stop();
    assert.equal(server.stderr, '');
  });

  test('keeps the query to itself: tokens travel there', async () => {
    await start('log_level: debug\n');
    await get('/page?token=tell-nobody-1', { authorization: 'Bearer tell-nobody-2', cookie: 'session=tell-nobody-3' });
    await lineAbout('/page');
    assert.doesNotMatch(server.stderr, /tell-nobody/);
  });
});

describe('sources', { timeout }, () => {
  test('environment, *_FILE, .env and files, in this order', async () => {
    const config = temporaryFolder();
    const cwd = temporaryFolder();
    try {
      writeFiles(config, { 'core.yaml': 'idle_timeout: 11s\nheader_timeout: 11s\nwrite_timeout: 11s\nrequest_timeout: 11s\n' });
      writeFiles(cwd, {
        '.env': "DOWEL_CORE__IDLE_TIMEOUT=12s\nDOWEL_CORE__HEADER_TIMEOUT=12s\nexport DOWEL_CORE__WRITE_TIMEOUT='12s'\n",
        limit: '13s\n',
      });
      const env = { DOWEL_CORE__IDLE_TIMEOUT: '14s', DOWEL_CORE__HEADER_TIMEOUT_FILE: join(cwd, 'limit') };
      const { code, stdout, stderr } = await dowel(['config', 'show', '--origin', '--output', 'json', '--config', config], { env, cwd });
      assert.equal(code, 0, stderr);
      const shown = JSON.stringify(JSON.parse(stdout));
      assert.match(shown, /idle_timeout.{1,40}14s/);
      assert.match(shown, /header_timeout.{1,40}13s/);
      assert.match(shown, /write_timeout.{1,40}12s/);
      assert.match(shown, /request_timeout.{1,40}11s/);
    } finally {
      for (const own of [config, cwd]) rmSync(own, { recursive: true, force: true });
    }
  });

  test('a server takes them: LOG_LEVEL, .env and a secret from a file', async () => {
    await start('', { env: { LOG_LEVEL: 'debug', CORS_ORIGINS: 'https://a.example,https://b.example' } });
    for (const origin of ['https://a.example', 'https://b.example']) {
      assert.equal((await get('/api/version', { origin })).header('access-control-allow-origin'), origin);
    }
    writeFiles(server.configDir, { '.env': 'DOWEL_CORE__BODY_MAX=1 KiB\n' }); // its working directory
    assert.equal((await reload()).code, 0);
    assert.equal((await get('/livez', {}, { body: Buffer.alloc(1025) })).status, 413);
  });

  test('the password of a proxy is shown nowhere', async () => {
    const secret = 'tell-nobody-4';
    const env = { DOWEL_CORE__CLIENT_PROXY: `http://user:${secret}@proxy.example:3128`, LOG_LEVEL: 'debug' };
    await start('', { env });
    const places = ['--config', server.configDir, '--data', server.dataDir];
    for (const verb of [['config', 'show', '--origin'], ['config', 'show', '--output', 'json'], ['config', 'get', 'client_proxy'], ['config', 'check'], ['doctor']]) {
      const { stdout, stderr } = await dowel([...verb, ...places], { env });
      assert.ok(!(stdout + stderr).includes(secret), verb.join(' '));
    }
    const wrong = await dowel(['config', 'check', ...places], { env: { DOWEL_CORE__CLIENT_PROXY: `htp://user:${secret}@proxy` } });
    assert.equal(wrong.code, CONFIGURATION);
    assert.ok(!wrong.stderr.includes(secret), wrong.stderr);
    await server.stop();
    assert.ok(!server.stderr.includes(secret));
  });
});

describe('mistakes', { timeout }, () => {
  const mistakes = [
    ['listn: ["127.0.0.1:8000"]', /core\.yaml:1: listn: .*did you mean listen\?/],
    ['idle_timeout: soon', /core\.yaml:2: idle_timeout: /],
    ['body_max: 1 byte too many', /core\.yaml:3: body_max: /],
    ['workers: -1', /core\.yaml:4: workers: .*between 0 and 4096/],
    ['access_log: yes', /core\.yaml:5: access_log: .*true or false|core\.yaml:5: .*yes/],
    ['log_level: verbose', /core\.yaml:6: log_level: .*debug/],
    ['trusted_proxies: ["10.0.0.0/33"]', /core\.yaml:7: trusted_proxies/],
    ['cors_origins: ["app.example/path"]', /core\.yaml:8: cors_origins/],
    ['rate_limit: many', /core\.yaml:9: rate_limit: .*100\/1m/],
    ['static_dir: /no/such/folder', /core\.yaml:10: static_dir: /],
  ];

  test('ten of them are told at once, each with its line and what to do', async () => {
    const config = temporaryFolder();
    try {
      writeFiles(config, { 'core.yaml': mistakes.map(([line]) => `${line}\n`).join('') });
      const { code, stderr } = await dowel(['config', 'check', '--config', config]);
      assert.equal(code, CONFIGURATION);
      for (const [, told] of mistakes) assert.match(stderr, told);
      assert.equal(stderr.trim().split('\n').filter((line) => /core\.yaml:\d+:/.test(line)).length, mistakes.length, stderr);
    } finally {
      rmSync(config, { recursive: true, force: true });
    }
  });

  test('on reload the old values stay, and the mended file is taken', async () => {
    await start('body_max: 2 KiB\n');
    writeFiles(server.configDir, { 'core.yaml': `body_max: 4 KiB\n${mistakes[1][0]}\n` });
    const refused = await reload();
    assert.equal(refused.code, CONFIGURATION);
    assert.match(refused.stderr, /core\.yaml:2: idle_timeout/);
    await until('the log says it, too', () => logLines().some((line) => line.level === 'error' && /idle_timeout/.test(JSON.stringify(line))));
    assert.equal((await get('/livez', {}, { body: Buffer.alloc(3000) })).status, 413);
    writeFiles(server.configDir, { 'core.yaml': 'body_max: 4 KiB\n' });
    assert.equal((await reload()).code, 0);
    assert.equal((await get('/livez', {}, { body: Buffer.alloc(3000) })).status, 200);
  });
});

describe('problems', { timeout }, () => {
  test('each type that the server names is a page on it', async () => {
    await start('body_max: 1 KiB\nrate_limit: 40/1h\n');
    const wanted = {
      400: { raw: 'GET / HTTP/1.1\r\nHost : a\r\n\r\n' },
      404: { path: '/no/such/page' },
      405: { method: 'POST', path: '/livez' },
      413: { path: '/livez', body: Buffer.alloc(2000) },
      414: { path: `/${'a'.repeat(9000)}` },
      417: { path: '/livez', headers: { expect: 'the-unexpected' } },
      431: { path: '/', headers: { long: 'a'.repeat(9000) } },
      501: { method: 'BREW', path: '/' },
      505: { raw: 'GET / HTTP/2.0\r\nHost: a\r\n\r\n' },
    };
    const types = new Map();
    for (const [status, what] of Object.entries(wanted)) {
      const connection = await Connection.open(server.url);
      const response = what.raw ? await connection.send(what.raw).response() : await connection.request(what);
      connection.close();
      assert.equal(response.status, Number(status));
      types.set(response.json().type, response.json());
    }
    assert.equal(types.size, Object.keys(wanted).length);
    for (const [type, problem] of types) {
      const page = await get(new URL(type, server.url).pathname);
      assert.equal(page.status, 200, type);
      assert.match(page.header('content-type'), /^text\/html/);
      assert.ok(page.text().includes(problem.title), `${type} is about ${problem.title}`);
    }
    assert.equal((await get('/problems/no-such-problem')).status, 404);
  });
});

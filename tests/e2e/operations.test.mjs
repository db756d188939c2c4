// What an admin, a load balancer and Prometheus ask the server about itself.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Connection, exchange, request } from './support/client.mjs';
import { dowel, slowness, startServer, until } from './support/server.mjs';

const timeout = 120_000 * slowness;

let server;
before(async () => (server = await startServer({ env: { LOG_LEVEL: 'debug' } })), { timeout });
after(() => server?.stop(), { timeout });

const get = (path, headers = {}) => request(server.url, { path, headers });

// Prometheus' text format: { 'name{labels}': value }; fails on a line that is not of it.
function readMetrics(text) {
  const found = {};
  const typed = new Set();
  assert.ok(text.endsWith('\n'));
  for (const line of text.trimEnd().split('\n')) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (comment) {
      if (comment[1] === 'TYPE') typed.add(comment[2]);
      continue;
    }
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*",?)*\})? (\S+)$/.exec(line);
    assert.ok(sample, `not a sample: ${line}`);
    const family = sample[1].replace(/_(bucket|sum|count)$/, '');
    assert.ok(typed.has(sample[1]) || typed.has(family), `${sample[1]} has no TYPE before it`);
    assert.ok(!Number.isNaN(Number(sample[3].replace('+Inf', 'Infinity'))), line);
    found[sample[1] + (sample[2] ?? '')] = Number(sample[3]);
  }
  return found;
}

const sum = (samples, pattern) =>
  Object.entries(samples).reduce((total, [name, value]) => (pattern.test(name) ? total + value : total), 0);

describe('the contract', { timeout }, () => {
  test('/openapi.json is what `dowel openapi` prints, and is asked for once', async () => {
    const response = await get('/openapi.json');
    assert.equal(response.status, 200);
    assert.match(response.header('content-type'), /^application\/json/);
    const document = response.json();
    assert.equal(document.openapi, '3.1.0');
    assert.ok(document.paths['/api/v1/events'].get.responses['503']);
    const { stdout } = await dowel(['openapi', '--config', server.configDir, '--data', server.dataDir]);
    assert.deepEqual(JSON.parse(stdout), document);
    const again = await get('/api/openapi.json', { 'If-None-Match': response.header('etag') });
    assert.equal(again.status, 304);
    assert.equal((await get('/openapi.json', { 'If-None-Match': '"another"' })).status, 200);
  });
});

describe('health', { timeout }, () => {
  test('/api/health is JSON', async () => {
    const response = await get('/api/health');
    assert.equal(response.status, 200);
    assert.match(response.header('content-type'), /^application\/json/);
    assert.equal(typeof response.json().status, 'string');
  });

  test('/api/version says the same as `dowel version`', async () => {
    const { version } = (await get('/api/version')).json();
    assert.match(version, /^\d+\.\d+\.\d+/);
    const { stdout } = await dowel(['version', '--output', 'json']);
    assert.equal(JSON.parse(stdout).version, version);
  });

  test('/livez and /readyz are for load balancers', async () => {
    for (const path of ['/livez', '/readyz']) assert.equal((await get(path)).status, 200, path);
  });

  test('what changes from one moment to the next is not kept by caches', async () => {
    for (const path of ['/readyz', '/api/health', '/metrics']) {
      assert.match((await get(path)).header('cache-control') ?? '', /no-store/, path);
    }
  });

  test('/readyz?verbose names its checks', async () => {
    const response = await get('/readyz?verbose');
    assert.equal(response.status, 200);
    assert.ok(response.body.length > (await get('/readyz')).body.length);
  });
});

describe('/metrics', { timeout }, () => {
  test('is in the format of Prometheus', async () => {
    const response = await get('/metrics');
    assert.equal(response.status, 200);
    assert.match(response.header('content-type'), /^text\/plain; version=0\.0\.4/);
    assert.ok(Object.keys(readMetrics(response.text())).length > 10);
  });

  test('counts requests by the template of their route, not by their path', async () => {
    const livez = /_count\{[^}]*route="\/livez"/;
    const page = async () => readMetrics((await get('/metrics')).text());
    // A request is counted at its end, a moment after its client has the answer.
    const settled = async () => {
      let last;
      return until('the counts stay', async () => {
        const now = sum(await page(), livez);
        const same = now === last;
        last = now;
        return same && { n: now };
      }, { every: 100 });
    };
    const before = (await settled()).n;
    for (let i = 0; i < 7; i++) await get('/livez');
    await get('/one/of/many/unknown/paths');
    await until('seven more are counted', async () => sum(await page(), livez) >= before + 7);
    assert.equal((await settled()).n, before + 7);
    assert.equal(sum(await page(), /unknown\/paths/), 0);
  });

  test('counts connections and refusals', async () => {
    const connection = await Connection.open(server.url);
    await connection.request({ path: '/livez' });
    const open = readMetrics((await get('/metrics')).text());
    assert.ok(sum(open, /connections/) >= 2, 'this one and the one that asks');
    connection.close();
    const refusals = /refus|reject|bad/i;
    const before = sum(open, refusals);
    await exchange(server.url, 'no request\r\n\r\n', { limit: 3000 });
    await until('one more was refused', async () => sum(readMetrics((await get('/metrics')).text()), refusals) > before);
  });
});

describe('traceparent', { timeout }, () => {
  test('goes into the log', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    await get('/api/health', { traceparent: `00-${trace}-00f067aa0ba902b7-01` });
    await until('a line with the trace', () => server.stderr.includes(trace));
  });
});

describe('the access log', { timeout }, () => {
  test('has a line for each request', async () => {
    await get('/no/such/page?with=query');
    await until('a line about it', () => /\/no\/such\/page.*404|404.*\/no\/such\/page/.test(server.stderr));
  });

  test('cannot be written into by a client', async () => {
    await get('/a%0a%0dforged-line');
    await until('a line about it', () => /forged-line/.test(server.stderr));
    assert.ok(!server.stderr.split('\n').some((line) => /^\r?forged-line/.test(line)));
  });

  test('can be turned off', async () => {
    const quiet = await startServer({ config: { 'core.yaml': 'access_log: false\n' } });
    await request(quiet.url, { path: '/no/such/page' });
    await quiet.stop();
    assert.ok(!quiet.stderr.includes('/no/such/page'));
  });
});

describe('listening', { timeout }, () => {
  test('on several addresses, IPv6 and a Unix socket among them', async () => {
    const path = join(tmpdir(), `dowel-${process.pid}.sock`);
    const several = await startServer({ listen: ['127.0.0.1:0', '[::1]:0', `unix:${path}`] });
    try {
      assert.equal(several.urls.length, 3);
      for (const url of several.urls.slice(0, 2)) assert.equal((await request(url, { path: '/livez' })).status, 200, url);
      assert.equal((await request(`unix:${path}`, { path: '/livez' })).status, 200);
    } finally {
      await several.stop();
    }
    assert.ok(!existsSync(path), 'the socket is removed');
  });

  test('on an address that is taken fails and names it', async () => {
    const taken = new URL(server.url).host;
    await assert.rejects(startServer({ listen: [taken] }), (error) => error.stderr.includes(taken));
  });
});

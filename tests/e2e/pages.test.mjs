// Swagger UI and ReDoc: where they are, how they are sent, and what is said where they are not.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

import { request } from './support/client.mjs';
import { pagesMissing } from './support/docs_pages.mjs';
import { binaryOf, preset, slowness, startServer } from './support/server.mjs';

const timeout = 60_000 * slowness;
const ADDRESSES = { '/docs': 'swagger', '/api/docs': 'swagger', '/redoc': 'redoc', '/api/redoc': 'redoc' };

describe('the pages', { timeout, skip: pagesMissing }, () => {
  let server;
  before(async () => (server = await startServer()));
  after(() => server?.stop());
  const get = (path, headers = {}) => request(server.url, { path, headers });

  test('are led to by the page at /', async () => assert.match(String((await get('/')).body), /href="\/docs"/));

  for (const [path, name] of Object.entries(ADDRESSES)) {
    test(`${path} is one, and what it names is there`, async () => {
      const response = await get(path);
      assert.equal(response.status, 200);
      assert.match(response.header('content-type'), /^text\/html/);
      const named = [...response.text().matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]);
      assert.ok(named.some((one) => one.endsWith(`${name}.js`)));
      for (const one of named) {
        const at = new URL(one, new URL(path, 'http://this.example')).pathname;
        assert.ok(at.startsWith(path.startsWith('/api/') ? '/api/' : '/'));
        assert.equal((await get(at)).status, 200, at);
      }
    });

    test(`${path}/ leads to it`, async () => {
      const response = await get(`${path}/`);
      assert.equal(response.status, 308);
      assert.equal(new URL(response.header('location'), new URL(`${path}/`, 'http://this.example')).pathname, path);
    });
  }

  test('their scripts may come from here alone, and ask nobody else', async () => {
    for (const path of [...Object.keys(ADDRESSES), '/docs/swagger-ui-bundle.js']) {
      const rules = Object.fromEntries((await get(path)).header('content-security-policy').split('; ').map((rule) => rule.split(/ (.*)/)));
      assert.equal(rules['default-src'], "'none'");
      assert.equal(rules['script-src'], "'self'");
      assert.equal(rules['connect-src'], "'self'");
      assert.equal(rules['frame-ancestors'], "'none'");
    }
  });

  test('are sent compressed, and not again when nothing has changed', async () => {
    const path = '/docs/swagger-ui-bundle.js';
    const whole = await get(path), br = await get(path, { 'Accept-Encoding': 'br, gzip' }), gzip = await get(path, { 'Accept-Encoding': 'gzip' });
    assert.equal(br.header('content-encoding'), 'br');
    assert.equal(gzip.header('content-encoding'), 'gzip');
    assert.ok(br.body.length * 4 < whole.body.length);
    assert.ok(brotliDecompressSync(br.body).equals(whole.body));
    assert.ok(gunzipSync(gzip.body).equals(whole.body));
    const again = await get(path, { 'If-None-Match': whole.header('etag') });
    assert.equal(again.status, 304);
    assert.equal(again.body.length, 0);
  });

  test('are nobody else\'s: no file above them is seen', async () => {
    for (const path of ['/docs/../../bin/dowel', '/docs/%2e%2e/%2e%2e/bin/dowel', '/redoc/nothing.js']) assert.equal((await get(path)).status, 404, path);
  });
});

test('the document is sent compressed, and not again when nothing has changed', { timeout }, async () => {
  const server = await startServer();
  const get = (headers = {}, path = '/openapi.json') => request(server.url, { path, headers });
  const whole = await get(), gzip = await get({ 'Accept-Encoding': 'gzip, br' });
  assert.equal(whole.header('content-encoding'), undefined);
  assert.equal(gzip.header('content-encoding'), 'gzip');
  assert.match(gzip.header('vary'), /Accept-Encoding/);
  assert.ok(gunzipSync(gzip.body).equals(whole.body));
  assert.ok(gzip.body.length * 4 < whole.body.length);
  assert.ok((await get({}, '/api/openapi.json')).body.equals(whole.body));
  for (const one of [whole, gzip]) {
    const again = await get({ 'If-None-Match': one.header('etag'), 'Accept-Encoding': 'gzip' });
    assert.equal(again.status, 304);
    assert.equal(again.body.length, 0);
  }
  assert.equal((await get({ 'If-None-Match': '"other"' })).status, 200);
  await server.stop();

  const plain = await startServer({ config: { 'core.yaml': 'compression: false\n' } });
  assert.equal((await request(plain.url, { path: '/openapi.json', headers: { 'Accept-Encoding': 'gzip' } })).header('content-encoding'), undefined);
  await plain.stop();
});

// Only what is built to be used is built whole wherever this runs.
if (['release', 'dev'].includes(preset)) test('they are installed with the server', { timeout, skip: pagesMissing }, async () => {
  const prefix = mkdtempSync(join(tmpdir(), 'dowel-installed-'));
  execFileSync('cmake', ['--install', dirname(dirname(binaryOf())), '--prefix', prefix], { stdio: 'ignore' });
  const server = await startServer({ binary: join(prefix, 'bin/dowel') });
  const response = await request(server.url, { path: '/docs/swagger-ui-bundle.js', headers: { 'Accept-Encoding': 'br' } });
  assert.equal(response.status, 200);
  assert.equal(response.header('content-encoding'), 'br');
  await server.stop();
  assert.deepEqual(readdirSync(join(prefix, 'share/dowel/docs/licenses')).length, 5);
  rmSync(prefix, { recursive: true, force: true });
});

test('docs_pages: false takes them away, and leaves the document', { timeout }, async () => {
  const server = await startServer({ config: { 'core.yaml': 'docs_pages: false\n' } });
  for (const path of [...Object.keys(ADDRESSES), '/docs/swagger.js']) assert.equal((await request(server.url, { path })).status, 404, path);
  assert.equal((await request(server.url, { path: '/openapi.json' })).status, 200);
  assert.doesNotMatch(String((await request(server.url, { path: '/' })).body), /href="\/docs"/);
  await server.stop();
});

test('a server that was built without them says what to do', { timeout }, async () => {
  const prefix = mkdtempSync(join(tmpdir(), 'dowel-bare-'));
  mkdirSync(join(prefix, 'bin'));
  cpSync(binaryOf(), join(prefix, 'bin/dowel'));
  const server = await startServer({ binary: join(prefix, 'bin/dowel') });
  for (const path of Object.keys(ADDRESSES)) {
    const response = await request(server.url, { path });
    assert.equal(response.status, 404, path);
    assert.match(response.text(), /npm/);
    assert.match(response.text(), /openapi\.json/);
    assert.match(response.text(), /share\/dowel\/docs/);
    assert.match(response.header('content-security-policy'), /default-src 'none'/);
  }
  await server.stop();
  rmSync(prefix, { recursive: true, force: true });
});

// Files: served as they are, and never one outside of the root.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { brotliDecompressSync, brotliCompressSync, gunzipSync, gzipSync } from 'node:zlib';

import { Connection, request } from './support/client.mjs';
import { slowness, startServer } from './support/server.mjs';

const timeout = 120_000 * slowness;
const SECRET = 'the secret outside of the root';
const PAGE = `<!doctype html>\n<p>${'A page that is worth compressing. '.repeat(100)}\n`;
const BIG = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, i) => i % 251));

let folder;
let server;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dowel-static-'));
  const site = join(folder, 'site');
  mkdirSync(join(site, 'sub'), { recursive: true });
  writeFileSync(join(folder, 'secret.txt'), SECRET);
  writeFileSync(join(site, 'index.html'), PAGE);
  writeFileSync(join(site, 'sub', 'index.html'), 'sub');
  writeFileSync(join(site, 'digits.txt'), '0123456789');
  writeFileSync(join(site, 'empty.txt'), '');
  writeFileSync(join(site, 'app.js'), 'console.log(1);'.repeat(200));
  writeFileSync(join(site, 'app.js.gz'), gzipSync('console.log(1);'.repeat(200)));
  writeFileSync(join(site, 'app.js.br'), brotliCompressSync('console.log(1);'.repeat(200)));
  writeFileSync(join(site, '.hidden'), SECRET);
  writeFileSync(join(site, 'big.bin'), BIG);
  symlinkSync(join(folder, 'secret.txt'), join(site, 'link.txt'));
  symlinkSync('..', join(site, 'up'));
  server = await startServer({ config: { 'core.yaml': `static_dir: ${site}\n` } });
}, { timeout });
after(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}, { timeout });

const get = (path, headers = {}, method = 'GET') => request(server.url, { path, headers, method });

describe('a file', { timeout }, () => {
  test('comes with its type, length, tag and time', async () => {
    const response = await get('/digits.txt');
    assert.equal(response.status, 200);
    assert.equal(response.text(), '0123456789');
    assert.match(response.header('content-type'), /^text\/plain/);
    assert.match(response.header('etag'), /^(W\/)?"[^"]+"$/);
    assert.ok(Date.parse(response.header('last-modified')) > 0);
  });

  test('of a folder is its index', async () => {
    assert.equal((await get('/')).text(), PAGE);
    assert.equal((await get('/sub/')).text(), 'sub');
  });

  test('that is empty is empty', async () => {
    const response = await get('/empty.txt');
    assert.equal(response.status, 200);
    assert.equal(response.header('content-length'), '0');
  });

  test('that is large comes whole, on a connection that stays in step', async () => {
    const connection = await Connection.open(server.url);
    for (let i = 0; i < 2; i++) assert.ok((await connection.request({ path: '/big.bin' })).body.equals(BIG));
    assert.equal((await connection.request({ method: 'HEAD', path: '/big.bin' })).header('content-length'), String(BIG.length));
    assert.equal((await connection.request({ path: '/digits.txt' })).text(), '0123456789');
    connection.close();
  });

  test('that is not there is a 404', async () => assert.equal((await get('/nothing.txt')).status, 404));

  test('takes no POST', async () => assert.equal((await get('/digits.txt', {}, 'POST')).status, 405));
});

describe('conditions', { timeout }, () => {
  test('If-None-Match and If-Modified-Since give 304', async () => {
    const full = await get('/digits.txt');
    const tag = full.header('etag');
    for (const headers of [{ 'If-None-Match': tag }, { 'If-None-Match': `"x", ${tag}` }, { 'If-None-Match': '*' }, { 'If-Modified-Since': full.header('last-modified') }]) {
      const response = await get('/digits.txt', headers);
      assert.equal(response.status, 304, JSON.stringify(headers));
      assert.equal(response.header('etag'), tag);
    }
    assert.equal((await get('/digits.txt', { 'If-None-Match': '"other"', 'If-Modified-Since': full.header('last-modified') })).status, 200);
  });
});

describe('ranges', { timeout }, () => {
  const ranges = { 'bytes=0-0': '0', 'bytes=2-4': '234', 'bytes=7-': '789', 'bytes=-3': '789', 'bytes=5-999': '56789', 'bytes=-999': '0123456789' };
  for (const [range, text] of Object.entries(ranges)) {
    test(range, async () => {
      const response = await get('/digits.txt', { Range: range });
      assert.equal(response.status, 206);
      assert.equal(response.text(), text);
      assert.match(response.header('content-range'), /^bytes \d+-\d+\/10$/);
    });
  }

  test('that begin behind the end are a 416', async () => {
    const response = await get('/digits.txt', { Range: 'bytes=10-' });
    assert.equal(response.status, 416);
    assert.equal(response.header('content-range'), 'bytes */10');
  });

  test('that make no sense are ignored', async () => {
    for (const range of ['bytes=4-2', 'lines=1-2', 'bytes=a-b', 'bytes=--1', 'bytes=']) {
      assert.equal((await get('/digits.txt', { Range: range })).status, 200, range);
    }
  });

  test('of another version are the whole file', async () => {
    const response = await get('/digits.txt', { Range: 'bytes=0-1', 'If-Range': '"other"' });
    assert.equal(response.status, 200);
    assert.equal(response.text(), '0123456789');
  });
});

describe('compression', { timeout }, () => {
  test('uses what lies ready', async () => {
    const gzip = await get('/app.js', { 'Accept-Encoding': 'gzip' });
    assert.equal(gzip.header('content-encoding'), 'gzip');
    assert.equal(gunzipSync(gzip.body).toString(), 'console.log(1);'.repeat(200));
    assert.match(gzip.header('vary'), /accept-encoding/i);
    const brotli = await get('/app.js', { 'Accept-Encoding': 'gzip, br' });
    if (brotli.header('content-encoding') === 'br') assert.match(brotliDecompressSync(brotli.body).toString(), /^console/);
    else assert.equal(brotli.header('content-encoding'), 'gzip');
    assert.notEqual(gzip.header('etag'), (await get('/app.js')).header('etag'));
  });

  test('is not forced on anybody', async () => {
    for (const accept of [undefined, 'identity', 'gzip;q=0', 'br;q=0, *;q=0']) {
      const response = await get('/app.js', accept ? { 'Accept-Encoding': accept } : {});
      assert.equal(response.header('content-encoding'), undefined, accept);
      assert.equal(response.text(), 'console.log(1);'.repeat(200));
    }
  });
});

describe('nothing outside of the root', { timeout, concurrency: 8 }, () => {
  const attempts = [
    '/../secret.txt', '/../../../../../../etc/passwd', '/%2e%2e/secret.txt', '/%2E%2E/secret.txt', '/.%2e/secret.txt',
    '/..%2fsecret.txt', '/%2e%2e%2fsecret.txt', '/sub/../../secret.txt', '/sub/%2e%2e/%2e%2e/secret.txt',
    '/%252e%252e/secret.txt', '/..%5csecret.txt', '/..\\secret.txt', '/....//secret.txt', '//../secret.txt',
    '/..;/secret.txt', '/%c0%ae%c0%ae/secret.txt', '/%c0%ae%c0%ae%c0%afsecret.txt', '/..%00/secret.txt',
    '/digits.txt%00/../../secret.txt', '/%2fetc%2fpasswd', '//etc/passwd', '/up/secret.txt', '/link.txt', '/.hidden',
    '/up/site/../secret.txt', 'http://test.example/../secret.txt', '/?/../secret.txt', '/sub/..%2f..%2fsecret.txt',
  ];
  for (const path of attempts) {
    test(path, async () => {
      const response = await get(path);
      const text = response.text();
      assert.ok(!text.includes(SECRET) && !text.includes('root:'), 'it came out');
      // Where normalising leads back into the root, what is there may be shown.
      assert.ok([200, 301, 308, 400, 403, 404].includes(response.status), `status ${response.status}`);
      if (response.status === 200) assert.equal(text, PAGE);
    });
  }
});

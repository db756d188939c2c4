// Presets: release asan coverage
// HTTPS as an admin configures it and as clients meet it: versions, certificates and their renewal.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';

import { makeCertificate } from './support/certificate.mjs';
import { Connection, request } from './support/client.mjs';
import { dowel, slowness, startServer, temporaryFolder, until, writeFiles } from './support/server.mjs';

const timeout = 60_000 * slowness;
const MIB = 1024 * 1024;
const CONFIGURATION = 3;

const folder = temporaryFolder();
const page = randomBytes(8 * MIB);
let made;
let server;
const settings = (key = made.key) => `tls_certificate: ${made.certificate}\ntls_key: ${key}\nstatic_dir: ${folder}\nheader_timeout: 1s\n`;
const reload = () => dowel(['reload', '--config', server.configDir, '--data', server.dataDir]);
const portOf = (url) => Number(new URL(url).port);

before(async () => {
  made = makeCertificate(folder);
  writeFileSync(join(folder, 'page.bin'), page);
  writeFileSync(join(folder, 'text.txt'), 'a line of text\n'.repeat(1000));
  server = await startServer({ config: { 'core.yaml': settings() }, listen: ['https://127.0.0.1:0', 'https://[::1]:0', '127.0.0.1:0'] });
}, { timeout });
after(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}, { timeout });

// A TLS connection that is ready, or the error that it ended with.
function handshake(options = {}) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port: portOf(server.url), ca: made.pem, servername: 'localhost', ...options });
    socket.setTimeout(10_000 * slowness, () => socket.destroy(new Error('no handshake in time')));
    socket.once('error', reject);
    socket.once('secureConnect', () => resolve(socket));
  });
}

// One request of node's own client: { status, headers, body }.
function ask(path, { url = server.url, agent, method = 'GET', body, ca = made.pem, headers = {} } = {}) {
  return new Promise((resolve, reject) => {
    const asked = https.request(new URL(path, url), { agent, method, ca, headers, timeout: 20_000 * slowness }, (response) => {
      const pieces = [];
      response.on('data', (piece) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces) }));
    });
    asked.on('error', reject).on('timeout', () => asked.destroy(new Error('no answer in time')));
    asked.end(body);
  });
}

describe('a client', { timeout }, () => {
  test('is served on every address, with and without TLS beside each other', async () => {
    assert.deepEqual(server.urls.map((url) => new URL(url).protocol), ['https:', 'https:', 'http:']);
    for (const url of server.urls.slice(0, 2)) assert.equal((await ask('/livez', { url })).status, 200, url);
    assert.equal((await request(server.urls[2], { path: '/livez' })).status, 200);
  });

  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    test(`is served in ${version}, and told that it is HTTP/1.1`, async () => {
      const socket = await handshake({ minVersion: version, maxVersion: version, ALPNProtocols: ['h2', 'http/1.1'] });
      assert.equal(socket.getProtocol(), version);
      assert.equal(socket.alpnProtocol, 'http/1.1');
      socket.destroy();
    });
  }

  test('of TLS 1.1 is refused', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    await assert.rejects(handshake(old), /alert protocol version/);
  });

  test('that speaks only HTTP/2 is refused in the handshake', async () => {
    await assert.rejects(handshake({ ALPNProtocols: ['h2'] }), /no application protocol/);
  });

  test('downloads many megabytes whole, also a part of them', async () => {
    const whole = await ask('/page.bin');
    assert.equal(whole.status, 200);
    assert.ok(whole.body.equals(page));
    const part = await ask('/page.bin', { headers: { range: 'bytes=1000000-7999999' } });
    assert.equal(part.status, 206);
    assert.ok(part.body.equals(page.subarray(1_000_000, 8_000_000)));
    assert.equal((await ask('/text.txt', { headers: { 'accept-encoding': 'gzip' } })).status, 200);
  });

  test('uploads, and the connection goes on behind it', async () => {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    try {
      const body = randomBytes(MIB - 1);
      for (let i = 0; i < 4; i++) {
        assert.equal((await ask('/livez', { agent, method: 'POST', body })).status, 405);
        assert.equal((await ask('/livez', { agent })).status, 200);
      }
      assert.equal((await ask('/livez', { method: 'GET', body: 'x', headers: { 'content-length': 2 * MIB } }).catch((error) => error)).status, 413);
    } finally {
      agent.destroy();
    }
  });

  test('pipelines on one connection', async () => {
    const socket = await handshake();
    let text = '';
    socket.setEncoding('latin1').on('data', (piece) => (text += piece));
    socket.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(50) + 'GET /api/version HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    assert.equal(text.match(/HTTP\/1\.1 200 OK\r\n/g).length, 51);
    assert.ok(text.trimEnd().endsWith('}'), 'the last answer is the last');
  });

  test('that never begins or never ends its handshake is cut off after header_timeout', async () => {
    for (const bytes of ['', '\x16\x03\x01\x02\x00\x01']) {
      const started = performance.now();
      const connection = await Connection.open(server.url);
      connection.send(Buffer.from(bytes, 'latin1'));
      await connection.toEnd({ limit: 10_000 * slowness });
      const took = performance.now() - started;
      connection.close();
      assert.ok(took > 800 && took < 4000 * slowness, `${Math.round(took)} ms`);
    }
  });

  test('that breaks TLS is counted as refused', async () => {
    const refused = async () => Number(/^dowel_http_refused_total\{reason="tls"\} (\d+)$/m.exec((await ask('/metrics')).body)?.[1]);
    const before = await refused();
    const connection = await Connection.open(`http://127.0.0.1:${portOf(server.url)}`);
    connection.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await connection.toEnd();
    connection.close();
    await until('one more was refused', async () => (await refused()) === before + 1);
  });

  test('that speaks plain HTTP to it is turned away, and hurts nobody', async () => {
    const connection = await Connection.open(server.url);
    connection.send('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n');
    const bytes = await connection.toEnd();
    assert.ok(!/^HTTP\/1\.1 2/.test(bytes.toString('latin1')));
    connection.close();
    assert.equal((await ask('/livez')).status, 200);
  });

  test('that leaves in the middle of a download hurts nobody', async () => {
    for (let i = 0; i < 5; i++) {
      const socket = await handshake();
      socket.write('GET /page.bin HTTP/1.1\r\nHost: a\r\n\r\n');
      await new Promise((resolve) => socket.once('data', resolve));
      socket.on('error', () => {});
      socket.destroy();
    }
    assert.equal((await ask('/livez')).status, 200);
  });

  test('on plain TCP that speaks TLS gets a 400, not a crash', async () => {
    const socket = net.connect(portOf(server.urls[2]), '127.0.0.1');
    socket.on('error', () => {});
    socket.end(Buffer.from('160301020001000200', 'hex'));
    await new Promise((resolve) => socket.resume().once('close', resolve));
    assert.equal((await request(server.urls[2], { path: '/livez' })).status, 200);
  });
});

describe('a certificate', { timeout }, () => {
  test('that was renewed is shown to new connections after a reload, and the old ones live', async () => {
    const socket = await handshake();
    let text = '';
    socket.setEncoding('latin1').on('data', (piece) => (text += piece));
    socket.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n'); // or header_timeout would end it meanwhile
    await until('the connection is answered', () => text.includes('ok\n'));
    assert.equal(socket.getPeerCertificate().fingerprint256, made.fingerprint);
    const before = made.fingerprint;
    made = makeCertificate(folder);
    assert.notEqual(made.fingerprint, before);
    const { code, stderr } = await reload();
    assert.equal(code, 0, stderr);
    const fresh = await handshake();
    assert.equal(fresh.getPeerCertificate().fingerprint256, made.fingerprint);
    fresh.destroy();
    text = '';
    socket.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n');
    await until('the old connection is answered', () => text.includes('ok\n'));
    assert.match(text, /^HTTP\/1\.1 200 /);
    socket.destroy();
  });

  test('whose key is another one is refused on reload, with exit 3, and the old one stays', async () => {
    const stranger = makeCertificate(folder, { name: 'stranger' });
    writeFiles(server.configDir, { 'core.yaml': settings(stranger.key) });
    const { code, stderr } = await reload();
    assert.equal(code, CONFIGURATION, stderr);
    assert.ok(stderr.includes(stranger.key), stderr);
    const socket = await handshake();
    assert.equal(socket.getPeerCertificate().fingerprint256, made.fingerprint);
    socket.destroy();
    writeFiles(server.configDir, { 'core.yaml': settings() });
    assert.equal((await reload()).code, 0);
  });

  const broken = {
    'whose key is another one': () => settings(makeCertificate(folder, { name: 'other' }).key),
    'that is not there': () => `tls_certificate: ${folder}/none.crt\ntls_key: ${made.key}\n`,
    'that is no PEM': () => `tls_certificate: ${folder}/page.bin\ntls_key: ${made.key}\n`,
    'without a key': () => `tls_certificate: ${made.certificate}\n`,
  };
  for (const [name, text] of Object.entries(broken)) {
    test(`${name} keeps a server from starting, with exit 3`, async () => {
      const config = temporaryFolder();
      const data = temporaryFolder();
      try {
        writeFiles(config, { 'core.yaml': `${text()}listen: ["https://127.0.0.1:0"]\n` });
        const { code, stdout, stderr } = await dowel(['serve', '--config', config, '--data', data]);
        assert.equal(code, CONFIGURATION, stderr);
        assert.equal(stdout, '');
        assert.match(stderr, /certificate|key/);
      } finally {
        for (const own of [config, data]) rmSync(own, { recursive: true, force: true });
      }
    });
  }

  test('is looked at by doctor', async () => {
    const soon = makeCertificate(folder, { name: 'soon', days: 3 });
    const env = { DOWEL_CORE__TLS_CERTIFICATE: soon.certificate, DOWEL_CORE__TLS_KEY: soon.key };
    const { stdout } = await dowel(['doctor', '--output', 'json', '--config', server.configDir, '--data', server.dataDir], { env });
    const found = JSON.parse(stdout).findings.find(({ check }) => check === 'certificate');
    assert.equal(found.level, 'warning');
    assert.match(found.found, /\b[23] days/);
  });
});

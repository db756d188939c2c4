// Presets: release asan
// Long: it waits for further attempts.
// Events go from plugin to plugin and out as webhooks; webhooks of others come in. A real receiver checks what is sent with
// the library of Standard Webhooks where it is installed (npm install standardwebhooks, NODE_PATH), and by hand.

import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { after, afterEach, before, describe, test } from 'node:test';

import { request } from './support/client.mjs';
import { pluginFolder, startWith } from './support/plugins.mjs';
import { dowel, sleep, slowness, until } from './support/server.mjs';

const timeout = 120_000 * slowness;
const tenant = '0190a0a0-0000-7000-8000-00000000000a';
const other = '0190a0a0-0000-7000-8000-00000000000b';

// ---- Standard Webhooks, by hand and by their library ----

const keyOf = (secret) => Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
const sign = (secret, id, seconds, body) => 'v1,' + createHmac('sha256', keyOf(secret)).update(`${id}.${seconds}.${body}`).digest('base64');
const library = (() => {
  try {
    return createRequire(import.meta.url)('standardwebhooks').Webhook;
  } catch {
    return undefined;
  }
})();

function assertSigned(secret, { headers, body }) {
  const id = headers['webhook-id'];
  const seconds = headers['webhook-timestamp'];
  assert.ok(Math.abs(Date.now() / 1000 - Number(seconds)) < 60, `sent at ${seconds}`);
  assert.ok(headers['webhook-signature'].split(' ').includes(sign(secret, id, seconds, body)), 'no signature is of this secret');
  if (library) new library(secret).verify(body, headers);
}

// ---- a receiver ----

class Receiver {
  got = []; // { path, headers, body, json, at }
  answers = {}; // by path: { status, headers, body, after } or a function of how often it was asked

  static async start() {
    const receiver = new Receiver();
    receiver.server = createServer((req, res) => receiver.#take(req, res));
    await new Promise((listening) => receiver.server.listen(0, '127.0.0.1', listening).unref());
    return receiver;
  }

  #take(req, res) {
    let body = '';
    req.setEncoding('utf8').on('data', (piece) => (body += piece));
    req.on('end', async () => {
      this.got.push({ path: req.url, headers: req.headers, body, json: JSON.parse(body), at: Date.now() });
      const answer = this.answers[req.url] ?? { status: 204 };
      const { status, headers = {}, body: content = '', after: wait = 0 } = typeof answer === 'function' ? answer(this.at(req.url).length) : answer;
      await (typeof wait === 'number' ? sleep(wait) : wait);
      res.writeHead(status, headers).end(content);
    });
  }

  url(path) {
    return `http://127.0.0.1:${this.server.address().port}${path}`;
  }

  at(path) {
    return this.got.filter((one) => one.path === path);
  }

  // Waits for the n-th request there.
  nth(path, n, options) {
    return until(`request ${n} at ${path}`, () => this.at(path)[n - 1], options);
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((closed) => this.server.close(closed));
  }
}

describe('events, webhooks and the inbox', { timeout }, () => {
  let server;
  let receiver;
  let till; // the secret of the till that sends to the shop

  const cli = (...args) => dowel([...args, '--config', server.configDir, '--data', server.dataDir]);
  const cliWith = (input, ...args) => dowel([...args, '--config', server.configDir, '--data', server.dataDir], { input });

  // Runs a verb that must succeed; what it says as JSON.
  async function told(...args) {
    const { code, stdout, stderr } = await cli(...args, '--output', 'json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  }

  // Adds a webhook to a path of the receiver: { id, secret }.
  const hook = (path, events, ...more) => told('webhook', 'add', receiver.url(path), '--tenant', tenant, '--events', events, '--allow', '127.0.0.1', ...more);
  const sell = (customer, cents, { id = `sale_${randomBytes(8).toString('hex')}`, secret = till, ago = 0, source = 'till', body } = {}) => {
    const content = body ?? JSON.stringify({ customer, cents });
    const seconds = Math.floor(Date.now() / 1000) - ago;
    const headers = { 'Content-Type': 'application/json', 'Webhook-Id': id, 'Webhook-Timestamp': seconds, 'Webhook-Signature': sign(secret, id, seconds, content) };
    return request(server.url, { method: 'POST', path: `/hooks/shop/${source}`, headers, body: content });
  };
  // A delivery that did not arrive, and is tried again later; on a slow machine it may have been tried again already.
  const tried = (id) => until('an attempt', async () => (await told('webhook', 'deliveries', id)).deliveries.find(({ attempts, state }) => attempts > 0 && state === 'waiting'));
  const placed = (customer) => (one) => one.json.type === 'shop.order.placed' && one.json.data.customer === customer;

  before(async () => {
    receiver = await Receiver.start();
    server = await startWith({ plugins: { shop: '', stamps: '' }, folder: pluginFolder });
    ({ secret: till } = await told('inbox', 'add', 'shop', 'till', '--inbox', 'sales', '--tenant', tenant));
  }, { timeout });
  after(async () => {
    try {
      await server?.stop();
    } finally {
      await receiver?.stop();
    }
  }, { timeout });
  afterEach(async () => {
    receiver.answers = {};
    for (const { id } of (await told('webhook', 'list')).webhooks) await told('webhook', 'remove', id);
  });

  test('go from a till to the shop, to its neighbour and outside', async () => {
    const { id, secret } = await hook('/all', '*');
    assert.equal((await sell('ann', 9950)).status, 202);
    const order = await receiver.nth('/all', 1);
    assertSigned(secret, order);
    assert.equal(order.headers['content-type'], 'application/json');
    assert.equal(order.json.type, 'shop.order.placed');
    assert.equal(order.json.data.cents, 9950);
    assert.match(order.json.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);

    assert.equal((await sell('ann', 100)).status, 202);
    const reward = await until('a reward', () => receiver.got.find((one) => one.json.type === 'stamps.reward.given'));
    assert.deepEqual(reward.json.data, { customer: 'ann', level: 1 });
    assertSigned(secret, reward);

    const { events } = await told('event', 'list', '--since', '1h');
    assert.deepEqual(events.map((event) => event.name), ['stamps.reward.given', 'shop.order.placed', 'shop.order.placed']);
    assert.equal(events[0].id, reward.headers['webhook-id']);
    assert.equal((await told('event', 'show', events[0].id)).data.customer, 'ann');
    const { deliveries } = await until('all are delivered', async () => {
      const all = await told('webhook', 'deliveries', id);
      return all.deliveries.every((one) => one.state === 'delivered') && all;
    });
    assert.equal(deliveries.length, 3);
    assert.deepEqual((await told('event', 'subscribers')).subscriptions.map(({ plugin, pattern }) => `${plugin} ${pattern}`), ['stamps shop.order.placed']);
  });

  describe('what comes in', () => {
    test('is kept once, however often it comes', async () => {
      const id = 'sale_twice';
      await hook('/twice', 'shop.*');
      for (let i = 0; i < 3; i++) assert.equal((await sell('bob', 100, { id })).status, 202);
      await receiver.nth('/twice', 1);
      const { received } = await told('inbox', 'list', '--source', 'till');
      const kept = received.filter((one) => one.delivery === id);
      assert.equal(kept.length, 1);
      assert.equal(kept[0].repeats, 2);
      assert.equal(receiver.at('/twice').length, 1);
    });

    test('is refused when it is not believed', async () => {
      const forged = await sell('eve', 100, { secret: `whsec_${randomBytes(32).toString('base64')}` });
      assert.equal(forged.status, 401);
      assert.match(forged.text(), /does not fit/);
      assert.match((await sell('eve', 100, { ago: 400 })).text(), /too long ago/);
      const unsigned = await request(server.url, { method: 'POST', path: '/hooks/shop/till', body: '{}' });
      assert.equal(unsigned.status, 401);
      assert.equal((await sell('eve', 100, { source: 'nobody' })).status, 404);
      assert.equal((await request(server.url, { path: '/hooks/shop/till' })).status, 405);
      const { received } = await told('inbox', 'list');
      assert.ok(received.every((one) => one.delivery !== 'eve'));
    });

    test('is shown as it came, and can be handed over again', async () => {
      await hook('/again', 'shop.*');
      assert.equal((await sell('dan', 0, { id: 'sale_wrong' })).status, 202); // the table wants more than nothing
      const failed = await until('it is given up', async () => (await told('inbox', 'list', '--state', 'failed')).received[0]);
      assert.equal(failed.delivery, 'sale_wrong');
      const shown = await told('inbox', 'show', failed.id);
      assert.equal(shown.body, '{"customer":"dan","cents":0}');
      assert.ok(shown.headers.some(([name, value]) => name === 'Webhook-Id' && value === 'sale_wrong'));
      assert.match((await cli('inbox', 'show', failed.id)).stdout, /Webhook-Id: sale_wrong/);
      await told('inbox', 'replay', failed.id);
      const { records } = await told('audit', 'list', '--target', failed.id);
      assert.deepEqual(records.map((one) => one.action), ['core.inbox.replayed']);
      await told('inbox', 'rotate', 'shop', 'till', '--drop-older');
      assert.deepEqual((await told('audit', 'list', '--action', 'core.inbox.secrets_dropped')).records[0].values, { plugin: 'shop', source: 'till' });
      await until('it was tried again', async () => (await told('inbox', 'show', failed.id)).state === 'failed');
    });

    test('may be signed as GitHub does it, with a secret from standard input', async () => {
      const secret = 'a secret of the other side';
      const { code, stdout, stderr } = await cliWith(`${secret}\n`, 'inbox', 'add', 'shop', 'hub', '--inbox', 'sales', '--tenant', tenant, '--verify', 'hub-sha256', '--id-header', 'X-GitHub-Delivery', '--secret-stdin');
      assert.equal(code, 0, stderr);
      assert.doesNotMatch(stdout, /secret of the other/);
      const body = '{"customer":"hub","cents":200}';
      const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
      const send = (headers) => request(server.url, { method: 'POST', path: '/hooks/shop/hub', headers, body });
      assert.equal((await send({ 'X-Hub-Signature-256': signature, 'X-GitHub-Delivery': 'd1' })).status, 202);
      assert.equal((await send({ 'X-Hub-Signature-256': signature })).status, 400);
      assert.equal((await send({ 'X-Hub-Signature-256': signature.toUpperCase(), 'X-GitHub-Delivery': 'd2' })).status, 401);
      await told('inbox', 'disable', 'shop', 'hub');
      assert.equal((await send({ 'X-Hub-Signature-256': signature, 'X-GitHub-Delivery': 'd3' })).status, 404);
    });

    test('waits while its plugin is not loaded', async () => {
      await told('inbox', 'add', 'nobody', 'yet', '--inbox', 'any', '--tenant', tenant, '--verify', 'none');
      assert.equal((await request(server.url, { method: 'POST', path: '/hooks/nobody/yet', body: 'x' })).status, 202);
      const { received } = await told('inbox', 'list', '--plugin', 'nobody');
      assert.equal(received[0].state, 'waiting');
    });
  });

  describe('a webhook', () => {
    test('gets only what its tenant and its patterns say', async () => {
      await hook('/stamps', 'stamps.*');
      await told('webhook', 'add', receiver.url('/foreign'), '--tenant', other, '--events', '*', '--allow', '127.0.0.1');
      await hook('/mine', 'shop.*');
      await sell('fay', 100);
      await until('it came', () => receiver.at('/mine').find(placed('fay')));
      assert.equal(receiver.at('/stamps').length, 0);
      assert.equal(receiver.at('/foreign').length, 0);
    });

    test('is tried again, with the same id and a new signature', async () => {
      const { id, secret } = await hook('/flaky', 'shop.*');
      receiver.answers['/flaky'] = (n) => ({ status: n === 1 ? 500 : 200, body: n === 1 ? 'not today' : '' });
      await sell('gil', 100);
      const first = await receiver.nth('/flaky', 1);
      const second = await receiver.nth('/flaky', 2, { limit: 15_000 * slowness });
      assert.equal(second.headers['webhook-id'], first.headers['webhook-id']);
      assert.notEqual(second.headers['webhook-timestamp'], first.headers['webhook-timestamp']);
      assert.ok(second.at - first.at >= 4900, `${second.at - first.at} ms later`);
      assertSigned(secret, second);
      const delivery = await until('delivered', async () => (await told('webhook', 'deliveries', id, '--state', 'delivered')).deliveries[0]);
      assert.equal(delivery.attempts, 2);
      const { attempts } = await told('webhook', 'attempts', delivery.id);
      assert.deepEqual(attempts.map(({ status, answer }) => [status, answer]), [[500, 'not today'], [200, '']]);
    });

    test('that answers 410 is disabled, and gets what it missed when it is enabled again', async () => {
      const { id } = await hook('/gone', 'shop.*');
      receiver.answers['/gone'] = { status: 410 };
      const since = new Date().toISOString();
      await sell('hal', 100);
      await until('it is disabled', async () => !(await told('webhook', 'show', id)).enabled);
      assert.match((await told('webhook', 'show', id)).disabled_why, /410/);
      await until('the log says so', () => /a webhook is disabled/.test(server.stderr));
      await sell('hal', 200);
      await until('two events', async () => (await told('event', 'list', '--name', 'shop.order.placed', '--since', since)).events.length === 2);
      receiver.answers = {};
      assert.notEqual((await cli('webhook', 'replay', id, '--since', since)).code, 0); // still disabled
      await told('webhook', 'enable', id);
      assert.equal((await told('webhook', 'replay', id, '--since', since, '--undelivered')).deliveries, 2);
      const { records } = await told('audit', 'list', '--target', id, '--action', 'core.webhook.replayed');
      assert.deepEqual(records.map(({ values }) => [Date.parse(values.since), values.undelivered, values.n]), [[Date.parse(since), true, 2]]); // not what was refused
      await until('both came', () => receiver.at('/gone').filter(placed('hal')).length === 3);
    });

    test('is not followed when it redirects', async () => {
      const { id } = await hook('/moved', 'shop.*');
      receiver.answers['/moved'] = { status: 308, headers: { Location: receiver.url('/elsewhere') } };
      await sell('ivy', 100);
      const delivery = await tried(id);
      assert.equal(delivery.status, 308);
      assert.equal(receiver.at('/elsewhere').length, 0);
    });

    test('inside is refused unless it is allowed', async () => {
      const { id } = await told('webhook', 'add', receiver.url('/inside'), '--tenant', tenant, '--events', 'shop.*');
      await sell('jim', 100);
      const delivery = await tried(id);
      assert.match(delivery.why, /loopback/);
      assert.equal(receiver.at('/inside').length, 0);
      const { code, stdout } = await cli('webhook', 'test', id);
      assert.equal(code, 1);
      assert.match(stdout, /did not arrive/);
    });

    test('that is slow holds nobody up', async () => {
      await hook('/slow', 'shop.*');
      await hook('/quick', 'shop.*');
      let answer;
      const held = new Promise((resolve) => (answer = resolve));
      receiver.answers['/slow'] = { status: 200, after: held };
      for (let i = 0; i < 8; i++) await sell(`kim${i}`, 100);
      await until('all came', () => receiver.at('/quick').length === 8, { limit: 15_000 * slowness });
      await until('four wait', () => receiver.at('/slow').length === 4);
      await sleep(200);
      assert.equal(receiver.at('/slow').length, 4); // at a time
      answer();
      await until('the others came', () => receiver.at('/slow').length === 8, { limit: 30_000 * slowness });
    });

    test('that was asked is tested at once', async () => {
      const { id, secret } = await hook('/test', 'shop.*');
      const answer = await told('webhook', 'test', id);
      assert.equal(answer.delivered, true);
      assert.equal(answer.status, 204);
      assertSigned(secret, receiver.at('/test')[0]);
      assert.equal(receiver.at('/test')[0].json.type, 'core.webhook.test');
    });

    test('gets a new secret beside the old one, and then only that', async () => {
      const { id, secret } = await hook('/rotate', 'shop.*');
      const { secret: newer } = await told('webhook', 'rotate', id);
      await sell('lou', 100);
      const both = await receiver.nth('/rotate', 1);
      assertSigned(secret, both);
      assertSigned(newer, both);
      assert.equal((await told('webhook', 'rotate', id, '--drop-older')).dropped, 1);
      await sell('lou', 100);
      const one = await receiver.nth('/rotate', 2);
      assertSigned(newer, one);
      assert.throws(() => assertSigned(secret, one));
      assert.equal(one.headers['webhook-signature'].split(' ').length, 1);
    });

    test('can be sent a delivery again, and an event told again', async () => {
      const { id } = await hook('/replay', 'shop.*');
      await sell('moe', 100);
      const first = await receiver.nth('/replay', 1);
      const delivery = await until('delivered', async () => (await told('webhook', 'deliveries', id, '--state', 'delivered')).deliveries[0]);
      await told('webhook', 'replay', delivery.id);
      assert.equal((await told('audit', 'list', '--target', delivery.id)).records[0].action, 'core.webhook.delivery_replayed');
      assert.equal((await receiver.nth('/replay', 2)).headers['webhook-id'], first.headers['webhook-id']);
      await until('delivered again', async () => (await told('webhook', 'deliveries', id, '--state', 'delivered')).deliveries[0]);
      assert.equal((await told('event', 'replay', first.headers['webhook-id'], '--webhook', id)).subscribers, 1);
      assert.equal((await receiver.nth('/replay', 3)).body, first.body);
    });
  });

  test('are managed by the command line alone, as long as nobody can tell who asks', async () => {
    for (const path of ['/api/v1/events', '/api/v1/webhooks', '/api/v1/inbox', '/api/v1/inbox/sources']) {
      const reply = await request(server.url, { path });
      assert.equal(reply.status, 503, path);
      assert.match(reply.text(), /needs a permission/);
    }
  });

  describe('the command line', () => {
    test('says what is wrong', async () => {
      for (const [args, code, what] of [
        [['webhook', 'add', 'https://example.com', '--events', '*'], 2, /--tenant/],
        [['webhook', 'add', 'https://example.com', '--tenant', tenant], 2, /--events/],
        [['webhook', 'add', 'ftp://example.com', '--tenant', tenant, '--events', '*'], 1, /http/],
        [['webhook', 'add', 'https://example.com', '--tenant', 'me', '--events', '*'], 1, /UUID/],
        [['webhook', 'add', 'https://example.com', '--tenant', tenant, '--events', '*.x'], 1, /pattern/],
        [['webhook', 'show', tenant], 1, /no such webhook/],
        [['webhook', 'replay', 'nonsense'], 1, /no such delivery/],
        [['event', 'show', tenant], 1, /no such event/],
        [['event', 'list', '--since', 'yesterday'], 2, /how long ago/],
        [['event', 'list', '--limit', '0'], 2, /from 1 to/],
        [['event', 'dance'], 2, /cannot do that/],
        [['inbox', 'add', 'shop', 'x', '--tenant', tenant], 2, /--inbox/],
        [['inbox', 'add', 'shop', 'till', '--inbox', 'sales', '--tenant', tenant], 1, /already/],
        [['inbox', 'add', 'shop', 'x', '--inbox', 'sales', '--tenant', tenant, '--verify', 'md5'], 2, /hub-sha256/],
        [['inbox', 'remove', 'shop', 'nobody'], 1, /no such source/],
      ]) {
        const ended = await cli(...args);
        assert.equal(ended.code, code, `${args.join(' ')}: ${ended.stderr}`);
        assert.match(ended.stderr, what, args.join(' '));
        assert.equal(ended.stdout, '', args.join(' '));
      }
    });

    test('takes a secret from standard input, never shows it, and refuses a wrong one', async () => {
      const secret = `whsec_${randomBytes(32).toString('base64')}`;
      const add = (input) => cliWith(input, 'webhook', 'add', receiver.url('/given'), '--tenant', tenant, '--events', 'shop.*', '--allow', '127.0.0.1', '--secret-stdin');
      const made = await add(`${secret}\n`);
      assert.equal(made.code, 0, made.stderr);
      assert.ok(!made.stdout.includes(secret));
      await sell('ned', 100);
      assertSigned(secret, await receiver.nth('/given', 1));
      const wrong = await add('whsec_c2hvcnQ=\n');
      assert.equal(wrong.code, 1);
      assert.match(wrong.stderr, /24 bytes/);
      assert.equal((await add('')).code, 1);
      assert.ok(!server.stderr.includes(secret), 'the log has the secret');
    });

    test('writes tables for people', async () => {
      await hook('/table', 'shop.*', '--description', 'for people');
      const { stdout } = await cli('webhook', 'list');
      assert.match(stdout, /^ID +TENANT +URL +PATTERNS/);
      assert.match(stdout, /for people/);
      assert.match((await cli('inbox', 'sources')).stdout, /shop +till +sales +standard-webhooks/);
    });
  });
});

describe('without a running server', { timeout }, () => {
  test('all of it can be looked at and changed, and is done when the server is back', async () => {
    const receiver = await Receiver.start();
    let server = await startWith({ plugins: { shop: '', stamps: '' }, folder: pluginFolder });
    const { configDir, dataDir } = server;
    const cli = (...args) => dowel([...args, '--config', configDir, '--data', dataDir, '--output', 'json']);
    const told = async (...args) => {
      const { code, stdout, stderr } = await cli(...args);
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    };
    try {
      await told('inbox', 'add', 'shop', 'till', '--inbox', 'sales', '--tenant', tenant, '--verify', 'none');
      const body = '{"customer":"ann","cents":100}';
      assert.equal((await request(server.url, { method: 'POST', path: '/hooks/shop/till', body })).status, 202);
      const event = await until('an event', async () => (await told('event', 'list')).events[0]);
      server.temporary = [];
      await server.stop();
      const { id } = await told('webhook', 'add', receiver.url('/later'), '--tenant', tenant, '--events', '*', '--allow', '127.0.0.1');
      assert.equal((await told('event', 'replay', event.id, '--webhook', id)).subscribers, 1);
      assert.equal((await told('webhook', 'deliveries', id)).deliveries[0].state, 'waiting');
      assert.equal(receiver.got.length, 0);
      server = await startWith({ plugins: { shop: '', stamps: '' }, folder: pluginFolder, data: dataDir });
      assert.equal((await receiver.nth('/later', 1)).headers['webhook-id'], event.id);
    } finally {
      await server.stop();
      await receiver.stop();
      for (const folder of [configDir, dataDir]) rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('a server that is killed', { timeout }, () => {
  test('has lost nothing that it answered for, and told nothing that did not happen', async () => {
    const receiver = await Receiver.start();
    const start = (data) => startWith({ plugins: { shop: '', stamps: '' }, folder: pluginFolder, data });
    let server = await start();
    const { configDir, dataDir } = server;
    const told = async (...args) => {
      const { code, stdout, stderr } = await dowel([...args, '--config', configDir, '--data', dataDir, '--output', 'json']);
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    };
    server.temporary = [];
    const answered = new Set();
    const sell = async (customer) => {
      try {
        const reply = await request(server.url, { method: 'POST', path: '/hooks/shop/till', headers: { 'X-Sale': customer }, body: JSON.stringify({ customer, cents: 100 }) });
        if (reply.status === 202) answered.add(customer);
      } catch {
        // it was killed; whether it was kept nobody knows
      }
    };
    try {
      await told('inbox', 'add', 'shop', 'till', '--inbox', 'sales', '--tenant', tenant, '--verify', 'none', '--id-header', 'X-Sale');
      await told('webhook', 'add', receiver.url('/all'), '--tenant', tenant, '--events', 'shop.*', '--allow', '127.0.0.1');
      for (let round = 0; round < 3; round++) {
        const sales = Array.from({ length: 25 }, (_, i) => sell(`r${round}c${i}`));
        await until('some are answered', () => answered.size > round * 10);
        server.kill();
        await Promise.all(sales);
        await server.ended;
        server = await start(dataDir);
      }
      const came = () => new Set(receiver.got.map((one) => one.json.data.customer));
      // What was under way when two servers were killed comes after a pause.
      await until('all came', () => [...answered].every((customer) => came().has(customer)), { limit: 60_000 * slowness, every: 200 });
      // Once each in the tables, however often it was told.
      const byCustomer = new Map();
      for (const one of receiver.got) {
        const known = byCustomer.get(one.json.data.customer) ?? one.headers['webhook-id'];
        assert.equal(one.headers['webhook-id'], known, one.json.data.customer);
        byCustomer.set(one.json.data.customer, known);
      }
      const { events } = await told('event', 'list', '--name', 'shop.order.placed', '--limit', '1000');
      for (const id of byCustomer.values()) assert.ok(events.some((event) => event.id === id), id);
    } finally {
      await server.stop();
      await receiver.stop();
      for (const folder of [configDir, dataDir]) rmSync(folder, { recursive: true, force: true });
    }
  });
});

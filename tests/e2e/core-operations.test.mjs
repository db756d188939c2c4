// The server's own operations over HTTP, on both engines: who may, in which tenant, what is refused, and the whole way: an
// event goes to a real receiver, what others send comes in, and is handed over again.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { badges, badgesYaml, bearer, tenants } from './support/badges.mjs';
import { request } from './support/client.mjs';
import { operationsOf, walk } from './support/contract.mjs';
import { engines } from './support/database.mjs';
import { pluginFolder, startWith } from './support/plugins.mjs';
import { root, slowness, until } from './support/server.mjs';

const timeout = 120_000 * slowness;

class Receiver {
  got = []; // { path, headers, body }
  status = 204;

  static async start() {
    const receiver = new Receiver();
    receiver.server = createServer((req, res) => {
      let body = '';
      req.setEncoding('utf8').on('data', (piece) => (body += piece));
      req.on('end', () => {
        receiver.got.push({ path: req.url, headers: req.headers, body });
        res.writeHead(receiver.status).end('noted');
      });
    });
    await new Promise((listening) => receiver.server.listen(0, '127.0.0.1', listening));
    return receiver;
  }

  url(path) {
    return `http://127.0.0.1:${this.server.address().port}${path}`;
  }

  at(path) {
    return this.got.filter((one) => one.path === path);
  }

  nth(path, n) {
    return until(`request ${n} at ${path}`, () => this.at(path)[n - 1]);
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((closed) => this.server.close(closed));
  }
}

// The server's own that need a permission; not what is only described, such as /hooks/....
const isOwn = ({ path, operation }) => path.startsWith('/api/v1/') && !path.startsWith('/api/v1/hooks/') && ['events', 'webhooks', 'inbox'].includes(operation.tags[0]);

const people = badges({
  root: 'a *',
  foreigner: 'b *',
  nobody: 'a',
  admin: 'a shop.* events.* webhooks.read webhooks.write webhooks.replay inbox.*', // as a tenant's own has it: without allow_private
  nowhere: '- *',
  operator: '- core.metrics core.health',
});

for (const engine of engines) {
  describe(`the server's own operations, on ${engine.name}`, { timeout, skip: engine.skip }, () => {
    let server;
    let receiver;
    let database;

    const ask = (as, method, path, body) => request(server.url, {
      method, path: `/api/v1${path}`,
      headers: { ...bearer(as), ...(body !== undefined && { 'Content-Type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    // What must succeed: its JSON.
    const told = async (as, method, path, body) => {
      const answer = await ask(as, method, path, body);
      assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text()}`);
      return answer.status === 204 || answer.body.length === 0 ? {} : answer.json();
    };
    const refused = async (status, as, method, path, body) => {
      const answer = await ask(as, method, path, body);
      assert.equal(answer.status, status, answer.text());
      return answer.json();
    };
    const hook = (path, events = ['*'], more = {}) => told(people.root, 'POST', '/webhooks', { url: receiver.url(path), events, allow: ['127.0.0.1'], ...more });
    const order = (as = people.root) => told(as, 'POST', '/shop/orders', { customer: 'ann', cents: 100 });
    const source = (name, more = {}) => told(people.root, 'POST', '/inbox/sources', { plugin: 'shop', name, inbox: 'sales', ...more });
    const send = (path, secret, id, body) => {
      const seconds = Math.floor(Date.now() / 1000);
      const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
      const signature = 'v1,' + createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
      const headers = { 'Content-Type': 'application/json', 'Webhook-Id': id, 'Webhook-Timestamp': seconds, 'Webhook-Signature': signature };
      return request(server.url, { method: 'POST', path, headers, body });
    };
    const settled = (webhook, state) => until(`a delivery is ${state}`, async () =>
      (await told(people.root, 'GET', `/webhooks/${webhook}/deliveries?state=${state}`)).items[0]);

    before(async () => {
      database = await engine.make();
      receiver = await Receiver.start();
      const core = `rate_limit: off\nroute_limits: false\ncheck_replies: true\n${database.url && `database_url: ${JSON.stringify(database.url)}\n`}`;
      server = await startWith({ plugins: { badges: badgesYaml(people), shop: '', stamps: '' }, folder: pluginFolder, core });
    }, { timeout });
    after(async () => {
      try {
        await server?.stop();
      } finally {
        await receiver?.stop();
        await database?.drop();
      }
    }, { timeout });

    test('an event goes to a receiver, and what became of it can be seen and repeated', async () => {
      const { id, secret } = await hook('/way', ['shop.*'], { description: 'the way' });
      assert.match(secret, /^whsec_/);
      const webhook = await told(people.root, 'GET', `/webhooks/${id}`);
      assert.deepEqual({ ...webhook, created_at: '' }, {
        id, url: receiver.url('/way'), events: ['shop.*'], description: 'the way', allow: ['127.0.0.1'], enabled: true,
        disabled_why: null, failures: 0, secrets: 1, waiting: 0, created_at: '',
      });
      await order();
      const { headers, body } = await receiver.nth('/way', 1);
      assert.equal(JSON.parse(body).type, 'shop.order.placed');

      const delivery = await settled(id, 'delivered');
      assert.equal(delivery.event, headers['webhook-id']);
      const { log } = await told(people.root, 'GET', `/deliveries/${delivery.id}`);
      assert.deepEqual(log.map(({ attempt, status, error }) => ({ attempt, status, error })), [{ attempt: 1, status: 204, error: null }]);

      const event = await told(people.root, 'GET', `/events/${delivery.event}`);
      assert.equal(event.data.customer, 'ann');
      assert.equal(event.principal, 'root');
      const list = await told(people.root, 'GET', `/events?name=shop.*&since=${encodeURIComponent(event.at)}`);
      assert.ok(list.items.some((one) => one.id === event.id && !('data' in one)));

      await told(people.root, 'POST', `/deliveries/${delivery.id}/replay`);
      assert.equal((await receiver.nth('/way', 2)).headers['webhook-id'], event.id);
      await settled(id, 'delivered');
      assert.deepEqual(await told(people.root, 'POST', `/events/${event.id}/replay`, { webhook: id }), { count: 1 });
      await receiver.nth('/way', 3);
      await settled(id, 'delivered');
      assert.deepEqual(await told(people.root, 'POST', `/webhooks/${id}/replay`, { since: event.at }), { count: 1 });
      await receiver.nth('/way', 4);
      assert.deepEqual(await told(people.root, 'POST', `/webhooks/${id}/replay`, { since: '2999-01-01T00:00:00Z' }), { count: 0 });

      const off = await told(people.root, 'PATCH', `/webhooks/${id}`, { enabled: false, description: 'off' });
      assert.deepEqual([off.enabled, off.disabled_why, off.description, off.url], [false, 'by a user', 'off', receiver.url('/way')]);
      await refused(409, people.root, 'POST', `/webhooks/${id}/replay`, { since: event.at });
      await refused(409, people.root, 'POST', `/deliveries/${delivery.id}/replay`);
      assert.equal((await told(people.root, 'PATCH', `/webhooks/${id}`, { enabled: true })).disabled_why, null);
      await told(people.root, 'DELETE', `/webhooks/${id}`);
      await refused(404, people.root, 'GET', `/webhooks/${id}`);
    });

    test('a test says what the receiver answered, and leaves no delivery', async () => {
      const { id } = await hook('/tested');
      const answer = await told(people.root, 'POST', `/webhooks/${id}/test`);
      assert.deepEqual([answer.delivered, answer.status, answer.error], [true, 204, null]);
      assert.equal(JSON.parse(receiver.at('/tested')[0].body).type, 'core.webhook.test');
      assert.deepEqual((await told(people.root, 'GET', `/webhooks/${id}/deliveries`)).items, []);
      await told(people.root, 'PATCH', `/webhooks/${id}`, { allow: [] });
      const denied = await told(people.root, 'POST', `/webhooks/${id}/test`);
      assert.deepEqual([denied.delivered, denied.status], [false, null]);
      assert.match(denied.error, /loopback/);
      await told(people.root, 'DELETE', `/webhooks/${id}`);
    });

    test('secrets are shown once, and both sign until the older is dropped', async () => {
      const { id, secret } = await hook('/secrets');
      const newer = (await told(people.root, 'POST', `/webhooks/${id}/secrets`)).secret;
      assert.notEqual(newer, secret);
      assert.deepEqual(await told(people.root, 'POST', `/webhooks/${id}/secrets`, { secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }), {});
      await told(people.root, 'POST', `/webhooks/${id}/test`);
      assert.equal(receiver.at('/secrets')[0].headers['webhook-signature'].split(' ').length, 3);
      await told(people.root, 'DELETE', `/webhooks/${id}/secrets`);
      assert.equal((await told(people.root, 'GET', `/webhooks/${id}`)).secrets, 1);
      for (let i = 1; i < 8; i++) await told(people.root, 'POST', `/webhooks/${id}/secrets`);
      assert.match((await refused(409, people.root, 'POST', `/webhooks/${id}/secrets`)).detail, /all the secrets/);
      const shown = JSON.stringify(await told(people.root, 'GET', `/webhooks/${id}`));
      for (const one of [secret, newer]) assert.ok(!shown.includes(one) && !server.stderr.includes(one));
      await told(people.root, 'DELETE', `/webhooks/${id}`);
    });

    test('inner networks take a permission of their own', async () => {
      const url = receiver.url('/inner');
      assert.match((await refused(403, people.admin, 'POST', '/webhooks', { url, events: ['*'], allow: ['127.0.0.1'] })).detail, /webhooks\.allow_private/);
      for (const one of ['169.254.169.254', '169.254.0.0/16', 'fe80::/64']) {
        const problem = await refused(422, people.root, 'POST', '/webhooks', { url, events: ['*'], allow: ['10.0.0.0/8', one] });
        assert.equal(problem.errors[0].pointer, '#/allow/1');
      }
      const { id } = await hook('/inner');
      await refused(403, people.admin, 'PATCH', `/webhooks/${id}`, { url: 'http://127.0.0.1:1/' });
      await refused(403, people.admin, 'PATCH', `/webhooks/${id}`, { allow: ['10.0.0.0/8'] });
      assert.equal((await told(people.admin, 'PATCH', `/webhooks/${id}`, { description: 'mine' })).url, url);
      assert.deepEqual((await told(people.admin, 'PATCH', `/webhooks/${id}`, { allow: [] })).allow, []);
      assert.equal((await told(people.admin, 'PATCH', `/webhooks/${id}`, { url: 'https://example.com/' })).url, 'https://example.com/');
      await told(people.admin, 'DELETE', `/webhooks/${id}`);
    });

    test('what is wrong is told with its place', async () => {
      const url = 'https://example.com/';
      const wrong = [
        [{ url: 'ftp://example.com', events: ['*'] }, '#/url'],
        [{ url: 'https://ann:secret@example.com', events: ['*'] }, '#/url'],
        [{ url, events: ['*', 'Shop Order'] }, '#/events/1'],
        [{ url, events: ['*', 'a.b c.d'] }, '#/events/1'],
        [{ url, events: ['*'], secret: 'whsec_short' }, '#/secret'],
        [{ url, events: ['*'], allow: ['10.0.0.1/8'] }, '#/allow/0'],
        [{ url, events: ['*'], tenant: tenants.b }, '#/tenant'],
        [{ url, events: [] }, '#/events'],
        [{ events: ['*'] }, '#/url'],
      ];
      for (const [body, pointer] of wrong) {
        const { errors, detail } = await refused(422, people.root, 'POST', '/webhooks', body);
        assert.deepEqual(errors.map((error) => error.pointer), [pointer], `${JSON.stringify(body)}: ${detail}`);
      }
      const german = await request(server.url, {
        method: 'POST', path: '/api/v1/webhooks', headers: { ...bearer(people.root), 'Content-Type': 'application/json', 'Accept-Language': 'de' },
        body: JSON.stringify({ url, events: ['*'], allow: ['169.254.1.1'] }),
      });
      assert.match(german.json().errors[0].detail, /^ist link-local/);
      const places = [['/events?name=Nonsense', '#/query/name'], ['/events?since=yesterday', '#/query/since'], ['/events?limit=0', '#/query/limit'], ['/events?cursor=abc', '#/query/cursor']];
      for (const [path, pointer] of places) {
        assert.equal((await refused(422, people.root, 'GET', path)).errors[0].pointer, pointer);
      }
      const names = { plugin: 'Shop', name: 'no good', inbox: '../x' };
      for (const name of Object.keys(names)) {
        const problem = await refused(422, people.root, 'POST', '/inbox/sources', { plugin: 'shop', name: 'x', inbox: 'sales', [name]: names[name] });
        assert.equal(problem.errors[0].pointer, `#/${name}`);
      }
    });

    test('pages follow each other, and a cursor is good for its own list alone', async () => {
      for (let i = 0; i < 5; i++) await order(people.foreigner);
      const seen = [];
      let path = '/events?name=shop.order.placed&limit=2';
      for (;;) {
        const answer = await ask(people.foreigner, 'GET', path);
        const { items, next } = answer.json();
        seen.push(...items.map((one) => one.id));
        if (!next) {
          assert.equal(answer.header('link'), undefined);
          break;
        }
        const link = /^<\/api\/v1(\/events\?.*)>; rel="next"$/.exec(answer.header('link'))[1];
        assert.equal(link, `/events?name=shop.order.placed&limit=2&cursor=${next}`);
        for (const [as, other] of [[people.root, link], [people.foreigner, `/events?limit=2&cursor=${next}`], [people.foreigner, `/webhooks?cursor=${next}`], [people.foreigner, link.replace(/cursor=..../, 'cursor=AAAA')]]) {
          assert.equal((await refused(422, as, 'GET', other)).errors[0].pointer, '#/query/cursor');
        }
        path = link;
      }
      assert.equal(seen.length, 5);
      assert.deepEqual(seen, [...new Set(seen)].sort().reverse());

      const made = [];
      for (let i = 0; i < 3; i++) made.push((await told(people.foreigner, 'POST', '/webhooks', { url: 'https://example.com/', events: ['none.such'] })).id);
      const first = await told(people.foreigner, 'GET', '/webhooks?limit=2');
      const second = await told(people.foreigner, 'GET', `/webhooks?limit=2&cursor=${first.next}`);
      assert.deepEqual([...first.items, ...second.items].map((one) => one.id), made);
      assert.equal(second.next, null);
      for (const id of made) await told(people.foreigner, 'DELETE', `/webhooks/${id}`);
    });

    test('what others send comes in, and is handed over again', async () => {
      const { path, secret } = await source('till');
      assert.equal(path, '/hooks/shop/till');
      assert.match((await refused(409, people.root, 'POST', '/inbox/sources', { plugin: 'shop', name: 'till', inbox: 'sales' })).detail, /till already/);
      assert.equal((await send(path, secret, 'sale-1', '{"customer":"bob","cents":5}')).status, 202);
      const [received] = await until('it is handled', async () => {
        const { items } = await told(people.root, 'GET', '/inbox?plugin=shop&source=till&state=done');
        return items.length > 0 && items;
      });
      assert.deepEqual([received.delivery, received.repeats, received.size, received.why], ['sale-1', 0, 28, null]);
      const shown = await told(people.root, 'GET', `/inbox/${received.id}`);
      assert.equal(shown.body, '{"customer":"bob","cents":5}');
      assert.deepEqual(shown.headers.find(([name]) => name === 'Webhook-Id'), ['Webhook-Id', 'sale-1']);
      await told(people.root, 'POST', `/inbox/${received.id}/replay`);
      await until('it is handled again', async () => (await told(people.root, 'GET', `/inbox/${received.id}`)).state === 'done');

      const newer = (await told(people.root, 'POST', '/inbox/sources/shop/till/secrets')).secret;
      await told(people.root, 'DELETE', '/inbox/sources/shop/till/secrets');
      assert.equal((await send(path, secret, 'sale-2', '{}')).status, 401);
      await told(people.root, 'PATCH', '/inbox/sources/shop/till', { enabled: false });
      assert.equal((await send(path, newer, 'sale-2', '{}')).status, 404);
      const { items } = await told(people.root, 'GET', '/inbox/sources');
      assert.deepEqual(items.map((one) => ({ ...one, created_at: '' })), [
        { plugin: 'shop', name: 'till', inbox: 'sales', verify: 'standard-webhooks', id_header: '', enabled: false, secrets: 1, waiting: 0, created_at: '' },
      ]);
      await told(people.root, 'DELETE', '/inbox/sources/shop/till');
      await refused(404, people.root, 'GET', `/inbox/${received.id}`);
      assert.deepEqual(await source('open', { verify: 'none' }), { path: '/hooks/shop/open' });
      await told(people.root, 'DELETE', '/inbox/sources/shop/open');
    });

    test('lists hold nothing of another tenant', async () => {
      const { id } = await hook('/mine');
      await order();
      const event = JSON.parse((await receiver.nth('/mine', 1)).body) && (await receiver.nth('/mine', 1)).headers['webhook-id'];
      const all = async (path) => (await told(people.foreigner, 'GET', path)).items;
      assert.ok((await all('/events?limit=200')).every((one) => one.id !== event));
      assert.deepEqual(await all('/webhooks'), []);
      assert.deepEqual(await all('/inbox'), []);
      assert.deepEqual(await all('/inbox/sources'), []);
      // Nor does a name of one of the other's things reach it.
      assert.deepEqual(await told(people.foreigner, 'GET', `/events?name=shop.order.placed&limit=1`).then(async ({ items }) => told(people.foreigner, 'POST', `/events/${items[0].id}/replay`, { webhook: id })), { count: 0 });
      await told(people.root, 'DELETE', `/webhooks/${id}`);
    });

    test('what is sent again is done once, and what shows a secret is not shown twice', async () => {
      const again = async (path, body, key) => {
        const send = () => request(server.url, {
          method: 'POST', path: `/api/v1${path}`, body: JSON.stringify(body),
          headers: { ...bearer(people.root), 'Content-Type': 'application/json', 'Idempotency-Key': `"${key}"` },
        });
        return [await send(), await send()];
      };
      const [made, lost] = await again('/webhooks', { url: 'https://example.com/', events: ['none.such'] }, 'make');
      assert.deepEqual([made.status, lost.status], [201, 409], lost.text());
      assert.equal(made.header('cache-control'), 'no-store');
      assert.match(lost.json().detail, /was carried out/);
      const { id } = made.json();
      const [replayed, same] = await again(`/webhooks/${id}/replay`, { since: '2999-01-01T00:00:00Z' }, 'replay');
      assert.deepEqual([replayed.status, same.status, same.header('idempotency-replayed')], [202, 202, 'true']);
      assert.equal(same.text(), replayed.text());
      const other = await again(`/webhooks/${id}/replay`, { since: '2999-01-02T00:00:00Z' }, 'replay');
      assert.equal(other[0].status, 422);
      const [opened, closed] = await again('/inbox/sources', { plugin: 'shop', name: 'once', inbox: 'sales' }, 'source');
      assert.deepEqual([opened.status, closed.status], [201, 409], closed.text());
      assert.match(closed.json().detail, /was carried out/);
      await told(people.root, 'DELETE', '/inbox/sources/shop/once');
      await told(people.root, 'DELETE', `/webhooks/${id}`);
    });

    test('what is changed is in the audit log, with who did it', async () => {
      const log = async (query) => (await told(people.root, 'GET', `/audit?limit=100&${query}`)).items.reverse();
      const { id, secret } = await hook('/audited', ['shop.*']);
      await order();
      const delivery = await settled(id, 'delivered');
      await told(people.root, 'PATCH', `/webhooks/${id}`, { description: 'for the books' });
      await told(people.root, 'POST', `/deliveries/${delivery.id}/replay`);
      await told(people.root, 'POST', `/webhooks/${id}/replay`, { since: '2999-01-01T00:00:00Z' });
      await told(people.root, 'POST', `/webhooks/${id}/secrets`);
      await told(people.root, 'DELETE', `/webhooks/${id}/secrets`);
      await told(people.root, 'PATCH', `/webhooks/${id}`, { enabled: false });
      await told(people.root, 'PATCH', `/webhooks/${id}`, { enabled: true });
      await told(people.root, 'POST', `/events/${delivery.event}/replay`, { webhook: id });
      await refused(403, people.admin, 'PATCH', `/webhooks/${id}`, { url: 'http://127.0.0.1:1/' });
      await told(people.root, 'DELETE', `/webhooks/${id}`);
      const records = await log(`target=${id}`);
      assert.deepEqual(records.map((one) => one.action), ['added', 'changed', 'replayed', 'rotated', 'secrets_dropped', 'disabled', 'enabled', 'removed'].map((what) => `core.webhook.${what}`));
      for (const { actor, tenant, request: of } of records) {
        assert.deepEqual([actor.kind, actor.id, actor.address, tenant], ['user', 'root', '127.0.0.1', tenants.a]);
        assert.ok(of);
      }
      assert.deepEqual(records[1].values, { url: null, events: null, description: 'for the books', allow: null });
      assert.equal(records.at(-1).values.url, receiver.url('/audited'));
      assert.ok(!JSON.stringify(records).includes(secret));
      assert.deepEqual((await log(`target=${delivery.id}`)).map((one) => one.action), ['core.webhook.delivery_replayed']);
      assert.deepEqual((await log(`target=${delivery.event}`)).map((one) => one.values), [{ subscribers: 1 }]);

      const sender = await source('audited');
      assert.equal((await send(sender.path, sender.secret, 'sale-9', '{"customer":"eve","cents":1}')).status, 202);
      const [received] = (await told(people.root, 'GET', '/inbox?source=audited')).items;
      await told(people.root, 'POST', `/inbox/${received.id}/replay`);
      await told(people.root, 'POST', '/inbox/sources/shop/audited/secrets', { secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' });
      await told(people.root, 'DELETE', '/inbox/sources/shop/audited/secrets');
      for (const enabled of [false, true]) await told(people.root, 'PATCH', '/inbox/sources/shop/audited', { enabled });
      await told(people.root, 'DELETE', '/inbox/sources/shop/audited');
      const sources = (await log('action=core.inbox.*')).filter((one) => one.values.source === 'audited');
      assert.deepEqual(sources.map((one) => one.action), ['source_added', 'source_rotated', 'secrets_dropped', 'source_disabled', 'source_enabled', 'source_removed'].map((what) => `core.inbox.${what}`));
      assert.deepEqual((await log(`target=${received.id}`)).map((one) => one.action), ['core.inbox.replayed']);
      assert.deepEqual((await told(people.foreigner, 'GET', `/audit?target=${id}`)).items, []);
    });

    test('who is in no tenant has nothing here', async () => {
      assert.match((await refused(403, people.nowhere, 'GET', '/webhooks')).detail, /tenant/);
    });

    test('how the server is doing is told from anywhere to who may know', async () => {
      const stranger = { 'X-Forwarded-For': '203.0.113.7' }; // a proxy that nobody trusts
      const look = (path, as) => request(server.url, { path, headers: { ...stranger, ...bearer(as) } });
      assert.match((await look('/metrics')).json().detail, /core\.metrics/);
      assert.equal((await look('/metrics')).status, 403);
      assert.equal((await look('/metrics', people.nobody)).status, 403);
      assert.equal((await look('/metrics', { token: 'nobodys' })).status, 401);
      assert.equal((await look('/metrics', people.operator)).status, 200);
      for (const as of [undefined, people.nobody, { token: 'nobodys' }]) {
        assert.equal((await look('/readyz?verbose', as)).text(), 'ok\n');
        assert.deepEqual((await look('/api/health', as)).json(), { status: 'ok' });
        assert.equal((await look('/api/health', as)).header('www-authenticate'), undefined);
      }
      assert.match((await look('/readyz?verbose', people.operator)).text(), /database/);
      assert.equal((await look('/readyz', people.operator)).text(), 'ok\n');
      assert.ok((await look('/api/health', people.operator)).json().checks);
      assert.match((await request(server.url, { path: '/readyz?verbose', headers: bearer({ token: 'nobodys' }) })).text(), /database/);
    });

    test('are all in docs/events.md, with their permissions, and no other', async () => {
      const document = (await request(server.url, { path: '/openapi.json' })).json();
      const served = operationsOf(document).filter(isOwn)
        .map(({ method, path, operation }) => `${method} ${path} ${operation['x-permission']}`).sort();
      const told = [...readFileSync(join(root, 'docs/events.md'), 'utf8').matchAll(/^\| `([A-Z]+ \/api\/\S+)` \| `([\w.]+)` \|/gm)].map(([, operation, permission]) => `${operation} ${permission}`).sort();
      assert.deepEqual(told, served);
      assert.ok(document.tags.some(({ name }) => name === 'webhooks'));
    });

    test('hold to their contract, each of them', async (t) => {
      let n = 0;
      const webhook = async () => ({ id: (await hook(`/walk/${++n}`, ['none.such'])).id });
      const event = async () => ({ id: (await order()) && (await told(people.root, 'GET', '/events?name=shop.order.placed&limit=1')).items[0].id });
      const delivery = async () => {
        const { id } = await hook(`/walk/${++n}`, ['shop.order.placed']);
        await order();
        return { id: (await settled(id, 'delivered')).id };
      };
      const inboxSource = async () => {
        const name = `walk${++n}`;
        await source(name);
        return { plugin: 'shop', source: name };
      };
      const received = async () => {
        const name = `walk${++n}`;
        await source(name, { verify: 'none' });
        assert.equal((await request(server.url, { method: 'POST', path: `/hooks/shop/${name}`, body: '{"customer":"eve","cents":1}' })).status, 202);
        return { id: (await told(people.root, 'GET', `/inbox?source=${name}`)).items[0].id };
      };
      await walk({
        url: server.url,
        people: { one: people.root, foreigner: people.foreigner, nobody: people.nobody },
        only: isOwn,
        bodies: { createInboxSource: { plugin: 'shop', name: 'walked', inbox: 'sales' }, replayWebhook: { since: '2026-11-21T08:05:00Z' } },
        make: {
          '/api/v1/events/{id}': event, '/api/v1/events/{id}/replay': event,
          '/api/v1/webhooks/{id}': webhook, '/api/v1/webhooks/{id}/secrets': webhook, '/api/v1/webhooks/{id}/test': webhook,
          '/api/v1/webhooks/{id}/replay': webhook, '/api/v1/webhooks/{id}/deliveries': webhook,
          '/api/v1/deliveries/{id}': delivery, '/api/v1/deliveries/{id}/replay': delivery,
          '/api/v1/inbox/sources/{plugin}/{source}': inboxSource, '/api/v1/inbox/sources/{plugin}/{source}/secrets': inboxSource,
          '/api/v1/inbox/{id}': received, '/api/v1/inbox/{id}/replay': received,
        },
      }, (name, run) => t.test(name, run));
    });
  });
}

// Presets: release asan
// Connections, over HTTP and on the command line, on both engines: a kind that the server has never heard of (tests/campaign/desk)
// appears everywhere by itself; what does not work is refused with all that is wrong; no secret ever leaves; what is another
// tenant's is not there; what still is used is told before it goes; webhooks of the other system come in.

import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { badges, badgesYaml, bearer } from './support/badges.mjs';
import { request } from './support/client.mjs';
import { operationsOf, walk } from './support/contract.mjs';
import { engines, sql } from './support/database.mjs';
import { pluginFolder, startWith } from './support/plugins.mjs';
import { preset, root, slowness, until } from './support/server.mjs';

const timeout = 120_000 * slowness;
const folder = `${pluginFolder}, ${join(root, 'build', preset, 'campaign')}`;
const TOKEN = 'desk-token-4711';

// The other system: whoever shows the token sees what there is.
class Desk {
  token = TOKEN;
  asked = []; // { path, token }
  user = 'ann';
  status = 200;
  headers = {};

  static async start() {
    const desk = new Desk();
    desk.server = createServer((req, res) => desk.#answer(req, res));
    await new Promise((listening) => desk.server.listen(0, '127.0.0.1', listening));
    desk.url = `http://127.0.0.1:${desk.server.address().port}`;
    return desk;
  }

  #answer(req, res) {
    const token = (req.headers.authorization ?? '').replace('Bearer ', '');
    this.asked.push({ path: req.url, token });
    const status = token === this.token ? this.status : 401;
    const customers = [{ id: 'c1', name: 'Acme' }, { id: 'c2', name: 'Globex' }];
    const projects = Array.from({ length: 120 }, (_, i) => ({ id: `p${i}`, name: `Project ${i}`, parent: i % 2 ? 'c1' : 'c2', inactive: i === 7 }));
    const content = { '/me': { user: this.user, version: '6.4' }, '/customers': customers, '/projects': projects }[req.url];
    res.writeHead(content ? status : 404, { 'Content-Type': 'application/json', ...this.headers }).end(JSON.stringify(status === 200 ? content : { error: 'no' }));
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((closed) => this.server.close(closed));
  }
}

const isOwn = ({ operation }) => operation.tags[0] === 'connections';

const people = badges({
  root: 'a *',
  admin: 'a connections.read connections.write audit.read events.read inbox.read inbox.write desk.watch',
  member: 'a connections.read',
  nobody: 'a',
  foreigner: 'b *',
});

for (const engine of engines) {
  describe(`connections, on ${engine.name}`, { timeout, skip: engine.skip }, () => {
    let server, database, desk;
    let n = 0;

    const ask = (as, method, path, body, headers = {}) => request(server.url, {
      method, path: `/api/v1${path}`,
      headers: { ...bearer(as), ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const told = async (as, method, path, body, headers) => {
      const answer = await ask(as, method, path, body, headers);
      assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text()}`);
      return answer.body.length === 0 ? {} : answer.json();
    };
    const refused = async (status, as, method, path, body, headers) => {
      const answer = await ask(as, method, path, body, headers);
      assert.equal(answer.status, status, answer.text());
      return answer.json();
    };
    const etag = ({ version }) => ({ 'If-Match': `"${version}"` });
    const settings = (more) => ({ url: desk.url, token: TOKEN, ...more });
    const make = (more = {}) => told(people.root, 'POST', '/connections', { kind: 'desk', name: `desk ${++n}`, allow_private: true, settings: settings(), ...more });
    const change = async (connection, body, as = people.root) => told(as, 'PATCH', `/connections/${connection.id}`, body, etag(connection));
    const see = (connection) => told(people.root, 'GET', `/connections/${connection.id}`);
    const pointersOf = ({ errors }) => errors.map(({ pointer }) => pointer).sort();

    before(async () => {
      database = await engine.make();
      desk = await Desk.start();
      const core = `rate_limit: off\nroute_limits: false\ncheck_replies: true\n${database.url && `database_url: ${JSON.stringify(database.url)}\n`}`;
      server = await startWith({ plugins: { badges: badgesYaml(people), desk: '' }, folder, core });
    }, { timeout });
    after(async () => {
      try {
        await server?.stop();
      } finally {
        await desk?.stop();
        await database?.drop();
      }
    }, { timeout });

    test('a kind appears by itself, with what a form needs', async () => {
      const { items } = await told(people.member, 'GET', '/connectors');
      const kind = items.find(({ name }) => name === 'desk');
      assert.deepEqual(kind, await told(people.member, 'GET', '/connectors/desk'));
      assert.deepEqual({ ...kind, settings: 0, fields: 0 }, {
        name: 'desk', title: 'Desk', summary: 'Tickets of a desk.', plugin: 'desk', available: true, roles: ['time_source'], address: 'url',
        settings: 0, fields: 0, webhook: { verify: 'hub-sha1', id_header: 'X-Desk-Delivery' },
        listings: [{ name: 'customer', title: 'Customers', can_make: false }, { name: 'project', title: 'Projects', can_make: false }],
      });
      assert.deepEqual(kind.settings, {
        type: 'object', required: ['url', 'token'], additionalProperties: false,
        properties: {
          url: { type: 'string', format: 'uri', description: 'Where the desk is.' },
          token: { type: 'string', writeOnly: true, minLength: 4, maxLength: 100, description: "Made in the desk's profile." },
          mode: { type: 'string', enum: ['quick', 'thorough'], default: 'quick', description: 'How it looks.' },
          days: { type: 'integer', minimum: 1, maximum: 365, default: 30, description: 'How far back.' },
          archive: { type: 'boolean', default: false, description: 'What is archived as well.' },
          prefix: { type: 'string', default: '', description: 'What names begin with.' },
          groups: { type: 'array', items: { type: 'string' }, default: [], description: 'Only these groups.' },
        },
      });
      assert.deepEqual(kind.fields.map(({ name, type, secret, required }) => [name, type, secret, required]), [
        ['url', 'text', false, true], ['token', 'text', true, true], ['mode', 'text', false, false], ['days', 'integer', false, false],
        ['archive', 'boolean', false, false], ['prefix', 'text', false, false], ['groups', 'list', false, false],
      ]);
      await refused(404, people.member, 'GET', '/connectors/nothing');
      await refused(403, people.nobody, 'GET', '/connectors');
    });

    test('is made after a test, and shows no secret', async () => {
      const answer = await ask(people.root, 'POST', '/connections', { kind: 'desk', name: 'the first', allow_private: true, settings: settings({ days: 7 }) });
      assert.equal(answer.status, 201, answer.text());
      assert.equal(answer.header('cache-control'), 'no-store');
      assert.equal(answer.header('etag'), '"1"');
      const { webhook_secret: secret, tested, ...made } = answer.json();
      assert.ok(secret.length >= 20);
      assert.deepEqual({ ...tested, took_ms: 0 }, {
        works: true, error: null, reason: null, errors: [], took_ms: 0,
        checks: [{ state: 'good', name: 'version', text: 'the desk answers', values: { version: '6.4' } }],
      });
      assert.deepEqual({ ...made, health: made.health.state, created_at: 0, changed_at: 0 }, {
        id: made.id, kind: 'desk', plugin: 'desk', name: 'the first', enabled: true, settings: { url: desk.url, days: 7 }, secrets: { token: true },
        allow_private: true, ca: '', client_cert: '', has_client_key: false, proxy: '', parallel: 8, health: 'ok', version: 1, created_at: 0, changed_at: 0,
        webhook: { path: `/api/v1/hooks/desk/${made.id}`, verify: 'hub-sha1', id_header: 'X-Desk-Delivery' },
      });
      assert.deepEqual(await told(people.member, 'GET', `/connections/${made.id}`), made);
      assert.ok(!JSON.stringify(made).includes(TOKEN));
    });

    test('what is wrong is refused with all of it, and nothing is kept', async () => {
      const { items: before } = await told(people.root, 'GET', '/connections');
      const body = { kind: 'desk', name: 'wrong', allow_private: true };
      const wrong = await refused(422, people.root, 'POST', '/connections', { ...body, settings: { url: 'ftp://x', mode: 'slow', days: 0, other: 1 } });
      assert.deepEqual(pointersOf(wrong), ['#/settings/days', '#/settings/mode', '#/settings/other', '#/settings/token', '#/settings/url']);
      const denied = await refused(422, people.root, 'POST', '/connections', { ...body, settings: settings({ token: 'another' }) });
      assert.deepEqual(denied.errors, [{ pointer: '#/settings/token', detail: 'the desk does not know this token: make one in your profile there' }]);
      assert.match(denied.detail, /the test failed, and nothing was kept/);
      assert.deepEqual(pointersOf(await refused(422, people.root, 'POST', '/connections', { ...body, settings: settings({ url: 'http://127.0.0.1:1' }) })), ['#/settings/url']);
      await refused(422, people.root, 'POST', '/connections', { ...body, kind: 'nothing' });
      assert.deepEqual((await told(people.root, 'GET', '/connections')).items, before);
    });

    test('is kept untested where that is wanted, and says so', async () => {
      desk.asked = [];
      const made = await make({ settings: settings({ token: 'not yet there' }), untested: true });
      assert.deepEqual([made.tested, made.health], [null, { state: 'untested', since: null, error: null, checked_at: null, paused_until: null }]);
      assert.deepEqual(desk.asked, []);
      const { works, error, errors } = await told(people.root, 'POST', `/connections/${made.id}/test`);
      assert.deepEqual([works, errors.length], [false, 1], error);
      const { health } = await see(made);
      assert.equal(health.state, 'failing');
      assert.match(health.error, /token/);
      assert.ok(health.since && health.checked_at);
    });

    test('is tested before it is there', async () => {
      desk.user = 'guest';
      const tested = await told(people.root, 'POST', '/connections/test', { kind: 'desk', allow_private: true, settings: settings() });
      desk.user = 'ann';
      assert.deepEqual(tested.checks.map(({ state, name }) => [state, name]), [['good', 'version'], ['warning', 'user']]);
      assert.equal(tested.works, true);
      const failed = await told(people.root, 'POST', '/connections/test', { kind: 'desk', allow_private: true, settings: settings({ token: 'wrong' }) });
      assert.deepEqual([failed.works, pointersOf(failed)], [false, ['#/settings/token']]);
      assert.deepEqual(pointersOf(await refused(422, people.root, 'POST', '/connections/test', { kind: 'desk', settings: {} })), ['#/settings/token', '#/settings/url']);
    });

    test('an inner address is for operators to open', async () => {
      const body = { kind: 'desk', name: 'inner', settings: settings() };
      await refused(403, people.admin, 'POST', '/connections', { ...body, allow_private: true });
      desk.asked = [];
      const shut = await refused(422, people.admin, 'POST', '/connections', body);
      assert.match(JSON.stringify(shut), /private|inner|loopback/i);
      assert.deepEqual(desk.asked, []);
      const made = await make();
      await refused(403, people.admin, 'PATCH', `/connections/${made.id}`, { settings: { url: 'http://127.0.0.1:1', token: TOKEN } }, etag(made));
      assert.equal((await change(made, { name: 'mine now' }, people.admin)).name, 'mine now');
    });

    test('is changed as it was read', async () => {
      const made = await make({ settings: settings({ days: 7, groups: ['one', 'two'] }) });
      await refused(428, people.root, 'PATCH', `/connections/${made.id}`, { name: 'x' });
      desk.asked = [];
      const named = await change(made, { name: 'renamed', parallel: 3 });
      assert.deepEqual([named.name, named.parallel, named.version, named.tested], ['renamed', 3, 2, null]);
      assert.deepEqual(desk.asked, []);
      await refused(412, people.root, 'PATCH', `/connections/${made.id}`, { name: 'too late' }, etag(made));
      const merged = await change(named, { settings: { days: null, archive: true } });
      assert.deepEqual(merged.settings, { url: desk.url, groups: ['one', 'two'], archive: true });
      assert.equal(merged.tested.works, true);
      assert.deepEqual(desk.asked.map(({ token }) => token), [TOKEN]);
      const wrong = await refused(422, people.root, 'PATCH', `/connections/${made.id}`, { settings: { token: 'another' } }, etag(merged));
      assert.deepEqual(pointersOf(wrong), ['#/settings/token']);
      const { tested, ...rest } = merged;
      assert.deepEqual({ ...(await see(made)), health: 0 }, { ...rest, health: 0 });
    });

    test('a stored secret is never sent to a changed address', async () => {
      const made = await make();
      const elsewhere = await Desk.start();
      const url = elsewhere.url;
      try {
        for (const path of [`/connections/${made.id}`, `/connections/${made.id}/test`]) {
          const body = { settings: { url } };
          const problem = await refused(422, people.root, path.endsWith('test') ? 'POST' : 'PATCH', path, body, etag(made));
          assert.deepEqual(pointersOf(problem), ['#/settings/token']);
        }
        await refused(422, people.root, 'PATCH', `/connections/${made.id}`, { settings: { url }, untested: true }, etag(made));
        assert.deepEqual(elsewhere.asked, []);
        elsewhere.token = 'another one';
        const moved = await change(made, { settings: { url, token: 'another one' } });
        assert.deepEqual([moved.settings.url, moved.tested.works], [url, true]);
        assert.deepEqual(elsewhere.asked.map(({ token }) => token), ['another one']);
      } finally {
        await elsewhere.stop();
      }
    });

    test('what there is in it comes a page at a time', async () => {
      const { id } = await make();
      const { items: customers, next } = await told(people.member, 'GET', `/connections/${id}/things/customer`);
      assert.deepEqual([customers, next], [[{ id: 'c1', name: 'Acme', number: null, email: null, parent: null, inactive: false }, { id: 'c2', name: 'Globex', number: null, email: null, parent: null, inactive: false }], null]);
      const all = [];
      for (let cursor = '', pages = 0; cursor !== null; pages++) {
        assert.ok(pages < 4);
        const page = await told(people.member, 'GET', `/connections/${id}/things/project?limit=50${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
        all.push(...page.items.map((one) => one.id));
        cursor = page.next;
      }
      assert.deepEqual([all.length, new Set(all).size, all.includes('p7')], [119, 119, false]);
      const some = async (query) => (await told(people.member, 'GET', `/connections/${id}/things/project?limit=200&${query}`)).items;
      assert.equal((await some('inactive=true')).length, 120);
      assert.ok((await some('parent=c1&inactive=true')).every(({ parent }) => parent === 'c1'));
      assert.deepEqual((await some('term=project%2011')).map(({ name }) => name).sort(), ['Project 11', ...Array.from({ length: 10 }, (_, i) => `Project 11${i}`)].sort());
      await refused(404, people.member, 'GET', `/connections/${id}/things/nothing`);
      desk.status = 500;
      assert.match((await refused(502, people.member, 'GET', `/connections/${id}/things/customer`)).detail, /does not work/);
      desk.status = 200;
    });

    test('what asks for time is left alone until then, or until it is another one', async () => {
      const made = await make();
      [desk.status, desk.headers] = [429, { 'Retry-After': '600' }];
      await refused(429, people.member, 'GET', `/connections/${made.id}/things/customer`);
      [desk.status, desk.headers] = [200, {}];
      const { paused_until: until_ } = (await see(made)).health;
      const seconds = (Date.parse(until_) - Date.now()) / 1000;
      assert.ok(seconds > 500 && seconds <= 601, until_);
      desk.asked = [];
      await refused(429, people.member, 'GET', `/connections/${made.id}/things/customer`);
      assert.deepEqual(desk.asked, []);
      const changed = await change(await see(made), { settings: { days: 3 }, untested: true });
      assert.equal(changed.version, 2);
      assert.equal((await see(made)).health.paused_until, null);
      assert.equal((await told(people.member, 'GET', `/connections/${made.id}/things/customer`)).items.length, 2);
    });

    test('what would be asked elsewhere does not wait for it, nor makes it wait', async () => {
      const made = await make();
      const elsewhere = await Desk.start();
      const settings = { url: elsewhere.url, token: TOKEN };
      try {
        [desk.status, desk.headers] = [429, { 'Retry-After': '600' }];
        await refused(429, people.member, 'GET', `/connections/${made.id}/things/customer`);
        assert.equal((await told(people.root, 'POST', `/connections/${made.id}/test`, { settings })).works, true);

        [desk.status, desk.headers] = [200, {}];
        await change(await see(made), { settings: { days: 3 }, untested: true });
        assert.equal((await see(made)).health.paused_until, null);
        [elsewhere.status, elsewhere.headers] = [429, { 'Retry-After': '600' }];
        assert.equal((await told(people.root, 'POST', `/connections/${made.id}/test`, { settings })).works, false);
        assert.equal((await see(made)).health.paused_until, null);
        assert.equal((await told(people.member, 'GET', `/connections/${made.id}/things/customer`)).items.length, 2);
      } finally {
        [desk.status, desk.headers] = [200, {}];
        await elsewhere.stop();
      }
    });

    test('is switched off, and on again', async () => {
      const made = await make();
      const off = await change(made, { enabled: false });
      assert.deepEqual([off.enabled, off.version], [false, 2]);
      await refused(409, people.member, 'GET', `/connections/${made.id}/things/customer`);
      assert.equal((await told(people.root, 'POST', `/connections/${made.id}/test`)).works, true);
      const { items } = await told(people.root, 'GET', '/connections?enabled=true&limit=200');
      assert.ok(items.length > 0 && items.every(({ id, enabled }) => enabled && id !== made.id));
      assert.equal((await change(off, { enabled: true })).enabled, true);
    });

    test('goes with all that hangs on it only where that is wanted', async () => {
      const { id } = await make();
      assert.deepEqual((await told(people.member, 'GET', `/connections/${id}/uses`)).items, []);
      for (const name of ['night', 'day']) await told(people.admin, 'POST', '/desk/watches', { connection: id, name });
      const { items } = await told(people.member, 'GET', `/connections/${id}/uses`);
      assert.deepEqual(items.map(({ plugin, what, name, count }) => [plugin, what, name, count]), [['desk', 'watch', 'day', 7], ['desk', 'watch', 'night', 7]]);
      const problem = await refused(409, people.root, 'DELETE', `/connections/${id}`);
      assert.deepEqual(problem.uses, items);
      assert.equal((await see({ id })).id, id);
      assert.equal((await ask(people.root, 'DELETE', `/connections/${id}?with_uses=true`)).status, 204);
      await refused(404, people.root, 'GET', `/connections/${id}`);
      await until('what hung on it is gone', async () => (await sql(server, database, `SELECT count(*) FROM desk_watches WHERE connection = '${id}'`)) === '0');
      const free = await make();
      assert.equal((await ask(people.root, 'DELETE', `/connections/${free.id}`)).status, 204);
    });

    // As Zammad signs: HMAC-SHA1 of the raw bytes.
    const deliver = (path, secret, body, id = randomUUID()) => request(server.url, {
      method: 'POST', path, body,
      headers: { 'Content-Type': 'application/json', 'X-Desk-Delivery': id, 'X-Hub-Signature': `sha1=${createHmac('sha1', secret).update(body).digest('hex')}` },
    });

    test('webhooks come in for as long as it is there', async () => {
      const made = await make();
      const { path } = made.webhook;
      const secret = made.webhook_secret;
      assert.equal((await deliver(path, secret, '{"ticket":"4711"}')).status, 202);
      const changed = await until('an event tells of it', async () =>
        (await told(people.root, 'GET', '/events?name=core.connection.changed')).items[0]);
      assert.deepEqual((await told(people.root, 'GET', `/events/${changed.id}`)).data, { connection: made.id, ticket: '4711' });
      assert.equal((await deliver(path, 'not the secret', '{}')).status, 401);
      assert.equal((await deliver(path.replace('/api/v1', ''), secret, '{"ticket":"1"}')).status, 202);

      const { secret: newer } = await told(people.root, 'POST', `/connections/${made.id}/webhook/secrets`);
      assert.equal((await deliver(path, secret, '{"ticket":"1"}')).status, 202);
      assert.equal((await deliver(path, newer, '{"ticket":"1"}')).status, 202);
      assert.equal((await ask(people.root, 'DELETE', `/connections/${made.id}/webhook/secrets`)).status, 204);
      assert.equal((await deliver(path, secret, '{"ticket":"1"}')).status, 401);
      assert.deepEqual(await told(people.root, 'POST', `/connections/${made.id}/webhook/secrets`, { secret: 'as the desk has it' }), {});
      assert.equal((await deliver(path, 'as the desk has it', '{"ticket":"1"}')).status, 202);

      // What a purge of its plugin took along.
      await sql(server, database, `DELETE FROM dowel_inbox_sources WHERE name = '${made.id}'`);
      assert.equal((await deliver(path, newer, '{"ticket":"1"}')).status, 404);
      const { secret: first } = await told(people.root, 'POST', `/connections/${made.id}/webhook/secrets`);
      assert.equal((await deliver(path, first, '{"ticket":"1"}')).status, 202);
      assert.deepEqual(await told(people.root, 'POST', `/connections/${made.id}/webhook/secrets`, { secret: newer }), {});
      for (let i = 0; i < 5; i++) assert.equal((await deliver(path, newer, '{"ticket":"1"}')).status, 202);

      const { items } = await told(people.root, 'GET', `/inbox?source=${made.id}`);
      assert.ok(items.length >= 5 && items.every(({ plugin }) => plugin === 'desk'));
      for (const [method, body] of [['PATCH', { enabled: false }], ['DELETE']]) {
        assert.match((await refused(409, people.root, method, `/inbox/sources/desk/${made.id}`, body)).detail, /belongs to a connection/);
      }
      await refused(422, people.root, 'POST', '/inbox/sources', { plugin: 'desk', name: randomUUID(), inbox: 'tickets' });

      const off = await change(await see(made), { enabled: false });
      assert.equal((await deliver(path, newer, '{"ticket":"1"}')).status, 404);
      await change(off, { enabled: true });
      assert.equal((await deliver(path, newer, '{"ticket":"1"}')).status, 202);
      assert.equal((await ask(people.root, 'DELETE', `/connections/${made.id}`)).status, 204);
      assert.equal((await deliver(path, newer, '{"ticket":"1"}')).status, 404);
    });

    test('who did what is written down, and told, without secrets', async () => {
      const made = await make({ name: 'noted' });
      const changed = await change(made, { name: 'noted twice', settings: { days: 9, token: TOKEN } });
      await change(changed, { enabled: false });
      await ask(people.root, 'DELETE', `/connections/${made.id}`);
      const { items } = await told(people.root, 'GET', `/audit?target=${made.id}`);
      assert.deepEqual(items.map(({ action }) => action), ['core.connection.removed', 'core.connection.disabled', 'core.connection.changed', 'core.connection.added']);
      assert.deepEqual(items[2].values, {
        name: 'noted twice', tested: true,
        changes: { name: { from: 'noted', to: 'noted twice' }, 'settings.days': { from: null, to: 9 }, given_anew: ['token'] },
      });
      assert.deepEqual(items[0].values, { kind: 'desk', name: 'noted twice', uses: [] });
      const events = (await told(people.root, 'GET', '/events?name=core.connection.*&limit=200')).items;
      const of = [];
      for (const { id, name } of events) {
        const { data } = await told(people.root, 'GET', `/events/${id}`);
        if (data.connection === made.id) of.push([name, data]);
      }
      assert.deepEqual(of, [
        ['core.connection.deleted', { connection: made.id }],
        ['core.connection.changed_settings', { connection: made.id, changed: ['enabled'] }],
        ['core.connection.changed_settings', { connection: made.id, changed: ['name', 'settings.days', 'given_anew'] }],
        ['core.connection.created', { connection: made.id, kind: 'desk', name: 'noted' }],
      ]);
    });

    test('is made once, whoever asks twice with one key', async () => {
      const body = { kind: 'desk', name: 'once', allow_private: true, settings: settings() };
      const headers = { 'Idempotency-Key': '"make it once"' };
      const made = await told(people.root, 'POST', '/connections', body, headers);
      assert.match((await refused(409, people.root, 'POST', '/connections', body, headers)).detail, /secret|done|once|before/);
      const { items } = await told(people.root, 'GET', '/connections?limit=200');
      assert.deepEqual(items.filter(({ name }) => name === 'once').map(({ id }) => id), [made.id]);
      assert.match((await refused(409, people.root, 'POST', '/connections', body)).detail, /with this name/);
    });

    test('is listed by kind and role', async () => {
      const names = async (query) => (await told(people.root, 'GET', `/connections?limit=200&${query}`)).items.length;
      const all = await names('');
      assert.ok(all > 3);
      assert.deepEqual([await names('kind=desk'), await names('role=time_source'), await names('role=time_target'), await names('kind=csv'), await names('kind=desk&role=time_source')], [all, all, 0, 0, all]);
      const { items, next } = await told(people.root, 'GET', '/connections?limit=2');
      const { items: more } = await told(people.root, 'GET', `/connections?limit=2&cursor=${encodeURIComponent(next)}`);
      assert.equal(new Set([...items, ...more].map(({ id }) => id)).size, 4);
      assert.deepEqual((await told(people.foreigner, 'GET', '/connections')).items, []);
    });

    test('no secret is anywhere that it can be read', async () => {
      const dump = await sql(server, database, 'SELECT settings, secrets, sealed, ca, client_cert FROM dowel_connections');
      assert.ok(dump.includes(desk.url) && !dump.includes(TOKEN));
      assert.ok(!server.stderr.includes(TOKEN), 'in the log');
      const { items } = await told(people.root, 'GET', '/audit?limit=200');
      assert.ok(!JSON.stringify(items).includes(TOKEN), 'in the audit log');
    });

    test('all are in docs/connections.md, with their permissions, and no other', async () => {
      const document = (await request(server.url, { path: '/openapi.json' })).json();
      const served = operationsOf(document).filter(isOwn).map(({ method, path, operation }) => `${method} ${path} ${operation['x-permission']}`).sort();
      const page = readFileSync(join(root, 'docs/connections.md'), 'utf8');
      assert.deepEqual([...page.matchAll(/^\| `([A-Z]+ \/api\/\S+)` \| `([\w.]+)` \|/gm)].map(([, operation, permission]) => `${operation} ${permission}`).sort(), served);
    });

    test('what is said is said in German as well', async () => {
      const german = { 'Accept-Language': 'de' };
      const body = { kind: 'desk', name: 'deutsch', allow_private: true, settings: settings({ token: 'another' }) };
      assert.match((await refused(422, people.root, 'POST', '/connections', body, german)).detail, /^der Test ist fehlgeschlagen, und nichts wurde behalten: /);
      const { errors } = await refused(422, people.root, 'POST', '/connections', { ...body, settings: {} }, german);
      assert.ok(errors.length === 2 && errors.every(({ detail }) => detail !== 'must be set'), JSON.stringify(errors));
    });

    test('each operation holds to its contract', async (t) => {
      const connection = async () => ({ id: (await make()).id });
      await walk({
        url: server.url,
        people: { one: people.root, foreigner: people.foreigner, nobody: people.nobody },
        only: isOwn,
        open: { '/api/v1/connectors/{kind}': "kinds are the server's" },
        bodies: {
          createConnection: { kind: 'desk', name: 'walked', allow_private: true, settings: settings() },
          testConnection: { kind: 'desk', allow_private: true, settings: settings() },
        },
        make: {
          '/api/v1/connections/{id}': connection, '/api/v1/connections/{id}/test': connection, '/api/v1/connections/{id}/uses': connection,
          '/api/v1/connections/{id}/webhook/secrets': connection,
          '/api/v1/connections/{id}/things/{listing}': async () => ({ ...(await connection()), listing: 'customer' }),
        },
      }, (name, run) => t.test(name, run));
    });

    test('whose plugin is gone can be looked at, switched and removed', async () => {
      const made = await make();
      const core = `rate_limit: off\ncheck_replies: true\n${database.url && `database_url: ${JSON.stringify(database.url)}\n`}`;
      const { temporary, dataDir } = server;
      server.temporary = [];
      await server.stop();
      server = await startWith({ plugins: { badges: badgesYaml(people) }, folder, core, data: dataDir });
      server.temporary.push(...temporary);
      const seen = await see(made);
      assert.deepEqual([seen.plugin, seen.secrets, seen.webhook, seen.settings], [null, { token: true }, null, made.settings]);
      assert.deepEqual((await told(people.root, 'GET', '/connectors')).items, []);
      await refused(503, people.root, 'POST', `/connections/${made.id}/test`);
      await refused(503, people.root, 'PATCH', `/connections/${made.id}`, { name: 'x' }, etag(seen));
      await refused(503, people.root, 'GET', `/connections/${made.id}/things/customer`);
      assert.equal((await change(seen, { enabled: false })).enabled, false);
      assert.equal((await ask(people.root, 'DELETE', `/connections/${made.id}`)).status, 204);
      await refused(404, people.root, 'GET', `/connections/${made.id}`);
    });
  });
}

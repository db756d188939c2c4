// Presets: release asan
// Connections, over HTTP and on the command line, on both engines: a kind that the server has never heard of (tests/campaign/desk)
// appears everywhere by itself; what does not work is refused with all that is wrong; no secret ever leaves; what is another
// tenant's is not there; what still is used is told before it goes; webhooks of the other system come in.

import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { badges, badgesYaml, bearer, tenants } from './support/badges.mjs';
import { request } from './support/client.mjs';
import { engines, sql } from './support/database.mjs';
import { command, pluginFolder, startWith } from './support/plugins.mjs';
import { dowel, preset, root, slowness, until } from './support/server.mjs';

const timeout = 120_000 * slowness;
const folder = `${pluginFolder}, ${join(root, 'build', preset, 'campaign')}`;
const TOKEN = 'desk-token-4711';

// The other system: whoever shows the token sees what there is.
class Desk {
  token = TOKEN;
  asked = []; // { path, token }
  user = 'ann';
  status = 200;

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
    res.writeHead(content ? status : 404, { 'Content-Type': 'application/json' }).end(JSON.stringify(status === 200 ? content : { error: 'no' }));
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((closed) => this.server.close(closed));
  }
}

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
          groups: { type: 'array', items: { type: 'string' }, default: [], description: 'Only these groups.' },
        },
      });
      assert.deepEqual(kind.fields.map(({ name, type, secret, required }) => [name, type, secret, required]), [
        ['url', 'text', false, true], ['token', 'text', true, true], ['mode', 'text', false, false], ['days', 'integer', false, false],
        ['archive', 'boolean', false, false], ['groups', 'list', false, false],
      ]);
      await refused(404, people.member, 'GET', '/connectors/nothing');
      await refused(403, people.nobody, 'GET', '/connectors');
    });

    test('is made after a test, and shows no secret', async () => {
      const answer = await ask(people.root, 'POST', '/connections', { kind: 'desk', name: 'the first', allow_private: true, settings: settings({ days: 7 }) });
      assert.equal(answer.status, 201, answer.text());
      assert.equal(answer.headers['cache-control'], 'no-store');
      assert.equal(answer.headers.etag, '"1"');
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
  });
}

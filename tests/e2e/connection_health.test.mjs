// Presets: release asan
// Long: what fails is told within ten seconds.
// Connections that nobody uses are looked at now and then: what fails is told by the connection, the log and /readyz, which it
// never makes unready.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { badges, badgesYaml, bearer } from './support/badges.mjs';
import { request } from './support/client.mjs';
import { engines } from './support/database.mjs';
import { logged, pluginFolder, readyz, startWith } from './support/plugins.mjs';
import { preset, root, slowness, until } from './support/server.mjs';

const timeout = 120_000 * slowness;
const limit = 30_000 * slowness;
const folder = `${pluginFolder}, ${join(root, 'build', preset, 'campaign')}`;
const people = badges({ root: 'a *' });

for (const engine of engines) {
  describe(`the health of connections, on ${engine.name}`, { timeout, skip: engine.skip }, () => {
    let server, database, desk, url;
    let status = 200;
    let asked = 0;

    const ask = async (method, path, body) => {
      const headers = { ...bearer(people.root), 'Content-Type': 'application/json', ...(method === 'PATCH' && { 'If-Match': '"1"' }) };
      const answer = await request(server.url, { method, path: `/api/v1${path}`, headers, ...(body && { body: JSON.stringify(body) }) });
      assert.ok(answer.status < 300, answer.text());
      return answer.json();
    };
    const make = (name, more) => ask('POST', '/connections', { kind: 'desk', name, allow_private: true, settings: { url, token: 'token' }, ...more });
    const healthOf = async ({ id }) => (await ask('GET', `/connections/${id}`)).health;
    const becomes = (connection, state) => until(`it is ${state}`, async () => {
      const health = await healthOf(connection);
      return health.state === state && health;
    }, { limit });

    before(async () => {
      database = await engine.make();
      desk = createServer((req, res) => {
        asked++;
        res.writeHead(status, { 'Content-Type': 'application/json' }).end('{"user":"ann","version":"6.4"}');
      });
      await new Promise((listening) => desk.listen(0, '127.0.0.1', listening));
      url = `http://127.0.0.1:${desk.address().port}`;
      const core = `check_connections: 1s\nmetrics_allow: [127.0.0.0/8]\n${database.url && `database_url: ${JSON.stringify(database.url)}\n`}`;
      server = await startWith({ plugins: { badges: badgesYaml(people), desk: '' }, folder, core });
    }, { timeout });
    after(async () => {
      try {
        await server?.stop();
      } finally {
        desk?.closeAllConnections();
        desk?.close();
        await database?.drop();
      }
    }, { timeout });

    test('is seen without anybody asking, and told until it works again', async () => {
      const made = await make('Helpdesk');
      const { since } = await becomes(made, 'ok');
      const before_ = asked;
      await until('it is checked by itself', () => asked >= before_ + 2, { limit });
      assert.equal((await healthOf(made)).since, since);

      status = 401;
      const failing = await becomes(made, 'failing');
      assert.match(failing.error, /token/);
      assert.ok(failing.since > since);
      const ready = await until('/readyz has it', async () => {
        const text = await readyz(server);
        return text.includes('Helpdesk') && text;
      }, { limit });
      assert.match(ready, /^\[!\] connections: Helpdesk \(desk\): .*token/m);
      assert.match(ready, /^ok$/m);
      assert.equal((await request(server.url, { path: '/readyz' })).status, 200);
      await logged(server, { level: 'warn', message: /^connections do not work/, which: /Helpdesk/ });

      status = 200;
      await becomes(made, 'ok');
      await until('/readyz has it no more', async () => !(await readyz(server)).includes('Helpdesk'), { limit });
      await logged(server, { level: 'info', message: /^all connections work again/ });
    });

    test('is told in whole characters, however long a name is', async () => {
      const name = `x${'ä'.repeat(90)}`;
      status = 401;
      await make(name, { untested: true });
      const ready = await until('/readyz has it', async () => {
        const text = await readyz(server);
        return text.includes('xää') && text;
      }, { limit });
      assert.match(ready, /xä{19} \(desk\)/);
      assert.ok(!ready.includes('\ufffd'), ready);
      await logged(server, { level: 'warn', message: /^connections do not work/, which: /xä{19} \(desk\)/ });
      status = 200;
      await until('/readyz has it no more', async () => !(await readyz(server)).includes('xää'), { limit });
    });

    test('of one that is disabled is nobody\'s concern', async () => {
      const made = await make('resting', { enabled: false, untested: true });
      const other = await make('awake', { untested: true });
      await becomes(other, 'ok');
      assert.equal((await healthOf(made)).state, 'untested');
    });
  });
}

// What must hold for every operation, whoever wrote it: tried on the example plugins, and on one that
// has an operation for each thing that a contract can say, from /openapi.json alone.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { badges, badgesYaml, bearer } from './support/badges.mjs';
import { request } from './support/client.mjs';
import { operationsOf, walk } from './support/contract.mjs';
import { engines } from './support/database.mjs';
import { pluginFolder, startWith } from './support/plugins.mjs';
import { preset, root, slowness } from './support/server.mjs';

const timeout = 120_000 * slowness;
const people = badges({ one: 'a *', foreigner: 'b *', nobody: 'a' });
let titles = 0; // each only once
const tried = ['notes', 'reminder', 'rules', 'shop'];

for (const engine of engines) {
  describe(`plugins hold to their contracts, on ${engine.name}`, { timeout, skip: engine.skip }, () => {
    let server;
    let database;
    before(async () => {
      database = await engine.make();
      const core = `rate_limit: off\nroute_limits: false\n${database.url && `database_url: ${JSON.stringify(database.url)}\n`}`;
      const plugins = { badges: badgesYaml(people), ...Object.fromEntries(tried.map((name) => [name, ''])) };
      server = await startWith({ plugins, folder: `${pluginFolder}, ${join(root, 'build', preset, 'campaign')}`, core });
    }, { timeout });
    after(async () => {
      try {
        await server?.stop();
      } finally {
        await database?.drop();
      }
    }, { timeout });

    const made = async (path, body) => {
      const headers = { ...bearer(people.one), 'Content-Type': 'application/json' };
      const answer = await request(server.url, { method: 'POST', path, headers, body: JSON.stringify(body) });
      assert.ok(answer.status < 300, answer.text());
      return { id: answer.json().id };
    };

    test('each operation', async (t) => {
      const document = (await request(server.url, { path: '/openapi.json' })).json();
      assert.deepEqual([...new Set(operationsOf(document).map(({ operation }) => operation.tags[0]))].filter((tag) => tried.includes(tag)).sort(), tried);
      // One form for what is sent and what comes back, or there is nothing that is only read to try.
      assert.match(JSON.stringify(document.paths['/api/v1/rules/things'].post.requestBody), /rules\.Thing"/);
      assert.ok(Object.values(document.components.schemas['rules.Thing'].properties).some(({ readOnly }) => readOnly));
      await walk({
        url: server.url, document, people,
        open: { '/api/v1/rules/things/{id}': 'everybody has them' },
        only: ({ path, operation }) => tried.includes(operation.tags[0]) && !path.startsWith('/api/v1/rules/echo/'), // whose path leads to nothing
        make: {
          '/api/v1/notes/{id}': () => made('/api/v1/notes', { title: `note ${++titles}` }),
          '/api/v1/reminders/{id}': () => made('/api/v1/reminders', { text: 'think of it', after: 3600 }),
        },
      }, (name, run) => t.test(name, run));
    });
  });
}

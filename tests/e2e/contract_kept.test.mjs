// What must hold for every operation, whoever wrote it: tried on the example plugins, from /openapi.json alone.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { badges, badgesYaml, bearer } from './support/badges.mjs';
import { request } from './support/client.mjs';
import { operationsOf, walk } from './support/contract.mjs';
import { engines } from './support/database.mjs';
import { pluginFolder, startWith } from './support/plugins.mjs';
import { slowness } from './support/server.mjs';

const timeout = 120_000 * slowness;
const people = badges({ one: 'a *', foreigner: 'b *', nobody: 'a' });
let titles = 0; // each only once
const tried = ['notes', 'reminder', 'shop'];

for (const engine of engines) {
  describe(`plugins hold to their contracts, on ${engine.name}`, { timeout, skip: engine.skip }, () => {
    let server;
    let database;
    before(async () => {
      database = await engine.make();
      const core = `rate_limit: off\nroute_limits: false\n${database.url && `database_url: ${JSON.stringify(database.url)}\n`}`;
      const plugins = { badges: badgesYaml(people), ...Object.fromEntries(tried.map((name) => [name, ''])) };
      server = await startWith({ plugins, folder: pluginFolder, core });
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
      await walk({
        url: server.url, document, people,
        only: ({ operation }) => tried.includes(operation.tags[0]),
        make: {
          '/api/v1/notes/{id}': () => made('/api/v1/notes', { title: `note ${++titles}` }),
          '/api/v1/reminders/{id}': () => made('/api/v1/reminders', { text: 'think of it', after: 3600 }),
        },
      }, (name, run) => t.test(name, run));
    });
  });
}

// What must hold for every operation (contract_kept.test.mjs) of timesync, tried with a sync that has run between stand-ins, on both
// engines, from /openapi.json alone.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { startKimai } from '../peers/kimai.mjs';
import { startZammad } from '../peers/zammad.mjs';
import { badges, badgesYaml, bearer } from './support/badges.mjs';
import { request } from './support/client.mjs';
import { operationsOf, walk } from './support/contract.mjs';
import { engines } from './support/database.mjs';
import { pluginFolder, startWith } from './support/plugins.mjs';
import { slowness, until } from './support/server.mjs';

const timeout = 240_000 * slowness;
const people = badges({ one: 'a *', foreigner: 'b *', nobody: 'a' });
const isOurs = ({ operation }) => operation.tags[0].startsWith('timesync');

for (const engine of engines) {
  describe(`timesync holds to its contract, on ${engine.name}`, { timeout, skip: engine.skip }, () => {
    let server, database, zammad, kimai, sync, run;
    let n = 0;

    const told = async (method, path, body) => {
      const headers = { ...bearer(people.one), ...(body && { 'Content-Type': 'application/json' }) };
      const answer = await request(server.url, { method, path: `/api/v1${path}`, headers, ...(body && { body: JSON.stringify(body) }) });
      assert.ok(answer.status < 300, `${path}: ${answer.status} ${answer.text()}`);
      return answer.json();
    };
    const first = async (list) => ({ id: (await told('GET', `/timesync/${list}`)).items[0].id });

    before(async () => {
      database = await engine.make();
      zammad = await startZammad({ seed: 7 });
      kimai = await startKimai({ seed: 7 });
      zammad.book({ ticket: zammad.openTicket({ title: 'Router' }).id, time_unit: '15' });
      const core = `rate_limit: off\nroute_limits: false\ncheck_replies: true\n${database.url ? `database_url: ${JSON.stringify(database.url)}\n` : ''}`;
      server = await startWith({ plugins: { badges: badgesYaml(people), zammad: '', kimai: '', timesync: '' }, folder: pluginFolder, core });
      const connect = async (kind, peer) => (await told('POST', '/connections', {
        kind, name: kind, allow_private: true, settings: { base_url: peer.url, token: peer.token },
      })).id;
      const [source, target] = [await connect('zammad', zammad), await connect('kimai', kimai)];
      sync = await told('POST', '/timesync/syncs', { name: 'Main', source, target, schedule: '', full_schedule: '' });
      run = await told('POST', `/timesync/syncs/${sync.id}/runs`, {});
      await until('the run has ended', async () => (await told('GET', `/timesync/runs/${run.id}`)).state === 'done', { limit: 60_000 * slowness });
    }, { timeout });
    after(async () => {
      try {
        await server?.stop();
      } finally {
        await zammad?.stop();
        await kimai?.stop();
        await database?.drop();
      }
    }, { timeout });

    const ofSync = () => ({ id: sync.id }); // it has entries, so nothing deletes it without its name
    const ofRun = () => ({ id: run.id });
    const ofEntry = () => first('entries');
    const ofCase = () => first('cases');
    const mapping = () => told('POST', '/timesync/mappings', { sync: sync.id, kind: 'customer', source: `no-${++n}`, target: '' });

    test('there are operations of each kind', async () => {
      const found = operationsOf((await request(server.url, { path: '/openapi.json' })).json()).filter(isOurs);
      assert.ok(found.length >= 37, `${found.length}`);
      assert.deepEqual([...new Set(found.map(({ operation }) => operation.tags[0]))].sort(),
        ['timesync', 'timesync-cases', 'timesync-mappings', 'timesync-reports', 'timesync-runs']);
    });

    test('each operation', async (t) => {
      const at = (path) => `/api/v1/timesync/${path}`;
      await walk({
        url: server.url, people, only: isOurs,
        make: {
          [at('syncs/{id}')]: ofSync, [at('syncs/{id}/release')]: ofSync, [at('syncs/{id}/runs')]: ofSync,
          [at('runs/{id}')]: ofRun, [at('runs/{id}/steps')]: ofRun, [at('runs/{id}/events')]: ofRun, [at('runs/{id}/cancel')]: ofRun, [at('runs/{id}/undo')]: ofRun,
          [at('entries/{id}')]: ofEntry, [at('entries/{id}/steps')]: ofEntry,
          [at('cases/{id}')]: ofCase, [at('cases/{id}/decide')]: ofCase,
          [at('mappings/{id}')]: mapping, [at('mappings/{id}/settle')]: mapping,
        },
      }, (name, of) => t.test(name, of));
    });
  });
}

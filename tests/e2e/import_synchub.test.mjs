// Presets: release asan
// `dowel timesync import-synchub`: the settings of the old tool SyncHub come over from its PostgreSQL, all of them or none, and again
// without a double; what it wrote into Kimai is adopted, not written twice. Its database has the tables that its migrations make,
// its secrets are Fernet tokens as Python's cryptography writes them.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createCipheriv, createHmac, randomBytes } from 'node:crypto';
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';

import { startKimai } from '../peers/kimai.mjs';
import { startZammad } from '../peers/zammad.mjs';
import { badges, badgesYaml, bearer, tenants } from './support/badges.mjs';
import { makeCertificate } from './support/certificate.mjs';
import { request } from './support/client.mjs';
import { engines, psql } from './support/database.mjs';
import { pluginFolder, startWith } from './support/plugins.mjs';
import { binaryOf, dowel, root, slowness, temporaryFolder } from './support/server.mjs';
import { setUp, startAuth } from './support/signin.mjs';

const timeout = 180_000 * slowness;
const postgres = engines.find(({ isSqlite }) => !isSqlite);
const people = badges({ root: 'a *' });

// ---- the old tool's secrets ----

const KEY = 'yMnKy8zNzs_Q0dLT1NXW19jZ2tvc3d7f4OHi4-Tl5uc=';
// What Python's cryptography 38 makes of it under that key, at that second and with that IV.
const PYTHONS = { text: 'kimai_api_4712', second: 1731000000, iv: Buffer.from([...Array(16).keys()]), token: 'gAAAAABnLPbAAAECAwQFBgcICQoLDA0OD9NuU73fxQcYUsqhhStbhaJYdbCUze7r4LiKokBCTMPZ5YwFm_7ABbSJkuGRlAeOIw==' };

function seal(text, { key = KEY, second = Math.floor(Date.now() / 1000), iv = randomBytes(16) } = {}) {
  const bytes = Buffer.from(key, 'base64url');
  const head = Buffer.alloc(9, 0x80);
  head.writeBigUInt64BE(BigInt(second), 1);
  const cipher = createCipheriv('aes-128-cbc', bytes.subarray(16), iv);
  const signed = Buffer.concat([head, iv, cipher.update(text, 'utf8'), cipher.final()]);
  const token = Buffer.concat([signed, createHmac('sha256', bytes.subarray(0, 16)).update(signed).digest()]).toString('base64url');
  return token.padEnd(Math.ceil(token.length / 4) * 4, '=');
}

test('tokens of this test are those of Python', { timeout }, () => {
  assert.equal(seal(PYTHONS.text, PYTHONS), PYTHONS.token);
});

// ---- the old tool's database ----

const TABLES = `
  CREATE TABLE users (id SERIAL PRIMARY KEY, username VARCHAR(100) UNIQUE NOT NULL, full_name VARCHAR(255), email VARCHAR(255) UNIQUE,
    hashed_password VARCHAR(255) NOT NULL, is_active BOOLEAN);
  CREATE TABLE connectors (id SERIAL PRIMARY KEY, name VARCHAR(100) NOT NULL, type VARCHAR(50) NOT NULL, base_url VARCHAR(255) NOT NULL,
    api_token TEXT NOT NULL, is_active BOOLEAN, settings JSONB, created_at TIMESTAMP DEFAULT now(), updated_at TIMESTAMP DEFAULT now());
  CREATE TABLE activity_mappings (id SERIAL PRIMARY KEY, zammad_type_id INTEGER NOT NULL, zammad_type_name VARCHAR(255),
    kimai_activity_id INTEGER NOT NULL, kimai_activity_name VARCHAR(255), is_active BOOLEAN NOT NULL DEFAULT true,
    created_at TIMESTAMP DEFAULT now(), updated_at TIMESTAMP DEFAULT now(), UNIQUE (zammad_type_id, kimai_activity_id));
  CREATE TABLE time_entries (id SERIAL PRIMARY KEY, connector_id INTEGER REFERENCES connectors ON DELETE CASCADE, source VARCHAR(50) NOT NULL,
    source_id VARCHAR(100) NOT NULL, ticket_number VARCHAR(50), ticket_id INTEGER, description TEXT, time_minutes NUMERIC(10,2) NOT NULL,
    activity_type_id INTEGER, activity_name VARCHAR(255), user_id INTEGER, user_email VARCHAR(255), entry_date DATE NOT NULL,
    synced_to_kimai BOOLEAN, kimai_id INTEGER, sync_status VARCHAR(20), sync_error TEXT, tags JSONB, extra_metadata JSONB,
    created_at TIMESTAMP DEFAULT now(), updated_at TIMESTAMP DEFAULT now(), synced_at TIMESTAMP, UNIQUE (source, source_id));
  CREATE TABLE sync_runs (id SERIAL PRIMARY KEY, trigger_type VARCHAR(20), start_time TIMESTAMP, end_time TIMESTAMP, status VARCHAR(20),
    entries_fetched INTEGER, entries_synced INTEGER, entries_already_synced INTEGER, entries_skipped INTEGER, entries_failed INTEGER,
    conflicts_detected INTEGER, error_message TEXT, created_at TIMESTAMP DEFAULT now());
  CREATE TABLE conflicts (id SERIAL PRIMARY KEY, time_entry_id INTEGER REFERENCES time_entries ON DELETE CASCADE, conflict_type VARCHAR(50),
    zammad_data JSONB, kimai_data JSONB, reason_code VARCHAR(50), reason_detail TEXT, ticket_number VARCHAR(50),
    resolution_status VARCHAR(20) NOT NULL DEFAULT 'pending', notes TEXT, created_at TIMESTAMP DEFAULT now());
  CREATE TABLE audit_logs (id SERIAL PRIMARY KEY, action VARCHAR(100), entity_type VARCHAR(50), entity_id INTEGER, "user" VARCHAR(100),
    details JSONB, ip_address VARCHAR(45), user_agent TEXT, created_at TIMESTAMP DEFAULT now());
  CREATE TABLE schedules (id SERIAL PRIMARY KEY, cron VARCHAR(100) NOT NULL, timezone VARCHAR(50) NOT NULL, concurrency VARCHAR(10) NOT NULL,
    notifications BOOLEAN NOT NULL, enabled BOOLEAN NOT NULL, updated_at TIMESTAMP DEFAULT now(), created_at TIMESTAMP DEFAULT now());
`;

const text = (value) => (value === null ? 'NULL' : `'${String(value).replaceAll("'", "''")}'`);
const row = (...values) => `(${values.map((one) => (typeof one === 'object' && one !== null ? text(JSON.stringify(one)) : text(one))).join(', ')})`;

const settings = {
  use_global_activities: true, default_project_id: 7, default_activity_id: 3, ignore_unmapped_activities: false, default_country: 'at',
  default_currency: 'CHF', default_timezone: 'Europe/Vienna', rounding_mode: 'closest', round_begin: 5, round_duration: 15, rounding_days: [0, 1, 2, 3, 4],
};

// A database of its own, with those rows in it; the role dowel may read it, and no more.
async function synchub({ connectors = [], mappings = [], schedule, entries = [], conflicts = [], runs = 0, tables = TABLES } = {}) {
  const made = await postgres.make();
  const insert = (table, columns, rows) => (rows.length ? `INSERT INTO ${table} (${columns}) VALUES ${rows.join(', ')};` : '');
  await psql(made.name, [
    tables,
    insert('connectors', 'name, type, base_url, api_token, is_active, settings', connectors.map((one) => row(one.name, one.type, one.url, one.token, one.active ?? true, one.settings ?? null))),
    insert('activity_mappings', 'zammad_type_id, zammad_type_name, kimai_activity_id, kimai_activity_name, is_active', mappings.map((one) => row(...one))),
    insert('schedules', 'cron, timezone, concurrency, notifications, enabled', schedule ? [row(schedule.cron, schedule.zone ?? 'UTC', 'skip', false, schedule.enabled ?? true)] : []),
    insert('time_entries', 'source, source_id, ticket_id, time_minutes, entry_date, kimai_id', entries.map((one) => row('zammad', ...one))),
    insert('conflicts', 'conflict_type, reason_code, resolution_status', conflicts.map((status) => row('conflict', 'UNMAPPED_ACTIVITY', status))),
    insert('sync_runs', 'trigger_type, status', Array.from({ length: runs }, () => row('scheduled', 'completed'))),
    'GRANT USAGE ON SCHEMA public TO dowel; GRANT SELECT ON ALL TABLES IN SCHEMA public TO dowel;',
  ].join('\n'));
  const host = new URL(made.url.replace('@/', '@localhost/')).searchParams.get('host');
  return { ...made, dsn: `postgresql+psycopg2://dowel@/${made.name}?host=${host}` };
}

const helpdesk = { name: 'Helpdesk', type: 'zammad', url: 'https://desk.example.org', token: seal('ZammadToken-4711') };
const hours = { name: 'Hours', type: 'kimai', url: 'https://kimai.example.org/', token: PYTHONS.token, settings };
const usual = {
  connectors: [helpdesk, hours],
  mappings: [[1, 'Support', 3, 'Consulting', true], [2, 'Travel', 4, 'Way', true], [2, 'Travel', 5, 'Way, billed', true], [2, 'Travel', 6, 'Way, old', false], [3, 'Gone', 9, 'Gone', false]],
  schedule: { cron: '30 6 * * 0-4', zone: 'Europe/Vienna' },
  entries: [['11', 50, '15.00', '2025-03-01', 11], ['12', 50, '7.50', '2025-03-02', null], ['13', 51, '30.00', '2025-04-09', 612]],
  conflicts: ['pending', 'pending', 'resolved'],
  runs: 12,
};

const told = (server, path) => request(server.url, { path: `/api/v1${path}`, headers: bearer(people.root) }).then((answer) => answer.json());
const listed = async (server, path) => (await told(server, path)).items;
const lines = (stderr) => stderr.replace(/^\d{4}-.*\n|^\{.*\}\n/gm, '');

async function start(database) {
  const core = `rate_limit: off\nroute_limits: false\ncheck_replies: true\n${database.url ? `database_url: ${database.url}\n` : ''}`;
  return startWith({ plugins: { badges: badgesYaml(people), zammad: '', kimai: '', timesync: '' }, folder: pluginFolder, core });
}

for (const engine of engines) {
  describe(`the settings of SyncHub, into ${engine.name}`, { timeout, skip: postgres.skip }, () => {
    let database, server, old;
    const dropped = [];

    const run = (args, input = `${KEY}\n`) => dowel(['timesync', 'import-synchub', ...args, '--config', server.configDir, '--data', server.dataDir, '--tenant', tenants.a], { input, limit: 60_000 * slowness });
    const imported = async (...args) => {
      const { code, stdout, stderr } = await run([old.dsn, ...args, '--output', 'json']);
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    };
    const refused = async (says, args, input) => {
      const { code, stdout, stderr } = await run(args, input);
      assert.notEqual(code, 0, stdout);
      assert.match(lines(stderr), says);
      assert.equal(stdout, '');
      return stderr;
    };
    const keeps = async (content) => {
      old = await synchub(content);
      dropped.push(old);
      return old;
    };
    const nothingIsThere = async () => {
      assert.deepEqual(await listed(server, '/connections'), []);
      assert.deepEqual(await listed(server, '/timesync/syncs'), []);
    };
    const of = ({ items }, what) => items.filter((one) => one.what === what).map(({ name, outcome, remark }) => [name, outcome, remark]);

    beforeEach(async () => {
      database = await engine.make();
      server = await start(database);
    }, { timeout });
    afterEach(async () => {
      await server?.stop();
      await database?.drop();
      for (const one of dropped.splice(0)) await one.drop();
    }, { timeout });

    test('all of them come over, and a second time nothing does', { timeout }, async () => {
      await keeps(usual);
      const plan = await imported('--plan');
      await nothingIsThere();
      const first = await imported();
      const { items: planned, plan: isPlan, ...sums } = plan;
      assert.equal(isPlan, true);
      assert.deepEqual(planned, first.items); // what it says before is what it does
      assert.deepEqual({ ...sums, plan: false }, (({ items, ...rest }) => rest)(first));
      assert.deepEqual(sums, { connections_new: 2, connections_there: 0, mappings_new: 2, mappings_there: 0, sync: 'Helpdesk to Hours' });

      const [kimai, zammad] = (await listed(server, '/connections')).sort((a, b) => (a.kind < b.kind ? -1 : 1));
      assert.deepEqual([zammad.name, zammad.kind, zammad.settings.base_url, zammad.secrets.token, zammad.enabled, zammad.allow_private], ['Helpdesk', 'zammad', 'https://desk.example.org', true, true, false]);
      assert.deepEqual([kimai.name, kimai.kind, kimai.secrets.token, kimai.health.state], ['Hours', 'kimai', true, 'untested']);
      const { base_url, customer_country, customer_currency, customer_timezone } = kimai.settings;
      assert.deepEqual([base_url, customer_country, customer_currency, customer_timezone], ['https://kimai.example.org/', 'AT', 'CHF', 'Europe/Vienna']);

      const [sync, ...others] = await listed(server, '/timesync/syncs');
      assert.deepEqual(others, []);
      assert.deepEqual([sync.name, sync.source, sync.target, sync.enabled, sync.zone, sync.schedule, sync.full_schedule, sync.poll_due_at, sync.full_due_at],
        ['Helpdesk to Hours', zammad.id, kimai.id, false, 'Europe/Vienna', '30 6 * * mon-fri', '30 2 * * *', null, null]);
      const { minutes_per_unit, anchor, user, activity, project, fixed_project, default_activity, adopt, tags, first_day } = sync.rules;
      assert.deepEqual({ minutes_per_unit, anchor, user, activity, project, fixed_project, default_activity, adopt, tags, first_day }, {
        minutes_per_unit: '1', anchor: 'begins', user: 'owner', activity: 'decide', project: 'of_ticket', fixed_project: '7', default_activity: '3', adopt: true, tags: ['source:zammad'], first_day: '2025-03-01',
      });
      const mappings = (await listed(server, '/timesync/mappings')).map(({ kind, source, source_name, target, target_name, billable }) => [kind, source, source_name, target, target_name, billable]);
      assert.deepEqual(mappings.sort(), [['activity', '1', 'Support', '3', 'Consulting', 'unsaid'], ['activity', '2', 'Travel', '5', 'Way, billed', 'unsaid']]);

      assert.deepEqual(of(first, 'mapping'), [
        ['Support', 'new', 'is Consulting'],
        ['Travel', 'new', 'is Way, billed'],
        ['Travel', 'left out', 'Way: is mapped more than once there; the newest one counts'],
        ['Travel', 'left out', 'Way, old: is not active there'],
        ['Gone', 'left out', 'Gone: is not active there'],
      ]);
      assert.match(of(first, 'schedule')[0][2], /^was 30 6 \* \* 0-4, where 0 is Monday/);
      assert.match(of(first, 'time entries')[0][2], /marker ZAM:T\.\.\|TA:\.\. and adopted/);
      assert.deepEqual([of(first, 'time entries')[0][0], of(first, "Kimai's ids of them")[0][0], of(first, 'open conflicts')[0][0], of(first, 'runs')[0][0]], ['3', '2', '2', '12']);

      const second = await imported();
      assert.deepEqual([second.connections_new, second.connections_there, second.mappings_new, second.mappings_there], [0, 2, 0, 2]);
      assert.deepEqual(of(second, 'sync'), [['Helpdesk to Hours', 'there already', 'left as it is, its rules and schedule too']]);
      assert.equal((await listed(server, '/connections')).length, 2);
      assert.deepEqual(await listed(server, '/timesync/syncs'), [sync]);

      const log = (await told(server, '/audit?limit=50')).items?.map(({ action }) => action) ?? [];
      for (const action of ['core.connection.added', 'timesync.sync.created', 'timesync.synchub.imported']) assert.ok(log.includes(action), `${action}: ${log}`);
    });

    test('wrong keys and databases change nothing', { timeout }, async () => {
      await keeps(usual);
      await refused(/does not open what the old tool keeps secret: it is the ENCRYPTION_KEY .*Helpdesk/, [old.dsn], `${Buffer.alloc(32).toString('base64')}\n`);
      await refused(/does not open/, [old.dsn], 'changeme\n');
      await refused(/nothing was given on standard input/, [old.dsn], '');
      await keeps({ connectors: [helpdesk, { ...hours, token: seal('x', { key: Buffer.alloc(32, 1).toString('base64url') + '=' }) }] });
      await refused(/does not open .*Hours/, [old.dsn]); // one of two: none is made
      await keeps({});
      await refused(/has no connectors: there is nothing to import/, [old.dsn]);
      await keeps({ tables: 'CREATE TABLE connectors (id SERIAL PRIMARY KEY);' });
      await refused(/this is no database of SyncHub: a table is missing \(table: activity_mappings/, [old.dsn]);
      await keeps({ tables: '' });
      await refused(/a table is missing \(table: connectors/, [old.dsn]);
      await keeps({ tables: 'CREATE TABLE connectors (id SERIAL PRIMARY KEY); CREATE TABLE activity_mappings (id INT);' });
      await refused(/the old tool's database is not as expected \(why: .*column "type" does not exist/, [old.dsn]);
      await refused(/cannot be reached \(why: .*database "nowhere" does not exist/, [old.dsn.replace(old.name, 'nowhere')]);
      await nothingIsThere();
    });

    test('a database that nobody answers for is told apart, and its password to nobody', { timeout }, async () => {
      const silent = createServer(() => {}); // takes connections, and says nothing
      await new Promise((listening) => silent.listen(0, '127.0.0.1', listening));
      const { port } = silent.address();
      try {
        const said = [
          await refused(/cannot be reached \(why: .*timeout/i, [`postgresql://sync:geheim4711@127.0.0.1:${port}/synchub?connect_timeout=2`]),
          await refused(/this does not say where a PostgreSQL is/, ['postgresql://sync:geheim4711@host:port:x/synchub']),
          await refused(/this does not say where a PostgreSQL is/, ['host=127.0.0.1 password=geheim4711 nonsense']),
        ];
        silent.close();
        said.push(await refused(/cannot be reached \(why: .*refused/i, [`postgresql://sync:geheim4711@127.0.0.1:${port}/synchub`]));
        for (const text of [...said, server.stderr, server.stdout]) assert.doesNotMatch(text, /geheim4711/);
        await nothingIsThere();
      } finally {
        silent.closeAllConnections?.();
        silent.close();
      }
    });

    test('what is only partly there comes over as far as it goes', { timeout }, async () => {
      // Disabled ones, a second pair that was never used, one name twice, kinds of nobody, plain HTTP, no settings, nothing scheduled.
      await keeps({
        connectors: [
          { ...helpdesk, name: 'Old desk', active: false }, { ...hours, url: 'http://kimai.example.org', settings: null }, helpdesk,
          { ...helpdesk, name: 'Second desk' }, { ...hours, name: 'Helpdesk' }, { ...helpdesk, name: 'Issues', type: 'jira' },
        ],
        schedule: { cron: '0 6 1 * 0' },
      });
      const first = await imported('--allow-private');
      const { items } = first;
      assert.equal(first.sync, 'Helpdesk to Hours');
      assert.deepEqual(items.filter(({ what }) => what === 'connection').map(({ name, outcome }) => [name, outcome]),
        [['Old desk', 'new'], ['Hours', 'new'], ['Helpdesk', 'new'], ['Second desk', 'new'], ['Helpdesk (5)', 'new'], ['Issues', 'left out']]);
      assert.match(of(first, 'schedule')[0].join(' '), /^0 6 1 \* 0 left out .*both a day of the month and a day of the week/);
      const all = await listed(server, '/connections');
      assert.deepEqual(all.find(({ name }) => name === 'Old desk').enabled, false);
      assert.ok(all.every(({ allow_private }) => allow_private));
      const { base_url, customer_country, customer_currency, customer_timezone } = all.find(({ name }) => name === 'Hours').settings;
      assert.deepEqual([base_url, customer_country, customer_currency, customer_timezone], ['https://kimai.example.org', 'BE', 'EUR', 'Europe/Brussels']);
      const [sync] = await listed(server, '/timesync/syncs');
      assert.deepEqual([sync.schedule, sync.full_schedule, sync.zone, sync.rules.first_day], ['', '', 'Europe/Brussels', '']);
      const again = await imported();
      assert.deepEqual([again.connections_new, again.connections_there, again.sync], [0, 5, 'Helpdesk to Hours']);

      // A name that is something else's here.
      await keeps({ connectors: [{ ...hours, name: 'Second desk' }] });
      await refused(/the connection Second desk: there is another connection with this name/, [old.dsn]);
      await keeps({ connectors: [{ ...hours, name: 'New', url: 'kimai' }] });
      await refused(/the connection New: settings\/base_url: /, [old.dsn]);
      await keeps({ connectors: [{ ...hours, name: 'Alone' }] });
      const alone = await imported();
      assert.deepEqual([alone.sync, of(alone, 'sync')], [null, [['', 'left out', 'it takes an active connector of Zammad and one of Kimai']]]);
    });

    test('two who import at once make one of each', { timeout }, async () => {
      await keeps(usual);
      const both = await Promise.all([run([old.dsn]), run([old.dsn])]);
      for (const { code, stderr } of both) assert.equal(code, 0, stderr);
      assert.deepEqual((await listed(server, '/connections')).map(({ name }) => name).sort(), ['Helpdesk', 'Hours']);
      assert.equal((await listed(server, '/timesync/syncs')).length, 1);
      assert.equal((await listed(server, '/timesync/mappings')).length, 2);
      assert.equal((await imported()).connections_there, 2);
    });

    test('as many mappings as it may have', { timeout }, async () => {
      await keeps({ ...usual, mappings: Array.from({ length: 2000 }, (_, i) => [i + 1, `Type ${i + 1}`, i + 1, `Activity ${i + 1}`, true]) });
      assert.equal((await imported()).mappings_new, 2000);
      await keeps({ ...usual, mappings: Array.from({ length: 2001 }, (_, i) => [i + 1, `Type ${i + 1}`, i + 1, `Activity ${i + 1}`, true]) });
      await refused(/more than can be taken over \(of: mappings, at_most: 2000\)/, [old.dsn]);
    });

    test('schedules have the days on which they ran', { timeout }, async () => {
      const cases = [
        [{ cron: '0 */6 * * *' }, 'new', /^TZ=UTC 0 \*\/6 \* \* \*$/],
        [{ cron: '0 6 * * 6', zone: 'Europe/Brussels' }, 'new', /^0 6 \* \* sun$/],
        [{ cron: '0 6 * * mon-fri', zone: 'America/New_York' }, 'new', /^TZ=America\/New_York 0 6 \* \* mon-fri$/],
        [{ cron: '0 6 * * 1', enabled: false }, 'left out', /^is switched off there; it would be TZ=UTC 0 6 \* \* tue$/],
        [{ cron: '0 6 * * *', zone: 'Nowhere/City' }, 'left out', /^0 6 \* \* \* cannot be taken over: .*Nowhere/],
        [{ cron: '0 6 31 2 *' }, 'left out', /cannot be taken over/],
        [{ cron: '61 6 * * *' }, 'left out', /cannot be taken over: .*minute/],
      ];
      await keeps({ connectors: [helpdesk, { ...hours, settings: null }] });
      for (const [schedule, outcome, said] of cases) {
        const { cron, zone = 'UTC', enabled = true } = schedule;
        await psql(old.name, `DELETE FROM schedules; INSERT INTO schedules (cron, timezone, concurrency, notifications, enabled) VALUES (${[cron, zone, 'skip', false, enabled].map(text).join(', ')})`);
        const [[name, came, remark]] = of(await imported('--plan'), 'schedule');
        assert.equal(came, outcome, remark);
        assert.match(came === 'new' ? name : remark, said);
      }
    });
  });
}

// ---- the page ----

const page = readFileSync(join(root, 'docs/import-synchub.md'), 'utf8');
const commands = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block]) => block.trim().split('\n'));
const DSN = 'postgresql://dowel_import@db.example.org/synchub?passfile=/etc/dowel/synchub.pgpass';

describe('docs/import-synchub.md', { timeout, skip: postgres.skip }, () => {
  let server, zammad, kimai, old, folder, dsn;
  const role = `synchub_reader_${process.pid}`;
  const today = Math.floor(Date.now() / 86_400_000); // once: not another day when midnight comes meanwhile
  const midday = (daysAgo) => new Date((today - daysAgo + 0.5) * 86_400_000).toISOString();
  const at = (iso, minutes) => new Date(Date.parse(iso) + minutes * 60_000).toISOString();

  // Two bookings in Zammad, of which SyncHub has moved the first.
  before(async () => {
    folder = temporaryFolder();
    zammad = await startZammad({ seed: 7 });
    const certificate = makeCertificate(folder, { name: 'own-ca' });
    kimai = await startKimai({ seed: 7, tls: { key: readFileSync(certificate.key), cert: certificate.pem } });
    for (const { id } of [...zammad.state.entries.values()]) zammad.remove(id);
    const type = zammad.control('POST', 'types', { name: 'Support' });
    const activity = kimai.addActivity({ name: 'Consulting' });
    const agent = zammad.state.agents[1].email;
    const ticket = zammad.openTicket({ title: 'Router' });
    const [first] = [5, 3].map((days) => zammad.book({ ticket: ticket.id, time_unit: '15', type: 'Support', agent, at: midday(days) }));
    const customer = kimai.addCustomer({ name: 'Acme', number: `OID-${zammad.state.tickets.get(ticket.id).organization_id}` });
    const project = kimai.addProject({ name: 'Ticket', customer: customer.id, number: `TID-${ticket.id}` });
    kimai.addSheet({ project: project.id, activity: activity.id, user: 1, begin: midday(5), end: at(midday(5), 15), description: `ZAM:T${ticket.id}|TA:${first.id}\nTicket-${ticket.number}`, tags: ['source:zammad'] });

    old = await synchub({
      connectors: [{ ...helpdesk, url: zammad.url, token: seal(zammad.token) }, { ...hours, url: kimai.url.replace('https:', 'http:'), token: seal(kimai.token) }],
      mappings: [[type.id, 'Support', activity.id, 'Consulting', true]],
      schedule: { cron: '0 * * * *' },
      entries: [[String(first.id), ticket.id, '15.00', midday(5).slice(0, 10), first.id]],
    });
    await psql(old.name, `CREATE ROLE ${role} LOGIN PASSWORD 'geheim4711' IN ROLE with_password; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
    writeFileSync(join(folder, 'synchub.pgpass'), `*:*:${old.name}:${role}:geheim4711\n`, { mode: 0o600 });
    writeFileSync(join(folder, 'synchub.env'), `SECRET_KEY=x\nENCRYPTION_KEY=${KEY}\n`);
    dsn = old.dsn.replace('+psycopg2://dowel@', `://${role}@`) + `&passfile=${join(folder, 'synchub.pgpass')}`;

    server = await startAuth({});
    await setUp(server);
    symlinkSync(server.configDir, join(folder, 'conf.d'));
    symlinkSync(server.dataDir, join(folder, 'var'));
  }, { timeout });
  after(async () => {
    await server?.stop();
    await zammad?.stop();
    await kimai?.stop();
    if (old) await psql(old.name, `DROP OWNED BY ${role}; DROP ROLE ${role}`);
    await old?.drop();
    rmSync(folder, { recursive: true, force: true });
  }, { timeout });

  const run = (line) => new Promise((resolve) => {
    const env = { PATH: `${dirname(binaryOf())}:${process.env.PATH}` };
    const here = line.replace(DSN, dsn).replace('/srv/synchub/.env', join(folder, 'synchub.env')).replace('/etc/dowel/own-ca.pem', join(folder, 'own-ca.crt'));
    execFile('sh', ['-c', here], { cwd: folder, env, timeout: 60_000 * slowness }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });

  test('its commands work, and what was written there is adopted', { timeout }, async () => {
    assert.equal(commands.length, 13, commands.join('\n'));
    const said = {};
    for (const line of commands) {
      const { code, stdout, stderr } = await run(line);
      assert.equal(code, 0, `${line}: ${stdout}${stderr}`);
      said[line.replace(/.*(dowel \S+ \S+).*?( --plan)?$/, '$1$2')] = stdout;
    }
    const table = said['dowel timesync import-synchub'];
    assert.match(table, /^connection +Helpdesk +new +$/m);
    assert.match(table, /^sync +Helpdesk to Hours +new +not enabled; in the zone Europe\/Vienna; what lies before .* is left alone, as there$/m);
    assert.match(table, /^nothing is moved yet\. What a run would do: dowel timesync plan "Helpdesk to Hours" --full\nwhen that looks right: .*--enabled yes\n$/m);
    assert.match(said['dowel timesync import-synchub --plan'], /^planned; nothing was imported \(/m);
    assert.match(said['dowel timesync run'], /^done \(.*examined: 2, created: 2, updated: 0,/m);

    const sheets = kimai.sheets().map(({ description }) => description.split('\n')[0]);
    assert.equal(sheets.length, 2, sheets.join('\n')); // the one of SyncHub, as it was, and the other entry's
    assert.deepEqual(sheets.map((line) => /\|C:[0-9a-f]{8}$/.test(line)), [false, true]);
    assert.doesNotMatch(server.stderr, /geheim4711/);
  });

  test('names each option, and what it says when it refuses', { timeout }, async () => {
    const { stdout } = await dowel(['timesync', 'import-synchub', '--help', '--config', server.configDir, '--data', server.dataDir]);
    const options = [...stdout.matchAll(/^ +(--[a-z-]+)/gm)].map(([, name]) => name).filter((name) => !['--config', '--data', '--output', '--help', '--tenant'].includes(name));
    assert.deepEqual([...page.matchAll(/^\| `(--[a-z-]+)` \|/gm)].map(([, name]) => name).sort(), options.sort());
    const code = ['synchub_read.c', 'synchub_convert.c', 'sync_edit.c'].map((name) => readFileSync(join(root, 'plugins/timesync', name), 'utf8')).join().replaceAll(/"\s+"/g, '');
    const rows = page.slice(page.indexOf('| it says |')).split('\n').slice(2).filter((line) => line.startsWith('| ')).map((line) => line.split(' | ')[0].slice(2));
    assert.equal(rows.length, 6);
    for (const says of rows.filter((line) => !line.startsWith('the connection NAME'))) assert.ok(code.includes(says), says);
  });
});

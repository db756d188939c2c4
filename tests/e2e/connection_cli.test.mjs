// Presets: release asan
// `dowel connection`: in a running server and without one, with the kinds of plugins that the program itself has never heard of.
// Secrets are given on standard input, and shown by nothing.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { badges, badgesYaml, bearer, tenants } from './support/badges.mjs';
import { makeCertificate } from './support/certificate.mjs';
import { request } from './support/client.mjs';
import { pluginFolder, startWith } from './support/plugins.mjs';
import { binaryOf, dowel, preset, root, slowness } from './support/server.mjs';

const timeout = 120_000 * slowness;
const folder = `${pluginFolder}, ${join(root, 'build', preset, 'campaign')}`;
const TOKEN = 'desk-token-4711';
const people = badges({ root: 'a *', foreigner: 'b *' });

describe('dowel connection', { timeout }, () => {
  let server, desk, url, files;
  let status = 200;

  const run = (args, input = '') => dowel([...args, '--config', server.configDir, '--data', server.dataDir], { input });
  const told = async (args, input) => {
    const { code, stdout, stderr } = await run(['connection', ...args], input);
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    assert.equal(stderr.replace(/^\d{4}-.*\n/gm, ''), ''); // without what is logged
    return stdout;
  };
  const json = async (args, input) => JSON.parse(await told([...args, '--output', 'json'], input));
  const refused = async (code, says, args, input) => {
    const answer = await run(['connection', ...args], input);
    assert.equal(answer.code, code, answer.stdout + answer.stderr);
    assert.match(answer.stderr.replace(/^\d{4}-.*\n/gm, ''), says);
    return answer;
  };
  const get = async (path) => (await request(server.url, { path: `/api/v1${path}`, headers: bearer(people.root) })).json();
  const ofTenant = ['--tenant', tenants.a];

  before(async () => {
    desk = createServer((req, res) => {
      const good = req.headers.authorization === `Bearer ${TOKEN}`;
      const content = { '/me': { user: 'guest', version: '6.4' }, '/customers': [{ id: 'c1', name: 'Acme' }, { id: 'c2', name: 'Globex' }], '/projects': [{ id: 'p1', name: 'Roof', parent: 'c1' }] }[req.url];
      res.writeHead(good ? status : 401, { 'Content-Type': 'application/json' }).end(JSON.stringify(content ?? null));
    });
    await new Promise((listening) => desk.listen(0, '127.0.0.1', listening));
    url = `http://127.0.0.1:${desk.address().port}`;
    const core = 'rate_limit: off\nroute_limits: false\ncheck_replies: true\n';
    server = await startWith({ plugins: { badges: badgesYaml(people), desk: '', csvtime: '' }, folder, core });
    files = join(server.dataDir, 'times');
    mkdirSync(files);
    writeFileSync(join(files, 'may.csv'), 'id;ticket;agent;minutes;begin;text\n1;4711;ann@example.org;15;2026-05-04T08:00:00Z;Looked\n');
  }, { timeout });
  after(async () => {
    await server?.stop(); // also where it has ended already: then its folders go
    desk?.closeAllConnections();
    desk?.close();
  }, { timeout });

  // What is so wherever it runs. `name` is another one each time.
  const tryAll = async (name) => {
    const kinds = await json(['kinds']);
    assert.deepEqual(kinds.items.map((one) => one.name), ['csv', 'desk']);
    assert.match(await told(['kinds']), /^NAME +TITLE +ROLES +PLUGIN +SUMMARY\ncsv .*time_source.*csvtime.*\ndesk +Desk +time_source +desk +Tickets of a desk\.$/m);
    assert.match(await told(['kinds', 'desk']), /^token +text +true +true +- +Made in the desk's profile\.$/m);
    await refused(1, /no plugin that works has this kind/, ['kinds', 'nothing']);

    const files_ = await json(['add', 'csv', `${name} files`, ...ofTenant, '--set', `folder=${files}`]);
    assert.deepEqual([files_.kind, files_.settings, files_.webhook, files_.webhook_secret, files_.health.state], ['csv', { folder: files }, null, null, 'ok']);
    assert.equal(files_.tested.checks[0].values.n, 1);
    await refused(1, /^the test failed, and nothing was kept: settings\/folder: cannot be read/, ['add', 'csv', 'nowhere', ...ofTenant, '--set', 'folder=/nowhere']);

    const add = ['add', 'desk', `${name} desk`, ...ofTenant, '--allow-private', 'yes', '--set', `url=${url}`, '--set', 'days=7', '--set', 'groups=one,two', '--secret', 'token'];
    await refused(2, /is a secret, which others would see on a command line: say --secret token/, [...add.slice(0, -2), '--set', `token=${TOKEN}`]);
    await refused(1, /^the test failed, and nothing was kept: settings\/token: the desk does not know this token.*\n$/, add, 'another\n');
    await refused(1, /nothing was given on standard input/, add, '');
    const made = await json(add, `${TOKEN}\n`);
    assert.deepEqual([made.settings, made.secrets, made.tested.works], [{ url, days: 7, groups: ['one', 'two'] }, { token: true }, true]);
    assert.ok(made.webhook_secret.length > 20);
    const { webhook_secret: _, tested, ...kept } = made;
    assert.deepEqual(await json(['show', `${name} desk`]), kept);

    assert.match(await told(['list']), new RegExp(`^${made.id} +${name} desk +desk +true +ok +${tenants.a}$`, 'm'));
    assert.ok((await json(['list', '--kind', 'csv'])).items.every(({ kind }) => kind === 'csv'));
    const text = await told(['show', made.id.toUpperCase()]);
    assert.match(text, /^secrets\.token +true$/m);
    assert.match(text, new RegExp(`^webhook\\.path +/api/v1/hooks/desk/${made.id}$`, 'm'));
    assert.match(await told(['test', made.id]), /^\[\+\] the desk answers \(version: 6\.4\)\n\[!\] guests see few tickets \(user: guest\)\nit works\n$/);
    await refused(1, /^it does not work: settings\/token: the desk does not know/, ['test', made.id, '--secret', 'token'], 'another\n');

    const renamed = await json(['edit', made.id, '--name', `${name} desk 2`, '--unset', 'days', '--set', 'archive=true', '--parallel', '2']);
    assert.deepEqual([renamed.name, renamed.settings, renamed.parallel, renamed.version], [`${name} desk 2`, { url, archive: true, groups: ['one', 'two'] }, 2, 2]);
    await refused(2, /settings\/token/, ['edit', made.id, '--set', 'url=http://127.0.0.1:1']);
    await refused(2, /settings\/days/, ['edit', made.id, '--set', 'days=many']);

    assert.deepEqual((await json(['things', made.id, 'project', '--parent', 'c1'])).items, [{ id: 'p1', name: 'Roof', number: null, email: null, parent: 'c1', inactive: false }]);
    assert.match(await told(['things', made.id, 'customer', '--term', 'acm']), /^c1 +Acme/m);
    assert.match(await told(['things', made.id, 'customer', '--term', 'nobody']), /^there is nothing of that\n$/);
    assert.match(await told(['things', made.id, 'customer', '--limit', '1']), /\nc1 +Acme.*\nthere are more; --limit N shows more of them\n$/);
    assert.deepEqual((({ items, more }) => [items.length, more])(await json(['things', made.id, 'customer'])), [2, false]);
    await refused(1, /nothing|no such|listing/, ['things', made.id, 'nothing']);
    status = 500;
    await refused(1, /./, ['things', made.id, 'customer']);
    status = 200;

    for (const verb of ['disable', 'enable', 'remove']) {
      const { code, stderr } = await run(['inbox', verb, 'desk', made.id]);
      assert.equal(code, 1);
      assert.match(stderr, new RegExp(`belongs to a connection, .*: dowel connection ${verb} ${made.id}`));
    }
    assert.match(await told(['disable', made.id]), /^disabled/);
    assert.equal((await json(['show', made.id])).enabled, false);
    assert.match(await told(['enable', made.id]), /^enabled/);
    const { secret, path } = await json(['rotate', made.id]);
    assert.ok(secret.length > 20 && path.endsWith(made.id) && secret !== made.webhook_secret);
    assert.match(await told(['rotate', made.id, '--drop-older']), /only the newest/);
    assert.match(await told(['uses', made.id]), /^nothing uses it\n$/);
    await refused(2, /say --yes/, ['remove', made.id]);
    assert.match(await told(['remove', made.id, '--yes']), /^removed/);
    await refused(1, /there is no such connection/, ['show', made.id]);
    await refused(2, /there are 2 tenants: say --tenant/, ['add', 'csv', 'x', '--set', `folder=${files}`]);
    return files_;
  };

  test('in a running server', async () => {
    const made = await tryAll('served');
    assert.equal((await get(`/connections/${made.id}`)).name, 'served files');
    const { items } = await get(`/audit?target=${made.id}`);
    assert.deepEqual(items.map(({ action, actor }) => [action, actor.kind]), [['core.connection.added', 'machine']]);
    assert.ok(!server.stderr.includes(TOKEN));
  });

  test('a secret is typed without being seen', async () => {
    const args = ['connection', 'add', 'desk', 'typed', ...ofTenant, '--allow-private', 'yes', '--set', `url=${url}`, '--secret', 'token', '--config', server.configDir, '--data', server.dataDir];
    const steps = JSON.stringify([['token: ', `${TOKEN}\n`]]);
    const { code, shown } = await new Promise((resolve) => {
      execFile('python3', [join(root, 'tests/support/terminal.py'), steps, binaryOf(), ...args], { timeout, env: { ...process.env, SLOWNESS: String(slowness) } }, (error, stdout) => resolve({ code: error?.code ?? 0, shown: stdout }));
    });
    assert.equal(code, 0, shown);
    assert.match(shown, /^secrets\.token +true\r$/m);
    assert.ok(!shown.includes(TOKEN));
  });

  test('certificates come from files, and are shown as what they are', async () => {
    const { certificate } = makeCertificate(server.dataDir);
    const made = await json(['add', 'desk', 'with certificates', ...ofTenant, '--untested', '--set', 'url=https://desk.example.org', '--secret', 'token', '--ca', certificate], `${TOKEN}\n`);
    assert.match(made.ca, /^-----BEGIN CERTIFICATE-----/);
    assert.equal(made.health.state, 'untested');
    assert.match(await told(['show', made.id]), /^ca +\(\d+ bytes\)$/m);
    await refused(1, /nowhere.pem: No such file/, ['edit', made.id, '--ca', '/nowhere.pem']);
  });

  test('what still is used is told before it goes', async () => {
    const { id } = await json(['add', 'csv', 'used', ...ofTenant, '--set', `folder=${files}`]);
    const body = JSON.stringify({ connection: id, name: 'night' });
    const headers = { ...bearer(people.root), 'Content-Type': 'application/json' };
    assert.equal((await request(server.url, { method: 'POST', path: '/api/v1/desk/watches', headers, body })).status, 201);
    assert.match(await told(['uses', id]), /^watch +night +7 +desk/m);
    const { stdout } = await refused(1, /still used/, ['remove', id, '--yes']);
    assert.match(stdout, /night/);
    assert.match(await told(['remove', id, '--yes', '--with-uses']), /^removed/);
  });

  test('the help has it, and the completion', async () => {
    const { stdout } = await run(['--help']);
    assert.match(stdout, /^ {2}connection +Connects other systems/m);
    assert.match((await run(['connection', '--help'])).stdout, /dowel connection things CONNECTION LISTING/);
    assert.match((await run(['completion', 'bash'])).stdout, /connection\) words='kinds list show add/);
    await refused(2, /did you mean connection list/, ['lst']);
  });

  test('what was looked at is told line by line', async () => {
    const { id } = await json(['add', 'csv', 'more files', ...ofTenant, '--set', `folder=${files}`]);
    const edited = await told(['edit', id, '--set', `folder=${files}/.`]);
    assert.match(edited, /^settings\.folder +\/.*\/\.\n(.*\n)+\[\+\] .* \(n: 1\)\n$/m);
    assert.doesNotMatch(edited, /tested/);
  });

  test('without a server', async () => {
    const { temporary } = server;
    server.temporary = []; // its folders stay
    await server.stop();
    server.temporary = temporary;
    const made = await tryAll('alone');
    assert.equal((await json(['show', 'served files'])).kind, 'csv');
    assert.ok(made.id);
  });
});

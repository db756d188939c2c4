// Presets: release
// What the documentation tells a reader to type works, and what it says about the server is so.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { makeCertificate } from './support/certificate.mjs';
import { request } from './support/client.mjs';
import { binaryOf, root, startServer, temporaryFolder, until } from './support/server.mjs';

const timeout = 60_000;
const read = (page) => readFileSync(join(root, page), 'utf8');

// The lines of ```sh blocks, and those behind a prompt in ```console blocks.
function commandsOf(page) {
  const blocks = [...read(page).matchAll(/^```(sh|console)\n(.*?)^```$/gms)];
  return blocks
    .flatMap(([, kind, text]) => text.trim().split('\n').map((line) => (kind === 'sh' ? line : line.replace(/^\$ /, '').replace(/ +# .*$/, ''))))
    .filter((line) => !line.startsWith('dowel serve')); // it is what all others are tried on
}

// A folder as the reader has it after `./dev run`: the program, conf.d and var of this test's server.
const folder = temporaryFolder();
let server;
before(async () => {
  const { certificate, key } = makeCertificate(folder);
  const env = { DOWEL_CORE__TLS_CERTIFICATE: certificate, DOWEL_CORE__TLS_KEY: key };
  server = await startServer({ listen: ['127.0.0.1:0', 'https://127.0.0.1:0'], env });
  mkdirSync(join(folder, 'build/release'), { recursive: true });
  symlinkSync(dirname(binaryOf()), join(folder, 'build/release/bin'));
  symlinkSync(server.configDir, join(folder, 'conf.d'));
  symlinkSync(server.dataDir, join(folder, 'var'));
}, { timeout });
after(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}, { timeout });

// The line as a reader would type it, with this test's server in the place of theirs.
function run(line) {
  // doctor would stumble over whoever else has port 8000 on this machine
  const env = { PATH: `${dirname(binaryOf())}:${process.env.PATH}`, DOWEL_CORE__LISTEN: new URL(server.url).host };
  const here = line.replaceAll('http://127.0.0.1:8000', server.url);
  return new Promise((resolve) => {
    execFile('sh', ['-c', here], { cwd: folder, env, timeout: 20_000 }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });
}

for (const [page, atLeast] of [['README.md', 10], ['docs/operations.md', 8], ['docs/configuration.md', 4], ['docs/database.md', 4], ['docs/plugins.md', 4], ['docs/schedules.md', 2], ['docs/events.md', 9], ['docs/backup.md', 4], ['docs/contract.md', 2], ['docs/audit.md', 6], ['docs/connections.md', 12]]) {
  describe(page, { timeout }, () => {
    const commands = commandsOf(page);
    test('has commands', () => assert.ok(commands.length >= atLeast, commands.join('\n')));

    for (const line of commands) {
      test(line, async () => {
        const { code, stdout, stderr } = await run(line);
        assert.equal(code, 0, stderr);
        assert.notEqual(stdout + stderr, '');
      });
    }
  });
}

// Below a folder in place of /: all lines but those that change the machine's users and services.
describe('docs/operations.md, installing it', { timeout }, () => {
  const text = read('docs/operations.md').split('\n## ').find((part) => part.startsWith('Installing it'));
  const lines = [...text.matchAll(/^ {4}(.*)$/gm)].map(([, line]) => line);
  const unit = read('packaging/dowel.service');
  const built = dirname(dirname(binaryOf()));
  const ofMachine = /adduser|chown|systemctl|journalctl|dev build/;
  const below = join(folder, 'installed');
  const here = (line) => line.replace('sudo ', '').replace(/ (?=\/(usr|etc|var)\b)/g, ` ${below}`).replace('build/release', built)
    .replace(/^dowel /, `${below}/usr/bin/dowel `).replace('packaging/', `${root}/packaging/`);

  for (const line of lines.filter((one) => !ofMachine.test(one))) {
    test(line, async () => {
      mkdirSync(join(below, 'etc/systemd/system'), { recursive: true });
      const { code, stderr } = await run(here(line));
      assert.equal(code, 0, stderr);
    });
  }

  test('has put everything where the unit looks for it', async () => {
    const [, program, config, data] = /^ExecStart=(\S+) serve --config (\S+) --data (\S+)$/m.exec(unit);
    for (const path of [program, join(config, 'core.yaml'), join(config, 'auth.yaml'), join(data, 'secret.key')]) assert.ok(existsSync(below + path), path);
    assert.match(lines.join('\n'), new RegExp(`adduser .*${/^User=(.*)$/m.exec(unit)[1]}$`, 'm'));
    const { stdout } = await run(`${below}${program} plugin list --config ${below}${config} --data ${below}${data}`);
    for (const name of ['auth', 'kimai', 'timesync', 'zammad']) assert.match(stdout, new RegExp(`^${name} `, 'm'));
  });
});

describe('docs/operations.md', { timeout }, () => {
  test('has each metric of the server, with its kind, and no other', async () => {
    const page = (await request(server.url, { path: '/metrics' })).text();
    const served = [...page.matchAll(/^# TYPE (?!dowel_plugin_)(\S+) (\S+)$/gm)].map(([, name, kind]) => `${name} ${kind}`).sort();
    const told = [...read('docs/operations.md').matchAll(/^\| `(dowel_\w+)(?:\{[\w,]+\})?` \| (\w+) \|/gm)].map(([, name, kind]) => `${name} ${kind}`).sort();
    assert.deepEqual(told, served);
  });

  test('leaves those of plugins, such as the one enabled above, to docs/plugins.md', async () => {
    const page = (await request(server.url, { path: '/metrics' })).text();
    const served = [...page.matchAll(/^# TYPE (dowel_plugin_\w+) /gm)].map(([, name]) => name).sort();
    const told = [...read('docs/plugins.md').matchAll(/^\| `(dowel_plugin_\w+)` \|/gm)].map(([, name]) => name).sort();
    assert.deepEqual(told, served);
  });

  test('has each reason of a refusal', async () => {
    const page = (await request(server.url, { path: '/metrics' })).text();
    const reasons = new Set([...page.matchAll(/^dowel_http_refused_total\{reason="(\w+)"\}/gm)].map((match) => match[1]));
    const told = /Reasons of a refusal: ([^.]*)\./.exec(read('docs/operations.md'))[1];
    assert.deepEqual([...told.matchAll(/`(\w+)`/g)].map((match) => match[1]).sort(), [...reasons].sort());
  });

  test('shows a line of the access log as it is', async () => {
    const fields = (text) => [...text.matchAll(/"(\w+)":/g)].map((match) => match[1]);
    await request(server.url, { path: '/api/version' });
    const line = await until('a line', () => server.stderr.split('\n').find((one) => one.includes('"path":"/api/version"')));
    const shown = /\{"time"[^}]*\}/.exec(read('docs/operations.md'))[0];
    assert.deepEqual(fields(shown), fields(line));
  });
});

describe('docs/http.md', { timeout }, () => {
  test('has addresses that answer', async () => {
    const addresses = [...read('docs/http.md').matchAll(/^\| `GET (\/\S*)` \|/gm)].map((match) => match[1]).filter((path) => !path.includes('...'));
    assert.ok(addresses.length >= 7);
    for (const path of addresses) assert.equal((await request(server.url, { path })).status, 200, path);
  });

  test('names items that there are', () => {
    const items = new Set([...read('docs/configuration.md').matchAll(/^#### `(\w+)`$/gm)].map((match) => match[1]));
    const limits = /^## Limits$(.*?)^## /ms.exec(read('docs/http.md'))[1];
    for (const [, item] of limits.matchAll(/`([a-z]+_[a-z_]+|queue)`/g)) assert.ok(items.has(item), item);
  });
});

// ./dev run serves with it.
describe('conf.d', { timeout }, () => {
  const names = readdirSync(join(root, 'conf.d')).map((name) => name.replace(/\.yaml$/, ''));
  before(() => mkdirSync(join(folder, 'fresh')));
  const itemsOf = (path) => readFileSync(path, 'utf8').match(/^#?\w+:.*$/gm);

  test('is right, and enables what README.md shows', async () => {
    const { code, stdout, stderr } = await run(`dowel config check --config ${join(root, 'conf.d')}`);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /: 0 errors, 0 warnings$/m);
    for (const name of ['auth', 'kimai', 'timesync', 'zammad']) assert.match(read(`conf.d/${name}.yaml`), /^enabled: true$/m, name);
  });

  for (const name of names.filter((one) => one !== 'core')) {
    test(`${name}.yaml has each item with its default`, async () => {
      const { code, stderr } = await run(`dowel plugin enable ${name} --config fresh`);
      assert.equal(code, 0, stderr);
      assert.deepEqual(itemsOf(join(root, 'conf.d', `${name}.yaml`)), itemsOf(join(folder, 'fresh', `${name}.yaml`)));
    });
  }
});

test('links between pages lead to files and headings that are there', () => {
  const headings = (path) => [...readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, text]) => text.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-'));
  const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'bench/README.md', ...readdirSync(join(root, 'docs'), { recursive: true }).map((name) => `docs/${name}`)];
  for (const page of pages.filter((name) => name.endsWith('.md'))) {
    for (const [, target] of read(page).matchAll(/\]\(([^)\s]+)[^)]*\)/g)) {
      if (/^[a-z]+:/.test(target) || target.startsWith('/')) continue;
      const [file, heading] = target.split('#');
      const path = file ? normalize(join(root, dirname(page), file)) : join(root, page);
      assert.ok(existsSync(path), `${page}: ${target}`);
      if (heading) assert.ok(headings(path).includes(heading), `${page}: ${target}`);
    }
  }
});

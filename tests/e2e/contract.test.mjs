// /openapi.json of a server with all examples: what linters say of it, whether it is what the server has, and whether a client
// that is generated from it works. Their programs come from npm.
// Presets: release

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { request } from './support/client.mjs';
import { npmMissing, npmProgram } from './support/npm.mjs';
import { linesWith, pluginFolder, startWith } from './support/plugins.mjs';
import { root, temporaryFolder } from './support/server.mjs';

const timeout = 120_000;
const here = join(root, 'tests/e2e/contract');
const METHODS = ['get', 'put', 'post', 'patch', 'delete', 'head', 'options'];

// What the examples must be told before they run.
const settings = { fetcher: 'url: http://127.0.0.1:9/v1\n', settings: 'key: a-key-for-signing\n' };
const built = readdirSync(pluginFolder).filter((name) => name.endsWith('.so')).map((name) => name.slice(0, -3));
// Of two that tell who asks a server takes one.
const examples = built.filter((name) => name !== 'badges' || !built.includes('auth'));

let server, document, folder;
before(async () => {
  server = await startWith({ plugins: Object.fromEntries(examples.map((name) => [name, settings[name] ?? ''])), folder: pluginFolder });
  document = JSON.parse((await request(server.url, { path: '/openapi.json' })).text());
  folder = temporaryFolder();
  writeFileSync(join(folder, 'openapi.json'), JSON.stringify(document));
}, { timeout });
after(async () => {
  await server?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
}, { timeout });

// [{ method, path, operation }], as the document has them.
const operations = () => Object.entries(document.paths).flatMap(([path, item]) =>
  METHODS.filter((method) => item[method]).map((method) => ({ method: method.toUpperCase(), path, operation: item[method], item })));

const resolve = (value) => (value?.$ref ? value.$ref.slice(2).split('/').reduce((at, key) => at[key.replaceAll('~1', '/').replaceAll('~0', '~')], document) : value);

function run(program, args, { cwd = folder } = {}) {
  return new Promise((resolved, rejected) => {
    // Nothing is asked of anybody: no news of versions, no telemetry.
    const env = { ...process.env, REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', REDOCLY_TELEMETRY: 'off', CI: 'true' };
    execFile(program, args, { cwd, env, timeout, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error && error.code === undefined) rejected(error);
      else resolved({ code: error?.code ?? 0, stdout, stderr });
    });
  });
}

test('every example that has operations is in it', { timeout }, () => {
  const told = examples.filter((name) => existsSync(join(root, 'sdk/examples', name, 'api.yaml')));
  const paths = Object.keys(document.paths);
  assert.ok(told.length > 10);
  assert.deepEqual(linesWith(server, { message: 'plugin declined' }), []);
  for (const name of told) {
    const own = [...readFileSync(join(root, 'sdk/examples', name, 'api.yaml'), 'utf8').matchAll(/^ {2}(\/\S*):/gm)].map((match) => `/api/v1${match[1]}`);
    assert.ok(own.length > 0);
    for (const path of own) assert.ok(paths.includes(path), `${name}: ${path}`);
  }
});

describe('each operation', { timeout }, () => {
  test('is told in words, under a tag that is told too', () => {
    for (const { method, path, operation } of operations()) {
      for (const key of ['operationId', 'summary', 'description']) assert.ok(operation[key]?.length > 3, `${method} ${path} has no ${key}`);
      assert.ok(operation.tags.length > 0);
      for (const name of operation.tags) assert.ok(document.tags.find((tag) => tag.name === name)?.description, `${name} of ${method} ${path}`);
    }
  });

  test('has an example of all JSON that it takes and gives', () => {
    for (const { method, path, operation, item } of operations()) {
      const contents = [['request', operation.requestBody], ...Object.entries(operation.responses)];
      for (const [name, holder] of contents) {
        for (const [type, media] of Object.entries(resolve(holder)?.content ?? {})) {
          if (!/json$/.test(type)) continue;
          assert.notEqual(media.example, undefined, `${method} ${path}: ${name} ${type}`);
        }
      }
      for (const parameter of [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolve).filter((one) => one.required))
        assert.notEqual(parameter.example, undefined, `${method} ${path}: ${parameter.name}`);
    }
  });

  test('says how it succeeds and how it may be refused', () => {
    for (const { method, path, operation, item } of operations()) {
      const at = `${method} ${path}`, has = (status) => status in operation.responses;
      const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolve);
      assert.ok(Object.keys(operation.responses).some((status) => /^[23]/.test(status)), at);
      for (const status of ['400', '429', '500', '503']) assert.ok(has(status), `${at}: ${status}`);
      if (!operation['x-public']) assert.ok(has('401') && has('403'), at);
      if (path.includes('{')) assert.ok(has('404'), at);
      if (operation.requestBody) assert.ok(has('413') && has('415') && has('422'), at);
      assert.equal(parameters.some((one) => one.name === 'If-Match'), has('412') && has('428'), at);
      for (const [status, response] of Object.entries(operation.responses)) {
        if (!/^[45]/.test(status)) continue;
        const types = Object.keys(resolve(response).content ?? {});
        const isPage = types.includes('text/html'); // for people at a browser
        assert.ok(types.includes('application/problem+json') || operation.tags.includes('server') || isPage, `${at}: ${status} ${types}`);
      }
    }
  });

  test('is open to all only if it says so', () => {
    for (const { method, path, operation } of operations()) {
      assert.equal(operation.security.length === 0, operation['x-public'] === true, `${method} ${path}`);
      if (operation.security.length === 0) continue;
      const ways = operation.security.map((way) => Object.keys(way).sort().join('+'));
      const password = document.components.securitySchemes.password ? ['password'] : [];
      assert.deepEqual(ways, ['bearer', method === 'GET' ? 'cookie' : 'cookie+csrf', ...password], `${method} ${path}`);
    }
  });
});

// /metrics has a line for each route, from the start.
describe('routes and document', { timeout }, () => {
  // Pages, for people and in HTML; and the document's second address.
  const notOperations = [/^\/$/, /^\/setup$/, /^(\/api)?\/(docs|redoc)(\/\{path\.\.\.\})?$/, /^\/problems\/\{slug\}$/, /^\/api\/openapi\.json$/];

  test('are the same, both ways', async () => {
    const metrics = (await request(server.url, { path: '/metrics' })).text();
    const lines = metrics.matchAll(/^dowel_http_request_duration_seconds_count\{method="([^"]+)",route="([^"]+)"/gm);
    const routed = [...lines].map(([, method, path]) => `${method} ${path}`).filter((one) => !notOperations.some((page) => page.test(one.split(' ')[1])));
    const told = operations().map(({ method, path }) => `${method} ${path}`);
    assert.ok(told.length > 40);
    assert.deepEqual(routed.sort(), told.sort());
  });

  test('no operation is unknown to who calls it', async () => {
    for (const { method, path, item, operation } of operations()) {
      const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolve);
      const address = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(parameters.find((one) => one.name === name).example));
      const response = await request(server.url, { method, path: address });
      assert.notEqual(response.status, 405, `${method} ${address}`);
      if (response.status === 404) assert.doesNotMatch(response.text(), /there is nothing at this path/, `${method} ${address}`);
    }
    const other = await request(server.url, { path: '/api/v1/no/such/route' });
    assert.match(other.text(), /there is nothing at this path/); // which is what is looked for above
  });
});

describe('linters', { timeout, skip: npmMissing }, () => {
  test('redocly: its recommended rules', async () => {
    const { code, stdout, stderr } = await run(npmProgram('redocly'), ['lint', '--config', join(here, 'redocly.yaml'), '--format', 'json', 'openapi.json']);
    const { totals, problems } = JSON.parse(stdout);
    assert.deepEqual(problems.map((one) => `${one.ruleId}: ${one.message} ${one.location[0]?.pointer}`), []);
    assert.equal(totals.errors, 0);
    assert.equal(code, 0, stderr);
  });

  const spectral = async (file) => {
    const { stdout, stderr } = await run(npmProgram('spectral'), ['lint', '--ruleset', join(here, 'spectral.yaml'), '--format', 'json', '--quiet', file]);
    assert.equal(stderr.trim(), '');
    return JSON.parse(stdout).map((one) => `${one.code} ${one.path.join('/')}: ${one.message}`);
  };

  test('spectral: its recommended rules, and OWASP\'s but for those with a reason', async () => {
    assert.deepEqual(await spectral('openapi.json'), []);
    const off = [...readFileSync(join(here, 'spectral.yaml'), 'utf8').matchAll(/^ {2}\S+: off$/gm)];
    assert.equal(off.length, 11); // a new one needs its reason there, and a look at this number
  });

  test('they would find something', async () => {
    const wrong = structuredClone(document);
    const post = wrong.paths['/api/v1/shop/orders'].post;
    delete post.responses['429'];
    post.requestBody.content['application/json'].schema.properties = { customer: { type: 'string' }, cents: { type: 'integer', format: 'int64' } };
    post.requestBody.content['application/json'].example = { customer: 1 };
    writeFileSync(join(folder, 'wrong.json'), JSON.stringify(wrong));
    const found = (await spectral('wrong.json')).map((one) => one.split(' ')[0]);
    for (const rule of ['owasp:api4:2023-rate-limit-responses-429', 'dowel-text-in-has-a-limit', 'dowel-number-in-has-a-range', 'oas3-valid-media-example'])
      assert.ok(found.includes(rule), `${rule} is not among ${found}`);
  });
});

describe('a client that is made from it', { timeout, skip: npmMissing || (examples.includes('cpp') ? false : 'the examples are not built') }, () => {
  let work;
  before(() => (work = mkdtempSync(join(root, 'tests/e2e/node_modules/.contract-')))); // where its packages are found
  after(() => rmSync(work, { recursive: true, force: true }));

  test('compiles with --strict, and calls every tag', async () => {
    copyFileSync(join(here, 'client.ts'), join(work, 'client.ts'));
    writeFileSync(join(work, 'package.json'), '{ "type": "module" }');
    const made = await run(npmProgram('openapi-typescript'), [join(folder, 'openapi.json'), '--output', join(work, 'contract.d.ts')]);
    assert.equal(made.code, 0, made.stderr);
    const compilerOptions = { strict: true, noUncheckedIndexedAccess: true, target: 'es2022', module: 'nodenext', lib: ['es2022', 'dom'], types: [] };
    writeFileSync(join(work, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['client.ts'] }));
    const compiled = await run(npmProgram('tsc'), [], { cwd: work });
    assert.equal(compiled.code, 0, compiled.stdout);
    const called = await run(process.execPath, ['client.js', server.url], { cwd: work });
    assert.equal(called.code, 0, called.stderr);
    const others = ['rust']; // which is there only where its compiler is
    assert.deepEqual(JSON.parse(called.stdout), document.tags.map((tag) => tag.name).filter((name) => !others.includes(name)).sort());
  });
});

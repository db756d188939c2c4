// random_requests.mjs - requests made at random from /openapi.json of a server with all example plugins, right ones and wrong
// ones. None is answered with a 5xx, each reply is as the document says, what the document allows is not refused for its
// form, and what it forbids is. Wants what tests/e2e/package.json names.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer, Agent, request as ask } from 'node:http';

import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';

import { pluginFolder, startWith } from './plugins.mjs';
import { preset, root } from './server.mjs';

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];
// What would end the sign-in that all others need, or guards it with limits.
const SIGN_IN = ['setup', 'users', 'members', 'roles', 'tenants', 'sign-in', 'oauth', 'keys'];
const PLUGINS = ['auth', 'cpp', 'door', 'greeter', 'guest', 'hello', 'later', 'notes', 'reminder', 'rules', 'settings', 'shop', 'stamps', 'ticker', 'fetcher'];

// ---- the server ----

// What fetcher asks.
function weather() {
  const answers = { '/now': { celsius: 21.5 }, '/forecasts': { days: [] }, '/warnings': { line: 'none' } };
  const server = createServer((req, res) => {
    const { pathname } = new URL(req.url, 'http://x');
    res.setHeader('Content-Type', 'application/json');
    res.end(`${JSON.stringify(answers[pathname] ?? {})}\n`);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

// The first who registers is the administrator, and may do everything.
async function signIn(url) {
  const body = JSON.stringify({ email: 'ann@example.org', password: 'correct horse battery staple' });
  const post = (path, options) => fetch(`${url}${path}`, { method: 'POST', ...options });
  const made = await post('/api/v1/auth/register', { headers: { 'Content-Type': 'application/json' }, body });
  assert.equal(made.status, 201, await made.text());
  const form = new URLSearchParams({ grant_type: 'password', username: 'ann@example.org', password: 'correct horse battery staple' });
  const { access_token: token } = await (await post('/api/v1/auth/token', { body: form })).json();
  assert.ok(token, 'there is no token');
  return token;
}

export async function startAll(options = {}) {
  const peer = await weather();
  const told = { fetcher: `url: http://127.0.0.1:${peer.address().port}\n`, settings: 'key: a-key-for-signing\n', later: 'every: 10ms\n', auth: 'registration: open\n' };
  const server = await startWith({
    plugins: Object.fromEntries(PLUGINS.map((name) => [name, told[name] ?? ''])),
    folder: `${pluginFolder}, ${root}/build/${preset}/campaign`,
    core: `check_replies: true\nroute_limits: false\nclient_allow: [127.0.0.0/8]\nlog_format: json\n${options.core ?? ''}`,
  });
  server.peer = peer;
  server.token = await signIn(server.url);
  return server;
}

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

// ---- one request ----

const agent = new Agent({ keepAlive: true, maxSockets: 4 });

// { status, headers, body }; the content of an event stream is not waited for.
function send(url, { method, path, headers, body }) {
  return new Promise((resolve, reject) => {
    // Node leaves it to us for GET and DELETE: what follows their head would be another request.
    const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
    const req = ask(`${url}${path}`, { method, agent, headers: { ...headers, ...length }, timeout: 20_000 }, (res) => {
      const pieces = [];
      if ((res.headers['content-type'] ?? '').startsWith('text/event-stream')) {
        resolve({ status: res.statusCode, headers: res.headers, body: Buffer.alloc(0) });
        req.destroy();
        return;
      }
      res.on('data', (piece) => pieces.push(piece));
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(pieces) }));
      res.on('error', reject);
    });
    req.on('timeout', () => req.destroy(new Error('no answer within 20 s')));
    req.on('error', reject);
    req.end(body);
  });
}

// ---- values that a schema allows, and others ----

const NUL = /\0/;
const text = (options) => fc.string({ unit: 'grapheme', ...options }).filter((one) => !NUL.test(one));
// What a JSON number must be to come back as it went.
const double = (options) => fc.double({ noNaN: true, noDefaultInfinity: true, ...options }).map((n) => (Object.is(n, -0) ? 0 : n));
// Whole numbers beyond 64 bits are refused, whatever the schema says: two readers would see two numbers.
const isExact = (value) => (typeof value === 'number' ? !Number.isInteger(value) || Number.isSafeInteger(value) || Math.abs(value) >= 1e21 : typeof value !== 'object' || Object.values(value ?? {}).every(isExact));
const anyJson = fc.jsonValue({ maxDepth: 3 }).filter((value) => !JSON.stringify(value).includes('\\u0000') && isExact(value));

const FORMATS = {
  uuid: fc.uuid(),
  date: fc.date({ min: new Date('1900-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }).map((d) => d.toISOString().slice(0, 10)),
  'date-time': fc.date({ min: new Date('1900-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }).map((d) => d.toISOString()),
  email: fc.tuple(fc.stringMatching(/^[a-z0-9]{1,10}$/), fc.stringMatching(/^[a-z]{1,10}$/)).map(([a, b]) => `${a}@${b}.example`),
};

function characters(string) {
  return [...string].length;
}

class Values {
  constructor(document) {
    this.document = document;
  }

  resolve(value) {
    for (; value?.$ref; ) value = value.$ref.slice(2).split('/').reduce((at, key) => at[key.replaceAll('~1', '/').replaceAll('~0', '~')], this.document);
    return value;
  }

  string({ minLength = 0, maxLength = 300, pattern, format }) {
    if (format && FORMATS[format]) return FORMATS[format];
    if (pattern) return fc.stringMatching(new RegExp(pattern));
    return text({ minLength, maxLength: Math.min(maxLength, minLength + 60) }).filter((one) => characters(one) <= maxLength && characters(one) >= minLength);
  }

  number(schema, whole) {
    const step = schema.multipleOf;
    const min = schema.minimum ?? (schema.exclusiveMinimum !== undefined ? schema.exclusiveMinimum + (whole ? 1 : 1e-9) : -1e6);
    const max = Math.min(schema.maximum ?? 1e6, whole ? Number.MAX_SAFE_INTEGER : Number.MAX_VALUE);
    if (step) return fc.integer({ min: Math.ceil(min / step), max: Math.floor(max / step) }).map((n) => n * step);
    // Most are small: what counts rows would take its time.
    if (whole) return fc.oneof({ weight: 4, arbitrary: fc.integer({ min, max: Math.min(max, min + 2000) }) }, { weight: max > 1e7 || max < 1e5 ? 1 : 0, arbitrary: fc.integer({ min, max }) });
    return double({ min, max });
  }

  array(schema, depth) {
    const { minItems = 0, maxItems = minItems + 4 } = schema;
    const item = this.of(schema.items ?? {}, depth);
    const limits = { minLength: minItems, maxLength: Math.min(maxItems, minItems + 4) };
    return schema.uniqueItems ? fc.uniqueArray(item, { ...limits, comparator: (a, b) => JSON.stringify(a) === JSON.stringify(b) }) : fc.array(item, limits);
  }

  object(schema, depth) {
    const properties = Object.entries(schema.properties ?? {}).filter(([name, member]) => !this.resolve(member).readOnly && (depth > 0 || schema.required?.includes(name)));
    const required = (schema.required ?? []).filter((name) => properties.some(([one]) => one === name));
    return fc.record(Object.fromEntries(properties.map(([name, member]) => [name, this.of(member, depth - 1)])), { requiredKeys: required, noNullPrototype: true });
  }

  of(schema, depth = 3) {
    const s = this.resolve(schema) ?? {};
    if (s.const !== undefined) return fc.constant(s.const);
    if (s.enum) return fc.constantFrom(...s.enum);
    const choices = s.anyOf ?? s.oneOf;
    if (choices) return fc.oneof(...choices.map((one) => this.of(one, depth - 1)));
    const types = [s.type ?? (s.properties ? 'object' : [])].flat();
    if (types.length === 0) return anyJson;
    return fc.oneof(...types.map((type) => this.ofType(type, s, depth)));
  }

  ofType(type, schema, depth) {
    switch (type) {
      case 'string': return this.string(schema);
      case 'integer': return this.number(schema, true);
      case 'number': return this.number(schema, false);
      case 'boolean': return fc.boolean();
      case 'null': return fc.constant(null);
      case 'array': return this.array(schema, depth);
      default: return this.object(schema, depth);
    }
  }
}

// ---- requests ----

// Each part: undefined leaves it as it is, a function of fast-check's random number spoils something.
const SPOILED = {
  anotherValue: (r, value) => ({ body: r.json(spoil(value, r.number, r.value)) }),
  anyValue: (r) => ({ body: r.json(r.value) }),
  noJson: (r) => ({ body: ['{', '[1,]', '{"a":1,"a":2}', '"\\ud800"', '{"a":"\\u0000"}', '\ufeff{}', '[[[[', 'nul', '1e999', '{"a":99999999999999999999}', ' ', '{} {}'][r.number % 12] }),
  bytes: (r) => ({ body: Buffer.from(r.bytes) }),
  deep: () => ({ body: `${'['.repeat(100)}${']'.repeat(100)}` }),
  long: () => ({ body: JSON.stringify({ name: 'x'.repeat(100_000), title: 'y'.repeat(100_000) }) }),
  none: () => ({ body: undefined }),
  otherType: (r) => ({ type: ['text/plain', 'application/xml', 'multipart/form-data', 'multipart/form-data; boundary=', 'application/x-www-form-urlencoded', 'nonsense', 'application/json; charset=utf-16', ''][r.number % 8] }),
};

const HEADERS = [
  {}, {}, {}, {},
  { 'Accept-Language': 'de' },
  { Accept: 'image/png' },
  { 'Idempotency-Key': 'short' },
  { 'Idempotency-Key': '"8e03978e-40d5-43dd-bc93-6894a57f9324"' },
  { 'Idempotency-Key': ['a', 'b'] },
  { 'If-Match': '"1"' },
  { 'If-Match': '*' },
  { 'If-Match': 'W/"x", "y"' },
  { 'If-None-Match': '*' },
  { Authorization: 'Bearer nonsense' },
  { Cookie: 'theme=dark; a=%zz' },
  { 'Content-Encoding': 'gzip' },
  { Expect: '100-continue' },
  { Range: 'bytes=0-1' },
];

// A value somewhere in it is something else.
function spoil(value, number, other) {
  if (Array.isArray(value) && value.length > 0 && number % 3 > 0) {
    const at = number % value.length;
    return value.with(at, spoil(value[at], Math.floor(number / 3), other));
  }
  if (value && typeof value === 'object' && Object.keys(value).length > 0) {
    const keys = Object.keys(value);
    const key = keys[number % keys.length];
    const { [key]: gone, ...rest } = value;
    if (number % 5 === 0) return rest;
    if (number % 5 === 1) return { ...value, [`${key}_`]: other };
    return { ...value, [key]: spoil(gone, Math.floor(number / 5), other) };
  }
  return other;
}

const encodeCookie = (value) => encodeURIComponent(String(value));
const BAD_PARTS = ['%00', '%zz', '%ff', '..', '%2e%2e', '%2F', 'x'.repeat(300), '%C3%A9', '0', '-1', '1e3', '9'.repeat(30), 'true', 'null', "';--"];

function parameterArbitrary(values, parameter) {
  return values.of(parameter.schema ?? {}).map((value) => ({ parameter, value }));
}

function addParameter(built, { parameter, value }) {
  const { name, in: place } = parameter;
  const plain = (one) => (typeof one === 'object' ? JSON.stringify(one) : String(one));
  if (Array.isArray(value) && value.length === 0) return; // an empty list is not sent
  if (place === 'path') built.path = built.path.replace(`{${name}}`, () => encodeURIComponent(plain(value)));
  else if (place === 'header') built.headers[name] = encodeURI(plain(value)).slice(0, 200);
  else if (place === 'cookie') built.headers.Cookie = `${name}=${encodeCookie(plain(value))}`;
  else if (Array.isArray(value) && parameter.explode === false) built.query.push(`${encodeURIComponent(name)}=${value.map((one) => encodeURIComponent(plain(one))).join(',')}`);
  else for (const one of [value].flat()) built.query.push(`${encodeURIComponent(name)}=${encodeURIComponent(plain(one))}`);
}

const sometimes = (arbitrary) => fc.oneof(fc.constant(undefined), arbitrary);

// A segment that is empty, "." or ".." is another path.
const isAnotherPath = (path) => path.slice(1).split('/').some((one) => ['', '.', '..'].includes(one)) || /%2f|%00/i.test(path);

export class Requests {
  constructor(document) {
    this.values = new Values(document);
    this.operations = Object.entries(document.paths).flatMap(([path, item]) =>
      METHODS.filter((method) => item[method]).map((method) => ({ method, path, item, operation: item[method] })))
      .filter(({ operation }) => !operation.tags.some((tag) => SIGN_IN.includes(tag)));
  }

  parameters({ item, operation }) {
    const all = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((one) => this.values.resolve(one));
    return all.filter((one, i) => !all.slice(i + 1).some((other) => other.name === one.name && other.in === one.in));
  }

  // Requests of one operation: { entry, request, isRight } with isRight: nothing of it was spoiled.
  of(entry) {
    const parameters = this.parameters(entry);
    const content = Object.entries(this.values.resolve(entry.operation.requestBody)?.content ?? {});
    const required = parameters.filter((one) => one.required && one.name !== 'Idempotency-Key' && one.name !== 'If-Match');
    const optional = parameters.filter((one) => !one.required && !['Idempotency-Key', 'cursor', 'sort'].includes(one.name));
    return fc.record({
      required: fc.tuple(...required.map((one) => parameterArbitrary(this.values, one))),
      optional: fc.tuple(...optional.map((one) => sometimes(parameterArbitrary(this.values, one)))),
      media: content.length > 0 ? fc.constantFrom(...content).chain(([type, { schema }]) => fc.record({ type: fc.constant(type), schema: fc.constant(schema), value: this.values.of(schema ?? {}) })) : fc.constant(undefined),
      omitsBody: fc.boolean(),
      way: sometimes(fc.constantFrom('anotherValue', 'anotherValue', 'anotherValue', ...Object.keys(SPOILED))),
      headers: fc.constantFrom(...HEADERS),
      spoilsPath: fc.integer({ min: 0, max: 9 }),
      spoilsQuery: fc.integer({ min: 0, max: 9 }),
      number: fc.nat(),
      value: anyJson,
      bytes: fc.uint8Array({ maxLength: 40 }),
      versioned: fc.integer({ min: 0, max: 5 }),
    }).map((drawn) => this.build(entry, parameters, drawn));
  }

  build(entry, parameters, drawn) {
    const built = { method: entry.method.toUpperCase(), path: entry.path, query: [], headers: {} };
    let isRight = true;
    const right = { body: undefined, schema: undefined, hasBody: false };
    for (const one of [...drawn.required, ...drawn.optional]) if (one) addParameter(built, one);
    if (parameters.some((one) => one.name === 'Idempotency-Key' && one.required)) built.headers['Idempotency-Key'] = 'a new one';
    if (parameters.some((one) => one.name === 'If-Match')) built.headers['If-Match'] = drawn.number % 4 ? '"1"' : '"0"';
    if (drawn.spoilsPath === 0 && built.path !== entry.path) {
      const parts = built.path.split('/');
      parts[parts.length - 1] = BAD_PARTS[drawn.number % BAD_PARTS.length];
      built.path = parts.join('/');
      isRight = false;
    }
    if (drawn.spoilsQuery === 0) {
      built.query.push(['unknown=1', 'limit=0', 'limit=x', 'cursor=abc', 'sort=nothing', 'a=%zz', 'a=%00', '&&=', 'sort=name&sort=-name'][drawn.number % 9]);
      isRight = false;
    }
    if (isAnotherPath(built.path)) isRight = false;
    if (drawn.versioned === 0 && built.path.startsWith('/api/v1/')) built.path = `/api/${built.path.slice('/api/v1/'.length)}`;
    Object.assign(built.headers, drawn.headers);
    if (Object.keys(drawn.headers).some((name) => !['Accept-Language', 'Accept', 'If-None-Match', 'Range', 'Expect'].includes(name))) isRight = false;
    if (drawn.media) isRight = this.addBody(built, drawn, right, this.values.resolve(entry.operation.requestBody)) && isRight;
    else if (drawn.way && drawn.number % 4 === 0) {
      built.body = JSON.stringify(drawn.value);
      built.headers['Content-Type'] = 'application/json';
      isRight = false;
    }
    const query = built.query.length > 0 ? `?${built.query.join('&')}` : '';
    return { entry, right, isRight, request: { method: built.method, path: built.path + query, headers: built.headers, body: built.body } };
  }

  // True when it is what the document wants.
  addBody(built, drawn, right, requestBody) {
    const { type, value } = drawn.media;
    const isJson = type === 'application/json';
    const isPlain = !isJson && !type.includes('form');
    built.headers['Content-Type'] = type;
    if (drawn.omitsBody && !requestBody.required) {
      delete built.headers['Content-Type'];
      return true;
    }
    if (isJson) built.body = JSON.stringify(value);
    else if (isPlain) built.body = String(value) || 'x';
    else if (type === 'multipart/form-data') this.addParts(built, value);
    else built.body = new URLSearchParams(Object.entries(value).map(([name, one]) => [name, String(one)])).toString();
    Object.assign(right, { hasBody: true, value: isJson ? value : undefined, schema: drawn.media.schema });
    if (!drawn.way || (!isJson && built.body === '')) return !(built.body === '');
    const random = { number: drawn.number, value: drawn.value, bytes: drawn.bytes, json: JSON.stringify };
    const { body = drawn.way === 'none' ? undefined : built.body, type: other } = SPOILED[drawn.way](random, value);
    built.body = body;
    if (other !== undefined) built.headers['Content-Type'] = other;
    if (isJson && other === undefined && (drawn.way === 'anotherValue' || drawn.way === 'anyValue')) right.value = JSON.parse(body);
    else right.value = undefined;
    right.isMaybeRight = right.value !== undefined;
    return false;
  }

  addParts(built, value) {
    const boundary = 'a-boundary';
    built.headers['Content-Type'] = `multipart/form-data; boundary=${boundary}`;
    built.body = `${Object.entries(value).map(([name, one]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${one}\r\n`).join('')}--${boundary}--\r\n`;
  }

  // Mostly of those that anybody may call: what one of them does wrong is not hidden by a refusal.
  any() {
    const isGuarded = ({ operation }) => (operation.security ?? []).length > 0;
    const from = (list, weight) => (list.length > 0 ? [{ weight, arbitrary: fc.constantFrom(...list) }] : []);
    return fc.oneof(...from(this.operations.filter((one) => !isGuarded(one)), 2), ...from(this.operations.filter(isGuarded), 1)).chain((entry) => this.of(entry));
  }
}

// ---- judging ----

export class Judge {
  constructor(document) {
    this.document = document;
    this.values = new Values(document);
    this.ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
    addFormats(this.ajv);
    this.ajv.addSchema(this.oneWay('readOnly'), 'request');
    this.ajv.addSchema(this.oneWay('writeOnly'), 'reply');
    this.compiled = { request: new Map(), reply: new Map() };
  }

  // The document where members that go the other way only are neither required nor allowed.
  oneWay(other) {
    return JSON.parse(JSON.stringify(this.document), (key, one) => {
      if (!one?.properties || typeof one.properties !== 'object') return one;
      const gone = Object.keys(one.properties).filter((name) => this.values.resolve(one.properties[name])?.[other] === true);
      if (gone.length === 0) return one;
      return { ...one, required: (one.required ?? []).filter((name) => !gone.includes(name)), properties: { ...one.properties, ...Object.fromEntries(gone.map((name) => [name, false])) } };
    });
  }

  // A schema of the document, by what stands there: its references begin at the document's top.
  fits(schema, value, way = 'reply') {
    let check = this.compiled[way].get(schema);
    if (!check) {
      check = this.ajv.compile(JSON.parse(JSON.stringify(schema), (key, one) => (key === '$ref' && typeof one === 'string' && one.startsWith('#') ? `${way}${one}` : one)));
      this.compiled[way].set(schema, check);
    }
    return check(value) ? undefined : this.ajv.errorsText(check.errors);
  }

  problem({ status, headers, body }, shown) {
    const problem = JSON.parse(body.toString('utf8'));
    assert.equal(this.fits({ $ref: '#/components/schemas/Problem' }, problem), undefined, shown);
    assert.equal(problem.status, status, shown);
    assert.match(problem.type, /^\/problems\/[a-z-]+$/, shown);
    assert.ok(headers['vary']?.includes('Accept-Language'), shown);
    for (const { pointer, detail } of problem.errors ?? []) {
      assert.match(pointer, /^#/, shown);
      assert.ok(detail.length > 0, shown);
    }
    return problem;
  }

  reply(entry, reply, shown) {
    const type = (reply.headers['content-type'] ?? '').split(';')[0];
    if (reply.status >= 400 && type === 'application/problem+json') return this.problem(reply, shown);
    const declared = this.values.resolve(entry.operation.responses?.[reply.status] ?? entry.operation.responses?.default);
    assert.ok(declared, `${shown}: ${reply.status} is not declared`);
    if (!declared.content) return undefined;
    const media = declared.content[type];
    assert.ok(media, `${shown}: ${type} is not declared`);
    if (type === 'application/json' && media.schema) assert.equal(this.fits(media.schema, JSON.parse(reply.body.toString('utf8'))), undefined, shown);
    return undefined;
  }

  // What one request was answered.
  judge({ entry, request, right, isRight }, reply) {
    const shown = `${JSON.stringify({ ...request, body: request.body?.toString().slice(0, 300) })} -> ${reply.status} ${reply.body.toString('utf8').slice(0, 500)}`;
    const isGuarded = (entry.operation.security ?? []).length > 0;
    if (isGuarded && (reply.status === 401 || reply.status === 403)) return void this.problem(reply, shown);
    assert.ok(reply.status < 500, shown);
    const problem = this.reply(entry, reply, shown);
    const misfit = right.value !== undefined && right.schema ? this.fits(right.schema, right.value, 'request') : undefined;
    if (misfit) assert.ok(reply.status >= 400, `${shown}: ${misfit}`);
    if (isRight) assert.ok(![400, 405, 411, 413, 415, 417, 428].includes(reply.status), shown);
    // What a handler finds wrong is no schema's business.
    if (isRight && !misfit && reply.status === 422) assert.doesNotMatch(problem.detail, /^(The request has values that|Die Anfrage hat Werte)/, `${shown}: it fits`);
  }
}

// ---- all of them ----

export async function campaign(server, { requests, seed }) {
  const reply = await send(server.url, { method: 'GET', path: '/openapi.json' });
  const document = JSON.parse(reply.body.toString('utf8'));
  const made = new Requests(document);
  const judge = new Judge(document);
  const seen = new Map();
  const ids = [];
  const found = await fc.check(
    fc.asyncProperty(made.any(), fc.nat(), async (one, number) => {
      // Of things that were made before: else nothing would ever be found.
      const path = ids.length > 0 ? one.request.path.replace(UUID, (id) => (number % 4 ? ids[number % ids.length] : id)) : one.request.path;
      const headers = { ...one.request.headers };
      if ((one.entry.operation.security ?? []).length > 0 && number % 8 > 0) headers.Authorization ??= `Bearer ${server.token}`;
      if (headers['Idempotency-Key'] === 'a new one') headers['Idempotency-Key'] = randomUUID();
      const answer = await send(server.url, { ...one.request, path, headers });
      if (answer.status === 201) ids.push(...(answer.body.toString('utf8').match(UUID) ?? []).slice(0, 1));
      const status = `${one.entry.operation.operationId} ${answer.status}`;
      seen.set(status, (seen.get(status) ?? 0) + 1);
      judge.judge(one, answer);
    }),
    { numRuns: requests, seed, interruptAfterTimeLimit: 20 * 60_000, markInterruptAsFailure: true },
  );
  agent.destroy();
  if (found.failed) throw new Error(`seed ${seed}, after ${found.numRuns} requests: ${found.errorInstance?.message ?? 'it took too long'}`);
  return { operations: made.operations.length, seen };
}

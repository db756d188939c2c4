// contract.mjs - what must hold for every operation, tried on a running server from its own /openapi.json:
//
//   - without a token nobody gets in (401), without the permission neither (403);
//   - what is another tenant's is answered exactly as what nobody has (404);
//   - what the contract says about input is kept: each limit, each type, each unknown name, each field that is only read.
//
//   await walk({ url, people, make, bodies }, (name, run) => t.test(name, run));
//
//   url      of the server
//   people   { one, foreigner, nobody }: tokens of who may all in a tenant, of the same in another tenant, and of somebody
//            in the first who may nothing
//   make     by path, { '/api/v1/notes/{id}': async () => ({ id }) }: makes something of the first tenant, and gives the
//            parameters that lead to it. Each path with parameters has one, or stands in `open` with the reason why it is of no
//            tenant
//   bodies   by operationId: content that is right, where the schema alone does not say it
//   only     which operations: a function of { path, method, operation }; all if it is not given
//   limits   how often in a minute an operation may be asked is not what is tried here: x-rate-limit must be high enough

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { request } from './client.mjs';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const WRITES = ['post', 'put', 'patch'];

// ---- the document ----

const resolve = (document, node) => {
  let found = node;
  while (found?.$ref) found = found.$ref.slice(2).split('/').reduce((at, name) => at[decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~')], document);
  return found;
};

export function operationsOf(document) {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({
      path,
      method: method.toUpperCase(),
      operation: item[method],
      parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map((one) => resolve(document, one)),
    })));
}

const isOpen = (operation) => operation['x-public'] === true;
const FORM = 'application/x-www-form-urlencoded';
const contentOf = (document, operation, type) => resolve(document, resolve(document, operation.requestBody)?.content?.[type]?.schema);
const jsonSchemaOf = (document, operation) => contentOf(document, operation, 'application/json');

// ---- values ----

const typesOf = (schema) => [schema.type ?? (schema.properties ? 'object' : [])].flat();
const formats = { uuid: () => randomUUID(), 'date-time': () => '2026-11-21T08:05:00Z', email: () => 'ann@example.com', uri: () => 'https://example.com/' };

const isReadOnly = (document, node) => resolve(document, node)?.readOnly === true;

// A value that the schema takes in a request: its example or default, else the least there is.
export function valueOf(document, node) {
  const schema = resolve(document, node) ?? {};
  if (schema.examples?.length) return schema.examples[0];
  for (const name of ['example', 'default', 'const']) if (schema[name] !== undefined) return schema[name];
  if (schema.enum) return schema.enum[0];
  if (schema.oneOf ?? schema.anyOf) return valueOf(document, (schema.oneOf ?? schema.anyOf)[0]);
  switch (typesOf(schema)[0]) {
    case 'string': return formats[schema.format]?.() ?? 'a'.repeat(Math.max(schema.minLength ?? 1, 1));
    case 'integer': case 'number': return schema.minimum ?? 1;
    case 'boolean': return true;
    case 'array': return Array.from({ length: schema.minItems ?? 0 }, () => valueOf(document, schema.items));
    case 'object': return Object.fromEntries((schema.required ?? []).filter((name) => !isReadOnly(document, schema.properties?.[name])).map((name) => [name, valueOf(document, schema.properties?.[name])]));
    default: return 'a';
  }
}

// Texts of which one does what a pattern forbids, whatever it is for.
const odd = ['-', '!', '\u00e4 \u00f6', 'A b', '0'];
const against = ({ pattern, minLength = 0, maxLength = Infinity }) =>
  odd.map((text) => text.padEnd(minLength, text)).find((text) => text.length <= maxLength && !new RegExp(pattern, 'u').test(text));

// Values that the schema refuses, each with the limit that it breaks.
function wrongValuesOf(document, node) {
  const schema = resolve(document, node) ?? {};
  const types = typesOf(schema);
  const wrong = [];
  const add = (limit, value) => wrong.push({ limit, value });
  if (types.length > 0 && !types.includes('object') && !types.includes('array')) add('type', { not: 'this' });
  if (types.includes('array') || types.includes('object')) add('type', 'a text');
  if (types.includes('string')) {
    if (schema.maxLength !== undefined) add('maxLength', 'a'.repeat(schema.maxLength + 1));
    if (schema.minLength > 0) add('minLength', '');
    if (schema.pattern) add('pattern', against(schema) ?? assert.fail(`nothing in "odd" breaks ${schema.pattern}`));
    if (formats[schema.format]) add(`format ${schema.format}`, 'not one');
  }
  if (schema.enum) add('enum', 'none_of_these');
  if (schema.const !== undefined) add('const', 'none_of_these');
  if (schema.multipleOf !== undefined) add('multipleOf', schema.multipleOf / 2);
  if (schema.exclusiveMinimum !== undefined) add('exclusiveMinimum', schema.exclusiveMinimum);
  if (schema.maximum !== undefined) add('maximum', schema.maximum + 1);
  if (schema.minimum !== undefined) add('minimum', schema.minimum - 1);
  if (schema.maxItems !== undefined) add('maxItems', Array.from({ length: schema.maxItems + 1 }, () => valueOf(document, schema.items)));
  if (schema.minItems > 0) add('minItems', []);
  if (schema.uniqueItems) add('uniqueItems', Array(2).fill(valueOf(document, schema.items)));
  if (schema.items) for (const item of wrongValuesOf(document, schema.items)) add(`${item.limit} of an item`, Array(Math.max(schema.minItems ?? 1, 1)).fill(item.value));
  return wrong;
}

// As a query or a form brings it: what is no text there cannot be tried.
const wrongInQuery = (document, schema) => wrongValuesOf(document, schema)
  .filter(({ value }) => typeof value !== 'object')
  .concat(typesOf(resolve(document, schema) ?? {}).some((type) => ['integer', 'number', 'boolean'].includes(type)) ? [{ limit: 'type', value: 'abc' }] : []);

// ---- asking ----

const fill = (path, values) => path.replace(/\{([^}]+)\}/g, (_, name) => encodeURIComponent(values[name]));

// An answer without what is different each time.
function compared(answer) {
  const { instance, ...body } = answer.body.length > 0 ? answer.json() : {};
  return { status: answer.status, type: answer.header('content-type'), body };
}

function assertProblem(answer, status, what) {
  assert.equal(answer.status, status, `${what}: ${answer.status} ${answer.text()}`);
  assert.match(answer.header('content-type'), /^application\/problem\+json/, what);
  const problem = answer.json();
  assert.equal(problem.status, status, what);
  assert.ok(problem.title && problem.detail && problem.instance, `${what}: ${answer.text()}`);
  return problem;
}

// Behind If-Match it may have been there before: that it is not, is then a 412.
function assertUnknown({ parameters }, answer) {
  const mayBeOlder = parameters.some(({ name }) => name === 'If-Match');
  assertProblem(answer, mayBeOlder && answer.status === 412 ? 412 : 404, 'what nobody has');
}

class Walk {
  constructor(options, document) {
    Object.assign(this, { make: {}, bodies: {}, open: {}, ...options, document });
  }

  async ask({ path, method, operation, parameters }, { as, values = {}, query = {}, body, form } = {}) {
    for (const { name, in: where, required, schema } of parameters) {
      if (where === 'query' && required && !(name in query)) query[name] = valueOf(this.document, schema);
    }
    const search = new URLSearchParams(query).toString();
    const schema = jsonSchemaOf(this.document, operation);
    const content = body !== undefined ? body : schema && (this.bodies[operation.operationId] ?? valueOf(this.document, schema));
    const needed = parameters.filter((each) => each.in === 'header' && each.required);
    const sent = Object.fromEntries(needed.map(({ name, schema: of }) => [name, name === 'If-Match' ? '"1"' : valueOf(this.document, of)]));
    const [type, text] = form ? [FORM, new URLSearchParams(form).toString()] : content !== undefined ? ['application/json', JSON.stringify(content)] : [];
    const headers = { ...sent, ...(as && { Authorization: `Bearer ${as.token ?? as}` }), ...(type && { 'Content-Type': type }) };
    const answer = await request(this.url, { method, headers, path: fill(path, values) + (search && `?${search}`), ...(type && { body: text }) });
    assert.ok(answer.status < 500 || answer.status === 503, `${method} ${path}: ${answer.status} ${answer.text()}`);
    return answer;
  }

  // Parameters that nobody has anything for, in the form that the contract wants.
  unknown({ path, parameters }) {
    const values = {};
    for (const [, name] of path.matchAll(/\{([^}]+)\}/g)) {
      values[name] = valueOf(this.document, { ...resolve(this.document, parameters.find((one) => one.in === 'path' && one.name === name)?.schema), examples: undefined, example: undefined });
    }
    return values;
  }

  async known(one) {
    if (!one.path.includes('{')) return {};
    const maker = this.make[one.path];
    assert.ok(maker, `${one.path}: say in make how something of the tenant comes about that it leads to`);
    return maker();
  }

  // ---- what is tried ----

  async needsToken(one) {
    const values = this.unknown(one);
    const problem = await this.ask(one, { values });
    assertProblem(problem, 401, 'no token');
    assert.match(problem.header('www-authenticate'), /^Bearer/);
    assertProblem(await this.ask(one, { values, as: 'a-token-that-nobody-gave-out' }), 401, 'a token that is none');
  }

  // Before it is said what is wrong with the input, and whether there is such a thing.
  async needsPermission(one) {
    const name = one.operation['x-permission'];
    const problem = assertProblem(await this.ask(one, { values: this.unknown(one), as: this.people.nobody }), 403, `without ${name}`);
    assert.ok(problem.detail.includes(name), problem.detail);
  }

  async isOfTheTenant(one) {
    const values = await this.known(one);
    const foreign = await this.ask(one, { values, as: this.people.foreigner });
    const unknown = await this.ask(one, { values: this.unknown(one), as: this.people.foreigner });
    assertUnknown(one, unknown);
    assert.deepEqual(compared(foreign), compared(unknown), "another tenant's");
    assert.equal(foreign.header('content-length'), unknown.header('content-length'));
    const own = await this.ask(one, { values, as: this.people.one });
    assert.ok(![401, 403, 404].includes(own.status), `what it leads to for its own tenant: ${own.status} ${own.text()}`);
  }

  // Where all is everybody's who may.
  async mayBeUnknown(one) {
    assertUnknown(one, await this.ask(one, { values: this.unknown(one), as: this.people.one }));
  }

  async takesNoOtherParameter(one) {
    const values = this.open[one.path] ? this.unknown(one) : await this.known(one);
    assertProblem(await this.ask(one, { values, as: this.people.one, query: { no_such_parameter: '1' } }), 400, 'an unknown parameter');
  }

  async keepsLimitsOfQuery(one) {
    for (const { name, in: where, schema } of one.parameters.filter((each) => each.in === 'query')) {
      for (const { limit, value } of wrongInQuery(this.document, schema)) {
        const problem = assertProblem(await this.ask(one, { values: this.unknown(one), as: this.people.one, query: { [name]: value } }), 422, `${where} ${name}: ${limit}`);
        assert.ok(problem.errors.some(({ pointer }) => pointer.startsWith(`#/query/${name}`)), `${name}: ${limit}: ${JSON.stringify(problem.errors)}`);
      }
    }
  }

  async keepsLimitsOfForm(one) {
    const schema = contentOf(this.document, one.operation, FORM);
    const right = valueOf(this.document, schema);
    const refuses = async (form, status, name, what) => {
      const problem = assertProblem(await this.ask(one, { values: this.unknown(one), as: this.people.one, form }), status, `${name}: ${what}`);
      assert.ok(problem.errors.some(({ pointer }) => pointer === `#/${name}`), `${name}: ${what}: ${JSON.stringify(problem.errors)}`);
    };
    if (schema.additionalProperties !== true) await refuses({ ...right, no_such_field: '1' }, 400, 'no_such_field', 'an unknown name');
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      for (const { limit, value } of wrongInQuery(this.document, property)) await refuses({ ...right, [name]: value }, 422, name, limit);
    }
  }

  async keepsLimitsOfBody(one) {
    const schema = jsonSchemaOf(this.document, one.operation);
    const right = this.bodies[one.operation.operationId] ?? valueOf(this.document, schema);
    const refuses = async (body, pointer, what, status = 422) => {
      const problem = assertProblem(await this.ask(one, { values: this.unknown(one), as: this.people.one, body }), status, what);
      assert.ok(problem.errors.some((error) => error.pointer.startsWith(pointer)), `${what}: ${JSON.stringify(problem.errors)}`);
    };
    if (schema.additionalProperties === false) await refuses({ ...right, no_such_member: 1 }, '#/no_such_member', 'an unknown name');
    if (schema.minProperties > 0) await refuses({}, '#', 'minProperties');
    for (const name of (schema.required ?? []).filter((each) => !isReadOnly(this.document, schema.properties?.[each]))) {
      const { [name]: _, ...without } = right;
      await refuses(without, `#/${name}`, `without ${name}`);
    }
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      if (isReadOnly(this.document, property)) {
        await refuses({ ...right, [name]: valueOf(this.document, property) }, `#/${name}`, `${name} is only read`, 400);
        continue;
      }
      for (const { limit, value } of wrongValuesOf(this.document, property)) await refuses({ ...right, [name]: value }, `#/${name}`, `${name}: ${limit}`);
    }
  }
}

// Tells `test` (name, run) of each thing to try.
export async function walk(options, test) {
  const document = options.document ?? (await request(options.url, { path: '/openapi.json' })).json();
  const w = new Walk(options, document);
  const chosen = operationsOf(document).filter(options.only ?? (() => true));
  assert.ok(chosen.length > 0, 'there are no operations');
  for (const one of chosen) {
    const { operation, method, path } = one;
    const tries = [];
    if (!isOpen(operation)) tries.push(['no token', w.needsToken]);
    if (!isOpen(operation) && operation['x-permission'] !== 'signed_in') tries.push(['no permission', w.needsPermission]);
    if (path.includes('{')) tries.push(options.open?.[path] ? ['what nobody has', w.mayBeUnknown] : ["another tenant's", w.isOfTheTenant]);
    tries.push(['an unknown parameter', w.takesNoOtherParameter]);
    tries.push(['the limits of the query', w.keepsLimitsOfQuery]);
    if (WRITES.includes(method.toLowerCase()) && jsonSchemaOf(document, operation)) tries.push(['the limits of the content', w.keepsLimitsOfBody]);
    if (contentOf(document, operation, FORM)) tries.push(['the limits of the form', w.keepsLimitsOfForm]);
    for (const [name, run] of tries) await test(`${method} ${path}: ${name}`, () => run.call(w, one));
  }
}

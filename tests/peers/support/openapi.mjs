// openapi.mjs - whether a request keeps to an OpenAPI 3.0 document: its path and method, the names and values of its query, the
// names and types of its body. As much of the standard as requests need.

import { readFileSync } from 'node:fs';

// Returns check(request) -> list of texts, for Peer. under: paths outside are nobody's business.
export function contractOf(file, { under = '/api/' } = {}) {
  const document = JSON.parse(readFileSync(file, 'utf8'));
  const paths = Object.entries(document.paths).map(([template, methods]) => ({ template, methods, pattern: patternOf(template) }));
  // A path without parameters is meant rather than one with: /users/me is no user named "me".
  paths.sort((a, b) => a.template.split('{').length - b.template.split('{').length);
  return (request) => {
    if (!request.path.startsWith(under)) return [];
    const found = paths.find(({ pattern }) => pattern.test(request.path));
    if (!found) return [`${request.path}: there is no such path`];
    const operation = found.methods[request.method.toLowerCase()];
    if (!operation) return [`${request.method} ${found.template}: there is no such method`];
    const parameters = [...(found.methods.parameters ?? []), ...(operation.parameters ?? [])].map((one) => resolved(document, one));
    return [...checkPath(found, request, parameters), ...checkQuery(request, parameters), ...checkBody(document, operation, request)];
  };
}

function patternOf(template) {
  return new RegExp(`^${template.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
}

function resolved(document, schema) {
  if (!schema?.$ref) return schema;
  const target = schema.$ref.replace(/^#\//, '').split('/').reduce((at, key) => at?.[key], document);
  if (!target) throw new Error(`the contract refers to ${schema.$ref}, which it does not have`);
  return resolved(document, target);
}

const whole = (pattern) => new RegExp(`^(?:${pattern})$`);

function checkPath({ pattern }, { path }, parameters) {
  const given = pattern.exec(path).groups ?? {};
  return parameters.filter(({ name, in: place, schema }) => place === 'path' && schema?.pattern && !whole(schema.pattern).test(given[name]))
    .map(({ name }) => `${path}: {${name}} is "${given[name]}"`);
}

function checkQuery({ query }, parameters) {
  const known = new Map(parameters.filter(({ in: place }) => place === 'query').map((one) => [one.name, one]));
  const wrong = [];
  for (const [name, value] of query) {
    const parameter = known.get(name) ?? known.get(name.replace(/\[\d*\]$/, '[]'));
    const { pattern, enum: values } = parameter?.schema ?? {};
    if (!parameter) wrong.push(`query: there is no parameter "${name}"`);
    else if (pattern && !whole(pattern).test(value)) wrong.push(`query: ${name}: "${value}" is not ${pattern}`);
    else if (values && !values.map(String).includes(value)) wrong.push(`query: ${name}: "${value}" is not one of ${values}`);
  }
  for (const { name, required } of known.values()) if (required && !query.has(name)) wrong.push(`query: ${name} is missing`);
  return wrong;
}

function checkBody(document, { requestBody }, { method, body, headers }) {
  const { content, required } = resolved(document, requestBody) ?? {};
  if (!body) return required && method !== 'PATCH' ? ['body: it is missing'] : [];
  if (!content) return body.trim() === '' || body.trim() === '{}' ? [] : ['body: none belongs here'];
  const schema = content['application/json']?.schema;
  if (!schema) return [];
  if (!/^application\/json\b/.test(headers['content-type'] ?? '')) return [`Content-Type: "${headers['content-type']}", not application/json`];
  let value;
  try {
    value = JSON.parse(body);
  } catch (error) {
    return [`body: not JSON: ${error.message}`];
  }
  return checkValue(document, schema, value, { at: 'body', partial: method === 'PATCH' });
}

const typeOf = (value) => (value === null ? 'null' : Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value);
const isType = (type, value) => type === typeOf(value) || (type === 'number' && typeOf(value) === 'integer');
const FORMATS = { 'date-time': /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?$/, date: /^\d{4}-\d{2}-\d{2}$/ };

// partial: what is missing is left as it was (a PATCH).
function checkValue(document, written, value, { at, partial = false }) {
  const schema = resolved(document, written);
  if (schema.oneOf || schema.anyOf) {
    const tries = (schema.oneOf ?? schema.anyOf).map((one) => checkValue(document, one, value, { at, partial }));
    return tries.some((wrong) => wrong.length === 0) ? [] : tries[0];
  }
  if (schema.allOf) return schema.allOf.flatMap((one) => checkValue(document, one, value, { at, partial }));
  if (value === null && schema.nullable) return [];
  if (schema.type && !isType(schema.type, value)) return [`${at}: ${typeOf(value)} where ${schema.type} belongs`];
  const wrong = [];
  if (schema.enum && !schema.enum.includes(value)) wrong.push(`${at}: ${JSON.stringify(value)} is not one of ${schema.enum}`);
  if (schema.pattern && typeof value === 'string' && !whole(schema.pattern).test(value)) wrong.push(`${at}: "${value}" is not ${schema.pattern}`);
  if (FORMATS[schema.format] && !FORMATS[schema.format].test(value)) wrong.push(`${at}: "${value}" is no ${schema.format}`);
  if (schema.items && Array.isArray(value)) value.forEach((one, i) => wrong.push(...checkValue(document, schema.items, one, { at: `${at}[${i}]` })));
  if (schema.properties && typeOf(value) === 'object') wrong.push(...checkObject(document, schema, value, { at, partial }));
  return wrong;
}

function checkObject(document, { properties, required = [] }, value, { at, partial }) {
  const wrong = partial ? [] : required.filter((name) => !(name in value)).map((name) => `${at}: "${name}" is missing`);
  for (const [name, one] of Object.entries(value)) {
    if (!(name in properties)) wrong.push(`${at}: there is no "${name}"`);
    else wrong.push(...checkValue(document, properties[name], one, { at: `${at}.${name}` }));
  }
  return wrong;
}

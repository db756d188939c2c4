// router.mjs - from a request to the function that answers it: paths, parameters as Rails reads them, pages and order.

import { broken, databaseRefuses, Failure } from './errors.mjs';

// A table of [method, path, answer, options] made quick to search. Paths begin after /api/v1; ":name" takes one part.
export class Router {
  #routes = new Map(); // "GET 3" -> routes with as many parts

  constructor(table) {
    for (const [method, path, answer, options = {}] of table) {
      const parts = path.split('/').slice(1);
      const key = `${method} ${parts.length}`;
      if (!this.#routes.has(key)) this.#routes.set(key, []);
      this.#routes.get(key).push({ parts, answer, options });
    }
  }

  // { answer, options, parameters }; throws the 404 of a path that is not there.
  find(method, path, features) {
    const parts = path.replace(/\.json$/, '').replace(/^\/api\/v1\//, '').split('/');
    const candidates = path.startsWith('/api/v1/') ? this.#routes.get(`${method} ${parts.length}`) ?? [] : [];
    for (const { parts: wanted, answer, options } of candidates) {
      if (options.feature && !features[options.feature]) continue;
      const parameters = match(wanted, parts);
      if (parameters) return { answer, options, parameters };
    }
    throw new Failure(404, `No route matches [${method}] ${path}`);
  }
}

function match(wanted, parts) {
  const parameters = {};
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i].startsWith(':')) parameters[wanted[i].slice(1)] = decode(parts[i]);
    else if (wanted[i] !== parts[i]) return undefined;
  }
  return parameters;
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Failure(400, 'Bad Request');
  }
}

// Query, body and path in one, the path winning.
export function parametersOf({ query, body, isUtf8 = true, headers }, path) {
  if (!isUtf8) throw new Failure(400, 'Bad Request');
  const all = {};
  for (const [name, value] of query) {
    if (name.endsWith('[]')) (all[name.slice(0, -2)] ??= []).push(value);
    else all[name] = value;
  }
  return Object.assign(all, bodyOf(body, headers['content-type'] ?? ''), path);
}

function bodyOf(body, type) {
  if (!body) return {};
  if (type.includes('application/x-www-form-urlencoded')) return Object.fromEntries(new URLSearchParams(body));
  if (!type.includes('json')) return {}; // Rails does not look into a body that is not said to be JSON
  try {
    const value = JSON.parse(body);
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : { _json: value };
  } catch {
    throw new Failure(400, 'Bad Request');
  }
}

// Ruby's to_i: what stands at the front, else 0.
export const toInteger = (value) => Number.parseInt(value, 10) || 0;

export const isOn = (value) => value === true || value === 'true' || value === 1 || value === '1';

// per_page (or limit) and page. What is above the maximum is cut without a word; PostgreSQL refuses what is below zero.
export function pageOf(params, { normal = 100, most = 1000 } = {}) {
  const limit = Math.min(toInteger(params.per_page ?? params.limit ?? normal), most);
  const offset = (params.page === undefined ? 0 : toInteger(params.page) - 1) * limit;
  if (limit < 0) throw databaseRefuses('PG::InvalidRowCountInLimitClause: ERROR:  LIMIT must not be negative');
  if (offset < 0) throw databaseRefuses('PG::InvalidRowCountInResultOffsetClause: ERROR:  OFFSET must not be negative');
  return { limit, offset };
}

// [{ column, down }] of sort_by and order_by, which are lists side by side; a column without its order counts for nothing.
export function orderOf(params, columns, { column = 'id', down = false } = {}) {
  const names = listOf(params.sort_by);
  const ways = listOf(params.order_by);
  for (const name of names) if (!columns.includes(name)) throw broken(`Found invalid column '${name}' for sorting.`);
  for (const way of ways) if (!/^(asc|desc)$/i.test(way)) throw broken(`Found invalid order by value ${way}. Please use 'asc' or 'desc'.`);
  const chosen = names.length > 0 ? names : [column];
  const order = ways.length > 0 ? ways.map((way) => way.toLowerCase() === 'desc') : [down];
  return chosen.slice(0, order.length).map((name, i) => ({ column: name, down: order[i] }));
}

const listOf = (value) => (Array.isArray(value) ? value : String(value ?? '').split(/\s*,\s*/)).filter(Boolean);

// A page of rows in that order. sorted: { column: Sorted } where all rows are asked for, so that nothing needs sorting.
export function ordered(rows, order, { limit, offset }, { sorted, ties, random } = {}) {
  const [first] = order;
  const ready = order.length === 1 && sorted?.[first.column]?.rows;
  if (ready && ties !== 'unstable') return first.down ? lastFirst(ready, offset, limit) : ready.slice(offset, offset + limit);
  const all = [...(ready || rows())];
  // Where the database has no reason to prefer one of two rows, it takes either.
  const fate = ties === 'unstable' ? new Map(all.map((row) => [row, random.next()])) : undefined;
  all.sort((a, b) => compare(a, b, order) || (fate ? fate.get(a) - fate.get(b) : (order.at(-1).down ? b.id - a.id : a.id - b.id)));
  return all.slice(offset, offset + limit);
}

function lastFirst(rows, offset, limit) {
  const end = Math.max(0, rows.length - offset);
  return rows.slice(Math.max(0, end - limit), end).reverse();
}

function compare(a, b, order) {
  for (const { column, down } of order) {
    const [x, y] = [a[column], b[column]];
    if (x === y) continue;
    if (x === null || x === undefined) return down ? -1 : 1; // PostgreSQL: NULLS LAST upwards, first downwards
    if (y === null || y === undefined) return down ? 1 : -1;
    return (x < y ? -1 : 1) * (down ? -1 : 1);
  }
  return 0;
}

// ---- answers ----

// One row: { plain, named, assets } are the shapes, `model` its name among the assets.
export function showRow({ state, params }, row, { plain, named, assets }, status = 200) {
  if (isOn(params.expand)) return { status, body: named(state, row) };
  if (!isOn(params.full)) return { status, body: plain(state, row) };
  const found = {};
  assets(state, row, found);
  return { status, body: { id: row.id, assets: found } };
}

export function showRows({ state, params }, rows, total, { plain, named, assets }) {
  if (isOn(params.expand)) return { status: 200, body: rows.map((row) => named(state, row)) };
  if (!isOn(params.full)) return { status: 200, body: rows.map((row) => plain(state, row)) };
  const found = {};
  for (const row of rows) assets(state, row, found);
  return { status: 200, body: { record_ids: rows.map(({ id }) => id), assets: found, total_count: total } };
}

// What a search answers, in the shape that newer versions share.
export function showFound(ctx, rows, total, shapes) {
  if (isOn(ctx.params.only_total_count)) return { status: 200, body: { total_count: total } };
  const answer = showRows(ctx, rows, total, shapes);
  if (!isOn(ctx.params.with_total_count) || isOn(ctx.params.full)) return answer;
  return { status: 200, body: { records: answer.body, total_count: total } };
}

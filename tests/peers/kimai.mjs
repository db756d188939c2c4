#!/usr/bin/env node
// kimai.mjs - a stand-in for Kimai 2.66.0: stateful, with its rules, its traps and its mistakes.
//
//   node tests/peers/kimai.mjs --port 0 --seed 1 --data month
//   const kimai = await startKimai({ seed: 1, now: '2026-11-20T09:00:00Z' });

import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { Access } from './kimai/access.mjs';
import { Config } from './kimai/config.mjs';
import { fillMonth } from './kimai/data.mjs';
import { Refusal, refuse } from './kimai/errors.mjs';
import { inGerman } from './kimai/german.mjs';
import { encode } from './kimai/json.mjs';
import { BLANKS, nextNumber, routes as masterRoutes } from './kimai/masters.mjs';
import { newUser, routes as peopleRoutes } from './kimai/people.mjs';
import { Permissions } from './kimai/roles.mjs';
import { isBillable, ratesOf } from './kimai/rules.mjs';
import { Store } from './kimai/store.mjs';
import { routes as listRoutes } from './kimai/timesheet_list.mjs';
import { routes as sheetRoutes } from './kimai/timesheets.mjs';
import { Views } from './kimai/views.mjs';
import { instant } from './support/clock.mjs';
import { runByHand } from './support/command.mjs';
import { ControlError } from './support/control.mjs';
import { contractOf } from './support/openapi.mjs';
import { Peer } from './support/peer.mjs';
import { hashOf } from './support/random.mjs';

const LEGACY_TRIES = 5; // wrong X-AUTH-TOKENs a minute and address
const MINUTE = 60_000;

const gone = () => refuse(410);

const systemRoutes = {
  '/api/ping': { GET: () => ({ message: 'pong' }) },
  '/api/version': {
    GET: ({ kimai }) => ({ version: kimai.version, versionId: versionId(kimai.version), copyright: `Kimai ${kimai.version} by Kevin Papst.` }),
  },
  '/api/plugins': { GET: ({ kimai }) => kimai.plugins },
  '/api/config/timesheet': {
    GET: ({ config }) => ({
      trackingMode: config.text('timesheet.mode'),
      defaultBeginTime: config.text('timesheet.default_begin'),
      activeEntriesHardLimit: config.number('timesheet.active_entries.hard_limit'),
      isAllowFutureTimes: config.allows('future_times'),
      isAllowOverlapping: config.allows('overlapping_records'),
    }),
  },
  '/api/customers/{id}/team': { POST: gone },
  '/api/projects/{id}/team': { POST: gone },
  '/api/activities/{id}/team': { POST: gone },
};

function versionId(version) {
  const [major, minor, patch] = version.split('.').map(Number);
  return major * 10_000 + minor * 100 + patch;
}

// What a real Kimai has and this one lacks. A test that needs it must notice, and not take a 404 for an answer.
const LACKING = new RegExp('^/api/(actions|dashboard|export|favorites|invoices)(/|$)|/(rates|comments)(/|$)|^/api/projects/\\d+/duplicate$|' +
  '^/api/(customers|projects|activities)/\\d+/meta$|^/api/users/(\\d+/preferences|roles/|api-token/)|^/api/config/colors$');

// A parameter is a number, so /timesheets/active is no id.
const ROUTES = [systemRoutes, peopleRoutes, masterRoutes, listRoutes, sheetRoutes].flatMap(Object.entries).reduce((routes, [path, methods]) => {
  const same = routes.find((route) => route.path === path);
  if (same) Object.assign(same.methods, methods);
  else routes.push({ path, methods: { ...methods }, pattern: new RegExp(`^${path.replace(/\{(\w+)\}/g, '(?<$1>\\d+)')}$`) });
  return routes;
}, []);

export class Kimai extends Peer {
  #options;
  #badTries = new Map(); // address -> list of times

  // openapi: the file of the contract that requests are checked against. data: "month". Further options: see Peer.
  constructor({ version = '2.66.0', plugins = [], openapi, ...options } = {}) {
    super({ name: 'kimai', check: openapi ? contractOf(openapi) : undefined, ...options });
    Object.assign(this, { version, plugins });
    this.#options = options;
    this.reset();
  }

  // The token of the administrator, who may do all (ROLE_SUPER_ADMIN) and is user 1.
  get token() {
    return this.tokenOf('admin');
  }

  // A token that a user with that name is given when he is made; always the same for the same seed.
  tokenOf(username) {
    const part = (n) => hashOf(`${this.seed} ${username} ${n}`).toString(16).padStart(8, '0');
    return [1, 2, 3].map(part).join('');
  }

  reset() {
    this.state = new Store();
    this.config = new Config();
    this.permissions = new Permissions();
    this.views = new Views(this.state);
    this.#badTries.clear();
    this.addUser({ username: 'admin', email: 'admin@example.com', roles: ['ROLE_SUPER_ADMIN'] });
    this.config.set(this.#options.config ?? {});
    if (this.#options.data === 'month') fillMonth(this);
  }

  encode(value) {
    return encode(value);
  }

  // ---- a request ----

  answer(request) {
    try {
      return this.#route(request);
    } catch (error) {
      if (error instanceof Refusal) return error.answer;
      throw error;
    }
  }

  #route(request) {
    const { method, path, query } = request;
    if (!path.startsWith('/api/')) return this.#page(path);
    const user = this.#authenticated(request);
    if (path.endsWith('/') && method === 'GET') return { status: 301, headers: { Location: `${this.url}${path.replace(/\/+$/, '')}` }, body: '' };
    const found = ROUTES.find(({ pattern }) => pattern.test(path));
    if (!found && LACKING.test(path)) throw new Error(`${method} ${path}: Kimai has it, this stand-in does not`);
    const handler = found ? found.methods[method] ?? refuse(405) : refuse(404);
    const { state: store, config, views } = this;
    const access = new Access(store, this.permissions, user);
    const body = method === 'GET' ? {} : bodyOf(request);
    const call = { kimai: this, request, query, body, access, user, zone: user.timezone, now: request.now, store, config, views };
    const result = inLanguage(user, () => handler(call, { ...found.pattern.exec(path).groups }));
    if (result === undefined) return { status: 204 };
    return result.status ? result : { status: 200, body: result };
  }

  // The pages for people, as far as somebody meets them who gives a wrong address.
  #page(path) {
    const html = { 'Content-Type': 'text/html; charset=UTF-8' };
    const isLogin = /^\/(\w{2}(_\w+)?\/)?login$/.test(path);
    if (isLogin) return { status: 200, headers: html, body: '<!DOCTYPE html>\n<html><head><title>Kimai</title></head></html>\n' };
    return { status: 302, headers: { ...html, Location: `${this.url}/en/login` }, body: '' };
  }

  #authenticated({ headers, now, ip }) {
    const bearer = /^Bearer\s+([\w\-+~/.]+=*)$/.exec(headers.authorization ?? '');
    if (bearer) return this.#ofToken(bearer[1], now);
    if ('x-auth-user' in headers && 'x-auth-token' in headers) return this.#ofPassword(headers['x-auth-user'], headers['x-auth-token'], ip, now);
    throw new Refusal(401, { code: 401, message: 'Unauthorized' });
  }

  #ofToken(token, now) {
    const known = this.state.tokens.get(token);
    const user = known && this.state.users.get(known.user);
    if (user?.enabled && !(known.expires <= now)) return user;
    const challenge = 'Bearer error="invalid_token",error_description="Invalid credentials."';
    throw new Refusal(401, '', { 'Content-Type': 'text/html; charset=UTF-8', 'WWW-Authenticate': challenge });
  }

  #ofPassword(name, password, ip, now) {
    const user = [...this.state.users.values()].find(({ username, email }) => username === name || email === name);
    if (user?.enabled && user.apiToken !== undefined && user.apiToken === password) return user;
    const tries = (this.#badTries.get(ip) ?? []).filter((at) => at > now - MINUTE);
    this.#badTries.set(ip, [...tries, now]);
    if (tries.length >= LEGACY_TRIES) refuse(400);
    throw new Refusal(403, { message: 'Invalid credentials' });
  }

  // ---- behind the API: for tests, and for /_control ----

  // Returns the user with a token for him. apiToken: the password of the old X-AUTH headers.
  addUser({ token, ...values }) {
    const user = this.state.add('users', { ...newUser(), ...values });
    return { ...user, token: this.addToken({ user: user.id, token: token ?? this.tokenOf(user.username) }).token };
  }

  addToken({ user, token = this.tokenOf(`${user} ${this.state.tokens.size}`), expires }) {
    if (!this.state.users.has(user)) throw new ControlError(`there is no user ${user}`, 404);
    this.state.tokens.set(token, { user, expires: expires === undefined ? undefined : instant(expires) });
    return { token };
  }

  // kind: customer, project, activity; a customer is made with a name, a project with a name and a customer.
  addMaster(kind, values) {
    const rows = { customer: 'customers', project: 'projects', activity: 'activities' }[kind];
    if (kind === 'project') this.#row('customers', values.customer);
    return this.state.add(rows, { ...BLANKS[kind](), number: nextNumber(this.state[rows]), ...values });
  }

  addCustomer(values) {
    return this.addMaster('customer', values);
  }

  addProject(values) {
    return this.addMaster('project', values);
  }

  addActivity(values) {
    return this.addMaster('activity', values);
  }

  addTag({ name, color = null, visible = true }) {
    return this.state.add('tags', { name, color, visible });
  }

  addTeam({ name, color = null, members = [] }) {
    return this.state.add('teams', { name, color, members: members.map(({ user, teamlead = false }) => ({ user, teamlead })) });
  }

  // A timesheet as if somebody had made it on the pages: no rule is asked. begin, end: times or milliseconds; tags: names.
  addSheet(values) {
    const sheet = { description: null, fixedRate: null, hourlyRate: null, exported: false, tags: [], end: null, ...this.#sheetValues(values) };
    const owner = this.#row('users', sheet.user);
    this.#row('projects', sheet.project);
    this.#row('activities', sheet.activity);
    sheet.duration ??= sheet.end === null ? 0 : Math.floor((sheet.end - sheet.begin) / 1000);
    sheet.billable ??= isBillable(sheet, this.state);
    return this.state.addSheet({ ...sheet, ...ratesOf(sheet, owner), zone: owner.timezone, modified: sheet.modified ?? this.#second() });
  }

  addSheets(list) {
    if (list.length > 100) this.state.bulk();
    return list.map((values) => this.addSheet(values));
  }

  // modified: undefined for now; a test may set it to what it was.
  editSheet(id, values) {
    const sheet = this.#row('sheets', id);
    const changed = { ...sheet, ...this.#sheetValues(values) };
    if (values.duration === undefined && (values.begin !== undefined || values.end !== undefined)) {
      changed.duration = changed.end === null ? 0 : Math.floor((changed.end - changed.begin) / 1000);
    }
    const owner = this.#row('users', changed.user);
    const modified = values.modified === undefined ? this.#second() : instant(values.modified);
    this.state.changeSheet(sheet, { ...changed, ...ratesOf(changed, owner), zone: owner.timezone, modified });
    return this.shownSheet(sheet);
  }

  deleteSheet(id) {
    this.state.removeSheet(this.#row('sheets', id));
  }

  exportSheet(id, exported = true) {
    return this.editSheet(id, { exported });
  }

  // A timesheet for tests: times in UTC (2026-11-20T09:00:00Z), tags by name.
  shownSheet({ searched, tags, begin, end, modified, ...rest }) {
    const utc = (ms) => (ms === null ? null : `${new Date(ms).toISOString().slice(0, 19)}Z`);
    return { ...rest, tags: tags.map((id) => this.state.tags.get(id).name), begin: utc(begin), end: utc(end), modified: utc(modified) };
  }

  sheets() {
    return [...this.state.sheets.values()].map((sheet) => this.shownSheet(sheet));
  }

  snapshot() {
    const rows = (kind) => [...this.state[kind].values()];
    const masters = Object.fromEntries(['users', 'customers', 'projects', 'activities', 'tags', 'teams'].map((kind) => [kind, rows(kind)]));
    return { version: this.version, config: this.config.all(), ...masters, timesheets: this.sheets() };
  }

  controls() {
    const change = (kind) => (values, { id }) => Object.assign(this.#row(kind, Number(id)), values);
    return {
      'GET config': () => this.config.all(),
      'POST config': (values) => this.config.set(values),
      'POST permissions': ({ role, permission, allowed = true }) => this.permissions.set(role, permission, allowed),
      'POST users': (values) => this.addUser(values),
      'PATCH users/:id': change('users'),
      'POST tokens': (values) => this.addToken(values),
      'DELETE tokens/:token': (_, { token }) => this.state.tokens.delete(token),
      'POST customers': (values) => this.addCustomer(values),
      'PATCH customers/:id': change('customers'),
      'POST projects': (values) => this.addProject(values),
      'PATCH projects/:id': change('projects'),
      'POST activities': (values) => this.addActivity(values),
      'PATCH activities/:id': change('activities'),
      'POST tags': (values) => this.addTag(values),
      'POST teams': (values) => this.addTeam(values),
      'GET timesheets': () => this.sheets(),
      'GET timesheets/:id': (_, { id }) => this.shownSheet(this.#row('sheets', Number(id))),
      'POST timesheets': (values) => (Array.isArray(values) ? this.addSheets(values).map(({ id }) => id) : this.shownSheet(this.addSheet(values))),
      'PATCH timesheets/:id': (values, { id }) => this.editSheet(Number(id), values),
      'DELETE timesheets/:id': (_, { id }) => this.deleteSheet(Number(id)),
      'POST timesheets/:id/export': ({ exported = true }, { id }) => this.exportSheet(Number(id), exported),
    };
  }

  #sheetValues({ begin, end, tags, ...rest }) {
    const values = { ...rest };
    if (begin !== undefined) values.begin = instant(begin);
    if (end !== undefined) values.end = end === null ? null : instant(end);
    if (tags !== undefined) values.tags = tags.map((name) => (this.state.tagNamed(name) ?? this.addTag({ name })).id);
    return values;
  }

  #row(kind, id) {
    const row = this.state[kind].get(id);
    if (!row) throw new ControlError(`there is no ${id} among the ${kind}`, 404);
    return row;
  }

  #second() {
    return Math.floor(this.clock.now() / 1000) * 1000;
  }
}

// What act() answers, or its refusal in the language of the user.
function inLanguage(user, act) {
  try {
    return act();
  } catch (error) {
    if (error instanceof Refusal && user.language.startsWith('de')) error.answer = inGerman(error.answer);
    throw error;
  }
}

// PHP reads no JSON whose texts are not Unicode: broken UTF-8, or half of a surrogate pair.
function isUnicode(value) {
  if (typeof value === 'string') return value.isWellFormed();
  return value === null || typeof value !== 'object' || Object.entries(value).every(([key, one]) => key.isWellFormed() && isUnicode(one));
}

// What FOSRest makes of a body: an object of JSON or of a form, nothing of another type.
function bodyOf({ body, isUtf8, headers }) {
  const type = (headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
  if (body === '') return {};
  if (type === 'application/x-www-form-urlencoded') return Object.fromEntries(new URLSearchParams(body));
  if (!/^application\/(.+\+)?json$/.test(type)) return {};
  let value;
  try {
    value = JSON.parse(body);
  } catch {
    refuse(400);
  }
  return isUtf8 && value !== null && typeof value === 'object' && isUnicode(value) ? value : refuse(400);
}

export function startKimai(options) {
  return new Kimai(options).start();
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await runByHand({
    file: 'tests/peers/kimai.mjs',
    about: 'A stand-in for Kimai 2.66.0, to be tried and tested against. Its administrator may do all; /_control steers it (tests/peers/README.md).',
    more: { openapi: { type: 'string', takes: 'FILE', says: 'check each request against this contract; see /_control/violations' } },
    start: startKimai,
    line: (kimai) => `token: ${kimai.token}`,
  });
}

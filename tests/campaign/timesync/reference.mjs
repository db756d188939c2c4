// reference.mjs - a sync of a few hundred lines, so that the model is known to accept a right one, and to catch each wrong one.
//
// It does one thing after the other, keeps all in memory, and forgets nothing in a crash. `wrong` names a mistake that it makes:
// see MISTAKES. It speaks HTTP to both peers as the real one does.

import { setTimeout as sleep } from 'node:timers/promises';

import { floorTo, secondsOf, storedTimes } from './judge.mjs';
import { markerOf } from './world.mjs';

export const MISTAKES = {
  doubles: 'makes a timesheet once more when it does not know whether it is there',
  impatient: 'looks at once whether it is there, and not when it must be',
  loses: 'takes for done what it has only begun',
  touchesExported: 'changes and deletes what is exported',
  missesEdits: 'does not look at entries that it has moved',
  missesDeletions: 'does not ask what is gone',
  neverCloses: 'leaves cases open that have solved themselves',
  readsOnePage: 'reads the first page of timesheets only',
  matchesPrefix: 'takes TA:61 for TA:6',
  truncates: 'takes 7.5 for 7',
  beginsAtEnd: 'lets time begin when it was booked',
  forgetsAgents: 'books all on the owner of its token',
  comparesText: 'compares times as the server prints them',
  takesOthers: 'takes the timesheets of another sync for its own',
  decidesForAll: 'carries out what was decided for some on all',
  silent: 'drops what it cannot move, and tells nobody',
  miscounts: 'counts what failed as created as well',
};

export class Crashed extends Error {}
class Failed extends Error {}
class Unknown extends Error {}

let marks = 1;
const PARTS = ['created', 'updated', 'unchanged', 'deleted', 'skipped', 'to_decide', 'failed'];
const iso = (ms) => new Date(ms).toISOString().slice(0, 19) + 'Z';

export class Reference {
  #entries = new Map(); // entry's id -> what is known of it
  #cases = new Map(); // entry's id -> the open one
  #runs = [];
  #undo = [];
  #life; // AbortController of this life
  #places = new Map();
  #off = new Set();

  constructor({ wrong } = {}) {
    this.wrong = wrong;
  }

  async start(world, { rules, unmapped, rounding }) {
    this.mark = (0x10000000 + marks++).toString(16);
    Object.assign(this, { world, rules, rounding });
    this.numbers = rules.project_number ?? 'TID-{id}';
    this.tokens = { zammad: world.zammad.token, kimai: world.kimai.token };
    this.mapped = new Map(world.activities);
    for (const type of unmapped) this.mapped.delete(type);
    await this.revive();
  }

  async stop() {
    this.kill();
  }

  kill() {
    this.#life?.abort();
    this.#life = undefined;
  }

  async revive() {
    this.#life ??= new AbortController();
  }

  async map(type, on) {
    if (on) this.mapped.set(type, this.world.activities.get(type));
    else this.mapped.delete(type);
  }

  async renew(side) {
    this.tokens[side] = this.world[side].token;
  }

  async release() {}

  async edit(rules) {
    this.rules = { ...this.rules, ...rules };
  }

  // A side that is switched off is not asked.
  async enable(side, on) {
    if (on) this.#off.delete(side);
    else this.#off.add(side);
  }

  async cancel() {}

  async state() {
    return { runs: this.#runs, cases: [...this.#cases.values()], entries: this.#entries };
  }

  // ---- HTTP ----

  async #ask(side, method, path, { body, headers = {} } = {}) {
    const signal = this.#life?.signal;
    if (!signal || signal.aborted) throw new Crashed();
    if (this.#off.has(side)) throw new Failed(`${side} is switched off`);
    const authorization = side === 'kimai' ? `Bearer ${this.tokens.kimai}` : `Token token=${this.tokens.zammad}`;
    let answer, text;
    try {
      answer = await fetch(`${this.world[side].url}${path}`, {
        method, signal, redirect: 'manual', body: body && JSON.stringify(body),
        headers: { Accept: 'application/json', Authorization: authorization, ...(body && { 'Content-Type': 'application/json' }), ...headers },
      });
      text = await answer.text();
    } catch (error) {
      if (signal.aborted) throw new Crashed();
      throw new (method === 'GET' ? Failed : Unknown)(error.message);
    }
    if (signal.aborted) throw new Crashed();
    const { status } = answer;
    let json;
    try {
      json = text === '' ? undefined : JSON.parse(text);
    } catch {
      throw new (method === 'GET' ? Failed : Unknown)('no JSON');
    }
    if (status === 404 && /timesheets/.test(path)) return { status, json };
    if (status >= 500 || (status >= 300 && status < 400)) throw new (method === 'GET' ? Failed : Unknown)(String(status));
    if (status === 400) return { status, json };
    if (status >= 400) throw new Failed(String(status));
    return { status, json, headers: answer.headers };
  }

  async #pages(side, path, size, { first = 1 } = {}) {
    const all = [];
    for (let page = first; ; page++) {
      const { status, json } = await this.#ask(side, 'GET', `${path}&page=${page}&${side === 'kimai' ? 'size' : 'per_page'}=${size}`);
      if (status === 404) return all;
      if (!Array.isArray(json)) throw new Failed('no list');
      if (json.length === 0) return all;
      all.push(...json);
      if (this.wrong === 'readsOnePage' && side === 'kimai') return all;
    }
  }

  // ---- a pass ----

  async pass(kind, { only } = {}) {
    const run = { id: this.#runs.length + 1, kind, state: 'reading', examined: 0, ...Object.fromEntries(PARTS.map((part) => [part, 0])) };
    this.#runs.push(run);
    try {
      const rows = await this.#read();
      const size = this.wrong === 'readsOnePage' ? 5 : 100;
      const sheets = kind === 'full' || kind === 'decide' ? await this.#pages('kimai', '/api/timesheets?user=all&orderBy=id&order=ASC', size) : undefined;
      for (const id of new Set([...rows.keys(), ...this.#entries.keys()])) {
        if (only && !only(id)) continue;
        if (!rows.has(id) && kind === 'poll') continue;
        await this.#one(run, id, rows.get(id), sheets);
      }
      run.state = 'done';
    } catch (error) {
      run.state = 'failed';
      run.detail = error.message;
      if (error instanceof Crashed) throw error;
      if (!(error instanceof Failed) && !(error instanceof Unknown)) throw error;
    }
    return run;
  }

  async #read() {
    const accountings = await this.#pages('zammad', '/api/v1/time_accountings?sort_by=id&order_by=asc', 100);
    const rows = new Map();
    const tickets = new Map();
    const agents = new Map();
    for (const row of accountings) {
      const { ticket_id: id, created_by_id: by } = row;
      if (!tickets.has(id)) tickets.set(id, (await this.#ask('zammad', 'GET', `/api/v1/tickets/${id}?expand=true`)).json);
      if (!agents.has(by)) agents.set(by, (await this.#ask('zammad', 'GET', `/api/v1/users/${by}`)).json);
      rows.set(row.id, { ...row, ticket: tickets.get(id), agent: agents.get(by) });
    }
    this.users ??= (await this.#ask('kimai', 'GET', '/api/users')).json;
    return rows;
  }

  #marker({ ticket_id: ticket, id }) {
    return `ZAM:T${ticket}|TA:${id}|C:${this.mark}`;
  }

  #count(run, part) {
    run.examined++;
    run[part]++;
    if (this.wrong === 'miscounts' && part === 'failed') run.created++;
  }

  async #one(run, id, row, sheets) {
    if (!this.#entries.has(id)) this.#entries.set(id, { state: 'waiting', reason: '', marker: this.#marker(row) });
    const entry = this.#entries.get(id);
    if (this.wrong === 'missesDeletions' && !row) return this.#count(run, 'unchanged');
    try {
      const part = await this.#settled(id, entry, row, sheets);
      return this.#count(run, part);
    } catch (error) {
      if (error instanceof Crashed) throw error;
      entry.state = 'failed';
      return this.#count(run, 'failed');
    }
  }

  // First what became of a request whose end nobody knows.
  async #settled(id, entry, row, sheets) {
    if (!entry.intent) return this.#compared(id, entry, row, sheets);
    const { intent, intentAt } = entry;
    const left = intentAt + this.world.settleMs - Date.now();
    if (left > 0 && this.wrong !== 'impatient' && this.wrong !== 'doubles') await sleep(left + 50, undefined, { signal: this.#life?.signal }).catch(() => {});
    const found = intent === 'create' ? await this.#findMarker(id, entry) : await this.#get(entry.sheet);
    if (this.wrong !== 'doubles' && intent === 'create' && found) {
      this.#link(entry, found);
      if (!this.#is(found, entry.sent)) entry.base = { ...found, duration: -1 }; // somebody was quicker: an edit, like another
    }
    if (intent === 'update' && found && this.#is(found, entry.sent)) this.#link(entry, found);
    if (intent === 'remove' && !found) entry.sheet = undefined;
    entry.intent = undefined;
    return this.#compared(id, entry, row, undefined);
  }

  #link(entry, sheet) {
    Object.assign(entry, { sheet: sheet.id, base: sheet, state: 'synced', pushed: entry.sent });
  }

  async #findMarker(id, entry) {
    const all = await this.#pages('kimai', '/api/timesheets?user=all&orderBy=id&order=ASC', 100);
    return all.find((sheet) => this.#hasMarker(sheet, id, entry));
  }

  #hasMarker({ description }, id, { marker }) {
    if (this.wrong === 'matchesPrefix') return (description ?? '').includes(`TA:${id}`);
    const line = (description ?? '').split('\n', 1)[0];
    return this.wrong === 'takesOthers' ? line.split('|C:')[0] === marker.split('|C:')[0] : line === marker;
  }

  async #get(id) {
    const { status, json } = await this.#ask('kimai', 'GET', `/api/timesheets/${id}`);
    return status === 404 ? undefined : json;
  }

  // ---- comparing ----

  // What the rules make of it: a body for Kimai, or a reason.
  async #wanted(row, entry) {
    const amount = this.wrong === 'truncates' ? BigInt(Math.trunc(Number(row.time_unit))) * 1_000_000n : BigInt(Math.round(Number(row.time_unit) * 1e6));
    const seconds = secondsOf(amount, this.rules.minutes_per_unit);
    if (seconds < 0) return { why: 'NEGATIVE_AMOUNT', skip: this.rules.negative === 'skip' };
    if (seconds === 0) return { why: 'ZERO_AMOUNT', skip: this.rules.zero === 'skip' };
    const user = this.users.find(({ id }) => id === this.world.users.get(row.agent.id));
    if (!user) return { why: 'UNMAPPED_USER' };
    if (!this.mapped.has(row.type_id)) return { why: 'UNMAPPED_ACTIVITY' };
    const at = Date.parse(row.created_at);
    const begins = this.rules.anchor === 'begins' || this.wrong === 'beginsAtEnd';
    const booked = floorTo(at, 60_000);
    const begin = begins ? booked : booked - seconds * 1000;
    const project = entry.base && entry.base.project && entry.marker !== this.#marker(row) ? entry.base.project : await this.#project(row.ticket);
    for (const name of this.rules.tags) await this.#tag(name);
    const billable = { always: true, never: false }[this.rules.billable];
    return {
      begin: iso(begin), end: iso(begin + seconds * 1000), project, activity: this.mapped.get(row.type_id),
      description: `${entry.marker}\n${row.ticket.number} ${row.ticket.title}`, tags: this.rules.tags.join(), ...(billable !== undefined && { billable }),
      ...(this.wrong !== 'forgetsAgents' && { user: user.id }),
    };
  }

  async #tag(name) {
    if (!this.#places.has(`tag ${name}`)) await this.#ask('kimai', 'POST', '/api/tags', { body: { name, visible: true } });
    this.#places.set(`tag ${name}`, true);
  }

  async #place(kind, number, body) {
    if (!this.#places.has(number)) {
      // One whose making was cut may still come.
      const begun = this.#places.get(`${number} begun`);
      if (begun) await sleep(Math.max(0, begun + this.world.settleMs + 50 - Date.now()), undefined, { signal: this.#life?.signal }).catch(() => {});
      const list = (await this.#ask('kimai', 'GET', `/api/${kind}?visible=3${kind === 'projects' ? '&ignoreDates=1' : ''}`)).json;
      let row = list.find((one) => one.number === number);
      if (!row) {
        this.#places.set(`${number} begun`, Date.now());
        row = (await this.#ask('kimai', 'POST', `/api/${kind}`, { body: { ...body, number, visible: true } })).json;
      }
      if (row.id === undefined) throw new Failed(`${kind} ${number}: somebody was quicker`);
      this.#places.set(number, row.id);
    }
    return this.#places.get(number);
  }

  async #project({ id, number, organization_id: firm, organization }) {
    const customer = await this.#place('customers', `OID-${firm}`, { name: organization, country: 'DE', currency: 'EUR', timezone: 'Europe/Berlin' });
    return this.#place('projects', this.numbers.replace('{id}', id), { name: `Ticket-${number}`, customer, globalActivities: true });
  }

  // Is it what was sent, as Kimai rounds it?
  #is(sheet, wanted) {
    if (!wanted || wanted.why) return false;
    const stored = storedTimes(Date.parse(wanted.begin), Date.parse(wanted.end), this.rounding);
    const isRounded = Date.parse(sheet.begin) === stored.begin && Date.parse(sheet.end) === stored.end;
    return isRounded && sheet.activity === wanted.activity && sheet.project === wanted.project &&
      sheet.description === wanted.description && sheet.user === (wanted.user ?? sheet.user) && sheet.billable === (wanted.billable ?? sheet.billable);
  }

  #same(a, b) {
    if (this.wrong === 'comparesText' && (a.begin !== b.begin || a.end !== b.end)) return false;
    const shape = ({ begin, end, duration, project, activity, user, description, tags, billable }) =>
      JSON.stringify([Date.parse(begin), Date.parse(end), duration, project, activity, user, description, [...tags].sort(), billable]);
    return shape(a) === shape(b);
  }

  async #compared(id, entry, row, sheets) {
    const mine = sheets?.filter((sheet) => this.#hasMarker(sheet, id, entry)) ?? [];
    if (mine.length > 1) return this.#case(id, entry, 'DUPLICATE');
    if (entry.chosen === 'skip') return this.#end(id, entry, 'skipped', 'skipped', entry.reason);
    if (entry.chosen === 'unfollow') return this.#end(id, entry, 'skipped', 'unfollowed');
    if (!entry.sheet && mine.length === 1) this.#link(entry, mine[0]);
    if (!row) return this.#gone(id, entry, sheets && mine[0]);
    const wanted = await this.#wanted(row, entry);
    if (wanted.why) {
      if (wanted.skip && !entry.sheet) return this.#end(id, entry, 'skipped', 'skipped');
      if (this.wrong === 'silent') return this.#end(id, entry, 'skipped', 'skipped');
      return wanted.skip ? this.#gone(id, entry) : this.#case(id, entry, wanted.why);
    }
    if (!entry.sheet) return this.#create(id, entry, wanted);
    if (this.wrong === 'missesEdits') return this.#end(id, entry, 'unchanged', 'synced');
    const isOld = JSON.stringify(wanted) !== JSON.stringify(entry.pushed);
    if (!isOld && !sheets && !this.#cases.has(id)) return this.#end(id, entry, 'unchanged', 'synced');
    const now = await this.#get(entry.sheet);
    if (!now) return this.#absent(id, entry, wanted);
    if (!this.#same(now, entry.base) && !this.#is(now, wanted)) {
      if (this.rules.target_edited === 'unfollow') {
        entry.chosen = 'unfollow';
        return this.#end(id, entry, 'skipped', 'unfollowed');
      }
      if (this.rules.target_edited === 'decide') return this.#case(id, entry, isOld ? 'BOTH_CHANGED' : 'TARGET_CHANGED');
      return this.#update(id, entry, wanted, now);
    }
    if (!isOld || this.#is(now, wanted)) {
      Object.assign(entry, { base: now, pushed: wanted });
      return this.#end(id, entry, 'unchanged', 'synced');
    }
    return this.#update(id, entry, wanted, now);
  }

  #absent(id, entry, wanted) {
    if (this.rules.target_deleted === 'decide') return this.#case(id, entry, 'DELETED_TARGET');
    entry.sheet = undefined;
    if (this.rules.target_deleted === 'create') return this.#create(id, entry, wanted);
    entry.chosen = 'skip';
    return this.#end(id, entry, 'skipped', 'skipped', 'DELETED_TARGET');
  }

  async #gone(id, entry, other) {
    const now = entry.sheet && (await this.#get(entry.sheet));
    if (!now && other) return this.#case(id, entry, 'DELETED_SOURCE'); // somebody copied it, and deleted the original
    if (!now) {
      entry.sheet = undefined;
      return this.#end(id, entry, 'skipped', 'gone');
    }
    if (now.exported && this.wrong !== 'touchesExported') return this.#case(id, entry, 'LOCKED_OR_EXPORTED');
    if (!this.#same(now, entry.base)) return this.#case(id, entry, 'BOTH_CHANGED');
    return this.rules.source_deleted === 'remove' ? this.#remove(id, entry) : this.#case(id, entry, 'DELETED_SOURCE');
  }

  // ---- endings ----

  #end(id, entry, part, state, reason = '') {
    Object.assign(entry, { state, reason });
    if (this.wrong !== 'neverCloses') this.#cases.delete(id);
    return part;
  }

  #case(id, entry, reason) {
    entry.state = 'deciding';
    this.#cases.set(id, { id, entry: id, reason, state: 'open', actions: ['retry', 'keep', 'update', 'unfollow', 'skip', 'remove', 'create', 'dismiss'] });
    return 'to_decide';
  }

  async #create(id, entry, wanted) {
    Object.assign(entry, { intent: 'create', intentAt: Date.now(), sent: wanted });
    if (this.wrong === 'loses') Object.assign(entry, { intent: undefined, state: 'synced', sheet: -1, base: {}, pushed: wanted });
    const { status, json } = await this.#ask('kimai', 'POST', '/api/timesheets', { body: wanted });
    entry.intent = undefined;
    if (status !== 200) return this.#case(id, entry, 'CREATION_ERROR');
    this.#link(entry, json);
    this.#undo.push(id);
    return this.#end(id, entry, 'created', 'synced');
  }

  async #update(id, entry, wanted, now) {
    if (now.exported && this.wrong !== 'touchesExported') return this.#case(id, entry, 'LOCKED_OR_EXPORTED');
    Object.assign(entry, { intent: 'update', intentAt: Date.now(), sent: wanted });
    const { status, json } = await this.#ask('kimai', 'PATCH', `/api/timesheets/${entry.sheet}`, { body: wanted });
    entry.intent = undefined;
    if (status !== 200) return this.#case(id, entry, 'OTHER');
    this.#link(entry, json);
    return this.#end(id, entry, 'updated', 'synced');
  }

  async #remove(id, entry) {
    Object.assign(entry, { intent: 'remove', intentAt: Date.now() });
    await this.#ask('kimai', 'DELETE', `/api/timesheets/${entry.sheet}`);
    Object.assign(entry, { intent: undefined, sheet: undefined });
    return this.#end(id, entry, 'deleted', 'gone');
  }

  // ---- a person ----

  async decide({ entry: id }, action) {
    const entry = this.#entries.get(id);
    if (action === 'skip' || action === 'unfollow') Object.assign(entry, { chosen: action, reason: 'CHOSEN' });
    if (action === 'keep' && entry.sheet) {
      const now = await this.#get(entry.sheet);
      if (now) entry.base = now;
    }
    this.#cases.delete(id);
    await this.pass('decide', { only: (one) => one === id });
  }

  async decideAll(reason, action) {
    const all = [...this.#cases.values()].filter((one) => this.wrong === 'decidesForAll' || one.reason === reason);
    for (const one of all) await this.decide(one, action);
    return [];
  }

  // Takes back what the last passes made.
  async undo() {
    const undone = this.#undo.splice(0);
    for (const id of undone) {
      const entry = this.#entries.get(id);
      const now = entry.sheet > 0 && !entry.intent && (await this.#get(entry.sheet));
      if (!now || now.exported || !this.#same(now, entry.base)) continue;
      await this.#remove(id, entry); // the next pass makes it anew
    }
  }
}

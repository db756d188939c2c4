// world.mjs - a Zammad and a Kimai side by side, with a record of whatever a sync did to Kimai's timesheets.
//
// Several histories live in one world, each on tickets of its own: a pass of the sync serves them all at once, and so does a crash.

import { slowness } from '../../e2e/support/server.mjs';
import { Faults } from '../../peers/support/faults.mjs';
import { Kimai } from '../../peers/kimai.mjs';
import { Zammad } from '../../peers/zammad.mjs';

const MARKER = /^ZAM:T(\d+)\|TA:(\d+)(?:\|C:([0-9a-f]{8}))?$/;
const MASTER = /^\/api\/(customers|projects|activities|tags|users)\/\d+$/;

// A sync that looks at a timesheet, and writes to it at once, does so within this time.
const RETRY_MS = 300; // of a webhook that was not taken
const RACE_MS = 1000 * slowness;

function bodyOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

// The entry that a timesheet's first line names, and its source: { ticket, entry, mark }.
export function markerOf(description) {
  const found = MARKER.exec((description ?? '').split(/\r?\n/, 1)[0]);
  return found ? { ticket: Number(found[1]), entry: Number(found[2]), mark: found[3] } : undefined;
}

// Faults that a test may tie to the n-th request of a kind from now on, and to something that happens at that moment.
class TimedFaults extends Faults {
  #armed = [];

  // act() at the nth request that fits; fault: what that request meets, or undefined.
  at({ nth, writes = false }, act, fault) {
    this.#armed.push({ left: nth, writes, act, fault });
  }

  clear() {
    super.clear();
    this.#armed = [];
  }

  choose(request) {
    for (const one of this.#armed) {
      if ((one.writes && request.method === 'GET') || --one.left !== 0) continue;
      one.act?.();
      if (one.fault) this.add({ ...one.fault, times: 1 });
    }
    this.#armed = this.#armed.filter(({ left }) => left > 0);
    return super.choose(request);
  }
}

// Kimai, and who did what to it by HTTP. A test that acts on it itself calls its methods and leaves no trace here.
class WatchedKimai extends Kimai {
  forbidden = []; // what no sync may ever do
  writes = []; // { at, method, path, sheet, entry, status, body }
  removals = new Map(); // timesheet's id -> the entry of its marker, of those that the sync removed
  written = new Map(); // timesheet's id -> whether it was billable when the sync wrote it
  #seen = new Map(); // timesheet's id -> when the sync last looked at it alone
  #exported = new Map(); // timesheet's id -> when it was exported
  #arrivals = new WeakMap(); // a request's headers -> what it was about when it came: a late one acts on another state

  constructor({ onLate, settleMs, ...options }) {
    super({ ...options, check: (request) => this.#arrived(request) });
    Object.assign(this, { onLate, settleMs });
    this.faults = new TimedFaults({ seed: this.seed });
  }

  #arrived(request) {
    if (request.method !== 'GET') this.#arrivals.set(request.headers, { at: this.clock.now(), exported: this.#subject(request)?.exported });
    return [];
  }

  #subject({ path }) {
    return this.state.sheets.get(Number(/^\/api\/timesheets\/(\d+)/.exec(path)?.[1]));
  }

  exportSheet(id, exported = true) {
    this.#exported.set(id, this.clock.now());
    return super.exportSheet(id, exported);
  }

  // It was exported in the moment between the look and the write: Kimai has no way to write on a condition.
  #isRace({ id }) {
    const [seen, exported] = [this.#seen.get(id) ?? 0, this.#exported.get(id) ?? 0];
    return exported >= seen && this.clock.now() - seen < RACE_MS;
  }

  answer(request) {
    if (request.method === 'GET') {
      const looked = this.#subject(request);
      if (looked) this.#seen.set(looked.id, this.clock.now());
      return super.answer(request);
    }
    const { method, path, body, headers } = request;
    const arrival = this.#arrivals.get(headers);
    const subject = this.#subject(request);
    const before = subject && this.shownSheet(subject);
    const answer = super.answer(request);
    const sheet = before?.id ?? (path === '/api/timesheets' ? answer.body?.id : undefined);
    const marker = markerOf((before ?? this.state.sheets.get(sheet))?.description);
    const entry = marker?.entry;
    this.writes.push({ at: this.clock.now(), method, path, sheet, entry, mark: marker?.mark ?? markerOf(bodyOf(body).description)?.mark, status: answer.status, body });
    if (answer.status >= 300) return answer;
    if (MASTER.test(path) && method === 'DELETE') this.forbidden.push(`${method} ${path}: its timesheets go with it`);
    if (before?.exported && arrival?.exported !== false && !this.#isRace(before)) {
      this.forbidden.push(`${method} ${path} ${body}: it is exported: ${JSON.stringify(before)}`);
    }
    if (answer.body?.id === sheet && 'billable' in answer.body) this.written.set(sheet, answer.body.billable);
    if (before && method === 'DELETE') this.removals.set(before.id, entry);
    if (arrival && this.clock.now() - arrival.at > this.settleMs) this.onLate(marker, method);
    return answer;
  }
}

export class World {
  known = new Map(); // entry's id -> { strand, name } of whoever made it
  views = []; // of each sync
  isPlaceVeryLate = false; // a customer or project came when nobody could expect it any more

  // rounding: { mode, begin, end, duration } as Kimai's administrator set it.
  constructor({ seed, settleMs, overlaps = true, rounding = {} }) {
    Object.assign(this, { seed, settleMs });
    this.zammad = new Zammad({ seed });
    this.zammad.faults = new TimedFaults({ seed });
    const config = overlaps ? {} : { 'timesheet.rules.allow_overlapping_records': '0' };
    for (const [name, value] of Object.entries(rounding)) config[`timesheet.rounding.default.${name}`] = String(value);
    // What comes when the sync may believe that it never will: no client can help that, but a full pass has to tell.
    const onLate = (marker, method) => {
      const of = this.views.find(({ mark }) => mark === marker?.mark);
      if (of) of.touch(marker.entry, `very late ${method}`);
      else this.isPlaceVeryLate = true;
    };
    this.kimai = new WatchedKimai({ seed, config, settleMs, onLate });
    this.zammad.control('POST', 'settings', { job_retry_ms: RETRY_MS });
  }

  async start() {
    await Promise.all([this.zammad.start(), this.kimai.start()]);
    const { cast, agents, types } = this.zammad.state;
    // The agents are the same people in both; the last one has no user in Kimai.
    this.users = new Map(); // agent's id -> user's id
    agents.slice(0, -1).forEach((agent, i) => {
      const { login, email, timezone } = cast.agents[i];
      this.users.set(agent.id, this.kimai.addUser({ username: login, email, timezone, roles: [] }).id);
    });
    this.activities = new Map(); // type's id -> activity's id
    for (const { id, name } of types.values()) this.activities.set(id, this.kimai.addActivity({ name }).id);
    this.foreign = this.#foreignSheets();
    return this;
  }

  async stop() {
    await Promise.all([this.zammad.stop(), this.kimai.stop()]);
  }

  // Timesheets that are nobody's business here, some of which look like ours.
  #foreignSheets() {
    const customer = this.kimai.addCustomer({ name: 'Someone else', country: 'DE', currency: 'EUR', timezone: 'Europe/Berlin' });
    const project = this.kimai.addProject({ name: 'Own work', customer: customer.id });
    const [activity] = this.activities.values();
    const texts = [null, 'Lunch', 'about ZAM:T1|TA:1', 'ZAM:T|TA:', 'TA:1', 'Ticket-1'];
    return texts.map((description, i) => {
      const begin = this.kimai.clock.now() - (i + 48) * 3_600_000;
      const { id } = this.kimai.addSheet({ user: 1, project: project.id, activity, begin, end: begin + 600_000, description });
      return { id, was: JSON.stringify(this.kimai.shownSheet(this.kimai.state.sheets.get(id))) };
    });
  }

  // ---- what there is ----

  entry(id) {
    return this.zammad.state.entries.get(id);
  }

  ticket(id) {
    return this.zammad.state.tickets.get(id);
  }

  // What one more sync may see and do.
  view() {
    this.views.push(new View(this));
    return this.views.at(-1);
  }

  touch(entry, what) {
    for (const view of this.views) view.touch(entry, what);
  }

  // Another ticket that an entry has been on: where its timesheet may have stayed.
  settleIn(entry, ticket) {
    this.known.get(entry)?.homes?.set(ticket, this.ticket(ticket).organization_id);
  }
}

// The world of one sync: of timesheets those with its mark, and what was done to them.
export class View {
  mark; // of its source, as it stands in its timesheets
  touched = new Map(); // entry's id -> Set of what was done to its timesheets behind the sync's back
  decided = new Map(); // entry's id -> list of what a person chose

  constructor(world) {
    this.world = world;
  }

  entry(id) {
    return this.world.entry(id);
  }

  ticket(id) {
    return this.world.ticket(id);
  }

  // All timesheets whose marker names an entry, by the entry's id.
  sheetsByEntry() {
    const by = new Map();
    for (const sheet of this.kimai.state.sheets.values()) {
      const marker = markerOf(sheet.description);
      if (marker?.mark === this.mark) by.set(marker.entry, [...(by.get(marker.entry) ?? []), sheet]);
    }
    return by;
  }

  sheetsOf(entry) {
    return this.sheetsByEntry().get(entry) ?? [];
  }

  touch(entry, what) {
    this.touched.set(entry, (this.touched.get(entry) ?? new Set()).add(what));
  }

  // one: { action, source, sheet, shown } as they were when it was chosen
  decide(entry, one) {
    this.decided.set(entry, [...(this.decided.get(entry) ?? []), one]);
  }
}

for (const name of ['seed', 'settleMs', 'zammad', 'kimai', 'known', 'users', 'activities', 'foreign', 'isPlaceVeryLate', 'views']) {
  Object.defineProperty(View.prototype, name, { get() {
    return this.world[name];
  } });
}

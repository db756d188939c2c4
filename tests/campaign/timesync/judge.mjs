// judge.mjs - what has to be true after the last quiet full pass, whatever happened before.
//
// The world says what is booked and what became of it, the sync what it believes; nothing here knows how a sync works. Where nobody
// touched an entry's timesheet, and no person decided anything, only one end is right, to the second. Where somebody did, the ends
// are those that the rules and the decisions leave; a person's case is one of them, silence is not.

import { markerOf } from './world.mjs';

const ONE = 1_000_000n; // amounts are millionths
const RUN_PARTS = ['created', 'updated', 'unchanged', 'deleted', 'skipped', 'to_decide', 'failed'];
const SEEN = ['keep', 'dismiss', 'adopt']; // a person looked, and it stays as it is: as long as it is so

const millionths = (text) => {
  const [whole, fraction = ''] = text.split('.');
  return BigInt(whole) * ONE + BigInt(fraction.padEnd(6, '0'));
};

// amount x minutes per unit, in whole seconds, half away from zero; exact.
export function secondsOf(amount, minutesPerUnit) {
  const product = amount * millionths(minutesPerUnit) * 60n;
  const size = product < 0n ? -product : product;
  const seconds = (size * 2n + ONE * ONE) / (2n * ONE * ONE);
  return Number(product < 0n ? -seconds : seconds);
}

function grouped(list, keyOf) {
  const groups = new Map();
  for (const one of list) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return groups;
}

export const floorTo = (ms, step) => Math.floor(ms / step) * step;

const MINUTE = 60_000;
const MODES = {
  default: [Math.floor, Math.ceil, Math.ceil],
  floor: [Math.floor, Math.floor, Math.floor],
  ceil: [Math.ceil, Math.ceil, Math.ceil],
  closest: [Math.round, Math.round, Math.round],
};

// What Kimai makes of a time: begin, end (milliseconds) and duration (seconds), as an administrator has it rounded.
export function storedTimes(begin, end, { mode = 'default', begin: b = 1, end: e = 1, duration: d = 0 } = {}) {
  const to = (act, value, step) => (step > 0 ? act(value / step) * step : value);
  const [ofBegin, ofEnd, ofDuration] = MODES[mode];
  const times = { begin: to(ofBegin, begin, b * MINUTE), end: to(ofEnd, end, e * MINUTE) };
  return { ...times, duration: to(ofDuration, Math.floor((times.end - times.begin) / 1000), d * 60) };
}

export class Judge {
  // world: as one sync sees it. unmapped: ids of types without a mapping, now. rules may be changed: see edit().
  constructor({ world, rules, unmapped, overlaps, rounding }) {
    Object.assign(this, { world, rules, unmapped, overlaps, rounding, ever: [rules] });
  }

  // Somebody changed rules of the sync.
  edit(rules) {
    this.rules = { ...this.rules, ...rules };
    this.ever.push(this.rules);
  }

  // What is wrong, as texts. sync: { runs, cases, entries } as the sync tells them at the end.
  faults(sync) {
    const found = [...this.world.kimai.forbidden];
    const say = (text) => found.push(text);
    this.#runs(sync.runs, say);
    this.#strangers(say);
    this.#places(say);
    const sheets = this.world.sheetsByEntry();
    const open = grouped(sync.cases.filter(({ state }) => state !== 'resolved' && state !== 'obsolete'), ({ entry }) => entry);
    for (const [id, { strand, entry, homes }] of this.world.known) {
      const given = { id, homes, row: this.world.entry(id), sheets: sheets.get(id) ?? [], cases: open.get(id) ?? [], told: sync.entries.get(id) };
      given.touched = this.world.touched.get(id) ?? new Set();
      given.decided = this.world.decided.get(id) ?? [];
      for (const text of this.#entry(given)) say(`strand ${strand} entry ${entry} (${id}): ${text}: ${this.#facts(given)}`);
    }
    for (const { state, id, reason } of sync.cases) if (state === 'deciding') say(`case ${id} (${reason}) is being decided for ever`);
    return found;
  }

  #facts({ id, row, sheets, cases, told, touched, decided }) {
    const ticket = row && this.world.ticket(row.ticket_id);
    const source = row && { ...row, time_unit: String(row.time_unit), created_at: new Date(row.created_at).toISOString(), ticket: ticket?.number };
    return JSON.stringify({
      source, sheets: sheets.map((sheet) => ({ ...this.world.kimai.shownSheet(sheet), project: this.world.kimai.state.projects.get(sheet.project)?.number })), cases: cases.map(({ reason, state, detail }) => ({ reason, state, detail })),
      told, touched: [...touched], decided: decided.map(({ action }) => action), wanted: row && this.wanted(row),
      writes: this.world.kimai.writes.filter(({ entry }) => entry === id)
        .map(({ at, method, status, body }) => `${new Date(at).toISOString()} ${method} ${status} ${body}`),
    });
  }

  // ---- the whole ----

  #runs(runs, say) {
    for (const run of runs) {
      if (!['done', 'failed', 'cancelled'].includes(run.state)) say(`run ${run.id} (${run.kind}) is ${run.state} for ever`);
      const sum = RUN_PARTS.reduce((all, part) => all + run[part], 0);
      if (run.examined !== sum) say(`run ${run.id} (${run.kind}, ${run.state}): examined ${run.examined}, but its parts are ${sum}: ${JSON.stringify(run)}`);
    }
    const last = runs.filter(({ kind }) => kind === 'full').at(-1);
    if (last && (last.state !== 'done' || last.failed > 0)) say(`the last quiet pass is ${JSON.stringify(last)}`);
  }

  #strangers(say) {
    const { kimai, foreign, known, views } = this.world;
    const marks = new Set(views.map(({ mark }) => mark));
    for (const { id, was } of foreign) {
      const sheet = kimai.state.sheets.get(id);
      if (!sheet || JSON.stringify(kimai.shownSheet(sheet)) !== was) say(`timesheet ${id} is nobody's business here, and is another one now: ${was}`);
    }
    const others = new Set(foreign.map(({ id }) => id));
    for (const sheet of kimai.state.sheets.values()) {
      const { entry, mark } = markerOf(sheet.description) ?? {};
      if (!others.has(sheet.id) && !(known.has(entry) && marks.has(mark))) say(`a timesheet of nothing: ${JSON.stringify(kimai.shownSheet(sheet))}`);
    }
  }

  // A ticket has one project, an organisation one customer; each sync looks for itself.
  #places(say) {
    if (this.world.isPlaceVeryLate) return;
    const { customers, projects } = this.world.kimai.state;
    for (const [what, rows] of Object.entries({ customer: customers, project: projects })) {
      const twice = grouped([...rows.values()].filter(({ number }) => /^(OID|TID|X)-/.test(number ?? '')), ({ number, customer }) => `${number} ${customer ?? ''}`);
      for (const [number, list] of twice) if (list.length > this.world.views.length) say(`${list.length} ${what}s have the number ${number}`);
    }
  }

  // ---- one entry ----

  // The timesheet that it should have: { begin, end, duration, ... }, or { why } there is none.
  wanted(row) {
    const { rules, world } = this;
    const seconds = secondsOf(row.time_unit, rules.minutes_per_unit);
    if (seconds < 0) return { why: rules.negative };
    if (seconds === 0) return { why: rules.zero };
    const user = world.users.get(row.created_by_id);
    if (user === undefined || this.unmapped.has(row.type_id)) return { why: 'decide' };
    const booked = floorTo(row.created_at, 60_000); // its second means nothing
    const begin = rules.anchor === 'begins' ? booked : booked - seconds * 1000;
    const stored = storedTimes(begin, begin + seconds * 1000, this.rounding);
    const ticket = world.ticket(row.ticket_id);
    const billable = { always: true, never: false }[rules.billable];
    return {
      ...stored, sent: { begin, end: begin + seconds * 1000 }, user, activity: world.activities.get(row.type_id), billable,
      project: this.#project(row.ticket_id), customer: ticket.organization_id, title: ticket.title, tags: rules.tags,
    };
  }

  #project(ticket) {
    return (this.rules.project_number ?? 'TID-{id}').replace('{id}', ticket);
  }

  // How a timesheet differs from what is wanted: names of fields. What was moved stays in the project of a ticket that it was on.
  differences(sheet, wanted, homes = new Map()) {
    const { kimai } = this.world;
    const project = kimai.state.projects.get(sheet.project);
    const customer = kimai.state.customers.get(project?.customer);
    const found = ['begin', 'end', 'duration', 'user', 'activity'].filter((name) => sheet[name] !== wanted[name]);
    if (wanted.billable !== undefined && sheet.billable !== wanted.billable) found.push('billable');
    const isOf = (firm) => customer?.number === `OID-${firm}`;
    const isAt = ([ticket, firm]) => project?.number === this.#project(ticket) && isOf(firm);
    if (project?.number !== wanted.project && ![...homes].some(isAt)) found.push('project');
    else if (!isOf(wanted.customer) && ![...homes].some(isAt)) found.push('customer');
    if (sheet.exported) return found; // of one that is billed its text is nobody's business any more
    if (!sheet.description.includes(wanted.title) || /said by telephone/.test(sheet.description)) found.push('text');
    if (kimai.shownSheet(sheet).tags.sort().join() !== [...wanted.tags].sort().join()) found.push('tags');
    return found;
  }

  * #entry(given) {
    const { row, told, touched } = given;
    if (told && ['waiting', 'failed'].includes(told.state)) yield `it is ${told.state} for ever`;
    given.isVeryLate = [...touched].some((what) => what.startsWith('very late'));
    if (given.sheets.length > 1) yield* this.#several(given);
    else if (!row) yield* this.#gone(given);
    else yield* this.#there(given);
  }

  // Two are never ours, unless somebody copied one, or a request came when it could not be expected any more; and then it is told,
  // of each that the entry does not have: those that are billed are for whoever billed them.
  * #several({ sheets, cases, touched, decided, told, isVeryLate }) {
    if (!touched.has('copied') && !isVeryLate) yield `${sheets.length} timesheets`;
    else if (cases.length === 0) {
      const isSeen = (sheet) => decided.some((one) => this.#isSeen(one, sheet));
      const others = sheets.filter((sheet) => !sheet.exported && told?.sheet !== String(sheet.id) && !isSeen(sheet));
      if (others.length > 0) yield `${sheets.length} timesheets, and nobody is told`;
    }
  }

  #isSeen({ action, sheet, shown }, now) {
    return SEEN.includes(action) && sheet === String(now.id) && shown === this.#shown(now);
  }

  #shown(sheet) {
    const { modified, exported, ...shown } = this.world.kimai.shownSheet(sheet); // to bill it is no edit
    return JSON.stringify(shown);
  }

  // All of an entry's source that a person who decides may see.
  #sourceOf(id) {
    const row = this.world.entry(id);
    const ticket = row && this.world.ticket(row.ticket_id);
    const seen = row && [row.type_id, row.ticket_id, row.created_by_id, ticket.title, ticket.organization_id, this.unmapped.has(row.type_id)];
    return JSON.stringify(seen && [String(row.time_unit), ...seen]);
  }

  // A person who is shown this case chooses that.
  seen({ entry, sheet }, action) {
    const now = this.world.kimai.state.sheets.get(Number(sheet));
    return { action, source: this.#sourceOf(entry), sheet, shown: now && this.#shown(now) };
  }

  // ---- what rules and persons may leave as it is ----

  #isUnfollowed({ told, touched, decided }) {
    if (told?.state !== 'unfollowed') return false;
    const byRule = [...touched].some((what) => what.startsWith('edited') || what === 'copied') && this.ever.some((rules) => rules.target_edited === 'unfollow');
    return byRule || decided.some(({ action }) => ['unfollow', 'keep', 'adopt'].includes(action));
  }

  #isLeft(given) {
    const { id, told, decided, sheets: [sheet] } = given;
    const now = sheet && this.#shown(sheet);
    const isSkipped = told?.state === 'skipped' && told.reason === 'CHOSEN' && decided.some(({ action }) => ['skip', 'remove'].includes(action));
    return isSkipped || this.#isUnfollowed(given) || decided.some(({ action, source, shown }) => SEEN.includes(action) && source === this.#sourceOf(id) && shown === now);
  }

  // It needs no timesheet.
  #mayLack(given) {
    const { told, touched } = given;
    const isDeleted = touched.has('deleted') && this.ever.some((rules) => rules.target_deleted === 'skip') && told?.reason === 'DELETED_TARGET' && told.state === 'skipped';
    return isDeleted || this.#isLeft(given);
  }

  // Whether the target refuses it as things stand.
  #isRefused(wanted, sheet) {
    if (this.overlaps) return false;
    const [from, to] = [wanted.begin + 1000, wanted.end - 1000];
    const meets = ({ id, user, begin, end }) => id !== sheet?.id && user === wanted.user && begin <= to && end >= from;
    return [...this.world.kimai.state.sheets.values()].some(meets);
  }

  // Where the target rounds by a minute or more, or lengths as well, its answer was lost, and too little is known of how it rounds, what
  // stands there may as well be somebody's edit.
  #isUnknowable({ sent, begin, end, duration }, cases) {
    const isFar = Math.abs(sent.begin - begin) >= MINUTE || Math.abs(sent.end - end) >= MINUTE;
    return (isFar || duration * 1000 !== end - begin) && cases.every(({ reason }) => ['TARGET_CHANGED', 'BOTH_CHANGED', 'TIME_MISMATCH'].includes(reason));
  }

  // Nothing says whether it should be billable, so who changes that is asked about.
  #isBillableEdited(sheet, wanted) {
    return wanted.billable === undefined && this.world.kimai.written.get(sheet.id) !== sheet.billable;
  }

  // ---- one that is gone, one that is there ----

  * #gone(given) {
    const { sheets: [sheet], cases, told, touched, decided } = given;
    if (!sheet) {
      if (cases.length > 0) yield 'gone on both sides, and its case never closes';
      return;
    }
    if (cases.length > 0) {
      const isSure = touched.size === 0 && decided.length === 0 && this.rules.source_deleted === 'remove';
      if (isSure) yield 'its timesheet is to be removed, nobody touched it, and a person is asked';
    } else if (!told) yield 'it is gone at the source, has a timesheet, and the sync does not know it';
    else if (!this.#isLeft(given)) yield 'its deletion was missed: a timesheet, and no case';
  }

  * #there(given) {
    const { sheets: [sheet], cases, told } = given;
    const wanted = this.wanted(given.row);
    if (!told) yield 'the sync never saw it';
    if (wanted.why) yield* this.#unmovable(given, wanted);
    else if (!sheet) yield* this.#lacking(given, wanted);
    // Of an exported one nobody can know whether the target would round the new amount to what is there.
    else if (!sheet.exported || cases.length === 0) yield* this.#compared(given, wanted);
  }

  * #unmovable(given, { why }) {
    const { sheets: [sheet], cases } = given;
    if (cases.length > 0 || this.#isLeft(given)) return;
    if (why === 'decide' && !this.#mayLack(given)) yield 'it cannot be moved, and nobody is told';
    if (why === 'skip' && sheet) yield 'nothing is left of it but its timesheet';
  }

  * #lacking(given, wanted) {
    const { cases, touched } = given;
    if (cases.length === 0 && !this.#mayLack(given)) yield 'it is lost: no timesheet and no case';
    else if (cases.length > 0 && touched.size === 0 && !this.#isRefused(wanted)) yield 'nothing forbids it, and it has no timesheet';
  }

  * #compared(given, wanted) {
    const { sheets: [sheet], cases, touched, isVeryLate } = given;
    const differs = this.differences(sheet, wanted, given.homes);
    if (cases.length > 0 && this.#isUnknowable(wanted, cases)) return;
    if (differs.length > 0 && cases.length === 0 && !this.#isLeft(given)) {
      yield `its timesheet differs in ${differs.join(', ')}, and nobody is told`;
    } else if (differs.length > 0 && cases.length > 0 && touched.size === 0 && !this.#isRefused(wanted, sheet)) {
      yield `nothing forbids it, and its timesheet differs in ${differs.join(', ')}`;
    } else if (differs.length === 0 && cases.length > 0 && !isVeryLate && !this.#isBillableEdited(sheet, wanted)) {
      const isMerged = this.rules.merged === 'decide' && (touched.has('moved') || touched.has('merged'));
      if (!isMerged) yield 'all is well, and its case never closes';
    }
  }
}

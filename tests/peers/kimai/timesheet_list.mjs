// timesheet_list.mjs - the lists of /api/timesheets: whose, which, in which order and on which page.

import { refuse } from './errors.mjs';
import { is, isYes, readQuery } from './query.mjs';
import { searchOf } from './search.mjs';
import { fromLocal, readQueryTime } from './time.mjs';
import { runningOf } from './timesheets.mjs';

const MOST_PER_PAGE = 500;
const PER_PAGE = 50;
const YEAR_MS = 31_536_000_000;

function demand(allowed) {
  if (!allowed) refuse(403);
}

const LIST = {
  user: /^(\d+|all)$/, users: [is.id], customer: is.id, customers: [is.id], project: is.id, projects: [is.id], activity: is.id,
  activities: [is.id], page: is.id, size: is.id, tags: [is.text], orderBy: /^(id|begin|end|rate)$/, order: is.order, begin: is.time,
  end: is.time, exported: is.flag, active: is.flag, billable: is.flag, full: is.yes, term: is.text, modified_after: is.time,
};

function list(call) {
  const { access, views, query } = call;
  demand(access.may('view_own_timesheet') || access.may('view_other_timesheet'));
  const asked = readQuery(query, LIST);
  const tests = filtersOf(call, asked);
  const found = matching(call, asked, tests);
  const size = Math.min(Number(asked.size ?? 0) || PER_PAGE, MOST_PER_PAGE);
  const page = Number(asked.page ?? 0) || 1;
  const pages = Math.max(1, Math.ceil(found.length / size));
  if (page > pages) refuse(404);
  const full = isYes(asked.full);
  const rows = found.slice((page - 1) * size, page * size);
  const headers = { 'X-Page': String(page), 'X-Total-Count': String(found.length), 'X-Total-Pages': String(pages), 'X-Per-Page': String(size) };
  const body = rows.map((sheet) => views.sheet(sheet, { full, rates: access.maySheet('view_rate', sheet) }));
  return { status: 200, headers, body };
}

const allOf = (tests) => (tests.length === 1 ? tests[0] : (sheet) => tests.every((test) => test(sheet)));

// The rows in the order that was asked for.
function matching({ store, zone }, { begin, end, orderBy = 'begin', order = 'DESC' }, tests) {
  const from = begin ? fromLocal(zone, readQueryTime(begin)) : -Infinity;
  const to = end ? fromLocal(zone, readQueryTime(end)) : Infinity;
  const isCut = begin || end;
  let rows = orderBy === 'id' && !isCut ? [...store.sheets.values()] : store.ordered(from, to);
  if (tests.length > 0) rows = rows.filter(allOf(tests));
  else if (order === 'DESC') rows = [...rows];
  if (orderBy === 'id' && isCut) rows.sort((a, b) => a.id - b.id);
  if (orderBy === 'end' || orderBy === 'rate') {
    const by = (sheet) => sheet[orderBy] ?? -Infinity;
    rows = [...rows].sort((a, b) => (by(a) === by(b) ? a.id - b.id : by(a) - by(b)));
  }
  return order === 'DESC' ? rows.reverse() : rows;
}

function filtersOf(call, asked) {
  const { store, config, now } = call;
  const tests = [];
  const only = (set, value) => set && tests.push((sheet) => set.has(value(sheet)));
  only(usersOf(call, asked), (sheet) => sheet.user);
  only(chosen(call, asked, 'customers', 'customer', 'toCustomer'), (sheet) => store.projects.get(sheet.project).customer);
  only(chosen(call, asked, 'projects', 'project', 'toProject'), (sheet) => sheet.project);
  only(chosen(call, asked, 'activities', 'activity', 'toActivity'), (sheet) => sheet.activity);
  if (!call.access.seesAll) tests.push((sheet) => isReachable(call, sheet));
  if (asked.tags.length > 0) {
    const tags = new Set(asked.tags.map((name) => store.tagNamed(name)).filter((tag) => tag?.visible).map((tag) => tag.id));
    if (tags.size === 0) refuse(400);
    tests.push((sheet) => sheet.tags.some((id) => tags.has(id)));
  }
  for (const flag of ['exported', 'billable']) if (asked[flag]) tests.push((sheet) => sheet[flag] === (asked[flag] === '1'));
  if (asked.active) tests.push((sheet) => (sheet.end === null) === (asked.active === '1'));
  if (call.query.has('modified_after')) {
    const after = asked.modified_after ? readQueryTime(asked.modified_after) : Math.floor(now / 1000) * 1000; // "" means now
    tests.push((sheet) => sheet.modified >= after);
  }
  const search = asked.term && searchOf(asked.term, { colons: config.text('standin.search_colons') });
  if (search) tests.push((sheet) => search(sheet.searched));
  return tests;
}

// Whose times: a set of ids, undefined for everybody. Who may not see others' gets his own, whatever he asked for.
function usersOf({ access, user, store }, { user: asked, users }) {
  if (!access.may('view_other_timesheet')) return new Set([user.id]);
  if (asked === 'all') return access.listedUsers();
  const rows = [...users, ...(asked ? [asked] : [])].map((id) => store.users.get(Number(id))).filter(Boolean);
  demand(rows.every((row) => access.toUser(row)));
  return new Set(rows.length > 0 ? rows.map((row) => row.id) : [user.id]);
}

// An id that does not exist is as good as none: Kimai then does not filter at all.
function chosen({ access, store }, asked, many, one, reaches) {
  const ids = [...asked[many], ...(asked[one] ? [asked[one]] : [])];
  const rows = ids.map((id) => store[many].get(Number(id))).filter(Boolean);
  demand(rows.every((row) => access[reaches](row)));
  return rows.length > 0 ? new Set(rows.map((row) => row.id)) : undefined;
}

function isReachable({ access, store }, sheet) {
  if (sheet.user === access.user.id) return true;
  return access.toProject(store.projects.get(sheet.project)) && access.toActivity(store.activities.get(sheet.activity));
}

function fullRows({ access, views }, sheets) {
  return sheets.map((sheet) => views.sheet(sheet, { full: true, rates: access.maySheet('view_rate', sheet) }));
}

function active(call) {
  demand(call.access.may('view_own_timesheet'));
  return fullRows(call, runningOf(call, call.user.id).reverse());
}

function recent(call) {
  const { access, user, store, zone, now, query } = call;
  demand(access.may('view_own_timesheet'));
  const { begin, size } = readQuery(query, { begin: is.time, size: is.id });
  const from = begin ? fromLocal(zone, readQueryTime(begin)) : now - YEAR_MS;
  const latest = new Map();
  for (const sheet of store.ordered(from)) {
    if (sheet.user === user.id && sheet.end !== null) latest.set(`${sheet.project} ${sheet.activity}`, sheet);
  }
  const rows = [...latest.values()].sort((a, b) => b.begin - a.begin || b.id - a.id);
  return fullRows(call, rows.slice(0, Number(size ?? 0) || 10));
}

export const routes = {
  '/api/timesheets': { GET: list },
  '/api/timesheets/recent': { GET: recent },
  '/api/timesheets/active': { GET: active },
};

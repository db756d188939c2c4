// timesheets.mjs - timesheets one by one (their lists: timesheet_list.mjs). Each handler gets a call { request, query, body, access,
// user, zone, now, store, config, views } and the parameters of the path; it returns what becomes the answer, or refuses.

import { refuse, refuseSaving } from './errors.mjs';
import { Form, NULL, types } from './form.mjs';
import { beginNow, isBillable, isEditable, problemsOf, ratesOf, storedTimes } from './rules.mjs';
import { dateOf, fromLocal, readFormTime, readQueryTime } from './time.mjs';

const MOST_DESCRIPTION_BYTES = 65_535; // a TEXT column
const CANNOT_STOP = 'Cannot stop running timesheet';

// ---- what a handler needs of a row ----

function sheetOf({ store }, { id }) {
  return store.sheets.get(Number(id)) ?? refuse(404);
}

function demand(allowed) {
  if (!allowed) refuse(403);
}

// Exported rows and those in a locked period are closed to whoever lacks the right to them, whatever else he may do.
function mayChange(call, permission, sheet) {
  const { access } = call;
  if (sheet.exported && !access.may('edit_exported_timesheet')) return false;
  return isEditable(sheet.begin, { ...call, zone: sheet.zone }) && access.maySheet(permission, sheet);
}

// A new entry may only be made in what is shown to the user.
function mayBook({ access, store }, { project, activity }) {
  const [itsProject, itsActivity] = [store.projects.get(project), store.activities.get(activity)];
  return itsProject.visible && store.customers.get(itsProject.customer).visible && itsActivity.visible && access.toProject(itsProject) &&
    access.toActivity(itsActivity);
}

function shown({ access, views, query }, sheet, zone, full = false) {
  return views.sheet(sheet, { depth: 'alone', full: full && query.has('full'), rates: access.maySheet('view_rate', sheet), zone });
}

// ---- the form ----

const time = (zone) => (given) => {
  if (given === null || given === '') return { value: null };
  const value = typeof given === 'string' ? readFormTime(given, zone) : undefined;
  return value === undefined ? { error: 'Please enter a valid date and time.' } : { value };
};

const tagList = (store) => (given) => {
  const { value, error } = types.text(given);
  if (error) return { error };
  const names = [...new Set((value ?? '').split(',').map((name) => name.trim()).filter(Boolean))];
  return { value: [...new Set(names.map((name) => store.tagNamed(name)?.id).filter(Boolean))] }; // unknown ones: dropped
};

// Whether a project can be chosen: shown, and its time is now, wherever in time the entry lies.
function isOffered({ access, store, zone, now }, project) {
  const today = dateOf(zone, now);
  return project.visible && store.customers.get(project.customer).visible && access.toProject(project) &&
    (project.start === null || project.start <= today) && (project.end === null || project.end >= today);
}

function isActivityOffered({ access, store }, activity, project) {
  const its = store.projects.get(activity.project);
  if (!activity.visible || (its && !(its.visible && store.customers.get(its.customer).visible)) || !access.toActivity(activity)) return false;
  if (project === undefined) return true;
  return activity.project === null ? store.projects.get(project)?.globalActivities !== false : activity.project === project;
}

// before: the entry that is changed, undefined for a new one; sheet: the entry as far as rights go.
function fieldsOf(call, before, sheet) {
  const { access, store, config, body } = call;
  const zone = before?.zone ?? call.zone;
  const given = body.project === undefined || body.project === null || body.project === '' ? before?.project : Number(body.project);
  const canTime = config.text('timesheet.mode') === 'default' || access.may('view_other_timesheet');
  const canRate = access.maySheet('edit_rate', sheet);
  const project = types.choice((id) => {
    const row = store.projects.get(id);
    return row && (id === before?.project || isOffered(call, row)) ? row : undefined;
  });
  const activity = types.choice((id) => {
    const row = store.activities.get(id);
    return row && (id === before?.activity || isActivityOffered(call, row, given)) ? row : undefined;
  });
  const user = types.choice((id) => {
    const row = store.users.get(id);
    return row && row.enabled && !row.systemAccount && access.toUser(row) ? row : undefined;
  });
  return {
    ...(canTime && { begin: time(zone), end: time(zone) }),
    project,
    activity,
    description: types.text,
    ...(canRate && { fixedRate: types.number, hourlyRate: types.number }),
    ...((before || access.may('create_other_timesheet')) && { user }),
    tags: tagList(store),
    ...(access.maySheet('edit_export', sheet) && { exported: types.flag }),
    ...(access.maySheet('edit_billable', sheet) && { billable: types.flag }),
  };
}

// The entry that the form makes of `base`; refuses when anything is wrong with it.
function submitted(call, base, before) {
  const form = new Form(fieldsOf(call, before, base), call.body);
  if (form.has('begin') && form.values.begin === null) refuse(500); // Kimai's own mistake
  const { project = base.project, activity = base.activity, user = base.user } = form.values;
  const sheet = { ...base, ...form.values, project, activity };
  if (sheet.user === null) form.error('user', NULL);
  const owner = call.store.users.get(user) ?? call.user;
  if (!before && !form.has('billable')) sheet.billable = isBillable(sheet, call.store);
  Object.assign(sheet, ratesOf({ ...sheet, duration: (sheet.end - sheet.begin) / 1000 }, owner));
  const zone = before?.zone ?? call.zone;
  for (const { path, text } of problemsOf(sheet, before, { ...call, zone })) form.error(path, text);
  for (const field of ['project', 'activity']) if (sheet[field] === null) form.error(field, NULL);
  form.refuse();
  return sheet;
}

// What is stored of an entry, given the zone in which its times were understood.
function stored(call, sheet, zone) {
  const owner = call.store.users.get(sheet.user);
  const values = { ...sheet, ...storedTimes(sheet, { ...call, zone }), zone: owner.timezone };
  Object.assign(values, ratesOf(values, owner));
  if (values.description !== null && Buffer.byteLength(values.description) > MOST_DESCRIPTION_BYTES) refuse(500);
  return values;
}

const secondOf = (ms) => Math.floor(ms / 1000) * 1000;

// ---- running entries ----

export const runningOf = ({ store }, user) => store.ordered().filter((sheet) => sheet.end === null && sheet.user === user);

// Ends a running entry now. Returns the problems that forbid it.
function stop(call, sheet) {
  const ended = { ...sheet, end: secondOf(call.now) };
  const problems = problemsOf(ended, sheet, { ...call, zone: sheet.zone });
  if (problems.length === 0) change(call, sheet, stored(call, ended, sheet.zone));
  return problems;
}

// Stores a new entry; when it runs, those that ran longest are ended until no more run than may. refuseStop(problems) is called
// when one of them cannot be.
function add(call, sheet, zone, refuseStop = (problems) => refuseSaving(problems, CANNOT_STOP)) {
  const values = { ...stored(call, sheet, zone), modified: secondOf(call.now) };
  if (values.end === null) {
    const running = runningOf(call, values.user);
    const surplus = running.length + 1 - Math.max(1, call.config.number('timesheet.active_entries.hard_limit'));
    for (const other of running.slice(0, Math.max(0, surplus))) {
      const problems = stop(call, other);
      if (problems.length > 0) refuseStop(problems);
    }
  }
  return call.store.addSheet(values);
}

// A change of nothing but tags leaves the time of the last change as it was.
function change({ store, now }, sheet, values) {
  const isChanged = Object.keys(values).some((name) => name !== 'tags' && name !== 'searched' && values[name] !== sheet[name]);
  store.changeSheet(sheet, { ...values, ...(isChanged && { modified: secondOf(now) }) });
}

// ---- one ----

function show(call, parameters) {
  const sheet = sheetOf(call, parameters);
  demand(call.access.maySheet('view', sheet));
  return shown(call, sheet);
}

function emptySheet(call) {
  const { user, zone } = call;
  return {
    user: user.id, project: null, activity: null, begin: beginNow(call), end: null, duration: 0, description: null, tags: [], fixedRate: null,
    hourlyRate: null, rate: 0, internalRate: 0, exported: false, billable: true, zone,
  };
}

function create(call) {
  const { access, zone } = call;
  demand(access.may('create_own_timesheet'));
  const sheet = submitted(call, emptySheet(call));
  demand(mayBook(call, sheet) && access.maySheet(sheet.end === null ? 'start' : 'create', sheet));
  const refuseStop = () => {
    const form = new Form(fieldsOf(call, undefined, sheet), {});
    form.error(undefined, CANNOT_STOP);
    form.refuse();
  };
  return shown(call, add(call, sheet, zone, refuseStop), zone, true);
}

function update(call, parameters) {
  const sheet = sheetOf(call, parameters);
  demand(mayChange(call, 'edit', sheet));
  const { zone } = sheet;
  change(call, sheet, stored(call, submitted(call, sheet, sheet), zone));
  return shown(call, sheet, zone);
}

function remove(call, parameters) {
  const sheet = sheetOf(call, parameters);
  demand(mayChange(call, 'delete', sheet));
  call.store.removeSheet(sheet);
  return undefined;
}

function end(call, parameters) {
  const sheet = sheetOf(call, parameters);
  demand(call.access.maySheet('stop', sheet));
  if (sheet.end === null) {
    const problems = stop(call, sheet);
    if (problems.length > 0) refuseSaving(problems);
  }
  return shown(call, sheet);
}

function restart(call, parameters) {
  const { access, user, zone, body, now } = call;
  const from = sheetOf(call, parameters);
  demand(mayBook(call, from) && access.maySheet('start', from));
  if (![undefined, null, '', 'all'].includes(body.copy)) refuse(400);
  const given = body.begin === undefined || body.begin === null ? undefined : readQueryTime(String(body.begin));
  if (body.begin && given === undefined) refuse(400);
  const begin = beginNow({ ...call, now: given === undefined ? now : fromLocal(zone, given) });
  const copied = body.copy === 'all' ? { description: from.description, tags: [...from.tags] } : {};
  const sheet = { ...emptySheet(call), user: user.id, begin, project: from.project, activity: from.activity, ...copied };
  sheet.billable = body.copy === 'all' ? from.billable : isBillable(sheet, call.store);
  const problems = problemsOf(sheet, undefined, call);
  if (problems.length > 0) refuseSaving(problems);
  return shown(call, add(call, sheet, zone), zone);
}

function duplicate(call, parameters) {
  const from = sheetOf(call, parameters);
  demand(mayBook(call, from) && call.access.maySheet('create', from));
  const { id, modified, ...copy } = from;
  const sheet = { ...copy, tags: [...from.tags], exported: false };
  const problems = problemsOf(sheet, undefined, { ...call, zone: from.zone });
  if (problems.length > 0) refuseSaving(problems);
  return shown(call, add(call, sheet, from.zone), from.zone);
}

function toggleExported(call, parameters) {
  const { access } = call;
  const sheet = sheetOf(call, parameters);
  demand(access.maySheet('edit_export', sheet) && (!sheet.exported || access.may('edit_exported_timesheet')));
  change(call, sheet, { exported: !sheet.exported, zone: call.store.users.get(sheet.user).timezone });
  return shown(call, sheet);
}

function setField(call, parameters) {
  demand(mayChange(call, 'edit', sheetOf(call, parameters)));
  return refuse(typeof call.body.name === 'string' && call.body.value !== undefined ? 404 : 400); // no plugin defines any
}

export const routes = {
  '/api/timesheets': { POST: create },
  '/api/timesheets/{id}': { GET: show, PATCH: update, DELETE: remove },
  '/api/timesheets/{id}/stop': { PATCH: end },
  '/api/timesheets/{id}/restart': { PATCH: restart },
  '/api/timesheets/{id}/duplicate': { PATCH: duplicate },
  '/api/timesheets/{id}/export': { PATCH: toggleExported },
  '/api/timesheets/{id}/meta': { PATCH: setField },
};


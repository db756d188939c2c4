// rules.mjs - what Kimai demands of a timesheet before it is stored, and what it makes of the times and rates that it stores.
// A problem is { path, text }; the path decides where in an answer the text stands.

import { dateOf, dayEnd, dayStart } from './time.mjs';

const YEAR_SECONDS = 31_536_000;
const MINUTE = 60_000;

export const durationOf = ({ begin, end }) => (end === null ? 0 : Math.floor((end - begin) / 1000));

const hoursText = (seconds) => `${Math.floor(seconds / 3600)}:${String(Math.floor(seconds / 60) % 60).padStart(2, '0')}`;

// sheet: as it would be stored, project and activity possibly null. before: what is stored now, undefined for a new one.
// context: { store, config, access, now, zone }. Returns all problems, in the order in which Kimai names them.
export function problemsOf(sheet, before, context) {
  const problems = [];
  const add = (path, text) => problems.push({ path, text });
  for (const rule of RULES) rule(sheet, before, context, add);
  return problems;
}

const RULES = [checkTimes, checkChoices, checkProjectTime, checkDuration, checkFuture, checkOverlap, checkLockdown, checkBudgets, checkHidden];

function checkTimes({ begin, end }, before, context, add) {
  if (end !== null && begin > end) add('end_date', 'The end date must not be earlier than the start date.');
}

function checkChoices({ project, activity }, before, { store }, add) {
  const [itsProject, itsActivity] = [store.projects.get(project), store.activities.get(activity)];
  if (!itsActivity) add('activity', 'An activity needs to be selected.');
  if (!itsProject) add('project', 'A project needs to be selected.');
  if (!itsProject || !itsActivity) return;
  if (itsActivity.project !== null && itsActivity.project !== project) {
    add('project', 'Project mismatch, project specific activity and timesheet project are different.');
  }
  if (itsActivity.project === null && !itsProject.globalActivities) {
    add('activity', 'Global activities are forbidden for the selected project.');
  }
}

function checkProjectTime({ begin, end, project }, before, { store, zone }, add) {
  const row = store.projects.get(project);
  if (!row) return;
  const from = row.start === null ? -Infinity : dayStart(zone, row.start);
  const to = row.end === null ? Infinity : dayEnd(zone, row.end);
  const [early, late] = ['The project has not started at that time.', 'The project is finished at that time.'];
  if (begin < from) add('begin_date', early);
  else if (begin > to) add('begin_date', late);
  if (end === null) return;
  if (end > to) add('end_date', late);
  else if (end < from) add('end_date', early);
}

function checkDuration(sheet, before, { config }, add) {
  if (sheet.end === null) return;
  const seconds = durationOf(sheet);
  if (seconds < 0) add('duration', 'Duration cannot be negative.');
  if (seconds === 0 && !config.allows('zero_duration')) add('duration', 'An empty duration is not allowed.');
  if (seconds > YEAR_SECONDS) return add('duration', 'Maximum duration exceeded.');
  const most = config.number('timesheet.rules.long_running_duration') * 60;
  if (most > 0 && seconds > most) add('duration', `Maximum ${hoursText(most)} hours allowed.`);
}

function checkFuture({ begin, end }, before, { config, now }, add) {
  if (config.allows('future_times')) return;
  const latest = (what) => now + config.rounding(what) * MINUTE + MINUTE;
  if (begin > latest('begin')) add('begin_date', 'The begin date cannot be in the future.');
  if (end !== null && end > latest('end')) add('end_time', 'The end date cannot be in the future.');
}

function checkOverlap({ begin, end, user }, before, { config, store }, add) {
  if (config.allows('overlapping_records') || (end !== null && begin > end)) return;
  // Kimai looks one second inside, so that entries may touch.
  const [from, to] = [begin + 1000, end === null ? undefined : end - 1000];
  const within = (at, low, high) => low <= at && at <= high;
  const meets = (other) => within(from, other.begin, other.end) ||
    (to !== undefined && (within(to, other.begin, other.end) || within(other.begin, from, to) || within(other.end, from, to)));
  const others = store.sheetsOf('user', user).filter((other) => other.end !== null && other.id !== before?.id);
  if (others.some(meets)) add('begin_date', 'You already have an entry for this time.');
}

function checkLockdown({ begin }, before, context, add) {
  if (!isEditable(begin, context)) add('begin_date', 'This period is locked. Please choose a later date.');
}

// Whether the lockdown lets this token write an entry that begins then.
export function isEditable(begin, { config, access, now, zone }) {
  const lockdown = config.lockdown(zone, now);
  if (!lockdown || access.may('lockdown_override_timesheet') || begin > lockdown.end) return true;
  return begin >= lockdown.start && (now <= lockdown.grace || access.may('lockdown_grace_timesheet'));
}

function checkBudgets(sheet, before, { config, store, zone, access }, add) {
  if (config.allows('overbooking_budget') || sheet.end === null || !sheet.billable) return;
  const activity = store.activities.get(sheet.activity);
  const project = store.projects.get(sheet.project);
  if (!project) return;
  const seconds = durationOf(sheet);
  if (before && isSameForBudgets(sheet, before, seconds, zone)) return;
  const customer = store.customers.get(project.customer);
  const inCustomer = (other) => store.projects.get(other.project).customer === customer.id;
  const budgets = [
    ['activity', activity, (other) => other.activity === activity.id],
    ['project', project, (other) => other.project === project.id],
    ['customer', customer, inCustomer],
  ];
  for (const [path, row, counts] of budgets) {
    if (row && (row.timeBudget > 0 || row.budget > 0)) checkBudget(sheet, before, { path, row, counts, seconds, store, zone, access }, add);
  }
}

const isSameForBudgets = (sheet, before, seconds, zone) => seconds === before.duration && sheet.billable === before.billable &&
  dateOf(zone, sheet.begin) === dateOf(zone, before.begin) && sheet.project === before.project && sheet.activity === before.activity &&
  sheet.rate === before.rate;

function checkBudget(sheet, before, { path, row, counts, seconds, store, zone, access }, add) {
  const month = dateOf(zone, sheet.begin).slice(0, 7);
  const spent = { seconds: 0, money: 0, othersSeconds: 0, othersMoney: 0 };
  for (const other of store.ordered()) {
    if (!counts(other) || !other.billable) continue;
    if (row.budgetType === 'month' && dateOf(zone, other.begin).slice(0, 7) !== month) continue;
    spent.seconds += other.duration;
    spent.money += other.rate;
    if (other.id === before?.id) continue;
    spent.othersSeconds += other.duration;
    spent.othersMoney += other.rate;
  }
  // Who may not see the budget is told no figures.
  const problem = (permission, budget, used, free) => {
    const figures = `The budget is used up. Of the available ${budget}, ${used} has been booked so far, ${free} can still be used.`;
    add(path, access.may(`${permission}_${path}`) ? figures : 'Sorry, the budget is used up.');
  };
  if (row.budget > 0 && sheet.rate > 0 && spent.othersMoney + sheet.rate > row.budget) {
    problem('budget', ...[row.budget, spent.money, Math.max(0, row.budget - spent.money)].map((amount) => amount.toFixed(2)));
  } else if (row.timeBudget > 0 && seconds > 0 && spent.othersSeconds + seconds > row.timeBudget) {
    problem('time', ...[row.timeBudget, spent.seconds, Math.max(0, row.timeBudget - spent.seconds)].map(hoursText));
  }
}

function checkHidden({ end, project, activity }, before, { store }, add) {
  if (before && end !== null) return;
  if (store.activities.get(activity)?.visible === false) add('activity', 'Cannot start a disabled activity.');
  const row = store.projects.get(project);
  if (row?.visible === false) add('project', 'Cannot start a disabled project.');
  if (row && !store.customers.get(row.customer).visible) add('customer', 'Cannot start a disabled customer.');
}

// ---- what becomes of the values ----

const ROUNDERS = {
  default: { begin: Math.floor, end: Math.ceil, duration: Math.ceil },
  floor: { begin: Math.floor, end: Math.floor, duration: Math.floor },
  ceil: { begin: Math.ceil, end: Math.ceil, duration: Math.ceil },
  closest: { begin: Math.round, end: Math.round, duration: Math.round },
};

function rounded(config, what, value, unit) {
  const minutes = config.rounding(what);
  if (minutes <= 0) return value;
  const mode = ROUNDERS[config.text('timesheet.rounding.default.mode')] ?? ROUNDERS.default;
  return mode[what](value / (minutes * unit)) * minutes * unit;
}

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

// Whether times are rounded on that day.
function rounds(config, zone, at) {
  const day = WEEKDAYS[new Date(`${dateOf(zone, at)}T00:00:00Z`).getUTCDay()];
  return config.text('timesheet.rounding.default.days').toLowerCase().split(',').map((name) => name.trim()).includes(day);
}

// The begin of an entry that was given none.
export function beginNow({ config, now, zone }) {
  const second = Math.floor(now / 1000) * 1000;
  if (config.text('timesheet.mode') !== 'default' || !rounds(config, zone, second)) return second;
  return rounded(config, 'begin', second, MINUTE);
}

// begin, end and duration as they are stored; a running entry is left as it is.
export function storedTimes({ begin, end }, { config, zone }) {
  if (end === null) return { begin, end, duration: 0 };
  if (!rounds(config, zone, end)) return { begin, end, duration: durationOf({ begin, end }) };
  const times = { begin: rounded(config, 'begin', begin, MINUTE), end: rounded(config, 'end', end, MINUTE) };
  return { ...times, duration: rounded(config, 'duration', durationOf(times), 60) };
}

// rate, internalRate and hourlyRate for a user and a duration.
export function ratesOf({ fixedRate, hourlyRate, end, duration }, user) {
  if (end === null) return { rate: 0, internalRate: 0, hourlyRate };
  const priced = (hourly) => Math.round((hourly * duration * 10_000) / 3600) / 10_000;
  if (fixedRate !== null) {
    return { rate: fixedRate, internalRate: user.internalRate === null ? fixedRate : priced(user.internalRate), hourlyRate: null };
  }
  const hourly = hourlyRate ?? user.hourlyRate;
  return { rate: priced(hourly), internalRate: priced(user.internalRate ?? hourly), hourlyRate: hourly };
}

// Whether an entry is charged when nobody says so.
export function isBillable({ project, activity }, store) {
  const itsProject = store.projects.get(project);
  return Boolean(store.activities.get(activity)?.billable && itsProject?.billable && store.customers.get(itsProject.customer).billable);
}

// month.mjs - a month in the life of a small IT service team, told by a seed: what a demo begins with.
//
// First everything is planned, then it happens in the order of time, so that ids grow with it.

import { createEntry, deleteEntry, updateEntry } from './accounting.mjs';
import { offsetAt } from './json.mjs';
import { addArticle, createTicket, mergeTicket, updateTicket } from './tickets.mjs';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const DAYS = 31;
const MORNING = 8;
const OPEN_HOURS = 10;
const TICKETS = [2, 6]; // a working day
const BOOKINGS = [[1, 0], [5, 1], [4, 2], [2, 3], [1, 5]]; // a ticket
const AMOUNTS = [[5, '15'], [5, '30'], [3, '45'], [3, '60'], [2, '10'], [2, '5'], [2, '90'], [1, '120'], [1, '7.5'], [1, '22.25'],
  [1, '180']];
const TYPES = [6, 3, 3, 2, 2, 2, 1]; // how often each is used
const DONE = ['Habe es mir angesehen und behoben.', 'Fixed remotely, please confirm.', 'Vor Ort erledigt, Rückmeldung folgt.',
  'Waiting for the supplier.',
  'Rebooted, updated, works again.', 'Mit dem Hersteller telefoniert.', 'Documented in the wiki.'];
const EXTRA = ['Größenänderung des Postfachs für Frau Straßer', 'Übernahme der alten Telefonanlage', 'Kaffeemaschine im WLAN ☕ nicht erreichbar',
  'Re: Re: Fwd: Angebot für 12 Bildschirme', '"Quotes", <tags> & ampersands in a subject'];

// Fills a fresh state up to its clock's now. Returns how much it holds.
export function writeMonth(state, random) {
  const story = { state, random, now: state.clock.now(), team: teamOf(state), cases: [], events: [] };
  const subjects = [...state.cast.subjects, ...EXTRA];
  for (let day = DAYS; day >= 0; day--) {
    const date = story.now - day * DAY_MS;
    if (isWeekend(date)) continue;
    for (let n = random.integer(...TICKETS); n > 0; n--) planCase(story, date, subjects[story.cases.length % subjects.length]);
  }
  planSurprises(story);
  story.events.sort((a, b) => a.at - b.at);
  for (const { at, act } of story.events) {
    state.at = at;
    act();
  }
  state.at = undefined;
  return { tickets: state.tickets.size, entries: state.entries.size };
}

// The cast's agents and two whom nobody knows in the books: a temporary helper, and somebody who has left.
function teamOf(state) {
  const home = { organization_id: state.agents[0].organization_id, group_ids: { 1: ['full'], 2: ['full'], 3: ['full'] }, role_ids: [2] };
  const { domain } = state.cast;
  const helper = state.addUser({ ...home, login: `aushilfe@${domain}`, firstname: 'Jürgen', lastname: 'Groß-Ähnlich' });
  const gone = state.addUser({ ...home, login: `former.colleague@${domain}`, firstname: 'Former', lastname: 'Colleague', active: false });
  state.insert('types', { name: 'Rufbereitschaft', note: 'only in Zammad', active: true });
  return { regular: state.agents, lead: state.agents[0], helper, gone };
}

const isWeekend = (date) => [0, 6].includes(new Date(date).getUTCDay());

// An instant of that day within working hours, on the clocks of the system's time zone.
function atWork({ state, random }, date) {
  const offset = offsetAt(date, state.settings.timezone_default);
  const midnight = Math.floor((date + offset) / DAY_MS) * DAY_MS - offset;
  return midnight + MORNING * HOUR_MS + random.integer(0, OPEN_HOURS * HOUR_MS - 1);
}

// On the same day or one of the next, later than `after`.
function laterAtWork(story, after) {
  let date = after + story.random.weighted([[5, 0], [3, 1], [1, 2]]) * DAY_MS;
  while (isWeekend(date)) date += DAY_MS;
  return Math.max(after + story.random.integer(10, 50) * 60_000, atWork(story, date));
}

// What lies after now has not happened.
function plan(story, at, act) {
  if (at < story.now) story.events.push({ at, act });
}

// A ticket from its opening to its end, as far as it has got: { ticket, bookings: [{ entry, at }], at }.
function planCase(story, date, title) {
  const { state, random, team } = story;
  const one = { bookings: [] };
  const customer = random.pick([...state.users.values()].filter(({ role_ids }) => role_ids.includes(3)));
  const owner = random.pick(team.regular);
  const group = random.weighted([[3, 'Users'], [4, 'Service Desk'], [2, 'Service Desk::Field']]);
  const from = `${customer.firstname} ${customer.lastname} <${customer.email}>`;
  const article = { body: title, subject: title, type: random.pick(['email', 'phone', 'web']), sender: 'Customer', from };
  const opened = atWork(story, date);
  if (opened >= story.now) return;
  const values = { title, group, customer_id: customer.id, owner_id: owner.id, article };
  plan(story, opened, () => (one.ticket = createTicket(state, values, customer.id)));
  one.at = opened;
  for (let n = random.weighted(BOOKINGS); n > 0; n--) {
    one.at = laterAtWork(story, one.at);
    const agent = random.chance(0.08) ? team.helper : random.chance(0.75) ? owner : random.pick(team.regular);
    planWork(story, one, agent);
  }
  if (one.bookings.length > 0 && random.chance(0.7)) {
    one.at += random.integer(1, 20) * 60_000;
    plan(story, one.at, () => updateTicket(state, one.ticket, { state: 'closed' }, owner.id));
  }
  story.cases.push(one);
}

// Half of all time is booked with an article, half in the sidebar.
function planWork(story, one, agent) {
  const { state, random } = story;
  const booking = { at: one.at };
  const type_id = random.weighted(TYPES.map((weight, i) => [weight, i + 1]));
  const time_unit = random.weighted(AMOUNTS);
  const note = { body: random.pick(DONE), type: 'note', internal: random.chance(0.3) };
  const article = random.chance(0.5) && { ...note, time_unit, accounted_time_type_id: type_id };
  if (booking.at >= story.now) return;
  one.bookings.push(booking);
  plan(story, booking.at, () => {
    if (!article) booking.entry = createEntry(state, { ticket_id: one.ticket.id, time_unit, type_id }, agent.id);
    else booking.entry = state.entryOfArticle(addArticle(state, one.ticket, article, agent.id).id);
  });
}

// What makes a month real: slips of the pen, a ticket opened twice, an hour given away.
function planSurprises(story) {
  const { state, random, team, cases } = story;
  const old = cases.filter(({ at, bookings }) => bookings.length > 0 && at < story.now - 2 * HOUR_MS);
  const bookings = old.flatMap((one) => one.bookings);
  const soon = (at) => Math.min(at + random.integer(HOUR_MS / 2, 5 * HOUR_MS), story.now - 1);
  const book = (one, values, agent) =>
    plan(story, soon(one.at), () => createEntry(state, { ticket_id: one.ticket.id, ...values }, agent.id));
  for (const booking of bookings.filter((_, i) => i % 17 === 3)) {
    const time_unit = random.weighted(AMOUNTS);
    plan(story, soon(booking.at), () => updateEntry(state, booking.entry, { time_unit }, team.lead.id));
  }
  const mistaken = bookings[40]; // the last thing that happened: it was the wrong ticket
  plan(story, story.now - 1, () => deleteEntry(state, mistaken.entry, team.lead.id));
  book(old[2], { time_unit: '0', type_id: 1 }, team.lead); // goodwill
  book(old[4], { time_unit: '25' }, team.regular[1]); // without a type
  book(old[6], { time_unit: '-15', type_id: 1 }, team.lead); // taken back
  book(old[7], { time_unit: '40', type_id: 2 }, team.gone);
  const [twin, original] = [old[8], old[9]];
  plan(story, soon(Math.max(twin.at, original.at)), () => mergeTicket(state, twin.ticket, original.ticket, team.lead.id));
}

// month.mjs - a month in the life of a small IT service team, told by a seed: what a demo begins with.

import { createEntry, deleteEntry, updateEntry } from './accounting.mjs';
import { offsetAt } from './json.mjs';
import { addArticle, createTicket, mergeTicket, updateTicket } from './tickets.mjs';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const DAYS = 31;
const TICKETS = [2, 6]; // a working day
const DONE = ['Habe es mir angesehen und behoben.', 'Fixed remotely, please confirm.', 'Vor Ort erledigt, Rückmeldung folgt.', 'Waiting for the supplier.',
  'Rebooted, updated, works again.', 'Mit dem Hersteller telefoniert.', 'Documented in the wiki.'];
const EXTRA = ['Größenänderung des Postfachs für Frau Straßer', 'Übernahme der alten Telefonanlage', 'Kaffeemaschine im WLAN ☕ nicht erreichbar',
  'Re: Re: Fwd: Angebot für 12 Bildschirme', '"Quotes", <tags> & ampersands in a subject'];
const AMOUNTS = [[5, '15'], [5, '30'], [3, '45'], [3, '60'], [2, '10'], [2, '5'], [2, '90'], [1, '120'], [1, '7.5'], [1, '22.25'], [1, '180']];

// Fills a fresh state up to its clock's now. Nobody is told of it. Returns what it holds.
export function writeMonth(state, random) {
  const now = state.clock.now();
  const team = teamOf(state);
  const story = { state, random, team, tickets: [], entries: [], now };
  const subjects = [...state.cast.subjects, ...EXTRA];
  for (let day = DAYS; day >= 0; day--) {
    const date = now - day * DAY_MS;
    if ([0, 6].includes(new Date(date).getUTCDay())) continue;
    for (let n = random.integer(...TICKETS); n > 0; n--) openTicket(story, date, subjects[story.tickets.length % subjects.length]);
  }
  corrections(story);
  state.at = undefined;
  return { tickets: state.tickets.size, entries: state.entries.size };
}

// The cast's agents and two whom nobody knows in the books: a temporary helper, and somebody who has left.
function teamOf(state) {
  const home = { organization_id: state.agents[0].organization_id, group_ids: { 1: ['full'], 2: ['full'], 3: ['full'] }, role_ids: [2] };
  const domain = state.cast.domain;
  const helper = state.addUser({ ...home, login: `aushilfe@${domain}`, firstname: 'Jürgen', lastname: 'Groß-Ähnlich' });
  const gone = state.addUser({ ...home, login: `former.colleague@${domain}`, firstname: 'Former', lastname: 'Colleague', active: false });
  state.insert('types', { name: 'Rufbereitschaft', note: 'only in Zammad', active: true });
  return { regular: state.agents, helper, gone };
}

// An instant on that day between eight and six, on the clocks of the system's time zone; never after now.
function atWork({ state, random, now }, date) {
  const zone = state.settings.timezone_default;
  const midnight = Math.floor((date + offsetAt(date, zone)) / DAY_MS) * DAY_MS - offsetAt(date, zone);
  return Math.min(midnight + 8 * HOUR_MS + random.integer(0, 10 * HOUR_MS - 1), now - 1);
}

function openTicket(story, date, title) {
  const { state, random, team } = story;
  const customers = [...state.users.values()].filter(({ role_ids }) => role_ids.includes(3));
  const customer = random.pick(customers);
  state.at = atWork(story, date);
  const article = { body: title, type: random.pick(['email', 'phone', 'web']), sender: 'Customer', from: `${customer.firstname} ${customer.lastname} <${customer.email}>` };
  const group = random.weighted([[3, 'Users'], [4, 'Service Desk'], [2, 'Service Desk::Field']]);
  const owner = random.pick(team.regular);
  const ticket = createTicket(state, { title, group, customer_id: customer.id, owner_id: owner.id, article }, customer.id);
  story.tickets.push(ticket);
  const times = random.weighted([[1, 0], [5, 1], [4, 2], [2, 3], [1, 5]]);
  let moment = state.at;
  for (let i = 0; i < times; i++) {
    moment += random.integer(20 * 60_000, 30 * HOUR_MS);
    if (moment >= story.now) return;
    state.at = moment;
    story.entries.push(work(story, ticket, random.chance(0.08) ? team.helper : random.chance(0.75) ? owner : random.pick(team.regular)));
  }
  if (times > 0 && random.chance(0.7)) updateTicket(state, ticket, { state: 'closed' }, owner.id);
}

// Half of all time is booked with an article, half in the sidebar.
function work({ state, random }, ticket, agent) {
  const types = [...state.types.values()];
  const type_id = random.weighted([[6, types[0]], [3, types[1]], [3, types[2]], [2, types[3]], [2, types[4]], [2, types[5]], [1, types[6]]]).id;
  const time_unit = random.weighted(AMOUNTS);
  if (random.chance(0.5)) return createEntry(state, { ticket_id: ticket.id, time_unit, type_id }, agent.id);
  const article = addArticle(state, ticket, { body: random.pick(DONE), type: 'note', internal: random.chance(0.3), time_unit, accounted_time_type_id: type_id }, agent.id);
  return state.entryOfArticle(article.id);
}

// What makes a month real: slips of the pen, a ticket opened twice, an hour given away.
function corrections(story) {
  const { state, random, tickets, entries, team, now } = story;
  const [lead] = team.regular;
  const later = (entry) => (state.at = Math.min(entry.created_at + random.integer(HOUR_MS, DAY_MS), now - 1));
  const picked = entries.filter((_, i) => i % 17 === 3);
  for (const entry of picked) {
    later(entry);
    updateEntry(state, entry, { time_unit: random.weighted(AMOUNTS) }, lead.id);
  }
  const gone = entries.at(-5);
  later(gone);
  deleteEntry(state, gone, lead.id);
  const used = tickets.filter((ticket) => state.entriesOf(ticket.id).length > 0);
  const book = (ticket, values, agent) => {
    state.at = Math.min(ticket.updated_at + random.integer(60_000, HOUR_MS), now - 1);
    return createEntry(state, { ticket_id: ticket.id, ...values }, agent.id);
  };
  book(used[2], { time_unit: '0', type_id: 1 }, lead); // goodwill
  book(used[4], { time_unit: '25' }, team.regular[1]); // without a type
  book(used[6], { time_unit: '-15', type_id: 1 }, lead); // taken back
  book(used[7], { time_unit: '40', type_id: 2 }, team.gone);
  const [source, target] = [used[8], used[9]];
  state.at = Math.min(Math.max(source.updated_at, target.updated_at) + HOUR_MS, now - 1);
  mergeTicket(state, source, target, lead.id);
}

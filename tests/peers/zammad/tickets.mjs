// tickets.mjs - what happens to tickets and their articles: opened, changed, answered, merged, deleted.

import { checkTime, createEntry, sumOf, writeSum } from './accounting.mjs';
import { amountOf } from './decimal.mjs';
import { invalid, unprocessable } from './errors.mjs';
import { ARTICLE_TYPES, PRIORITIES, SENDERS, STATES, SYSTEM_USER, fullName, idOf } from './state.mjs';

const MOST_TITLE = 250;
const WRITABLE = ['title', 'group_id', 'state_id', 'priority_id', 'owner_id', 'customer_id', 'organization_id', 'note', 'type'];

// values: columns or names (group, customer, owner, state, priority), article: { body, time_unit, ... }, tags.
export function createTicket(state, values, by) {
  return state.transaction(() => {
    const row = columns(state, values);
    if (!row.group_id) throw unprocessable("The required value 'group_id' is missing.");
    timeOf(state, values.article, 0n);
    const customer = state.users.get(row.customer_id ?? by);
    const now = state.now();
    const id = state.nextId('tickets');
    const ticket = {
      id, number: `${state.settings.system_id}${String(id).padStart(3, '0')}`, title: '-', note: null, type: null, time_unit: null,
      state_id: idOf(STATES, 'new'), priority_id: idOf(PRIORITIES, '2 normal'), owner_id: SYSTEM_USER, customer_id: customer.id,
      organization_id: customer.organization_id, article_count: 0, create_article_type_id: null, create_article_sender_id: null,
      last_contact_at: null, last_contact_agent_at: null, last_contact_customer_at: null, close_at: null,
      preferences: {}, custom: {}, ...row, updated_by_id: by, created_by_id: by, created_at: now, updated_at: now,
    };
    ticket.organization_id = customer.organization_id; // Zammad takes it from the customer, whatever is said
    state.addTicket(ticket);
    state.log(ticket, null, '', '', by, 'created');
    state.happened('create', ticket, { by });
    for (const tag of tagList(values.tags)) state.addTag(ticket.id, tag);
    if (values.article) addArticle(state, ticket, values.article, by);
    return ticket;
  });
}

export function updateTicket(state, ticket, values, by) {
  return state.transaction(() => {
    const row = columns(state, values);
    timeOf(state, values.article, sumOf(state, ticket.id));
    if (row.customer_id && row.customer_id !== ticket.customer_id) row.organization_id = state.users.get(row.customer_id).organization_id;
    const changes = {};
    for (const [name, value] of Object.entries(row)) {
      if (ticket[name] !== value) changes[name] = [ticket[name], value];
    }
    if (Object.keys(changes).length > 0) saveTicket(state, ticket, changes, by);
    if (values.article) addArticle(state, ticket, values.article, by);
    return ticket;
  });
}

function saveTicket(state, ticket, changes, by) {
  for (const [name, [from, to]] of Object.entries(changes)) {
    ticket[name] = to;
    state.log(ticket, name, String(from ?? ''), String(to ?? ''), by);
  }
  if (changes.state_id && STATES[ticket.state_id - 1] === 'closed') ticket.close_at ??= state.now();
  state.touch(ticket, by);
  state.happened('update', ticket, { changes, by });
}

// values: { body, subject, type, sender, internal, content_type, to, cc, time_unit, accounted_time_type_id, attachments }.
export function addArticle(state, ticket, values, by) {
  return state.transaction(() => {
    const time = timeOf(state, values, sumOf(state, ticket.id));
    const article = insertArticle(state, ticket, values, by);
    ticket.article_count++;
    ticket.create_article_type_id ??= article.type_id;
    ticket.create_article_sender_id ??= article.sender_id;
    contacted(ticket, article);
    state.touch(ticket, by);
    state.happened('update', ticket, { article, changes: { article_count: [ticket.article_count - 1, ticket.article_count] }, by });
    if (time) createEntry(state, { ...time, ticket_id: ticket.id, ticket_article_id: article.id }, by);
    return article;
  });
}

// The time that comes with an article, or undefined. It is looked at before anything is changed: there is no way back afterwards.
function timeOf(state, article, sum) {
  const time_unit = amountOf(article?.time_unit);
  if (time_unit === undefined) return undefined;
  const type_id = article.accounted_time_type_id ?? null;
  checkTime(state, { time_unit, type_id }, sum);
  return { time_unit, type_id };
}

// Notes are no contact.
function contacted(ticket, { type_id, sender_id, created_at }) {
  if (ARTICLE_TYPES[type_id - 1] === 'note') return;
  ticket.last_contact_at = created_at;
  ticket[SENDERS[sender_id - 1] === 'Customer' ? 'last_contact_customer_at' : 'last_contact_agent_at'] = created_at;
}

function insertArticle(state, ticket, values, by) {
  const author = state.users.get(by);
  const type = ARTICLE_TYPES.includes(values.type) ? values.type : 'note';
  const sender = SENDERS.includes(values.sender) ? values.sender : author.role_ids.includes(2) ? 'Agent' : 'Customer';
  const now = state.now();
  const article = {
    id: state.nextId('articles'), ticket_id: ticket.id, type_id: idOf(ARTICLE_TYPES, type), sender_id: idOf(SENDERS, sender),
    from: values.from ?? fullName(author), to: values.to ?? null, cc: values.cc ?? null, subject: values.subject ?? null,
    content_type: values.content_type ?? 'text/plain', body: values.body ?? '', internal: values.internal ?? false, origin_by_id: null,
    attachments: attachments(state, values.attachments), updated_by_id: by, created_by_id: by, created_at: now, updated_at: now,
  };
  state.addArticle(article);
  return article;
}

function attachments(state, list) {
  return (list ?? []).map(({ filename, data = '', 'mime-type': mime = 'application/octet-stream' }) => ({
    id: state.nextId('attachments'), filename, size: String(Buffer.from(data, 'base64').length), preferences: { 'Mime-Type': mime },
  }));
}

// With the article goes its entry; the ticket's sum follows.
export function deleteArticle(state, article, by) {
  state.transaction(() => {
    const ticket = state.tickets.get(article.ticket_id);
    const entry = state.entryOfArticle(article.id);
    state.dropArticle(article);
    ticket.article_count--;
    if (!entry) return;
    state.dropEntry(entry);
    writeSum(state, entry.ticket_id, by);
  });
}

// Zammad moves the articles and leaves the entries (issues 4201 and 4923 of zammad/zammad), so that an entry's article may belong
// to another ticket afterwards; the target is only touched, which no trigger sees. state.features.mergedEntries = 'move' takes the
// entries along.
export function mergeTicket(state, source, target, by) {
  if (STATES[target.state_id - 1] === 'merged') throw unprocessable('It is not possible to merge into an already merged ticket.');
  if (source === target) throw unprocessable('A ticket cannot be merged into itself.');
  state.transaction(() => {
    for (const article of [...state.articlesOf(source.id)]) moveArticle(state, article, target);
    target.article_count = state.articlesOf(target.id).length;
    state.log(target, null, String(source.id), String(target.id), by, 'received_merge');
    state.log(source, null, String(source.id), String(target.id), by, 'merged_into');
    if (state.features.mergedEntries === 'move') moveEntries(state, source, target, by);
    insertArticle(state, source, { body: 'merged', type: 'note', sender: 'Agent' }, by);
    source.article_count = 1;
    const changes = { state_id: [source.state_id, idOf(STATES, 'merged')], owner_id: [source.owner_id, SYSTEM_USER] };
    saveTicket(state, source, changes, by);
    state.touch(target);
  });
}

function moveArticle(state, article, target) {
  state.dropArticle(article);
  article.ticket_id = target.id;
  article.updated_at = state.now();
  state.addArticle(article);
}

// Ids and times stay: an UPDATE of the column alone.
function moveEntries(state, source, target, by) {
  for (const entry of [...state.entriesOf(source.id)]) state.changeEntry(entry, { ticket_id: target.id });
  writeSum(state, source.id, by);
  writeSum(state, target.id, by);
}

// Its articles and entries go with it, and nobody is told: the jobs of its webhooks find nothing.
export function deleteTicket(state, ticket) {
  for (const entry of [...state.entriesOf(ticket.id)]) state.dropEntry(entry);
  for (const article of [...state.articlesOf(ticket.id)]) state.dropArticle(article);
  state.dropTicket(ticket);
}

export const tagList = (tags) => (Array.isArray(tags) ? tags : String(tags ?? '').split(',')).map((tag) => tag.trim()).filter(Boolean);

// ---- columns of names ----

const NAMED = {
  group: (state, name) => [...state.groups.values()].find((group) => group.name === name)?.id,
  organization: (state, name) => [...state.organizations.values()].find((firm) => firm.name === name)?.id,
  customer: (state, name) => state.userBy(name)?.id,
  owner: (state, name) => state.userBy(name)?.id,
  state: (_, name) => idOf(STATES, name) || undefined,
  priority: (_, name) => idOf(PRIORITIES, name) || undefined,
};

const TABLES = { group_id: 'groups', organization_id: 'organizations', customer_id: 'users', owner_id: 'users' };

// Of what was sent, the columns that are there; everything else is dropped without a word.
function columns(state, values) {
  const row = {};
  for (const name of WRITABLE) if (values[name] !== undefined) row[name] = values[name];
  for (const [name, lookup] of Object.entries(NAMED)) {
    if (values[name] === undefined || values[name] === null || row[`${name}_id`]) continue;
    if (typeof values[name] === 'object') continue;
    const id = lookup(state, values[name]);
    if (!id) throw unprocessable(`No lookup value found for '${name}': ${JSON.stringify(values[name])}`);
    row[`${name}_id`] = id;
  }
  for (const [name, value] of Object.entries(row)) {
    if (!name.endsWith('_id') || value === null) continue;
    row[name] = Number(value);
    if (TABLES[name] && !state[TABLES[name]].has(row[name])) throw invalid(`${human(name)} must exist`);
  }
  if (row.title !== undefined) row.title = String(row.title ?? '').slice(0, MOST_TITLE) || '-';
  return row;
}

const human = (column) => column.replace('_id', '').replace(/^./, (letter) => letter.toUpperCase());

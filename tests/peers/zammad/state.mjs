// state.mjs - everything a Zammad knows: its tables, who changes them, and what a fresh one holds.

import { castOf } from '../support/cast.mjs';
import { Random } from '../support/random.mjs';
import { Sorted } from './sorted.mjs';

export const SYSTEM_USER = 1;
export const ROLES = [
  { id: 1, name: 'Admin', permissions: ['admin', 'user_preferences', 'report'] },
  { id: 2, name: 'Agent', permissions: ['ticket.agent', 'chat.agent', 'cti.agent', 'knowledge_base.reader', 'user_preferences'] },
  { id: 3, name: 'Customer', permissions: ['ticket.customer', 'user_preferences'] },
];
export const STATES = ['new', 'open', 'pending reminder', 'closed', 'merged', 'removed', 'pending close'];
export const PRIORITIES = ['1 low', '2 normal', '3 high'];
export const ARTICLE_TYPES = ['email', 'sms', 'chat', 'fax', 'phone', 'twitter status', 'twitter direct-message', 'facebook feed post',
  'facebook feed comment', 'note', 'web'];
export const SENDERS = ['Agent', 'Customer', 'System'];

const UNUSED = { vip: false, verified: false, out_of_office: false };

// What a user has besides a name, and what it is unless it is known.
export const ADDRESS = {
  web: '', phone: '', fax: '', mobile: '', department: null, street: '', zip: '', city: '', country: '', address: null,
};

export const idOf = (names, name) => names.indexOf(name) + 1;

const FRESH_DAYS = 400; // how long before the clock's now this Zammad was set up
const DAY_MS = 86_400_000;

export class State {
  users = new Map();
  organizations = new Map();
  groups = new Map();
  tickets = new Map();
  articles = new Map();
  entries = new Map(); // time accountings
  types = new Map();
  tokens = new Map(); // by their text
  tags = new Map(); // tag id -> { id, name }
  history = new Map(); // ticket id -> rows
  at; // the instant that a request believes in; the clock's otherwise

  #last = new Map();
  #entriesOf = new Map();
  #articlesOf = new Map();
  #tagsOf = new Map();
  #entryOfArticle = new Map();
  #numbers = new Map();
  #events; // ticket id -> what happened to it, while a transaction lasts

  // tell(event): called once for each ticket that a transaction changed. complain(text): what a client should hear of.
  constructor({ clock, random, seed, settings, features, tell = () => {}, complain = () => {} }) {
    Object.assign(this, { clock, random, seed, settings, features, tell, complain, secrets: new Random(seed).fork('zammad tokens') });
    this.orders = {
      entries: sortedBy(() => this.entries.values(), ['id', 'created_at', 'updated_at']),
      tickets: sortedBy(() => this.tickets.values(), ['id', 'created_at', 'updated_at']),
    };
    this.#found();
  }

  now() {
    return this.at ?? this.clock.now();
  }

  nextId(table) {
    const id = (this.#last.get(table) ?? 0) + 1;
    this.#last.set(table, id);
    return id;
  }

  // ---- rows ----

  // A row with an id, times and an author, into a table.
  insert(table, row, by = SYSTEM_USER) {
    const now = this.now();
    const full = { id: this.nextId(table), updated_by_id: by, created_by_id: by, created_at: now, updated_at: now, ...row };
    this[table].set(full.id, full);
    return full;
  }

  addTicket(ticket) {
    this.tickets.set(ticket.id, ticket);
    this.#numbers.set(ticket.number, ticket);
    for (const order of Object.values(this.orders.tickets)) order.add(ticket);
  }

  dropTicket(ticket) {
    for (const order of Object.values(this.orders.tickets)) order.remove(ticket);
    this.tickets.delete(ticket.id);
    this.#numbers.delete(ticket.number);
    this.history.delete(ticket.id);
    this.#tagsOf.delete(ticket.id);
  }

  // The ticket was saved: its updated_at is now, and the search index hears of it later.
  touch(ticket, by) {
    const now = this.now();
    if (now - ticket.updated_at >= this.settings.search_delay_ms) ticket.indexed_at = ticket.updated_at;
    this.orders.tickets.updated_at.remove(ticket);
    ticket.updated_at = now;
    if (by) ticket.updated_by_id = by;
    this.orders.tickets.updated_at.add(ticket);
  }

  ticketByNumber(number) {
    return this.#numbers.get(String(number));
  }

  addEntry(entry) {
    this.entries.set(entry.id, entry);
    listIn(this.#entriesOf, entry.ticket_id).push(entry);
    if (entry.ticket_article_id !== null) this.#entryOfArticle.set(entry.ticket_article_id, entry);
    for (const order of Object.values(this.orders.entries)) order.add(entry);
  }

  dropEntry(entry) {
    for (const order of Object.values(this.orders.entries)) order.remove(entry);
    this.entries.delete(entry.id);
    remove(this.#entriesOf, entry.ticket_id, entry);
    if (entry.ticket_article_id !== null) this.#entryOfArticle.delete(entry.ticket_article_id);
  }

  // Changes an entry's columns and keeps every index right.
  changeEntry(entry, changes) {
    this.dropEntry(entry);
    Object.assign(entry, changes);
    this.entries.set(entry.id, entry);
    const list = listIn(this.#entriesOf, entry.ticket_id);
    list.push(entry);
    list.sort((a, b) => a.id - b.id);
    if (entry.ticket_article_id !== null) this.#entryOfArticle.set(entry.ticket_article_id, entry);
    for (const order of Object.values(this.orders.entries)) order.add(entry);
  }

  entriesOf(ticketId) {
    return this.#entriesOf.get(ticketId) ?? [];
  }

  entryOfArticle(articleId) {
    return this.#entryOfArticle.get(articleId);
  }

  addArticle(article) {
    this.articles.set(article.id, article);
    listIn(this.#articlesOf, article.ticket_id).push(article);
  }

  dropArticle(article) {
    this.articles.delete(article.id);
    remove(this.#articlesOf, article.ticket_id, article);
  }

  articlesOf(ticketId) {
    return this.#articlesOf.get(ticketId) ?? [];
  }

  tagsOf(ticketId) {
    return [...(this.#tagsOf.get(ticketId) ?? [])];
  }

  addTag(ticketId, name) {
    if (![...this.tags.values()].some((tag) => tag.name === name)) this.insert('tags', { name });
    if (!this.#tagsOf.has(ticketId)) this.#tagsOf.set(ticketId, new Set());
    this.#tagsOf.get(ticketId).add(name);
  }

  removeTag(ticketId, name) {
    this.#tagsOf.get(ticketId)?.delete(name);
  }

  countTag(name) {
    return [...this.#tagsOf.values()].filter((names) => names.has(name)).length;
  }

  renameTag(tag, name) {
    for (const names of this.#tagsOf.values()) if (names.delete(tag.name)) names.add(name);
    tag.name = name;
  }

  deleteTag(tag) {
    for (const names of this.#tagsOf.values()) names.delete(tag.name);
    this.tags.delete(tag.id);
  }

  // permission: what of its user's permissions it carries. oauth: it is an OAuth2 token, for "Bearer" only. expires_at: a day, or
  // an instant.
  addToken({ user, permission = ['admin', 'ticket.agent'], name = 'Token', expires_at = null, oauth = false, token = this.#secret() }) {
    const now = this.now();
    const times = { last_used_at: null, created_at: now, updated_at: now };
    const row = { id: this.nextId('tokens'), token, user_id: user.id, name, permission, expires_at, oauth, ...times };
    this.tokens.set(token, row);
    return row;
  }

  // 64 characters that the seed decides.
  #secret() {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    return Array.from({ length: 64 }, () => this.secrets.pick([...letters])).join('');
  }

  log(ticket, attribute, from, to, by, type = 'updated') {
    const row = { id: this.nextId('history'), o_id: ticket.id, type, object: 'Ticket', attribute, value_from: from, value_to: to };
    listIn(this.history, ticket.id).push({ ...row, created_by_id: by, created_at: this.now() });
  }

  userBy(text) {
    const wanted = String(text).trim().toLowerCase();
    if (/^\d+$/.test(wanted) && this.users.has(Number(wanted))) return this.users.get(Number(wanted));
    return [...this.users.values()].find(({ login, email }) => [login, email].some((name) => name?.toLowerCase() === wanted));
  }

  // ---- what others may see, and hear ----

  // Before a row changes: as long as its transaction is not committed, others see it as it was. absent: it was not there.
  hide(row, { absent = false } = {}) {
    const delay = this.features.webhookPhase === 'after_save' ? this.settings.visibility_delay_ms : 0;
    if (delay === 0) return;
    const before = this.isHidden(row) ? row.before : absent ? null : { ...row };
    row.before = before;
    row.visible_at = this.now() + delay;
  }

  isHidden(row) {
    return row.visible_at !== undefined && this.now() < row.visible_at;
  }

  // The row as readers see it, or undefined.
  seen(row) {
    if (!row || !this.isHidden(row)) return row;
    return row.before ?? undefined;
  }

  // Runs act(); each ticket that it changed is told of once, when all is done.
  transaction(act) {
    if (this.#events) return act();
    this.#events = new Map();
    try {
      const result = act();
      const events = [...this.#events.values()];
      this.#events = undefined;
      for (const event of events) this.tell(event);
      return result;
    } finally {
      this.#events = undefined;
    }
  }

  // A ticket was created or updated by `user`; changes: { attribute: [before, after] }.
  happened(type, ticket, { article, changes = {}, by }) {
    const event = this.#events.get(ticket.id) ?? { type, ticket_id: ticket.id, article_id: null, changes: {}, user_id: by };
    if (type === 'create') event.type = 'create';
    if (article) event.article_id = article.id;
    Object.assign(event.changes, changes);
    this.#events.set(ticket.id, event);
  }

  // ---- a fresh Zammad ----

  #found() {
    this.at = this.clock.now() - FRESH_DAYS * DAY_MS;
    const cast = castOf(this.seed);
    this.cast = cast;
    for (const name of ['Users', 'Service Desk', 'Service Desk::Field']) this.insert('groups', { name, active: true, note: null });
    this.addUser({ login: '-', firstname: '-', lastname: '', email: '', active: false, role_ids: [] });
    const home = this.insert('organizations', organization({ name: 'Lindgren IT', domain: cast.domain }));
    const groupIds = { 1: ['full'], 2: ['full'], 3: ['full'] };
    const staff = { organization_id: home.id, group_ids: groupIds };
    const api = { login: `zammad-api@${cast.domain}`, firstname: 'Zammad', lastname: 'API', password: 'admin-password' };
    this.admin = this.addUser({ ...staff, ...api, role_ids: [1, 2] });
    this.agents = cast.agents.map((agent, i) => {
      const role_ids = i === 0 ? [1, 2] : [2]; // the first one leads the team
      return this.addUser({ ...staff, ...agent, login: agent.email, role_ids, password: 'agent-password' });
    });
    for (const { contacts, ...firm } of cast.organisations) {
      const { id } = this.insert('organizations', organization(firm));
      for (const contact of contacts) {
        this.addUser({ ...contact, login: contact.email, organization_id: id, password: 'customer-password' });
      }
    }
    for (const { name } of cast.activityTypes) this.insert('types', { name, note: null, active: true });
    this.at = undefined;
  }

  // A customer, unless role_ids say otherwise.
  addUser({ login, email = login, firstname = '', lastname = '', organization_id = null, role_ids = [3], active = true, ...more }, by) {
    const { group_ids = {}, note = '', password = null, two_factor = false } = more;
    const person = { login, firstname, lastname, email, organization_id, organization_ids: [], role_ids, group_ids, active, note };
    const address = Object.fromEntries(Object.entries(ADDRESS).map(([name, blank]) => [name, more[name] ?? blank]));
    return this.insert('users', { ...person, ...address, ...UNUSED, password, two_factor }, by);
  }
}

export const organization = ({ name, shared = true, domain = '', domain_assignment = false, active = true, note = '', vip = false }) => ({
  name, shared, domain, domain_assignment, active, note, vip,
});

export const fullName = (user) => [user.firstname, user.lastname].filter(Boolean).join(' ') || user.email || '-';

const sortedBy = (rows, keys) => Object.fromEntries(keys.map((key) => [key, new Sorted(rows, key)]));

function listIn(map, key) {
  if (!map.has(key)) map.set(key, []);
  return map.get(key);
}

function remove(map, key, thing) {
  const list = map.get(key) ?? [];
  const at = list.indexOf(thing);
  if (at >= 0) list.splice(at, 1);
}

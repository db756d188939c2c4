#!/usr/bin/env node
// zammad.mjs - a stand-in for Zammad 6.5: keeps tickets and booked time, answers its REST API, and sends webhooks.
//
// By hand:   node tests/peers/zammad.mjs --port 0 --seed 7 --data month
// In a test: const zammad = await startZammad({ seed, now }); zammad.book({ ticket: 1, time_unit: '15' }); ... await zammad.stop();

import { pathToFileURL } from 'node:url';

import { runByHand } from './support/command.mjs';
import { Faults } from './support/faults.mjs';
import { Peer } from './support/peer.mjs';
import { Random } from './support/random.mjs';
import { createEntry } from './zammad/accounting.mjs';
import { allowed, authenticate } from './zammad/auth.mjs';
import { controlsOf } from './zammad/control.mjs';
import { Failure, answerOf } from './zammad/errors.mjs';
import { railsJson } from './zammad/json.mjs';
import { writeMonth } from './zammad/month.mjs';
import { ACCOUNTING_ROUTES } from './zammad/routes_accounting.mjs';
import { PEOPLE_ROUTES } from './zammad/routes_people.mjs';
import { TICKET_ROUTES } from './zammad/routes_tickets.mjs';
import { Router, parametersOf } from './zammad/router.mjs';
import { SETTINGS, featuresOf } from './zammad/settings.mjs';
import { entryPlain, ticketNamed } from './zammad/shapes.mjs';
import { State, organization } from './zammad/state.mjs';
import { createTicket } from './zammad/tickets.mjs';
import { Webhooks } from './zammad/webhooks.mjs';

const VERSION = '6.5.0';
const ROUTER = new Router([...ACCOUNTING_ROUTES, ...TICKET_ROUTES, ...PEOPLE_ROUTES]);

export class Zammad extends Peer {
  #options;

  // version: "6.5.0"; features and settings: what differs from it (settings.mjs); data: "month".
  constructor({ version = VERSION, features = {}, settings = {}, data, ...peer } = {}) {
    super({ name: 'zammad', ...peer });
    this.#options = { version, features, settings, data };
    this.faults = new ZammadFaults({ seed: this.seed });
    if (peer.faults) this.faults.random(peer.faults);
    this.reset();
  }

  get version() {
    return this.#options.version;
  }

  // As at the start; its token is the same again.
  reset() {
    const { version, features, settings, data } = this.#options;
    this.webhooks?.stop();
    this.state = new State({
      clock: this.clock,
      random: this.random,
      seed: this.seed,
      settings: { ...SETTINGS, ...settings },
      features: { ...featuresOf(version), ...features },
      tell: (event) => this.webhooks.hear(event),
      complain: (text) => this.violations.push({ text }),
    });
    this.webhooks = new Webhooks({ state: this.state, seed: this.seed });
    this.token = this.state.addToken({ user: this.state.admin, name: 'Dowel', permission: ['admin', 'ticket.agent'] }).token;
    this.errors = new Random(this.seed).fork('error ids');
    if (data === 'month') this.fillMonth();
  }

  async stop() {
    this.webhooks.stop();
    await super.stop();
  }

  answer(request) {
    const { state } = this;
    state.at = request.now;
    let caller;
    try {
      const { answer, parameters } = ROUTER.find(request.method, request.path, state.features);
      caller = authenticate(state, request);
      const params = parametersOf(request, parameters);
      const { headers, ...rest } = answer({ state, params, version: this.version, ...caller });
      return { ...rest, headers: { 'Content-Type': 'application/json; charset=utf-8', ...headers } };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return answerOf(error, request, { admin: caller && allowed(caller, 'admin'), errorId: () => this.#errorId() });
    } finally {
      state.at = undefined;
    }
  }

  encode(value) {
    return railsJson(value);
  }

  controls() {
    return controlsOf(this);
  }

  snapshot() {
    const { state } = this;
    return {
      version: this.version,
      token: this.token,
      settings: { ...state.settings },
      features: { ...state.features },
      admin: state.admin.login,
      agents: state.agents.map(({ id, login }) => ({ id, login })),
      counts: { tickets: state.tickets.size, entries: state.entries.size, users: state.users.size },
      tickets: [...state.tickets.values()].map((ticket) => ticketNamed(state, ticket)),
      entries: [...state.entries.values()].map((entry) => entryPlain(state, entry)),
      types: [...state.types.values()].map(({ id, name }) => ({ id, name })),
      deliveries: this.webhooks.counts(),
    };
  }

  // ---- for tests in the same process: the same verbs as /_control has ----

  book(values) {
    return this.control('POST', 'book', values);
  }

  edit(id, values) {
    return this.control('POST', `entries/${id}`, values);
  }

  remove(id) {
    return this.control('DELETE', `entries/${id}`);
  }

  openTicket(values = {}) {
    return this.control('POST', 'tickets', values);
  }

  changeTicket(id, values) {
    return this.control('POST', `tickets/${id}`, values);
  }

  merge(id, into) {
    return this.control('POST', `tickets/${id}/merge`, { into });
  }

  removeTicket(id) {
    return this.control('DELETE', `tickets/${id}`);
  }

  // A month of believable data before now; nobody is told of it.
  fillMonth() {
    return this.#silently(() => writeMonth(this.state, new Random(this.seed).fork('month')));
  }

  // Many tickets and entries, spread over `days` before now; nobody is told of them.
  fill({ tickets = 1000, entries = 5000, days = 365 } = {}) {
    const { state } = this;
    const random = new Random(this.seed).fork('fill');
    const customers = [...state.users.values()].filter(({ role_ids }) => role_ids.includes(3));
    const [now, span] = [this.clock.now(), days * 86_400_000];
    return this.#silently(() => {
      const opened = [];
      for (let i = 0; i < tickets; i++) {
        state.at = now - span + Math.floor((span * i) / tickets / 2);
        const title = `Ticket ${i + 1}: ${state.cast.subjects[i % state.cast.subjects.length]}`;
        const customer_id = customers[i % customers.length].id;
        opened.push(createTicket(state, { title, group_id: 1 + (i % 3), customer_id }, state.admin.id));
      }
      for (let i = 0; i < entries; i++) {
        state.at = now - span / 2 + Math.floor((span * i) / entries / 2);
        const values = { ticket_id: opened[i % tickets].id, time_unit: String(random.integer(1, 480) / 4), type_id: random.integer(1, 6) };
        createEntry(state, values, random.pick(state.agents).id);
      }
      return { tickets: state.tickets.size, entries: state.entries.size };
    });
  }

  // For each text a firm, a customer, a ticket and an article of that name, and a quarter of an hour booked on it. The tickets' ids.
  naughty(texts) {
    const { state } = this;
    return texts.map((text, i) => {
      const firm = state.insert('organizations', organization({ name: text, note: text }));
      const customer = state.addUser({ login: `naughty${i}@example.com`, firstname: text, lastname: text, organization_id: firm.id });
      const article = { body: text, subject: text, from: text, time_unit: '15', accounted_time_type_id: 1 };
      return createTicket(state, { title: text, group_id: 1, customer_id: customer.id, article }, state.agents[0].id).id;
    });
  }

  #silently(act) {
    const { state } = this;
    const tell = state.tell;
    state.tell = () => {};
    try {
      return act();
    } finally {
      Object.assign(state, { tell, at: undefined });
    }
  }

  #errorId() {
    return Array.from({ length: 8 }, () => this.errors.pick([...'ABCDEFGHIJKLMNOPabcdefghijklmnop0123456789_-'])).join('');
  }
}

// A status that comes by a fault looks as if Zammad said it, or, where Zammad never says it, the proxy before it.
class ZammadFaults extends Faults {
  choose(request) {
    const fault = super.choose(request);
    if (fault?.kind !== 'status' || fault.body !== undefined) return fault;
    const { status } = fault;
    const text = TEXTS[status];
    if (!text) return { ...fault, headers: { 'Content-Type': 'text/html', ...fault.headers }, body: proxyPage(status) };
    const failure = [401, 403].includes(status) ? { 'X-Failure': text } : {};
    return { ...fault, headers: { ...failure, ...fault.headers }, body: { error: text, error_human: text } };
  }
}

const TEXTS = {
  401: "Can't find User for Token",
  403: 'Not authorized',
  404: 'Not Found',
  422: 'Unprocessable Content',
  500: 'Error ID AbCdEf01: Please contact your administrator.',
};

const proxyPage = (status) =>
  `<html>\n<head><title>${status}</title></head>\n<body><center><h1>${status}</h1></center><hr><center>nginx</center></body>\n</html>\n`;

export async function startZammad(options = {}) {
  return new Zammad(options).start();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await runByHand({
    file: 'tests/peers/zammad.mjs',
    about: 'A stand-in for Zammad 6.5: tickets, booked time, webhooks. Its administrator may do all; /_control steers it (tests/peers/README.md).',
    more: { release: { type: 'string', default: VERSION, takes: 'X.Y', says: 'how old it is: 6.0.0, 6.2.0, 6.5.0, 7.0.0' } },
    start: ({ release, ...options }) => startZammad({ ...options, version: release }),
    line: (zammad) => `token: ${zammad.token}`,
  });
}

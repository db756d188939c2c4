// steps.mjs - does a plan's steps to a world. A step about something that is not there (any more) does nothing.

const MINUTE = 60_000;

export class Steps {
  #tickets = new Map(); // "strand ticket" -> id
  #entries = new Map();

  constructor(world, say = () => {}) {
    Object.assign(this, { world, say });
  }

  do(step) {
    const done = this[step.kind](step);
    if (done !== undefined) this.say(`${step.strand}: ${JSON.stringify(step)} -> ${done}`);
  }

  entryOf({ strand, entry }) {
    return this.#entries.get(`${strand} ${entry}`);
  }

  // ---- at the source ----

  #ticket(strand, name) {
    const id = this.#tickets.get(`${strand} ${name}`);
    return this.world.ticket(id) ? id : undefined;
  }

  // The ticket's number where it is one that books can be made on.
  #open(strand, name) {
    const id = this.#ticket(strand, name);
    return id !== undefined && this.world.ticket(id).state_id !== 5 ? id : undefined;
  }

  #entry(step) {
    return this.world.entry(this.entryOf(step));
  }

  open({ strand, ticket, organization, title }) {
    const { state } = this.world.zammad;
    const contacts = [...state.users.values()].filter(({ organization_id, role_ids }) => organization_id && role_ids.includes(3));
    const { id } = this.world.zammad.openTicket({ customer: contacts[organization % contacts.length].id, title: `Matter ${title}` });
    this.#tickets.set(`${strand} ${ticket}`, id);
    return id;
  }

  book({ strand, entry, ticket, amount, type, agent, agoMs, whole }) {
    const { zammad, known } = this.world;
    const on = this.#open(strand, ticket);
    if (on === undefined) return undefined;
    const ago = zammad.clock.now() - agoMs;
    const at = whole ? ago - (ago % MINUTE) : ago; // then what Kimai rounds is what was sent
    const types = [...zammad.state.types.keys()];
    const { id } = zammad.book({ ticket: on, time_unit: amount, type: types[type], agent: zammad.state.agents[agent].id, at });
    // It is booked now, for a time when something was created: what lies behind is changed now.
    zammad.state.changeEntry(zammad.state.entries.get(id), { updated_at: zammad.clock.now() });
    zammad.state.touch(zammad.state.tickets.get(on));
    this.#entries.set(`${strand} ${entry}`, id);
    known.set(id, { strand, entry, homes: new Map() });
    this.world.settleIn(id, on);
    return id;
  }

  #edit(step, values) {
    const row = this.#entry(step);
    if (!row) return undefined;
    this.world.zammad.edit(row.id, values);
    return row.id;
  }

  amount(step) {
    return this.#edit(step, { time_unit: step.amount });
  }

  type(step) {
    return this.#edit(step, { type: [...this.world.zammad.state.types.keys()][step.type] });
  }

  // Two amounts of one ticket change places: its sum stays.
  swap({ strand, entry, other }) {
    const { zammad } = this.world;
    const [a, b] = [this.#entry({ strand, entry }), this.#entry({ strand, entry: other })];
    if (!a || !b || a === b || a.ticket_id !== b.ticket_id || a.time_unit === b.time_unit) return undefined;
    const [x, y] = [a.time_unit, b.time_unit];
    const updated_at = zammad.clock.now();
    zammad.state.changeEntry(a, { time_unit: y, updated_at });
    zammad.state.changeEntry(b, { time_unit: x, updated_at });
    return `${a.id} ${b.id}`;
  }

  drop(step) {
    const row = this.#entry(step);
    if (!row) return undefined;
    this.world.zammad.remove(row.id);
    return row.id;
  }

  move(step) {
    const ticket = this.#open(step.strand, step.ticket);
    const row = this.#entry(step);
    if (!row || ticket === undefined || row.ticket_id === ticket || row.ticket_article_id !== null) return undefined;
    this.world.touch(row.id, 'moved');
    this.world.settleIn(row.id, ticket);
    return this.#edit(step, { ticket });
  }

  merge({ strand, ticket, into }) {
    const [from, to] = [this.#open(strand, ticket), this.#open(strand, into)];
    if (from === undefined || to === undefined || from === to) return undefined;
    for (const { id } of this.world.zammad.state.entriesOf(from)) {
      this.world.touch(id, 'merged');
      this.world.settleIn(id, to);
    }
    this.world.zammad.merge(from, to);
    return `${from} into ${to}`;
  }

  dropTicket({ strand, ticket }) {
    const id = this.#ticket(strand, ticket);
    if (id === undefined) return undefined;
    this.world.zammad.removeTicket(id);
    return id;
  }

  title({ strand, ticket, title }) {
    const id = this.#open(strand, ticket);
    if (id === undefined) return undefined;
    this.world.zammad.changeTicket(id, { title: `Matter ${title}` });
    return id;
  }

  // ---- at the target, by somebody who does not know of the sync ----

  #sheet(step) {
    const entry = this.entryOf(step);
    const { views } = this.world;
    const view = views[(step.sync ?? 0) % views.length];
    return entry === undefined ? undefined : { entry, view, sheet: view.sheetsOf(entry)[0] };
  }

  #touch(step, what, act) {
    const { entry, view, sheet } = this.#sheet(step) ?? {};
    if (!sheet || (sheet.exported && what !== 'exported')) return undefined;
    view.touch(entry, what);
    act(sheet);
    return `timesheet ${sheet.id} of ${entry}`;
  }

  export(step) {
    return this.#touch(step, 'exported', ({ id }) => this.world.kimai.exportSheet(id));
  }

  editSheet(step) {
    const { kimai, activities } = this.world;
    const changes = {
      begin: (sheet) => ({ begin: sheet.begin - step.by * MINUTE }),
      duration: (sheet) => ({ end: sheet.end + step.by * MINUTE }),
      activity: (sheet) => ({ activity: [...activities.values()].filter((id) => id !== sheet.activity)[step.by % 5] }),
      text: (sheet) => ({ description: `${sheet.description}\nsaid by telephone ${step.by}` }),
      user: () => ({ user: 1 }),
      billable: (sheet) => ({ billable: !sheet.billable }),
    };
    return this.#touch(step, step.field === 'billable' ? 'edited billable' : 'edited', (sheet) => kimai.editSheet(sheet.id, changes[step.field](sheet)));
  }

  dropSheet(step) {
    return this.#touch(step, 'deleted', ({ id }) => this.world.kimai.deleteSheet(id));
  }

  // Somebody presses "duplicate" on it: there are two with one marker.
  copySheet(step) {
    const { kimai } = this.world;
    return this.#touch(step, 'copied', (sheet) => {
      const { user, project, activity, begin, end, description, billable, tags } = kimai.shownSheet(sheet);
      const { id } = kimai.addSheet({ user, project, activity, begin, end, description, billable, tags });
      kimai.state.sheets.get(id).duration = sheet.duration; // it may be rounded by itself
    });
  }

  // A choice for its case is for who drives the sync: see play.mjs.
  decide() {
    return undefined;
  }
}

// store.mjs - what is in the database, with the orders in which timesheets are asked for, so that 100,000 of them are no matter.

const byBegin = (a, b) => a.begin - b.begin || a.id - b.id;

export class Store {
  users = new Map(); // all by id
  customers = new Map();
  projects = new Map();
  activities = new Map();
  tags = new Map();
  teams = new Map();
  sheets = new Map();
  tokens = new Map(); // token -> { user: id, expires: ms or undefined }
  #ids = {}; // kind -> the last id that was given out
  #sorted = []; // timesheets by begin, then id
  #unsorted = false;
  #tagNames = new Map(); // lower-case name -> tag

  nextId(kind) {
    return (this.#ids[kind] = (this.#ids[kind] ?? 0) + 1);
  }

  add(kind, row) {
    const stored = { id: this.nextId(kind), ...row };
    this.#ids[kind] = Math.max(this.#ids[kind], stored.id);
    this[kind].set(stored.id, stored);
    if (kind === 'tags') this.#tagNames.set(stored.name.toLowerCase(), stored);
    return stored;
  }

  // ---- tags ----

  tagNamed(name) {
    return this.#tagNames.get(name.toLowerCase());
  }

  removeTag(tag) {
    this.tags.delete(tag.id);
    this.#tagNames.delete(tag.name.toLowerCase());
    for (const sheet of this.sheets.values()) sheet.tags = sheet.tags.filter((id) => id !== tag.id);
  }

  // ---- timesheets ----

  // A row: { user, project, activity (ids), begin, end (ms or null), duration (s), description, tags (ids), fixedRate, hourlyRate,
  // rate, internalRate, exported, billable, modified (ms), zone (in which it is shown) }.
  addSheet(row) {
    const sheet = { id: this.nextId('sheets'), ...row };
    this.sheets.set(sheet.id, sheet);
    this.#describe(sheet);
    this.#insert(sheet);
    return sheet;
  }

  changeSheet(sheet, values) {
    const moves = values.begin !== undefined && values.begin !== sheet.begin;
    if (moves) this.#take(sheet);
    Object.assign(sheet, values);
    this.#describe(sheet);
    if (moves) this.#insert(sheet);
  }

  removeSheet(sheet) {
    this.sheets.delete(sheet.id);
    this.#take(sheet);
  }

  // For many rows at once: they are put in order when they are next asked for, not one by one.
  bulk() {
    this.#unsorted = true;
  }

  // All, by begin, then id; `from` and `to` (both included) cut it.
  ordered(from = -Infinity, to = Infinity) {
    if (this.#unsorted) {
      this.#sorted = [...this.sheets.values()].sort(byBegin);
      this.#unsorted = false;
    }
    if (from === -Infinity && to === Infinity) return this.#sorted;
    return this.#sorted.slice(this.#place({ begin: from, id: 0 }), this.#place({ begin: to, id: Infinity }));
  }

  sheetsOf(field, id) {
    const found = [];
    for (const sheet of this.sheets.values()) if (sheet[field] === id) found.push(sheet);
    return found;
  }

  #insert(sheet) {
    if (!this.#unsorted) this.#sorted.splice(this.#place(sheet), 0, sheet);
  }

  #take(sheet) {
    if (!this.#unsorted) this.#sorted.splice(this.#place(sheet), 1);
  }

  // Where in the order the first one is that does not come before this.
  #place(sheet) {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (byBegin(this.#sorted[middle], sheet) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // What "term" looks at, kept because it is looked at so often.
  #describe(sheet) {
    sheet.searched = sheet.description === null ? null : sheet.description.toLowerCase();
  }

  // ---- what Kimai deletes along ----

  removeActivity(activity) {
    for (const sheet of this.sheetsOf('activity', activity.id)) this.removeSheet(sheet);
    this.activities.delete(activity.id);
  }

  removeProject(project) {
    for (const sheet of this.sheetsOf('project', project.id)) this.removeSheet(sheet);
    for (const activity of [...this.activities.values()]) if (activity.project === project.id) this.removeActivity(activity);
    this.projects.delete(project.id);
  }

  removeCustomer(customer) {
    for (const project of [...this.projects.values()]) if (project.customer === customer.id) this.removeProject(project);
    this.customers.delete(customer.id);
  }
}

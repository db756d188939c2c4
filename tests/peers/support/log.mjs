// log.mjs - the requests that a stand-in has seen: all counted, the last ones kept.

const KEPT = 10_000;

export class RequestLog {
  #entries = [];
  #first = 1; // the number of #entries[0]
  #counts = new Map(); // "GET /api/timesheets 200" -> how often

  constructor({ kept = KEPT } = {}) {
    this.kept = kept;
  }

  // The number of the next request: requests since now are those from this mark on.
  get mark() {
    return this.#first + this.#entries.length;
  }

  // status is undefined until it is answered; 0 means that the client got no answer.
  begin(entry) {
    const kept = { n: this.mark, ...entry, status: undefined };
    this.#entries.push(kept);
    if (this.#entries.length > this.kept * 2) this.#first += this.#entries.splice(0, this.#entries.length - this.kept).length;
    return kept;
  }

  finish(entry, status) {
    entry.status = status;
    const key = `${entry.method} ${entry.path.replace(/\/\d+(?=\/|$)/g, '/{id}')} ${status}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  since(mark = 0, { method, path } = {}) {
    const from = Math.max(0, mark - this.#first);
    const found = from === 0 ? this.#entries : this.#entries.slice(from);
    return found.filter((entry) => (!method || entry.method === method) && (!path || entry.path.startsWith(path)));
  }

  // By "METHOD /path/{id} status", and in all.
  counts() {
    const by = Object.fromEntries([...this.#counts].sort());
    return { total: Object.values(by).reduce((sum, count) => sum + count, 0), by };
  }

  clear() {
    this.#first = this.mark;
    this.#entries = [];
    this.#counts.clear();
  }
}

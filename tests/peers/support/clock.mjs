// clock.mjs - the time that a stand-in lives in. It runs beside the real one (with an offset that can be changed), or stands
// still until somebody moves it: then what was put off happens in the right order and at once, without anybody waiting.

export class Clock {
  #offset = 0; // of the real time, while it runs
  #stopped; // the time it stands at, or undefined while it runs
  #pending = new Map(); // id -> { id, at, act, timer }
  #last = 0;

  // now: milliseconds or a text that Date understands. A clock with a start stands still unless `running` is true.
  constructor({ now, running = now === undefined } = {}) {
    if (running) this.#offset = now === undefined ? 0 : instant(now) - Date.now();
    else this.#stopped = instant(now);
  }

  get running() {
    return this.#stopped === undefined;
  }

  now() {
    return this.#stopped ?? Date.now() + this.#offset;
  }

  // act() once `ms` are over in this time. Returns an id for cancel().
  after(ms, act) {
    const entry = { id: ++this.#last, at: this.now() + ms, act };
    this.#pending.set(entry.id, entry);
    if (this.running) this.#arm(entry);
    return entry.id;
  }

  cancel(id) {
    clearTimeout(this.#pending.get(id)?.timer);
    this.#pending.delete(id);
  }

  // When the things that are put off are due, the next one first.
  pending() {
    return [...this.#pending.values()].map(({ at }) => at).sort((a, b) => a - b);
  }

  advance(ms) {
    this.set(this.now() + ms);
  }

  // Moves to an instant; on the way forward everything that falls due happens, each at its own time.
  set(when) {
    const goal = instant(when);
    const running = this.running;
    this.stop();
    for (let next = this.#due(goal); next; next = this.#due(goal)) {
      this.#stopped = Math.max(this.#stopped, next.at);
      this.#pending.delete(next.id);
      next.act();
    }
    this.#stopped = goal;
    if (running) this.run();
  }

  stop() {
    if (!this.running) return;
    this.#stopped = this.now();
    for (const { timer } of this.#pending.values()) clearTimeout(timer);
  }

  run() {
    if (this.running) return;
    this.#offset = this.#stopped - Date.now();
    this.#stopped = undefined;
    for (const entry of this.#pending.values()) this.#arm(entry);
  }

  // Nothing that is still put off happens any more.
  clear() {
    for (const id of [...this.#pending.keys()]) this.cancel(id);
  }

  #due(goal) {
    let first;
    for (const entry of this.#pending.values()) {
      if (entry.at <= goal && (!first || entry.at < first.at)) first = entry;
    }
    return first;
  }

  #arm(entry) {
    entry.timer = setTimeout(() => {
      this.#pending.delete(entry.id);
      entry.act();
    }, Math.max(0, entry.at - this.now()));
    entry.timer.unref();
  }
}

// Milliseconds since 1970 of a number, a Date or a text; throws on anything else.
export function instant(value) {
  const found = typeof value === 'number' ? value : Date.parse(value instanceof Date ? value.toISOString() : value);
  if (!Number.isFinite(found)) throw new Error(`${JSON.stringify(value)} is no time: milliseconds or 2026-11-20T09:00:00Z`);
  return found;
}

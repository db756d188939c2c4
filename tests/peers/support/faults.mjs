// faults.mjs - what may go wrong between a client and a stand-in, switched on by a test or drawn from a seed.
//
// A fault is { kind, method, path, times, acts, ... }. method and path ("/api/timesheets", "/api/timesheets/*", "re:^/api/t")
// say which requests it is for, times how many of them (until it is cleared, when absent). acts says what happens to the request
// itself: "now" (it is done although the client may never learn so), "no", or "late" (done lateMs after, in the clock of the
// stand-in; at most two minutes). A kind without a choice of its own takes the default below.

import { Random, hashOf } from './random.mjs';

export const MOST_LATE_MS = 120_000;
const HUGE_BYTES = 10 * 1024 * 1024;

// kind -> what becomes of the request, and what is set unless the fault says otherwise.
export const KINDS = {
  delay: { acts: 'now', ms: 1000 }, // answers rightly, `ms` of real time later
  cut_before: { acts: 'no' }, // connection reset, nothing was done
  cut_after: { acts: 'now' }, // done, but the client sees a reset
  cut_late: { acts: 'late' }, // reset at once, done afterwards
  status: { acts: 'no', status: 503 }, // 401 403 429 500 502 503 504..., with retryAfter (seconds), body, headers
  html: { acts: 'no', status: 200 }, // a page where JSON belongs
  half_length: { acts: 'now' }, // Content-Length promises more than comes
  half_text: { acts: 'now' }, // the length is right, the JSON breaks off
  huge: { acts: 'no', status: 200, bytes: HUGE_BYTES }, // valid JSON, 10 MB of it
  redirect: { acts: 'no', status: 302, location: 'http://127.0.0.1:9/elsewhere' },
  wrong_clock: { acts: 'now', skewMs: 86_400_000 }, // the server believes that it is another day; so says its Date header
  slow: { acts: 'now', bytes: 1, everyMs: 2 }, // byte by byte
  refuse: { acts: 'no' }, // the connection is reset as soon as it is there; `times` counts connections
};

const HTML = '<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>\n';

export class Faults {
  #list = [];
  #last = 0;
  #random; // { rate, kinds, seed, seen }

  constructor({ seed = 0 } = {}) {
    this.seed = seed;
  }

  // Returns the id by which it can be removed.
  add({ kind, method, path, times, ...settings }) {
    if (!(kind in KINDS)) throw new Error(`there is no fault "${kind}": ${Object.keys(KINDS).join(', ')}`);
    const fault = { ...KINDS[kind], ...settings, id: ++this.#last, kind, method, path, left: times ?? Infinity, hits: 0 };
    if (!['now', 'no', 'late'].includes(fault.acts)) throw new Error(`acts: "${fault.acts}": now, no or late`);
    if (fault.lateMs > MOST_LATE_MS) throw new Error(`lateMs: ${fault.lateMs}: at most ${MOST_LATE_MS}`);
    this.#list.push(fault);
    return fault.id;
  }

  remove(id) {
    this.#list = this.#list.filter((fault) => fault.id !== id);
  }

  clear() {
    this.#list = [];
    this.#random = undefined;
  }

  list() {
    return this.#list.map((fault) => ({ ...fault, left: fault.left === Infinity ? null : fault.left }));
  }

  // From now on `rate` of the requests meet one of `kinds` (a name, or a fault with settings). Which ones depends on the seed, on
  // the request, and on how often this very request has come: not on the order of requests that come side by side.
  random({ rate, kinds = ['cut_before', 'cut_after', 'status'], seed = this.seed, method, path }) {
    for (const kind of kinds) {
      const name = kind.kind ?? kind;
      if (!(name in KINDS) || name === 'refuse') throw new Error(`"${name}" is no fault that chance can choose`);
    }
    this.#random = { rate, kinds, seed, method, path, seen: new Map() };
  }

  // The fault that this request meets, or undefined. Counts it.
  choose({ method, path, query = '', body = '' }) {
    const set = this.#list.find((fault) => fault.kind !== 'refuse' && fault.left > 0 && matches(fault, method, path));
    if (set) return this.#take(set);
    return this.#draw({ method, path, query, body });
  }

  // Whether the connection that just came is to be reset.
  refuses() {
    const set = this.#list.find((fault) => fault.kind === 'refuse' && fault.left > 0);
    return set !== undefined && this.#take(set) !== undefined;
  }

  #take(fault) {
    fault.left--;
    fault.hits++;
    if (fault.left === 0) this.remove(fault.id);
    return this.#late({ ...fault }, () => new Random(hashOf(`${this.seed} ${fault.id} ${fault.hits}`)));
  }

  #draw({ method, path, query, body }) {
    if (!this.#random || !matches(this.#random, method, path)) return undefined;
    const { rate, kinds, seed, seen } = this.#random;
    const key = hashOf(`${method} ${path}?${query}\n${body}`);
    const nth = (seen.get(key) ?? 0) + 1;
    seen.set(key, nth);
    const random = new Random(hashOf(`${seed} ${key} ${nth}`));
    if (!random.chance(rate)) return undefined;
    const drawn = random.pick(kinds);
    const chosen = typeof drawn === 'string' ? { kind: drawn } : drawn;
    return this.#late({ ...KINDS[chosen.kind], ...chosen, random: true }, () => random);
  }

  #late(fault, random) {
    if (fault.acts === 'late') fault.lateMs ??= random().integer(1, MOST_LATE_MS);
    return fault;
  }
}

function matches({ method, path }, isMethod, isPath) {
  if (method && method !== isMethod) return false;
  if (!path) return true;
  if (path.startsWith('re:')) return new RegExp(path.slice(3)).test(isPath);
  const parts = path.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(isPath);
}

// The answer of a fault that replaces the true one: { status, headers, body }, or undefined when the true one goes out.
export function replacement(fault) {
  const headers = { ...fault.headers };
  switch (fault.kind) {
    case 'status': {
      if (fault.retryAfter !== undefined) headers['Retry-After'] = String(fault.retryAfter);
      return { status: fault.status, headers, body: fault.body ?? { code: fault.status, message: 'Fault' } };
    }
    case 'html':
      return { status: fault.status, headers: { 'Content-Type': 'text/html; charset=UTF-8', ...headers }, body: fault.body ?? HTML };
    case 'huge':
      return { status: fault.status, headers: { 'Content-Type': 'application/json', ...headers }, body: `["${'x'.repeat(fault.bytes - 4)}"]` };
    case 'redirect':
      return { status: fault.status, headers: { Location: fault.location, 'Content-Type': 'text/html', ...headers }, body: '' };
    default:
      return undefined;
  }
}

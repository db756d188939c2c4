// random.mjs - numbers that a seed decides, so that a run can be replayed.

// A number of 32 bits that looks like chance and depends on nothing but the text (FNV-1a, mixed once more at the end).
export function hashOf(text) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 15)) >>> 0;
}

export class Random {
  #state;

  constructor(seed = 0) {
    this.seed = seed >>> 0;
    this.#state = this.seed;
  }

  // In [0, 1), mulberry32.
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  // An integer from..to, both included.
  integer(from, to) {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  chance(probability) {
    return this.next() < probability;
  }

  pick(list) {
    return list[Math.floor(this.next() * list.length)];
  }

  // One of [[weight, thing], ...].
  weighted(list) {
    let left = this.next() * list.reduce((sum, [weight]) => sum + weight, 0);
    return (list.find(([weight]) => (left -= weight) < 0) ?? list.at(-1))[1];
  }

  // A row of numbers of its own: what is drawn here does not shift what is drawn there.
  fork(label) {
    return new Random(hashOf(`${this.seed} ${label}`));
  }
}

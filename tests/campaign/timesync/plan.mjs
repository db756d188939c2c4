// plan.mjs - what a seed makes of a world: its rules, and rounds of steps of several histories, each round with its weather.
//
// A plan is data: all chance is in it already, and a step names what it is about by a name of its history's own. So steps can be
// left out, one by one, and the others stay what they are: that is how a failure is made small.

import { Random } from '../../peers/support/random.mjs';

const AMOUNTS = ['15', '30', '7.5', '0.25', '22.75', '60', '1', '480', '3.33', '90'];
const FIELDS = ['begin', 'duration', 'activity', 'text', 'user', 'billable'];

const ROUNDINGS = [{ begin: 5, end: 5 }, { mode: 'closest', begin: 15, end: 15 }, { duration: 30 }, { mode: 'floor' }, { begin: 0, end: 0 }];

const pickRules = (random) => ({
  minutes_per_unit: random.weighted([[6, '1'], [1, '60'], [1, '15'], [1, '7.5'], [1, '0.5']]),
  anchor: random.weighted([[3, 'ends'], [1, 'begins']]),
  source_deleted: random.pick(['decide', 'remove']),
  target_edited: random.pick(['decide', 'unfollow', 'restore']),
  target_deleted: random.pick(['decide', 'skip', 'create']),
  zero: random.weighted([[2, 'skip'], [1, 'decide']]),
  negative: random.pick(['skip', 'decide']),
  merged: random.pick(['keep', 'decide']),
  billable: random.pick(['target', 'always', 'never']),
  tags: random.weighted([[2, []], [1, ['zammad', 'Dowel sync']]]),
  max_deletions: random.weighted([[8, 0], [1, 2], [1, 6]]),
  parallel: random.pick([1, 2, 4, 8]),
  overlap: '10m',
});

// ---- the steps of one history ----

class Strand {
  tickets = 0;
  entries = [];

  constructor(random) {
    this.random = random;
  }

  first() {
    return [this.openTicket(), this.openTicket(), ...Array.from({ length: this.random.integer(1, 3) }, () => this.book())];
  }

  openTicket() {
    return { kind: 'open', ticket: this.tickets++, organization: this.random.integer(0, 3), title: this.random.integer(0, 9999) };
  }

  #ticket() {
    return this.random.integer(0, this.tickets - 1);
  }

  #entry() {
    return this.random.pick(this.entries);
  }

  amount() {
    return this.random.weighted([[30, this.random.pick(AMOUNTS)], [1, '0'], [1, '-15']]);
  }

  book() {
    const { random } = this;
    const entry = this.entries.length;
    this.entries.push(entry);
    const agoMs = random.chance(0.5) ? random.integer(0, 600_000) : random.integer(0, 20 * 86_400_000);
    const agent = random.weighted([[9, random.integer(0, 3)], [0.5, 4]]);
    return { kind: 'book', whole: random.chance(0.4), entry, ticket: this.#ticket(), amount: this.amount(), type: random.integer(0, 5), agent, agoMs };
  }

  step() {
    const { random } = this;
    if (this.entries.length === 0) return this.book();
    const entry = this.#entry();
    return random.weighted([
      [8, () => this.book()],
      [5, () => ({ kind: 'amount', entry, amount: this.amount() })],
      [3, () => ({ kind: 'swap', entry, other: this.#entry() })], // the sum stays, so Zammad tells nobody
      [2, () => ({ kind: 'type', entry, type: random.integer(0, 5) })],
      [3, () => ({ kind: 'drop', entry })],
      [2, () => ({ kind: 'move', entry, ticket: this.#ticket() })],
      [1, () => ({ kind: 'merge', ticket: this.#ticket(), into: this.#ticket() })],
      [0.5, () => ({ kind: 'dropTicket', ticket: this.#ticket() })],
      [1, () => ({ kind: 'title', ticket: this.#ticket(), title: random.integer(0, 9999) })],
      [3, () => ({ kind: 'export', entry, sync: random.integer(0, 1) })],
      [3, () => ({ kind: 'editSheet', entry, field: random.pick(FIELDS), by: random.integer(1, 9), sync: random.integer(0, 1) })],
      [2, () => ({ kind: 'dropSheet', entry, sync: random.integer(0, 1) })],
      [1, () => ({ kind: 'copySheet', entry, sync: random.integer(0, 1) })],
      [5, () => ({ kind: 'decide', entry, pick: random.next() })],
    ])();
  }
}

// ---- the weather of a round: what happens to all of them ----

// Rules that say what is to become of what is there, and not what is made.
const changeOf = (random) => random.pick([
  { source_deleted: random.pick(['decide', 'remove']) },
  { target_edited: random.pick(['decide', 'unfollow', 'restore']) },
  { target_deleted: random.pick(['decide', 'skip', 'create']) },
  { parallel: random.pick([1, 2, 8]) },
]);

const STATUSES = [{ status: 500 }, { status: 502 }, { status: 503, retryAfter: 1 }, { status: 429, retryAfter: 1 }, { status: 403 }, { status: 401 }];
const KINDS = [
  'cut_before', 'cut_after', 'html', 'half_length', 'half_text', 'redirect', { kind: 'status', status: 500 }, { kind: 'status', status: 429, retryAfter: 1 },
];

function weatherOf(random, settleMs) {
  const side = random.weighted([[2, 'kimai'], [1, 'zammad']]);
  // Most land before the sync may look; a few after: then a person is told that there are two.
  const lateMs = Math.round(settleMs * (random.chance(0.8) ? random.next() * 0.6 : 1.3));
  const cuts = [{ kind: 'cut_before' }, { kind: 'cut_after' }, { kind: 'cut_late', lateMs }];
  return random.weighted([
    [6, () => []],
    [2, () => [{ kind: 'chance', side, rate: random.pick([0.02, 0.1, 0.3]), kinds: KINDS }]],
    [2, () => [{ kind: 'chance', side: 'kimai', method: 'POST', rate: 0.4, kinds: [{ kind: 'cut_late', lateMs }, 'cut_before', 'cut_after'] }]],
    [2, () => [{ kind: 'chance', side: 'kimai', rate: 0.2, kinds: [{ kind: 'cut_late', lateMs }, { kind: 'status', status: 504, acts: 'late', lateMs }] }]],
    [1, () => [{ kind: 'fault', side, fault: { kind: 'status', ...random.pick(STATUSES), times: random.integer(1, 4) } }]],
    [0.5, () => [{ kind: 'fault', side, fault: { kind: random.pick(['html', 'half_text', 'redirect', 'cut_before', 'refuse']), times: random.integer(2, 8) } }]],
    [0.1, () => [{ kind: 'fault', side, fault: { kind: random.pick(['html', 'half_text', 'redirect', 'cut_before', 'refuse']) } }]], // all of the round
    [0.5, () => [{ kind: 'fault', side, fault: { kind: 'wrong_clock', skewMs: random.pick([-86_400_000, -3_600_000, 3_600_000, 86_400_000]) } }]],
    [2, () => [{ kind: 'crash', side: 'kimai', writes: true, nth: random.integer(1, 12), fault: random.pick(cuts) }]],
    [1, () => [{ kind: 'crash', side, nth: random.integer(1, 40), fault: { kind: 'cut_before' } }]],
    [1, () => [{ kind: 'kill', afterMs: random.integer(0, 400) }]],
    [0.5, () => [{ kind: 'token', side }]],
    [1, () => [{ kind: 'map', type: random.integer(0, 5), on: random.chance(0.7) }]],
    [0.5, () => [{ kind: 'undo' }]],
    [1.5, () => [{ kind: 'hooks', lose: random.integer(0, 3), repeat: random.integer(0, 3), late: random.integer(0, 12), mostMs: random.pick([50, 400, 1500]) }]],
    [0.7, () => [{ kind: 'lockdown', rounds: random.integer(1, 2) }]],
    [0.7, () => [{ kind: 'budget', rounds: random.integer(1, 2), hours: random.integer(1, 9) }]],
    [0.7, () => [{ kind: 'hidden', rounds: random.integer(1, 2), activity: random.integer(0, 5), nth: random.integer(1, 4) }]],
    [0.5, () => [{ kind: 'disable', side: random.pick(['zammad', 'kimai']), rounds: random.integer(1, 2) }]],
    [1, () => [{ kind: 'rules', change: changeOf(random) }]],
    [1, () => [{ kind: 'cancel', afterMs: random.integer(0, 300) }]],
    [1.5, () => [{ kind: 'bulk', reason: random.next(), action: random.next() }]],
  ])();
}

// second: the rules of another sync between the two, by a connection of its own.
// { seed, rules, second, rounding, unmapped, overlaps, rounds: [{ sync, weather, steps: [{ strand, ...step }], during: [{ at, steps }] }] }
export function planOf(seed, { strands = 1, rounds = 6, settleMs = 3000, steps = 2 } = {}) {
  const random = new Random(seed).fork('plan');
  const rules = pickRules(random);
  const second = random.chance(0.2) ? { ...pickRules(random), project_number: random.pick(['TID-{id}', 'X-{id}']) } : undefined;
  const rounding = random.chance(0.2) ? random.pick(ROUNDINGS) : undefined;
  const unmapped = random.chance(0.7) ? [random.integer(0, 5)] : [];
  const overlaps = random.chance(0.9);
  const all = Array.from({ length: strands }, (_, i) => new Strand(random.fork(`strand ${i}`)));
  const stepsOf = (make) => all.flatMap((strand, i) => make(strand).map((step) => ({ strand: i, ...step })));
  return {
    seed,
    rules,
    second,
    rounding,
    unmapped,
    overlaps,
    rounds: Array.from({ length: rounds }, (_, i) => ({
      steps: stepsOf((strand) => (i === 0 ? strand.first() : Array.from({ length: strand.random.integer(0, steps) }, () => strand.step()))),
      weather: weatherOf(random, settleMs),
      during: i > 0 && random.chance(0.3) ? { at: random.integer(1, 30), steps: stepsOf((strand) => (strand.random.chance(0.3) ? [strand.step()] : [])) } : undefined,
      sync: i === 0 ? 'full' : random.weighted([[5, 'poll'], [3, 'full'], [1, 'none'], [1, 'tickets']]),
    })),
  };
}

// play.mjs - one world from its first step to the judgement: a plan, the sync that is tried, and what was found wrong.

import { setTimeout as sleep } from 'node:timers/promises';

import { Judge } from './judge.mjs';
import { Steps } from './steps.mjs';
import { Weather } from './weather.mjs';
import { World } from './world.mjs';

// Actions that a person may choose by chance. Others need something that only a person knows.
const CHOICES = ['retry', 'update', 'keep', 'unfollow', 'create', 'remove', 'skip', 'dismiss', 'adopt'];

class Play {
  // make(): a sync to be tried. The plan says of how many.
  constructor(plan, make, { settleMs, say = () => {} }) {
    Object.assign(this, { plan, say });
    this.world = new World({ seed: plan.seed, settleMs, overlaps: plan.overlaps, rounding: plan.rounding });
    this.steps = new Steps(this.world, say);
    this.weather = new Weather(this);
    this.syncs = [plan.rules, ...(plan.second ? [plan.second] : [])].map((rules) => ({ rules, subject: make() }));
    this.isAlive = true;
    this.stale = new Set(); // sides whose token the syncs do not have
    this.after = []; // what people do when the pass is over
  }

  async begin() {
    await this.world.start();
    const { overlaps, rounding } = this.plan;
    const types = [...this.world.zammad.state.types.keys()];
    const unmapped = new Set(this.plan.unmapped.map((i) => types[i]));
    this.unmapped = unmapped;
    for (const one of this.syncs) {
      const world = this.world.view();
      one.judge = new Judge({ world, rules: one.rules, unmapped, overlaps, rounding });
      await one.subject.start(world, { rules: one.rules, unmapped, rounding });
      world.mark = one.subject.mark;
    }
    return this;
  }

  // ---- a round ----

  async round({ steps, weather, during, sync }) {
    const decisions = steps.filter(({ kind }) => kind === 'decide');
    for (const step of steps) this.steps.do(step);
    this.clear();
    for (const one of weather) await this.weather.come(one);
    if (during) this.world.kimai.faults.at({ nth: during.at }, () => during.steps.forEach((step) => this.steps.do(step)));
    await this.#all(async (one) => {
      if (decisions.length > 0) await this.decide(one, decisions);
      if (sync !== 'none') await one.subject.pass(sync, { tickets: this.#tickets() });
      for (const act of this.after) await act(one);
    });
    this.after = [];
    if (!this.isAlive) await this.#revive();
    await this.weather.lift();
  }

  #all(act) {
    return Promise.all(this.syncs.map((one) => this.alive(() => act(one))));
  }

  async #revive() {
    this.clear();
    for (const { subject } of this.syncs) await subject.revive();
    this.isAlive = true;
  }

  #tickets() {
    return [...this.world.zammad.state.tickets.values()].sort((a, b) => b.updated_at - a.updated_at).slice(0, 20).map(({ id }) => id);
  }

  // What the sync cannot do because somebody killed it, it has not done; everything else that goes wrong here is a mistake.
  async alive(act) {
    try {
      if (this.isAlive) await act();
    } catch (error) {
      if (this.isAlive) throw error;
    }
  }

  async renew() {
    for (const side of [...this.stale]) {
      await this.alive(async () => {
        for (const { subject } of this.syncs) await subject.renew(side);
        this.stale.delete(side);
      });
    }
  }

  clear() {
    for (const side of ['zammad', 'kimai']) this.world[side].faults.clear();
  }

  kill() {
    if (!this.isAlive || this.isOver) return;
    this.say('killed');
    this.isAlive = false;
    for (const { subject } of this.syncs) subject.kill();
  }

  // ---- what people decide ----

  async decide({ subject, judge }, steps) {
    const wanted = new Map(steps.map((step) => [this.steps.entryOf(step), step.pick]));
    for (const one of (await subject.state()).cases) {
      if (one.state !== 'open' || one.entry === undefined || !wanted.has(one.entry)) continue;
      const choices = CHOICES.filter((action) => one.actions.includes(action));
      if (choices.length === 0) continue;
      const action = choices[Math.floor(wanted.get(one.entry) * choices.length)];
      judge.world.decide(one.entry, judge.seen(one, action));
      this.say(`case of ${one.entry} (${one.reason}): ${action}`);
      await subject.decide(one, action);
    }
  }

  // One decision for all open cases of a reason. What else it reached meanwhile, the sync says itself: { entry }.
  async decideAll({ subject, judge }, { reason: nth, action: which }) {
    const open = (await subject.state()).cases.filter(({ state }) => state === 'open');
    const reasons = [...new Set(open.map(({ reason }) => reason))].sort();
    const reason = reasons[Math.floor(nth * reasons.length)];
    const all = open.filter((one) => one.reason === reason);
    const choices = CHOICES.filter((action) => all.length > 0 && all[0].actions.includes(action));
    if (choices.length === 0) return;
    const action = choices[Math.floor(which * choices.length)];
    this.say(`all cases ${reason} (${all.length}): ${action}`);
    for (const one of all) judge.world.decide(one.entry, judge.seen(one, action));
    const reached = await subject.decideAll(reason, action);
    for (const one of reached) if (!all.some(({ entry }) => entry === one.entry)) judge.world.decide(one.entry, judge.seen(one, action));
  }

  // ---- the end ----

  // Nothing goes wrong any more, and what was late has come. One full pass has to put everything right; a second finds nothing to do.
  async end() {
    this.isOver = true;
    await this.#revive();
    await this.weather.lift(true);
    await this.renew();
    while (this.world.kimai.clock.pending().length > 0 || this.world.zammad.clock.pending().length > 0) await sleep(20);
    return (await Promise.all(this.syncs.map((one) => this.#judged(one)))).flat();
  }

  async #judged({ subject, judge }) {
    await subject.release();
    await subject.pass('full');
    await subject.believe?.();
    const faults = judge.faults(await subject.state());
    if (faults.length > 0) return faults;
    const { writes } = this.world.kimai;
    const before = writes.length;
    await subject.pass('full');
    const mine = writes.slice(before).filter(({ mark }) => mark === subject.mark);
    const more = mine.filter(({ status }) => status < 300).map(({ method, path, body }) => `a pass with nothing changed: ${method} ${path} ${body}`);
    const often = mine.filter(({ path, method }, i) => mine.findIndex((one) => one.path === path && one.method === method) !== i && /\d$/.test(path))
      .map(({ method, path }) => `one pass asks again and again: ${method} ${path}`);
    return [...judge.faults(await subject.state()), ...more, ...often];
  }
}

// { faults: [text], stats } of a plan. make(): the sync to be tried.
export async function play(plan, make, options) {
  const one = new Play(plan, make, options);
  try {
    await one.begin();
    for (const round of plan.rounds) {
      await one.round(round);
      await one.renew();
    }
    const faults = await one.end();
    const { kimai, zammad } = one.world;
    return { faults, stats: { entries: one.world.known.size, requests: kimai.log.counts().total + zammad.log.counts().total, writes: kimai.writes.length } };
  } finally {
    one.isOver = true;
    for (const { subject } of one.syncs) await subject.stop();
    await one.world.stop();
  }
}

// Leaves out what is not needed for the failure: histories, then rounds, then steps. `fails(plan)` tries one; at most `tries` of them.
export async function minimize(plan, fails, { tries = 40, suspect, limitMs = 120_000 } = {}) {
  const until = Date.now() + limitMs;
  const strandsOf = (now) => [...new Set(now.rounds.flatMap(({ steps }) => steps.map(({ strand }) => strand)))];
  const only = (now, keep) => ({
    ...now,
    rounds: now.rounds.map((round) => ({
      ...round,
      steps: round.steps.filter(({ strand }) => keep(strand)),
      during: round.during && { ...round.during, steps: round.during.steps.filter(({ strand }) => keep(strand)) },
    })),
  });
  const changed = (now, i, values) => ({ ...now, rounds: now.rounds.map((round, n) => (n === i ? { ...round, ...values } : round)) });
  const parts = [
    (now) => (suspect === undefined || strandsOf(now).length === 1 ? [] : [only(now, (strand) => strand === suspect)]),
    (now) => [...(now.second ? [{ ...now, second: undefined }] : []), ...(now.rounding ? [{ ...now, rounding: undefined }] : [])],
    (now) => strandsOf(now).map((strand) => only(now, (one) => one !== strand)),
    (now) => now.rounds.map((_, i) => ({ ...now, rounds: now.rounds.filter((__, k) => k !== i) })),
    (now) => now.rounds.flatMap((round, i) => (round.weather.length > 0 || round.during ? [changed(now, i, { weather: [], during: undefined })] : [])),
    (now) => now.rounds.flatMap(({ steps }, i) => steps.map((_, k) => changed(now, i, { steps: steps.filter((__, n) => n !== k) }))),
  ];
  let best = plan;
  for (const candidates of parts) {
    for (let again = true; again && tries > 0; ) {
      again = false;
      for (const smaller of candidates(best)) {
        if (tries-- <= 0 || Date.now() > until) return best;
        if (!(await fails(smaller))) continue;
        best = smaller;
        again = true;
        break;
      }
    }
  }
  return best;
}

// A plan as a person reads it.
export function textOf(plan) {
  const { rounds, ...head } = plan;
  const lines = rounds.map(({ steps, weather, during, sync }, i) => [
    `round ${i}:`,
    ...steps.map((step) => `  ${JSON.stringify(step)}`),
    ...weather.map((one) => `  weather ${JSON.stringify(one)}`),
    ...(during ? [`  at request ${during.at} of Kimai: ${JSON.stringify(during.steps)}`] : []),
    `  sync: ${sync}`,
  ].join('\n'));
  return [JSON.stringify(head), ...lines].join('\n');
}

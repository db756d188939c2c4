// play.mjs - one world from its first step to the judgement: a plan, the sync that is tried, and what was found wrong.

import { setTimeout as sleep } from 'node:timers/promises';

import { Judge } from './judge.mjs';
import { Steps } from './steps.mjs';
import { World } from './world.mjs';

// Actions that a person may choose by chance. Others need something that only a person knows.
const CHOICES = ['retry', 'update', 'keep', 'unfollow', 'create', 'remove', 'skip', 'dismiss'];

class Play {
  constructor(plan, subject, { settleMs, say = () => {} }) {
    Object.assign(this, { plan, subject, say });
    this.world = new World({ seed: plan.seed, settleMs, overlaps: plan.overlaps });
    this.steps = new Steps(this.world, say);
    this.isAlive = true;
    this.stale = new Set(); // sides whose token the sync does not have
  }

  async begin() {
    await this.world.start();
    const types = [...this.world.zammad.state.types.keys()];
    this.unmapped = new Set(this.plan.unmapped.map((i) => types[i]));
    this.judge = new Judge({ world: this.world, rules: this.plan.rules, unmapped: this.unmapped, overlaps: this.plan.overlaps });
    await this.subject.start(this.world, { rules: this.plan.rules, unmapped: this.unmapped });
    return this;
  }

  // ---- a round ----

  async round({ steps, weather, during, sync }) {
    const decisions = steps.filter(({ kind }) => kind === 'decide');
    for (const step of steps) this.steps.do(step);
    this.clear();
    for (const one of weather) await this[one.kind](one);
    if (during) this.world.kimai.faults.at({ nth: during.at }, () => during.steps.forEach((step) => this.steps.do(step)));
    if (decisions.length > 0) await this.alive(() => this.decide(decisions));
    if (sync !== 'none') await this.alive(() => this.subject.pass(sync, { tickets: this.#tickets() }));
    await this.alive(() => this.after?.());
    this.after = undefined;
    if (!this.isAlive) {
      this.clear();
      await this.subject.revive();
      this.isAlive = true;
    }
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

  clear() {
    for (const side of ['zammad', 'kimai']) this.world[side].faults.clear();
  }

  async decide(steps) {
    const wanted = new Map(steps.map((step) => [this.steps.entryOf(step), step.pick]));
    for (const one of (await this.subject.state()).cases) {
      if (one.state !== 'open' || !wanted.has(one.entry)) continue;
      const choices = CHOICES.filter((action) => one.actions.includes(action));
      if (choices.length === 0) continue;
      const action = choices[Math.floor(wanted.get(one.entry) * choices.length)];
      this.world.decide(one.entry, this.judge.seen(one, action));
      this.say(`case of ${one.entry} (${one.reason}): ${action}`);
      await this.subject.decide(one, action);
    }
  }

  // ---- weather ----

  fault({ side, fault }) {
    this.world[side].faults.add(fault);
  }

  chance({ side, ...settings }) {
    this.world[side].faults.random({ ...settings, seed: this.plan.seed });
  }

  crash({ side, nth, writes, fault }) {
    this.world[side].faults.at({ nth, writes }, () => this.#kill(), fault);
  }

  kill({ afterMs }) {
    setTimeout(() => this.#kill(), afterMs).unref();
  }

  #kill() {
    if (!this.isAlive || this.isOver) return;
    this.say('killed');
    this.isAlive = false;
    this.subject.kill();
  }

  // The token is taken back; somebody gives the sync a new one after its next pass.
  token({ side }) {
    const { zammad, kimai } = this.world;
    if (side === 'kimai') {
      const { token } = kimai.addToken({ user: 1 });
      for (const old of [...kimai.state.tokens.keys()]) if (old !== token && kimai.state.tokens.get(old).user === 1) kimai.state.tokens.delete(old);
      Object.defineProperty(kimai, 'token', { value: token, configurable: true });
    } else {
      zammad.state.tokens.delete(zammad.token);
      zammad.token = zammad.state.addToken({ user: zammad.state.admin, name: 'Dowel', permission: ['admin', 'ticket.agent'] }).token;
    }
    this.stale.add(side);
  }

  async map({ type, on }) {
    const id = [...this.world.zammad.state.types.keys()][type];
    if (on) this.unmapped.delete(id);
    else this.unmapped.add(id);
    await this.alive(() => this.subject.map(id, on));
  }

  undo() {
    this.after = async () => {
      for (const entry of await this.subject.undo()) this.world.touch(entry, 'undone');
    };
  }

  hooks({ lose, repeat }) {
    const { webhooks } = this.world.zammad;
    webhooks.lose(lose);
    webhooks.repeat(repeat);
  }

  // ---- the end ----

  // Nothing goes wrong any more, and what was late has come. One full pass has to put everything right; a second finds nothing to do.
  async end() {
    this.isOver = true;
    this.clear();
    if (!this.isAlive) await this.subject.revive();
    this.isAlive = true;
    for (const side of this.stale) await this.subject.renew(side);
    while (this.world.kimai.clock.pending().length > 0 || this.world.zammad.clock.pending().length > 0) await sleep(20);
    await this.subject.release();
    await this.subject.pass('full');
    const faults = this.judge.faults(await this.subject.state());
    if (faults.length > 0) return faults;
    const before = this.world.kimai.writes.length;
    await this.subject.pass('full');
    const more = this.world.kimai.writes.slice(before).filter(({ status }) => status < 300)
      .map(({ method, path, body }) => `a pass with nothing changed: ${method} ${path} ${body}`);
    return [...this.judge.faults(await this.subject.state()), ...more];
  }
}

// { faults: [text], stats } of a plan. make(): the sync to be tried.
export async function play(plan, make, options) {
  const subject = make();
  const one = new Play(plan, subject, options);
  try {
    await one.begin();
    for (const round of plan.rounds) {
      await one.round(round);
      for (const side of [...one.stale]) await one.alive(() => subject.renew(side).then(() => one.stale.delete(side)));
    }
    const faults = await one.end();
    const { kimai, zammad } = one.world;
    return { faults, stats: { entries: one.world.known.size, requests: kimai.log.counts().total + zammad.log.counts().total, writes: kimai.writes.length } };
  } finally {
    one.isOver = true;
    await subject.stop();
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

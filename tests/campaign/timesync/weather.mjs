// weather.mjs - what happens to a whole world in a round of a plan: faults, kills, limits that come and go, and what people decide.
//
// Each method is a kind of weather of plan.mjs. What stands for some rounds is taken away by lift().

const HOUR = 3600;
const LOCKDOWN = {
  'timesheet.rules.lockdown_period_start': '-1 day', 'timesheet.rules.lockdown_period_end': 'now', 'timesheet.rules.lockdown_period_timezone': 'UTC',
};
const OVERRIDES = ['lockdown_override_timesheet', 'lockdown_grace_timesheet'];

export class Weather {
  #standing = []; // { left: rounds, lift() }

  constructor(play) {
    Object.assign(this, { play, world: play.world });
  }

  async come(one) {
    await this[one.kind](one);
  }

  // One more round is over; with `all` nothing stands any more.
  async lift(all = false) {
    const over = this.#standing.filter((one) => all || --one.left <= 0);
    this.#standing = this.#standing.filter((one) => !over.includes(one));
    for (const { lift } of over) await lift();
  }

  #stands(rounds, lift) {
    this.#standing.push({ left: rounds, lift });
  }

  // ---- faults ----

  fault({ side, fault }) {
    this.world[side].faults.add(fault);
  }

  chance({ side, ...settings }) {
    this.world[side].faults.random({ ...settings, seed: this.play.plan.seed });
  }

  crash({ side, nth, writes, fault }) {
    this.world[side].faults.at({ nth, writes }, () => this.play.kill(), fault);
  }

  kill({ afterMs }) {
    setTimeout(() => this.play.kill(), afterMs).unref();
  }

  hooks({ lose, repeat, late, mostMs }) {
    const { webhooks } = this.world.zammad;
    webhooks.lose(lose);
    webhooks.repeat(repeat);
    webhooks.delay(late, mostMs);
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
    this.play.stale.add(side);
  }

  // ---- what Kimai's administrator allows ----

  lockdown({ rounds }) {
    const { kimai } = this.world;
    kimai.config.set(LOCKDOWN);
    for (const permission of OVERRIDES) kimai.permissions.set('ROLE_SUPER_ADMIN', permission, false);
    this.#stands(rounds, () => {
      for (const name of Object.keys(LOCKDOWN)) kimai.config.set({ [name]: '' });
      for (const permission of OVERRIDES) kimai.permissions.set('ROLE_SUPER_ADMIN', permission, true);
    });
  }

  budget({ rounds, hours }) {
    const { kimai } = this.world;
    const rows = [...kimai.state.customers.values()].filter(({ number }) => /^OID-/.test(number ?? ''));
    kimai.config.set({ 'timesheet.rules.allow_overbooking_budget': '0' });
    for (const row of rows) row.timeBudget = hours * HOUR;
    this.#stands(rounds, () => {
      kimai.config.set({ 'timesheet.rules.allow_overbooking_budget': '1' });
      for (const row of rows) row.timeBudget = 0;
    });
  }

  hidden({ rounds, activity, nth }) {
    const { kimai, activities } = this.world;
    const projects = [...kimai.state.projects.values()].filter(({ number }, i) => /^TID-/.test(number ?? '') && i % nth === 0);
    const rows = [kimai.state.activities.get([...activities.values()][activity]), ...projects];
    for (const row of rows) row.visible = false;
    this.#stands(rounds, () => rows.forEach((row) => (row.visible = true)));
  }

  // ---- what Dowel's people do ----

  async disable({ side, rounds }) {
    await this.#each(({ subject }) => subject.enable(side, false));
    this.#stands(rounds, () => this.#each(({ subject }) => subject.enable(side, true), true));
  }

  rules({ change }) {
    return this.#each(async ({ subject, judge }) => {
      judge.edit(change); // also where the answer is lost
      await subject.edit(change);
    });
  }

  async map({ type, on }) {
    const id = [...this.world.zammad.state.types.keys()][type];
    if (on) this.play.unmapped.delete(id);
    else this.play.unmapped.add(id);
    await this.#each(({ subject }) => subject.map(id, on));
  }

  cancel({ afterMs }) {
    setTimeout(() => this.#each(({ subject }) => subject.cancel()), afterMs).unref();
  }

  bulk({ reason, action }) {
    this.play.after.push((one) => this.play.decideAll(one, { reason, action }));
  }

  undo() {
    this.play.after.push(({ subject }) => subject.undo());
  }

  #each(act, mustLive = false) {
    return Promise.all(this.play.syncs.map((one) => (mustLive ? act(one) : this.play.alive(() => act(one)))));
  }
}

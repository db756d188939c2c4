// timesync.mjs - a scene for a test of the sync: a Zammad, a Kimai, a server with both connectors, and a sync between the two.

import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';

import { Dowel, House } from '../../campaign/timesync/dowel.mjs';
import { Judge } from '../../campaign/timesync/judge.mjs';
import { World } from '../../campaign/timesync/world.mjs';
import { sleep } from './server.mjs';

export const SETTLE_MS = 2000;

let seeds = 100;

export const startHouse = (options = {}) => new House({ settleMs: SETTLE_MS, ...options }).start();

// For a file of tests: its server, and open(options): a scene on it that ends with the test that opened it.
export function stageOf({ timeout }) {
  const house = new House({ settleMs: SETTLE_MS });
  let scenes = [];
  before(() => house.start(), { timeout });
  afterEach(async () => {
    await Promise.all(scenes.map((scene) => scene.close()));
    scenes = [];
  }, { timeout });
  after(() => house.stop(), { timeout });
  const open = async (options) => {
    scenes.push(await Scene.open(house, options));
    return scenes.at(-1);
  };
  return { house, open };
}

// What a scene is made of: { world, dowel, zammad, kimai, house } and what one does in it.
export class Scene {
  // rules: of the sync, over "max_deletions: 0"; unmapped: names of types without a mapping; sync: further members of it.
  static async open(house, { rules = {}, unmapped = [], overlaps, sync, settings } = {}) {
    const scene = new Scene();
    scene.world = await new World({ seed: seeds++, settleMs: SETTLE_MS, overlaps }).start();
    const { zammad, kimai } = scene.world;
    if (settings) zammad.control('POST', 'settings', settings);
    Object.assign(scene, { house, zammad, kimai, dowel: new Dowel(house), rules: { max_deletions: 0, ...rules } });
    scene.unmapped = new Set(unmapped.map((name) => scene.type(name)));
    scene.view = scene.world.view();
    await scene.dowel.start(scene.view, { rules: scene.rules, unmapped: scene.unmapped, more: sync });
    scene.view.mark = scene.dowel.mark;
    zammad.webhooks.clear(); // only who wants them: listen()
    return scene;
  }

  close() {
    return this.world.stop();
  }

  // From now on Zammad tells of what is booked.
  listen(signature_token = this.dowel.zammad.webhook_secret) {
    this.zammad.webhooks.subscribe({ endpoint: `${this.house.url}${this.dowel.zammad.webhook.path}`, signature_token });
  }

  type(name) {
    return [...this.zammad.state.types.values()].find((type) => type.name === name).id;
  }

  agent(n) {
    return this.zammad.state.agents[n].id;
  }

  // A ticket's id.
  ticket(values = {}) {
    const contact = [...this.zammad.state.users.values()].find(({ organization_id, role_ids }) => organization_id && role_ids.includes(3));
    return this.zammad.openTicket({ customer: contact.id, title: 'Printer', ...values }).id;
  }

  // An entry's id; `at` is when it was booked, an hour ago.
  book(ticket, amount, { type = 'Remote support', agent = 0, at = Date.now() - 3_600_000 } = {}) {
    const { id } = this.zammad.book({ ticket, time_unit: amount, type: type === null ? null : this.type(type), agent: this.agent(agent), at });
    this.zammad.state.changeEntry(this.world.entry(id), { updated_at: this.zammad.clock.now() });
    this.world.known.set(id, { strand: 0, entry: id });
    return id;
  }

  sheets(entry) {
    return this.view.sheetsOf(entry).map((sheet) => this.kimai.shownSheet(sheet));
  }

  // Its only timesheet.
  sheet(entry) {
    const all = this.sheets(entry);
    assert.equal(all.length, 1, `timesheets of entry ${entry}: ${JSON.stringify(all)}`);
    return all[0];
  }

  async run(kind = 'poll', more = {}) {
    const { id } = await this.start({ kind, ...more });
    const run = await this.dowel.ended(id);
    assert.equal(run.examined, run.created + run.updated + run.unchanged + run.deleted + run.skipped + run.to_decide + run.failed, JSON.stringify(run));
    return run;
  }

  start(body) {
    return this.house.told('POST', `/timesync/syncs/${this.dowel.sync.id}/runs`, body);
  }

  // A run that has to go well.
  async well(kind, more) {
    const run = await this.run(kind, more);
    assert.deepEqual([run.state, run.failed], ['done', 0], JSON.stringify(run));
    return run;
  }

  // Open cases: { entry (its number at the source), reason, ... }.
  async cases() {
    return (await this.dowel.state()).cases.filter(({ state }) => state === 'open' || state === 'deciding');
  }

  async reasons() {
    return (await this.cases()).map(({ entry, reason }) => [entry, reason]).sort(([a], [b]) => a - b);
  }

  async decide(reason, action, more = {}) {
    const one = (await this.cases()).find((found) => found.reason === reason);
    assert.ok(one, `a case ${reason}: ${JSON.stringify(await this.reasons())}`);
    const { runs } = await this.house.told('POST', `/timesync/cases/${one.id}/decide`, { action, ...more });
    for (const run of runs) await this.dowel.ended(run);
    return one;
  }

  entries() {
    return this.house.all(`/timesync/entries?sync=${this.dowel.sync.id}`);
  }

  sync() {
    return this.house.told('GET', `/timesync/syncs/${this.dowel.sync.id}`);
  }

  async change(body) {
    const { version } = await this.sync();
    return this.house.told('PATCH', `/timesync/syncs/${this.dowel.sync.id}`, body, { 'If-Match': `"${version}"` });
  }

  // What the model of tests/campaign/timesync finds wrong, after a quiet full pass.
  async judge() {
    for (const side of [this.zammad, this.kimai]) side.faults.clear();
    while (this.kimai.clock.pending().length > 0) await sleep(20);
    await this.house.told('POST', `/timesync/syncs/${this.dowel.sync.id}/release`);
    await this.dowel.pass('full');
    const judge = new Judge({ world: this.view, rules: RULES_OF(this.rules), unmapped: this.unmapped, overlaps: true });
    assert.deepEqual(judge.faults(await this.dowel.state()), []);
  }
}

const RULES_OF = (rules) => ({
  minutes_per_unit: '1', anchor: 'ends', source_deleted: 'decide', target_edited: 'decide', target_deleted: 'decide', zero: 'skip', negative: 'decide',
  merged: 'keep', billable: 'target', tags: [], ...rules,
});

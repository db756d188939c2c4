// stand_in.mjs - a stand-in of tests/peers in a process of its own, so that what it costs is not counted as somebody else's.
//
//   const kimai = await StandIn.start('kimai', { seed: 7, data: 'month' });
//   await kimai.ask('counts');                 // one of ASKS
//   await kimai.control('POST', 'faults', ...) // as /_control
//   await kimai.stop();

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { startKimai } from '../../peers/kimai.mjs';
import { startZammad } from '../../peers/zammad.mjs';
import { textOf } from '../../peers/zammad/decimal.mjs';

const START = { zammad: startZammad, kimai: startKimai };
const STOP_LIMIT_MS = 10_000;
const MINUTE_S = 60;

// ---- in the process of the stand-in ----

// The first line of a timesheet's text, where it is a marker; our own have a third part.
const markerOf = (text) => /^ZAM:T(\d+)\|TA:(\d+)\|C:[0-9a-f]{8}$/.exec((text ?? '').split('\n', 1)[0]);

// When each timesheet was stored that has a marker, by the clock that all processes share: [[entry, ms]].
function noteCreations(peer) {
  const noted = [];
  const finish = peer.log.finish.bind(peer.log);
  peer.log.finish = (entry, status) => {
    if (entry.method === 'POST' && entry.path === '/api/timesheets' && status === 200) {
      const marker = markerOf(JSON.parse(entry.body).description);
      if (marker) noted.push([Number(marker[2]), Date.now()]);
    }
    finish(entry, status);
  };
  return noted;
}

// How long requests took, by the stand-in's own clock: { n, ms, peak } since the last forgetting.
function noteTimes(peer) {
  const times = { n: 0, ms: 0 };
  const begin = peer.log.begin.bind(peer.log);
  const finish = peer.log.finish.bind(peer.log);
  const begun = new WeakMap();
  peer.log.begin = (entry) => {
    const kept = begin(entry);
    begun.set(kept, performance.now());
    return kept;
  };
  peer.log.finish = (entry, status) => {
    times.n++;
    times.ms += performance.now() - begun.get(entry);
    finish(entry, status);
  };
  return times;
}

function forget(peer) {
  peer.log.clear();
  Object.assign(peer.times, { n: 0, ms: 0 });
  peer.peak = { connections: 0, requests: 0 };
}

const ASKS = {
  control: (peer, { method, path, body }) => peer.control(method, path, body),
  counts: (peer) => peer.log.counts().by,
  forget,
  times: ({ times, peak }) => ({ ...times, peak: peak.requests }),
  created: (peer) => peer.noted.splice(0),
  // [[id, ticket, seconds]], as many as there are.
  entries: (peer) => [...peer.state.entries.values()].map(({ id, ticket_id, time_unit }) => [id, ticket_id, Number(textOf(time_unit)) * MINUTE_S]),
  // [[entry, ticket, seconds]] of those with a marker.
  sheets: (peer) => [...peer.state.sheets.values()].flatMap(({ description, begin, end }) => {
    const marker = markerOf(description);
    return marker ? [[Number(marker[2]), Number(marker[1]), (end - begin) / 1000]] : [];
  }),
  // Books at a rate, a booking every 1/rate seconds: [[entry, ms, ticket]].
  bookings: async (peer, { rate, seconds, tickets }) => {
    const booked = [];
    const begun = Date.now();
    for (let i = 0; i < rate * seconds; i++) {
      const due = begun + (i * 1000) / rate;
      if (due > Date.now()) await new Promise((over) => setTimeout(over, due - Date.now()));
      const at = Date.now();
      const ticket = 1 + ((i * 7919) % tickets);
      const { id } = peer.book({ ticket, time_unit: '3.5', type: 1 });
      booked.push([id, at, ticket]);
    }
    return booked;
  },
};

async function serve() {
  const [name, options] = [process.argv[2], JSON.parse(process.argv[3])];
  const peer = await START[name](options);
  peer.times = noteTimes(peer);
  peer.noted = name === 'kimai' ? noteCreations(peer) : [];
  process.on('message', async ({ id, what, how }) => {
    try {
      process.send({ id, value: (await ASKS[what](peer, how)) ?? null });
    } catch (error) {
      process.send({ id, error: error.stack });
    }
  });
  process.once('disconnect', () => process.exit(0)); // whoever started it is gone
  process.send({ url: peer.url, token: peer.token });
}

// ---- in the test ----

export class StandIn {
  #child;
  #last = 0;
  #waiting = new Map();

  static async start(name, options = {}) {
    return new StandIn().#start(name, options);
  }

  async #start(name, options) {
    this.name = name;
    this.#child = fork(fileURLToPath(import.meta.url), [name, JSON.stringify(options)], { serialization: 'json' });
    this.pid = this.#child.pid;
    const ended = once(this.#child, 'exit').then(([code, signal]) => {
      const error = new Error(`the stand-in ${name} ended: ${code ?? signal}`);
      for (const { failed } of this.#waiting.values()) failed(error);
      this.#waiting.clear();
      throw error;
    });
    ended.catch(() => {});
    const [started] = await Promise.race([once(this.#child, 'message'), ended]);
    this.#child.on('message', ({ id, value, error }) => {
      const { done, failed } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) failed(new Error(`${name}: ${error}`));
      else done(value);
    });
    return Object.assign(this, started);
  }

  ask(what, how) {
    return new Promise((done, failed) => {
      const id = ++this.#last;
      this.#waiting.set(id, { done, failed });
      this.#child.send({ id, what, how });
    });
  }

  control(method, path, body) {
    return this.ask('control', { method, path, body });
  }

  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_LIMIT_MS);
    const over = once(this.#child, 'exit');
    this.#child.disconnect();
    await over;
    clearTimeout(timer);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.send) await serve();

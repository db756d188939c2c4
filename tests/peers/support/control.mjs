// control.mjs - how another process steers a stand-in: JSON under /_control/, a path that no real peer has.

export class ControlError extends Error {
  constructor(message, status = 400) {
    super(message);
    this.status = status;
  }
}

// What every stand-in understands. Each: (peer, body, parameters, query) -> JSON.
const COMMON = {
  'GET ': (peer) => ({ name: peer.name, url: peer.url, seed: peer.seed, does: Object.keys({ ...COMMON, ...peer.controls() }).sort() }),
  'GET state': (peer) => peer.snapshot(),
  'POST reset': (peer) => peer.resetAll(),
  'POST down': (peer) => peer.down(),
  'POST up': (peer) => peer.up(),
  // { most: 4 }: further connections are closed at once; without "most" there is no limit
  'POST connections': (peer, { most }) => {
    peer.mostConnections = most;
  },

  'GET clock': (peer) => clockOf(peer),
  // { set: "2026-11-20T09:00:00Z" | advance: milliseconds, run: true | stop: true }
  'POST clock': (peer, { set, advance, run, stop }) => {
    if (stop) peer.clock.stop();
    if (set !== undefined) peer.clock.set(set);
    if (advance !== undefined) peer.clock.advance(advance);
    if (run) peer.clock.run();
    return clockOf(peer);
  },

  'GET faults': (peer) => peer.faults.list(),
  'POST faults': (peer, fault) => ({ id: peer.faults.add(fault) }),
  'POST faults/random': (peer, settings) => peer.faults.random(settings),
  'DELETE faults': (peer) => peer.faults.clear(),
  'DELETE faults/:id': (peer, _, { id }) => peer.faults.remove(Number(id)),

  'GET mark': (peer) => ({ mark: peer.log.mark }),
  // ?since=MARK&method=POST&path=/api/timesheets
  'GET requests': (peer, _, __, query) =>
    peer.log.since(Number(query.get('since') ?? 0), { method: query.get('method'), path: query.get('path') }),
  'GET counts': (peer) => ({ ...peer.log.counts(), peak: peer.peak }),
  'DELETE requests': (peer) => peer.log.clear(),
  'GET violations': (peer) => peer.violations,
};

const clockOf = ({ clock }) => ({ now: new Date(clock.now()).toISOString(), running: clock.running, pending: clock.pending() });

// Finds and does it; throws ControlError with the reason when there is no such thing.
export function control(peer, method, path, query, body) {
  const all = { ...COMMON, ...peer.controls() };
  for (const [rule, act] of Object.entries(all)) {
    const parameters = parametersOf(rule, method, path);
    if (!parameters) continue;
    return rule in COMMON ? act(peer, body ?? {}, parameters, query) : act(body ?? {}, parameters, query);
  }
  throw new ControlError(`${method} /_control/${path}: there is ${Object.keys(all).sort().join(', ')}`, 404);
}

function parametersOf(rule, method, path) {
  const [ruleMethod, rulePath] = rule.split(' ');
  if (ruleMethod !== method) return undefined;
  const wanted = rulePath.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const parameters = {};
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i].startsWith(':')) parameters[wanted[i].slice(1)] = decodeURIComponent(given[i]);
    else if (wanted[i] !== given[i]) return undefined;
  }
  return parameters;
}

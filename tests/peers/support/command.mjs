// command.mjs - a stand-in started by hand: options, one line that says where it is, and an end on SIGTERM or SIGINT.

import { parseArgs } from 'node:util';

const COMMON = {
  port: { type: 'string', default: '0', says: 'N        the port on 127.0.0.1; 0 takes a free one' },
  seed: { type: 'string', default: '1', says: 'N        what chance depends on: names, amounts, faults' },
  data: { type: 'string', says: 'month    begin with a month of believable data' },
  now: { type: 'string', says: 'TIME     the clock stands at this instant (2026-11-20T09:00:00Z) until it is moved by /_control/clock' },
  help: { type: 'boolean', default: false, says: '         this' },
};

// start: (options) -> peer, options being { port, seed, data, now } and those of `more`. line: (peer) -> the rest of the line.
export async function runByHand({ file, about, more = {}, start, line }) {
  const options = { ...COMMON, ...more };
  let values;
  try {
    ({ values } = parseArgs({ options: Object.fromEntries(Object.entries(options).map(([name, { says, ...rest }]) => [name, rest])) }));
    for (const name of ['port', 'seed']) {
      if (!/^\d+$/.test(values[name])) throw new Error(`--${name} ${values[name]}: not a number`);
      values[name] = Number(values[name]);
    }
    if (values.data !== undefined && values.data !== 'month') throw new Error(`--data ${values.data}: there is "month"`);
  } catch (error) {
    process.stderr.write(`${file}: ${error.message}\nTry: node ${file} --help\n`);
    process.exitCode = 2;
    return;
  }
  if (values.help) {
    const rows = Object.entries(options).map(([name, { says }]) => `  --${name} ${says}`);
    process.stdout.write(`node ${file} [OPTION]...\n${about}\n\n${rows.join('\n')}\n`);
    return;
  }
  let peer;
  try {
    peer = await start(values);
  } catch (error) {
    process.stderr.write(`${file}: cannot start: ${error.message}\n`);
    process.exitCode = 1;
    return;
  }
  process.stdout.write(`${peer.name} stand-in: ${peer.url}  ${line(peer)}  control: ${peer.controlUrl}\n`);
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => peer.stop());
}

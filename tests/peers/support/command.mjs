// command.mjs - a stand-in started by hand: options, one line that says where it is, and an end on SIGTERM or SIGINT.

import { parseArgs } from 'node:util';

// takes: what follows the option; says: what it is for.
const COMMON = {
  port: { type: 'string', default: '0', takes: 'N', says: 'the port on 127.0.0.1; 0 takes a free one' },
  seed: { type: 'string', default: '1', takes: 'N', says: 'what chance depends on: names, amounts, faults' },
  data: { type: 'string', takes: 'month', says: 'begin with a month of believable data' },
  now: { type: 'string', takes: 'TIME', says: 'the clock stands at this instant (2026-11-20T09:00:00Z) until /_control/clock moves it' },
  faults: { type: 'string', takes: 'RATE', says: 'this part of the requests (0.1: each tenth) is cut or answered 503, chosen by the seed' },
  help: { type: 'boolean', default: false, takes: '', says: 'this' },
};

// start: (options) -> peer, options being { port, seed, data, now, faults } and those of `more`. line: (peer) -> the rest of the line.
export async function runByHand({ file, about, more = {}, start, line }) {
  const options = { ...COMMON, ...more };
  let values;
  try {
    ({ values } = parseArgs({ options: Object.fromEntries(Object.entries(options).map(([name, { takes, says, ...rest }]) => [name, rest])) }));
    for (const name of ['port', 'seed']) {
      if (!/^\d+$/.test(values[name])) throw new Error(`--${name} ${values[name]}: not a number`);
      values[name] = Number(values[name]);
    }
    if (values.faults !== undefined) values.faults = { rate: rateOf(values.faults) };
    if (values.data !== undefined && values.data !== 'month') throw new Error(`--data ${values.data}: there is "month"`);
  } catch (error) {
    process.stderr.write(`${file}: ${error.message}\nTry: node ${file} --help\n`);
    process.exitCode = 2;
    return;
  }
  if (values.help) {
    const rows = Object.entries(options).map(([name, { takes = '', says }]) => `  ${`--${name} ${takes}`.padEnd(16)}${says}`);
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

function rateOf(text) {
  const rate = Number(text);
  if (!(rate >= 0 && rate <= 1)) throw new Error(`--faults ${text}: not a number from 0 to 1`);
  return rate;
}

// dowel.mjs - a Dowel with a folder of its own: its configuration, its process, its verbs.

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 20_000;
const VERB_LIMIT_MS = 120_000;

const CORE = `# The demo's own server. It listens on a free port that ./dev demo chooses, and its log is in dowel.log.
log_format: json
time_zone: Europe/Berlin
# The stand-ins sign in and send webhooks as often as they like.
route_limits: false
`;
const PLUGINS = { auth: 'users, roles, tenants', zammad: 'where time is booked', kimai: 'where it is billed', timesync: 'from the one to the other' };

export class Dowel {
  #child;

  // folder: where conf.d, var and the log will be; cwd: what the paths that people see are relative to.
  constructor({ binary, folder, cwd }) {
    Object.assign(this, { binary, folder, cwd });
    this.places = ['--config', join(folder, 'conf.d'), '--data', join(folder, 'var')];
    this.log = join(folder, 'dowel.log');
  }

  get pid() {
    return this.#child?.pid;
  }

  async prepare() {
    const conf = join(this.folder, 'conf.d');
    mkdirSync(conf, { recursive: true });
    writeFileSync(join(conf, 'core.yaml'), CORE);
    for (const [name, what] of Object.entries(PLUGINS)) writeFileSync(join(conf, `${name}.yaml`), `# ${what}\nenabled: true\n`);
    await this.run(['init']);
  }

  // Resolves when it listens; spawned(pid) is called before.
  async start({ spawned = () => {} } = {}) {
    const log = openSync(this.log, 'a', 0o600);
    this.#child = spawn(this.binary, ['serve', '--listen', '127.0.0.1:0', ...this.places], { cwd: this.cwd, stdio: ['ignore', 'pipe', log] });
    closeSync(log);
    spawned(this.pid);
    this.ended = new Promise((over) => {
      this.#child.once('error', (error) => over(error.message));
      this.#child.once('exit', (code, signal) => over(`exit ${code ?? signal}`));
    });
    this.url = await this.#address();
    return this;
  }

  #address() {
    let text = '';
    return new Promise((found, failed) => {
      const fail = (why) => failed(new Error(`Dowel did not start (${why}):\n${this.lastWords()}`));
      const timer = setTimeout(() => fail(`no address within ${START_LIMIT_MS / 1000} s`), START_LIMIT_MS);
      this.ended.then((how) => (clearTimeout(timer), fail(how)));
      this.#child.stdout.setEncoding('utf8').on('data', (piece) => {
        text += piece;
        const address = /^listening on (\S+)$/m.exec(text);
        if (address) found((clearTimeout(timer), address[1]));
      });
    });
  }

  lastWords() {
    return readFileSync(this.log, 'utf8').trimEnd().split('\n').slice(-8).join('\n');
  }

  // `dowel ARGS`: what it says; `input` is what is typed.
  run(args, input = '') {
    return new Promise((done, failed) => {
      const child = spawn(this.binary, [...args, ...this.places], { cwd: this.cwd, stdio: 'pipe', timeout: VERB_LIMIT_MS });
      const said = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (said[name] += text));
      child.stdin.on('error', () => {}).end(input); // a verb that reads nothing may be over by then
      child.once('error', failed);
      child.once('close', (code, signal) => {
        if (code === 0) done(said.stdout);
        else failed(new Error(`dowel ${args.join(' ')}: ${code ?? signal}\n${said.stderr}${said.stdout}`));
      });
    });
  }

  async json(args, input) {
    return JSON.parse(await this.run([...args, '--output', 'json'], input));
  }

  // As an admin would; at once when it takes too long. Safe to call again.
  async stop() {
    if (!this.#child || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_LIMIT_MS);
    await this.ended;
    clearTimeout(timer);
  }
}

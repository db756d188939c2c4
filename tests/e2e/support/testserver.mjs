// testserver.mjs - the HTTP server with routes made for tests (tests/support/testserver.c): no supervisor, no
// configuration.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { preset, root, slowness, until } from './server.mjs';

const START_LIMIT_MS = 10_000 * slowness;
const COMPLAINT = /ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:/;

class TestServer {
  constructor(child) {
    this.child = child;
    this.stdout = this.stderr = '';
    this.ended = new Promise((resolved) => child.on('close', (code, signal) => resolved({ code, signal })));
    for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (this[name] += text));
  }

  get url() {
    return /^listening on (\S+)\s*$/m.exec(this.stdout)?.[1];
  }

  get pid() {
    return this.child.pid;
  }

  signal(name) {
    this.child.kill(name);
  }

  // Resolves when the log holds what is looked for.
  said(what, options) {
    return until(`the log says ${what}\n${this.stderr.slice(-2000)}`, () => what.test(this.stderr), options);
  }

  async stop() {
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), START_LIMIT_MS);
    const { code, signal } = await this.ended;
    clearTimeout(timer);
    const complaint = COMPLAINT.exec(this.stderr);
    if (complaint) throw new Error(this.stderr.slice(complaint.index, complaint.index + 4000));
    if (code !== 0) throw new Error(`the test server ended with ${code ?? signal}:\n${this.stderr.slice(-2000)}`);
  }
}

export async function startTestServer(...args) {
  const binary = [preset, 'dev'].map((name) => join(root, 'build', name, 'bin', 'testserver')).find(existsSync);
  if (!binary) throw new Error(`build/${preset}/bin/testserver is not there: ./dev build ${preset}`);
  const child = spawn(binary, args.map(String), { stdio: ['ignore', 'pipe', 'pipe'] });
  process.once('exit', () => child.kill('SIGKILL'));
  const server = new TestServer(child);
  await Promise.race([
    until('the test server listens', () => server.url, { limit: START_LIMIT_MS }),
    server.ended.then(({ code }) => Promise.reject(new Error(`the test server ended with ${code}:\n${server.stderr}`))),
  ]);
  return server;
}

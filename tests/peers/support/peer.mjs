// peer.mjs - the server around a stand-in: it reads requests, lets faults happen, keeps a log, answers, and lets itself be
// controlled. What the other program is like, its subclass says:
//
//   class Kimai extends Peer {
//     answer(request) { return { status, headers, body }; }   // body: undefined, a text, a Buffer, or what becomes JSON
//     encode(value) { ... }                                   // when the JSON of that program looks special
//     reset() { ... }                                         // the state as it was at the start
//     snapshot() { ... }                                      // the state as JSON, for GET /_control/state
//     controls() { return { 'POST users': (body) => ..., 'DELETE timesheets/:id': (body, { id }) => ... }; }
//   }
//
// request: { method, path, query (URLSearchParams), headers, body (text), isUtf8 (whether the body's bytes were), now (ms, the time
// the stand-in believes in), ip }.
// answer() acts at once, without awaiting anything: two requests never see each other half done.

import { isUtf8 } from 'node:buffer';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

import { Clock } from './clock.mjs';
import { ControlError, control } from './control.mjs';
import { Faults, replacement } from './faults.mjs';
import { RequestLog } from './log.mjs';
import { Random } from './random.mjs';

const MOST_BODY = 64 * 1024 * 1024;
const KEEP_ALIVE_MS = 60_000;

export class Peer {
  #server;
  #controlServer;
  #sockets = new Set();
  #port;
  #wasUp = false;
  #busy = 0; // requests that are not answered yet
  #chance;

  // now: the clock stands at this instant until it is moved; without it the clock is the real one.
  // check: (request) -> list of texts, what is wrong with a request by the contract; collected in `violations`.
  // faults: { rate, kinds } that chance chooses from. tls: { key, cert } for https. mostConnections: further ones are closed as
  // soon as they are there. kept: requests in the log.
  constructor({ name, host = '127.0.0.1', port = 0, seed = 0, now, clock, check, faults, tls, mostConnections, kept } = {}) {
    Object.assign(this, { name, host, seed, check, tls });
    this.#chance = faults;
    this.mostConnections = mostConnections;
    this.clock = clock ?? new Clock({ now });
    this.random = new Random(seed);
    this.faults = new Faults({ seed });
    if (faults) this.faults.random(faults);
    this.log = new RequestLog({ kept });
    this.violations = [];
    this.peak = { connections: 0, requests: 0 }; // at one time
    this.#port = port;
  }

  get url() {
    return `${this.tls ? 'https' : 'http'}://${this.host}:${this.#port}`;
  }

  // A second door to /_control, which no fault and no down() closes.
  get controlUrl() {
    return `http://${this.host}:${this.#controlServer.address().port}/_control`;
  }

  async start() {
    this.#controlServer = createServer((req, res) => this.#take(req, res, true));
    await listen(this.#controlServer, this.host, 0);
    await this.up();
    return this;
  }

  // Everything ends: connections, and what was put off.
  async stop() {
    this.clock.clear();
    await this.down();
    this.#controlServer?.closeAllConnections();
    await new Promise((closed) => (this.#controlServer ? this.#controlServer.close(closed) : closed()));
  }

  // Nobody listens on the port until up(); the state stays, and so does the port's number.
  async down() {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = new Promise((done) => server.close(done));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async up() {
    if (this.#server) return;
    const isBack = this.#port !== 0 && this.#wasUp;
    const take = (req, res) => this.#take(req, res, false);
    const settings = { keepAlive: true, keepAliveTimeout: KEEP_ALIVE_MS };
    const server = this.tls ? createTlsServer({ ...settings, ...this.tls }, take) : createServer(settings, take);
    server.on('connection', (socket) => this.#connected(socket));
    for (let tries = isBack ? 100 : 1; tries > 0; tries--) {
      const error = await listen(server, this.host, this.#port).catch((refused) => refused);
      if (!error) break;
      if (tries === 1 || error.code !== 'EADDRINUSE') throw error;
      await new Promise((over) => setTimeout(over, 100)); // somebody was given the port while nobody listened on it
    }
    this.#port = server.address().port;
    this.#server = server;
    this.#wasUp = true;
  }

  #connected(socket) {
    if (this.faults.refuses() || this.#sockets.size >= (this.mostConnections ?? Infinity)) return socket.resetAndDestroy();
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    this.peak.connections = Math.max(this.peak.connections, this.#sockets.size);
    return socket.on('close', () => this.#sockets.delete(socket));
  }

  // What a call of /_control/PATH does, for a test in the same process: control('POST', 'users', {...}).
  control(method, path, body, query = '') {
    return control(this, method, path, new URLSearchParams(query), body);
  }

  // As it was at the start, but for the clock.
  async resetAll() {
    this.clock.clear();
    this.faults.clear();
    if (this.#chance) this.faults.random(this.#chance);
    this.log.clear();
    this.violations.length = 0;
    this.peak = { connections: 0, requests: 0 };
    this.random = new Random(this.seed);
    await this.reset();
  }

  encode(value) {
    return JSON.stringify(value);
  }

  reset() {}

  snapshot() {
    return {};
  }

  controls() {
    return {};
  }

  // ---- a request ----

  async #take(req, res, onlyControl) {
    try {
      const bytes = await bodyOf(req);
      const body = bytes.toString('utf8');
      const { path, query } = splitTarget(req.url);
      if (path === '/_control' || path.startsWith('/_control/')) return await this.#controlled(req, res, path, query, body);
      if (onlyControl) return send(res, { status: 404, headers: {}, body: 'only /_control is here\n' });
      this.peak.requests = Math.max(this.peak.requests, ++this.#busy);
      res.once('close', () => this.#busy--);
      const { method, headers, socket } = req;
      await this.#serve(req, res, { method, path, query, headers, body, isUtf8: isUtf8(bytes), ip: socket.remoteAddress });
    } catch (error) {
      if (error.code === 'ECONNRESET') return; // the client went away
      // A defect of the stand-in must be seen as such, not as an answer of the program it stands for.
      process.stderr.write(`${this.name}: ${req.method} ${req.url}: ${error.stack}\n`);
      if (!res.headersSent && !res.destroyed) send(res, { status: 599, headers: {}, body: `the stand-in failed: ${error.stack}\n` });
      else res.destroy();
    }
  }

  async #controlled(req, res, path, query, body) {
    try {
      const value = await control(this, req.method, path.slice('/_control/'.length), query, body ? JSON.parse(body) : undefined);
      send(res, { status: 200, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value ?? null) });
    } catch (error) {
      if (!(error instanceof ControlError)) process.stderr.write(`${this.name}: ${req.method} ${req.url}: ${error.stack}\n`);
      const status = error instanceof ControlError ? error.status : 400;
      send(res, { status, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ error: error.message }) });
    }
  }

  async #serve(req, res, request) {
    const { method, path, headers, body } = request;
    const query = request.query.toString();
    const fault = this.faults.choose({ method, path, query, body });
    request.now = this.clock.now() + (fault?.kind === 'wrong_clock' ? fault.skewMs : 0);
    const entry = this.log.begin({ at: request.now, method, path, query, body, headers, fault: fault?.kind });
    for (const text of this.check?.(request) ?? []) this.violations.push({ n: entry.n, method, path, query, body, text });

    const answer = this.#perform(request, fault, entry);
    if (fault?.kind.startsWith('cut_')) {
      this.log.finish(entry, 0);
      return res.socket?.resetAndDestroy();
    }
    const outgoing = (fault && replacement(fault)) ?? answer;
    if (!outgoing) throw new Error(`the fault ${fault.kind} with acts "${fault.acts}" leaves no answer`);
    if (fault?.kind === 'delay') await new Promise((over) => setTimeout(over, fault.ms).unref());
    this.log.finish(entry, outgoing.status);
    if (res.destroyed) return undefined; // the client did not wait
    res.setHeader('Date', new Date(request.now).toUTCString());
    return deliver(res, this.#encoded(outgoing), fault);
  }

  // Does what the request asks, unless the fault forbids it; returns the answer, or undefined when there is none (yet).
  #perform(request, fault, entry) {
    const { acts } = fault ?? { acts: 'now' };
    if (acts === 'now') return this.answer(request);
    if (acts === 'late') {
      this.clock.after(fault.lateMs, () => {
        const now = this.clock.now();
        try {
          entry.late = { at: now, status: this.answer({ ...request, now }).status };
        } catch (error) {
          process.stderr.write(`${this.name}: late ${request.method} ${request.path}: ${error.stack}\n`);
        }
      });
    }
    return undefined;
  }

  #encoded({ status, headers = {}, body }) {
    if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) return { status, headers, body: body ?? '' };
    return { status, headers: { 'Content-Type': 'application/json', ...headers }, body: this.encode(body) };
  }
}

// ---- bytes ----

function listen(server, host, port) {
  return new Promise((listening, failed) => server.once('error', failed).listen(port, host, listening));
}

function bodyOf(req) {
  return new Promise((resolve, reject) => {
    const pieces = [];
    let size = 0;
    req.on('data', (piece) => {
      size += piece.length;
      if (size > MOST_BODY) reject(new Error(`a body of more than ${MOST_BODY} bytes`));
      else pieces.push(piece);
    });
    req.on('end', () => resolve(Buffer.concat(pieces)));
    req.on('error', reject);
  });
}

function splitTarget(target) {
  const at = target.indexOf('?');
  const path = at < 0 ? target : target.slice(0, at);
  return { path, query: new URLSearchParams(at < 0 ? '' : target.slice(at + 1)) };
}

function send(res, { status, headers, body }) {
  const bytes = Buffer.from(body);
  res.writeHead(status, status === 204 ? headers : { ...headers, 'Content-Length': bytes.length });
  res.end(status === 204 ? undefined : bytes);
}

async function deliver(res, { status, headers, body }, fault) {
  const bytes = Buffer.from(body);
  switch (fault?.kind) {
    case 'half_length':
      res.writeHead(status, { ...headers, 'Content-Length': bytes.length + 1 });
      res.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => res.socket?.destroySoon());
      return undefined;
    case 'half_text':
      return send(res, { status, headers, body: bytes.subarray(0, Math.floor(bytes.length / 2)) });
    case 'slow':
      return drip(res, { status, headers, bytes }, fault);
    default:
      return send(res, { status, headers, body: bytes });
  }
}

async function drip(res, { status, headers, bytes }, { bytes: step, everyMs }) {
  res.writeHead(status, { ...headers, 'Content-Length': bytes.length });
  for (let at = 0; at < bytes.length && !res.destroyed; at += step) {
    res.write(bytes.subarray(at, at + step));
    await new Promise((over) => setTimeout(over, everyMs));
  }
  res.end();
}

// client.mjs - a small HTTP/1.1 client on node:net, for tests that care about single bytes and single connections.

import net from 'node:net';

import { FramingError, readResponse } from './message.mjs';
import { slowness } from './server.mjs';

const LIMIT_MS = 10_000 * slowness;

// Where an URL of startServer() is: { host, port }, or { path } of a Unix socket ("unix:/path").
function place(url) {
  if (url.startsWith('unix:')) return { path: url.slice('unix:'.length) };
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
}

// The bytes of a request. Content-Length is added when there is a body, Host always, unless given.
export function requestBytes({ method = 'GET', path = '/', headers = {}, body, version = '1.1' } = {}) {
  const content = body === undefined ? undefined : Buffer.from(body);
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  const lines = [`${method} ${path} HTTP/${version}`];
  if (!names.includes('host')) lines.push('Host: test.example');
  for (const [name, value] of Object.entries(headers)) {
    for (const one of [value].flat()) lines.push(`${name}: ${one}`);
  }
  if (content && !names.includes('content-length') && !names.includes('transfer-encoding')) {
    lines.push(`Content-Length: ${content.length}`);
  }
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return content ? Buffer.concat([head, content]) : head;
}

// One connection. What the server sends is kept until a response is asked for, so nothing is lost between two reads
// and `pending` shows bytes that nobody asked for.
export class Connection {
  #socket;
  #bytes = Buffer.alloc(0);
  #waiting = new Set();

  constructor(socket) {
    this.#socket = socket;
    this.ended = false; // the server has sent FIN
    this.closed = false;
    this.error = undefined; // ECONNRESET, when it came to that
    socket.setNoDelay(true);
    socket.on('data', (piece) => this.#wake(() => (this.#bytes = Buffer.concat([this.#bytes, piece]))));
    socket.on('end', () => this.#wake(() => (this.ended = true)));
    socket.on('error', (error) => this.#wake(() => (this.error = error)));
    socket.on('close', () => this.#wake(() => (this.ended = this.closed = true)));
  }

  static open(url, { limit = LIMIT_MS, localAddress } = {}) {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ ...place(url), localAddress, allowHalfOpen: true });
      const timer = setTimeout(() => {
        socket.destroy();
        reject(new Error(`no connection to ${url} within ${limit} ms`));
      }, limit);
      const settle = (act) => (value) => {
        clearTimeout(timer);
        act(value);
      };
      const refused = settle(reject);
      socket.once('error', refused);
      socket.once('connect', settle(() => {
        socket.removeListener('error', refused);
        resolve(new Connection(socket));
      }));
    });
  }

  #wake(change) {
    change();
    for (const wake of [...this.#waiting]) wake();
  }

  // Resolves when found() gives something; rejects after `limit` milliseconds, saying what was awaited.
  #until(found, limit, what) {
    return new Promise((resolve, reject) => {
      const finish = (act, value) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        act(value);
      };
      const look = () => {
        try {
          const value = found();
          if (value !== undefined) finish(resolve, value);
        } catch (error) {
          finish(reject, error);
        }
      };
      const timer = setTimeout(
        () => finish(reject, new Error(`no ${what} within ${limit} ms; so far ${JSON.stringify(this.pending.toString('latin1', 0, 200))}`)),
        limit,
      );
      this.#waiting.add(look);
      look();
    });
  }

  // Bytes that came and were not yet read.
  get pending() {
    return this.#bytes;
  }

  send(bytes) {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
    return this;
  }

  // The next response. 1xx are responses too.
  response({ method = 'GET', limit = LIMIT_MS } = {}) {
    return this.#until(
      () => {
        const found = readResponse(this.#bytes, { method, ended: this.ended });
        if (found) {
          this.#bytes = this.#bytes.subarray(found.used);
          return found.response;
        }
        if (!this.ended) return undefined;
        throw new FramingError(`the connection ended ${this.error ? `(${this.error.code}) ` : ''}with ${this.#bytes.length} bytes of a response`);
      },
      limit,
      'response',
    );
  }

  request(options = {}) {
    this.send(requestBytes(options));
    return this.response({ method: options.method, limit: options.limit });
  }

  // At least n more bytes, as they come.
  take(n, { limit = LIMIT_MS } = {}) {
    return this.#until(
      () => {
        if (this.#bytes.length < n) {
          if (this.ended) throw new FramingError(`the connection ended after ${this.#bytes.length} of ${n} bytes`);
          return undefined;
        }
        const bytes = this.#bytes;
        this.#bytes = Buffer.alloc(0);
        return bytes;
      },
      limit,
      `${n} bytes`,
    );
  }

  // Everything until the server closes.
  toEnd({ limit = LIMIT_MS } = {}) {
    return this.#until(() => (this.ended ? this.#bytes : undefined), limit, 'end of the connection');
  }

  // Sends FIN and keeps reading.
  halfClose() {
    this.#socket.end();
    return this;
  }

  // Stops reading: the kernel's buffers fill, as with a client that is slow or gone.
  pause() {
    this.#socket.pause();
    return this;
  }

  resume() {
    this.#socket.resume();
    return this;
  }

  // Sends RST.
  reset() {
    this.#socket.resetAndDestroy();
  }

  close() {
    this.#socket.destroy();
  }
}

// One request on a connection of its own.
export async function request(url, options = {}) {
  const connection = await Connection.open(url, options);
  try {
    return await connection.request(options);
  } finally {
    connection.close();
  }
}

// Sends bytes and reads until the server closes or `limit` milliseconds went by without that: { bytes, closed }.
export async function exchange(url, bytes, { limit = 2000 } = {}) {
  const connection = await Connection.open(url);
  try {
    connection.send(bytes);
    await connection.toEnd({ limit }).catch((error) => {
      if (!/^no end/.test(error.message)) throw error;
    });
    return { bytes: connection.pending, closed: connection.ended };
  } finally {
    connection.close();
  }
}

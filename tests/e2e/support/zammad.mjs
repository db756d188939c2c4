// zammad.mjs - Zammad's stand-in in a test: started, asked, ended; and a place where its webhooks arrive.

import { createServer, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { afterEach } from 'node:test';

import { startZammad } from '../../peers/zammad.mjs';
import { root } from './server.mjs';

export const NOW = '2026-11-20T09:00:00.000Z';
export const vectors = process.env.DOWEL_VECTORS ?? join(root, '../shared/vectors');
export const reference = join(vectors, '../reference/zammad');

const running = [];

// One whose clock stands at NOW; it ends with the test.
export async function start(options = {}) {
  const zammad = await startZammad({ now: NOW, seed: 7, ...options });
  running.push(zammad);
  return zammad;
}

afterEach(async () => {
  for (const zammad of running.splice(0)) await zammad.stop();
});

// { status, headers, text, json }; token: undefined takes the administrator's, null none. peer: { url, token }.
export async function ask(peer, method, path, { body, token, headers = {}, accept = 'application/json' } = {}) {
  const authorization = token === null ? {} : { Authorization: `Token token=${token ?? peer.token}` };
  const content = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const asIs = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
  const sent = asIs ? body : JSON.stringify(body);
  const response = await fetch(`${peer.url}${path.startsWith('/') ? path : `/api/v1/${path}`}`, {
    method, headers: { ...(accept && { Accept: accept }), ...authorization, ...content, ...headers }, body: sent, redirect: 'manual',
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
}

// The four verbs for whatever peer() is at the moment.
export const callsOf = (peer) => ({
  get: (path, options) => ask(peer(), 'GET', path, options),
  post: (path, body, options) => ask(peer(), 'POST', path, { body, ...options }),
  put: (path, body, options) => ask(peer(), 'PUT', path, { body, ...options }),
  del: (path, options) => ask(peer(), 'DELETE', path, options),
});

// A token of the n-th agent.
export const agentToken = (zammad, permission = ['ticket.agent'], n = 1) => zammad.state.addToken({ user: zammad.state.agents[n], permission }).token;

// The Content-Type of an answer, asked on a connection of its own and without an Accept unless given; fetch() can do neither.
export function rawType({ url, token }, path, accept) {
  return new Promise((resolved, failed) => {
    const headers = { Authorization: `Token token=${token}`, ...(accept && { Accept: accept }) };
    const answered = (res) => resolved((res.resume(), res.headers['content-type']));
    httpRequest(`${url}${path}`, { headers, agent: false }, answered).on('error', failed).end();
  });
}

export class Receiver {
  got = []; // { path, method, headers, raw, bytes, json }
  answers = {}; // by path: a status, or { status, headers, body, hang }

  static async start() {
    const receiver = new Receiver();
    receiver.server = createServer((req, res) => receiver.#take(req, res));
    await new Promise((listening) => receiver.server.listen(0, '127.0.0.1', listening));
    return receiver;
  }

  #take(req, res) {
    const pieces = [];
    req.on('data', (piece) => pieces.push(piece));
    req.on('end', () => {
      const bytes = Buffer.concat(pieces);
      this.got.push({ path: req.url, method: req.method, headers: req.headers, raw: req.rawHeaders, bytes, json: JSON.parse(bytes.toString('utf8') || 'null') });
      const answer = this.answers[req.url] ?? 200;
      const { status, headers = {}, body = '', hang = false } = typeof answer === 'number' ? { status: answer } : answer;
      if (!hang) res.writeHead(status, headers).end(body);
    });
  }

  url(path) {
    return `http://127.0.0.1:${this.server.address().port}${path}`;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((closed) => this.server.close(closed));
  }
}

// load.mjs - keep-alive clients that ask without a pause, or with one of so many ms, and account for every request.

import { Connection } from './client.mjs';
import { sleep } from './server.mjs';

// Each client has one request in flight. A request is lost when no whole answer came for it; a connection that the
// server closed after an answer that said so, or while nothing was asked on it, is simply opened again.
export class Load {
  served = 0;
  lost = []; // { at, why }
  statuses = new Map();
  lastAnswer = 0; // performance.now()
  #running = true;
  #clients;

  constructor(url, { clients = 16, path = '/livez', limit = 15_000, pause = 0 } = {}) {
    Object.assign(this, { url, path, limit, pause });
    this.#clients = Array.from({ length: clients }, () => this.#client());
  }

  async #client() {
    let connection;
    while (this.#running) {
      try {
        if (!connection || connection.closed || connection.ended) connection = await Connection.open(this.url, { limit: this.limit });
        const response = await connection.request({ path: this.path, limit: this.limit });
        this.served++;
        this.lastAnswer = performance.now();
        this.statuses.set(response.status, (this.statuses.get(response.status) ?? 0) + 1);
        if (response.last) {
          connection.close();
          connection = undefined;
        }
        if (this.pause) {
          await sleep(this.pause);
          // This process may have slept for longer, and the server closed what was idle: that it has is read before the next request.
          await new Promise((read) => setImmediate(read));
        }
      } catch (error) {
        this.lost.push({ at: performance.now(), why: error.code ?? error.message });
        connection?.close();
        connection = undefined;
      }
    }
    connection?.close();
  }

  async stop() {
    this.#running = false;
    await Promise.all(this.#clients);
    return this;
  }
}

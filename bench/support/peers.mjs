// peers.mjs - the servers that are measured side by side. Each starts on a free port of 127.0.0.1, with no access log.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { request } from '../../tests/e2e/support/client.mjs';
import { root, startServer, until } from '../../tests/e2e/support/server.mjs';

export const binary = (name) => join(root, 'build/bench/bin', name);

const started = new Set();
function endAll() {
  for (const child of started) child.kill('SIGKILL');
}
process.on('exit', endAll);

export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

export function launch(command, args, spawning = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], ...spawning });
  started.add(child);
  child.on('close', () => started.delete(child));
  return child;
}

export async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await once(child, 'close');
  clearTimeout(timer);
}

// A server that prints "listening on URL".
async function startListening(command, args = []) {
  const child = launch(command, args);
  let said = '';
  child.stdout.on('data', (text) => (said += text));
  const url = await until(`${command} listens`, () => {
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}`);
    return /listening on (\S+)/.exec(said)?.[1];
  });
  return { url, pid: child.pid, stop: () => end(child) };
}

const nginxConf = (folder, port) => `
daemon off;
worker_processes 2;
pid ${folder}/nginx.pid;
error_log stderr crit;
events { worker_connections 20000; }
http {
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 300;
    client_body_temp_path ${folder};
    proxy_temp_path ${folder};
    fastcgi_temp_path ${folder};
    uwsgi_temp_path ${folder};
    scgi_temp_path ${folder};
    server {
        listen 127.0.0.1:${port} backlog=4096;
        default_type text/plain;
        location / { return 200 "ok\\n"; }
    }
}
`;

async function startNginx() {
  const folder = mkdtempSync(join(tmpdir(), 'dowel-nginx-'));
  const port = await freePort();
  writeFileSync(join(folder, 'nginx.conf'), nginxConf(folder, port));
  const child = launch('nginx', ['-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')]);
  const url = `http://127.0.0.1:${port}`;
  await until('nginx listens', () => request(url).then(() => true, () => false));
  return {
    url,
    pid: child.pid,
    async stop() {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const startDowel = async () => {
  const server = await startServer({
    binary: binary('dowel'),
    config: { 'core.yaml': 'access_log: false\n' },
  });
  return { url: server.url, pid: server.pid, stop: () => server.stop() };
};

// What is measured. `bodyPath`: where a POST is read before it is answered, unless that is every path.
export const SERVERS = {
  epoll: { start: () => startListening(binary('peer_epoll')) },
  nginx: { start: startNginx },
  evhttp: { start: () => startListening(binary('peer_evhttp')) },
  dowel: { start: startDowel, missing: () => !existsSync(binary('dowel')) },
  // Its route /events never says anything, /echo reads content.
  testserver: { bodyPath: '/echo', start: () => startListening(binary('testserver')) },
};

// Starts those named: Map of name to { url, pid, stop }.
export async function startAll(names) {
  const running = new Map();
  for (const name of names) running.set(name, await SERVERS[name].start());
  return running;
}

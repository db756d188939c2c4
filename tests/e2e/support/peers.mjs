// peers.mjs - what tests of the stand-ins (tests/peers) share.

const LIMIT_MS = 20_000;

// One request to a stand-in: { status, headers, body }, the body as JSON (null when it is empty) unless `raw`.
export async function call(peer, method, path, { body, token = peer.token, headers = {}, raw = false } = {}) {
  const content = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${peer.url}${path}`, {
    method,
    redirect: 'manual',
    signal: AbortSignal.timeout(LIMIT_MS),
    headers: { ...(token && { Authorization: `Bearer ${token}` }), ...(content !== undefined && { 'Content-Type': 'application/json' }), ...headers },
    body: content,
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: raw ? text : text === '' ? null : JSON.parse(text) };
}

// What a process has written once it matches `wanted`.
export function outputOf(child, wanted) {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => reject(new Error(`no ${wanted} within ${LIMIT_MS} ms, but: ${text}`)), LIMIT_MS);
    const settle = (act, value) => {
      clearTimeout(timer);
      act(value);
    };
    child.stdout.setEncoding('utf8').on('data', (piece) => {
      text += piece;
      if (wanted.test(text)) settle(resolve, text);
    });
    child.once('close', () => settle(reject, new Error(`it ended, with no ${wanted} but: ${text}`)));
  });
}

// How a process ended: { code, signal }.
export function close(child) {
  return new Promise((resolve, reject) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve({ code: child.exitCode, signal: child.signalCode });
    const timer = setTimeout(() => reject(new Error(`it did not end within ${LIMIT_MS} ms`)), LIMIT_MS);
    return child.once('exit', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal });
    });
  });
}

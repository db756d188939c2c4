// message.mjs - reads HTTP/1.1 responses out of bytes, as strictly as a server should read requests: whatever is not
// framed in exactly one way is an error of the server under test, not something to be lenient about.

export class FramingError extends Error {}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d) ([\t\x20-\x7e]*)$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;

// One response. Header names are lower case; a repeated field keeps all its values in `all(name)`.
export class Response {
  constructor(minor, status, reason, fields, body, framing) {
    Object.assign(this, { minor, status, reason, fields, body, framing });
  }

  all(name) {
    return this.fields.filter(([field]) => field === name).map(([, value]) => value);
  }

  header(name) {
    const values = this.all(name);
    return values.length === 0 ? undefined : values.join(', ');
  }

  text() {
    return this.body.toString('utf8');
  }

  json() {
    return JSON.parse(this.text());
  }

  // Did the server announce that this is the connection's last response?
  get last() {
    const options = (this.header('connection') ?? '').toLowerCase().split(/\s*,\s*/);
    return options.includes('close') || (this.minor === 0 && !options.includes('keep-alive'));
  }
}

function readFields(lines) {
  return lines.map((line) => {
    const match = FIELD.exec(line);
    if (!match) throw new FramingError(`bad header field ${JSON.stringify(line)}`);
    return [match[1].toLowerCase(), match[2]];
  });
}

function headLines(head) {
  if (/\r(?!\n)|(?<!\r)\n/.test(head)) throw new FramingError('a bare CR or LF in the head');
  return head.split('\r\n');
}

// Chunked content from `at` on: { body, used }, or null while the end is not there.
function readChunked(bytes, at) {
  const pieces = [];
  for (;;) {
    const eol = bytes.indexOf('\r\n', at);
    if (eol < 0) return null;
    const size = bytes.toString('latin1', at, eol);
    if (!/^[0-9a-fA-F]{1,8}$/.test(size)) throw new FramingError(`bad chunk size ${JSON.stringify(size)}`);
    const length = parseInt(size, 16);
    at = eol + 2;
    if (length === 0) break;
    if (bytes.length < at + length + 2) return null;
    pieces.push(bytes.subarray(at, at + length));
    at += length;
    if (bytes[at] !== 13 || bytes[at + 1] !== 10) throw new FramingError('no CRLF after a chunk');
    at += 2;
  }
  if (bytes.length < at + 2) return null;
  if (bytes[at] !== 13 || bytes[at + 1] !== 10) throw new FramingError('trailers, which nobody asked for');
  return { body: Buffer.concat(pieces), used: at + 2 };
}

function framingOf(status, fields, method) {
  const lengths = fields.filter(([name]) => name === 'content-length').map(([, value]) => value);
  const codings = fields.filter(([name]) => name === 'transfer-encoding').map(([, value]) => value);
  if (lengths.length > 1) throw new FramingError('more than one Content-Length');
  if (codings.length > 1 || (codings.length === 1 && codings[0].toLowerCase() !== 'chunked')) {
    throw new FramingError(`Transfer-Encoding: ${codings}`);
  }
  if (lengths.length && codings.length) throw new FramingError('both Content-Length and Transfer-Encoding');
  if (lengths.length && !/^\d{1,15}$/.test(lengths[0])) throw new FramingError(`Content-Length: ${lengths[0]}`);
  if (status < 200 || status === 204) {
    if (lengths.length || codings.length) throw new FramingError(`a ${status} with framing of content`);
    return { kind: 'none' };
  }
  if (method === 'HEAD' || status === 304) return { kind: 'none' };
  if (codings.length) return { kind: 'chunked' };
  if (lengths.length) return { kind: 'length', length: Number(lengths[0]) };
  return { kind: 'close' };
}

// The response that `bytes` begin with: { response, used }, or null when more is needed. `method` is what was asked,
// `ended` says that no more bytes will come. Throws FramingError.
export function readResponse(bytes, { method = 'GET', ended = false } = {}) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) {
    const start = bytes.toString('latin1', 0, 5);
    if (!'HTTP/'.startsWith(start)) throw new FramingError(`not a response: ${JSON.stringify(bytes.toString('latin1', 0, 60))}`);
    return null;
  }
  const [statusLine, ...rest] = headLines(bytes.toString('latin1', 0, end));
  const match = STATUS_LINE.exec(statusLine);
  if (!match) throw new FramingError(`bad status line ${JSON.stringify(statusLine)}`);
  const status = Number(match[2]);
  const fields = readFields(rest);
  const framing = framingOf(status, fields, method);
  const make = (body, used) => ({
    response: new Response(Number(match[1]), status, match[3], fields, Buffer.from(body), framing.kind),
    used,
  });
  const at = end + 4;
  switch (framing.kind) {
    case 'none':
      return make('', at);
    case 'length':
      return bytes.length < at + framing.length ? null : make(bytes.subarray(at, at + framing.length), at + framing.length);
    case 'chunked': {
      const content = readChunked(bytes, at);
      return content && make(content.body, content.used);
    }
    default:
      return ended ? make(bytes.subarray(at), bytes.length) : null;
  }
}

// Every response in `bytes`, which are all that a connection brought. `methods` are what was asked, in order; interim
// responses (1xx) take none. Bytes that are no whole response are a FramingError.
export function readResponses(bytes, methods = []) {
  const responses = [];
  let asked = 0;
  while (bytes.length > 0) {
    const found = readResponse(bytes, { method: methods[asked], ended: true });
    if (!found) throw new FramingError(`cut off: ${JSON.stringify(bytes.toString('latin1', 0, 200))}`);
    responses.push(found.response);
    if (found.response.status >= 200) asked++;
    bytes = bytes.subarray(found.used);
  }
  return responses;
}

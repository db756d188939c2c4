// errors.mjs - how Zammad says no: which status, which text, and whether as JSON or as a page.

import { railsJson } from './json.mjs';

// told: the text is shown to everybody. Otherwise it is the admin's; others get an error id.
export class Failure extends Error {
  constructor(status, text, { told = true } = {}) {
    super(text);
    this.status = status;
    this.told = told;
  }
}

export const notFound = (model, id) => new Failure(404, `Couldn't find ${model} with 'id'=${id}`);
export const forbidden = (text = 'Not authorized') => new Failure(403, text);
export const unauthorized = (text) => new Failure(401, text);
export const unprocessable = (text) => new Failure(422, text);
export const invalid = (text) => new Failure(422, `Validation failed: ${text}`);
export const databaseRefuses = (text) => new Failure(422, text, { told: false });
export const broken = (text) => new Failure(500, text, { told: false });

// Rails looks at Accept: JSON where it is asked for or where anything will do. A request without one is taken for a browser.
export function wantsJson({ path, headers }) {
  if (path.endsWith('.json')) return true;
  const accept = headers.accept ?? '';
  if (/,\s*\*\/\*|\*\/\*\s*,/.test(accept)) return false; // as browsers write it
  const first = accept.split(',')[0].split(';')[0].trim();
  return first === '*/*' || first === 'application/json' || first === 'text/x-json' || /\bapplication\/json\b/.test(accept);
}

// The answer to a failure: { status, headers, body }. errorId() makes the id that outsiders see.
export function answerOf(failure, request, { admin, errorId }) {
  const said = told(failure, { admin, errorId });
  const { status } = failure;
  const headers = [401, 403].includes(status) ? { 'X-Failure': headerText(said.error_human ?? said.error) } : {};
  const asJson = wantsJson(request);
  headers['Content-Type'] = `${asJson ? 'application/json' : 'text/html'}; charset=utf-8`;
  return { status, headers, body: asJson ? railsJson(said) : page(status, said.error) };
}

function told({ message, told: everybody }, { admin, errorId }) {
  const validation = /^Validation failed: (.+?)(,|$)/.exec(message);
  if (validation) return { error: validation[1], error_human: validation[1] };
  if (everybody) return { error: message, error_human: message };
  return { error: admin ? message : `Error ID ${errorId()}: Please contact your administrator.` };
}

// Raw UTF-8 bytes, as Ruby's server writes them; Node takes a header's text for latin1.
export const headerText = (text) => Buffer.from(text.replace(/[\r\n]+/g, ' '), 'utf8').toString('latin1');

const TITLES = {
  400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 422: 'Unprocessable Content', 500: 'Internal Server Error',
};

function page(status, text) {
  const shown = text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  const title = `${status}: ${TITLES[status] ?? 'Error'}`;
  return `<!DOCTYPE html>
<html lang="en-us">
<head><meta charset="utf-8"><title>${title}</title></head>
<body><div class="error-content"><h1>${title}</h1><p>${shown}</p></div></body>
</html>
`;
}

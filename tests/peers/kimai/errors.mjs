// errors.mjs - the ways in which Kimai says no.

const TEXTS = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  410: 'Gone',
  500: 'Internal Server Error',
};

// Thrown anywhere below answer(), and answered there.
export class Refusal extends Error {
  constructor(status, body = { code: status, message: TEXTS[status] }, headers = {}) {
    super(`${status}`);
    this.answer = { status, headers, body };
  }
}

export const refuse = (status) => {
  throw new Refusal(status);
};

// What /stop, /restart and /duplicate answer when the rules forbid it: another shape, and the code is a text.
// problems: list of { path, text }
export function refuseSaving(problems, message = 'There was a problem saving.') {
  const children = {};
  for (const { path, text } of problems) (children[path] ??= { errors: [] }).errors.push(text);
  throw new Refusal(400, { code: '400', message, errors: { children } });
}

// What the server says to clients stands in English where it is said, and in German in one table (core/http/language.c).
// Nothing may be missing there, and nothing may stand there that nobody says any more.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const root = path.resolve(import.meta.dirname, '../..');
const core = path.join(root, 'core');
const table = path.join(core, 'http/language.c');

const sources = readdirSync(core, { recursive: true })
  .filter((name) => name.endsWith('.c'))
  .map((name) => path.join(core, name));

// "a" "b" in C is one text; comments and '"' hold none.
function texts(code) {
  const found = [];
  let joins = false;
  for (const [token] of code.matchAll(/\/\*[^]*?\*\/|'(?:\\.|[^'\\])+'|"(?:[^"\\]|\\.)*"|\s+|[^]/g)) {
    if (token.length > 1 && token[0] === '"') {
      if (joins) found[found.length - 1] += token.slice(1, -1);
      else found.push(token.slice(1, -1));
      joins = true;
    } else if (token === '""') joins = true;
    else if (token.trim() !== '') joins = false;
  }
  return found;
}

// The arguments of each call of a function, as they stand.
function callsOf(code, name) {
  const found = [];
  for (const match of code.matchAll(new RegExp(`\\b${name}\\(`, 'g'))) {
    let depth = 1;
    let at = match.index + match[0].length;
    const begin = at;
    for (; depth > 0 && at < code.length; at++) {
      if (code[at] === '"') {
        for (at++; code[at] !== '"'; at++) if (code[at] === "\\") at++;
      } else if (code[at] === '(') depth++;
      else if (code[at] === ')') depth--;
    }
    found.push(code.slice(begin, at - 1));
  }
  return found;
}

const sentences = () => {
  const code = readFileSync(table, 'utf8');
  return texts(code.slice(code.indexOf('} sentences[]'), code.indexOf('const char *http_sentence_at')));
};

// Who says something to clients, anywhere; and the functions of single files that pass on what they are given.
const everywhere = ['http_reply_problem', 'http_reply_problem_format', 'http_reply_problem_with', 'api_fault', 'api_say', 'http_say'];
const here = [
  [/^api\/input/, ['refuse']],
  [/^plugin\/idempotency/, ['refuse', 'refuse_malformed', 'refuse_later']],
  [/^operations\//, ['core_fail', 'core_fail_at']],
  [/^http\/(form|multipart)/, ['fail']],
  [/^http\/upload/, ['refuse']],
];

// A name, a pointer or a conversion alone is not for people.
const isSentence = (text) => /[a-z] [a-z]/i.test(text);

test('every sentence that the server says has a German one', { timeout: 30000 }, () => {
  const english = new Set(sentences().filter((_, i) => i % 2 === 0));
  assert.ok(english.size > 80);
  const missing = [];
  for (const source of sources) {
    const code = readFileSync(source, 'utf8');
    const local = path.relative(core, source);
    for (const name of [...everywhere, ...(here.find(([files]) => files.test(local))?.[1] ?? [])])
      for (const call of callsOf(code, name))
        for (const text of texts(call).filter(isSentence))
          if (!english.has(text)) missing.push(`${path.relative(root, source)}: ${text}`);
  }
  assert.deepEqual(missing, []);
});

test('the table has no sentence that nobody says', { timeout: 30000 }, () => {
  const said = new Set();
  for (const source of sources) if (source !== table) for (const text of texts(readFileSync(source, 'utf8'))) said.add(text);
  const english = sentences().filter((_, i) => i % 2 === 0);
  assert.deepEqual(english.filter((text) => !said.has(text)), []);
});

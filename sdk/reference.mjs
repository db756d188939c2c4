// reference.mjs - docs/sdk/reference.md from the headers' comments: node sdk/reference.mjs >docs/sdk/reference.md
//
// It reads the headers as they are laid out by clang-format, not as C: a comment at the beginning of a line belongs to the
// declarations below it, up to the next empty line; the first of a file is the file's; "---- words ----" is a heading.
// Names that end in _ are nobody's business, and what is only for C++ says the same in another language.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

// In the order in which one reads them.
const files = [
  ...['value', 'call', 'http', 'db', 'jobs', 'events', 'command', 'out', 'conf', 'log', 'stream', 'hook', 'client', 'connector', 'secure', 'auth', 'plugin'].map((name) => `include/dowel/${name}.h`),
  'harness/include/dowel/harness.h',
];

// ---- reading ----

// Without includes, guards, extern "C", and what only C++ sees.
function forC(text) {
  const branches = []; // of the conditions around this line: is it seen by C?
  const kept = text.split('\n').filter((line) => {
    const condition = /^#\s*(ifdef|ifndef|if|else|elif|endif)\b\s*(\w*)/.exec(line);
    if (!condition) return branches.every(Boolean);
    const [, word, name] = condition;
    if (word === 'endif') branches.pop();
    else if (word === 'else') branches.push(name === '' && !branches.pop());
    else branches.push(name !== '__cplusplus' || word === 'ifndef');
    return false;
  });
  return kept.join('\n').replace(/^#include .*\n/gm, '').replace(/^#define DOWEL_\w+_H\n/gm, '').replace(/^#undef .*\n/gm, '');
}

const WORD = '(?:static inline|typedef|struct|enum|union|extern|DW_EXPORT)\\b';

// The pieces at the top level: comments, macros with their continued lines, declarations up to their end.
function piecesOf(text) {
  const pieces = [];
  const patterns = [
    ['comment', /^\/\*.*?\*\/\n/s],
    ['macro', /^#define (?:.*\\\n)*.*\n/],
    ['declaration', new RegExp(`^${WORD}[^;{]*\\{[^\\n]*\\}.*\\n`)],
    ['declaration', new RegExp(`^${WORD}[^;{]*\\{\\n.*?\\n\\}[^\\n]*\\n`, 's')],
    ['declaration', new RegExp(`^${WORD}[^;{]*;.*\\n`)],
    ['declaration', /^DW_V_\(.*\n/],
    ['gap', /^\n+/],
  ];
  for (let rest = text.replace(/^\n+/, ''); rest; ) {
    const [kind, match] = patterns.map(([name, pattern]) => [name, pattern.exec(rest)]).find(([, found]) => found) ?? [];
    if (!match) throw new Error(`what is this? ${rest.slice(0, 200)}`);
    pieces.push({ kind, text: match[0] });
    rest = rest.slice(match[0].length);
  }
  return pieces;
}

const NAMES = [
  /^#define (\w+)/,
  /^typedef [^{;]*\(\*(\w+)\)/, // a pointer to a function
  /^typedef [^{;]*\b(\w+);/,
  /^typedef [^{]*\{[^]*?^\} (\w+);/m,
  /^(?:enum|struct|union) (\w+)/,
  /^[^({]*?\b(\w+)\(/, // a function
  /\b(\w+)(?:\[\])?;/, // a variable
];
const nameOf = ({ text }) => NAMES.map((pattern) => pattern.exec(text)?.[1]).find(Boolean);

const isPublic = (name) => !/_$|^DW_V_|^DW_(EACH|NTH|JOIN)_|^DW_(COUNT|PRINTF|MUST_CHECK|HIDDEN|EXPORT|TO)$/.test(name);

// As one writes it down: no bodies, no attributes, macros with their arguments only.
function shown({ kind, text }) {
  if (kind === 'macro') {
    const [, head, value] = /^#define (\w+(?:\([^)]*\))?)\s*(.*)/s.exec(text);
    return /^\w+$/.test(head) && /^\d+$/.test(value.trim()) ? `#define ${head} ${value.trim()}` : head;
  }
  if (/^static inline/.test(text)) return `${text.replace(/^static inline /, '').replace(/DW_MUST_CHECK /, '').split('{')[0].replace(/\s+/g, ' ').trim()};`;
  return text.replace(/^DW_EXPORT /, '').replace(/\)DW_PRINTF\(.*?\)/g, ')').replace(/\n {20,}/g, ' ').trim();
}

// { title, intro, parts: [{ heading } | { names, code, words }] }
function read(path) {
  const [first, ...pieces] = piecesOf(forC(readFileSync(join(here, path), 'utf8')));
  const [, title, intro] = /^\/\* (\S+) - (.*?)\s*\*\/\n$/s.exec(first.text);
  const parts = [];
  let words = '';
  let open = null; // the part that further declarations join
  for (const piece of pieces) {
    const heading = /^\/\* ---- (.*?) ---- \*\/\n$/s.exec(piece.text);
    if (piece.kind === 'gap') {
      open = null;
      words = '';
    } else if (heading) {
      parts.push({ heading: heading[1] });
    } else if (piece.kind === 'comment') {
      open = null;
      words = piece.text;
    } else if (isPublic(nameOf(piece))) {
      if (!open) parts.push((open = { names: [], code: [], words }));
      open.names.push(piece.text.startsWith('enum') ? `enum ${nameOf(piece)}` : nameOf(piece)); // dw_error is a macro, too
      open.code.push(shown(piece));
      words = '';
    }
  }
  // The tables come last: those who write C have no need of them.
  const isTable = (one) => one.names?.some((name) => name.endsWith('_api'));
  for (const table of parts.filter(isTable)) table.words ||= '/* What is behind the functions above: the ABI itself, for other languages. */';
  return { title, intro, parts: [...parts.filter((one) => !isTable(one)), ...parts.filter(isTable)] };
}

// ---- writing ----

// What is code in a sentence: a call, with its arguments, or a name.
const CODE = /`[^`]*`|\b(?:dw_|DW_|DW(?=\()|DOWEL_|dowel_)[\w<>*]*(?:\{[^}]*\})?(?:\((?:[^()]|\([^()]*\))*\))?|(?<![\w`])\.[a-z]\w+(?:\s=\s[\w(]+[)\w]*)?/g;

function inline(text) {
  const words = (plain) => plain.replace(/\*(?=\w)/g, '\\*').replace(/\[(call|any|init)\]/g, '*[$1]*').replace(/<(?=\w)/g, '\\<');
  let out = '';
  let at = 0;
  for (const { 0: code, index } of text.matchAll(CODE)) {
    out += words(text.slice(at, index)) + (code.startsWith('`') ? code : `\`${code}\``);
    at = index + code.length;
  }
  return out + words(text.slice(at));
}

// A comment as Markdown: paragraphs, and indented lines as code.
function markdown(comment) {
  const lines = comment.replace(/^\/\*\s?|\s*\*\/\s*$/g, '').split('\n').map((line) => line.replace(/^ \* ?/, '').trimEnd());
  const blocks = [];
  for (const line of lines) {
    const kind = line === '' ? 'gap' : /^ {2}/.test(line) ? 'code' : 'text';
    const last = blocks.at(-1);
    if (last && last.kind === kind) last.lines.push(line);
    else if (last && kind === 'gap' && last.kind === 'code') last.lines.push(line);
    else blocks.push({ kind, lines: [line] });
  }
  return blocks.filter((block) => block.kind !== 'gap').map(({ kind, lines: all }) => {
    if (kind === 'text') return inline(all.join('\n'));
    const code = all.join('\n').trimEnd();
    return `\`\`\`c\n${code.replace(/^ {2}/gm, '')}\n\`\`\``;
  }).join('\n\n');
}

const anchor = (heading) => heading.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-');

function part(one) {
  if (one.heading) return `**${one.heading[0].toUpperCase()}${one.heading.slice(1)}**`;
  return [`### ${one.names.join(', ')}`, `\`\`\`c\n${one.code.join('\n')}\n\`\`\``, one.words && markdown(one.words)].filter(Boolean).join('\n\n');
}

function page(headers) {
  const index = headers.map(({ title, intro }) => `| [${title}](#${anchor(`dowel/${title}`)}) | ${inline(intro.split(/[.:](?:\s|$)|\n/)[0])} |`);
  const sections = headers.map(({ title, intro, parts }) => [`## dowel/${title}`, markdown(intro.replace(/^./, (c) => c.toUpperCase())), ...parts.map(part)].join('\n\n'));
  return `# The headers of the SDK

<!-- Made by sdk/reference.mjs from the headers; change those, then: node sdk/reference.mjs >docs/sdk/reference.md -->

What a plugin may call, and what it has to keep to. \`#include <dowel/dowel.h>\` brings all but the harness.

| header | |
| --- | --- |
${index.join('\n')}

${sections.join('\n\n')}
`;
}

process.stdout.write(page(files.map(read)));

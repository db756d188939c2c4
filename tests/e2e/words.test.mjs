// What the server says to clients stands in English where it is said, and in German in one table (core/http/language.c); what a
// plugin says, in its locales/de.json. Nothing may be missing there, and nothing may stand there that nobody says any more.
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
const everywhere = ['http_reply_problem', 'http_reply_problem_format', 'http_reply_problem_with', 'api_fault', 'api_say', 'http_say', 'call_refuse', 'call_refuse_at'];
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

// ---- plugins ----

// What no client reads: the words of commands, of what is wrong in conf.d, and of failures that are the plugin's or the server's.
const isForAdmins = (name) => /^(commands?_.*|commands|conf)\.c$/.test(name);
const isInner = (call) => /^\s*\w+,\s*DW_E(CANCELLED|GONE|TX|THREAD|MISUSE|NOMEM|INTERNAL)\b/.test(call);

// Texts that dw_fail() is given through a variable: [file, from, to, those that are never given].
const plugins = {
  'plugins/auth': {
    passesOn: { 'codes.c': ['not_good'] },
    elsewhere: [
      ['jws.c', 'error_texts[TOKEN_ERRORS]', '};', /^the token is valid$|memory is out$/],
      ['clients.c', 'const char *client_uri_problem', '\n}\n'],
      ['clients.c', 'const char *problem = uri', ';'],
      ['codes.c', 'static const char *find_fault', '\n}\n'],
    ],
  },
  'plugins/timesync': { passesOn: {}, elsewhere: [['reasons.c', 'static const struct known_reason reasons', '};']] },
  'plugins/zammad': { passesOn: {}, elsewhere: [] },
  'plugins/kimai': { passesOn: {}, elsewhere: [] },
  'sdk/examples/notes': { passesOn: {}, elsewhere: [] },
};

// Of the plugins that write sentences down for later (x-said in api.yaml): whatever looks like one in their code is said, but for SQL,
// the log, and what admins read: [files, texts] that are none.
const isSql = (text) => /\b(SELECT|FROM|WHERE|UPDATE|INSERT|DELETE|SET|AND|OR|ORDER BY|CASE|JOIN|VALUES|CAST|RETURNING|EXISTS|COALESCE|UNION)\b/i.test(text) && /[A-Z]{2}|\$\d|[=(]/.test(text)
  || /^count\(|^\) GROUP BY |\bIN \('|\bAS [a-z]|\bAS DOUBLE PRECISION\b/.test(text);
const keeps = {
  'plugins/timesync': { files: /^(rules|timesync|synchub_\w+)\.c$/, texts: [] },
  // What Zammad says, and is known by.
  'plugins/zammad': {
    files: /^(zammad|settings)\.c$/,
    texts: [
      'No such user', 'Token token=%s', 'User for Token', 'token is invalid', 'token was revoked', 'Authentication required', 'API token access disabled',
      'API password access disabled', 'Maintenance mode', "to use 'From'", 'Token authorization failed', 'User authorization failed', 'Activity types',
      "Couldn't find", 'Error ID', 'auto global tickets',
    ],
  },
  'plugins/kimai': { files: /^kimai\.c$/, texts: ['it failed with an error of its own'] }, // the value of a pair
};

function kept(code) {
  let rest = code;
  for (const by of ['dw_info', 'dw_warn', 'dw_error', 'dw_debug', 'dw_audit']) for (const call of callsOf(code, by)) rest = rest.replace(call, '');
  for (const by of ['dw_fail', 'dw_fail_at']) for (const call of callsOf(code, by).filter(isInner)) rest = rest.replace(call, '');
  const all = texts(rest);
  const inSql = all.filter(isSql).flatMap((sql) => [...sql.matchAll(/'([^']*)'/g)].map(([, text]) => text));
  return [...all.filter((text) => !isSql(text)), ...inSql].filter(isSentence);
}

for (const [folder, { passesOn, elsewhere }] of Object.entries(plugins)) {
  const read = (name) => readFileSync(path.join(root, folder, name), 'utf8');
  const names = readdirSync(path.join(root, folder)).filter((name) => name.endsWith('.c'));
  const german = Object.keys(JSON.parse(read('locales/de.json')));
  const said = new Set();
  for (const name of names.filter((one) => !isForAdmins(one)))
    for (const by of ['dw_fail', 'dw_fail_at', 'dw_checked', 'dw_token_fail', ...(passesOn[name] ?? [])])
      for (const call of callsOf(read(name), by).filter((one) => !isInner(one)))
        for (const text of texts(call).filter(isSentence)) said.add(text);
  for (const [name, from, to, never] of elsewhere) {
    const code = read(name);
    const begin = code.indexOf(from);
    assert.ok(begin >= 0, `${folder}/${name} has no ${from}`);
    for (const text of texts(code.slice(begin, code.indexOf(to, begin)))) if (isSentence(text) && !never?.test(text)) said.add(text);
  }

  if (keeps[folder]) {
    const { files, texts: others } = keeps[folder];
    const all = names.filter((name) => !isForAdmins(name) && !files.test(name)).flatMap((name) => kept(read(name)));
    for (const text of all.filter((one) => !others.includes(one))) said.add(text);
  }

  test(`every sentence that ${folder} says to clients has a German one`, { timeout: 30000 }, () => {
    assert.ok(said.size > 1);
    assert.deepEqual([...said].filter((text) => !german.includes(text)), []);
  });

  test(`${folder}/locales/de.json has no sentence that nobody says`, { timeout: 30000 }, () => {
    assert.deepEqual(german.filter((text) => !said.has(text)), []);
  });
}

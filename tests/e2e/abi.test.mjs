// Presets: release
// The binary contract of plugins: it is the accepted one, every change of it would be seen, and the headers are what
// compilers of all kinds take. How it is looked at: tests/abi/abi.mjs.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { ADVICE, baseline, buildProbe, compare, headers, typesOf } from '../abi/abi.mjs';
import { edit } from '../abi/next.mjs';
import { preset, root, temporaryFolder } from './support/server.mjs';

const timeout = 120_000;
const folder = temporaryFolder();
const probe = join(folder, 'now.so');
const jansson = execFileSync('pkg-config', ['--cflags', '--libs', 'jansson'], { encoding: 'utf8' }).trim().split(/\s+/);
const plugins = join(root, 'build', preset, 'lib/dowel/plugins');

// Compiles; the compiler's words when it is not content.
function compile(compiler, args, options = {}) {
  const { status, stderr, error } = spawnSync(compiler, args, { encoding: 'utf8', ...options });
  if (error) throw error;
  if (status !== 0) throw new Error(`${compiler} ${args.join(' ')}\n${stderr}`);
}

const symbolsOf = (file) => execFileSync('nm', ['-D', '--defined-only', '--format=just-symbols', file], { encoding: 'utf8' }).trim().split('\n');

before(() => buildProbe(headers, probe));
after(() => rmSync(folder, { recursive: true, force: true }));

test('the ABI is the accepted one', { timeout }, () => {
  const report = compare(baseline, probe);
  assert.equal(report, '', `${report}\n${ADVICE}`);
});

describe('the probe', { timeout }, () => {
  test('takes every type that the headers declare', () => {
    const text = readdirSync(join(headers, 'dowel')).map((name) => readFileSync(join(headers, 'dowel', name), 'utf8').replace(/\/\*.*?\*\//gs, '')).join('\n');
    const named = new Set([...text.matchAll(/\b(struct|enum|union) (dw_\w+) *[{;]|\b(struct) (dw_\w+) dw_\w+;/g)].map((match) => `${match[1] ?? match[3]} ${match[2] ?? match[4]}`));
    for (const cpp of [...named].filter((name) => name.endsWith('_of_'))) named.delete(cpp); // templates
    assert.deepEqual([...named].sort(), typesOf(headers));
    assert.deepEqual(symbolsOf(probe).sort(), [...typesOf(headers).map((type) => `probe_${type.replace(' ', '_')}`), 'dowel_plugin_v0'].sort());
  });
});

describe('a change is seen:', { timeout }, () => {
  // What is done to a copy of the headers, and what the report has to name.
  const changes = {
    'a slot inserted': ['call.h', '    dw_time (*now)(dw_call *c);\n', '    dw_time (*then)(dw_call *c);\n    dw_time (*now)(dw_call *c);\n', /then/],
    'a slot appended': ['hook.h', '} dw_hook_api;', '    int (*more)(dw_call *c);\n} dw_hook_api;', /more/],
    'a slot removed': ['secure.h', '    int (*equal)(const char *a, const char *b);\n', '', /equal/],
    'two slots of one type swapped': ['call.h', '    void (*scope_begin)(dw_call *c);\n    void (*scope_end)(dw_call *c);\n', '    void (*scope_end)(dw_call *c);\n    void (*scope_begin)(dw_call *c);\n', /scope_begin/],
    'a slot with an argument more': ['call.h', 'int (*sleep)(dw_call *c, dw_span span);', 'int (*sleep)(dw_call *c, dw_span span, int how);', /sleep/],
    'a slot with an argument less': ['http.h', 'int (*token_fail)(dw_token *t, int code, const char *text);', 'int (*token_fail)(dw_token *t, int code);', /token_fail/],
    'an argument of another type': ['secure.h', 'const char *(*token)(dw_call *c, size_t bytes);', 'const char *(*token)(dw_call *c, unsigned bytes);', /token/],
    'an argument by value, not by pointer': ['client.h', 'int (*line)(dw_upstream *up, dw_str *line);', 'int (*line)(dw_upstream *up, dw_str line);', /line/],
    'another result': ['out.h', '    int (*error)(dw_out *o);', '    const char *(*error)(dw_out *o);', /error/],
    'a pointer to something else': ['stream.h', 'int (*follow)(dw_request *req, const char *channel);', 'int (*follow)(dw_call *req, const char *channel);', /follow/],
    'a callback of another type': ['hook.h', 'int (*answer)(dw_call *c, void *question); /*', 'int (*answer)(dw_call *c, const void *question, int n); /*', /answer/],
    'a member inserted': ['http.h', '    dw_span timeout;           /*', '    int how;\n    dw_span timeout;           /*', /how/],
    'a member appended': ['client.h', '} dw_answer;', '    dw_span age;\n} dw_answer;', /age/],
    'a member removed': ['plugin.h', '    const char *license; /* "MIT" */\n', '', /license/],
    'a member of another type': ['conf.h', '    int64_t min, max;', '    double min, max;', /min/],
    'a member of the same size and another type': ['client.h', '    int status;               /*', '    unsigned status;          /*', /status/],
    'a member of another size': ['value.h', '    uint32_t reserved;', '    uint64_t reserved;', /reserved/],
    'two members swapped': ['value.h', '    const char *p;\n    size_t n;\n} dw_str;', '    size_t n;\n    const char *p;\n} dw_str;', /dw_str/],
    'an error of another number': ['value.h', 'DW_EGONE = -13,', 'DW_EGONE = -20,', /DW_EGONE/],
    'a kind of value inserted': ['value.h', '    DW_UINT,\n', '    DW_UINT,\n    DW_DECIMAL,\n', /DW_DECIMAL/],
    'a kind of value appended': ['value.h', '    DW_TO_JSON\n', '    DW_TO_JSON,\n    DW_TO_DECIMAL\n', /DW_TO_DECIMAL/],
    'a meaning of silence swapped': ['hook.h', 'DW_SILENCE_ALLOWS = 1, DW_SILENCE_DENIES = 2', 'DW_SILENCE_ALLOWS = 2, DW_SILENCE_DENIES = 1', /DW_SILENCE/],
    'a table less': ['call.h', '    const struct dw_out_api *out;\n', '', /out/],
    'a stride less': ['plugin.h', 'uint16_t asset, item,', 'uint16_t item,', /asset/],
  };
  // The functions that use the tables would not compile any more, which their authors would see to.
  const dropFunctions = (copy) => {
    for (const name of readdirSync(join(copy, 'dowel'))) {
      const path = join(copy, 'dowel', name);
      writeFileSync(path, readFileSync(path, 'utf8').replace(/^static inline [^;{]*\{[^{}]*dw_host_->[^{}]*\}/gm, ''));
    }
  };
  for (const [name, [file, from, to, report]] of Object.entries(changes)) {
    test(name, () => {
      const copy = join(folder, name.replace(/\W/g, '-'));
      cpSync(headers, copy, { recursive: true });
      edit(copy, file, from, to);
      dropFunctions(copy);
      buildProbe(copy, `${copy}.so`);
      assert.match(compare(baseline, `${copy}.so`), report);
    });
  }

  test('not in words and names of arguments', () => {
    const copy = join(folder, 'words');
    cpSync(headers, copy, { recursive: true });
    edit(copy, 'hook.h', 'int (*ask)(dw_call *c, const char *hook, void *question);', '/* asks */ int (*ask)(dw_call *call, const char *name, void *what);');
    edit(copy, 'value.h', 'DW_TRUE  ((bool)1)', 'DW_TRUE  ((bool)2)');
    buildProbe(copy, `${copy}.so`);
    assert.equal(compare(baseline, `${copy}.so`), '');
  });
});

test('each plugin that was built shows one symbol', { timeout }, () => {
  const built = readdirSync(plugins).filter((name) => name.endsWith('.so'));
  assert.ok(built.length >= 8, `${plugins}: ${built}`);
  for (const name of built) assert.deepEqual(symbolsOf(join(plugins, name)), ['dowel_plugin_v0'], name);
});

describe('each header alone', { timeout }, () => {
  const strict = ['-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-Wconversion', '-Werror', '-fsyntax-only', `-I${headers}`, ...jansson.filter((flag) => !flag.startsWith('-l'))];
  const compilers = [
    ['gcc', '-std=c11', '-Wstrict-prototypes', '-xc'],
    ['clang', '-std=c11', '-Wstrict-prototypes', '-xc'],
    ['g++', '-std=c++17', '-xc++'],
    ['g++', '-std=c++20', '-xc++'],
    ['clang++', '-std=c++17', '-xc++'],
    ['clang++', '-std=c++20', '-xc++'],
  ];
  for (const [compiler, standard, ...rest] of compilers) {
    test(`is clean in ${compiler} ${standard}`, () => {
      for (const name of readdirSync(join(headers, 'dowel')))
        compile(compiler, [standard, ...strict, ...rest, '-'], { input: `#include <dowel/${name}>\n#include <dowel/${name}>\n` });
    });
  }
});

describe('C++', { timeout }, () => {
  // What C++17 can say: no named arguments, so the descriptor is filled by hand.
  const body = `
#include <dowel/dowel.h>
#include <string>
static int greet(dw_call *c, dw_request *req)
{
    const char *name = "you";
    bool loud = false;
    std::string text("x");
    DW_TRY(dw_request_read(req, "name", &name, "loud", &loud));
    dw_info(c, "greets", "name", name, "n", 3, "t", dw_now(c), "none", nullptr, "text", text.c_str());
    dw_out *o = dw_reply_open(req, 200);
    dw_out_set(o, "name", name);
    return dw_reply_close(req);
}
extern const dw_operation operations[];
const dw_operation operations[] = { { "greet", greet }, {} };
`;
  const flags = ['-Wall', '-Wextra', '-Wpedantic', '-Werror', '-Wno-missing-field-initializers', `-I${headers}`, '-xc++', '-', '-fsyntax-only'];
  for (const compiler of ['g++', 'clang++']) {
    test(`${compiler} -std=c++17 reads, logs and replies`, () => compile(compiler, ['-std=c++17', ...flags], { input: body }));
    test(`${compiler} -std=c++20 has named arguments too`, () =>
      compile(compiler, ['-std=c++20', ...flags], { input: `${body}
int fetch(dw_call *c) { dw_answer *a; return dw_fetch(c, &a, .url = "https://example.org", .query = DW_LIST("n", 1), .timeout = DW_SECONDS(3)); }
DOWEL_PLUGIN(.name = "x", .version = "1.0.0", .summary = "x", .license = "MIT", .operations = operations);` }));
    test(`${compiler} lets no secret be logged`, () =>
      assert.throws(() => compile(compiler, ['-std=c++17', ...flags], { input: '#include <dowel/dowel.h>\nvoid f(dw_call *c, dw_secret s) { dw_info(c, "x", "key", s); }' }), /deleted function|use of deleted/));
  }
});

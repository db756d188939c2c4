// Presets: release
// The SDK as a stranger has it: installed into a folder of its own, used from another, with nothing of this tree in reach.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { request } from './support/client.mjs';
import { launch, preset, root, temporaryFolder } from './support/server.mjs';

const timeout = 120_000;
const folder = temporaryFolder();
const prefix = join(folder, 'prefix');
const work = join(folder, 'work');

// The standard output; rejects with everything that was said.
function run(command, args, { cwd = work, env = {} } = {}) {
  return new Promise((resolved, rejected) => {
    execFile(command, args, { cwd, env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env }, timeout: 100_000, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      if (error) rejected(new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`));
      else resolved(stdout);
    });
  });
}

// The installed server, on a free port, with the folders that `dowel init` has made in `site`.
const serve = (site, env = {}) => launch(join(prefix, 'bin/dowel'), ['serve', '--listen', '127.0.0.1:0'], { cwd: site, env });
const initialise = async (site) => {
  mkdirSync(site);
  await run(join(prefix, 'bin/dowel'), ['init', '--config', 'conf.d', '--data', 'var'], { cwd: site });
};

const has = (command) => run('sh', ['-c', `command -v ${command}`], { cwd: folder }).then(() => true, () => false);
const symbolsOf = async (plugin) => (await run('nm', ['-D', '--defined-only', '--format=just-symbols', plugin])).trim().split('\n');

let settings;

// Configures and builds the project in work/NAME; what stands between there and the compiler is the prefix.
async function build(name, ...options) {
  const source = join(work, name);
  await run('cmake', ['-S', source, '-B', join(source, 'build'), ...settings, ...options]);
  await run('cmake', ['--build', join(source, 'build')]);
  return join(source, 'build', `${name}.so`);
}

before(async () => {
  mkdirSync(work);
  await run('cmake', ['--install', join(root, 'build', preset), '--prefix', prefix]);
  cpSync(join(root, 'sdk/examples'), work, { recursive: true });
  settings = [`-DCMAKE_PREFIX_PATH=${prefix}`, '-DCMAKE_EXPORT_COMPILE_COMMANDS=ON'];
  if (await has('ninja')) settings.push('-G', 'Ninja');
}, { timeout });
after(() => rmSync(folder, { recursive: true, force: true }));

describe('what is installed', { timeout }, () => {
  test('is all that a plugin needs', () => {
    const wanted = ['bin/dowel', 'include/dowel/dowel.h', 'include/dowel/harness.h', 'lib/pkgconfig/dowel.pc', 'lib/cmake/Dowel/DowelConfig.cmake', 'lib/cmake/Dowel/plugin.map'];
    for (const path of wanted) assert.ok(existsSync(join(prefix, path)), path);
    assert.deepEqual(readdirSync(join(root, 'sdk/include/dowel')).filter((name) => !existsSync(join(prefix, 'include/dowel', name))), []);
  });

  test('says nothing of the tree it was built in', () => {
    const texts = ['lib/pkgconfig/dowel.pc', ...readdirSync(join(prefix, 'lib/cmake/Dowel')).map((name) => `lib/cmake/Dowel/${name}`)];
    for (const path of texts) assert.ok(!readFileSync(join(prefix, path), 'utf8').includes(root), path);
  });

  test('serves those who have no CMake', async () => {
    const config = (...args) => run('pkg-config', args, { env: { PKG_CONFIG_PATH: join(prefix, 'lib/pkgconfig') } }).then((text) => text.trim());
    const map = join(await config('--variable=cmakedir', 'dowel'), 'plugin.map');
    const flags = (await config('--cflags', '--libs', 'dowel')).split(' ');
    const plugin = join(folder, 'greeter.so');
    writeFileSync(join(folder, 'none.c'), '#include <dowel/plugin.h>\nconst dw_asset dw_assets_[] = { { 0 } };\n');
    await run('cc', ['-std=c11', '-shared', '-fPIC', '-fvisibility=hidden', join(work, 'greeter/greeter.c'), join(folder, 'none.c'), `-I${join(work, 'greeter/include')}`,
      ...flags, `-Wl,--version-script=${map},-z,defs,-z,now`, '-o', plugin]);
    assert.deepEqual(await symbolsOf(plugin), ['dowel_plugin_v0']);
    assert.equal(statSync(join(await config('--variable=plugindir', 'dowel'), '../../../bin/dowel')).isFile(), true);
  });
});

describe('docs/sdk/reference.md', { timeout }, () => {
  const how = 'node sdk/reference.mjs >docs/sdk/reference.md';
  test('is what the headers say', async () => {
    const made = await run('node', [join(root, 'sdk/reference.mjs')]);
    assert.ok(made === readFileSync(join(root, 'docs/sdk/reference.md'), 'utf8'), `it is not; make it again with: ${how}`);
  });

  test('has every public name', () => {
    const page = readFileSync(join(root, 'docs/sdk/reference.md'), 'utf8');
    const told = new Set([...page.matchAll(/^### (.*)$/gm)].flatMap((match) => match[1].split(', ')));
    const text = readdirSync(join(root, 'sdk/include/dowel')).map((name) => readFileSync(join(root, 'sdk/include/dowel', name), 'utf8').replace(/\/\*.*?\*\//gs, '')).join('\n');
    const functions = [...text.matchAll(/^static inline [^({]*?\b(dw_\w*[a-z])\(/gm)];
    const macros = [...text.matchAll(/^#define (dw_\w*[a-z])\(/gm)];
    const types = [...text.matchAll(/^typedef struct (dw_\w+) /gm)];
    assert.ok(functions.length > 50 && macros.length > 20 && types.length > 25);
    assert.deepEqual([...functions, ...macros, ...types].map((match) => match[1]).filter((name) => !told.has(name)), []);
  });
});

describe('examples', { timeout }, () => {
  const examples = readdirSync(join(root, 'sdk/examples')).filter((name) => existsSync(join(root, 'sdk/examples', name, 'CMakeLists.txt')));
  test('are there', () => assert.ok(examples.length >= 9, examples.join(' ')));

  describe('build, please the server and show nothing but a plugin:', { concurrency: 2 }, () => {
    for (const name of examples) {
      test(name, async (t) => {
        if (name === 'rust' && !(await has('rustc'))) return t.skip('there is no rustc');
        const plugin = await build(name, '-DCMAKE_C_FLAGS=-Wall -Wextra -Wpedantic -Werror', '-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Werror');
        assert.deepEqual(await symbolsOf(plugin), ['dowel_plugin_v0']);
        const commands = join(work, name, 'build/compile_commands.json');
        if (existsSync(commands)) assert.ok(!readFileSync(commands, 'utf8').includes(root), 'the tree is on the include path');
        assert.match(readFileSync(join(work, name, 'README.md'), 'utf8'), new RegExp(`^# ${name}\n`));
        if (existsSync(join(prefix, 'lib/libdowel-harness.so'))) assert.match(await run('ctest', ['--test-dir', join(work, name, 'build'), '--output-on-failure']), /100% tests passed, 0 tests failed out of \d/);
        return undefined;
      });
    }
  });

  test('install where the server looks', async () => {
    await run('cmake', ['--install', join(work, 'hello/build')]);
    assert.ok(existsSync(join(prefix, 'lib/dowel/plugins/hello.so')));
  });

  test('load, and other languages than C answer', async (t) => {
    const site = join(folder, 'examples');
    const built = examples.filter((name) => existsSync(join(work, name, 'build', `${name}.so`)));
    const settingsOf = { settings: 'key: "sixteen letters."\n', fetcher: 'url: https://example.org/\n' };
    await initialise(site);
    for (const name of built) writeFileSync(join(site, 'conf.d', `${name}.yaml`), `enabled: true\nrequired: true\n${settingsOf[name] ?? ''}`);
    const server = await serve(site, { DOWEL_CORE__PLUGIN_DIRS: JSON.stringify(built.map((name) => join(work, name, 'build'))) });
    t.after(() => server.kill());
    const get = async (path) => (await request(server.url, { path })).json();
    assert.deepEqual(await get('/api/v1/words?text=one+two+one'), { one: 2, two: 1 });
    if (built.includes('rust')) assert.deepEqual(await get(`/api/v1/letters?text=${encodeURIComponent('größe 42')}`), { letters: 5 });
    else t.diagnostic('the one in Rust was not asked: there is no rustc');
    await server.stop();
  });
});

describe('the template', { timeout }, () => {
  test('builds as it stands', async () => {
    cpSync(join(root, 'sdk/template'), join(work, 'myplugin'), { recursive: true });
    assert.deepEqual(await symbolsOf(await build('myplugin', '-DCMAKE_C_FLAGS=-Werror')), ['dowel_plugin_v0']);
  });

  // In an empty folder, with what README.md of the new plugin says; PATH has the program, and CMake finds the SDK by it.
  test('`dowel plugin new` goes from an empty folder to an answer', async (t) => {
    const empty = join(folder, 'empty');
    const env = { PATH: `${join(prefix, 'bin')}:${process.env.PATH}` };
    const times = [];
    const step = async (what, act) => {
      const started = Date.now();
      const result = await act();
      times.push([what, Date.now() - started]);
      return result;
    };
    mkdirSync(empty);
    await step('new', () => run('dowel', ['plugin', 'new', 'notes'], { cwd: empty, env }));
    const inside = { cwd: join(empty, 'notes'), env };
    await step('configure', () => run('cmake', ['-B', 'build'], inside));
    assert.match(await step('build', () => run('cmake', ['--build', 'build'], inside)), /notes\.so: .*notes 0\.1\.0/);
    assert.match(await step('test', () => run('ctest', ['--test-dir', 'build', '--output-on-failure'], inside)), /100% tests passed, 0 tests failed out of 1/);
    await step('install', () => run('cmake', ['--install', 'build'], inside));
    const site = join(empty, 'site');
    await step('init', () => initialise(site));
    await step('enable', () => run('dowel', ['plugin', 'enable', 'notes'], { cwd: site, env }));
    const server = await step('serve', () => serve(site));
    t.after(() => server.kill());
    const reply = await step('ask', () => request(server.url, { path: '/api/v1/notes?name=Ann' }));
    const guests = '/api/v1/notes/guests';
    const made = await request(server.url, { method: 'POST', path: guests, headers: { 'Content-Type': 'application/json' }, body: '{"name":"Ann"}' });
    const list = await request(server.url, { path: guests });
    await server.stop();
    assert.deepEqual([reply.status, reply.json()], [200, { text: 'Hello, Ann!' }]);
    assert.equal(made.status, 201, made.text());
    assert.deepEqual(list.json(), { items: [made.json()], next: null });
    const all = times.reduce((sum, [, ms]) => sum + ms, 0);
    t.diagnostic(`from \`dowel plugin new\` to an answer: ${all} ms (${times.map(([what, ms]) => `${what} ${ms}`).join(', ')})`);
    assert.ok(!readFileSync(join(empty, 'notes/build/CMakeCache.txt'), 'utf8').includes(root), 'the tree had a part in it');
  });
});

// Lists the assets of a plugin as lines "path size sum", where sum adds up its bytes and the one behind them has to be NUL.
const PEEK = `
#include <dowel/plugin.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    const dw_plugin *(*entry)(void);
    void *plugin = dlopen(argv[argc - 1], RTLD_NOW | RTLD_LOCAL);
    if (!plugin || !(*(void **)&entry = dlsym(plugin, "dowel_plugin_v0"))) {
        fprintf(stderr, "%s\\n", dlerror());
        return 1;
    }
    for (const dw_asset *a = entry()->assets; a->path; a++) {
        const unsigned char *bytes = a->data;
        unsigned long sum = 0;
        for (size_t i = 0; i < a->size; i++)
            sum += bytes[i];
        if (bytes[a->size] != 0)
            return 2;
        printf("%s %zu %lu\\n", a->path, a->size, sum);
    }
    return 0;
}`;

describe('what travels inside of a plugin', { timeout }, () => {
  const api = 'openapi: 3.1.0\ninfo: { title: Bag, version: "1" }\npaths: {}\n';
  const migration = (table) => `-- migrate:up\nCREATE TABLE ${table} (id UUID NOT NULL PRIMARY KEY);\n-- migrate:down\nDROP TABLE ${table};\n`;
  const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 256));
  const line = (path, text) => {
    const data = Buffer.from(text);
    return `${path} ${data.length} ${data.reduce((sum, byte) => sum + byte, 0)}`;
  };
  const write = (path, data) => {
    writeFileSync(join(work, 'bag', path), data);
    const later = new Date(Date.now() + 5000); // file systems that count seconds
    utimesSync(join(work, 'bag', path), later, later);
  };
  const carried = async () => (await run(join(folder, 'peek'), [await build('bag')])).trim().split('\n');

  before(async () => {
    for (const path of ['migrations', 'templates/mail', 'locales', 'more/deep', 'ignored']) mkdirSync(join(work, 'bag', path), { recursive: true });
    writeFileSync(join(work, 'bag/bag.c'), '#include <dowel/dowel.h>\nDOWEL_PLUGIN(.name = "bag", .version = "1.0.0", .summary = "Carries files", .license = "MIT");\n');
    writeFileSync(join(work, 'bag/CMakeLists.txt'), 'cmake_minimum_required(VERSION 3.25)\nproject(bag C)\nfind_package(Dowel REQUIRED)\ndowel_add_plugin(NAME bag SOURCES bag.c ASSETS more one.txt)\n');
    writeFileSync(join(folder, 'peek.c'), PEEK);
    await run('cc', [join(folder, 'peek.c'), `-I${join(prefix, 'include')}`, '-o', join(folder, 'peek')]);
    write('api.yaml', api);
    write('migrations/0001_first.sql', migration('bag'));
    write('migrations/notes.txt', 'no migration');
    write('templates/mail/a b.txt', 'Dear "reader" \\ ??=\n');
    write('locales/empty.txt', '');
    write('more/deep/bytes.bin', bytes);
    write('one.txt', 'ö');
    write('ignored/x', 'x');
  });

  const first = () => [line('api.yaml', api), line('locales/empty.txt', ''), line('migrations/0001_first.sql', migration('bag')),
    line('more/deep/bytes.bin', bytes), line('one.txt', 'ö'), line('templates/mail/a b.txt', 'Dear "reader" \\ ??=\n')];

  test('is every byte, with a NUL behind', async () => assert.deepEqual(await carried(), first()));

  test('is as it was changed', async () => {
    write('one.txt', 'changed');
    assert.deepEqual(await carried(), first().map((one) => (one.startsWith('one.txt') ? line('one.txt', 'changed') : one)));
  });

  test('is what was added and not what was removed', async () => {
    write('one.txt', 'ö');
    write('migrations/0002_second.sql', migration('bag_more'));
    rmSync(join(work, 'bag/locales/empty.txt'));
    const wanted = first().filter((one) => !one.startsWith('locales'));
    wanted.splice(2, 0, line('migrations/0002_second.sql', migration('bag_more')));
    assert.deepEqual(await carried(), wanted);
  });

  test('is read already by the build, where the server is to understand it', async () => {
    write('locales/de.json', '{"there is no room": }');
    await assert.rejects(build('bag'), /locales\/de\.json:1: /);
    write('locales/de.json', '{"there is no room": "es ist kein Platz da"}');
    assert.ok((await carried()).some((one) => one.startsWith('locales/de.json')));
  });
});

describe('a mistake', { timeout }, () => {
  async function fails(name, { source = '', cmake = `dowel_add_plugin(NAME ${name} SOURCES ${name}.c)` }) {
    mkdirSync(join(work, name));
    writeFileSync(join(work, name, `${name}.c`), source);
    writeFileSync(join(work, name, 'CMakeLists.txt'), `cmake_minimum_required(VERSION 3.25)\nproject(${name} C)\nfind_package(Dowel REQUIRED)\n${cmake}\n`);
    return build(name).then(() => assert.fail('it was built'), (error) => error.message.replace(/\s+/g, ' '));
  }
  const descriptor = (name) => `DOWEL_PLUGIN(.name = "${name}", .version = "1.0.0", .summary = "x", .license = "MIT", .init = init);`;

  test('that calls what does not exist is found by the linker', async () => {
    const source = `#include <dowel/dowel.h>\nint nowhere(dw_call *c);\nstatic int init(dw_call *c) { return nowhere(c); }\n${descriptor('missing')}\n`;
    assert.match(await fails('missing', { source }), /undefined reference to `nowhere'/);
  });

  test('that would log a secret does not compile', async () => {
    const source = `#include <dowel/dowel.h>\nstatic int init(dw_call *c) { dw_secret s = { "x" }; dw_info(c, "x", "s", s); return 0; }\n${descriptor('leaky')}\n`;
    assert.match(await fails('leaky', { source }), /selector of type '(struct )?dw_secret/);
  });

  test('that the server would refuse is told after linking', async () => {
    const source = `#include <dowel/dowel.h>\nstatic int init(dw_call *c) { (void)c; return 0; }\nstatic int greet(dw_call *c, dw_request *req) { (void)c; return dw_reply(req, 204); }
static const dw_operation operations[] = { { "greet", greet }, { 0 } };\n${descriptor('unbound').replace('.init', '.operations = operations, .init')}\n`;
    assert.match(await fails('unbound', { source }), /unbound\.so: the handler of greet has no operation in api\.yaml/);
  });

  test('in a name is told by CMake', async () => {
    for (const [i, name] of ['No-Name', 'two__names', 'core', 'n'.repeat(33)].entries())
      assert.match(await fails(`name${i}`, { cmake: `dowel_add_plugin(NAME ${name} SOURCES name.c)` }), new RegExp(`'${name}' is no name for a plugin`));
  });
  test('of not having the headers of Jansson is told by CMake', async () => {
    const env = { PKG_CONFIG_LIBDIR: folder };
    await assert.rejects(run('cmake', ['-S', join(work, 'hello'), '-B', join(folder, 'poor'), settings[0]], { env }), /Debian:\s+apt\s+install\s+libjansson-dev/);
  });

  test('in a word is told by CMake', async () => assert.match(await fails('word', { cmake: 'dowel_add_plugin(NAME word SOURCE word.c)' }), /what is 'SOURCE/));
  test('in a path is told by CMake', async () => assert.match(await fails('path', { cmake: 'dowel_add_plugin(NAME path SOURCES path.c ASSETS ../hello/api.yaml)' }), /is not below the plugin's folder/));
});

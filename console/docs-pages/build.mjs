// build.mjs - makes dist/, what the server serves at /docs and /redoc, of pages/ and of what npm brings; then copies it.
//
//   node build.mjs [FOLDER]     copies dist/ to FOLDER, made anew
//
// Nothing of it is committed, and nothing is fetched when the pages are shown. npm is asked only when package-lock.json or
// this folder has changed since the last time. Where it cannot be reached there are no pages: the server says so at /docs, and
// a build without a network still succeeds.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, 'dist');
const fromNpm = (path) => join(here, 'node_modules', path);

const files = [
  ...readdirSync(join(here, 'pages')).map((name) => join(here, 'pages', name)),
  fromNpm('swagger-ui-dist/swagger-ui.css'),
  fromNpm('swagger-ui-dist/swagger-ui-bundle.js'),
  fromNpm('redoc/bundles/redoc.standalone.js'),
];
const licenses = {
  'swagger-ui.txt': 'swagger-ui-dist/LICENSE',
  'swagger-ui.NOTICE.txt': 'swagger-ui-dist/NOTICE',
  'swagger-ui-bundle.txt': 'swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt',
  'redoc.txt': 'redoc/LICENSE',
  'redoc-bundle.txt': 'redoc/bundles/redoc.standalone.js.LICENSE.txt',
};

// What would be asked of other hosts, and what stands there instead. A picture that cannot be shown is left out by ReDoc.
const replaced = { 'redoc.standalone.js': ['https://cdn.redoc.ly/redoc/logo-mini.svg', 'data:,'] };

function fingerprint() {
  const hash = createHash('sha256');
  for (const name of ['package-lock.json', 'build.mjs', ...readdirSync(join(here, 'pages')).map((file) => `pages/${file}`)])
    hash.update(`${name}\0`).update(readFileSync(join(here, name))).update('\0');
  return hash.digest('hex');
}

function contentOf(path) {
  const name = basename(path), text = readFileSync(path);
  if (!replaced[name]) return text;
  const [from, to] = replaced[name], parts = text.toString().split(from);
  if (parts.length !== 2) throw new Error(`${name} names ${from} ${parts.length - 1} times, not once: look at it again`);
  return Buffer.from(parts.join(to));
}

function brotli(content) {
  return brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } });
}

function make(print) {
  const fresh = `${dist}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(join(fresh, 'licenses'), { recursive: true });
  for (const path of files) {
    const content = contentOf(path), target = join(fresh, basename(path));
    // The compressed ones must not be older than what they are made of.
    writeFileSync(target, content);
    writeFileSync(`${target}.gz`, gzipSync(content, { level: 9 }));
    writeFileSync(`${target}.br`, brotli(content));
  }
  for (const [name, path] of Object.entries(licenses)) cpSync(fromNpm(path), join(fresh, 'licenses', name));
  writeFileSync(join(fresh, 'fingerprint'), print);
  rmSync(dist, { recursive: true, force: true });
  renameSync(fresh, dist);
}

function isMadeFrom(print) {
  const path = join(dist, 'fingerprint');
  return existsSync(path) && readFileSync(path, 'utf8') === print;
}

// Scripts of packages have nothing to do here: all that is wanted are files.
function install() {
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: here, stdio: ['ignore', 'pipe', 'pipe'] });
}

const print = fingerprint();
if (!isMadeFrom(print)) {
  try {
    install();
  } catch (error) {
    const said = `${error.stderr ?? ''}`.trim().split('\n')[0] || error.message;
    console.error(`warning: no pages for /docs and /redoc: npm ci in console/docs-pages failed (${said}); with a network, build again`);
    process.exit(0);
  }
  make(print);
}
const target = process.argv[2];
if (target) {
  rmSync(target, { recursive: true, force: true });
  cpSync(dist, target, { recursive: true, preserveTimestamps: true });
  writeFileSync(join(target, 'fingerprint'), print); // its time is what the build goes by
}

// browser.mjs - Debian's Chromium, without a window and without a network: it knows this machine and nobody else.

import { existsSync } from 'node:fs';

import { npmMissing } from './npm.mjs';

const program = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find((path) => existsSync(path));

// For the `skip` of a test: false, or why.
export const browserMissing = npmMissing || (program ? false : 'there is no chromium: apt-get install chromium-headless-shell');

export async function openBrowser() {
  const { chromium } = await import('playwright-core');
  return chromium.launch({
    executablePath: program,
    // root has no sandbox; a name that is looked up after all is not found.
    args: ['--no-sandbox', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
  });
}

// A page that remembers what went wrong on it, and which addresses it asked for.
export async function openPage(browser, url) {
  const page = await browser.newPage({ viewport: { width: 1300, height: 900 } });
  const seen = { asked: [], wrong: [] };
  page.on('request', (request) => seen.asked.push(request.url()));
  page.on('pageerror', (error) => seen.wrong.push(error.message));
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && seen.wrong.push(message.text()));
  await page.goto(url);
  return { page, seen };
}

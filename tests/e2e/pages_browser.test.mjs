// Swagger UI and ReDoc as a person sees them, in a browser that reaches this server and nobody else.
// Presets: release

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { browserMissing, openBrowser, openPage } from './support/browser.mjs';
import { pagesMissing } from './support/docs_pages.mjs';
import { pluginFolder, startWith } from './support/plugins.mjs';

const timeout = 120_000;

describe('in a browser', { timeout, skip: browserMissing || pagesMissing }, () => {
  let server, browser;
  before(async () => {
    server = await startWith({ plugins: { hello: '', notes: '' }, folder: pluginFolder });
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  // Everything came from the page's own server; `blob:` is what a page makes itself.
  function assertAtHome({ asked, wrong }, least) {
    const origin = new URL(server.url).origin;
    assert.deepEqual(asked.filter((url) => new URL(url).origin !== origin), []);
    assert.ok(asked.length >= least, `${asked}`);
    assert.deepEqual(wrong, []);
  }

  for (const path of ['/docs', '/api/docs']) {
    test(`${path} shows every operation's line, and tries one`, async () => {
      const document = await (await fetch(`${server.url}/openapi.json`)).json();
      const operations = Object.values(document.paths).flatMap((item) => Object.values(item)).filter((one) => one.operationId);
      const { page, seen } = await openPage(browser, server.url + path);
      await page.waitForSelector('.opblock');
      assert.equal(await page.locator('.opblock').count(), operations.length);
      const block = page.locator('.opblock', { hasText: '/api/v1/hello' }).first();
      await block.locator('.opblock-summary').click();
      await block.locator('button.execute').click();
      const answer = block.locator('.live-responses-table tbody .response-col_status').first();
      await answer.waitFor();
      assert.match(await answer.innerText(), /^200/);
      assertAtHome(seen, 6);
      await page.close();
    });
  }

  // A server whose document has a place that gives tokens for passwords; that place, and what asks for the token, are played here.
  test('/docs signs in with name and password, and sends the token', async () => {
    const context = await browser.newContext({ viewport: { width: 1300, height: 900 } });
    const page = await context.newPage();
    const asked = [];
    await page.route('**/openapi.json', async (route) => {
      const document = await (await route.fetch()).json();
      document.components.securitySchemes.password = { type: 'oauth2', flows: { password: { tokenUrl: '/api/v1/auth/token', scopes: {} } } };
      document.paths['/api/v1/notes'].get.security.push({ password: [] });
      await route.fulfill({ json: document });
    });
    await page.route('**/api/v1/auth/token', (route) => {
      asked.push(new URLSearchParams(route.request().postData()));
      return route.fulfill({ json: { access_token: 'the-token', token_type: 'bearer', expires_in: 900 } });
    });
    const sent = new Promise((resolve) => {
      page.route(/\/api\/v1\/notes(\?.*)?$/, (route) => {
        resolve(route.request().headers());
        return route.fulfill({ json: { items: [], next: null } });
      });
    });
    await page.goto(`${server.url}/docs`);
    page.setDefaultTimeout(15_000);
    await page.locator('.auth-wrapper .authorize').first().click();
    const form = page.locator('.auth-container', { hasText: 'password' }).filter({ has: page.locator('input[type=password]') });
    await form.locator('#oauth_username').fill('anna@example.com');
    await form.locator('#oauth_password').fill('correct horse');
    await form.locator('button.authorize', { hasText: 'Authorize' }).click();
    await page.locator('.auth-container button', { hasText: 'Logout' }).waitFor(); // the form has become this
    await page.locator('.btn-done').first().click();
    const [token] = asked;
    assert.equal(token.get('grant_type'), 'password');
    assert.equal(token.get('username'), 'anna@example.com');
    assert.equal(token.get('password'), 'correct horse');

    const block = page.locator('.opblock-get', { hasText: 'The tenant\'s notes' }).first();
    await block.locator('.opblock-summary').click();
    await block.locator('button.execute').click();
    assert.equal((await sent).authorization, 'Bearer the-token');
    await context.close();
  });

  for (const path of ['/redoc', '/api/redoc']) {
    test(`${path} shows the operations, and finds one`, async () => {
      const { page, seen } = await openPage(browser, server.url + path);
      await page.getByRole('heading', { name: 'Keeps a note' }).waitFor();
      await page.getByRole('searchbox').or(page.getByPlaceholder('Search...')).first().fill('Forgets');
      await page.locator('[data-role="search:results"]').getByText('Forgets a note').waitFor();
      assertAtHome(seen, 5);
      await page.close();
    });
  }
});

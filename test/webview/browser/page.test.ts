import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { ensurePackages } from '../../../scripts/machine.ts';
import { ALL_NODES, paint } from '../../../src/translation/paint.ts';
import type { Picture, Selection } from '../../../src/translation/picture.ts';
import type { ToPanel } from '../../../src/views/diagram/protocol.ts';
import { sceneOf } from '../../translation/scene.ts';
import { bundle, launch, open, seriousProblems } from './page.ts';
import type { Opened, ThemeName } from './page.ts';
import { THEMES } from './themes.ts';

ensurePackages(['chromium', 'fonts-noto-core'], 'The test of the diagram in a browser');

const shots = path.resolve(import.meta.dirname, '../../../test-results/diagram');
const scene = await sceneOf('1.37-iptables-stale-node');
const bundled = await bundle();
let browser: Browser;

before(async () => {
  mkdirSync(shots, { recursive: true });
  browser = await launch();
});
after(() => browser.close());

const NOW = Date.UTC(2026, 10, 23, 17, 3, 38);

function picture(selection: Selection): Picture {
  return { ...paint(scene, selection), rereadable: true };
}

/** The page with a picture on it. */
async function shown(selection: Selection, options: Parameters<typeof open>[2] = { theme: 'dark' }): Promise<Opened> {
  const opened = await open(browser, bundled, options);
  await opened.send({ type: 'picture', picture: picture(selection), now: NOW });
  await opened.page.waitForSelector('header h1');
  return opened;
}

/** The last message of that kind, once there is one that suits. */
async function said<T extends ToPanel['type']>(
  opened: Opened,
  type: T,
  suits: (message: Extract<ToPanel, { type: T }>) => boolean = () => true,
): Promise<Extract<ToPanel, { type: T }>> {
  let found: Extract<ToPanel, { type: T }> | undefined;
  await eventually(async () => {
    found = (await opened.posted()).findLast(
      (message): message is Extract<ToPanel, { type: T }> =>
        message.type === type && suits(message as Extract<ToPanel, { type: T }>),
    );
    assert.ok(found, `no such message "${type}"`);
  });
  return found!;
}

/** The page draws with the next frame: asks again until it is so, for five seconds. */
async function eventually(check: () => Promise<void>): Promise<void> {
  const until = Date.now() + 5000;
  for (;;)
    try {
      return await check();
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
}

describe('The diagram in a browser, with the policy that it has in VS Code', () => {
  for (const theme of Object.keys(THEMES) as ThemeName[])
    test(`${theme}: axe finds nothing serious, the policy nothing to report, on any view`, async () => {
      const views: readonly (readonly [string, Selection, 'streams' | 'table'])[] = [
        ['node', { service: 'shop/front' }, 'streams'],
        [
          'masqueraded',
          { service: 'shop/front-nodeport', node: 'node-1', way: '80/TCP nodePort||30080|TCP|4' },
          'streams',
        ],
        ['rejected', { service: 'shop/typo', node: 'node-1' }, 'streams'],
        ['ping', { service: 'shop/front', node: 'node-1', client: 'ping' }, 'streams'],
        ['nodes', { service: 'shop/front', node: ALL_NODES }, 'streams'],
        ['table', { service: 'shop/front' }, 'table'],
        ['headless', { service: 'shop/front-headless' }, 'streams'],
      ];
      for (const [name, selection, view] of views) {
        const opened = await shown(selection, { theme, kept: { view } });
        await opened.page.screenshot({ path: path.join(shots, `${name}-${theme.replaceAll(' ', '-')}.png`) });
        assert.deepEqual(await seriousProblems(opened.page), [], name);
        assert.deepEqual(opened.complaints, [], name);
        await opened.page.context().close();
      }
    });

  test('says that it listens before anything is sent, with what it showed before', async () => {
    const kept = { selection: { service: 'shop/front', node: 'node-3' }, view: 'table', open: [] };
    const opened = await open(browser, bundled, { theme: 'dark', kept });
    assert.deepEqual(await opened.posted(), [{ type: 'ready', selection: kept.selection }]);
  });

  test('is walked with the keys: Tab to one card, arrows to the others, Enter keeps, Escape lets go', async () => {
    const { page } = await shown({ service: 'shop/front' });
    const focused = (card: string) =>
      eventually(async () => {
        assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('data-card')), card);
      });
    const heading = (words: RegExp) =>
      eventually(async () => assert.match((await page.locator('.rules h2').textContent()) ?? '', words));
    await page.locator('.end.wrong').focus();
    await heading(/cart-858f4fdc45-lgsrf · node-3$/);
    assert.equal(await page.locator('[data-card][tabindex="0"]').count(), 1);
    await page.keyboard.press('ArrowDown');
    await focused('10.244.2.1:8080');
    await heading(/front-86f8476988-5mjmj · node-3$/);
    await page.keyboard.press('Enter');
    await heading(/5mjmj · node-3 · kept/);
    await page.keyboard.press('ArrowLeft');
    await focused('rules');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await focused('client');
    await page.keyboard.press('Escape');
    await heading(/cart-858f4fdc45-lgsrf · node-3$/);
  });

  test('a rule of the list opens at its line', async () => {
    const opened = await shown({ service: 'shop/front' });
    await opened.page.locator('.rule', { hasText: '--to-destination 10.244.1.1' }).click();
    assert.deepEqual(await said(opened, 'openRule'), {
      type: 'openRule',
      node: 'node-3',
      dump: 'iptables-save.txt',
      line: 159,
    });
  });

  test('the dropdowns choose node, client and way', async () => {
    const opened = await shown({ service: 'shop/front' });
    const { page } = opened;
    for (const [id, option, field, value] of [
      ['node', 'all nodes', 'node', ALL_NODES],
      ['client', 'the node itself', 'client', 'node'],
      ['way', 'Cluster IP :443 https', 'port', '443/TCP'],
    ] as const) {
      await page.locator(`vscode-dropdown#${id}`).click();
      await page.locator(`vscode-dropdown#${id} vscode-option`, { hasText: option }).click();
      await said(opened, 'choose', ({ selection }) => selection[field] === value);
    }
    assert.deepEqual(opened.complaints, []);
  });

  test('a row of all nodes leads to its node', async () => {
    const opened = await shown({ service: 'shop/front', node: ALL_NODES });
    await opened.page.locator('.row', { hasText: 'node-3' }).click();
    await said(opened, 'choose', ({ selection }) => selection.node === 'node-3');
  });

  test('keeps the focus, and the elements, when the cluster changes', async () => {
    const { page, send } = await shown({ service: 'shop/front', node: 'node-1' });
    await page.locator('[data-card="10.244.2.1:8080"]').focus();
    await page.evaluate(() => Object.assign(document.activeElement!, { mine: true }));
    await send({ type: 'picture', picture: picture({ service: 'shop/front', node: 'node-3' }), now: NOW });
    await page.waitForSelector('.end.wrong');
    const state = await page.evaluate(() => {
      const active = document.activeElement as (Element & { mine?: boolean }) | null;
      return [active?.getAttribute('data-card'), active?.mine];
    });
    assert.deepEqual(state, ['10.244.2.1:8080', true]);
  });

  test('keeps over a reload where the reader was, and nothing of the cluster', async () => {
    const { page } = await shown({ service: 'shop/front' });
    await page.locator('[data-card="10.244.0.1:8080"]').click();
    await page.waitForFunction(() => document.querySelector('.rules h2')?.textContent?.includes('kept'));
    const kept = await page.evaluate(() => (globalThis as unknown as { stateKept: () => unknown }).stateKept());
    assert.deepEqual(kept, {
      view: 'streams',
      open: [],
      selection: picture({ service: 'shop/front' }).selection,
      pinned: '10.244.0.1:8080',
    });
  });

  test('the table is copied as Markdown', async () => {
    const opened = await shown({ service: 'shop/front' }, { theme: 'dark', kept: { view: 'table' } });
    await opened.page.getByText('Copy as Markdown').click();
    const message = await said(opened, 'copy');
    assert.match(message.text, /\| cart-858f4fdc45-lgsrf \| `10\.244\.1\.1:8080` \| 33\.3 % \|/);
    assert.match(message.text, /Drift on node-3\./);
  });

  test('an assumption is drawn dotted with its words, and can be settled', async () => {
    const words = 'the source was seen less than 600 s ago';
    const whole = picture({ service: 'shop/front', node: 'node-1' });
    assert.equal(whole.body.kind, 'node');
    const streams = whole.body.streams.map((stream) => ({ ...stream, assumptions: [`if ${words}`] }));
    const assumed: Picture = { ...whole, body: { ...whole.body, streams, assumptions: [{ words }] } };
    const opened = await open(browser, bundled, { theme: 'dark' });
    await opened.send({ type: 'picture', picture: assumed, now: NOW });
    const { page } = opened;
    await page.waitForSelector('.ribbon.assumed');
    assert.match((await page.locator('.end').first().textContent()) ?? '', new RegExp(`if ${words}`));
    await page.locator('.assumption').getByText('yes').click();
    await said(opened, 'choose', ({ selection }) => selection.settled?.[words] === true);
    await page.screenshot({ path: path.join(shots, 'assumed-dark.png') });
    assert.deepEqual(await seriousProblems(page), []);
  });

  test('what is no message of the protocol is ignored', async () => {
    const opened = await shown({ service: 'shop/front' });
    await opened.page.evaluate(() => window.postMessage({ type: 'picture', picture: {}, now: 1 }, '*'));
    await opened.page.evaluate(() => window.postMessage('<b>', '*'));
    assert.equal(await opened.page.locator('h1').textContent(), 'shop/front');
    assert.deepEqual(opened.complaints, []);
  });

  test('says how old the rules are, and asks for new ones', async () => {
    const opened = await shown({ service: 'shop/front' });
    assert.match((await opened.page.locator('.about').textContent()) ?? '', /read 12 s ago/);
    await opened.page.locator('.about vscode-button').click();
    await said(opened, 'refresh');
    await opened.send({ type: 'busy', busy: true });
    await opened.page.waitForSelector('.busy');
    await opened.send({ type: 'busy', busy: false });
    await opened.send({
      type: 'picture',
      picture: { ...picture({ service: 'shop/front' }), rereadable: false },
      now: NOW,
    });
    await opened.page.waitForSelector('.about:not(:has(vscode-button)):not(:has(.busy))');
  });
});

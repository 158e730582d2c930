import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import { ensurePackages } from '../../../scripts/machine.ts';
import { matrixOf, type Matrix } from '../../../src/diagnosis/matrix.ts';
import { matrixWords } from '../../../src/views/matrix/page-words.ts';
import type { ToMatrixPage, ToMatrixPanel } from '../../../src/views/matrix/protocol.ts';
import { driftOf, recorded } from '../../diagnosis/recorded.ts';
import { launch, open, seriousProblems, type ThemeName } from './page.ts';
import { THEMES } from './themes.ts';

ensurePackages(['chromium', 'fonts-noto-core'], 'The test of the matrix in a browser');

const root = path.resolve(import.meta.dirname, '../../..');
const shots = path.join(root, 'test-results/matrix');
const cluster = await recorded('1.37-iptables-stale-node');
const stale = matrixOf(
  ['node-1', 'node-2', 'node-3'].map((name) => ({ name, drift: driftOf(cluster, name) })),
  cluster.objects.services.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
);
const bundled = await bundle();
let browser: Browser;

before(async () => {
  mkdirSync(shots, { recursive: true });
  browser = await launch();
});
after(() => browser.close());

async function bundle(): Promise<{ readonly script: string; readonly style: string }> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: { matrix: 'src/webview/matrix/main.ts' },
    outdir: 'dist',
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'chrome128',
    logLevel: 'warning',
  });
  const text = (ending: string) => outputFiles.find((file) => file.path.endsWith(ending))!.text;
  return { script: text('.js'), style: text('.css') };
}

async function shown(matrix: Matrix, theme: ThemeName = 'dark') {
  const opened = await open(browser, bundled, { theme });
  const send = opened.send as unknown as (message: ToMatrixPage) => Promise<void>;
  const posted = opened.posted as unknown as () => Promise<readonly ToMatrixPanel[]>;
  await send({ type: 'words', words: matrixWords() });
  await send({ type: 'matrix', cluster: 'recorded', matrix, waiting: 0 });
  await opened.page.waitForSelector('[role=gridcell]');
  return { ...opened, send, posted };
}

describe('the matrix', () => {
  test('has the drifted node first, its drifted Services first, and folds the others', async () => {
    const { page, complaints } = await shown(stale);
    assert.deepEqual(await page.locator('.node .name').allTextContents(), ['node-3', 'node-1 and 1 more alike']);
    assert.equal(await page.locator('.cell.drifted').count(), 9);
    assert.equal(await page.locator('.row').first().locator('.cell').first().textContent(), '✕');
    await page.screenshot({ path: path.join(shots, 'stale-node.png') });
    assert.deepEqual(complaints, []);
  });

  test('asks what is wrong with the chosen cell, says it, and opens the comparison', async () => {
    const { page, posted, send } = await shown(stale);
    await page.locator('.cell').first().click();
    await page.keyboard.press('ArrowRight');
    const service = stale.services[1]!;
    await page.waitForFunction(
      () =>
        (globalThis as unknown as { posted: { type: string }[] }).posted.filter((m) => m.type === 'tell').length > 1,
    );
    assert.deepEqual((await posted()).at(-1), { type: 'tell', node: 'node-3', service });
    const timeline = [
      { time: '17:03:25', words: 'read: 9 drifted', mark: 'error' },
      { time: '17:03:16', words: 'shop/cart changed', mark: 'quiet' },
      { time: '17:02:50', words: 'read: nothing new', mark: 'good' },
    ] as const;
    const sentences = ['a third of the connections go elsewhere'];
    await send({ type: 'told', node: 'node-3', service, sentences, timeline });
    await page.waitForSelector('footer >> text=a third of the connections go elsewhere.');
    assert.deepEqual(
      await page.getByRole('list', { name: 'Timeline of node-3' }).getByRole('listitem').allTextContents(),
      ['17:02:50read: nothing new', '17:03:16shop/cart changed', '17:03:25read: 9 drifted'],
    );
    assert.deepEqual(await seriousProblems(page), []);
    await page.screenshot({ path: path.join(shots, 'timeline.png') });
    await page.keyboard.press('Enter');
    assert.deepEqual((await posted()).at(-1), { type: 'compare', node: 'node-3', service });
  });

  test('draws only what is in sight of 1,000 rows of 5,000 Services, and goes everywhere by keys', async () => {
    const services = Array.from({ length: 5000 }, (_, i) => `ns-${i % 50}/service-${i}`);
    const rows = Array.from({ length: 1000 }, (_, i) => ({
      nodes: [`node-${i}`],
      cells: Array.from({ length: 5000 }, (__, j) => ((i * 7 + j) % 97 === 0 ? 'x' : 'o')).join(''),
      drifted: 51,
      pending: 0,
      common: false,
    }));
    const { page, complaints } = await shown({ services, rows });
    assert.ok((await page.locator('.cell').count()) < 3000);
    await page.locator('.cell').first().click();
    await page.keyboard.press('End');
    for (let i = 0; i < 80; i++) await page.keyboard.press('PageDown');
    await page.waitForSelector('[data-row="999"][data-column="4999"][tabindex="0"]');
    const start = Date.now();
    await page.keyboard.press('Home');
    await page.waitForSelector('[data-row="999"][data-column="0"][tabindex="0"]');
    console.log(`# Home across 5,000 Services: ${Date.now() - start} ms`);
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('data-row')), '999');
    assert.deepEqual(complaints, []);
  });

  for (const theme of Object.keys(THEMES) as ThemeName[])
    test(`has nothing that axe calls serious in ${theme}`, async () => {
      const { page } = await shown(stale, theme);
      assert.deepEqual(await seriousProblems(page), []);
      await page.screenshot({ path: path.join(shots, `${theme}.png`) });
    });
});

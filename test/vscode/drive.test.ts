/**
 * A real VS Code, driven as a user does: side bar, diagram, hover, palette, trace and dump, in every theme. Screenshots go to
 * test-results/vscode; axe looks at the diagram; at the end no log may hold an error of ours or a broken content security policy.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { build } from '../../scripts/build.ts';
import { launchBrowser } from '../../scripts/vscode/browser.ts';
import { THEMES, Workbench, type WorkbenchOptions } from './workbench.ts';

const root = path.resolve(import.meta.dirname, '../..');
const samples = path.join(root, 'samples');
const shots = path.join(root, 'test-results/vscode');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const RECORDED = { 'serviceTraffic.recording': path.join(samples, 'shop') };

let browser: Browser;
before(async () => {
  await build(false);
  browser = await launchBrowser('The drive through a real VS Code');
});
after(() => browser.close());

function open(options: Partial<WorkbenchOptions>): Promise<Workbench> {
  return Workbench.open(browser, { folder: samples, development: root, shots, ...options });
}

/** The line, from 1, of the sample's YAML where a text stands. */
function lineOf(text: string): number {
  const yaml = readFileSync(path.join(samples, 'shop.yaml'), 'utf8');
  const at = yaml.indexOf(text);
  assert.ok(at >= 0, `the sample has no ${JSON.stringify(text)}`);
  return yaml.slice(0, at).split('\n').length;
}

/** What axe calls serious or worse in the frame of a webview. */
async function serious(workbench: Workbench): Promise<readonly string[]> {
  const frame = await workbench.webview('.streams');
  await frame.evaluate(AXE);
  return frame.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`);
  });
}

/** At the end nothing may have gone wrong behind the scenes. */
async function end(workbench: Workbench): Promise<void> {
  const problems = workbench.problems();
  await workbench.close();
  assert.deepEqual(problems, []);
}

describe('In VS Code', () => {
  let workbench: Workbench;
  before(async () => {
    workbench = await open({ settings: RECORDED, openFile: path.join(samples, 'shop.yaml') });
    await workbench.sideBar();
    await workbench.row('Services', /^shop/).waitFor();
  });
  after(() => end(workbench));

  it('shows the Services, and what is wrong with them', async () => {
    await workbench.unfold('Services', /^shop/);
    await workbench.row('Services', /^front.*wrong on node-3/).waitFor();
    await workbench.row('Nodes', /^node-3.*ports right/).waitFor();
    await workbench.unfold('Services', /^front.*wrong/);
    await workbench.unfold('Services', /^http80/);
    await workbench.unfold('Services', /^On the nodes/);
    await workbench.row('Services', /^node-3.*1 stale/).waitFor();
    await workbench.shot('services');
  });

  it('opens a diagram from the row', async () => {
    const row = workbench.row('Services', /^front.*wrong/);
    await row.hover();
    await row.getByRole('button', { name: 'Show Diagram' }).click();
    const frame = await workbench.webview('.streams .end');
    await frame.locator('.finding', { hasText: 'Drift on node-3' }).waitFor();
    assert.equal(await frame.locator('.end').count(), 4);
  });

  for (const theme of Object.keys(THEMES) as (keyof typeof THEMES)[])
    it(`draws it in ${theme}, and axe finds nothing serious`, async () => {
      await workbench.theme(theme);
      await workbench.shot(`diagram-${theme}`);
      assert.deepEqual(await serious(workbench), []);
    });

  it('opens a rule of the diagram at its line', async () => {
    const frame = await workbench.webview('.rules');
    await frame.locator('.rules .rule', { hasText: 'DNAT' }).first().click();
    await workbench.tab('iptables-save.txt').waitFor();
    await workbench.page.locator('.view-overlays .selected-text').first().waitFor();
    await workbench.shot('rule');
  });

  for (const theme of Object.keys(THEMES) as (keyof typeof THEMES)[])
    it(`hovers over a Service in ${theme}`, async () => {
      await workbench.theme(theme);
      await workbench.tab('shop.yaml').click();
      const front = await workbench.hover(lineOf('name: front\n  namespace: shop\nspec:\n  selector'), 'front');
      assert.match(front, /shop\/front in shop/);
      assert.match(front, /node-3: 2 of 3, 1 stale/);
      await workbench.shot(`hover-${theme}`);
    });

  it('hovers over a selector that matches nothing', async () => {
    await workbench.theme('dark');
    const typo = await workbench.hover(lineOf('app: frnt'), 'frnt');
    assert.match(typo, /app=front instead of app=frnt/);
    await workbench.shot('selector');
  });

  it('has no command in the palette that needs a row', async () => {
    for (const [typed, there] of [
      ['Trace a Packet', true],
      ['matrix', true],
      ['Open a Rule at Its Line', false],
    ] as const) {
      await workbench.page.keyboard.press('F1');
      await workbench.picks.first().waitFor();
      await workbench.page.keyboard.type(`Service Traffic: ${typed}`);
      const row = workbench.picks.filter({ hasText: typed }).first();
      if (there) await row.waitFor();
      else {
        await workbench.picks.filter({ hasText: 'No matching' }).or(workbench.picks).first().waitFor();
        assert.equal(await workbench.picks.filter({ hasText: `Service Traffic: ${typed}` }).count(), 0, typed);
      }
      await workbench.page.keyboard.press('Escape');
    }
  });

  it('shows the matrix, whose keys work at once', async () => {
    await workbench.command('Service Traffic: Show the Matrix');
    const frame = await workbench.webview('[role=gridcell]');
    const chosen = frame.locator('[role=gridcell]:focus');
    await chosen.waitFor();
    const before = await chosen.getAttribute('data-column');
    await workbench.page.keyboard.press('ArrowRight');
    await frame.locator(`[role=gridcell]:focus[data-column="${Number(before) + 1}"]`).waitFor();
  });

  it('says what an address is, as it is typed', async () => {
    await workbench.command('Service Traffic: What Is This Address?');
    await workbench.picks.first().waitFor();
    await workbench.page.keyboard.type('30090');
    await workbench.picks.filter({ hasText: 'shop/cart-local' }).filter({ hasText: 'node port 30090' }).waitFor();
    await workbench.shot('find');
    await workbench.page.keyboard.press('Enter');
    // The row is selected when the side bar has the focus; a key pressed before would go astray.
    await workbench.tree('Services').locator('.monaco-list-row.selected', { hasText: 'node port 30090' }).waitFor();
  });

  it('traces a packet, asking from where to what', async () => {
    await workbench.command('Service Traffic: Trace a Packet');
    await workbench.pick('shop/typo', 'typo');
    await workbench.pick('a pod on node-1');
    await workbench.tab('shop∕typo from a pod on node-1').waitFor();
    await workbench.page.locator('.view-line', { hasText: 'REJECT' }).first().waitFor();
    await workbench.command('Service Traffic: Trace a Packet');
    await workbench.pick(/^shop\/front10/, 'shop/front');
    await workbench.pick(/Cluster IP .*:80/);
    await workbench.pick('a pod on node-3');
    await workbench.tab('shop∕front from a pod on node-3').waitFor();
    await workbench.page.locator('.view-line', { hasText: 'stale' }).first().waitFor();
    await workbench.shot('trace');
  });

  it('lists all that is wrong, and leads from there to the diagram', async () => {
    await workbench.command('Service Traffic: Show Findings');
    await workbench.tab('Findings').waitFor();
    const { page } = workbench;
    await page.locator('.view-line', { hasText: 'shop/typo has no endpoints' }).first().waitFor();
    await workbench.shot('findings');
    await page.locator('.view-line .detected-link', { hasText: 'Diagram' }).first().waitFor();
    await workbench.followLink(8, 9, 'shop/typo');
  });

  it('says of an address that nobody has where it lies', async () => {
    await workbench.command('Service Traffic: What Is This Address?');
    await workbench.picks.first().waitFor();
    await workbench.page.keyboard.type('10.244.1.77');
    await workbench.picks.filter({ hasText: 'in the pod network 10.244.1.0/24 of node-2' }).waitFor();
    await workbench.page.keyboard.press('Escape');
  });

  it('traces a packet to an address as it is typed', async () => {
    await workbench.command('Service Traffic: Trace a Packet');
    await workbench.pick(/^10\.96\.76\.241:99.*no port 99/, '10.96.76.241:99');
    await workbench.pick('node-1 itself');
    await workbench.pick('tcp');
    await workbench.tab('10.96.76.241 99 from node-1 itself').waitFor();
    await workbench.page.locator('.view-line', { hasText: 'shop/front has no port 99/TCP' }).first().waitFor();
    await workbench.shot('trace-no-port');
  });

  it('filters the tree while one types', async () => {
    await workbench.command('Service Traffic: Filter Services');
    await workbench.page.locator('.quick-input-title', { hasText: 'Filter Services' }).waitFor();
    await workbench.page.keyboard.type('typo');
    await workbench.unfold('Services', /^shop1 Service/);
    await workbench.row('Services', /^typo/).waitFor();
    await workbench.page.keyboard.press('Enter');
    await workbench.shot('filter');
    await workbench.command('Service Traffic: Clear the Filter');
    await workbench.row('Services', /^shop18 Services/).waitFor();
  });

  it("opens a node's dump from the Nodes tree", async () => {
    await workbench.unfold('Nodes', /^node-3/);
    await workbench.row('Nodes', /^iptables-save/).dblclick();
    await workbench.tab('iptables-save.txt').waitFor();
    await workbench.shot('nodes');
  });

  it('names the cluster in the status bar', async () => {
    await workbench.page.locator('.statusbar-item', { hasText: 'shop' }).waitFor();
  });
});

describe('In VS Code without a cluster', () => {
  let workbench: Workbench;
  before(async () => {
    // No KUBECONFIG, and a home without ~/.kube.
    workbench = await open({ env: { KUBECONFIG: '' } });
    await workbench.sideBar();
  });
  after(() => end(workbench));

  it('says that there is no kubeconfig, and what to do', async () => {
    const welcome = workbench.page.locator('.welcome-view-content', { hasText: 'There is no kubeconfig' });
    await welcome.waitFor();
    await welcome.getByRole('button', { name: 'Open a recorded cluster' }).waitFor();
    await workbench.shot('welcome');
  });

  it('leads to the sample with one click', async () => {
    await workbench.page.locator('.welcome-view-content').getByText('Look at the sample cluster').click();
    await workbench.row('Services', /^shop/).waitFor();
  });
});

/**
 * npm run screenshots: the README's pictures, made anew in a real VS Code on the sample, into media/screenshots. A command of its own, so
 * that a run of the tests changes no file.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { packageExtension } from '../../scripts/package.ts';
import { launchBrowser } from '../../scripts/vscode/browser.ts';
import { Workbench } from './workbench.ts';

const root = path.resolve(import.meta.dirname, '../..');
const samples = path.join(root, 'samples');
const yaml = readFileSync(path.join(samples, 'shop.yaml'), 'utf8');
const lineOf = (text: string): number => yaml.slice(0, yaml.indexOf(text)).split('\n').length;

/** Draws the border of the side bar to the right, so that descriptions can be read. */
async function widen(workbench: Workbench, to: number): Promise<void> {
  const bar = await workbench.page.locator('.part.sidebar').boundingBox();
  if (!bar) throw new Error('there is no side bar');
  await workbench.page.mouse.move(bar.x + bar.width, bar.y + 300);
  await workbench.page.mouse.down();
  await workbench.page.mouse.move(to, bar.y + 300, { steps: 5 });
  await workbench.page.mouse.up();
}

const vsix = await packageExtension();
const browser = await launchBrowser('Taking screenshots');
const workbench = await Workbench.open(browser, {
  folder: samples,
  install: [vsix],
  openFile: path.join(samples, 'shop.yaml'),
  shots: path.join(root, 'media/screenshots'),
  viewport: { width: 1400, height: 860 },
  settings: {
    'serviceTraffic.recording': path.join(samples, 'shop'),
    'workbench.statusBar.visible': true,
    'window.title': 'Service Traffic',
    'editor.stickyScroll.enabled': false,
  },
});
try {
  await workbench.sideBar();
  await widen(workbench, 500);
  await workbench.unfold('Services', /^shop/);
  await workbench.row('Services', /^front.*wrong on node-3/).waitFor();
  await workbench.row('Nodes', /^node-3.*ports right/).waitFor();
  await workbench.command('Service Traffic: Sort by Trouble');
  await workbench.unfold('Services', /^front.*wrong/);
  await workbench.unfold('Services', /^http80/);
  await workbench.unfold('Services', /^On the nodes/);
  await workbench.row('Services', /^node-3.*1 stale/).waitFor();
  const front = workbench.row('Services', /^front.*wrong/);
  await front.hover();
  await front.getByRole('button', { name: 'Show Diagram' }).click();
  await (await workbench.webview('.streams .end')).locator('.finding').waitFor();
  await workbench.page.mouse.move(900, 840);
  await workbench.shot('diagram');
  await workbench.theme('light');
  await workbench.shot('diagram-light');
  await workbench.theme('dark');

  await workbench.tab('shop.yaml').click();
  await workbench.hover(lineOf('name: front\n  namespace: shop\nspec:\n  selector'), 'front');
  await workbench.shot('hover');
  await workbench.hover(lineOf('app: frnt'), 'frnt');
  await workbench.shot('hover-selector');

  await workbench.command('Service Traffic: Trace a Packet');
  await workbench.pick(/^shop\/front10/, 'shop/front');
  await workbench.pick(/Cluster IP .*:80/);
  await workbench.pick('a pod on node-3');
  await workbench.page.locator('.view-line', { hasText: 'stale' }).first().waitFor();
  await workbench.page.keyboard.press('Control+B'); // lines are long: the side bar makes room
  await workbench.shot('trace');
  await workbench.page.keyboard.press('Control+B');

  await workbench.unfold('Nodes', /^node-3/);
  await workbench.row('Nodes', /^iptables-save/).dblclick();
  await workbench.tab('iptables-save.txt').waitFor();
  const chain = workbench.page.locator('.view-line span', { hasText: /^KUBE-FORWARD$/ }).first();
  await chain.hover();
  await workbench.page
    .locator('.monaco-hover:not(.hidden) .hover-contents')
    .filter({ hasText: 'forwarded' })
    .first()
    .waitFor();
  await workbench.shot('dump');
} finally {
  await workbench.close();
  await browser.close();
}

/** The built page in a real browser, outside of VS Code: with a stand-in for VS Code's side of it, and VS Code's colours. */
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ToPage, ToPanel } from '../../../src/views/diagram/protocol.ts';
import { commandPath } from '../../../scripts/machine.ts';
import { diagramHtml } from '../../../src/views/diagram/html.ts';
import { THEMES } from './themes.ts';

const root = path.resolve(import.meta.dirname, '../../..');

/** The page's script and style, as scripts/build.ts makes them. */
export async function bundle(): Promise<{ readonly script: string; readonly style: string }> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: { webview: 'src/webview/main.ts' },
    outdir: 'dist',
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'chrome128',
    logLevel: 'warning',
    legalComments: 'none',
  });
  const text = (ending: string) => outputFiles.find((file) => file.path.endsWith(ending))!.text;
  return { script: text('.js'), style: text('.css') };
}

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? commandPath('chromium') ?? commandPath('chromium-browser')!,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--host-resolver-rules=MAP * ~NOTFOUND'],
  });
}

export type ThemeName = keyof typeof THEMES;

export interface Opened {
  readonly page: Page;
  /** What the page has posted so far. */
  readonly posted: () => Promise<readonly ToPanel[]>;
  readonly send: (message: ToPage) => Promise<void>;
  /** Errors and violations of the page's policy. */
  readonly complaints: readonly string[];
}

/** Opens the page with the policy that it has in VS Code, and waits for its "ready". */
export async function open(
  browser: Browser,
  bundled: { readonly script: string; readonly style: string },
  options: { readonly theme: ThemeName; readonly width?: number; readonly height?: number; readonly kept?: unknown },
): Promise<Opened> {
  const theme = THEMES[options.theme];
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1240, height: options.height ?? 640 },
    colorScheme: theme.kind.includes('light') ? 'light' : 'dark',
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  const origin = 'http://page.test';
  const html = diagramHtml({
    script: `${origin}/webview.js`,
    style: `${origin}/webview.css`,
    cspSource: origin,
    nonce: 'test',
    title: 'Service Traffic',
    language: 'en',
  });
  await page.route('**/*', (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === '/webview.js') return route.fulfill({ contentType: 'text/javascript', body: bundled.script });
    if (pathname === '/webview.css') return route.fulfill({ contentType: 'text/css', body: bundled.style });
    if (pathname === '/') return route.fulfill({ contentType: 'text/html', body: html });
    return route.fulfill({ status: 404, body: '' });
  });
  await page.addInitScript(
    ({ colours, classes, kept }) => {
      const posted: unknown[] = [];
      let state: unknown = kept;
      Object.assign(globalThis, {
        posted,
        stateKept: () => state,
        acquireVsCodeApi: () => ({
          postMessage: (message: unknown) => posted.push(message),
          getState: () => state,
          setState: (next: unknown) => (state = structuredClone(next)),
        }),
      });
      // VS Code sets its colours on the root element before the page's script runs.
      const dress = (): boolean => {
        const { documentElement, body } = document as { documentElement: HTMLElement | null; body: HTMLElement | null };
        if (!documentElement || !body) return false;
        for (const [name, value] of Object.entries(colours)) documentElement.style.setProperty(name, value);
        body.classList.add(...classes);
        return true;
      };
      new MutationObserver((_, observer) => {
        if (dress()) observer.disconnect();
      }).observe(document, { childList: true, subtree: true });
    },
    { colours: theme.colours, classes: theme.kind.split(' '), kept: options.kept },
  );
  await page.goto(`${origin}/`);
  await page.waitForFunction(() => (globalThis as unknown as { posted: unknown[] }).posted.length > 0);
  return {
    page,
    complaints,
    posted: () => page.evaluate(() => (globalThis as unknown as { posted: ToPanel[] }).posted),
    send: (message) => page.evaluate((sent) => window.postMessage(sent, '*'), message),
  };
}

/** axe's complaints that are serious or critical, as text. */
export async function seriousProblems(page: Page): Promise<readonly string[]> {
  // Not through a script element, which the page's policy would refuse.
  await page.evaluate(readFileSync(path.join(root, 'node_modules/axe-core/axe.min.js'), 'utf8'));
  return page.evaluate(async () => {
    const axe = (globalThis as unknown as { axe: { run(context: Document): Promise<AxeResults> } }).axe;
    const { violations } = await axe.run(document);
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map((node) => node.html.slice(0, 120)).join(' | ')})`);
  });
}

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly help: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

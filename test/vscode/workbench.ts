import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Frame, Locator, Page } from 'playwright-core';
import { remoteUri, startServer, workbenchUrl, type RunningServer } from '../../scripts/vscode/server.ts';

/** How a theme is set, how VS Code lists it, and what the workbench's own element says of it. */
export const THEMES = {
  dark: { setting: 'Default Dark Modern', shown: 'Dark Modern', mark: 'vs-dark' },
  light: { setting: 'Default Light Modern', shown: 'Light Modern', mark: 'vs' },
  'high-contrast': { setting: 'Default High Contrast', shown: 'Dark High Contrast', mark: 'hc-black' },
  'high-contrast-light': { setting: 'Default High Contrast Light', shown: 'Light High Contrast', mark: 'hc-light' },
} as const;

export interface WorkbenchOptions {
  readonly folder: string;
  readonly theme?: keyof typeof THEMES;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** The extension's folder; without it a VSIX is installed. */
  readonly development?: string;
  readonly install?: readonly string[];
  readonly openFile?: string;
  /** Where screenshots go. */
  readonly shots: string;
  readonly viewport?: { readonly width: number; readonly height: number };
}

/** VS Code's workbench in a browser, driven as a user does: with keys and the pointer. */
export class Workbench {
  readonly page: Page;
  readonly server: RunningServer;
  /** Page errors and reports of a content security policy that was broken. */
  readonly complaints: string[] = [];
  readonly #shots: string;

  private constructor(page: Page, server: RunningServer, shots: string) {
    this.page = page;
    this.server = server;
    this.#shots = shots;
    page.setDefaultTimeout(15_000);
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (message) => {
      if (/Content Security Policy|Refused to/.test(message.text())) this.complaints.push(message.text());
    });
  }

  static async open(browser: Browser, options: WorkbenchOptions): Promise<Workbench> {
    mkdirSync(options.shots, { recursive: true });
    const server = await startServer({
      development: options.development !== undefined,
      lean: true,
      settings: {
        'workbench.colorTheme': THEMES[options.theme ?? 'dark'].setting,
        'workbench.reduceMotion': 'on',
        'workbench.list.smoothScrolling': false,
        'window.autoDetectColorScheme': false,
        'editor.hover.delay': 100,
        'editor.minimap.enabled': false,
        ...options.settings,
      },
      ...(options.env && { env: options.env }),
      ...(options.install && { install: options.install }),
    });
    const context = await browser.newContext({
      viewport: options.viewport ?? { width: 1280, height: 800 },
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const workbench = new Workbench(await context.newPage(), server, options.shots);
    const payload: [string, string][] = [['skipWelcome', 'true']];
    if (options.development) payload.push(['extensionDevelopmentPath', remoteUri(server, options.development)]);
    if (options.openFile) payload.push(['openFile', remoteUri(server, options.openFile)]);
    await workbench.page.goto(workbenchUrl(server, options.folder, payload));
    await workbench.page.waitForSelector('.monaco-workbench', { timeout: 60_000 });
    return workbench;
  }

  /** Changes the colour theme as the window is open. */
  async theme(theme: keyof typeof THEMES): Promise<void> {
    const { shown, mark } = THEMES[theme];
    await this.#quickInput('Control+K', 'Control+T');
    await this.pick(shown, shown);
    await this.page.locator(`.monaco-workbench.${mark}`).waitFor();
  }

  async close(): Promise<void> {
    await this.page.context().close();
    await this.server.stop();
  }

  async shot(name: string): Promise<void> {
    await sleep(400); // colours and icons settle
    await this.page.screenshot({ path: path.join(this.#shots, `${name}.png`) });
  }

  /** Opens our side bar by its icon, where it is not open already: a click on the icon of an open view would close it. */
  async sideBar(): Promise<void> {
    const icon = this.page.locator('.activitybar li.action-item:has(.action-label[aria-label^="Service Traffic"])');
    await icon.waitFor({ timeout: 30_000 });
    if ((await icon.getAttribute('aria-selected')) !== 'true') await icon.click();
  }

  tree(name: string): Locator {
    return this.page.getByRole('tree', { name });
  }

  /** A row by what it shows (a row's accessible name is what is spoken). */
  row(tree: string, text: string | RegExp): Locator {
    return this.tree(tree).getByRole('treeitem').filter({ hasText: text }).first();
  }

  /** Unfolds a row, unless it is unfolded. */
  async unfold(tree: string, text: string | RegExp): Promise<void> {
    const row = this.row(tree, text);
    await row.waitFor({ timeout: 20_000 });
    // A click on a tree that is being drawn anew may go astray.
    for (let i = 0; i < 5 && (await row.getAttribute('aria-expanded')) === 'false'; i++) {
      await row.click();
      await sleep(300);
    }
  }

  /** Presses the keys of a quick input until it is there: VS Code loses a key that comes while a theme or an editor is changing. */
  async #quickInput(...keys: readonly string[]): Promise<Locator> {
    await this.page.locator('.quick-input-widget').waitFor({ state: 'hidden' }); // an earlier one may be about to close
    const input = this.page.locator('.quick-input-widget:visible input').first();
    for (let tries = 1; ; tries++) {
      for (const key of keys) await this.page.keyboard.press(key);
      try {
        await input.waitFor({ timeout: 4_000 });
        return input;
      } catch (error) {
        if (tries < 4) continue;
        await this.shot('failed');
        throw error;
      }
    }
  }

  /** By the palette, as one types it. */
  async command(title: string): Promise<void> {
    const input = await this.#quickInput('F1');
    await input.fill('>' + title);
    await this.page
      .locator('.quick-input-list .monaco-list-row', { hasText: title.replace(/^.*?: /, '') })
      .first()
      .waitFor({ timeout: 10_000 });
    await this.page.keyboard.press('Enter');
    // A command may open a quick pick of its own in the place of the palette: what is typed then is not for the palette.
    const left = async (): Promise<boolean> => {
      if (!(await input.isVisible())) return true;
      return !(await input.inputValue({ timeout: 1_000 }).catch(() => '')).startsWith('>');
    };
    for (let i = 0; i < 200 && !(await left()); i++) await sleep(50);
  }

  /** The rows of the quick pick that is open. */
  get picks(): Locator {
    return this.page.locator('.quick-input-list .monaco-list-row');
  }

  /** Chooses a row of the quick pick that is open; `typed` narrows it first, since only rows on screen are there. */
  async pick(text: string | RegExp, typed?: string): Promise<void> {
    await this.picks.first().waitFor({ timeout: 10_000 });
    if (typed !== undefined) await this.page.keyboard.type(typed);
    const row = this.picks.filter({ hasText: text }).first();
    await row.waitFor({ timeout: 10_000 });
    await row.click();
  }

  async openFile(name: string): Promise<void> {
    const input = await this.#quickInput('Control+P');
    await input.fill(name);
    await this.page
      .locator('.quick-input-list .monaco-list-row', { hasText: name })
      .first()
      .waitFor({ timeout: 15_000 });
    await this.page.keyboard.press('Enter');
    await this.tab(name).waitFor({ timeout: 15_000 });
  }

  tab(name: string): Locator {
    return this.page.locator('.tab', { hasText: name }).first();
  }

  /** Follows the link at a place of the editor, by the keyboard, until a tab of that name is there: links are found a moment after the text. */
  async followLink(line: number, column: number, tab: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      await this.goToLine(line, column);
      await this.command('Open Link');
      try {
        await this.tab(tab).waitFor({ timeout: 4_000 });
        return;
      } catch (error) {
        if (tries === 4) throw error;
      }
    }
  }

  async goToLine(line: number, column = 1): Promise<void> {
    const input = await this.#quickInput('Control+G');
    await input.fill(`:${line}:${column}`);
    await this.page.keyboard.press('Enter');
  }

  /** Points at a word of the editor and returns what the hover says. */
  async hover(line: number, word: string): Promise<string> {
    await this.goToLine(line);
    await this.page.mouse.move(700, 5);
    const text = this.page.locator('.monaco-editor .view-line').filter({ hasText: word });
    const current = this.page.locator(`.monaco-editor .line-numbers.active-line-number`).first();
    await current.waitFor();
    const box = (await current.boundingBox())!;
    // Of several such lines the one at the cursor.
    for (const candidate of await text.all()) {
      const at = (await candidate.boundingBox())!;
      if (Math.abs(at.y - box.y) > 3) continue;
      const span = candidate.locator('span span', { hasText: word }).first();
      await span.hover();
      const hover = this.page.locator('.monaco-hover:not(.hidden) .hover-contents').filter({ hasText: /\S/ });
      await hover.first().waitFor({ timeout: 20_000 });
      await sleep(600);
      return (await hover.allInnerTexts()).join('\n');
    }
    throw new Error(`line ${line} shows no "${word}"`);
  }

  /** The frame of our webview: it is found by what is in it, since its name says nothing. */
  async webview(selector: string, timeout = 20_000): Promise<Frame> {
    const end = Date.now() + timeout;
    for (;;) {
      for (const frame of this.page.frames())
        if (frame !== this.page.mainFrame())
          try {
            if ((await frame.locator(selector).count()) > 0) return frame;
          } catch {
            // the frame was replaced meanwhile
          }
      if (Date.now() > end) throw new Error(`no webview has ${selector}`);
      await sleep(100);
    }
  }

  /** Lines that must not be in VS Code's logs: errors of our extension, and broken content security policies. */
  problems(): readonly string[] {
    const logs = path.join(this.server.folder, 'user/logs');
    const files = readdirSync(logs, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.log'));
    const lines = files.flatMap((name) => {
      const ours = name.includes('Service Traffic');
      return readFileSync(path.join(logs, name), 'utf8')
        .split('\n')
        .filter((line) =>
          ours ? /\[error\]/.test(line) : /service-traffic/i.test(line) && /\[error\]|CSP|Refused/.test(line),
        )
        .map((line) => `${path.basename(name)}: ${line}`);
    });
    return [...this.complaints, ...lines];
  }
}

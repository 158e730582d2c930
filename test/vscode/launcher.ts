#!/usr/bin/env node
/**
 * Stands in for the VS Code executable that @vscode/test-electron starts: takes its spelling of the command line, and runs the suite in the
 * real extension host of VS Code's server, whose workbench is shown in a headless Chromium.
 *   launcher.ts [FOLDER] --extensionDevelopmentPath=DIR --extensionTestsPath=FILE [--install-extension=VSIX]
 * Exit code: 0 all passed; 1 a test failed; 2 the suite did not come to its end. VS Code reports success when its extension host dies in mid-run:
 * a pass must be proved by the file that the suite writes (EXTENSION_TEST_RESULT).
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { format, parseArgs } from 'node:util';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../../scripts/vscode/browser.ts';
import { remoteUri, startServer, workbenchUrl, type RunningServer } from '../../scripts/vscode/server.ts';

interface Ended {
  readonly code: number;
  /** Why it is no result, where it is none. */
  readonly why?: string;
}

const PATIENCE = 180_000;
const { values, positionals } = parseArgs({
  strict: false, // --user-data-dir and the like: every run has a fresh profile of its own
  allowPositionals: true,
  options: {
    extensionDevelopmentPath: { type: 'string', multiple: true },
    extensionTestsPath: { type: 'string' },
    'install-extension': { type: 'string', multiple: true },
  },
});
const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
const folder = positionals.map((given) => path.resolve(given)).find((given) => existsSync(given));
const scratch = mkdtempSync(path.join(tmpdir(), 'service-traffic-suite-'));
const resultFile = path.join(scratch, 'result.json');

let server: RunningServer | undefined;
let browser: Browser | undefined;
let stopping: Promise<void> | undefined;
function stop(): Promise<void> {
  return (stopping ??= (async () => {
    await browser?.close().catch(() => undefined);
    await server?.stop();
    rmSync(scratch, { recursive: true, force: true });
  })());
}
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void stop().then(() => process.exit(2)));

async function run(): Promise<Ended> {
  server = await startServer({
    development: true,
    lean: true,
    install: strings(values['install-extension']),
    settings: JSON.parse(process.env['TEST_SETTINGS'] ?? '{}') as Record<string, unknown>,
    env: { EXTENSION_TEST_RESULT: resultFile },
  });
  browser = await launchBrowser('The test in a real VS Code');
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  const outcome = Promise.withResolvers<Ended>();
  // The workbench looks for these two on its window, as it does for its own tests.
  await page.exposeFunction('codeAutomationLog', (kind: string, args: unknown[]) => {
    const text = format(...args);
    if (
      /^(Resolv|Creating a socket|\[|Ignoring fetching|Updating additional|Timed out waiting for auth|DialogService|%c)/.test(
        text,
      )
    )
      return;
    (kind === 'error' ? process.stderr : process.stdout).write(text + '\n');
  });
  await page.exposeFunction('codeAutomationExit', (code: number) => outcome.resolve({ code }));
  page.on('crash', () => outcome.resolve({ code: 2, why: 'the page crashed' }));
  const running = server;
  await page.goto(
    workbenchUrl(running, folder, [
      ...strings(values.extensionDevelopmentPath).map(
        (own) => ['extensionDevelopmentPath', remoteUri(running, path.resolve(own))] as const,
      ),
      ['extensionTestsPath', remoteUri(running, path.resolve(String(values.extensionTestsPath)))],
      ['skipWelcome', 'true'],
    ]),
  );
  await page.waitForSelector('.monaco-workbench', { timeout: 60_000 });
  page.on('framenavigated', (frame) => {
    if (frame === page.mainFrame())
      outcome.resolve({ code: 2, why: 'the window was loaded again, and the suite with it' });
  });
  return Promise.race([
    outcome.promise,
    running.ended.then(() => ({ code: 2, why: "VS Code's server ended" })),
    sleep(PATIENCE, { code: 2, why: `no end within ${PATIENCE / 1000} s` }, { ref: false }),
  ]);
}

let code = 2;
try {
  const ended = await run();
  const result = existsSync(resultFile)
    ? (JSON.parse(readFileSync(resultFile, 'utf8')) as { tests: number; passes: number; failures: number })
    : undefined;
  if (ended.why) console.error(`The suite did not come to its end: ${ended.why}.`);
  else if (!result)
    console.error(
      'VS Code says that the suite ended, but it left no result. ' +
        (/Extension Host Process exited with code[^\n]*/.exec(server?.output() ?? '')?.[0] ??
          'The extension host said nothing.'),
    );
  else console.log(`${result.passes} of ${result.tests} passed`);
  if (!ended.why && result) code = ended.code !== 0 || result.failures > 0 || result.passes === 0 ? 1 : 0;
} catch (error) {
  console.error(error, server?.output().slice(-4000));
} finally {
  await stop();
}
process.exit(code);

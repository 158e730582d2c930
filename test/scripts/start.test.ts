import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

const root = path.resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(os.tmpdir(), 'service-traffic-desktop-'));
after(() => {
  rmSync(folder, { recursive: true });
});

/** Stands in for a desktop's `code`: tells what it was started with, and with `window` goes on until it is ended. */
function desktop(window: boolean): Promise<{ told: Told; profileLeft: boolean; status: number | null }> {
  const tell = path.join(folder, 'told.json');
  const stays = window ? 'setInterval(() => {}, 1000); process.kill(process.ppid, "SIGINT");' : '';
  writeFileSync(
    path.join(folder, 'code'),
    `#!${process.execPath}
const { readFileSync, writeFileSync } = require('node:fs');
const args = process.argv.slice(2);
const user = args.find((arg) => arg.startsWith('--user-data-dir=')).slice(16);
const settings = JSON.parse(readFileSync(user + '/User/settings.json', 'utf8'));
writeFileSync(user + '/code.lock', String(process.pid));
writeFileSync(${JSON.stringify(tell)}, JSON.stringify({ args, user, settings, start: process.env.SERVICE_TRAFFIC_START }));
${stays}
`,
  );
  chmodSync(path.join(folder, 'code'), 0o755);
  const env = { ...process.env, PATH: `${folder}${path.delimiter}${process.env['PATH']}`, DISPLAY: ':99' };
  delete (env as Record<string, unknown>)['VSCODE_IPC_HOOK_CLI'];
  const started = spawn(process.execPath, [path.join(root, 'scripts/start.ts')], { env, stdio: 'ignore' });
  return once(started, 'exit').then(([status]) => {
    const told = JSON.parse(readFileSync(tell, 'utf8')) as Told;
    return { told, profileLeft: existsSync(told.user), status: status as number | null };
  });
}

interface Told {
  readonly args: readonly string[];
  readonly user: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly start: string;
}

for (const [how, window] of [
  ['its window is closed', false],
  ['Ctrl-C is pressed', true],
] as const)
  test(`A desktop's VS Code opens on the sample with a profile of its own, which is gone when ${how}`, async () => {
    const { told, profileLeft, status } = await desktop(window);
    const { args, settings, start } = told;
    assert.ok(args.includes(`--extensionDevelopmentPath=${root}`));
    assert.deepEqual(args.slice(-2), [path.join(root, 'samples'), path.join(root, 'samples/shop.yaml')]);
    assert.equal(args.includes('--no-sandbox'), process.getuid?.() === 0);
    assert.equal(settings['serviceTraffic.recording'], path.join(root, 'samples/shop'));
    assert.equal(start, '1');
    assert.equal(profileLeft, false);
    assert.equal(status, 0);
  });

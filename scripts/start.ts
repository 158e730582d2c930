/**
 * npm start: builds the extension and opens VS Code with it, on the sample or on what the options say. The desktop's VS Code where
 * there is one and a display, else VS Code's server on 127.0.0.1, whose address is printed. Ctrl-C ends it and leaves nothing
 * running. Nothing of the user's own VS Code is read or changed.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { commandPath } from './machine.ts';
import { build } from './build.ts';
import { packageExtension } from './package.ts';
import { remoteUri, startServer, workbenchUrl } from './vscode/server.ts';

const root = path.resolve(import.meta.dirname, '..');
/** Opened whatever cluster is shown: a YAML file is what wakes the extension, and there is something to hover over. */
const samples = path.join(root, 'samples');
const yaml = path.join(samples, 'shop.yaml');
/** Paths in options are relative to where npm was called. */
const base = process.env['INIT_CWD'] ?? process.cwd();
const HELP = `npm start -- [--recording DIR_OR_ZIP | --kubeconfig FILE] [--port N] [--browser]

  --recording   a recorded cluster to look at; without it and --kubeconfig: the sample
  --kubeconfig  the live cluster of this file's current context
  --port        the port of VS Code's server on 127.0.0.1; without it some free one
  --browser     VS Code's server in a browser, even where there is a desktop VS Code`;

interface Wanted {
  readonly settings: Readonly<Record<string, string>>;
  readonly port?: number;
  readonly browser: boolean;
}

/** Says what is wrong with the command line, and how it is meant. */
function refuse(message: string): never {
  console.error(`${message}\n\n${HELP}`);
  process.exit(2);
}

function readOptions(): Wanted {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        recording: { type: 'string' },
        kubeconfig: { type: 'string' },
        port: { type: 'string' },
        browser: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  if (values.recording !== undefined && values.kubeconfig !== undefined)
    refuse('--recording and --kubeconfig cannot both be shown: choose one.');
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65536))
    refuse(`--port is ${values.port}; a number from 1 to 65535 was expected.`);
  const common = { browser: values.browser || port !== undefined, ...(port !== undefined && { port }) };
  if (values.kubeconfig !== undefined) {
    const file = path.resolve(base, values.kubeconfig);
    if (!existsSync(file) || !statSync(file).isFile()) refuse(`--kubeconfig: there is no file ${file}.`);
    return { ...common, settings: { 'serviceTraffic.kubeconfig': file } };
  }
  if (values.recording !== undefined) {
    const recording = path.resolve(base, values.recording);
    if (!existsSync(recording)) refuse(`--recording: there is no ${recording}.`);
    return { ...common, settings: { 'serviceTraffic.recording': recording } };
  }
  return { ...common, settings: { 'serviceTraffic.recording': path.join(samples, 'shop') } };
}

/** Opens the side bar at once: see src/extension.ts. */
const SHOWN = { SERVICE_TRAFFIC_START: '1' };

/** Listens on, since Ctrl-C comes twice: to the whole group, and passed on by what started us. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
}

async function inBrowser(wanted: Wanted): Promise<void> {
  const vsix = await packageExtension();
  const server = await startServer({
    settings: wanted.settings,
    env: SHOWN,
    install: [vsix],
    folder: samples,
    ...(wanted.port !== undefined && { port: wanted.port }),
  });
  const payload = [['openFile', remoteUri(server, yaml)] as const];
  console.log(
    `\nVS Code with Service Traffic, in a browser on this machine:\n\n  ${workbenchUrl(server, samples, payload)}\n\nCtrl-C ends it.`,
  );
  await Promise.race([untilStopped(), server.ended]);
  await server.stop();
}

async function onDesktop(code: string, wanted: Wanted): Promise<void> {
  await build(false);
  const profile = mkdtempSync(path.join(tmpdir(), 'service-traffic-start-'));
  const user = path.join(profile, 'user');
  mkdirSync(path.join(user, 'User'), { recursive: true });
  writeFileSync(
    path.join(user, 'User/settings.json'),
    JSON.stringify({ ...wanted.settings, 'workbench.startupEditor': 'none', 'telemetry.telemetryLevel': 'off' }),
  );
  const args = [
    `--extensionDevelopmentPath=${root}`,
    `--user-data-dir=${user}`,
    `--extensions-dir=${path.join(profile, 'extensions')}`,
    '--disable-workspace-trust',
    // Chromium has no sandbox for root, and VS Code does not start without being told so.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    '--new-window',
    '--wait',
    samples,
    yaml,
  ];
  console.log('VS Code opens in a window of its own. Closing it, or Ctrl-C, ends it.');
  const child = spawn(code, args, {
    stdio: 'inherit',
    env: { ...process.env, ...SHOWN },
    shell: process.platform === 'win32',
  });
  const closed = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await Promise.race([untilStopped(), closed]);
  child.kill();
  // The window's process is no child of ours: VS Code leaves its number in its own folder.
  try {
    process.kill(Number(readFileSync(path.join(user, 'code.lock'), 'utf8')));
  } catch {
    // closed already
  }
  await closed;
  rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}

const wanted = readOptions();
const code = commandPath('code');
const display =
  process.platform === 'win32' ||
  process.platform === 'darwin' ||
  process.env['DISPLAY'] ||
  process.env['WAYLAND_DISPLAY'];
// Inside a remote VS Code's terminal, `code` only passes files to the window that is there.
const desktop = code !== undefined && display && !process.env['VSCODE_IPC_HOOK_CLI'] && !wanted.browser;
try {
  await (desktop ? onDesktop(code, wanted) : inBrowser(wanted));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

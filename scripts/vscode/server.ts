import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installServer } from './install.ts';

export interface ServerOptions {
  /** Some free port where it is left out. */
  readonly port?: number;
  /** User settings. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Added to the environment, also the extension host's. */
  readonly env?: Readonly<Record<string, string>>;
  /** Lets a page load an extension from a folder, and run tests; without it only what is installed is loaded. */
  readonly development?: boolean;
  /** Built-in extensions with code are left out: quicker, and the host's memory is the tested extension's. */
  readonly lean?: boolean;
  /** VSIX files to install. */
  readonly install?: readonly string[];
  /** Called with everything that the server prints. */
  readonly log?: (text: string) => void;
  /** Opened where the address names no folder. */
  readonly folder?: string;
}

export interface RunningServer {
  /** "http://127.0.0.1:41234" */
  readonly base: string;
  /** What extension and folder URIs name: "127.0.0.1:41234". */
  readonly authority: string;
  /** The server's own folder with its logs and settings; gone after stop(). */
  readonly folder: string;
  /** All that it printed so far. */
  output(): string;
  /** Settles when the server has ended, by itself or by stop(). */
  readonly ended: Promise<void>;
  /** Ends the server, its extension hosts and terminals, and removes its folder. */
  stop(): Promise<void>;
}

/** They only try to reach the internet. */
const QUIET = [
  'GitHub.copilot-chat',
  'vscode.github',
  'vscode.github-authentication',
  'vscode.microsoft-authentication',
  'vscode.tunnel-forwarding',
  'ms-vscode.js-debug-companion',
  'ms-vscode.vscode-js-profile-table',
];
const WITH_CODE =
  'emmet typescript-language-features markdown-math npm merge-conflict extension-editing configuration-editing debug-auto-launch debug-server-ready git git-base json-language-features css-language-features html-language-features php-language-features grunt gulp jake ipynb terminal-suggest mermaid-markdown-features simple-browser media-preview references-view search-result';

/** A workbench that keeps still and asks for nothing. */
const SETTINGS = {
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'git.openRepositoryInParentFolders': 'never',
  'npm.fetchOnlinePackageInfo': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'window.commandCenter': false,
  'window.confirmBeforeClose': 'never',
  'workbench.editor.useModal': 'off',
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
};

/**
 * Starts VS Code's server on 127.0.0.1 (installing it first, where it is missing) in a folder of its own: nothing of the user's
 * VS Code or home is read or changed.
 * @throws Error with the server's own words where it does not come up within 30 s, and one that says so where the port is not free:
 * whoever has it would answer in our server's place.
 */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  if (options.port !== undefined) await mustBeFree(options.port);
  const { main } = installServer();
  const folder = mkdtempSync(path.join(tmpdir(), 'service-traffic-vscode-'));
  const [user, extensions, home] = ['user', 'extensions', 'home'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(extensions);
  mkdirSync(home);
  // Settings that belong to a machine are read from another file than the user's.
  const settings = JSON.stringify({ ...SETTINGS, ...options.settings }, null, 2);
  for (const kind of ['User', 'Machine']) {
    mkdirSync(path.join(user, kind), { recursive: true });
    writeFileSync(path.join(user, kind, 'settings.json'), settings);
  }
  const skipped = options.lean
    ? [...QUIET, ...WITH_CODE.split(' ').map((name) => `vscode.${name}`), 'ms-vscode.js-debug']
    : QUIET;
  const env = {
    ...process.env,
    HOME: home,
    NODE_OPTIONS: '',
    VSCODE_IPC_HOOK_CLI: '',
    EXTENSIONS_GALLERY: '{}', // no marketplace
    VSCODE_SKIP_BUILTIN_EXTENSIONS: skipped.join(','),
    ...options.env,
  };
  const folders = [
    '--user-data-dir',
    user,
    '--extensions-dir',
    extensions,
    '--server-data-dir',
    path.join(folder, 'server'),
  ];
  for (const vsix of options.install ?? [])
    execFileSync(
      process.execPath,
      [main, '--accept-server-license-terms', ...folders, '--install-extension', vsix, '--force'],
      {
        env,
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );

  const port = options.port ?? (await freePort());
  const args = [
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    '--without-connection-token',
    '--accept-server-license-terms',
  ];
  const quiet = [
    '--disable-telemetry',
    '--disable-experiments',
    '--disable-update-check',
    '--disable-workspace-trust',
    '--disable-getting-started-override',
  ];
  const opened = options.folder ? ['--default-folder', options.folder] : [];
  const smoke = options.development ? ['--enable-smoke-test-driver'] : [];
  // A process group of its own: ending it ends the extension hosts too, and nothing else.
  const child = spawn(process.execPath, [main, ...args, ...folders, ...quiet, ...opened, ...smoke], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => {
      text += String(data);
      options.log?.(String(data));
    });
  let gone = false;
  const ended = new Promise<void>((resolve) =>
    child.once('exit', () => {
      gone = true;
      resolve();
    }),
  );
  const signal = (name: NodeJS.Signals): void => {
    try {
      process.kill(-child.pid!, name);
    } catch {
      // the whole group is gone
    }
  };
  const clean = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  const atExit = (): void => {
    signal('SIGKILL');
    clean();
  };
  process.once('exit', atExit);
  const stop = async (): Promise<void> => {
    signal('SIGTERM');
    await Promise.race([ended, sleep(2500)]);
    signal('SIGKILL');
    await ended;
    process.removeListener('exit', atExit);
    clean();
  };
  const base = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + 30_000;
  while (!(await answers(base))) {
    if (!gone && performance.now() < deadline) {
      await sleep(50);
      continue;
    }
    await stop();
    throw new Error(`VS Code's server ${gone ? 'ended at once' : 'did not come up within 30 s'}:\n${text}`);
  }
  return { base, authority: `127.0.0.1:${port}`, folder, output: () => text, ended, stop };
}

async function answers(base: string): Promise<boolean> {
  try {
    const response = await fetch(base, { redirect: 'manual', signal: AbortSignal.timeout(5000) });
    await response.arrayBuffer();
    return response.status < 500;
  } catch {
    return false;
  }
}

function mustBeFree(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) => {
      const why =
        code === 'EADDRINUSE' ? 'is in use' : code === 'EACCES' ? 'needs root' : `cannot be listened on (${code})`;
      reject(new Error(`Port ${port} of 127.0.0.1 ${why}. Choose another one, or leave it out for one that is free.`));
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

/** A folder of this machine as the workbench's page names it. */
export function remoteUri(server: RunningServer, folder: string): string {
  return `vscode-remote://${server.authority}${folder.split(path.sep).map(encodeURIComponent).join('/')}`;
}

/**
 * The page with a folder opened. `payload` are pairs that the workbench takes from its address, such as
 * ["extensionDevelopmentPath", remoteUri(…)].
 */
export function workbenchUrl(
  server: RunningServer,
  folder: string | undefined,
  payload: readonly (readonly [string, string])[] = [],
): string {
  const url = new URL(server.base);
  if (folder === undefined) url.searchParams.set('ew', 'true');
  else if (folder.endsWith('.code-workspace')) url.searchParams.set('workspace', folder);
  else url.searchParams.set('folder', folder);
  if (payload.length > 0) url.searchParams.set('payload', JSON.stringify(payload));
  return url.toString();
}

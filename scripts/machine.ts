import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

/**
 * What a level of the tests needs of the machine, as Debian's packages, and how to see that one is there: a command on
 * PATH, or a file. Add a line when a level needs something new.
 */
const PRESENT = {
  chromium: () => onPath('chromium') || onPath('chromium-browser'),
  'fonts-liberation': () => anyFile('/usr/share/fonts/truetype/liberation', '/usr/share/fonts/truetype/liberation2'),
  'fonts-noto-core': () => anyFile('/usr/share/fonts/truetype/noto'),
  'fonts-wqy-zenhei': () => anyFile('/usr/share/fonts/truetype/wqy'),
  iptables: () => onPath('iptables-save'),
  nftables: () => onPath('nft'),
  ipset: () => onPath('ipset'),
  conntrack: () => onPath('conntrack'),
  iproute2: () => onPath('ip'),
  openssl: () => onPath('openssl'),
  'golang-go': () => onPath('go'),
  python3: () => onPath('python3'),
  'ca-certificates': () => existsSync('/etc/ssl/certs/ca-certificates.crt'),
} satisfies Record<string, () => boolean>;

export type MachinePackage = keyof typeof PRESENT;

/**
 * Installs the packages that are not there, with apt-get as root or through sudo, and says on standard error what and
 * why. Does nothing, and asks for nothing, where all are there.
 * @param why completes "… needs": "the test in a real VS Code".
 * @throws Error that says what to install by hand, where there is no apt-get, no right, or the install fails.
 */
export function ensurePackages(packages: readonly MachinePackage[], why: string): void {
  const missing = packages.filter((name) => !PRESENT[name]());
  if (missing.length === 0) return;
  const list = missing.join(' ');
  if (!onPath('apt-get'))
    throw new Error(`${why} needs ${list}; there is no apt-get here. Install them and try again.`);
  const root = process.getuid?.() === 0;
  if (!root && !onPath('sudo'))
    throw new Error(`${why} needs ${list}. As root: apt-get install -y --no-install-recommends ${list}`);
  console.error(`${why} needs ${list}: installing (apt-get${root ? '' : ' through sudo'}) …`);
  const apt = (...args: string[]): boolean => {
    const command = [...(root ? [] : ['sudo']), 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...args];
    // Its chatter belongs on standard error: some levels print JSON on standard output.
    return (
      spawnSync(command[0]!, command.slice(1), { stdio: ['inherit', process.stderr, process.stderr] }).status === 0
    );
  };
  const install = (): boolean => apt('install', '-y', '--no-install-recommends', ...missing);
  // A fresh machine's lists of packages are empty or old; only then are they fetched.
  if (!install() && !(apt('update') && install()))
    throw new Error(`apt-get could not install ${list}; its own words are above. Install them by hand and try again.`);
  const still = missing.filter((name) => !PRESENT[name]());
  if (still.length > 0)
    throw new Error(`apt-get installed ${still.join(' ')}, yet they are not where they are expected.`);
}

/** The absolute path of a command on PATH (and in the sbin folders, which are not on everybody's), or undefined. */
export function commandPath(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  for (const folder of folders) {
    if (folder === '') continue;
    const file = path.join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

function onPath(name: string): boolean {
  return commandPath(name) !== undefined;
}

function anyFile(...folders: string[]): boolean {
  return folders.some((folder) => existsSync(folder) && readdirSync(folder).length > 0);
}

// bootstrap.mjs FILE [ARG…]: installs the project's packages where they are missing or out of date, then runs FILE
// with the project's own Node. The machine's Node may be as old as 20; the sources need 22's type stripping and more.
// Plain JavaScript, since the old Node runs it. Its own words go to standard error: standard output is FILE's.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const modules = path.join(root, 'node_modules');
const stamp = path.join(modules, '.service-traffic.lock');
const lock = createHash('sha256')
  .update(readFileSync(path.join(root, 'package-lock.json')))
  .digest('hex');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  console.error('Installing the packages of package-lock.json (npm ci) …');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) {
    console.error('npm ci failed; its own words are above. A package registry must be reachable the first time.');
    process.exit(2);
  }
  writeFileSync(stamp, lock);
}

const own = path.join(modules, '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
const major = Number(process.versions.node.split('.')[0]);
if (!existsSync(own) && major < 24) {
  console.error(`npm brought no Node for ${process.platform}-${process.arch}; install Node 24 or newer and try again.`);
  process.exit(2);
}
const node = existsSync(own) ? own : process.execPath;
const [file, ...args] = process.argv.slice(2);
const child = spawn(node, ['--disable-warning=ExperimentalWarning', path.join(root, file), ...args], {
  stdio: 'inherit',
  env: { ...process.env, PATH: `${path.join(modules, '.bin')}${path.delimiter}${process.env.PATH}` },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
// npm, when it is ended itself, passes no signal on: what it ran would go on without anybody.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && child.kill(), 500).unref();
child.on('exit', (code, signal) => process.exit(signal ? 130 : (code ?? 1)));

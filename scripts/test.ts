/**
 * npm test: every level, one after another. `npm test -- unit kernel` runs some of them; each also has a command of its
 * own (npm run test:unit …). Exit code 0 only where every level that ran has passed; in CI (CI=true) none is skipped.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { whyNoRig } from '../test/cluster/rig.ts';
import { whyNoKernel } from '../test/kernel/oracle.ts';
import { commandPath } from './machine.ts';

const root = path.resolve(import.meta.dirname, '..');

/** The test files below a folder, sorted. */
function files(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => path.join(folder, name))
    .sort();
}

function inBrowser(file: string): boolean {
  return file.startsWith(path.join('test/webview/browser'));
}

interface Level {
  /** Two levels may have one name: the second needs more of the machine than the first. */
  readonly name: string;
  /** What of the name's level this is, where it is not all. */
  readonly part?: string;
  /** Why it cannot run here; undefined where it can. In CI it runs, and fails, all the same. */
  readonly whyNot?: () => string | undefined;
  readonly commands: () => readonly (readonly string[])[];
}

const UNIT = ['kubernetes', 'netfilter', 'kubeproxy', 'diagnosis', 'translation', 'views', 'webview', 'cli', 'scripts'];

/** Of test/drift: what asks more than the recordings, and has a part of its own. */
const JUDGED: ReadonlySet<string> = new Set(['kernel.test.ts', 'random.test.ts']);

/** As many files at a time as there are cores; Node leaves one of them unused. */
const TOGETHER = `--test-concurrency=${os.availableParallelism()}`;

const LEVELS: readonly Level[] = [
  {
    name: 'check',
    commands: () => [
      ['prettier', '--check', '--log-level=warn', '.'],
      ['eslint', '.'],
      ['tsc', '-p', '.'],
      ['tsc', '-p', 'src/webview'],
      ['tsc', '-p', 'test/webview'],
    ],
  },
  {
    name: 'unit',
    commands: () => [
      [
        'node',
        '--test',
        TOGETHER,
        ...UNIT.flatMap((folder) => safe(() => files(`test/${folder}`))).filter((file) => !inBrowser(file)),
      ],
    ],
  },
  {
    // The diagram's page in a browser: the four themes, axe, the keyboard.
    name: 'page',
    commands: () => [['node', '--test', ...files('test/webview/browser')]],
  },
  {
    // Recorded nodes broken on purpose: is every break that matters drift, and no other?
    name: 'drift',
    commands: () => [
      ['node', '--test', TOGETHER, ...files('test/drift').filter((file) => !JUDGED.has(path.basename(file)))],
    ],
  },
  {
    name: 'drift',
    part: 'a sample of the breaks, judged by the kernel',
    whyNot: whyNoKernel,
    commands: () => [['node', '--test', 'test/drift/kernel.test.ts']],
  },
  {
    name: 'drift',
    part: 'random clusters, judged by real kube-proxies',
    whyNot: whyNoRig,
    commands: () => [['node', '--test', 'test/drift/random.test.ts']],
  },
  {
    // One cluster at a time: each has its own processes and names, but the machine has few cores.
    name: 'cluster',
    whyNot: whyNoRig,
    commands: () => [['node', '--test', '--test-concurrency=1', ...files('test/cluster')]],
  },
  {
    // Each file asks in namespaces of its own.
    name: 'kernel',
    whyNot: whyNoKernel,
    commands: () => [['node', '--test', TOGETHER, ...files('test/kernel')]],
  },
  {
    // kube-proxy's own tests of where packets go, taken out of its source and put to the trace.
    name: 'flows',
    whyNot: () =>
      whyNoKernel() ?? (commandPath('go') ? undefined : 'Go builds kube-proxy’s tests, and it is not on PATH'),
    commands: () => [['node', '--test', ...files('test/flows')]],
  },
  {
    // VS Code itself: the suite in its extension host (development folder and VSIX), then a drive with pointer and keys.
    name: 'vscode',
    commands: () => [
      ['node', 'test/vscode/run.ts'],
      ['node', '--test', ...files('test/vscode')],
    ],
  },
];

function safe(list: () => string[]): string[] {
  try {
    return list();
  } catch {
    return []; // a station without tests yet
  }
}

function labelOf({ name, part }: Level): string {
  return part === undefined ? name : `${name} (${part})`;
}

function run(command: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command[0]!, command.slice(1), { cwd: root, stdio: 'inherit' });
    child.on('error', (error) => {
      console.error(String(error));
      resolve(1);
    });
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !LEVELS.some((level) => level.name === name));
if (unknown.length > 0) {
  console.error(
    `No such level: ${unknown.join(', ')}. There are: ${[...new Set(LEVELS.map((level) => level.name))].join(', ')}.`,
  );
  process.exit(2);
}

const leftOut: string[] = [];
const results: { name: string; failed: boolean; seconds: number }[] = [];
for (const level of LEVELS) {
  if (chosen.length > 0 && !chosen.includes(level.name)) continue;
  const why = process.env['CI'] === 'true' ? undefined : level.whyNot?.();
  if (why !== undefined) {
    console.log(`\n=== ${labelOf(level)}: left out: ${why}`);
    leftOut.push(labelOf(level));
    continue;
  }
  const start = performance.now();
  let failed = false;
  for (const command of level.commands()) {
    console.log(`\n=== ${labelOf(level)}: ${command.slice(0, 3).join(' ')}${command.length > 3 ? ' …' : ''}`);
    if ((await run(command)) !== 0) failed = true;
  }
  results.push({ name: labelOf(level), failed, seconds: (performance.now() - start) / 1000 });
}

console.log('');
for (const { name, failed, seconds } of results)
  console.log(`${failed ? 'FAILED' : 'passed'}  ${name.padEnd(10)} ${seconds.toFixed(0)} s`);
const failures = results.filter((result) => result.failed).length;
for (const name of leftOut) console.log(`left out ${name}`);
console.log(`${results.length - failures} passed, ${failures} failed`);
process.exit(failures ? 1 : 0);

/**
 * npm run bench:activation: what the built extension costs VS Code, measured in a real one. Activation against an extension that does nothing, and the
 * first tree of the sample. Printed, not asserted: machines differ.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { build as bundle } from 'esbuild';
import { packageExtension } from '../../scripts/package.ts';

const root = path.resolve(import.meta.dirname, '../..');
const RUNS = 5;

interface Measured {
  /** Milliseconds: loading the code, and running activate(). */
  readonly load: number;
  readonly activate: number;
  readonly emptyLoad: number;
  readonly emptyActivate: number;
  /** From asking for the first rows to having them, with the recording opened for it. */
  readonly firstTree: number;
}

/** An extension with an activate() that does nothing, as a development folder. */
function emptyExtension(folder: string): string {
  const empty = path.join(folder, 'empty');
  mkdirSync(empty, { recursive: true });
  const manifest = {
    name: 'empty',
    publisher: 'service-traffic-bench',
    version: '0.0.1',
    type: 'module',
    engines: { vscode: '^1.110.0' },
    extensionKind: ['workspace'],
    main: './extension.js',
    activationEvents: [],
  };
  writeFileSync(path.join(empty, 'package.json'), JSON.stringify(manifest));
  writeFileSync(
    path.join(empty, 'extension.js'),
    "import * as vscode from 'vscode';\nexport function activate() { return vscode.version; }\n",
  );
  return empty;
}

function measure(vsix: string, folder: string, empty: string, suite: string): Measured {
  const file = path.join(folder, 'measured.json');
  const launcher = path.join(root, 'test/vscode/launcher.ts');
  const args = [
    path.join(root, 'samples'),
    `--extensionDevelopmentPath=${empty}`,
    `--extensionTestsPath=${suite}`,
    `--install-extension=${vsix}`,
  ];
  const settings = { 'serviceTraffic.recording': path.join(root, 'samples/shop') };
  const { status, stderr } = spawnSync(process.execPath, [launcher, ...args], {
    encoding: 'utf8',
    env: { ...process.env, BENCH_FILE: file, TEST_SETTINGS: JSON.stringify(settings) },
  });
  if (status !== 0) throw new Error(`a run failed:\n${stderr}`);
  return JSON.parse(readFileSync(file, 'utf8')) as Measured;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

const folder = mkdtempSync(path.join(tmpdir(), 'service-traffic-bench-'));
try {
  const suite = path.join(folder, 'suite.cjs');
  await bundle({
    absWorkingDir: root,
    entryPoints: ['test/bench/activation-suite.ts'],
    outfile: suite,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    external: ['vscode'],
    logLevel: 'error',
  });
  const vsix = await packageExtension();
  const empty = emptyExtension(folder);
  const runs: Measured[] = [];
  for (let i = 0; i < RUNS; i++) runs.push(measure(vsix, folder, empty, suite));
  const of = (pick: (run: Measured) => number): string =>
    `${median(runs.map(pick)).toFixed(0)} ms (${runs.map((run) => pick(run).toFixed(0)).join(', ')})`;
  console.log(`Medians of ${RUNS} windows, VS Code's server in a browser:`);
  console.log(`  load code           ${of((run) => run.load)}; an empty extension ${of((run) => run.emptyLoad)}`);
  console.log(
    `  activate            ${of((run) => run.activate)}; an empty extension ${of((run) => run.emptyActivate)}`,
  );
  console.log(`  beyond an empty one ${of((run) => run.load + run.activate - run.emptyLoad - run.emptyActivate)}`);
  console.log(`  first tree          ${of((run) => run.firstTree)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

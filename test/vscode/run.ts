/**
 * The extension-host suite in a real VS Code, through @vscode/test-electron's runTests with our launcher as the executable: with the
 * packaged VSIX and with the development folder on the sample, and with the VSIX on a real cluster.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { runTests } from '@vscode/test-electron';
import { build as bundle } from 'esbuild';
import { build } from '../../scripts/build.ts';
import { packageExtension } from '../../scripts/package.ts';
import { buildRig, startRig, whyNoRig } from '../cluster/rig.ts';

const root = path.resolve(import.meta.dirname, '../..');
const launcher = path.join(import.meta.dirname, 'launcher.ts');
const suite = path.join(root, 'out/vscode/suite.cjs');
const companion = path.join(import.meta.dirname, 'companion');
const samples = path.join(root, 'samples');

/** Mocha and the tests in one file, since VS Code's extension host loads a file and not TypeScript. */
async function bundleSuite(): Promise<void> {
  mkdirSync(path.dirname(suite), { recursive: true });
  await bundle({
    absWorkingDir: root,
    entryPoints: ['test/vscode/suite/index.ts'],
    outfile: suite,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node22',
    external: ['vscode'],
    sourcemap: 'inline',
    logLevel: 'error',
  });
}

interface Run {
  readonly title: string;
  /** The development extension: ours, or an empty one beside the installed VSIX. */
  readonly extension: string;
  readonly install?: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

async function run({ title, extension, install, settings, env }: Run): Promise<boolean> {
  console.log(`\n--- ${title}`);
  try {
    await runTests({
      vscodeExecutablePath: launcher,
      extensionDevelopmentPath: extension,
      extensionTestsPath: suite,
      launchArgs: [samples, ...(install ? [`--install-extension=${install}`] : [])],
      extensionTestsEnv: { TEST_SETTINGS: JSON.stringify(settings), ...env },
    });
    return true;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return false;
  }
}

/** The VSIX on a real cluster, where this machine can have one. */
async function onCluster(install: string): Promise<boolean> {
  const why = whyNoRig();
  // In CI it is no reason to leave the run out: startRig fails, and says why.
  if (why !== undefined && process.env['CI'] !== 'true') {
    console.log(`\n--- no run on a real cluster: ${why}`);
    return true;
  }
  const rig = await startRig({ prefix: 'stvscode', port: 16_553, nodes: 2 });
  try {
    await rig.kubectl(['apply', '-f', path.join(root, 'test/cluster/manifests/shop.yaml')]);
    await rig.kubectl(['-n', 'shop', 'rollout', 'status', 'deployment/front', '--timeout=60s']);
    await rig.settled();
    const { admin, nobody } = rig.kubeconfigs;
    return await run({
      title: 'the packaged VSIX on a real cluster',
      extension: companion,
      install,
      settings: { 'serviceTraffic.kubeconfig': admin },
      env: { SERVICE_TRAFFIC_TEST: 'cluster', TEST_CLUSTER: JSON.stringify({ kube: await buildRig(), admin, nobody }) },
    });
  } finally {
    await rig.down();
  }
}

const sample = { 'serviceTraffic.recording': path.join(samples, 'shop') };
await bundleSuite();
const vsix = await packageExtension();
const passed = [
  await run({ title: 'the packaged VSIX', extension: companion, install: vsix, settings: sample }),
  await onCluster(vsix),
];
await build(false);
passed.push(await run({ title: 'the development folder', extension: root, settings: sample }));
process.exit(passed.every((one) => one) ? 0 : 1);

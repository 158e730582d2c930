/**
 * The extension-host suite in a real VS Code, through @vscode/test-electron's runTests with our launcher as the executable: once with the
 * development folder, once with the packaged VSIX.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { runTests } from '@vscode/test-electron';
import { build as bundle } from 'esbuild';
import { build } from '../../scripts/build.ts';
import { packageExtension } from '../../scripts/package.ts';

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

async function run(
  title: string,
  extension: string,
  launchArgs: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<boolean> {
  console.log(`\n--- ${title}`);
  const settings = { 'serviceTraffic.recording': path.join(samples, 'shop') };
  try {
    await runTests({
      vscodeExecutablePath: launcher,
      extensionDevelopmentPath: extension,
      extensionTestsPath: suite,
      launchArgs: [samples, ...launchArgs],
      extensionTestsEnv: { TEST_SETTINGS: JSON.stringify(settings), ...env },
    });
    return true;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return false;
  }
}

await bundleSuite();
const vsix = await packageExtension();
const packaged = await run('the packaged VSIX', companion, [`--install-extension=${vsix}`], {});
await build(false);
const development = await run('the development folder', root, [], {});
process.exit(packaged && development ? 0 : 1);

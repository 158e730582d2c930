/**
 * npm run build: the extension into dist/. `--watch` builds again after every change; `--production` minifies (npm run
 * package). A small bundle is loaded at activation; everything behind an `import()` becomes a chunk of its own that is
 * loaded when it is first needed (the Kubernetes client alone costs 250 ms).
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { context, type BuildOptions, type Metafile } from 'esbuild';

const root = path.resolve(import.meta.dirname, '..');

/** The two bundles: what runs in VS Code's extension host, and the pages inside the diagram's and the matrix's panels. */
function bundles(production: boolean): readonly BuildOptions[] {
  const common: BuildOptions = {
    absWorkingDir: root,
    bundle: true,
    metafile: true,
    minify: production,
    sourcemap: production ? false : 'linked',
    logLevel: 'warning',
    legalComments: 'none', // the packages' licences are in ThirdPartyNotices.txt
  };
  return [
    {
      ...common,
      entryPoints: { extension: 'src/extension.ts' },
      outdir: 'dist',
      format: 'esm',
      splitting: true,
      chunkNames: 'chunks/[name]-[hash]',
      platform: 'node',
      target: 'node22',
      // Some packages ship an older build for require() beside their modules; the modules shake better.
      mainFields: ['module', 'main'],
      conditions: ['import', 'module', 'node'],
      external: ['vscode'],
      // The Kubernetes client's CommonJS dependencies call require() for Node's own modules.
      banner: {
        js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
      },
    },
    ...(existsSync(path.join(root, 'src/webview/main.ts'))
      ? [
          {
            ...common,
            entryPoints: { webview: 'src/webview/main.ts', matrix: 'src/webview/matrix/main.ts' },
            outdir: 'dist',
            format: 'esm',
            platform: 'browser',
            target: 'chrome128',
            loader: { '.ttf': 'file' },
          } satisfies BuildOptions,
        ]
      : []),
  ];
}

/**
 * Builds once into dist/.
 * @returns what went into which file, for the notices of licences and for the check of sizes.
 * @throws where a source does not compile; esbuild has said where on standard error.
 */
export async function build(production: boolean): Promise<Metafile> {
  rmSync(path.join(root, 'dist'), { recursive: true, force: true });
  const all: Metafile = { inputs: {}, outputs: {} };
  for (const options of bundles(production)) {
    const running = await context(options);
    try {
      const { metafile } = await running.rebuild();
      Object.assign(all.inputs, metafile?.inputs);
      Object.assign(all.outputs, metafile?.outputs);
    } finally {
      await running.dispose();
    }
  }
  return all;
}

async function watch(): Promise<void> {
  for (const options of bundles(false)) await (await context({ ...options, logLevel: 'info' })).watch();
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { watch: { type: 'boolean' }, production: { type: 'boolean' } } });
  if (values.watch) await watch();
  else {
    const start = performance.now();
    const meta = await build(values.production ?? false);
    mkdirSync(path.join(root, '.cache'), { recursive: true });
    writeFileSync(path.join(root, '.cache/bundle.json'), JSON.stringify(meta)); // for esbuild's bundle analyser
    for (const [file, { bytes }] of Object.entries(meta.outputs).sort((a, b) => b[1].bytes - a[1].bytes))
      if (!file.endsWith('.map') && (!file.includes('chunks') || bytes > 50_000))
        console.error(`${file.padEnd(48)} ${(bytes / 1024).toFixed(0).padStart(6)} KiB`);
    console.error(`built in ${((performance.now() - start) / 1000).toFixed(1)} s`);
  }
}

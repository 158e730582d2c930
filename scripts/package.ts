/**
 * npm run package: the VSIX, into service-traffic.vsix, with the notices of the licences of every package that is really
 * in it. Says how big it is; more than 1.5 MB is an error.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Metafile } from 'esbuild';
import { build } from './build.ts';

const root = path.resolve(import.meta.dirname, '..');
export const VSIX = path.join(root, 'service-traffic.vsix');
const LIMIT = 1.5 * 1024 * 1024;

/** The folders of the packages that gave at least one byte to the bundles, sorted. */
function bundledPackages(meta: Metafile): readonly string[] {
  const folders = new Set<string>();
  for (const { inputs } of Object.values(meta.outputs))
    for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
      const folder = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0];
      if (folder && bytesInOutput > 0) folders.add(folder);
    }
  return [...folders].sort();
}

/** @throws where a package neither has a licence file nor names a licence: then it may not be shipped. */
function notices(folders: readonly string[]): string {
  const parts = folders.map((folder) => {
    const about = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8')) as {
      name: string;
      version: string;
      license?: string;
      author?: string | { name: string };
    };
    const file = readdirSync(path.join(root, folder)).find((name) => /^(licen[cs]e|copying)/i.test(name));
    const author = typeof about.author === 'object' ? about.author.name : about.author;
    const text = file
      ? readFileSync(path.join(root, folder, file), 'utf8').trim()
      : about.license &&
        `${about.license}${author ? `, by ${author}` : ''}. The package has no licence file of its own.`;
    if (!text) throw new Error(`${folder} names no licence; it cannot be shipped.`);
    return `${about.name} ${about.version} (${about.license ?? 'see below'})\n\n${text}\n`;
  });
  const rule = '\n' + '='.repeat(80) + '\n\n';
  return ['Service Traffic contains these packages, under their own licences.\n', ...parts].join(rule);
}

/** Builds for production and packs. @returns the VSIX's path. */
export async function packageExtension(): Promise<string> {
  const meta = await build(true);
  const packages = bundledPackages(meta);
  writeFileSync(path.join(root, 'dist/ThirdPartyNotices.txt'), notices(packages));
  const vsce = path.join(root, 'node_modules/@vscode/vsce/vsce');
  if (!existsSync(vsce)) throw new Error('node_modules/@vscode/vsce is missing: run npm ci.');
  const args = ['package', '--no-dependencies', '--allow-missing-repository', '--no-rewrite-relative-links'];
  const made = spawnSync(process.execPath, [vsce, ...args, '--out', VSIX], {
    cwd: root,
    encoding: 'utf8',
  });
  if (made.status !== 0) throw new Error(`vsce package failed:\n${made.stdout}${made.stderr}`);
  const { size } = statSync(VSIX);
  console.error(`${path.basename(VSIX)}: ${(size / 1024).toFixed(0)} KiB, notices of ${packages.length} packages`);
  if (size > LIMIT)
    throw new Error(`The VSIX is bigger than ${LIMIT / 1024} KiB. See .cache/bundle.json for what grew.`);
  return VSIX;
}

if (import.meta.main) {
  try {
    await packageExtension();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}

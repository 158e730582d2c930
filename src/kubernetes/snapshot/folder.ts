import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { RecordingFiles } from './files.ts';

/** The files of a recording's folder: its own, those in objects/ and those in each folder of nodes/. Nothing else is looked at. */
export function folderFiles(folder: string): RecordingFiles {
  return {
    list: async () => {
      const top = await readdir(folder);
      const nodes = await filesOf(path.join(folder, 'nodes'));
      const paths = [
        ...top,
        ...(await filesOf(path.join(folder, 'objects'))).map((name) => `objects/${name}`),
        ...(
          await Promise.all(
            nodes.map(async (node) =>
              (await filesOf(path.join(folder, 'nodes', node))).map((name) => `nodes/${node}/${name}`),
            ),
          )
        ).flat(),
      ];
      const files = await Promise.all(
        paths.map(async (file) => ({ path: file, found: await stat(path.join(folder, file)).catch(() => undefined) })),
      );
      // A dangling link has no size: reading it says so.
      return files
        .filter(({ found }) => !found?.isDirectory())
        .map((file) => ({ path: file.path, size: file.found?.size ?? 0 }));
    },
    read: (file) => readFile(path.join(folder, file)),
  };
}

/** Empty where there is no such folder. */
async function filesOf(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => !name.startsWith('.')).sort();
}

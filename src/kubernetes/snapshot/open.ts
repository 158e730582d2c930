/** A recording on this machine's disk: a folder or a zip. */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ClusterSource } from '../source.ts';
import { zipFiles } from './files.ts';
import { folderFiles } from './folder.ts';
import { failedRecording, openRecordingFiles } from './recording.ts';

/** Never rejects: a path that is no recording gives a source whose state says so. */
export async function openRecording(location: string): Promise<ClusterSource> {
  const name = path.basename(path.resolve(location)).replace(/\.zip$/i, '');
  try {
    const found = await stat(location);
    const files = found.isDirectory() ? folderFiles(location) : zipFiles(await readFile(location));
    return await openRecordingFiles(files, name, location, found.mtimeMs);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return failedRecording(name, location, {
      code: 'bad-recording',
      message: absent
        ? `There is no recording at ${location}`
        : `${location} is neither a folder nor a zip that can be read`,
      advice: 'Choose a folder or a zip with the folders objects and nodes in it.',
      detail,
    });
  }
}

/** Files that are here already, as a recording in a zip. */
import { zipSync } from 'fflate';
import { zipFiles, type RecordingFiles } from '../../src/kubernetes/snapshot/files.ts';

export function memoryFiles(files: ReadonlyMap<string, Uint8Array>): RecordingFiles {
  return zipFiles(zipSync(Object.fromEntries(files), { level: 0 }));
}

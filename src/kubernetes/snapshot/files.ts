/** Where a recording's files come from, without saying how: a folder, a zip. */
import { unzipSync } from 'fflate';

export interface RecordingFiles {
  /** Paths relative to the recording with forward slashes, and sizes in bytes. Rejects where the place cannot be read at all. */
  list(): Promise<readonly { readonly path: string; readonly size: number }[]>;
  /** Rejects where the file is gone or cannot be read. */
  read(path: string): Promise<Uint8Array>;
}

/** More than any recording that we have seen unpacks to; keeps a hostile zip from filling the memory. */
const MAX_UNPACKED = 2 * 1024 ** 3;

/** The files of a zip. Throws where the bytes are no zip, or unpack to more than 2 GiB. */
export function zipFiles(zip: Uint8Array): RecordingFiles {
  const sizes = new Map<string, number>();
  let total = 0;
  unzipSync(zip, {
    filter: ({ name, originalSize }) => {
      if (name.endsWith('/')) return false;
      total += originalSize;
      sizes.set(name, originalSize);
      return false; // only the table of contents is read here
    },
  });
  if (total > MAX_UNPACKED) throw new Error(`the zip unpacks to ${total} bytes, and at most ${MAX_UNPACKED} are read`);
  const prefix = commonFolder([...sizes.keys()]);
  const names = new Map([...sizes.keys()].map((name) => [normal(name).slice(prefix.length), name]));
  return {
    list: async () => [...names].map(([path, name]) => ({ path, size: sizes.get(name)! })),
    read: async (path) => {
      const name = names.get(path);
      const bytes = name === undefined ? undefined : unzipSync(zip, { filter: (file) => file.name === name })[name];
      if (!bytes) throw new Error(`${path} is not in the zip`);
      return bytes;
    },
  };
}

/** Zips made on Windows may have backslashes. */
function normal(path: string): string {
  return path.replaceAll('\\', '/').replace(/^\.?\/+/, '');
}

/** A zip or an upload often has the recording in a folder of its own: what stands before the first objects/ or nodes/. */
function commonFolder(paths: readonly string[]): string {
  const before = paths
    .map((path) => /^(.*?)(?:objects|nodes)\//.exec(normal(path))?.[1])
    .filter((prefix) => prefix !== undefined && (prefix === '' || prefix.endsWith('/')))
    .sort((a, b) => a!.length - b!.length);
  return before[0] ?? '';
}

/** Text as editors and shells leave it: UTF-8, or what a byte order mark says (PowerShell 5 writes UTF-16). */
export function decodeText(bytes: Uint8Array): string {
  const [a, b] = bytes;
  if (a === 0xff && b === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (a === 0xfe && b === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  return new TextDecoder().decode(bytes);
}

/** The bodies of replies: as a whole, or line by line while they come. */
import type { Readable } from 'node:stream';

/** Rejects where the body breaks off. */
export async function bodyText(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Whole lines alone: what stands after the last newline when the body ends was cut off, and is dropped. Empty lines too. */
export async function* lines(body: Readable): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  for await (const chunk of body as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const line = Buffer.concat([...rest, chunk.subarray(start, end)]).toString();
      rest = [];
      start = end + 1;
      if (line.trim() !== '') yield line;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
  }
}

export interface Status {
  readonly code?: number;
  readonly reason?: string;
  readonly message: string;
}

/** The fields of a Status object; of anything else a message that says so. */
export function statusOf(value: unknown): Status {
  const status = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  return {
    ...(typeof status['code'] === 'number' ? { code: status['code'] } : {}),
    ...(typeof status['reason'] === 'string' ? { reason: status['reason'] } : {}),
    message: typeof status['message'] === 'string' ? status['message'] : 'no message',
  };
}

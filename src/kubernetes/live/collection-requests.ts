/** The two requests that keep a kind of objects like the server's: a list and a watch, and what their refusals mean. */
import { decodeObject, type KindName, type Kinds } from '../decode.ts';
import { bodyText, lines, statusOf } from './body.ts';
import type { Api, Reply } from './connection.ts';
import type { Sink, Timing } from './list-watch.ts';

/** The server forgot the version that we asked for: list again. */
export class Expired extends Error {}

export class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Too many requests, or a server that is starting: the server may say how long to wait, in milliseconds. */
export class Busy extends Error {
  readonly waitMs: number | undefined;
  constructor(message: string, waitMs: number | undefined) {
    super(message);
    this.waitMs = waitMs;
  }
}

/** The whole list, in pages. Rejects with Expired, Refused, Busy or a Trouble. */
export async function listAll<K extends KindName>(
  api: Api,
  collection: string,
  kind: K,
  signal: AbortSignal,
  pageSize: number,
): Promise<{ readonly objects: readonly Kinds[K][]; readonly version: string }> {
  const objects: Kinds[K][] = [];
  let next = '';
  let limit: number | undefined = pageSize;
  for (;;) {
    const query = new URLSearchParams({
      ...(limit ? { limit: String(limit) } : {}),
      ...(next ? { continue: next } : {}),
    });
    const reply = await api.get(`${collection}?${query}`, { signal });
    if (reply.status === 410 && next !== '') {
      // The list changed under our pages for too long: take it in one piece.
      reply.body.destroy();
      [next, limit] = ['', undefined];
      objects.length = 0;
      continue;
    }
    const page = (await checked(reply)) as Page;
    for (const value of page.items ?? []) {
      const { object } = decodeObject(kind, value);
      if (object) objects.push(object);
    }
    next = page.metadata?.continue ?? '';
    if (next === '') return { objects, version: page.metadata?.resourceVersion ?? '' };
  }
}

interface Page {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly unknown[] | null;
}

/** Rejects where the watch could not begin, or the version has expired; an end of any other kind is no failure by itself. */
export async function watch<K extends KindName>(
  api: Api,
  collection: string,
  kind: K,
  version: string,
  sink: Sink<K>,
  signal: AbortSignal,
  timing: Timing,
  opened: () => void,
): Promise<{ readonly version: string; readonly events: boolean; readonly error?: unknown }> {
  const [least, most] = timing.watchSeconds;
  const query = new URLSearchParams({
    watch: '1',
    allowWatchBookmarks: 'true',
    resourceVersion: version,
    timeoutSeconds: String(Math.round(least + Math.random() * (most - least))),
  });
  const reply = await api.get(`${collection}?${query}`, { signal, idleMs: timing.watchIdle });
  if (reply.status !== 200) await checked(reply);
  opened();
  let newest = version;
  let events = false;
  let broken: { readonly error?: unknown } = {};
  try {
    for await (const line of lines(reply.body)) {
      const event = parse(line);
      if (event.type === 'ERROR') throw failed(event.object);
      const metadata = isRecord(event.object) && isRecord(event.object['metadata']) ? event.object['metadata'] : {};
      if (event.type !== 'BOOKMARK') {
        const { object } = decodeObject(kind, event.object);
        if (object && event.type === 'DELETED') sink.remove(object);
        else if (object) sink.upsert(object);
      }
      if (typeof metadata['resourceVersion'] === 'string') newest = metadata['resourceVersion'];
      events = true;
    }
  } catch (error) {
    if (error instanceof Expired || error instanceof Refused || signal.aborted) throw error;
    broken = { error };
  } finally {
    reply.body.destroy();
  }
  return { version: newest, events, ...broken };
}

interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
}

function parse(line: string): WatchEvent {
  const value: unknown = JSON.parse(line);
  if (!isRecord(value) || typeof value['type'] !== 'string') throw new Error('a watch event without a type');
  return { type: value['type'], object: value['object'] };
}

/** An ERROR event of a watch carries a Status. */
function failed(status: unknown): Error {
  const { code, reason, message } = statusOf(status);
  if (code === 410 || reason === 'Expired' || reason === 'Gone') return new Expired(message);
  return code === 403 ? new Refused(403, message) : new Error(message);
}

/** The reply's JSON, or what its status means. */
async function checked(reply: Reply): Promise<unknown> {
  const text = await bodyText(reply.body);
  if (reply.status === 200) return JSON.parse(text);
  let message = text.slice(0, 500);
  try {
    message = statusOf(JSON.parse(text)).message;
  } catch {
    // Not every gateway on the way speaks JSON.
  }
  if (reply.status === 410) throw new Expired(message);
  if (reply.status === 401 || reply.status === 403 || reply.status === 404) throw new Refused(reply.status, message);
  const seconds = Number(reply.headers['retry-after']);
  throw new Busy(`${reply.status} ${message}`, seconds > 0 ? Math.min(seconds, 60) * 1000 : undefined);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

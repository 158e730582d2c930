/**
 * One kind of objects, kept like the server's: a list in pages, then watches from where it ended, for as long as the signal lets it. It
 * outlives restarts of the server, expired watches, half-open connections and credentials that end. What it has stays valid meanwhile.
 */
import { decodeObject, type KindName, type Kinds } from '../decode.ts';
import type { Problem } from '../source.ts';
import type { Api, Reply } from './connection.ts';
import { bodyText, lines, statusOf } from './body.ts';
import { Trouble, unreachable } from './trouble.ts';

export interface Resource<K extends KindName = KindName> {
  readonly kind: K;
  /** Plural, as RBAC names it. */
  readonly name: string;
  /** "/api/v1" */
  readonly group: string;
  /** Only where objects of this kind belong to a namespace. */
  readonly namespaced: boolean;
  /** What is missing without it, as half a sentence. */
  readonly lost: string;
}

export type Health =
  | { readonly kind: 'starting' }
  | { readonly kind: 'following'; /** What is reduced, if anything. */ readonly reduced?: Problem }
  /** May not be read at all; tried again from time to time. */
  | { readonly kind: 'refused'; readonly problem: Problem }
  /** No connection; tried again. */
  | { readonly kind: 'lost'; readonly problem: Problem };

export interface Sink<K extends KindName> {
  replace(objects: readonly Kinds[K][]): void;
  upsert(object: Kinds[K]): void;
  remove(object: Kinds[K]): void;
  health(health: Health): void;
}

export interface Timing {
  /** Milliseconds: the first wait after a failure, and the longest. Each is shortened by chance to as little as half. */
  readonly firstBackoff: number;
  readonly longestBackoff: number;
  /** Milliseconds between two tries of what was forbidden, and between two lists where watching is. */
  readonly forbiddenRetry: number;
  readonly poll: number;
  /** Milliseconds without a byte until a watch counts as half-open. Servers send a bookmark every minute. */
  readonly watchIdle: number;
  /** Seconds that a watch is asked to last, at least and at most. */
  readonly watchSeconds: readonly [number, number];
  readonly pageSize: number;
}

export const TIMING: Timing = {
  firstBackoff: 250,
  longestBackoff: 10_000,
  forbiddenRetry: 60_000,
  poll: 10_000,
  watchIdle: 90_000,
  watchSeconds: [240, 480],
  pageSize: 500,
};

/** The server forgot the version that we asked for: list again. */
class Expired extends Error {}

class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Too many requests, or a server that is starting: the server may say how long to wait, in milliseconds. */
class Busy extends Error {
  readonly waitMs: number | undefined;
  constructor(message: string, waitMs: number | undefined) {
    super(message);
    this.waitMs = waitMs;
  }
}

/** Tries that a reader who was let in before takes a refusal for a server that starts: its RBAC isn't loaded yet. */
const REFUSALS_OF_A_START = 5;

/** Settles when the signal aborts. */
export async function listAndWatch<K extends KindName>(
  api: Api,
  resource: Resource<K>,
  namespace: string,
  sink: Sink<K>,
  signal: AbortSignal,
  timing: Timing = TIMING,
): Promise<void> {
  let failures = 0;
  let refusals = 0;
  let letIn = false;
  let version: string | undefined;
  let only: string | undefined; // the one namespace that may be read
  let unwatched: Problem | undefined;
  const following = (): void => {
    const reduced = unwatched ?? (only === undefined ? undefined : oneNamespace(resource, only));
    sink.health({ kind: 'following', ...(reduced ? { reduced } : {}) });
    letIn = true;
    refusals = 0;
  };
  while (!signal.aborted)
    try {
      const path = only === undefined ? resource.group : `${resource.group}/namespaces/${encodeURIComponent(only)}`;
      const collection = `${path}/${resource.name}`;
      if (version === undefined) {
        const list = await listAll(api, collection, resource.kind, signal, timing);
        sink.replace(list.objects);
        version = list.version;
        following();
      }
      const start = performance.now();
      const seen = await watch(api, collection, resource.kind, version, sink, signal, timing, () => {
        unwatched = undefined;
        if (failures < 3) following();
      });
      version = seen.version;
      if (seen.events || performance.now() - start > 1000) failures = 0;
      else {
        // A server that closes each watch at once must not be asked in a circle.
        if (++failures >= 3) {
          version = undefined;
          if (seen.error !== undefined) sink.health({ kind: 'lost', problem: problemOf(api, seen.error) });
        }
        await pause(backoff(failures, timing), signal);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Expired) {
        version = undefined;
        if (++failures > 1) await pause(backoff(failures, timing), signal);
      } else if (error instanceof Refused && error.status !== 401) {
        if (letIn && unwatched === undefined && ++refusals <= REFUSALS_OF_A_START) {
          await pause(backoff(refusals, timing), signal);
        } else if (error.status === 403 && version !== undefined) {
          const lost = `its changes are looked for every ${timing.poll / 1000} s`;
          unwatched = forbidden(resource, 'watch', lost, error.message);
          following();
          await pause(timing.poll, signal);
          version = undefined;
        } else if (error.status === 403 && only === undefined && resource.namespaced) {
          only = namespace;
        } else {
          [only, version, letIn] = [undefined, undefined, false];
          const problem =
            error.status === 403
              ? forbidden(resource, 'list', resource.lost, error.message)
              : absent(resource, error.message);
          sink.health({ kind: 'refused', problem });
          await pause(timing.forbiddenRetry, signal);
        }
      } else {
        // A watch that cannot be taken up at once is tried again before anybody is told.
        if (++failures > 1 || version === undefined) sink.health({ kind: 'lost', problem: problemOf(api, error) });
        await pause((error instanceof Busy ? error.waitMs : undefined) ?? backoff(failures, timing), signal);
      }
    }
}

/** Milliseconds; doubles, and is spread by chance so that a restarted server isn't met by all at once. */
export function backoff(failures: number, timing: Timing): number {
  const full = Math.min(timing.longestBackoff, timing.firstBackoff * 2 ** (failures - 1));
  return full * (0.5 + Math.random() / 2);
}

async function listAll<K extends KindName>(
  api: Api,
  collection: string,
  kind: K,
  signal: AbortSignal,
  timing: Timing,
): Promise<{ readonly objects: readonly Kinds[K][]; readonly version: string }> {
  const objects: Kinds[K][] = [];
  let next = '';
  let limit: number | undefined = timing.pageSize;
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
async function watch<K extends KindName>(
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

function problemOf(api: Api, error: unknown): Problem {
  if (error instanceof Trouble) return error.problem;
  if (error instanceof Refused)
    return {
      code: 'unauthorized',
      message: `${api.server} does not accept the credentials of this context`,
      advice: 'Sign in again with your cluster’s own command, or choose another context.',
      detail: error.message,
    };
  if (error instanceof Busy)
    return {
      code: 'unreachable',
      message: `${api.server} answers, but cannot serve now`,
      advice: 'It is tried again by itself; if it stays so, look at the API server’s own logs.',
      detail: error.message,
    };
  return unreachable(api.server, error);
}

function forbidden(resource: Resource, verb: string, lost: string, detail: string): Problem {
  return {
    code: 'forbidden',
    message: `You may not ${verb} ${resource.name}: ${lost}`,
    advice: `Ask for the verbs list and watch on ${resource.name}; docs/clusterrole.yaml has all that is needed.`,
    detail,
  };
}

function oneNamespace(resource: Resource, namespace: string): Problem {
  return {
    code: 'forbidden',
    message: `You may list ${resource.name} in the namespace ${namespace} alone: those of the others are not shown`,
    advice: `Ask for the verbs list and watch on ${resource.name} in all namespaces; docs/clusterrole.yaml has all that is needed.`,
  };
}

function absent(resource: Resource, detail: string): Problem {
  return {
    code: 'forbidden',
    message: `The API server has no ${resource.name} under ${resource.group}: ${resource.lost}`,
    advice: 'Check the server’s version: discovery.k8s.io/v1 is served since Kubernetes 1.21.',
    detail,
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

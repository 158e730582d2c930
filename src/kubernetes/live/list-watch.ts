/**
 * One kind of objects, kept like the server's: a list in pages, then watches from where it ended, for as long as the signal lets it. It
 * outlives restarts of the server, expired watches, half-open connections and credentials that end. What it has stays valid meanwhile.
 */
import type { KindName, Kinds } from '../decode.ts';
import type { Problem } from '../source.ts';
import { Busy, Expired, listAll, Refused, watch } from './collection-requests.ts';
import type { Api } from './connection.ts';
import { absent, forbidden, oneNamespace, problemOf } from './list-watch-problems.ts';

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
  let quick = 0; // watches that ended as soon as they had begun
  let start = 0;
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
        const list = await listAll(api, collection, resource.kind, signal, timing.pageSize);
        sink.replace(list.objects);
        version = list.version;
        following();
      }
      start = performance.now();
      const seen = await watch(api, collection, resource.kind, version, sink, signal, timing, () => {
        unwatched = undefined;
        failures = 0;
        if (quick < 3) following();
      });
      version = seen.version;
      if (seen.events || performance.now() - start > 1000) quick = 0;
      else {
        // A server that closes each watch at once must not be asked in a circle.
        if (++quick >= 3) {
          version = undefined;
          if (seen.error !== undefined) sink.health({ kind: 'lost', problem: problemOf(api, seen.error) });
        }
        await pause(backoff(quick, timing), signal);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Expired) {
        version = undefined;
        quick = performance.now() - start > 1000 ? 1 : quick + 1;
        if (quick > 1) await pause(backoff(quick, timing), signal);
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

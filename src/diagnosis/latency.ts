/**
 * How long a node takes to program a change: from the time that the EndpointSlice controller noted at the change to the first capture that
 * shows it. A capture only says "by now" or "not yet", so that each change is known within bounds.
 */
import { keyOf, type ClusterObjects } from '../kubernetes/objects.ts';
import type { NodeDrift } from './drift-types.ts';
import { lastChange } from './pending.ts';

export interface ProgrammedChange {
  /** "namespace/name". */
  readonly service: string;
  /** When it happened, in milliseconds since the epoch. */
  readonly changed: number;
  /** The latest capture that did not show it yet, in milliseconds since the epoch. */
  readonly notYet: number | undefined;
  /** The first capture that showed it. */
  readonly shown: number | undefined;
}

/** One node's changes, the newest first; one for each Service, its latest. */
export type Timeline = readonly ProgrammedChange[];

/** The timeline with what another capture of the node shows. */
export function observed(before: Timeline, drift: NodeDrift, objects: ClusterObjects): Timeline {
  if (drift.kind !== 'compared') return before;
  const known = new Map(before.map((change) => [change.service, change]));
  const behind = new Set(drift.families.flatMap((family) => family.drifted.map((port) => port.service)));
  for (const family of drift.families)
    for (const port of family.ports) {
      const service = keyOf(port.service);
      const changed = lastChange(port, { objects, changedAt: undefined });
      if (changed === undefined || changed > drift.at) continue;
      const old = known.get(service);
      const same = old?.changed === changed ? old : undefined;
      if (same?.shown !== undefined) continue;
      known.set(service, {
        service,
        changed,
        notYet: behind.has(service) ? drift.at : same?.notYet,
        shown: behind.has(service) ? undefined : drift.at,
      });
    }
  return [...known.values()].sort((a, b) => b.changed - a.changed || (a.service < b.service ? -1 : 1));
}

/** Milliseconds within which a change was programmed; `least` is 0 where no capture fell before it. undefined: not programmed yet. */
export function boundsOf({
  changed,
  notYet,
  shown,
}: ProgrammedChange): { readonly least: number; readonly most: number } | undefined {
  return shown === undefined ? undefined : { least: Math.max(0, (notYet ?? changed) - changed), most: shown - changed };
}

/** What kube-proxy's own metrics say (127.0.0.1:10249/metrics on the node); undefined where a metric is not there. */
export interface ProxyMetrics {
  /** When the last sync ended and when the last change was queued, in milliseconds since the epoch: the newest of all IP families. */
  readonly lastSync: number | undefined;
  readonly lastQueued: number | undefined;
  /** The mean duration of a sync, in milliseconds. */
  readonly syncDuration: number | undefined;
  /** Half of, and 99 in 100 of the changes were programmed within so many milliseconds: upper edges of the histogram's buckets. */
  readonly programming: { readonly half: number; readonly most: number } | undefined;
  readonly pendingEndpointChanges: number | undefined;
}

/** Reads Prometheus' text format; lines that are not understood are passed over. */
export function readProxyMetrics(text: string): ProxyMetrics {
  const samples = text.split('\n').flatMap((line) => {
    const found = /^kubeproxy_(\w+?)(?:\{([^}]*)\})? (\S+)/.exec(line);
    const value = Number(found?.[3]);
    return found && !Number.isNaN(value) ? [{ name: found[1]!, labels: found[2] ?? '', value }] : [];
  });
  const values = (name: string): readonly number[] =>
    samples.flatMap((sample) => (sample.name === name ? [sample.value] : []));
  const newest = (name: string): number | undefined => {
    const found = values(name).filter((value) => value > 0);
    return found.length > 0 ? Math.max(...found) * 1000 : undefined;
  };
  const sum = (name: string): number => values(name).reduce((total, value) => total + value, 0);
  const syncs = sum('sync_proxy_rules_duration_seconds_count');
  const pending = values('sync_proxy_rules_endpoint_changes_pending');
  const buckets = new Map<number, number>();
  for (const { name, labels, value } of samples) {
    const edge = name === 'network_programming_duration_seconds_bucket' ? /le="([^"]+)"/.exec(labels)?.[1] : undefined;
    if (edge === undefined) continue;
    const at = edge === '+Inf' ? Infinity : Number(edge);
    buckets.set(at, (buckets.get(at) ?? 0) + value);
  }
  return {
    lastSync: newest('sync_proxy_rules_last_timestamp_seconds'),
    lastQueued: newest('sync_proxy_rules_last_queued_timestamp_seconds'),
    syncDuration: syncs > 0 ? (sum('sync_proxy_rules_duration_seconds_sum') / syncs) * 1000 : undefined,
    programming: quantiles(buckets),
    pendingEndpointChanges: pending.length > 0 ? Math.max(...pending) : undefined,
  };
}

function quantiles(buckets: ReadonlyMap<number, number>): ProxyMetrics['programming'] {
  const total = buckets.get(Infinity) ?? 0;
  if (total === 0) return undefined;
  const edges = [...buckets].sort(([a], [b]) => a - b);
  const within = (share: number): number => (edges.find(([, count]) => count >= total * share)?.[0] ?? Infinity) * 1000;
  return { half: within(0.5), most: within(0.99) };
}

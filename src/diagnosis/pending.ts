/** A change that a node has not programmed yet, and need not have: kube-proxy gathers changes before it writes. */
import { keyOf, type ClusterObjects, type Service } from '../kubernetes/objects.ts';
import type { ProxiedPort } from '../kubeproxy/services.ts';
import type { Family } from '../netfilter/address.ts';
import { unsynced, type ProxyMetrics } from './proxy-metrics.ts';
import { slicesOf } from '../kubernetes/slices.ts';

/**
 * Written by the EndpointSlice controller: when the change happened that led to the slice's newest state. kube-proxy's own
 * network_programming_duration_seconds counts from there.
 */
export const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';

export interface Pending {
  /** Milliseconds from the change to the capture; 0 where the rules were read before the change. */
  readonly age: number;
  /** Milliseconds after the change when it should be programmed at the latest. */
  readonly due: number;
}

export interface Clock {
  readonly objects: ClusterObjects;
  /** When the rules were read, in milliseconds since the epoch. */
  readonly at: number;
  /** kube-proxy's minSyncPeriod, in milliseconds. */
  readonly minSyncPeriod: number;
  /** How many rules a sync of this node writes at most: a full one of 100,000 takes some seconds. */
  readonly rules: number;
  /** What kube-proxy itself said at that time, where it could be asked. */
  readonly metrics?: ProxyMetrics | undefined;
  /** When a watch saw a Service change, where one did: "namespace/name" to milliseconds since the epoch. */
  readonly changedAt?: ((service: string) => number | undefined) | undefined;
}

/** Beyond minSyncPeriod: the watch's way to the node, and the sync itself. */
const ALLOWANCE = 2000;
const RULES_PER_MILLISECOND = 20;

/** A sync that kube-proxy has had to do for so long, in milliseconds, it fails to do. */
const STUCK = 30_000;

export function dueAfter({ minSyncPeriod, rules, metrics }: Clock): number {
  // The mean is of small syncs and of full ones.
  return minSyncPeriod + ALLOWANCE + Math.max(rules / RULES_PER_MILLISECOND, 2 * (metrics?.syncDuration ?? 0));
}

/** undefined where the newest change of the port's Service is old enough for every sync to have happened, or its time is not known. */
export function pendingOf(port: ProxiedPort, clock: Clock): Pending | undefined {
  return pendingSince(lastChange(port, clock), port.family, clock);
}

/** The same of a whole Service, in whichever family it changed. */
export function pendingChange(service: Service, clock: Clock): Pending | undefined {
  const changed = lastChangeOf(service, clock);
  return pendingSince(changed, 4, clock) ?? pendingSince(changed, 6, clock);
}

/** The same of a Service that the API no longer has: its rules stay until the next sync. @param service "namespace/name" */
export function pendingRemoval(service: string, family: Family, clock: Clock): Pending | undefined {
  return pendingSince(clock.changedAt?.(service), family, clock);
}

function pendingSince(changed: number | undefined, family: Family, clock: Clock): Pending | undefined {
  if (changed === undefined) return undefined;
  const due = dueAfter(clock);
  const age = clock.at - changed;
  if (age < due) return { age: Math.max(0, age), due };
  // Later than it should be; but kube-proxy has learned of it just now, and says that it has not written what it learned since its last sync.
  const queued = clock.metrics && unsynced(clock.metrics, family);
  if (queued === undefined || changed < (clock.metrics?.families[family].synced ?? 0)) return undefined;
  const stuck = age > Math.max(STUCK, 3 * due);
  return clock.at - queued < due && !stuck ? { age, due: queued - changed + due } : undefined;
}

/** The newest known change of a port's Service or its endpoints, in milliseconds since the epoch. */
export function lastChange(port: ProxiedPort, known: Pick<Clock, 'objects' | 'changedAt'>): number | undefined {
  return lastChangeOf(port.service, known);
}

function lastChangeOf(
  service: Service,
  { objects, changedAt }: Pick<Clock, 'objects' | 'changedAt'>,
): number | undefined {
  const key = keyOf(service);
  // By our own clock, which the captures' times are of, too; the cluster's may be another.
  const seen = changedAt?.(key);
  if (seen !== undefined) return seen;
  const times = [
    Date.parse(service.metadata.creationTimestamp ?? ''),
    ...slicesOf(objects, key).map((slice) => Date.parse(slice.metadata.annotations?.[TRIGGER_TIME] ?? '')),
  ].filter((time) => !Number.isNaN(time));
  return times.length > 0 ? Math.max(...times) : undefined;
}

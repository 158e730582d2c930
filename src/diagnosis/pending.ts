/** A change that a node has not programmed yet, and need not have: kube-proxy gathers changes before it writes. */
import { keyOf, type ClusterObjects } from '../kubernetes/objects.ts';
import type { ProxiedPort } from '../kubeproxy/services.ts';
import { slicesOf } from './slices.ts';

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
  /** When a watch saw a Service change, where one did: "namespace/name" to milliseconds since the epoch. */
  readonly changedAt?: ((service: string) => number | undefined) | undefined;
}

/** Beyond minSyncPeriod: the watch's way to the node, and the sync itself. */
const ALLOWANCE = 2000;
const RULES_PER_MILLISECOND = 20;

export function dueAfter({ minSyncPeriod, rules }: Clock): number {
  return minSyncPeriod + ALLOWANCE + rules / RULES_PER_MILLISECOND;
}

/** undefined where the newest change of the port's Service is old enough for every sync to have happened, or its time is not known. */
export function pendingOf(port: ProxiedPort, clock: Clock): Pending | undefined {
  const changed = lastChange(port, clock);
  if (changed === undefined) return undefined;
  const due = dueAfter(clock);
  const age = clock.at - changed;
  return age < due ? { age: Math.max(0, age), due } : undefined;
}

/** The newest known change of a Service or its endpoints, in milliseconds since the epoch. */
export function lastChange(
  port: ProxiedPort,
  { objects, changedAt }: Pick<Clock, 'objects' | 'changedAt'>,
): number | undefined {
  const key = keyOf(port.service);
  const times = [
    Date.parse(port.service.metadata.creationTimestamp ?? ''),
    changedAt?.(key) ?? NaN,
    ...slicesOf(objects, key).map((slice) => Date.parse(slice.metadata.annotations?.[TRIGGER_TIME] ?? '')),
  ].filter((time) => !Number.isNaN(time));
  return times.length > 0 ? Math.max(...times) : undefined;
}

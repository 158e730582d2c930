/**
 * How long a node takes to program a change: from the time that the EndpointSlice controller noted at the change, or that a watch saw it, to
 * the first capture that shows it. A capture only says "by now" or "not yet", so that each change is known within bounds.
 */
import { keyOf, type ClusterObjects } from '../kubernetes/objects.ts';
import type { ProxiedPort } from '../kubeproxy/services.ts';
import type { NodeDrift } from './drift-types.ts';
import { lastChange, type Clock } from './pending.ts';
import type { ProxyMetrics } from './proxy-metrics.ts';

export interface ProgrammedChange {
  /** "namespace/name". */
  readonly service: string;
  /** When it happened, in milliseconds since the epoch. */
  readonly changed: number;
  /** The latest capture that did not show it yet, in milliseconds since the epoch. */
  readonly notYet: number | undefined;
  /** The first capture that showed it; earlier where kube-proxy says that its last sync before that capture was. */
  readonly shown: number | undefined;
}

/** One node's changes, the newest first; one for each Service, its latest. */
export type Timeline = readonly ProgrammedChange[];

/** What else is known at a capture. */
export interface Witness {
  readonly objects: ClusterObjects;
  readonly changedAt?: Clock['changedAt'];
  readonly metrics?: ProxyMetrics | undefined;
}

/** The timeline with what another capture of the node shows. */
export function observed(before: Timeline, drift: NodeDrift, { objects, changedAt, metrics }: Witness): Timeline {
  if (drift.kind !== 'compared') return before;
  const known = new Map(before.map((change) => [change.service, change]));
  const behind = new Set(drift.families.flatMap((family) => family.drifted.map((port) => port.service)));
  const synced = Math.max(...([4, 6] as const).map((family) => metrics?.families[family].synced ?? -Infinity));
  const observe = (service: string, changed: number | undefined): void => {
    if (changed === undefined || changed > drift.at) return;
    const old = known.get(service);
    const same = old?.changed === changed ? old : undefined;
    if (same?.shown !== undefined) return;
    // What is there was there after the last sync, wherever that lies between the change and the reading.
    const shown = synced > Math.max(changed, same?.notYet ?? 0) ? Math.min(synced, drift.at) : drift.at;
    known.set(service, {
      service,
      changed,
      notYet: behind.has(service) ? drift.at : same?.notYet,
      shown: behind.has(service) ? undefined : shown,
    });
  };
  const ports = drift.families.flatMap((family) => family.ports);
  for (const port of ports) observe(keyOf(port.service), changeTime(port, { objects, changedAt }));
  // A Service that was deleted changed, too: for as long as its rules are there they are behind, and programmed once they are not.
  const served = new Set(ports.map((port) => keyOf(port.service)));
  for (const service of behind) if (!served.has(service)) observe(service, changedAt?.(service));
  for (const { service, changed } of before)
    if (!served.has(service) && !behind.has(service)) observe(service, changed);
  return [...known.values()].sort((a, b) => b.changed - a.changed || (a.service < b.service ? -1 : 1));
}

/** A watch tells of a change of endpoints this much later than their trigger time at most: the controller has to write them. */
const CONTROLLER = 10_000;

function changeTime(
  port: ProxiedPort,
  { objects, changedAt }: Pick<Witness, 'objects' | 'changedAt'>,
): number | undefined {
  const told = lastChange(port, { objects, changedAt: undefined });
  const seen = changedAt?.(keyOf(port.service));
  // Told for later than it was seen, where the cluster's clock is ahead of ours.
  return seen !== undefined && (told === undefined || told > seen || seen - told > CONTROLLER) ? seen : told;
}

/** Milliseconds within which a change was programmed; `least` is 0 where no capture fell before it. undefined: not programmed yet. */
export function boundsOf({
  changed,
  notYet,
  shown,
}: ProgrammedChange): { readonly least: number; readonly most: number } | undefined {
  return shown === undefined ? undefined : { least: Math.max(0, (notYet ?? changed) - changed), most: shown - changed };
}

/** One capture of a node, and what it was the first to show. */
export interface Moment {
  /** When the rules were read, in milliseconds since the epoch. */
  readonly at: number;
  /** Changes that this capture shows and none before it did, the newest first. */
  readonly shown: readonly ProgrammedChange[];
  /** Changes that it does not show: those that are still in time, and those that are late. */
  readonly pending: readonly ProgrammedChange[];
  readonly late: readonly ProgrammedChange[];
  /** Service ports that are otherwise than they should be, pending ones aside; undefined where the node cannot be compared. */
  readonly drifted: number | undefined;
}

/** A node over the captures of a session. */
export interface NodeHistory {
  /** Without what was programmed long before the oldest moment. */
  readonly changes: Timeline;
  /** The newest first. */
  readonly moments: readonly Moment[];
}

export const NO_HISTORY: NodeHistory = { changes: [], moments: [] };

/** Older ones are forgotten. */
const MOMENTS = 50;
/** Of what changed before the session only this much is worth a word, in milliseconds. */
const RECENT = 600_000;

/** The history with another capture of the node. */
export function withCapture(history: NodeHistory, drift: NodeDrift, witness: Witness): NodeHistory {
  const since = (history.moments.at(-1)?.at ?? drift.at) - RECENT;
  const seen = observed(history.changes, drift, witness);
  const before = new Map(history.changes.map((change) => [change.service, change]));
  const isNews = ({ service, changed }: ProgrammedChange): boolean => {
    const old = before.get(service);
    return old?.changed === changed ? old.shown === undefined : changed > since;
  };
  const drifted = drift.kind === 'compared' ? drift.families.flatMap((family) => family.drifted) : [];
  const inTime = new Set(drifted.flatMap(({ service, pending }) => (pending ? [service] : [])));
  const open = seen.filter(
    ({ changed, shown, notYet }) => shown === undefined && notYet === drift.at && changed > since,
  );
  const moment: Moment = {
    at: drift.at,
    shown: seen.filter((change) => change.shown !== undefined && isNews(change)),
    pending: open.filter(({ service }) => inTime.has(service)),
    late: open.filter(({ service }) => !inTime.has(service)),
    drifted: drift.kind === 'compared' ? drifted.filter(({ pending }) => !pending).length : undefined,
  };
  // Of a big cluster's Services nearly all changed long ago; for each node they would be kept.
  const changes = seen.filter(({ shown, changed }) => shown === undefined || changed > since);
  return { changes, moments: [moment, ...history.moments].slice(0, MOMENTS) };
}

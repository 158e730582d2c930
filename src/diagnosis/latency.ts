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

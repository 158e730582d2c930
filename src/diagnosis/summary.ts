/** How a node stands to each Service port, and the sums that every view shows: counted here alone, so that none says otherwise. */
import { keyOf } from '../kubernetes/objects.ts';
import type { ProxiedPort } from '../kubeproxy/services.ts';
import { formatAddress } from '../netfilter/address.ts';
import type { FamilyDrift, Leftover, NodeDrift } from './drift-types.ts';

export type CellState =
  /** As kube-proxy should have written it. */
  | 'programmed'
  /** A change is so new that kube-proxy may still be about to write it. */
  | 'pending'
  /** Some packet is treated otherwise than it should be. */
  | 'drifted'
  /** The node's rules were not read, or cannot be compared. */
  | 'unknown'
  /** kube-proxy writes nothing for this Service there. */
  | 'none';

export interface NodeSummary {
  /** Service ports, each family by itself. They are programmed, pending, drifted or changed. */
  readonly ports: number;
  readonly programmed: number;
  readonly pending: number;
  /** Their own rules, or those that all share, treat some packet otherwise. */
  readonly drifted: number;
  /** Their rules are right, and others that kube-proxy left in another backend or mode change their packets. */
  readonly changed: number;
  /** Where those others are. */
  readonly changedBy: readonly Leftover['where'][];
  /** What is left of Services that the API no longer has. */
  readonly gone: number;
  /** Rules that all Services share are wrong. */
  readonly common: boolean;
}

export function nodeSummary(drift: NodeDrift & { readonly kind: 'compared' }): NodeSummary {
  const sums = { programmed: 0, pending: 0, drifted: 0, changed: 0 };
  for (const family of drift.families) for (const state of portStates(family).values()) sums[state]++;
  const { families } = drift;
  return {
    ...sums,
    ports: families.reduce((sum, family) => sum + family.ports.length, 0),
    changedBy: [
      ...new Set(families.flatMap(({ leftovers }) => leftovers.filter(changes).map((leftover) => leftover.where))),
    ],
    gone: families.flatMap((family) => family.drifted).filter((each) => !each.port).length,
    common: families.some((family) => family.common.length > 0),
  };
}

type PortState = 'programmed' | 'pending' | 'drifted' | 'changed';

function portStates({ ports, drifted, common, leftovers }: FamilyDrift): ReadonlyMap<ProxiedPort, PortState> {
  const states = new Map<ProxiedPort, PortState>(ports.map((port) => [port, 'programmed']));
  const changed = new Set(leftovers.flatMap((leftover) => leftover.acts.filter(isFelt).map((act) => act.label)));
  const affected = new Set(common.flatMap((each) => each.affected));
  if (changed.size + affected.size > 0)
    for (const port of ports)
      if (affected.has(port.label)) states.set(port, 'drifted');
      else if (changed.has(port.label)) states.set(port, 'changed');
  for (const { port, pending } of drifted)
    if (port && !affected.has(port.label)) states.set(port, pending ? 'pending' : 'drifted');
  return states;
}

function changes({ acts }: Leftover): boolean {
  return acts.some(isFelt);
}

/** Whether 127.0.0.1 has node ports is a choice: that what was left gives it some more does no Service harm. */
export function isFelt({ ways }: Leftover['acts'][number]): boolean {
  return ways.some(({ address }) => !/^127\.|^::1$/.test(formatAddress(address)));
}

/** The state of each Service ("namespace/name") that kube-proxy programs there, the worst of its ports'; others are `none`. */
export function serviceStates(drift: NodeDrift): ReadonlyMap<string, CellState> {
  const states = new Map<string, CellState>();
  if (drift.kind === 'unknown') return states;
  const tell = (service: string, state: CellState): void => {
    const before = states.get(service);
    if (before === undefined || RANK.indexOf(state) > RANK.indexOf(before)) states.set(service, state);
  };
  for (const family of drift.families) {
    for (const [port, state] of portStates(family)) tell(keyOf(port.service), state === 'changed' ? 'drifted' : state);
    for (const { service, port } of family.drifted) if (!port) tell(service, 'drifted');
  }
  return states;
}

const RANK: readonly CellState[] = ['programmed', 'pending', 'drifted'];

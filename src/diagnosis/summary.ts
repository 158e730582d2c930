/** A node's drift in a line, and each Service's state on it. */
import type { NodeDrift } from './drift-types.ts';

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
  /** Service ports, both families. */
  readonly ports: number;
  readonly programmed: number;
  readonly pending: number;
  readonly drifted: number;
  /** Rules that all Services share are wrong. */
  readonly common: boolean;
  /** "18 of 21 ports programmed, 3 drifted"; why not, where the node cannot be compared. */
  readonly words: string;
}

export function nodeSummary(drift: NodeDrift): NodeSummary {
  if (drift.kind === 'unknown')
    return { ports: 0, programmed: 0, pending: 0, drifted: 0, common: false, words: drift.words };
  const ports = drift.families.reduce((sum, family) => sum + family.ports.length, 0);
  const all = drift.families.flatMap((family) => family.drifted);
  const own = all.filter((each) => each.port);
  const pending = own.filter((each) => each.pending).length;
  const drifted = own.length - pending;
  const gone = all.length - own.length;
  const common = drift.families.some((family) => family.common.length > 0);
  const programmed = ports - pending - drifted;
  const words = [
    `${programmed} of ${ports} ports programmed`,
    ...(drifted > 0 ? [`${drifted} drifted`] : []),
    ...(pending > 0 ? [`${pending} pending`] : []),
    ...(gone > 0 ? [`${gone} left of deleted Services`] : []),
    ...(common ? ['rules that all share are wrong'] : []),
  ].join(', ');
  return { ports, programmed, pending, drifted, common, words };
}

/** The state of each Service ("namespace/name") that kube-proxy programs there; others are `none`. */
export function serviceStates(drift: NodeDrift): ReadonlyMap<string, CellState> {
  const states = new Map<string, CellState>();
  if (drift.kind === 'unknown') return states;
  for (const family of drift.families) {
    for (const port of family.ports) {
      const key = `${port.namespace}/${port.name}`;
      if (!states.has(key)) states.set(key, 'programmed');
    }
    for (const { service, pending } of family.drifted)
      if (!pending) states.set(service, 'drifted');
      else if (states.get(service) !== 'drifted') states.set(service, 'pending');
    for (const { affected } of family.common) for (const label of affected) states.set(label.split(':')[0]!, 'drifted');
  }
  return states;
}

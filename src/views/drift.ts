import type { NodeDrift } from '../diagnosis/drift-types.ts';
import { nodeDriftSlices, type NodeSubject } from '../diagnosis/drift.ts';
import type { ClusterObjects } from '../kubernetes/objects.ts';
import type { ClusterSource, NodeCapture } from '../kubernetes/source.ts';
import { inTurns, type Slices } from '../netfilter/slices.ts';
import { nodeNetwork } from '../translation/network.ts';
import { captureIn } from './capture-of.ts';

interface Made {
  readonly objects: ClusterObjects;
  readonly capture: NodeCapture;
  readonly subject: NodeSubject;
  drift: NodeDrift | undefined;
  /** What was begun and is not there yet; whoever else asks helps to end it. */
  slices: Slices<NodeDrift> | undefined;
}

const made = new WeakMap<ClusterSource, Map<string, Made>>();

function madeFor(source: ClusterSource, node: string): Made | undefined {
  const capture = captureIn(source.rules(node));
  if (!capture) return undefined;
  const { objects } = source;
  const known = made.get(source) ?? new Map<string, Made>();
  made.set(source, known);
  const before = known.get(node);
  if (before && before.objects === objects && before.capture === capture) return before;
  // Nodes that are gone have no rules any more; what was computed of them is big.
  if (!before) for (const name of known.keys()) if (source.rules(name).kind === 'none') known.delete(name);
  const { network } = nodeNetwork(node, objects, capture);
  const { changedAt } = source;
  const next: Made = {
    objects,
    capture,
    subject: { objects, capture, network, changedAt },
    drift: undefined,
    slices: undefined,
  };
  known.set(node, next);
  return next;
}

/** What a node's drift is computed from; undefined where its rules were not read. */
export function subjectIn(source: ClusterSource, node: string): NodeSubject | undefined {
  return madeFor(source, node)?.subject;
}

/**
 * The node's drift at this moment: the same until its rules or the objects change. undefined where its rules were not read.
 *
 * It is computed in turns with everything else, since packets are followed for every port that has drifted. What changes on the way
 * does not end that: in a busy cluster it would never be there. Who asked then has it of the moment of asking, and nobody else.
 */
export async function driftIn(source: ClusterSource, node: string): Promise<NodeDrift | undefined> {
  const known = madeFor(source, node);
  if (known && !known.drift) await inTurns((known.slices ??= keeping(known)));
  return known?.drift;
}

function* keeping(known: Made): Slices<NodeDrift> {
  try {
    return (known.drift = yield* nodeDriftSlices(known.subject));
  } finally {
    known.slices = undefined;
  }
}

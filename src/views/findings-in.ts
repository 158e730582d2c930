/** The findings about a source as it is now, computed in slices: VS Code has its turn between them. */
import type { Finding } from '../diagnosis/catalogue.ts';
import { findingSlices } from '../diagnosis/findings.ts';
import type { NodeView } from '../diagnosis/node-findings.ts';
import type { ClusterSource } from '../kubernetes/source.ts';
import { inTurns } from '../netfilter/slices.ts';
import { driftIn } from './drift.ts';

/** Of a node and a family: more drifted ports are told in one finding. What each does is found by following packets. */
const MOST_DRIFTED = 50;

export async function findingsIn(source: ClusterSource): Promise<readonly Finding[]> {
  const { objects } = source;
  const nodes: NodeView[] = [];
  for (const { metadata } of objects.nodes) {
    const node = metadata.name;
    const rules = source.rules(node);
    nodes.push({ node, rules, drift: await driftIn(source, node), changedAt: source.changedAt });
    await pause();
  }
  return inTurns(findingSlices(objects, nodes, MOST_DRIFTED));
}

function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

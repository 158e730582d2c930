/** What each node showed over the captures of this session, for as long as its cluster is shown. */
import type { NodeDrift } from '../diagnosis/drift-types.ts';
import { NO_HISTORY, withCapture, type NodeHistory } from '../diagnosis/latency.ts';
import { metricsIn } from '../diagnosis/proxy-metrics.ts';
import type { ClusterSource } from '../kubernetes/source.ts';
import { nodeNamed } from '../translation/directory.ts';
import { captureIn } from './capture-of.ts';
import { driftIn } from './drift.ts';

interface Kept {
  /** When the newest capture that it tells of was read, in milliseconds since the epoch. */
  readonly at: number;
  readonly uid: string | undefined;
  readonly history: NodeHistory;
}

const kept = new WeakMap<ClusterSource, Map<string, Kept>>();

/** Of this very node, whatever had its name before. */
function keptOf(source: ClusterSource, node: string): Kept | undefined {
  const known = kept.get(source)?.get(node);
  return known?.uid === uidOf(source, node) ? known : undefined;
}

function uidOf({ objects }: ClusterSource, node: string): string | undefined {
  return nodeNamed(objects, node)?.metadata.uid;
}

/** The node's history by now; empty where its rules were not compared yet. */
export function historyIn(source: ClusterSource, node: string): NodeHistory {
  return keptOf(source, node)?.history ?? NO_HISTORY;
}

/** Compares the node's newest capture, if that has not been done, and keeps what it shows. undefined where there is none. */
export function remember(source: ClusterSource, node: string): NodeDrift | undefined {
  const capture = captureIn(source.rules(node));
  if (!capture) return undefined;
  const drift = driftIn(source, node);
  const before = keptOf(source, node);
  if (!drift || before?.at === capture.at) return drift;
  const known = kept.get(source) ?? new Map<string, Kept>();
  kept.set(source, known);
  // Nodes that are gone have no rules any more.
  if (!before) for (const name of known.keys()) if (source.rules(name).kind === 'none') known.delete(name);
  const witness = { objects: source.objects, changedAt: source.changedAt, metrics: metricsIn(capture.dumps) };
  const history = withCapture(before?.history ?? NO_HISTORY, drift, witness);
  known.set(node, { at: capture.at, uid: uidOf(source, node), history });
  return drift;
}

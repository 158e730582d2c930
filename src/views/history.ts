/** What each node showed over the captures of this session, for as long as its cluster is shown. */
import type { NodeDrift } from '../diagnosis/drift-types.ts';
import { NO_HISTORY, withCapture, type NodeHistory } from '../diagnosis/latency.ts';
import { metricsIn } from '../diagnosis/proxy-metrics.ts';
import type { ClusterSource, NodeCapture } from '../kubernetes/source.ts';
import { captureIn } from './capture-of.ts';
import { driftIn } from './drift.ts';

interface Kept {
  readonly capture: NodeCapture;
  readonly history: NodeHistory;
}

const kept = new WeakMap<ClusterSource, Map<string, Kept>>();

/** The node's history by now; empty where its rules were not compared yet. */
export function historyIn(source: ClusterSource, node: string): NodeHistory {
  return kept.get(source)?.get(node)?.history ?? NO_HISTORY;
}

/** Compares the node's newest capture, if that has not been done, and keeps what it shows. undefined where there is none. */
export function remember(source: ClusterSource, node: string): NodeDrift | undefined {
  const capture = captureIn(source.rules(node));
  if (!capture) return undefined;
  const drift = driftIn(source, node);
  const known = kept.get(source) ?? new Map<string, Kept>();
  kept.set(source, known);
  const before = known.get(node);
  if (!drift || before?.capture === capture) return drift;
  const witness = { objects: source.objects, changedAt: source.changedAt, metrics: metricsIn(capture.dumps) };
  known.set(node, { capture, history: withCapture(before?.history ?? NO_HISTORY, drift, witness) });
  return drift;
}

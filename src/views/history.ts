/** What each node showed over the captures of this session, for as long as its cluster is shown. */
import type { NodeDrift } from '../diagnosis/drift-types.ts';
import type { NodeSubject } from '../diagnosis/drift.ts';
import { NO_HISTORY, withCapture, type NodeHistory } from '../diagnosis/latency.ts';
import { metricsIn } from '../diagnosis/proxy-metrics.ts';
import type { ClusterSource } from '../kubernetes/source.ts';
import { nodeNamed } from '../translation/directory.ts';
import { captureIn } from './capture-of.ts';
import { driftIn, subjectIn } from './drift.ts';

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

function uidOf({ objects }: Pick<ClusterSource, 'objects'>, node: string): string | undefined {
  return nodeNamed(objects, node)?.metadata.uid;
}

/** The node's history by now; empty where its rules were not compared yet. */
export function historyIn(source: ClusterSource, node: string): NodeHistory {
  return keptOf(source, node)?.history ?? NO_HISTORY;
}

/** Compares the node's newest capture, if that has not been done, and keeps what it shows. undefined where there is none. */
export async function remember(source: ClusterSource, node: string): Promise<NodeDrift | undefined> {
  const subject = subjectIn(source, node);
  const drift = await driftIn(source, node);
  if (subject && drift && isNewest(source, node, subject)) keep(source, node, subject, drift);
  return drift;
}

/** Not where the node was read again meanwhile, or another one has its name: what it shows now may have been kept already. */
function isNewest(source: ClusterSource, node: string, subject: NodeSubject): boolean {
  return captureIn(source.rules(node)) === subject.capture && uidOf(source, node) === uidOf(subject, node);
}

function keep(source: ClusterSource, node: string, { objects, capture }: NodeSubject, drift: NodeDrift): void {
  const before = keptOf(source, node);
  if (before?.at === capture.at) return;
  const known = kept.get(source) ?? new Map<string, Kept>();
  kept.set(source, known);
  // Nodes that are gone have no rules any more.
  if (!before) for (const name of known.keys()) if (source.rules(name).kind === 'none') known.delete(name);
  const witness = { objects, changedAt: source.changedAt, metrics: metricsIn(capture.dumps) };
  const history = withCapture(before?.history ?? NO_HISTORY, drift, witness);
  known.set(node, { at: capture.at, uid: uidOf(source, node), history });
}

/** A node's line in numbers, as its drift has it: the tree, the comparison's list of nodes and the matrix say the same. */
import type { NodeDrift } from '../diagnosis/drift-types.ts';
import { nodeSummary, serviceStates } from '../diagnosis/summary.ts';
import type { ClusterSource } from '../kubernetes/source.ts';
import { driftIn } from './drift.ts';
import type { NodeHealth } from './health.ts';
import { t } from './words.ts';

/** undefined where the node's rules were not read, or cannot be compared. */
export async function healthIn(source: ClusterSource, node: string): Promise<NodeHealth | undefined> {
  const drift = await driftIn(source, node);
  if (drift?.kind !== 'compared') return undefined;
  const { ports, programmed, pending, common } = nodeSummary(drift);
  const wrong = [...serviceStates(drift)].flatMap(([service, state]) => (state === 'drifted' ? [service] : []));
  return { ports, right: programmed, pending, wrong, common };
}

/** "18 of 21 ports programmed, 3 drifted"; why not, where the node cannot be compared. */
export function summaryWords(drift: NodeDrift): string {
  if (drift.kind === 'unknown') return drift.words;
  const { ports, programmed, pending, drifted, changed, changedBy, gone, common } = nodeSummary(drift);
  return [
    t('{0} of {1} ports programmed', programmed, ports),
    ...(drifted > 0 ? [t('{0} drifted', drifted)] : []),
    ...(pending > 0 ? [t('{0} pending', pending)] : []),
    ...(changed > 0 ? [t('{0} changed by rules left in {1}', changed, changedBy.join(', '))] : []),
    ...(gone > 0 ? [t('{0} left of deleted Services', gone)] : []),
    ...(common ? [t('rules that all share are wrong')] : []),
  ].join(', ');
}

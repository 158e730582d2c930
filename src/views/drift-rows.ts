/** Rows below a node in the Nodes tree: how its rules stand to what kube-proxy should have written. */
import { boundsOf, observed } from '../diagnosis/latency.ts';
import { nodeSummary } from '../diagnosis/summary.ts';
import type { ClusterSource } from '../kubernetes/source.ts';
import { driftIn } from './drift.ts';
import type { NodesRow } from './nodes-rows.ts';
import { t } from './words.ts';

/** More are in the matrix and in the comparison. */
const MAXIMUM_ROWS = 12;

export function driftRows(source: ClusterSource, node: string): readonly NodesRow[] {
  const drift = driftIn(source, node);
  if (!drift) return [];
  const fact = (label: string, value: string, icon: string): NodesRow => ({
    kind: 'fact',
    id: `fact/${node}/${label}`,
    label,
    value,
    icon,
  });
  if (drift.kind === 'unknown')
    return drift.reason === 'objects' ? [fact(t('Programmed'), drift.words, 'question')] : [];
  const { ports, programmed, pending, drifted } = nodeSummary(drift);
  const words = [
    t('{0} of {1} ports programmed', programmed, ports),
    ...(drifted > 0 ? [t('{0} drifted', drifted)] : []),
    ...(pending > 0 ? [t('{0} pending', pending)] : []),
  ].join(', ');
  const wrong = drift.families.flatMap((family) => [
    ...family.common,
    ...family.drifted.filter((port) => port.pending === undefined),
  ]);
  const rows = wrong.slice(0, MAXIMUM_ROWS).map((each, i): NodesRow => ({
    kind: 'problem',
    id: `drift/${node}/${i}`,
    ...('label' in each && { about: each.label }),
    message: each.explain().consequences[0]?.words ?? '',
    advice: t('Compare Expected with Actual Rules shows the very rules.'),
  }));
  // The newest change that this capture shows: programmed within so long at most.
  const [newest] = observed([], drift, source.objects).filter((change) => change.shown !== undefined);
  const bounds = newest && boundsOf(newest);
  return [
    rows.length === 0
      ? fact(t('Programmed'), words, 'pass')
      : { kind: 'group', id: `drift/${node}`, node, label: t('Programmed'), value: words, rows },
    ...(newest && bounds && source.kind === 'live'
      ? [
          fact(
            t('Newest change'),
            t('{0}, programmed within {1} s', newest.service, Math.max(1, Math.round(bounds.most / 1000))),
            'watch',
          ),
        ]
      : []),
  ];
}

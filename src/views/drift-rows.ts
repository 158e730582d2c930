/** Rows below a node in the Nodes tree: how its rules stand to what kube-proxy should have written. */
import type { NodeDrift } from '../diagnosis/drift-types.ts';
import { isFelt } from '../diagnosis/summary.ts';
import { summaryWords } from './node-health.ts';
import { factRow, type NodesRow } from './nodes-rows.ts';
import { pendingWords } from './timeline.ts';
import { t } from './words.ts';

/** More are in the matrix and in the comparison. */
const MAXIMUM_ROWS = 12;

export function driftRows(node: string, drift: NodeDrift | undefined): readonly NodesRow[] {
  if (!drift) return [];
  const fact = (label: string, value: string, icon: string): NodesRow => factRow(node, label, value, icon);
  if (drift.kind === 'unknown')
    return drift.reason === 'objects' ? [fact(t('Programmed'), drift.words, 'question')] : [];
  const words = summaryWords(drift);
  const advice = t('Compare Expected with Actual Rules shows the very rules.');
  const wrong = drift.families.flatMap((family) => [
    ...[...family.common, ...family.drifted.filter((port) => port.pending === undefined)].map((each) => ({
      ...('label' in each && { about: each.label }),
      // What a port's drift does is found by following packets: of those alone that are shown.
      message: () => each.explain().consequences[0]?.words ?? '',
      advice,
    })),
    ...family.leftovers.flatMap(({ where, acts }) =>
      acts.filter(isFelt).map(({ label, words: message }) => ({
        about: label,
        message: () => message,
        advice: t(
          'Rules that kube-proxy left in {0} do that: kube-proxy --cleanup or a restart of the node removes them.',
          where,
        ),
      })),
    ),
  ]);
  const rows = wrong
    .slice(0, MAXIMUM_ROWS)
    .map((each, i): NodesRow => ({ kind: 'problem', id: `drift/${node}/${i}`, ...each, message: each.message() }));
  const pending = drift.families.flatMap((family) =>
    family.drifted.flatMap((port, i): readonly NodesRow[] =>
      port.pending
        ? [
            {
              kind: 'fact',
              id: `pending/${node}/${family.family}/${i}`,
              label: port.label,
              value: t('pending: {0}', pendingWords(port.pending)),
              icon: 'clock',
            },
          ]
        : [],
    ),
  );
  const below = [...rows, ...pending.slice(0, MAXIMUM_ROWS)];
  if (below.length === 0) return [fact(t('Programmed'), words, 'pass')];
  const look =
    rows.length > 0 ? ({ icon: 'error', mark: 'error' } as const) : ({ icon: 'clock', mark: 'quiet' } as const);
  return [{ kind: 'group', id: `drift/${node}`, node, label: t('Programmed'), value: words, ...look, rows: below }];
}

import { t } from '../words.ts';

/** Every sentence that the matrix's page says, in the reader's language, by its English. A test compares them with the page's source. */
export function matrixWords(): Readonly<Record<string, string>> {
  return {
    'Nodes and Services': t('Nodes and Services'),
    'Arrow keys move, Enter compares expected with actual rules.': t(
      'Arrow keys move, Enter compares expected with actual rules.',
    ),
    'Compare expected with actual': t('Compare expected with actual'),
    'Comparing: {0} nodes to go': t('Comparing: {0} nodes to go'),
    Diagram: t('Diagram'),
    'No Service that kube-proxy programs.': t('No Service that kube-proxy programs.'),
    'Read the nodes that were not read': t('Read the nodes that were not read'),
    'Rules that all Services share are wrong.': t('Rules that all Services share are wrong.'),
    'Timeline of {0}': t('Timeline of {0}'),
    drifted: t('drifted'),
    'not captured': t('not captured'),
    'nothing to program': t('nothing to program'),
    pending: t('pending'),
    programmed: t('programmed'),
    '{0} and {1} more alike': t('{0} and {1} more alike'),
    '{0} drifted': t('{0} drifted'),
    '{0} on {1}: {2}': t('{0} on {1}: {2}'),
    '{0} pending': t('{0} pending'),
    '{0} Services · {1} nodes, all alike': t('{0} Services · {1} nodes, all alike'),
    '{0} Services · {1} nodes in {2} rows': t('{0} Services · {1} nodes in {2} rows'),
  };
}

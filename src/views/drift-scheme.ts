import type * as vscode from 'vscode';
import type { ClusterSource } from '../kubernetes/source.ts';
import { makesRules, type Traffic } from './context.ts';
import { documentUri, type DocumentKind } from './documents.ts';

/** service-traffic-drift:/CLUSTER/NODE/expected?namespace/service: one side of a comparison, as a read-only document. */
const DRIFT_SCHEME = 'service-traffic-drift';

export type Side = 'expected' | 'actual';

/** @param service "namespace/name"; undefined: the whole node */
export function sideUri(source: ClusterSource, node: string, service: string | undefined, side: Side): vscode.Uri {
  return documentUri(DRIFT_SCHEME, [source.name, node, side], service);
}

/** Both sides of a node, or of one Service on it. What computes them is loaded when it is needed. */
export function driftDocuments(traffic: Traffic): DocumentKind {
  return {
    scheme: DRIFT_SCHEME,
    isTouched: (uri, { source, objects, nodes }) =>
      source || nodes.includes(sideOf(uri).node) || objects.some(makesRules),
    text: async (uri) => {
      const { side, node } = sideOf(uri);
      const { sideText } = await import('./compare-rules.ts');
      return sideText(traffic, node, uri.query || undefined, side);
    },
  };
}

function sideOf(uri: vscode.Uri): { readonly node: string; readonly side: Side } {
  const [side, node = ''] = uri.path.split('/').reverse();
  return { node, side: side === 'expected' ? 'expected' : 'actual' };
}

import type * as vscode from 'vscode';
import type { ClusterSource } from '../kubernetes/source.ts';
import { captureIn } from './capture-of.ts';
import type { Traffic } from './context.ts';
import { documentUri, type DocumentKind } from './documents.ts';
import { t } from './words.ts';

/** service-traffic-dump:/CLUSTER/NODE/iptables-save.txt: a node's dump as a read-only document. */
const DUMP_SCHEME = 'service-traffic-dump';

/** undefined where the node has no such dump (yet). */
export function dumpUri(source: ClusterSource, node: string, dump: string): vscode.Uri | undefined {
  if (!captureIn(source.rules(node))?.dumps.some(({ name }) => name === dump)) return undefined;
  return documentUri(DUMP_SCHEME, [source.name, node, dump]);
}

/** Of a dump document: which node's, and which dump. */
export function dumpOf(uri: vscode.Uri): { readonly node: string; readonly dump: string } | undefined {
  if (uri.scheme !== DUMP_SCHEME) return undefined;
  const [dump, node] = uri.path.split('/').reverse();
  return node && dump ? { node, dump } : undefined;
}

export function dumpDocuments(traffic: Traffic): DocumentKind {
  return {
    scheme: DUMP_SCHEME,
    isTouched: (uri, change) => change.source || change.nodes.includes(dumpOf(uri)?.node ?? ''),
    text: async (uri) => {
      const shown = dumpOf(uri);
      // After a reload of the window the document is asked for before anything else.
      const source = await traffic.open();
      if (!shown) return '';
      await traffic.captured([shown.node]);
      const dump = captureIn(source.rules(shown.node))?.dumps.find(({ name }) => name === shown.dump);
      return dump?.text ?? `# ${t('{0} of {1} has not been read, or is gone.', shown.dump, shown.node)}\n`;
    },
  };
}

import * as vscode from 'vscode';
import type { Narrative } from '../translation/sheet.ts';
import type { ClusterSource } from '../kubernetes/source.ts';
import type { RuleLocation, Traffic } from './context.ts';
import { commandUri, documentUri, type DocumentKind } from './documents.ts';
import type { TraceQuery } from './trace-query.ts';
import { t } from './words.ts';

/** service-traffic-trace:/CLUSTER/TITLE?QUERY: a packet's way as a read-only document with links to the rules. */
const TRACE_SCHEME = 'service-traffic-trace';

export function traceUri(source: Pick<ClusterSource, 'name'>, title: string, query: TraceQuery): vscode.Uri {
  return documentUri(TRACE_SCHEME, [source.name, title], JSON.stringify(query));
}

/** A trace is told anew when the cluster or the node's rules change: an open document is always what is so now. */
export function traceDocuments(traffic: Traffic): DocumentKind {
  const tell = async (uri: vscode.Uri): Promise<Narrative & { readonly file?: vscode.Uri }> => {
    const { readTraceQuery, tellDump, tellTrace } = await import('./trace-query.ts');
    const query = readTraceQuery(uri.query);
    if (!query) return { text: `${t('This address says nothing of a packet.')}\n`, links: [] };
    if (query.kind === 'file') {
      const file = await vscode.workspace.openTextDocument(vscode.Uri.parse(query.uri));
      return { ...tellDump(query, file.uri.path.split('/').at(-1)!, file.getText()), file: file.uri };
    }
    const source = await traffic.open();
    await traffic.captured([query.node]);
    const { sceneOf } = await import('./scene.ts');
    return tellTrace(query, sceneOf(source));
  };
  return {
    scheme: TRACE_SCHEME,
    isTouched: (_, change) => change.source || change.objects.length > 0 || change.nodes.length > 0,
    text: async (uri) => (await tell(uri)).text,
    links: async (document) => {
      const { text, links, file } = await tell(document.uri);
      if (text !== document.getText()) return []; // it is being told anew
      return links.map(({ line, start, end, node, place }) => {
        const rule: RuleLocation = { node, dump: place.dump, line: place.line };
        const target = file?.with({ fragment: `L${place.line}` }) ?? commandUri('openRuleAt', rule);
        const link = new vscode.DocumentLink(new vscode.Range(line, start, line, end), target);
        link.tooltip = t('Open the rule in {0} of {1}', place.dump, node);
        return link;
      });
    },
  };
}

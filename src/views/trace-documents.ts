import * as vscode from 'vscode';
import type { Narrative } from '../translation/sheet.ts';
import type { ClusterSource } from '../kubernetes/source.ts';
import type { RuleLocation, Traffic } from './context.ts';
import type { TraceQuery } from './trace-query.ts';
import { t } from './words.ts';

/** service-traffic-trace:/CLUSTER/TITLE?QUERY: a packet's way as a read-only document with links to the rules. */
export const TRACE_SCHEME = 'service-traffic-trace';

export function traceUri(source: Pick<ClusterSource, 'name'>, title: string, query: TraceQuery): vscode.Uri {
  const segments = [source.name, title].map((part) => part.replaceAll('/', '∕'));
  return vscode.Uri.from({ scheme: TRACE_SCHEME, path: '/' + segments.join('/'), query: JSON.stringify(query) });
}

/** Tells a trace anew when the cluster or the node's rules change: an open document is always what is so now. */
export class TraceDocuments
  implements vscode.TextDocumentContentProvider, vscode.DocumentLinkProvider, vscode.Disposable
{
  readonly #traffic: Traffic;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  readonly #listening: vscode.Disposable;

  constructor(traffic: Traffic) {
    this.#traffic = traffic;
    this.#listening = traffic.onDidChange((change) => {
      if (!change.source && change.objects.length === 0 && change.nodes.length === 0) return;
      for (const { uri } of vscode.workspace.textDocuments) if (uri.scheme === TRACE_SCHEME) this.#changed.fire(uri);
    });
  }

  async #tell(uri: vscode.Uri): Promise<Narrative & { readonly file?: vscode.Uri }> {
    const { readTraceQuery, tellTrace } = await import('./trace-query.ts');
    const query = readTraceQuery(uri.query);
    if (!query) return { text: `${t('This address says nothing of a packet.')}\n`, links: [] };
    if (query.kind === 'file') {
      const { tellDump } = await import('./trace-query.ts');
      const file = await vscode.workspace.openTextDocument(vscode.Uri.parse(query.uri));
      return { ...tellDump(query, file.uri.path.split('/').at(-1)!, file.getText()), file: file.uri };
    }
    const source = await this.#traffic.open();
    await this.#traffic.captured([query.node]);
    const { sceneOf } = await import('./scene.ts');
    return tellTrace(query, sceneOf(source));
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    return (await this.#tell(uri)).text;
  }

  async provideDocumentLinks(document: vscode.TextDocument): Promise<vscode.DocumentLink[]> {
    const { text, links, file } = await this.#tell(document.uri);
    if (text !== document.getText()) return []; // it is being told anew
    return links.map(({ line, start, end, node, place }) => {
      const rule: RuleLocation = { node, dump: place.dump, line: place.line };
      const command = `command:serviceTraffic.openRuleAt?${encodeURIComponent(JSON.stringify([rule]))}`;
      const target = file?.with({ fragment: `L${place.line}` }) ?? vscode.Uri.parse(command);
      const link = new vscode.DocumentLink(new vscode.Range(line, start, line, end), target);
      link.tooltip = t('Open the rule in {0} of {1}', place.dump, node);
      return link;
    });
  }

  dispose(): void {
    this.#listening.dispose();
    this.#changed.dispose();
  }
}

import * as vscode from 'vscode';
import type { ClusterSource } from '../kubernetes/source.ts';
import { captureIn } from './capture-of.ts';
import type { Traffic } from './context.ts';
import { t } from './words.ts';

/** service-traffic-dump:/CLUSTER/NODE/iptables-save.txt: a node's dump as a read-only document. */
export const DUMP_SCHEME = 'service-traffic-dump';

/** undefined where the node has no such dump (yet). */
export function dumpUri(source: ClusterSource, node: string, dump: string): vscode.Uri | undefined {
  if (!captureIn(source.rules(node))?.dumps.some(({ name }) => name === dump)) return undefined;
  const segments = [source.name, node, dump].map((part) => part.replaceAll('/', '∕')); // a context may be named like a path
  return vscode.Uri.from({ scheme: DUMP_SCHEME, path: '/' + segments.join('/') });
}

/** Of a dump document: which node's, and which dump. */
export function dumpOf(uri: vscode.Uri): { readonly node: string; readonly dump: string } | undefined {
  if (uri.scheme !== DUMP_SCHEME) return undefined;
  const [dump, node] = uri.path.split('/').reverse();
  return node && dump ? { node, dump } : undefined;
}

export class DumpDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #traffic: Traffic;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  readonly #listening: vscode.Disposable;

  constructor(traffic: Traffic) {
    this.#traffic = traffic;
    this.#listening = traffic.onDidChange((change) => {
      for (const { uri } of vscode.workspace.textDocuments) {
        const shown = dumpOf(uri);
        if (shown && (change.source || change.nodes.includes(shown.node))) this.#changed.fire(uri);
      }
    });
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const shown = dumpOf(uri);
    // After a reload of the window the document is asked for before anything else.
    const source = await this.#traffic.open();
    if (!shown) return '';
    await this.#traffic.captured([shown.node]);
    const dump = captureIn(source.rules(shown.node))?.dumps.find(({ name }) => name === shown.dump);
    return dump?.text ?? `# ${t('{0} of {1} has not been read, or is gone.', shown.dump, shown.node)}\n`;
  }

  dispose(): void {
    this.#listening.dispose();
    this.#changed.dispose();
  }
}

import * as vscode from 'vscode';
import type { ClusterSource } from '../kubernetes/source.ts';
import type { Traffic } from './context.ts';

/** service-traffic-drift:/CLUSTER/NODE/expected?namespace/service: one side of a comparison, as a read-only document. */
export const DRIFT_SCHEME = 'service-traffic-drift';

export type Side = 'expected' | 'actual';

/** @param service "namespace/name"; undefined: the whole node */
export function sideUri(source: ClusterSource, node: string, service: string | undefined, side: Side): vscode.Uri {
  const segments = [source.name, node, side].map((part) => part.replaceAll('/', '∕')); // a context may be named like a path
  return vscode.Uri.from({ scheme: DRIFT_SCHEME, path: `/${segments.join('/')}`, query: service ?? '' });
}

/** Both sides of a node, or of one Service on it, kept up to date while they are shown. What computes them is loaded when it is needed. */
export class LazyDriftDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #traffic: Traffic;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  readonly #listening: vscode.Disposable;

  constructor(traffic: Traffic) {
    this.#traffic = traffic;
    this.#listening = traffic.onDidChange(() => {
      for (const { uri } of vscode.workspace.textDocuments) if (uri.scheme === DRIFT_SCHEME) this.#changed.fire(uri);
    });
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const [side = '', node = ''] = uri.path.split('/').reverse();
    const { sideText } = await import('./compare-rules.ts');
    return sideText(this.#traffic, node, uri.query || undefined, side === 'expected' ? 'expected' : 'actual');
  }

  dispose(): void {
    this.#listening.dispose();
    this.#changed.dispose();
  }
}

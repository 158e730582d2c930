/** Read-only documents about the cluster: a scheme for each kind, told anew while they are open whenever their subject changes. */
import * as vscode from 'vscode';
import type { Traffic, TrafficChange } from './context.ts';

export interface DocumentKind {
  readonly scheme: string;
  /** Whether an open document says something else after this change. */
  readonly isTouched: (uri: vscode.Uri, change: TrafficChange) => boolean;
  readonly text: (uri: vscode.Uri) => Promise<string>;
  /** Asked after the text, of which they are pieces. */
  readonly links?: (document: vscode.TextDocument) => Promise<vscode.DocumentLink[]>;
}

export function registerDocuments(traffic: Traffic, kind: DocumentKind): vscode.Disposable {
  const { scheme, isTouched, text, links } = kind;
  const changed = new vscode.EventEmitter<vscode.Uri>();
  const listening = traffic.onDidChange((change) => {
    for (const { uri } of vscode.workspace.textDocuments)
      if (uri.scheme === scheme && isTouched(uri, change)) changed.fire(uri);
  });
  return vscode.Disposable.from(
    changed,
    listening,
    vscode.workspace.registerTextDocumentContentProvider(scheme, {
      onDidChange: changed.event,
      provideTextDocumentContent: text,
    }),
    ...(links ? [vscode.languages.registerDocumentLinkProvider({ scheme }, { provideDocumentLinks: links })] : []),
  );
}

/** A link that runs one of our commands. */
export function commandUri(name: string, ...args: readonly unknown[]): vscode.Uri {
  return vscode.Uri.parse(`command:serviceTraffic.${name}?${encodeURIComponent(JSON.stringify(args))}`);
}

/** SCHEME:/SEGMENT/SEGMENT?QUERY. A segment may hold slashes: a context may be named like a path. */
export function documentUri(scheme: string, segments: readonly string[], query = ''): vscode.Uri {
  return vscode.Uri.from({
    scheme,
    path: `/${segments.map((segment) => segment.replaceAll('/', '∕')).join('/')}`,
    query,
  });
}

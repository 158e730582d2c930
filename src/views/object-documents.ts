import * as vscode from 'vscode';
import type { ClusterObjects } from '../kubernetes/objects.ts';
import { SERVICE_NAME_LABEL } from '../kubernetes/objects.ts';
import type { ClusterSource } from '../kubernetes/source.ts';
import type { Traffic } from './context.ts';
import { t } from './words.ts';

/** service-traffic-object:/CLUSTER/services/NAMESPACE/NAME.yaml: what the API server says, as a read-only document. */
export const OBJECT_SCHEME = 'service-traffic-object';

export type ObjectKind = 'services' | 'pods' | 'nodes';

/** @param key "namespace/name", or a node's name */
export function objectUri(source: ClusterSource, kind: ObjectKind, key: string): vscode.Uri {
  const cluster = source.name.replaceAll('/', '∕');
  return vscode.Uri.from({ scheme: OBJECT_SCHEME, path: `/${cluster}/${kind}/${key}.yaml` });
}

/** A Service comes with its EndpointSlices: they are what its rules are made of. */
function objectsAt(uri: vscode.Uri, objects: ClusterObjects): readonly object[] {
  const [, , kind, ...rest] = uri.path.replace(/\.yaml$/, '').split('/');
  const name = rest.at(-1);
  const namespace = rest.length > 1 ? rest[0] : undefined;
  const same = (one: { readonly metadata: { readonly name: string; readonly namespace?: string } }): boolean =>
    one.metadata.name === name && one.metadata.namespace === namespace;
  const typed = (apiVersion: string, kindName: string) => (object: object) => ({
    apiVersion,
    kind: kindName,
    ...object,
  });
  switch (kind) {
    case 'services':
      return [
        ...objects.services.filter(same).map(typed('v1', 'Service')),
        ...objects.endpointSlices
          .filter(({ metadata }) => metadata.namespace === namespace && metadata.labels?.[SERVICE_NAME_LABEL] === name)
          .map(typed('discovery.k8s.io/v1', 'EndpointSlice')),
      ];
    case 'pods':
      return objects.pods.filter(same).map(typed('v1', 'Pod'));
    case 'nodes':
      return objects.nodes.filter((node) => node.metadata.name === name).map(typed('v1', 'Node'));
    default:
      return [];
  }
}

export class ObjectDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #traffic: Traffic;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  readonly #listening: vscode.Disposable;

  constructor(traffic: Traffic) {
    this.#traffic = traffic;
    this.#listening = traffic.onDidChange((change) => {
      if (!change.source && change.objects.length === 0) return;
      for (const { uri } of vscode.workspace.textDocuments) if (uri.scheme === OBJECT_SCHEME) this.#changed.fire(uri);
    });
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const { objects } = await this.#traffic.open();
    const { yamlText } = await import('./yaml-text.ts');
    const found = objectsAt(uri, objects);
    if (found.length === 0) return `# ${t('It is not in the cluster any more.')}\n`;
    return yamlText(found);
  }

  dispose(): void {
    this.#listening.dispose();
    this.#changed.dispose();
  }
}

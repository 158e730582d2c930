import type * as vscode from 'vscode';
import type { ClusterObjects } from '../kubernetes/objects.ts';
import { slicesOf } from '../kubernetes/slices.ts';
import type { ClusterSource } from '../kubernetes/source.ts';
import type { Traffic } from './context.ts';
import { documentUri, type DocumentKind } from './documents.ts';
import { t } from './words.ts';

/** service-traffic-object:/CLUSTER/services/NAMESPACE/NAME.yaml: what the API server says, as a read-only document. */
const OBJECT_SCHEME = 'service-traffic-object';

export type ObjectKind = 'services' | 'pods' | 'nodes';

/** @param key "namespace/name", or a node's name */
export function objectUri(source: ClusterSource, kind: ObjectKind, key: string): vscode.Uri {
  return documentUri(OBJECT_SCHEME, [source.name, kind, ...`${key}.yaml`.split('/')]);
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
        ...slicesOf(objects, `${namespace ?? ''}/${name ?? ''}`).map(typed('discovery.k8s.io/v1', 'EndpointSlice')),
      ];
    case 'pods':
      return objects.pods.filter(same).map(typed('v1', 'Pod'));
    case 'nodes':
      return objects.nodes.filter((node) => node.metadata.name === name).map(typed('v1', 'Node'));
    default:
      return [];
  }
}

export function objectDocuments(traffic: Traffic): DocumentKind {
  return {
    scheme: OBJECT_SCHEME,
    isTouched: (_, change) => change.source || change.objects.length > 0,
    text: async (uri) => {
      const { objects } = await traffic.open();
      const { yamlText } = await import('./yaml-text.ts');
      const found = objectsAt(uri, objects);
      return found.length === 0 ? `# ${t('It is not in the cluster any more.')}\n` : yamlText(found);
    },
  };
}

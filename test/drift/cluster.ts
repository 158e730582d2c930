/** Random clusters on the rig: made by a real API server, programmed by real kube-proxies, read back as a recording is. */
import type { Service } from '../../src/kubernetes/objects.ts';
import { DUMP_COMMANDS } from '../../src/kubernetes/dump.ts';
import type { DumpName } from '../../src/kubernetes/source.ts';
import type { Rig } from '../cluster/rig.ts';
import type { RandomCluster } from '../kubeproxy/random-cluster.ts';

/** A recording's files by path. */
export type Files = ReadonlyMap<string, Uint8Array>;

const KINDS = ['namespaces', 'services', 'endpointslices', 'endpoints', 'nodes', 'pods'] as const;

/** Puts the Services and slices of a random cluster in the place of whatever there was. */
export async function apply(rig: Rig, cluster: RandomCluster): Promise<void> {
  for (const kind of ['services', 'endpointslices', 'endpoints'])
    await rig.kubectl([
      'delete',
      kind,
      '--all-namespaces',
      '-l',
      'component!=apiserver,!kubernetes.io/service-name',
      '--wait=false',
      '--ignore-not-found',
    ]);
  await rig.kubectl([
    'delete',
    'endpointslices',
    '--all-namespaces',
    '-l',
    'endpointslice.kubernetes.io/managed-by=random',
    '--ignore-not-found',
  ]);
  const wanted = (service: Service): number => ((service.spec.ports ?? []).some(({ nodePort }) => nodePort) ? 0 : 1);
  const items = [
    ...cluster.namespaces.map((object) => ({ apiVersion: 'v1', kind: 'Namespace', ...object })),
    // Those with node ports of their own first, so that nobody else is given one of these by chance.
    ...[...cluster.services]
      .sort((a, b) => wanted(a) - wanted(b))
      .map((object) => ({ apiVersion: 'v1', kind: 'Service', ...object })),
    ...cluster.endpointSlices.map((object) => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      ...object,
    })),
  ];
  await rig.kubectl(['apply', '--server-side', '--validate=false', '-f', '-'], list(items));
  const balanced = cluster.services.filter(({ status }) => status !== undefined);
  if (balanced.length > 0)
    await rig.kubectl(
      ['apply', '--server-side', '--subresource=status', '--validate=false', '-f', '-'],
      list(balanced.map(({ metadata, status }) => ({ apiVersion: 'v1', kind: 'Service', metadata, status }))),
    );
}

function list(items: readonly object[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

/** The API's objects and, for each node, what its kernel holds, as the files of a recording. */
export async function record(rig: Rig, dumps: readonly DumpName[]): Promise<Files> {
  const files = new Map<string, Uint8Array>();
  const put = (path: string, text: string) => files.set(path, new TextEncoder().encode(text));
  for (const kind of KINDS) put(`objects/${kind}.json`, bare(await rig.kubectl(['get', kind, '-A', '-o', 'json'])));
  const config = await rig.kubectl(['get', 'configmap', 'kube-proxy', '-n', 'kube-system', '-o', 'json']);
  put('objects/kube-proxy-config.json', bare(config));
  for (const node of rig.nodes)
    for (const name of dumps) {
      // The iptables that kube-proxy finds on its PATH.
      const command = DUMP_COMMANDS[name].map((word, i) =>
        i === 0 && /^ip6?tables/.test(word) ? `${rig.folder}/bin/${word}` : word,
      );
      put(`nodes/${node}/${name}`, await rig.onNode(node, command));
    }
  return files;
}

/** Without what says nothing about Services and takes most of the room. */
function bare(json: string): string {
  return JSON.stringify(
    JSON.parse(json, (key, value: unknown) =>
      key === 'managedFields' || key === 'kubectl.kubernetes.io/last-applied-configuration' ? undefined : value,
    ),
  );
}

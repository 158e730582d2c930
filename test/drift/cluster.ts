/** Random clusters on the rig: made by a real API server, programmed by real kube-proxies, read back as a recording is. */
import type { Namespace, Service } from '../../src/kubernetes/objects.ts';
import { DUMP_COMMANDS } from '../../src/kubernetes/dump.ts';
import type { DumpName } from '../../src/kubernetes/source.ts';
import type { Rig } from '../cluster/rig.ts';
import type { RandomCluster } from '../kubeproxy/random-cluster.ts';

/** A recording's files by path. */
export type Files = ReadonlyMap<string, Uint8Array>;

const KINDS = ['namespaces', 'services', 'endpointslices', 'endpoints', 'nodes', 'pods'] as const;

/** Puts the Services and slices of a random cluster in the place of those of the one before. */
export async function apply(rig: Rig, cluster: RandomCluster): Promise<void> {
  await clear(rig);
  const services = cluster.services.map(withNodePorts);
  const items = [
    ...cluster.namespaces.map((object) => ({ apiVersion: 'v1', kind: 'Namespace', ...object })),
    ...services.map((object) => ({ apiVersion: 'v1', kind: 'Service', ...object })),
    ...cluster.endpointSlices.map((object) => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      ...object,
    })),
  ];
  await rig.kubectl(['apply', '--server-side', '--validate=false', '-f', '-'], list(items));
  const balanced = services.filter(({ status }) => status !== undefined);
  if (balanced.length > 0)
    await rig.kubectl(
      ['apply', '--server-side', '--subresource=status', '--validate=false', '-f', '-'],
      list(balanced.map(({ metadata, status }) => ({ apiVersion: 'v1', kind: 'Service', metadata, status }))),
    );
}

/** One request for all Services of a namespace, one for all slices: object by object kubectl takes minutes. */
async function clear(rig: Rig): Promise<void> {
  const found = JSON.parse(await rig.kubectl(['get', 'namespaces', '-o', 'json'])) as { items: readonly Namespace[] };
  for (const { metadata } of found.items) {
    if (metadata.name.startsWith('kube-')) continue;
    const selector = encodeURIComponent('component!=apiserver');
    await rig.kubectl(['delete', '--raw', `/api/v1/namespaces/${metadata.name}/services?labelSelector=${selector}`]);
    const slices = `/apis/discovery.k8s.io/v1/namespaces/${metadata.name}/endpointslices`;
    const random = encodeURIComponent('endpointslice.kubernetes.io/managed-by=random');
    await rig.kubectl(['delete', '--raw', `${slices}?labelSelector=${random}`]);
  }
}

/** Ports that ask for none are given one that nobody else asks for: what the API server would choose by chance might be another's. */
function withNodePorts(service: Service, i: number): Service {
  const { type, ports } = service.spec;
  if ((type !== 'NodePort' && type !== 'LoadBalancer') || !ports) return service;
  const given = ports.map((port, k) => ({ ...port, nodePort: port.nodePort ?? 31300 + 3 * i + k }));
  return { ...service, spec: { ...service.spec, ports: given } };
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

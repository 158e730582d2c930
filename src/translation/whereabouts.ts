/** Of an address that nothing in the cluster has: in whose network it lies, as far as the API tells. */
import { settingsOfConfigMap } from '../kubeproxy/configuration-file.ts';
import type { ClusterObjects } from '../kubernetes/objects.ts';
import {
  contains,
  formatAddress,
  formatPrefix,
  parseAddress,
  parsePrefix,
  type Address,
  type Prefix,
} from '../netfilter/address.ts';
import { vipsOf } from './directory.ts';

/** "in the pod network 10.244.1.0/24 of node-2". */
export function whereabouts(objects: ClusterObjects, address: Address): string {
  const inside = (texts: readonly string[]): Prefix | undefined =>
    texts.flatMap((text) => parsePrefix(text.trim()) ?? []).find((prefix) => contains(prefix, address));
  if (inside(['127.0.0.0/8', '::1/128'])) return "on loopback: each node's and each pod's own";
  for (const { metadata, spec } of objects.nodes) {
    const own = inside(spec?.podCIDRs ?? [spec?.podCIDR ?? '']);
    if (own) return `in the pod network ${formatPrefix(own)} of ${metadata.name}`;
  }
  const services = inside(serviceRanges(objects));
  if (services) return `in the Services' network ${formatPrefix(services)}`;
  const pods = inside(settingsOfConfigMap(objects.kubeProxyConfig)?.settings.clusterCIDRs ?? []);
  if (pods) return `in the pods' network ${formatPrefix(pods)}, in no node's part of it`;
  return amongClusterIPs(objects, address) ?? besideNode(objects, address) ?? 'in no network that the API tells of';
}

/** As the control plane's pods have it, where they are pods. */
function serviceRanges({ pods }: ClusterObjects): readonly string[] {
  for (const { spec } of pods)
    for (const { command, args } of spec?.containers ?? [])
      for (const word of [...(command ?? []), ...(args ?? [])]) {
        const range = /^--service-cluster-ip-range=(.+)$/.exec(word)?.[1];
        if (range !== undefined) return range.split(',');
      }
  return [];
}

function amongClusterIPs({ services }: ClusterObjects, address: Address): string | undefined {
  const ips = services
    .flatMap((service) => vipsOf(service).slice(0, service.spec.clusterIPs?.length ?? 1))
    .flatMap((text) => parseAddress(text) ?? [])
    .filter(({ family }) => family === address.family)
    .sort((a, b) => (a.value < b.value ? -1 : 1));
  const [first] = ips;
  const last = ips.at(-1);
  if (!first || !last || address.value < first.value || address.value > last.value) return undefined;
  return `between the cluster IPs ${formatAddress(first)} and ${formatAddress(last)} of other Services`;
}

/** How big the nodes' network is the API does not tell: /24 and /64 are what most have at least. */
function besideNode({ nodes }: ClusterObjects, address: Address): string | undefined {
  const host = address.family === 4 ? 8n : 64n;
  for (const { metadata, status } of nodes)
    for (const entry of status?.addresses ?? []) {
      const own = parseAddress(entry.address);
      if (own?.family === address.family && own.value >> host === address.value >> host)
        return `beside ${metadata.name} (${formatAddress(own)}), perhaps in the nodes' network`;
    }
  return undefined;
}

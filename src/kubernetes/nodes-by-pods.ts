import { ZONE_LABEL, type ClusterObjects, type Node, type Pod } from './objects.ts';

type Known = Pick<ClusterObjects, 'pods' | 'endpointSlices'>;

/** The names of the nodes that pods are on, sorted. */
export function nodesOfPods(pods: readonly Pod[]): readonly string[] {
  return [...new Set(pods.flatMap((pod) => pod.spec?.nodeName ?? []))].sort();
}

/**
 * Who may not list nodes still knows them by their pods, with the addresses that pods tell of their hosts, and the zone where an EndpointSlice
 * tells it of an endpoint there. Labels are absent where the zone is not known; a real node always has some.
 *
 * @param more names of other nodes that are known to be
 */
export function nodesByPods({ pods, endpointSlices }: Known, more: readonly string[] = []): readonly Node[] {
  const addresses = new Map<string, Set<string>>();
  for (const { spec, status } of pods) {
    if (spec?.nodeName === undefined) continue;
    const known = addresses.get(spec.nodeName) ?? new Set();
    addresses.set(spec.nodeName, known);
    if (status?.hostIP !== undefined) known.add(status.hostIP);
    if (spec.hostNetwork) for (const { ip } of status?.podIPs ?? []) known.add(ip);
  }
  const zones = new Map<string, string>();
  for (const slice of endpointSlices)
    for (const { nodeName, zone } of slice.endpoints ?? [])
      if (nodeName !== undefined && zone !== undefined) zones.set(nodeName, zone);
  const names = new Set([...addresses.keys()].sort().concat(more));
  return [...names].map((name) => {
    const zone = zones.get(name);
    const own = [...(addresses.get(name) ?? [])];
    return {
      metadata: { name, ...(zone !== undefined && { labels: { [ZONE_LABEL]: zone } }) },
      ...(own.length > 0 && { status: { addresses: own.map((address) => ({ type: 'InternalIP', address })) } }),
    };
  });
}

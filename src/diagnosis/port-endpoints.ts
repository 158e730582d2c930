import { keyOf, type ClusterObjects } from '../kubernetes/objects.ts';
import { slicesOf } from '../kubernetes/slices.ts';
import type { ProxiedPort } from '../kubeproxy/services.ts';
import { formatEndpoint, parseAddress } from '../netfilter/address.ts';

/** All endpoints of a port in the API, ready or not. */
export function endpointsOf(objects: ClusterObjects, port: ProxiedPort): ReadonlySet<string> {
  const found = new Set<string>();
  for (const slice of slicesOf(objects, keyOf(port.service)))
    for (const each of slice.ports ?? []) {
      if ((each.name ?? '') !== port.portName || (each.protocol ?? 'TCP').toLowerCase() !== port.protocol) continue;
      for (const endpoint of slice.endpoints ?? []) {
        const address = parseAddress(endpoint.addresses[0] ?? '');
        if (address) found.add(formatEndpoint(address, each.port));
      }
    }
  return found;
}

/** EndpointSlices by their Service, indexed once per array of slices. */
import { keyOf, SERVICE_NAME_LABEL, type ClusterObjects, type EndpointSlice } from '../kubernetes/objects.ts';
import type { ProxiedPort } from '../kubeproxy/services.ts';
import { formatEndpoint, parseAddress } from '../netfilter/address.ts';

const byService = new WeakMap<readonly EndpointSlice[], ReadonlyMap<string, readonly EndpointSlice[]>>();

/** @param service "namespace/name" */
export function slicesOf({ endpointSlices }: ClusterObjects, service: string): readonly EndpointSlice[] {
  let index = byService.get(endpointSlices);
  if (!index) byService.set(endpointSlices, (index = group(endpointSlices)));
  return index.get(service) ?? [];
}

function group(slices: readonly EndpointSlice[]): ReadonlyMap<string, readonly EndpointSlice[]> {
  const groups = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const name = slice.metadata.labels?.[SERVICE_NAME_LABEL];
    if (name === undefined) continue;
    const key = `${slice.metadata.namespace ?? ''}/${name}`;
    const list = groups.get(key);
    if (list) list.push(slice);
    else groups.set(key, [slice]);
  }
  return groups;
}

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

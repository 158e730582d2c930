/** EndpointSlices by their Service, indexed once per array of slices. */
import { SERVICE_NAME_LABEL, type ClusterObjects, type EndpointSlice } from './objects.ts';

const byService = new WeakMap<readonly EndpointSlice[], ReadonlyMap<string, readonly EndpointSlice[]>>();

/** @param service "namespace/name" */
export function slicesOf({ endpointSlices }: ClusterObjects, service: string): readonly EndpointSlice[] {
  let index = byService.get(endpointSlices);
  if (!index) byService.set(endpointSlices, (index = group(endpointSlices)));
  return index.get(service) ?? NONE;
}

const NONE: readonly EndpointSlice[] = [];

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

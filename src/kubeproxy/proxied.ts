import {
  keyOf,
  SERVICE_NAME_LABEL,
  type ClusterObjects,
  type Endpoints,
  type EndpointSlice,
  type Service,
} from '../kubernetes/objects.ts';
import { readEndpoints, type EndpointOptions, type ProxiedEndpoint } from './endpoints.ts';
import { enabled } from './features.ts';
import { keyOfPort, portsOf, type ProxiedPort } from './services.ts';

/** A service port and its endpoints, as kube-proxies of every node see them. */
export interface Proxied {
  readonly port: ProxiedPort;
  /** Sorted; none where no slice has the port. */
  readonly endpoints: readonly ProxiedEndpoint[];
}

interface Remembered {
  readonly options: string;
  readonly sources: readonly (EndpointSlice | Endpoints)[];
  readonly ports: readonly Proxied[];
}

/** Objects are immutable and a change makes new ones, so what was read of a Service stays true while it and its slices are the same. */
const memory = new WeakMap<Service, Remembered[]>();

/** Two families, and a release on either side of an upgrade. */
const REMEMBERED = 4;

/**
 * Every service port with its endpoints, in the order of the objects. What has not changed since it was last asked for is not read
 * again, whichever node asks: after one slice's change one Service is read.
 */
export function proxied(objects: ClusterObjects, options: EndpointOptions): Proxied[] {
  const key = `${options.family} ${options.release.minor}.${options.release.patch} ${JSON.stringify(options.featureGates)}`;
  const sources = sourcesByService(objects, options);
  return objects.services.flatMap((service) => {
    const own = sources.get(keyOf(service)) ?? [];
    const known = memory.get(service) ?? [];
    const found = known.find((each) => each.options === key && same(each.sources, own));
    if (found) return found.ports;
    const ports = readService(objects, service, own, options);
    memory.set(
      service,
      [{ options: key, sources: own, ports }, ...known.filter((each) => each.options !== key)].slice(0, REMEMBERED),
    );
    return ports;
  });
}

/** Whether nodes make different things of its endpoints: policies Local, hints, and slices that contradict each other. */
export function dependsOnNode({ port, endpoints }: Proxied): boolean {
  if (port.externalPolicyLocal || port.internalPolicyLocal) return true;
  return endpoints.some(
    ({ zones, nodes, ip }, i) => zones.length > 0 || nodes.length > 0 || endpoints[i - 1]?.ip === ip,
  );
}

function sourcesByService(
  objects: ClusterObjects,
  options: EndpointOptions,
): Map<string, (EndpointSlice | Endpoints)[]> {
  const found = new Map<string, (EndpointSlice | Endpoints)[]>();
  const add = (key: string, source: EndpointSlice | Endpoints): void => {
    const list = found.get(key);
    if (list) list.push(source);
    else found.set(key, [source]);
  };
  if (enabled('EndpointSliceProxying', options.release, options.featureGates))
    for (const slice of objects.endpointSlices)
      add(`${slice.metadata.namespace ?? ''}/${slice.metadata.labels?.[SERVICE_NAME_LABEL] ?? ''}`, slice);
  else for (const endpoints of objects.endpoints) add(keyOf(endpoints), endpoints);
  return found;
}

function readService(
  objects: ClusterObjects,
  service: Service,
  sources: readonly (EndpointSlice | Endpoints)[],
  options: EndpointOptions,
): readonly Proxied[] {
  const ports = portsOf(service, options);
  if (ports.length === 0) return [];
  const own = {
    ...objects,
    endpointSlices: sources.filter((source) => 'addressType' in source),
    endpoints: sources.filter((source) => !('addressType' in source)),
  };
  const endpoints = readEndpoints(own, options);
  return ports.map((port) => ({ port, endpoints: endpoints.get(keyOfPort(port)) ?? [] }));
}

function same(some: readonly unknown[], others: readonly unknown[]): boolean {
  return some.length === others.length && some.every((each, i) => each === others[i]);
}

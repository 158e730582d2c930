import { keyOf, type ClusterObjects, type Endpoints, type EndpointSlice, type Service } from '../kubernetes/objects.ts';
import { slicesOf } from '../kubernetes/slices.ts';
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

interface All {
  readonly options: string;
  readonly sources: readonly (EndpointSlice | Endpoints)[];
  readonly ports: readonly Proxied[];
}

const all = new WeakMap<readonly Service[], All[]>();

/**
 * Every service port with its endpoints, in the order of the objects. What has not changed since it was last asked for is not read
 * again, whichever node asks: after one slice's change one Service is read.
 */
export function proxied(objects: ClusterObjects, options: EndpointOptions): readonly Proxied[] {
  const key = `${options.family} ${options.release.minor}.${options.release.patch} ${JSON.stringify(options.featureGates)}`;
  const bySlices = enabled('EndpointSliceProxying', options.release, options.featureGates);
  const { services } = objects;
  const sources = bySlices ? objects.endpointSlices : objects.endpoints;
  const known = all.get(services) ?? [];
  const found = known.find((each) => each.options === key && each.sources === sources);
  if (found) return found.ports;
  const ports: Proxied[] = [];
  const old = bySlices ? undefined : endpointsByService(objects.endpoints);
  for (const service of services) {
    const name = keyOf(service);
    ports.push(...portsWith(objects, service, old ? (old.get(name) ?? NONE) : slicesOf(objects, name), key, options));
  }
  all.set(
    services,
    [{ options: key, sources, ports }, ...known.filter((each) => each.options !== key)].slice(0, REMEMBERED),
  );
  return ports;
}

const NONE: readonly never[] = [];

function portsWith(
  objects: ClusterObjects,
  service: Service,
  sources: readonly (EndpointSlice | Endpoints)[],
  key: string,
  options: EndpointOptions,
): readonly Proxied[] {
  const known = memory.get(service) ?? [];
  const found = known.find((each) => each.options === key && same(each.sources, sources));
  if (found) return found.ports;
  const ports = readService(objects, service, sources, options);
  memory.set(
    service,
    [{ options: key, sources, ports }, ...known.filter((each) => each.options !== key)].slice(0, REMEMBERED),
  );
  return ports;
}

/** Whether nodes make different things of its endpoints: policies Local, hints, and slices that contradict each other. */
export function dependsOnNode({ port, endpoints }: Proxied): boolean {
  if (port.externalPolicyLocal || port.internalPolicyLocal) return true;
  return endpoints.some(
    ({ zones, nodes, ip }, i) => zones.length > 0 || nodes.length > 0 || endpoints[i - 1]?.ip === ip,
  );
}

function endpointsByService(all: readonly Endpoints[]): ReadonlyMap<string, readonly Endpoints[]> {
  const found = new Map<string, Endpoints[]>();
  for (const endpoints of all) {
    const key = keyOf(endpoints);
    found.set(key, [...(found.get(key) ?? []), endpoints]);
  }
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

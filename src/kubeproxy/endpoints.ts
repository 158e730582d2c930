import {
  SERVICE_NAME_LABEL,
  type ClusterObjects,
  type Endpoints,
  type EndpointSlice,
  type Protocol,
} from '../kubernetes/objects.ts';
import type { Family } from '../netfilter/address.ts';
import { enabled } from './features.ts';
import { canonicalIP } from './lenient.ts';
import { servicePortLabel } from './names.ts';
import { isWatched } from './services.ts';
import { atLeast, type Release } from './version.ts';

/** An endpoint of a service port, the same for every node. */
export interface ProxiedEndpoint {
  /** "10.0.0.1:80" or "[fd00::1]:80": what hashes and comments have. Endpoints are sorted by it, bytewise. */
  readonly text: string;
  /** Canonical, whatever the object's spelling. */
  readonly ip: string;
  readonly port: number;
  readonly node: string | undefined;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Topology hints, where there are any. */
  readonly zones: readonly string[];
  readonly nodes: readonly string[];
}

/** Endpoints by keyOfPort(). */
export type EndpointsByPort = ReadonlyMap<string, readonly ProxiedEndpoint[]>;

export interface EndpointOptions {
  readonly family: Family;
  readonly release: Release;
  readonly featureGates: Readonly<Record<string, boolean>>;
}

/**
 * The endpoints of all service ports in one family, sorted, as the release reads them. An `ip:port` that several slices
 * name stands there several times, side by side: which of them counts depends on the node (see distinct).
 */
export function readEndpoints(objects: ClusterObjects, options: EndpointOptions): EndpointsByPort {
  const found = new Map<string, ProxiedEndpoint[]>();
  // Releases up to 1.21 could be told to read Endpoints; the order of those is kept as it is.
  if (!enabled('EndpointSliceProxying', options.release, options.featureGates)) {
    for (const endpoints of objects.endpoints) readLegacy(endpoints, options, found);
    return found;
  }
  for (const slice of objects.endpointSlices) readSlice(slice, options, found);
  // Up to 1.21 they were sorted by address alone: 10.0.0.1 before 10.0.0.11, the other way round since.
  const order = atLeast(options.release, 22)
    ? (a: ProxiedEndpoint, b: ProxiedEndpoint) => compare(a.text, b.text)
    : (a: ProxiedEndpoint, b: ProxiedEndpoint) => compare(a.ip, b.ip) || a.port - b.port;
  for (const list of found.values()) if (list.length > 1) list.sort(order);
  return found;
}

/** Bytewise, as Go compares strings; addresses and ports are ASCII, so UTF-16 units will do. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function add(found: Map<string, ProxiedEndpoint[]>, key: string, endpoint: ProxiedEndpoint): void {
  const list = found.get(key);
  if (list) list.push(endpoint);
  else found.set(key, [endpoint]);
}

function keyOf(
  namespace: string | undefined,
  service: string,
  portName: string,
  protocol: Protocol | undefined,
): string {
  return `${servicePortLabel(namespace ?? '', service, portName)}/${(protocol ?? 'TCP').toLowerCase()}`;
}

function readSlice(slice: EndpointSlice, options: EndpointOptions, found: Map<string, ProxiedEndpoint[]>): void {
  const { family, release } = options;
  const service = slice.metadata.labels?.[SERVICE_NAME_LABEL];
  if (!service || slice.addressType === 'FQDN') return;
  if (!isWatched('EndpointSlice', slice.metadata.labels, release)) return;
  // Up to 1.32 each address was looked at, from then on the slice's type.
  if (atLeast(release, 33) && slice.addressType !== (family === 4 ? 'IPv4' : 'IPv6')) return;
  const canonical = atLeast(release, 31);
  const nodeHints = enabled('PreferSameTrafficDistribution', release, options.featureGates);
  for (const port of slice.ports ?? []) {
    // No number means every port, which kube-proxy cannot do. The API server fills in the name "".
    if (!port.port) continue;
    const key = keyOf(slice.metadata.namespace, service, port.name ?? '', port.protocol);
    for (const endpoint of slice.endpoints ?? []) {
      const [address] = endpoint.addresses;
      const ip = address === undefined ? undefined : canonicalIP(address, family);
      if (ip === undefined) continue;
      const { ready = true, serving = true, terminating = false } = endpoint.conditions ?? {};
      if (!ready && !atLeast(release, 21)) continue;
      add(found, key, {
        text: join(canonical ? ip : address!, port.port),
        ip,
        port: port.port,
        node: endpoint.nodeName,
        ready,
        serving,
        terminating,
        zones: endpoint.hints?.forZones?.map((zone) => zone.name) ?? NONE,
        nodes: nodeHints ? (endpoint.hints?.forNodes?.map((node) => node.name) ?? NONE) : NONE,
      });
    }
  }
}

const NONE: readonly string[] = [];

function readLegacy(endpoints: Endpoints, options: EndpointOptions, found: Map<string, ProxiedEndpoint[]>): void {
  if (!isWatched('EndpointSlice', endpoints.metadata.labels, options.release)) return;
  // Dual-stack kube-proxies hand the whole object to the family of its very first address, and pass over objects without one.
  const first = endpoints.subsets?.[0]?.addresses?.[0]?.ip;
  const dualStack = enabled('IPv6DualStack', options.release, options.featureGates);
  if (dualStack && (first === undefined || canonicalIP(first, options.family) === undefined)) return;
  for (const subset of endpoints.subsets ?? [])
    for (const port of subset.ports ?? []) {
      if (!port.port) continue;
      const key = keyOf(endpoints.metadata.namespace, endpoints.metadata.name, port.name ?? '', port.protocol);
      for (const address of subset.addresses ?? []) {
        const ip = canonicalIP(address.ip, options.family);
        if (ip === undefined) continue;
        const text = join(address.ip, port.port);
        const common = { ready: true, serving: true, terminating: false, zones: NONE, nodes: NONE };
        add(found, key, { text, ip, port: port.port, node: address.nodeName, ...common });
      }
    }
}

function join(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/**
 * One endpoint for each `ip:port` of a sorted list (up to 1.21 for each address). Where slices contradict each other, kube-proxy's own
 * answer depends on the order in which it walks a map, save that up to 1.35 a local endpoint wins, from 1.36 on one that does not terminate.
 */
export function distinct(list: readonly ProxiedEndpoint[], node: string, release: Release): readonly ProxiedEndpoint[] {
  const of = atLeast(release, 22)
    ? (endpoint: ProxiedEndpoint) => endpoint.text
    : (endpoint: ProxiedEndpoint) => endpoint.ip;
  if (!list.some((endpoint, i) => i > 0 && of(list[i - 1]!) === of(endpoint))) return list;
  const wins = atLeast(release, 36)
    ? (endpoint: ProxiedEndpoint) => !endpoint.terminating
    : (endpoint: ProxiedEndpoint) => endpoint.node === node;
  const kept: ProxiedEndpoint[] = [];
  for (const endpoint of list) {
    const last = kept.at(-1);
    if (!last || of(last) !== of(endpoint)) kept.push(endpoint);
    else if (wins(endpoint)) kept[kept.length - 1] = endpoint;
  }
  return kept;
}

/**
 * Who is who in the cluster: indexes over its objects, built once per array of objects and kept as long as that array
 * is. A change of the pods leaves the index of the Services as it was.
 */
import type { ClusterObjects, Endpoints, Node, Pod, Service } from '../kubernetes/objects.ts';
import { keyOf } from '../kubernetes/objects.ts';
import { formatAddress, parseAddress } from '../netfilter/address.ts';

function remembered<K extends object, V>(build: (key: K) => V): (key: K) => V {
  const built = new WeakMap<K, V>();
  return (key) => {
    let value = built.get(key);
    if (value === undefined) built.set(key, (value = build(key)));
    return value;
  };
}

function grouped<T>(objects: readonly T[], keys: (object: T) => readonly string[]): ReadonlyMap<string, readonly T[]> {
  const map = new Map<string, T[]>();
  for (const object of objects)
    for (const key of keys(object)) {
      const list = map.get(key);
      if (list) list.push(object);
      else map.set(key, [object]);
    }
  return map;
}

const CANONICAL4 = /^(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})$/;

/** The address in its canonical text, or the text itself where it is no address. */
export function canonical(text: string): string {
  if (CANONICAL4.test(text)) return text;
  const address = parseAddress(text);
  return address ? formatAddress(address) : text;
}

const byKey = <T extends { readonly metadata: Service['metadata'] }>(objects: readonly T[]): ReadonlyMap<string, T> =>
  new Map(objects.map((object) => [keyOf(object), object]));

const servicesByKey = remembered((services: readonly Service[]) => byKey(services));
const servicesByAddress = remembered((services: readonly Service[]) =>
  grouped(services, (service) => [...new Set(vipsOf(service).map(canonical))]),
);
const servicesByNodePort = remembered((services: readonly Service[]) =>
  grouped(services, (service) => (service.spec.ports ?? []).flatMap((p) => (p.nodePort ? [String(p.nodePort)] : []))),
);
const endpointsByKey = remembered((endpoints: readonly Endpoints[]) => byKey(endpoints));
const podsByKey = remembered((pods: readonly Pod[]) => byKey(pods));
const podsByNamespace = remembered((pods: readonly Pod[]) => grouped(pods, (pod) => [pod.metadata.namespace ?? '']));
const podsByNode = remembered((pods: readonly Pod[]) =>
  grouped(pods, (pod) => (pod.spec?.nodeName ? [pod.spec.nodeName] : [])),
);
const podsByAddress = remembered((pods: readonly Pod[]) =>
  grouped(pods, (pod) => (isOver(pod) ? [] : addressesOf(pod).map(canonical))),
);
const nodesByName = remembered(
  (nodes: readonly Node[]): ReadonlyMap<string, Node> => new Map(nodes.map((node) => [node.metadata.name, node])),
);

/** A pod that has ended keeps its address in the API, while the address may be another pod's by now. */
function isOver(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

export function addressesOf(pod: Pod): readonly string[] {
  const all = pod.status?.podIPs?.map((entry) => entry.ip) ?? [];
  return all.length > 0 ? all : pod.status?.podIP ? [pod.status.podIP] : [];
}

/** Every address that only rules give a meaning to: cluster IPs, external IPs, load balancer IPs. */
export function vipsOf(service: Service): readonly string[] {
  const { spec, status } = service;
  const cluster = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
  const balancers = (status?.loadBalancer?.ingress ?? []).flatMap((ingress) => (ingress.ip ? [ingress.ip] : []));
  return [...cluster.filter((ip) => ip !== 'None' && ip !== ''), ...(spec.externalIPs ?? []), ...balancers];
}

export function serviceNamed(objects: ClusterObjects, key: string): Service | undefined {
  return servicesByKey(objects.services).get(key);
}

/** The Services that have this address as a VIP; several may share a load balancer's. */
export function servicesAt(objects: ClusterObjects, address: string): readonly Service[] {
  return servicesByAddress(objects.services).get(canonical(address)) ?? [];
}

export function servicesWithNodePort(objects: ClusterObjects, port: number): readonly Service[] {
  return servicesByNodePort(objects.services).get(String(port)) ?? [];
}

export function endpointsOf(objects: ClusterObjects, service: Service): Endpoints | undefined {
  return endpointsByKey(objects.endpoints).get(keyOf(service));
}

export function podNamed(objects: ClusterObjects, key: string): Pod | undefined {
  return podsByKey(objects.pods).get(key);
}

export function podsIn(objects: ClusterObjects, namespace: string): readonly Pod[] {
  return podsByNamespace(objects.pods).get(namespace) ?? [];
}

export function podsOn(objects: ClusterObjects, node: string): readonly Pod[] {
  return podsByNode(objects.pods).get(node) ?? [];
}

/** The pods that have this address and have not ended; those on the host's network share their node's. */
export function podsAt(objects: ClusterObjects, address: string): readonly Pod[] {
  return podsByAddress(objects.pods).get(canonical(address)) ?? [];
}

export function nodeNamed(objects: ClusterObjects, name: string): Node | undefined {
  return nodesByName(objects.nodes).get(name);
}

/** The node's address of that family that others reach it by: its InternalIP, else its ExternalIP. */
export function nodeAddress(node: Node, family: 4 | 6): string | undefined {
  const all = node.status?.addresses ?? [];
  for (const type of ['InternalIP', 'ExternalIP'])
    for (const entry of all)
      if (entry.type === type && parseAddress(entry.address)?.family === family) return canonical(entry.address);
  return undefined;
}

export function nodeAt(objects: ClusterObjects, address: string): Node | undefined {
  const wanted = canonical(address);
  return objects.nodes.find((node) => node.status?.addresses?.some((entry) => canonical(entry.address) === wanted));
}

/** What the API alone says about a Service: its ports, its ways in, its endpoints. */
import { slicesOf } from '../kubernetes/slices.ts';
import type { ClusterObjects, Protocol, Service, ServicePort } from '../kubernetes/objects.ts';
import { keyOf } from '../kubernetes/objects.ts';
import { parseAddress } from '../netfilter/address.ts';
import type { Family } from '../netfilter/address.ts';
import { canonical, endpointsOf } from './directory.ts';
import { addressAndPort, endpointsFor } from './endpoints.ts';
import type { PortStory, ServiceStory, Way } from './story.ts';

interface Told {
  readonly story: ServiceStory;
  readonly made: readonly unknown[];
}

const told = new WeakMap<Service, Told>();

/** Told anew only where the Service, its slices or (for reasons of endpoints that are not ready) the pods have changed. */
export function storyOf(objects: ClusterObjects, service: Service): ServiceStory {
  const slices = slicesOf(objects, keyOf(service));
  const made: unknown[] = [...slices, endpointsOf(objects, service)];
  const before = told.get(service);
  const pods = before?.story.ports.some((p) => p.endpoints.some((e) => !e.conditions.ready)) ? objects.pods : undefined;
  if (
    before &&
    before.made.length === made.length + 1 &&
    before.made.every((m, i) => m === (i < made.length ? made[i] : pods))
  )
    return before.story;
  const story = tell(objects, service);
  const waits = story.ports.some((p) => p.endpoints.some((e) => !e.conditions.ready));
  told.set(service, { story, made: [...made, waits ? objects.pods : undefined] });
  return story;
}

function tell(objects: ClusterObjects, service: Service): ServiceStory {
  const proxied = whetherProxied(service);
  return {
    service,
    key: keyOf(service),
    proxied,
    ports: (service.spec.ports ?? []).map((port): PortStory => {
      const protocol: Protocol = port.protocol ?? 'TCP';
      return {
        id: `${port.port}/${protocol}`,
        port,
        protocol,
        ways: proxied.is ? waysIn(service, port, protocol) : [],
        endpoints: endpointsFor(objects, service, port, protocol),
      };
    }),
  };
}

/** What kube-proxy leaves alone, from its ShouldSkipService and the label selector of its informers. */
function whetherProxied(service: Service): ServiceStory['proxied'] {
  const { spec, metadata } = service;
  if (spec.type === 'ExternalName')
    return {
      is: false,
      why: `ExternalName: DNS answers with ${spec.externalName ?? 'another name'}; no rules are written`,
    };
  if (spec.clusterIP === 'None')
    return { is: false, why: 'headless: DNS answers with the pods themselves; no rules are written' };
  if (!spec.clusterIP && !spec.clusterIPs?.length) return { is: false, why: 'it has no cluster IP yet' };
  const other = metadata.labels?.['service.kubernetes.io/service-proxy-name'];
  if (other !== undefined) return { is: false, why: `left to another proxy (service-proxy-name: ${other || '""'})` };
  if (metadata.labels?.['service.kubernetes.io/headless'] !== undefined)
    return { is: false, why: 'labelled headless: kube-proxy leaves it alone' };
  return { is: true };
}

/** Every way in, IPv4 before IPv6: cluster IP, external IP, load balancer IP, node port. */
export function waysIn(service: Service, port: ServicePort, protocol: Protocol): readonly Way[] {
  const { spec, status } = service;
  const clusterIPs = (spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])).filter((ip) => parseAddress(ip));
  const families = new Set(clusterIPs.map((ip) => parseAddress(ip)!.family));
  const ways: Way[] = [];
  const add = (kind: Way['kind'], number: number, text: string) => {
    const address = parseAddress(text);
    // A family without a cluster IP of its own has no rules at all, and a stray address of it is ignored.
    if (address && families.has(address.family))
      ways.push({ kind, address: canonical(text), port: number, protocol, family: address.family });
  };
  for (const ip of clusterIPs) add('clusterIP', port.port, ip);
  for (const ip of spec.externalIPs ?? []) add('externalIP', port.port, ip);
  // ipMode Proxy: the load balancer answers itself, so kube-proxy writes nothing for its address.
  for (const ingress of status?.loadBalancer?.ingress ?? [])
    if (ingress.ip && ingress.ipMode !== 'Proxy') add('loadBalancerIP', port.port, ingress.ip);
  if (port.nodePort) {
    for (const family of families) ways.push({ kind: 'nodePort', port: port.nodePort, protocol, family });
    if (families.has(4)) add('nodePort', port.nodePort, '127.0.0.1');
  }
  return ways.sort((a, b) => a.family - b.family || 0);
}

/** A way's identity within its Service, stable over changes of anything else. */
export function wayId(way: Way): string {
  return `${way.kind}|${way.address ?? ''}|${way.port}|${way.protocol}|${way.family}`;
}

const KINDS: Readonly<Record<Way['kind'], string>> = {
  clusterIP: 'Cluster IP',
  externalIP: 'External IP',
  loadBalancerIP: 'Load balancer IP',
  nodePort: 'Node port',
};

/** "Cluster IP :80" where that tells it from its Service's other ways in, else with the address. */
export function shortWayWords(way: Way, all: readonly Way[]): string {
  const alike = all.filter((other) => other.kind === way.kind && other.port === way.port);
  const addresses = new Set(alike.map((other) => other.address));
  if (way.kind === 'nodePort' || addresses.size > 1) return wayWords(way);
  return `${KINDS[way.kind]} :${way.port}`;
}

/** "Cluster IP 10.96.0.10:53". */
export function wayWords(way: Way): string {
  const kind = KINDS[way.kind];
  if (way.address === undefined) return `${kind} ${way.port}${way.family === 6 ? ' (IPv6)' : ''}`;
  return `${kind} ${addressAndPort(way.address, way.port)}`;
}

export function familyOf(address: string): Family | undefined {
  return parseAddress(address)?.family;
}

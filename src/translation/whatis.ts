/** "What is 10.96.3.17:80?": things of the cluster by name, VIP, node port, pod address or pod name. */
import { keyOf, type ClusterObjects, type Node, type Pod, type Service } from '../kubernetes/objects.ts';
import { slicesOf } from '../kubernetes/slices.ts';
import { formatAddress, parseAddress } from '../netfilter/address.ts';
import { addressesOf, nodeAt, podsAt, servicesAt, servicesWithNodePort, vipsOf } from './directory.ts';
import { addressAndPort } from './endpoints.ts';
import { storyOf, waysIn, wayWords } from './service.ts';
import { whereabouts } from './whereabouts.ts';

export type Found =
  | {
      readonly kind: 'service';
      readonly service: Service;
      readonly title: string;
      readonly why: string;
      readonly portId?: string;
    }
  | { readonly kind: 'pod'; readonly pod: Pod; readonly title: string; readonly why: string }
  | { readonly kind: 'node'; readonly node: Node; readonly title: string; readonly why: string }
  /** Nobody's: `why` says what is known all the same. */
  | { readonly kind: 'nothing'; readonly title: string; readonly why: string };

export interface Asked {
  readonly address?: string;
  readonly port?: number;
  readonly text: string;
}

/** "10.96.0.10:53", "[fd00::1]:80", "fd00::1", ":30080", "30080", "shop/front", "front". */
export function parseQuery(query: string): Asked {
  const text = query.trim().toLowerCase();
  const bracketed = /^\[([0-9a-f:.]+)\](?::(\d+))?$/.exec(text);
  if (bracketed && parseAddress(bracketed[1]!))
    return { text, address: bracketed[1]!, ...(bracketed[2] && { port: Number(bracketed[2]) }) };
  if (parseAddress(text)) return { text, address: text };
  const split = /^([\d.]+):(\d+)$/.exec(text);
  if (split && parseAddress(split[1]!)) return { text, address: split[1]!, port: Number(split[2]) };
  const port = /^:?(\d{1,5})$/.exec(text);
  if (port) return { text, port: Number(port[1]) };
  return { text };
}

/** The best first, at most `most`; empty where there is nothing. */
export function findWhat(objects: ClusterObjects, query: string, most = 50): readonly Found[] {
  const asked = parseQuery(query);
  if (asked.text === '') return [];
  if (asked.address !== undefined) return byAddress(objects, asked.address, asked.port);
  const found = asked.port === undefined ? [] : byPort(objects, asked.port);
  return [...found, ...byName(objects, asked.text, most)].slice(0, most);
}

/** What is known of something that nobody is found for. */
export function nothingFound(objects: ClusterObjects, query: string): Found {
  const { text, address: asked, port } = parseQuery(query);
  const address = asked === undefined ? undefined : parseAddress(asked);
  if (address) {
    const why = `no Service, pod, endpoint or node has it; it is ${whereabouts(objects, address)}`;
    return { kind: 'nothing', title: formatAddress(address), why };
  }
  const why = port === undefined ? 'no Service, pod or node has this name' : `no Service has the node port ${port}`;
  return { kind: 'nothing', title: text, why };
}

const keyWords = (object: Service | Pod) => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;

function byAddress(objects: ClusterObjects, address: string, port: number | undefined): readonly Found[] {
  const found: Found[] = [];
  for (const service of servicesAt(objects, address)) found.push(...servicePort(service, address, port));
  for (const pod of podsAt(objects, address)) {
    if (pod.spec?.hostNetwork) continue;
    found.push({ kind: 'pod', pod, title: keyWords(pod), why: `has ${address} on ${pod.spec?.nodeName ?? 'no node'}` });
    for (const service of servicesOfEndpoint(objects, pod.metadata.namespace, address, port)) found.push(service);
  }
  const node = nodeAt(objects, address);
  if (node) {
    found.push({ kind: 'node', node, title: node.metadata.name, why: `has ${address}` });
    if (port !== undefined) found.push(...byPort(objects, port));
  }
  if (found.length === 0) found.push(...servicesOfEndpoint(objects, undefined, address, port));
  return found;
}

function servicePort(service: Service, address: string, port: number | undefined): readonly Found[] {
  const title = keyWords(service);
  const own = service.spec.ports ?? [];
  const matching = port === undefined ? [] : own.filter((one) => one.port === port);
  if (matching.length === 0) {
    const ports = own.map((one) => `${one.port}/${one.protocol ?? 'TCP'}`).join(', ') || 'none';
    const why = port === undefined ? `VIP ${address}` : `has ${address}, but no port ${port}; its ports: ${ports}`;
    return [{ kind: 'service', service, title, why }];
  }
  return matching.map((one) => {
    const protocol = one.protocol ?? 'TCP';
    const way = waysIn(service, one, protocol).find((candidate) => candidate.address === address);
    return {
      kind: 'service',
      service,
      title,
      portId: `${one.port}/${protocol}`,
      why: `${way ? wayWords(way) : addressAndPort(address, port)}/${protocol}${one.name ? ` (${one.name})` : ''}`,
    };
  });
}

function byPort(objects: ClusterObjects, port: number): readonly Found[] {
  return servicesWithNodePort(objects, port).map((service) => {
    const own = service.spec.ports?.find((one) => one.nodePort === port);
    return {
      kind: 'service',
      service,
      title: keyWords(service),
      portId: `${own?.port ?? port}/${own?.protocol ?? 'TCP'}`,
      why: `node port ${port}`,
    };
  });
}

function servicesOfEndpoint(
  objects: ClusterObjects,
  namespace: string | undefined,
  address: string,
  port: number | undefined,
): readonly Found[] {
  const found: Found[] = [];
  for (const service of objects.services) {
    if (namespace !== undefined && service.metadata.namespace !== namespace) continue;
    if (slicesOf(objects, keyOf(service)).length === 0) continue;
    for (const story of storyOf(objects, service).ports) {
      const endpoint = story.endpoints.find(
        (one) => one.address === address && (port === undefined || one.port === port),
      );
      if (!endpoint) continue;
      found.push({
        kind: 'service',
        service,
        title: keyWords(service),
        portId: story.id,
        why: `endpoint ${addressAndPort(address, endpoint.port)} of port ${story.port.name ?? story.port.port}`,
      });
      break;
    }
  }
  return found;
}

function byName(objects: ClusterObjects, text: string, most: number): readonly Found[] {
  const ranked: { readonly rank: number; readonly found: Found }[] = [];
  const rank = (name: string, key: string) =>
    name === text || key === text ? 0 : name.startsWith(text) || key.startsWith(text) ? 1 : key.includes(text) ? 2 : -1;
  for (const service of objects.services) {
    const r = rank(service.metadata.name, keyWords(service));
    if (r < 0) continue;
    const why = vipsOf(service)[0] ?? (service.spec.type === 'ExternalName' ? 'ExternalName' : 'headless');
    ranked.push({ rank: r, found: { kind: 'service', service, title: keyWords(service), why } });
  }
  for (const node of objects.nodes) {
    const r = rank(node.metadata.name, node.metadata.name);
    if (r >= 0) ranked.push({ rank: r, found: { kind: 'node', node, title: node.metadata.name, why: 'node' } });
  }
  for (const pod of objects.pods) {
    const r = rank(pod.metadata.name, keyWords(pod));
    if (r < 0) continue;
    const why = [addressesOf(pod)[0], pod.spec?.nodeName].filter((part) => part).join(' on ');
    ranked.push({ rank: r + 0.5, found: { kind: 'pod', pod, title: keyWords(pod), why: why || 'no address yet' } });
  }
  return ranked
    .sort((a, b) => a.rank - b.rank || (a.found.title < b.found.title ? -1 : 1))
    .slice(0, most)
    .map(({ found }) => found);
}

/** A node's network, as it was captured; where it wasn't, as the API's objects let one expect it. */
import type { ClusterObjects, EndpointSlice, Node } from '../kubernetes/objects.ts';
import type { NodeCapture } from '../kubernetes/source.ts';
import {
  contains,
  formatAddress,
  parseAddress,
  parsePrefix,
  type Address,
  type Family,
  type Prefix,
} from '../netfilter/address.ts';
import { readNetwork } from '../netfilter/network.ts';
import type { NodeNetwork } from '../netfilter/outcome.ts';
import { canonical, nodeNamed, podsAt, vipsOf } from './directory.ts';

export interface KnownNetwork {
  readonly network: NodeNetwork;
  /** The families that are read from the node's kernel; the others are derived from the API's objects. */
  readonly measured: ReadonlySet<Family>;
}

/** The captured network, completed where it lacks a family, or its routes, from the Node objects. */
export function nodeNetwork(node: string, objects: ClusterObjects, capture?: NodeCapture): KnownNetwork {
  const derived = withVips(deriveNetwork(node, objects), objects, capture);
  const read = capture ? readNetwork(capture.dumps) : undefined;
  if (!read) return { network: derived, measured: new Set() };
  const lacking = (known: ReadonlySet<Family>) => (each: Address | Prefix) => !known.has(each.family);
  // The derived names (eth0, cni0) stand for whatever the node calls the interface that has the same address or network.
  const called = (name: string): string => {
    const own = derived.addresses.filter((each) => each.interface === name).map((each) => each.address);
    const network = name === 'cni0' ? podPrefixes(find(node, objects)) : [];
    const real = read.network.addresses.find(
      ({ address }) => own.some((each) => same(each, address)) || network.some((prefix) => contains(prefix, address)),
    );
    return real?.interface ?? name;
  };
  const addresses = [
    ...read.network.addresses,
    ...derived.addresses
      .filter(({ address }) => lacking(read.addresses)(address))
      .map((each) => ({ ...each, interface: called(each.interface) })),
  ];
  const routes = [
    ...read.network.routes,
    ...derived.routes
      .filter(({ prefix }) => lacking(read.routes)(prefix))
      .map((each) => ({ ...each, interface: called(each.interface) })),
  ];
  const interfaces = [
    ...new Set([...read.network.interfaces, ...[...addresses, ...routes].map((each) => each.interface)]),
  ];
  const measured = new Set([...read.addresses].filter((family) => read.routes.has(family)));
  return { network: { interfaces, addresses, routes }, measured };
}

/**
 * The network that most nodes have: the node's addresses on eth0 with the default route, its pods behind cni0, whose address is the first of
 * the pod network, and the other nodes' pods by way of eth0.
 */
function deriveNetwork(node: string, objects: ClusterObjects): NodeNetwork {
  const own = find(node, objects);
  const addresses: NodeNetwork['addresses'][number][] = [
    { address: parseAddress('127.0.0.1')!, length: 8, interface: 'lo' },
    { address: parseAddress('::1')!, length: 128, interface: 'lo' },
  ];
  for (const { type, address: text } of own?.status?.addresses ?? []) {
    const address = type === 'InternalIP' || type === 'ExternalIP' ? parseAddress(text) : undefined;
    // How long the node's own network is cannot be told from the API; without it the default route leads the same way.
    if (address) addresses.push({ address, length: address.family === 4 ? 32 : 128, interface: 'eth0' });
  }
  const routes: NodeNetwork['routes'][number][] = [];
  for (const { gateway, prefix, taken } of gatewaysOf(node, objects)) {
    // Some CNIs have no such bridge and give the first address to a pod.
    if (!taken) addresses.push({ address: gateway, length: prefix.length, interface: 'cni0' });
    routes.push({ prefix, interface: 'cni0' });
  }
  for (const other of objects.nodes)
    if (other !== own)
      for (const prefix of prefixesOf(objects.nodes).get(other) ?? []) routes.push({ prefix, interface: 'eth0' });
  routes.push(
    { prefix: parsePrefix('0.0.0.0/0')!, interface: 'eth0' },
    { prefix: parsePrefix('::/0')!, interface: 'eth0' },
  );
  return { interfaces: ['lo', 'eth0', 'cni0'], addresses, routes };
}

function find(node: string, objects: ClusterObjects): Node | undefined {
  return nodeNamed(objects, node);
}

/** The first address of each of the node's pod networks, and whether a pod has it: all that pods and endpoints say about a network. */
export function gatewaysOf(
  node: string,
  objects: ClusterObjects,
): readonly { readonly gateway: Address; readonly prefix: Prefix; readonly taken: boolean }[] {
  return podPrefixes(find(node, objects)).map((prefix) => {
    const gateway: Address = { family: prefix.family, value: prefix.value + 1n };
    const text = formatAddress(gateway);
    return { gateway, prefix, taken: podsAt(objects, text).length > 0 || endpointAddresses(objects).has(text) };
  });
}

/** Its sets are there even where no Service is. */
export function isIpvs({ dumps }: NodeCapture): boolean {
  return dumps.some(({ name, text }) => name === 'ipset-save.txt' && /^create KUBE-CLUSTER-IP /m.test(text));
}

/** In IPVS mode every VIP is an address of the node, on kube-ipvs0 (kube-proxy's pkg/proxy/ipvs/proxier.go, DefaultDummyDevice). */
function withVips(network: NodeNetwork, { services }: ClusterObjects, capture: NodeCapture | undefined): NodeNetwork {
  if (!capture || !isIpvs(capture)) return network;
  const vips = services.flatMap(vipsOf).flatMap((text) => parseAddress(text) ?? []);
  const addresses = vips
    .filter((vip) => !network.addresses.some(({ address }) => same(address, vip)))
    .map((address) => ({ address, length: address.family === 4 ? 32 : 128, interface: 'kube-ipvs0' }));
  return { ...network, addresses: [...network.addresses, ...addresses] };
}

function podPrefixes(node: Node | undefined): Prefix[] {
  const texts = node?.spec?.podCIDRs ?? (node?.spec?.podCIDR === undefined ? [] : [node.spec.podCIDR]);
  return texts.flatMap((text) => parsePrefix(text) ?? []);
}

const prefixes = new WeakMap<readonly Node[], ReadonlyMap<Node, readonly Prefix[]>>();

/** Each node routes to all the others: read once for all of them. */
function prefixesOf(nodes: readonly Node[]): ReadonlyMap<Node, readonly Prefix[]> {
  let known = prefixes.get(nodes);
  if (!known) prefixes.set(nodes, (known = new Map(nodes.map((node) => [node, podPrefixes(node)]))));
  return known;
}

const inUse = new WeakMap<readonly EndpointSlice[], ReadonlySet<string>>();

/** In canonical text. */
function endpointAddresses({ endpointSlices }: ClusterObjects): ReadonlySet<string> {
  let known = inUse.get(endpointSlices);
  if (!known) {
    const all = endpointSlices.flatMap((slice) => slice.endpoints?.flatMap((endpoint) => endpoint.addresses) ?? []);
    inUse.set(endpointSlices, (known = new Set(all.map(canonical))));
  }
  return known;
}

function same(a: Address, b: Address): boolean {
  return a.family === b.family && a.value === b.value;
}

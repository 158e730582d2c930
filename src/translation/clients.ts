/** Who sends to a Service, and the packet that each of them sends on a node. */
import type { ClusterObjects, Node, Service } from '../kubernetes/objects.ts';
import type { Address, Family, Prefix } from '../netfilter/address.ts';
import {
  bitsOf,
  contains,
  equal,
  formatAddress,
  formatPrefix,
  parseAddress,
  parsePrefix,
} from '../netfilter/address.ts';
import type { NodeNetwork, PacketCase } from '../netfilter/outcome.ts';
import { addressesOf, nodeAddress, podsAt, podsOn } from './directory.ts';
import type { Client, Way } from './story.ts';

/** The annotation from before there was a field for it; kube-proxy reads it where the field is empty. */
const SOURCE_RANGES = 'service.beta.kubernetes.io/load-balancer-source-ranges';

/** Documentation addresses (RFC 5737, RFC 3849) stand for "somebody outside"; the last ones are for ranges that hold those. */
const OUTSIDE: Readonly<Record<Family, readonly string[]>> = {
  4: ['203.0.113.9', '198.51.100.9', '192.0.2.199', '100.99.98.97', '11.22.33.44'],
  6: ['2001:db8::9', '3fff::9', '2600::9'],
};

/** The Service's source ranges of a family; they bind its load balancer IPs alone. */
export function sourceRanges(service: Service, family: Family): readonly Prefix[] {
  const listed = service.spec.loadBalancerSourceRanges ?? [];
  const texts = listed.length > 0 ? listed : (service.metadata.annotations?.[SOURCE_RANGES]?.split(',') ?? []);
  return texts.flatMap((text) => {
    const prefix = parsePrefix(text.trim());
    return prefix?.family === family ? [prefix] : [];
  });
}

/** The kinds of clients that it makes sense to ask for. */
export function clientsFor(service: Service, way: Way): readonly Client[] {
  if (way.address === '127.0.0.1' || way.address === '::1') return ['node'];
  const ranges = way.kind === 'loadBalancerIP' ? sourceRanges(service, way.family) : [];
  const refused =
    ranges.length > 0 && outsideAddress(way.family, (address) => !ranges.some((range) => contains(range, address)));
  // Pinging a node port would ping the node.
  const ping: readonly Client[] = way.kind === 'nodePort' ? [] : ['ping'];
  return ['pod', 'node', 'outside', ...(refused ? ['outside-refused' as const] : []), ...ping];
}

/** The packet, or why there is none. */
export type Sent =
  | {
      readonly packet: PacketCase;
      /** Where the client's address comes from: "10.244.2.0/24", "in 203.0.113.0/24, a source range". */
      readonly from: string;
    }
  | { readonly none: string };

export interface Sender {
  readonly objects: ClusterObjects;
  readonly service: Service;
  readonly node: Node;
  readonly network: NodeNetwork;
}

export function packetFrom(client: Client, way: Way, sender: Sender): Sent {
  const { node, network } = sender;
  const text = way.address ?? nodeAddress(node, way.family);
  const destination = text === undefined ? undefined : parseAddress(text);
  if (!destination) return { none: `${node.metadata.name} has no IPv${way.family} address` };
  const sent = sourceOf(client, way, destination, sender);
  if ('none' in sent) return sent;
  const inside = client === 'node' ? 'local' : interfaceTowards(network, sent.source);
  if (inside === undefined)
    return { none: `no interface of ${node.metadata.name} leads to ${formatAddress(sent.source)}` };
  const common = { in: inside, source: sent.source, destination };
  if (client === 'ping') return { from: sent.from, packet: { ...common, protocol: 'icmp' } };
  return {
    from: sent.from,
    packet: {
      ...common,
      protocol: way.protocol === 'TCP' ? 'tcp' : way.protocol === 'UDP' ? 'udp' : 'sctp',
      destinationPort: way.port,
    },
  };
}

/** The other way round: the kind of client that a packet to a way in is from. */
export function clientOf(packet: PacketCase, way: Way, sender: Omit<Sender, 'network'>): Client {
  const { source } = packet;
  if (packet.protocol === 'icmp') return 'ping';
  if (packet.in === 'local') return 'node';
  const { name } = sender.node.metadata;
  const cidrs = sender.node.spec?.podCIDRs ?? (sender.node.spec?.podCIDR ? [sender.node.spec.podCIDR] : []);
  const inRange = (text: string) => {
    const prefix = parsePrefix(text);
    return prefix !== undefined && contains(prefix, source);
  };
  const pods = podsAt(sender.objects, formatAddress(source));
  if (cidrs.some(inRange) || pods.some(({ spec }) => spec?.nodeName === name && !spec.hostNetwork)) return 'pod';
  const ranges = way.kind === 'loadBalancerIP' ? sourceRanges(sender.service, source.family) : [];
  return ranges.length > 0 && !ranges.some((range) => contains(range, source)) ? 'outside-refused' : 'outside';
}

function sourceOf(
  client: Client,
  way: Way,
  destination: Address,
  sender: Sender,
): { readonly source: Address; readonly from: string } | { readonly none: string } {
  const { family } = way;
  const name = sender.node.metadata.name;
  switch (client) {
    case 'pod':
    case 'ping':
      return podAddress(sender, family) ?? { none: `no pod address of IPv${family} is known on ${name}` };
    case 'node': {
      // The kernel takes the destination itself where that is one of its own, else the way out's address.
      const local = isLocal(sender.network, destination);
      const text = nodeAddress(sender.node, family);
      const source = local ? destination : text === undefined ? undefined : parseAddress(text);
      return source ? { source, from: "the node's own address" } : { none: `${name} has no IPv${family} address` };
    }
    case 'outside': {
      const ranges = way.kind === 'loadBalancerIP' ? sourceRanges(sender.service, family) : [];
      if (ranges.length === 0) return { source: outsideAddress(family, () => true)!, from: 'outside of the cluster' };
      const inRange = (address: Address) => ranges.some((range) => contains(range, address));
      const range = ranges[0]!;
      const source = outsideAddress(family, inRange) ?? within(range, 9n);
      const from = formatPrefix(ranges.find((candidate) => contains(candidate, source))!);
      return { source, from: `in ${from}, one of the source ranges` };
    }
    case 'outside-refused': {
      const ranges = sourceRanges(sender.service, family);
      const source = outsideAddress(family, (address) => !ranges.some((range) => contains(range, address)));
      return source
        ? { source, from: 'in none of the source ranges' }
        : { none: 'the source ranges hold every address' };
    }
  }
}

function outsideAddress(family: Family, suits: (address: Address) => boolean): Address | undefined {
  return OUTSIDE[family].map((text) => parseAddress(text)!).find(suits);
}

function within(prefix: Prefix, offset: bigint): Address {
  const size = 1n << BigInt(bitsOf(prefix.family) - prefix.length);
  return { family: prefix.family, value: prefix.value + (offset < size ? offset : size - 1n) };
}

/**
 * An address that a pod of this node could have and no pod has: so it is no endpoint of anything, and the answer is no
 * hairpin. Where the node's range is unknown: a neighbour of one of its pods.
 */
function podAddress(sender: Sender, family: Family): { readonly source: Address; readonly from: string } | undefined {
  const { node, network, objects } = sender;
  const free = (address: Address) => {
    const text = formatAddress(address);
    return podsAt(objects, text).length === 0 && !isLocal(network, address);
  };
  const cidrs = node.spec?.podCIDRs ?? (node.spec?.podCIDR ? [node.spec.podCIDR] : []);
  for (const text of cidrs) {
    const prefix = parsePrefix(text);
    if (prefix?.family !== family) continue;
    // From .50 on: early addresses are taken first, and the network's own are at either end.
    for (let offset = 50n; offset < 250n; offset++) {
      const source = within(prefix, offset);
      if (free(source)) return { source, from: formatPrefix(prefix) };
    }
  }
  for (const pod of podsOn(objects, node.metadata.name)) {
    if (pod.spec?.hostNetwork) continue;
    for (const text of addressesOf(pod)) {
      const address = parseAddress(text);
      if (address?.family !== family) continue;
      for (let step = 1n; step < 64n; step++) {
        const source = { family, value: address.value ^ step };
        if (free(source)) return { source, from: `beside ${text} of pod ${pod.metadata.name}` };
      }
    }
  }
  return undefined;
}

export function isLocal(network: NodeNetwork, address: Address): boolean {
  if (address.family === 4 && address.value >> 24n === 127n) return true;
  if (address.family === 6 && address.value === 1n) return true;
  return network.addresses.some((own) => equal(own.address, address));
}

/** The interface that the node would answer by, which is where such a packet comes in. */
export function interfaceTowards(network: NodeNetwork, address: Address): string | undefined {
  let best: { length: number; interface: string } | undefined;
  const offer = (prefix: Prefix, name: string) => {
    if (contains(prefix, address) && (!best || prefix.length > best.length))
      best = { length: prefix.length, interface: name };
  };
  for (const own of network.addresses) {
    const host = BigInt(bitsOf(own.address.family) - own.length);
    offer(
      { family: own.address.family, value: (own.address.value >> host) << host, length: own.length },
      own.interface,
    );
  }
  for (const route of network.routes) offer(route.prefix, route.interface);
  return best?.interface;
}

/**
 * The source that the kernel gives to a packet of the node's own: the destination where the node has it, else an address of the
 * interface that leads there. It is chosen before any rule translates the destination (net/ipv4/route.c,
 * ip_route_output_key_hash_rcu; RFC 6724 for IPv6), so for a VIP by the route to the VIP. undefined: none of that family.
 */
export function localSource(network: NodeNetwork, destination: Address): Address | undefined {
  if (isLocal(network, destination)) return destination;
  const towards = interfaceTowards(network, destination);
  const fits = network.addresses.filter(
    ({ address, interface: name }) =>
      address.family === destination.family && name !== 'lo' && isLinkLocal(address) === isLinkLocal(destination),
  );
  return (fits.find(({ interface: name }) => name === towards) ?? fits[0])?.address;
}

/** fe80::/10. IPv4's 169.254.0.0/16 is an ordinary address to the kernel's choice of a source. */
function isLinkLocal({ family, value }: Address): boolean {
  return family === 6 && value >> 118n === 0x3fan;
}

/** "a pod on node-3", "outside, from an allowed address". */
export function clientWords(client: Client, node: string, ranges: boolean): string {
  switch (client) {
    case 'pod':
      return `a pod on ${node}`;
    case 'ping':
      return `a ping from a pod on ${node}`;
    case 'node':
      return `${node} itself`;
    case 'outside':
      return ranges ? 'outside, in a source range' : 'outside of the cluster';
    case 'outside-refused':
      return 'outside, in no source range';
  }
}

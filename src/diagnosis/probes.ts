/** The packets that tell whether two programs treat a Service alike: by every way in, from every kind of client. */
import { bitsOf, contains, equal, formatAddress, parseAddress, parsePrefix } from '../netfilter/address.ts';
import type { Address, Family, Prefix } from '../netfilter/address.ts';
import type { NodeNetwork, PacketCase } from '../netfilter/outcome.ts';
import type { ProxiedPort } from '../kubeproxy/services.ts';
import { sidesOf, type RuleFacts } from './rule-facts.ts';

/** Who sends. `source` is an address that a rule speaks of: an endpoint itself, a source range, a VIP. */
export type ProbeClient = 'pod' | 'node' | 'outside' | 'outside-refused' | 'other-node' | 'source';

export interface ProbeWay {
  /** `rule`: no way in of the Service as the API has it, but an address or port that a rule speaks of. */
  readonly kind: 'clusterIP' | 'externalIP' | 'loadBalancerIP' | 'nodePort' | 'rule';
  readonly address: Address;
  /** Absent for icmp. */
  readonly port?: number;
  readonly protocol: PacketCase['protocol'];
}

export interface Probe {
  readonly client: ProbeClient;
  readonly way: ProbeWay;
  readonly packet: PacketCase;
}

/** Where the packets are sent: one node, one family. */
export interface Ground {
  readonly family: Family;
  readonly network: NodeNetwork;
  /** The pod networks of this node, and those of the others, as far as the API has them. */
  readonly podPrefixes: readonly Prefix[];
  readonly otherPodPrefixes: readonly Prefix[];
  /** Whether somebody has this address (a pod, an endpoint): a client that is no endpoint has none of those. Canonical text. */
  readonly isTaken: (address: string) => boolean;
}

/** More packets than that tell nothing new. */
const MAXIMUM_PROBES = 6000;

const OUTSIDE: Readonly<Record<Family, readonly string[]>> = {
  4: ['203.0.113.9', '198.51.100.9', '192.0.2.199', '100.99.98.97', '11.22.33.44'],
  6: ['2001:db8::9', '3fff::9', '2600::9'],
};

interface Sender {
  readonly client: ProbeClient;
  readonly in: string;
  /** undefined: the node itself, whose source depends on the destination. */
  readonly source: Address | undefined;
}

/** The port's ways in on this node. */
export function waysOf(port: ProxiedPort, ground: Ground): readonly ProbeWay[] {
  const way =
    (kind: ProbeWay['kind'], number: number) =>
    (text: string): ProbeWay[] => {
      const address = parseAddress(text);
      return address?.family === ground.family ? [{ kind, address, port: number, protocol: port.protocol }] : [];
    };
  return [
    ...way('clusterIP', port.port)(port.clusterIP),
    ...port.externalIPs.flatMap(way('externalIP', port.port)),
    ...port.loadBalancerIPs.flatMap(way('loadBalancerIP', port.port)),
    ...(port.nodePort ? nodeAddresses(ground).map(formatAddress).flatMap(way('nodePort', port.nodePort)) : []),
    // Its health check port is answered by kube-proxy itself.
    ...(port.healthCheckNodePort && nodeAddresses(ground)[0]
      ? [
          {
            kind: 'nodePort' as const,
            address: nodeAddresses(ground)[0]!,
            port: port.healthCheckNodePort,
            protocol: 'tcp' as const,
          },
        ]
      : []),
  ];
}

/** A packet from each usual client by each way in: enough to see most differences, and all that words speak of. */
export function usualProbes(port: ProxiedPort, ground: Ground): readonly Probe[] {
  const ranges = port.sourceRanges.flatMap((text) => parsePrefix(text) ?? []);
  return waysOf(port, ground).flatMap((way) => {
    const limited = way.kind === 'loadBalancerIP' ? ranges : [];
    return sendersFor(ground, limited)
      .filter((sender) => sender.client === 'node' || !isLoopback(way.address))
      .flatMap((sender) => probe(sender, way, ground));
  });
}

/**
 * Packets made for the rules that differ: their addresses and ports and what lies beside them, from the usual clients and from the sources and
 * interfaces that they name, in the states that they name.
 */
export function probesFor(
  ways: readonly ProbeWay[],
  facts: readonly RuleFacts[],
  ground: Ground,
  ranges: readonly Prefix[] = [],
): readonly Probe[] {
  const targets = distinctBy([...ways, ...facts.flatMap((each) => waysInRule(each, ways, ground))], wayKey);
  const senders = distinctBy(
    [...sendersFor(ground, ranges), ...facts.flatMap((each) => sendersInRule(each, ground))],
    senderKey,
  );
  const states: NonNullable<PacketCase['state']>[] = [...new Set(['new' as const, ...facts.flatMap((f) => f.states)])];
  const probes: Probe[] = [];
  for (const state of states)
    for (const way of targets)
      for (const sender of senders) {
        if (probes.length >= MAXIMUM_PROBES) return probes;
        for (const one of probe(sender, way, ground))
          probes.push(state === 'new' ? one : { ...one, packet: { ...one.packet, state } });
      }
  return probes;
}

function waysInRule(facts: RuleFacts, ways: readonly ProbeWay[], ground: Ground): ProbeWay[] {
  const first = ways[0];
  const addresses = facts.destinations.filter((p) => p.family === ground.family).flatMap((p) => sidesOf(p));
  const ports = facts.ports.flatMap((port) => [port, port < 65535 ? port + 1 : port - 1]);
  const protocols = facts.protocols.length > 0 ? facts.protocols : first ? [first.protocol] : (['tcp'] as const);
  const found: ProbeWay[] = [];
  const at = (address: Address, port: number | undefined): void => {
    for (const protocol of protocols)
      if (protocol === 'icmp') found.push({ kind: 'rule', address, protocol });
      else found.push({ kind: 'rule', address, protocol, port: port ?? 80 });
  };
  // A rule without a port is about every port, those that the Service has and those that it has not, and about echo requests.
  const some = first?.port === undefined ? [80] : [first.port, first.port + 1];
  for (const address of addresses) {
    for (const port of ports.length > 0 ? ports : some) at(address, port);
    if (ports.length === 0) found.push({ kind: 'rule', address, protocol: 'icmp' });
  }
  // A rule without an address: its ports at the Service's own addresses, and at the node's.
  if (addresses.length === 0)
    for (const port of ports)
      for (const address of [...ways.map((way) => way.address), ...nodeAddresses(ground).slice(0, 2)])
        at(address, port);
  return found;
}

function sendersInRule(facts: RuleFacts, ground: Ground): Sender[] {
  const sources = facts.sources.filter((p) => p.family === ground.family).flatMap((p) => sidesOf(p));
  const own = podAddress(ground);
  return [
    ...sources.flatMap((source): Sender[] => {
      if (isLocal(ground.network, source)) return [{ client: 'source', in: 'local', source }];
      const name = interfaceTowards(ground.network, source);
      return name === undefined ? [] : [{ client: 'source', in: name, source }];
    }),
    ...(own ? facts.interfaces.map((name): Sender => ({ client: 'pod', in: name, source: own })) : []),
  ];
}

/** The usual clients; those outside stand in and out of the source ranges, where there are any. */
function sendersFor(ground: Ground, ranges: readonly Prefix[]): readonly Sender[] {
  const { family, network } = ground;
  const senders: Sender[] = [];
  const add = (client: ProbeClient, source: Address | undefined): void => {
    const name = source && interfaceTowards(network, source);
    if (source && name !== undefined) senders.push({ client, in: name, source });
  };
  add('pod', podAddress(ground));
  senders.push({ client: 'node', in: 'local', source: undefined });
  const outside = OUTSIDE[family].map((text) => parseAddress(text)!);
  const inRange = (address: Address) => ranges.some((range) => contains(range, address));
  const own = ranges.filter((range) => range.family === family);
  if (own.length === 0) add('outside', outside[0]);
  for (const range of own) add('outside', sidesOf(range)[0]);
  if (own.length > 0)
    add(
      'outside-refused',
      outside.find((address) => !inRange(address)),
    );
  const other = ground.otherPodPrefixes.find((prefix) => prefix.family === family);
  if (other) add('other-node', free(other, ground));
  return senders;
}

function probe(sender: Sender, way: ProbeWay, ground: Ground): Probe[] {
  const loopback = isLoopback(way.address);
  // Packets to 127.0.0.0/8 from elsewhere are dropped as martians, unless route_localnet is set, which only the node's own need.
  if (loopback && sender.in !== 'local' && sender.client !== 'outside') return [];
  const source = sender.source ?? ownSource(way.address, ground);
  if (!source) return [];
  return [
    {
      client: sender.client,
      way,
      packet: {
        in: sender.in,
        source,
        destination: way.address,
        protocol: way.protocol,
        ...(way.port !== undefined && { destinationPort: way.port }),
      },
    },
  ];
}

/** The kernel takes the destination itself where that is one of the node's own, else the way out's address. */
function ownSource(destination: Address, { family, network }: Ground): Address | undefined {
  if (isLocal(network, destination)) return destination;
  const out = interfaceTowards(network, destination);
  const own = network.addresses.filter((a) => a.address.family === family && !isLoopback(a.address));
  return (own.find((a) => a.interface === out) ?? own[0])?.address;
}

/** The node's own addresses, loopback last. IPv6's loopback has no node ports in any release. */
function nodeAddresses({ family, network }: Ground): readonly Address[] {
  const own = network.addresses.map((each) => each.address).filter((a) => a.family === family && !isLoopback(a));
  return family === 4 ? [...own, parseAddress('127.0.0.1')!] : own;
}

function podAddress(ground: Ground): Address | undefined {
  const prefix = ground.podPrefixes.find((each) => each.family === ground.family);
  return prefix && free(prefix, ground);
}

/** From .50 on: early addresses are taken first, and the network's own are at either end. */
function free(prefix: Prefix, ground: Ground): Address | undefined {
  const size = 1n << BigInt(bitsOf(prefix.family) - prefix.length);
  for (let offset = 50n; offset < 250n; offset++) {
    const address = { family: prefix.family, value: prefix.value + (offset < size ? offset : size - 1n) };
    if (!ground.isTaken(formatAddress(address)) && !isLocal(ground.network, address)) return address;
  }
  return undefined;
}

export function isLoopback(address: Address): boolean {
  return address.family === 4 ? address.value >> 24n === 127n : address.value === 1n;
}

export function isLocal(network: NodeNetwork, address: Address): boolean {
  return isLoopback(address) || network.addresses.some((own) => equal(own.address, address));
}

/** The interface that the node would answer by, which is where such a packet comes in. */
function interfaceTowards(network: NodeNetwork, address: Address): string | undefined {
  let best: { readonly length: number; readonly interface: string } | undefined;
  const offer = (prefix: Prefix, name: string): void => {
    if (contains(prefix, address) && (!best || prefix.length > best.length))
      best = { length: prefix.length, interface: name };
  };
  for (const own of network.addresses) {
    const host = BigInt(bitsOf(own.address.family) - own.length);
    offer({ ...own.address, value: (own.address.value >> host) << host, length: own.length }, own.interface);
  }
  for (const route of network.routes) offer(route.prefix, route.interface);
  return best?.interface;
}

function wayKey(way: ProbeWay): string {
  return `${way.address.family}|${way.address.value}|${way.port ?? ''}|${way.protocol}`;
}

function senderKey(sender: Sender): string {
  return `${sender.in}|${sender.source ? `${sender.source.family}|${sender.source.value}` : ''}`;
}

function distinctBy<T>(values: readonly T[], key: (value: T) => string): readonly T[] {
  const seen = new Map<string, T>();
  for (const value of values) if (!seen.has(key(value))) seen.set(key(value), value);
  return [...seen.values()];
}

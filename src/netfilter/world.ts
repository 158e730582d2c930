import { bitsOf, contains, equal, parsePrefix, type Address, type Family } from './address.ts';
import type { NodeNetwork } from './outcome.ts';

/** How the kernel classes an address (the RTN_ types of linux/rtnetlink.h), as `addrtype` and `fib … type` see it. */
export type AddressType = 'local' | 'unicast' | 'broadcast' | 'anycast' | 'multicast' | 'unspec';

export type Route =
  | { readonly kind: 'local' }
  | { readonly kind: 'forward'; readonly interface: string }
  /** The node has routes and none fits: the kernel answers "network unreachable". */
  | { readonly kind: 'none' }
  /** No routes of this family are known at all: the way out is not known. */
  | { readonly kind: 'unknown' };

/** A node's network, ready to be asked. */
export interface World {
  readonly network: NodeNetwork;
  addressType(address: Address): AddressType;
  isLocal(address: Address): boolean;
  route(destination: Address): Route;
  /** An interface's addresses of one family, as listed. */
  addressesOf(interfaceName: string, family: Family): readonly Address[];
  /** The source that MASQUERADE takes; undefined where it is not known. */
  masqueradeSource(out: string | undefined, destination: Address): Address | undefined;
  /** Where REDIRECT sends a packet that came in by this interface ('' in OUTPUT); undefined where the interface has no address. */
  redirectDestination(inInterface: string, family: Family): Address | undefined;
}

const LOOPBACK4 = parsePrefix('127.0.0.0/8')!;
const ZERONET = parsePrefix('0.0.0.0/8')!;
const MULTICAST4 = parsePrefix('224.0.0.0/4')!;
const MULTICAST6 = parsePrefix('ff00::/8')!;
const ULA = parsePrefix('fc00::/7')!;
const LINK_LOCAL6 = parsePrefix('fe80::/10')!;
const LOOPBACK_ADDRESS: Record<Family, Address> = { 4: { family: 4, value: 0x7f000001n }, 6: { family: 6, value: 1n } };

export function worldOf(network: NodeNetwork): World {
  const local = new Set<string>();
  const broadcast = new Set<bigint>([0xffffffffn]);
  const anycast = new Set<bigint>();
  const routes: {
    readonly family: Family;
    readonly value: bigint;
    readonly length: number;
    readonly interface: string;
  }[] = [];
  for (const { address, length, interface: name } of network.addresses) {
    local.add(key(address));
    const host = BigInt(bitsOf(address.family) - length);
    const value = (address.value >> host) << host;
    // fib_add_ifaddr (net/ipv4/fib_frontend.c): a broadcast address for anything wider than a /31
    if (address.family === 4 && length < 31) broadcast.add(value | ((1n << host) - 1n));
    // a node that forwards answers to the subnet-router anycast address, too (addrconf_join_anycast, net/ipv6/addrconf.c)
    if (address.family === 6 && length < 127) anycast.add(value);
    routes.push({ family: address.family, value, length, interface: name });
  }
  for (const route of network.routes) routes.push({ ...route.prefix, interface: route.interface });
  const known = (family: Family): boolean => routes.some((route) => route.family === family);

  const addressType = (address: Address): AddressType => {
    if (local.has(key(address))) return 'local';
    if (address.family === 4) {
      if (contains(LOOPBACK4, address)) return 'local';
      if (contains(ZERONET, address) || broadcast.has(address.value)) return 'broadcast';
      return contains(MULTICAST4, address) ? 'multicast' : 'unicast';
    }
    if (address.value === 1n) return 'local';
    if (address.value === 0n) return 'unspec';
    if (anycast.has(address.value)) return 'anycast';
    return contains(MULTICAST6, address) ? 'multicast' : 'unicast';
  };
  const isLocal = (address: Address): boolean => addressType(address) === 'local';

  const route = (destination: Address): Route => {
    const type = addressType(destination);
    if (type === 'local' || type === 'anycast') return { kind: 'local' };
    let best: (typeof routes)[number] | undefined;
    for (const candidate of routes)
      if ((!best || candidate.length > best.length) && contains(candidate, destination)) best = candidate;
    if (best) return { kind: 'forward', interface: best.interface };
    return known(destination.family) && network.routes.length > 0 ? { kind: 'none' } : { kind: 'unknown' };
  };

  const addressesOf = (name: string, family: Family): readonly Address[] =>
    name === 'lo'
      ? [LOOPBACK_ADDRESS[family]]
      : network.addresses.filter((a) => a.interface === name && a.address.family === family).map((a) => a.address);

  /** inet_select_addr with universe scope (net/ipv4/devinet.c): an address of the destination's subnet, else the first; else another interface's. */
  const masqueradeSource4 = (out: string, destination: Address): Address | undefined => {
    const own = network.addresses.filter((a) => a.interface === out && a.address.family === 4);
    const near = own.find((a) =>
      contains({ ...a.address, value: prefixOf(a.address, a.length), length: a.length }, destination),
    );
    // 127.0.0.0/8 has host scope: it is chosen on its own interface alone.
    const elsewhere = network.addresses.find((a) => a.address.family === 4 && a.address.value >> 24n !== 127n);
    return (near ?? own[0] ?? elsewhere)?.address;
  };

  /** ipv6_dev_get_saddr (net/ipv6/addrconf.c), rules 1, 2, 5, 6 and 8 of RFC 6724. */
  const masqueradeSource6 = (out: string, destination: Address): Address | undefined => {
    const rank = (candidate: NodeNetwork['addresses'][number]): readonly number[] => [
      equal(candidate.address, destination) ? 1 : 0,
      contains(LINK_LOCAL6, candidate.address) === contains(LINK_LOCAL6, destination) ? 1 : 0,
      candidate.interface === out ? 1 : 0,
      contains(ULA, candidate.address) === contains(ULA, destination) ? 1 : 0,
      Math.min(candidate.length, commonBits(candidate.address, destination)),
    ];
    if (destination.value === 1n) return LOOPBACK_ADDRESS[6]; // lo's own, by rule 1
    let best: { readonly rank: readonly number[]; readonly address: Address } | undefined;
    for (const candidate of network.addresses) {
      if (candidate.address.family !== 6) continue;
      const ranked = rank(candidate);
      const at = best ? ranked.findIndex((value, i) => value !== best!.rank[i]) : 0;
      if (at >= 0 && (!best || ranked[at]! > best.rank[at]!)) best = { rank: ranked, address: candidate.address };
    }
    return best?.address;
  };

  return {
    network,
    addressType,
    isLocal,
    route,
    addressesOf,
    masqueradeSource: (out, destination) =>
      out === undefined
        ? undefined
        : destination.family === 4
          ? masqueradeSource4(out, destination)
          : masqueradeSource6(out, destination),
    // nf_nat_redirect_ipv4/6 (net/netfilter/nf_nat_redirect.c)
    redirectDestination: (inInterface, family) =>
      inInterface === '' ? LOOPBACK_ADDRESS[family] : addressesOf(inInterface, family)[0],
  };
}

/** Text, since a Set compares objects by identity. */
function key(address: Address): string {
  return `${address.family} ${address.value}`;
}

function prefixOf(address: Address, length: number): bigint {
  const host = BigInt(bitsOf(address.family) - length);
  return (address.value >> host) << host;
}

function commonBits(a: Address, b: Address): number {
  const difference = a.value ^ b.value;
  return difference === 0n ? 128 : 128 - difference.toString(2).length;
}

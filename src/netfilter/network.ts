/**
 * A node's addresses and routes from what its kernel prints: /proc/net/{fib_trie,route,if_inet6,ipv6_route}, which `cat` alone
 * can read (kube-proxy's image has no ip), or `ip -j address`. Lines that are not understood are passed over.
 */
import { bitsOf, contains, equal, parseAddress, type Address, type Family, type Prefix } from './address.ts';
import type { NodeNetwork } from './outcome.ts';

export interface NetworkText {
  /** As a recording's files are named: "fib_trie.txt", "route.txt", "if_inet6.txt", "ipv6_route.txt", "addresses.json". */
  readonly name: string;
  readonly text: string;
}

export interface MeasuredNetwork {
  readonly network: NodeNetwork;
  /** The families whose addresses were there to read; of the others nothing is known. */
  readonly addresses: ReadonlySet<Family>;
  /** The same for routes (`ip -j address` brings none). */
  readonly routes: ReadonlySet<Family>;
}

interface Route {
  readonly prefix: Prefix;
  readonly interface: string;
  readonly metric: number;
}

type InterfaceAddress = NodeNetwork['addresses'][number];

/** undefined where none of these texts is there. */
export function readNetwork(texts: readonly NetworkText[]): MeasuredNetwork | undefined {
  const text = (name: string): string | undefined => texts.find((each) => each.name === name)?.text;
  const [trie, route, inet6, route6, json] = [
    text('fib_trie.txt'),
    text('route.txt'),
    text('if_inet6.txt'),
    text('ipv6_route.txt'),
    text('addresses.json'),
  ];
  const routes = [
    ...(route === undefined ? [] : readRoute(route)),
    ...(route6 === undefined ? [] : readIpv6Route(route6)),
  ];
  const known = json === undefined ? undefined : readAddressesJson(json);
  const addresses = known ?? [
    ...(trie === undefined ? [] : placed(readFibTrie(trie), routes)),
    ...(inet6 === undefined ? [] : readIfInet6(inet6)),
  ];
  const families = (four: boolean, six: boolean): Set<Family> =>
    new Set<Family>([...(four ? ([4] as const) : []), ...(six ? ([6] as const) : [])]);
  const measured = {
    addresses: families(known !== undefined || trie !== undefined, known !== undefined || inet6 !== undefined),
    routes: families(route !== undefined, route6 !== undefined),
  };
  if (measured.addresses.size === 0 && measured.routes.size === 0) return undefined;
  const interfaces = new Set([...addresses.map((each) => each.interface), ...routes.map((each) => each.interface)]);
  return {
    network: {
      interfaces: [...interfaces],
      addresses,
      // Among routes of one length the kernel takes the lowest metric.
      routes: routes
        .sort((a, b) => a.metric - b.metric)
        .map(({ prefix, interface: name }) => ({ prefix, interface: name })),
    },
    ...measured,
  };
}

/**
 * The local addresses in fib_trie: a leaf "|-- 10.0.0.1" and, below it, "/32 host LOCAL". The trie is printed once for each
 * table; "/8 host LOCAL" of loopback is told with its own length.
 */
export function readFibTrie(text: string): { readonly address: Address; readonly length: number }[] {
  const found = new Map<string, { readonly address: Address; readonly length: number }>();
  let leaf: string | undefined;
  for (const line of text.split('\n')) {
    const node = /^\s*(?:\|--|\+--) ([\d.]+)/.exec(line);
    if (node) leaf = node[1];
    const local = /^\s*\/(\d+) host LOCAL/.exec(line);
    const address = local && leaf !== undefined ? parseAddress(leaf) : undefined;
    if (local && address) found.set(`${leaf}/${local[1]}`, { address, length: Number(local[1]) });
  }
  return [...found.values()];
}

/** fib_trie does not say which interface has an address: the one whose connected route holds it does. */
function placed(
  locals: readonly { readonly address: Address; readonly length: number }[],
  routes: readonly Route[],
): InterfaceAddress[] {
  const loopback: Prefix = { family: 4, value: 0x7f000000n, length: 8 };
  return locals.flatMap(({ address, length }): InterfaceAddress[] => {
    // 127.0.0.0/8 as a whole stands for 127.0.0.1/8, which is printed too.
    if (length < 32) return [];
    if (contains(loopback, address)) return [{ address, length: 8, interface: 'lo' }];
    const route = routes
      .filter((each) => each.prefix.length > 0 && contains(each.prefix, address))
      .reduce<Route | undefined>(
        (best, each) => (best && best.prefix.length >= each.prefix.length ? best : each),
        undefined,
      );
    // No route: an address of its own (kube-ipvs0, a VIP on lo). Which interface it is on changes nothing for a packet to it.
    return [{ address, length: route?.prefix.length ?? 32, interface: route?.interface ?? 'lo' }];
  });
}

const [UP, REJECT, LOCAL, ANYCAST] = [0x1, 0x200, 0x80000000, 0x00100000];

/** /proc/net/route: Iface, Destination, Gateway, Flags, RefCnt, Use, Metric, Mask, …; addresses as the machine's own 32-bit words. */
export function readRoute(text: string): Route[] {
  const lines = text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields.length >= 8 && /^[\da-f]{8}$/i.test(fields[1]!) && /^[\da-f]{8}$/i.test(fields[7]!));
  // A mask is ones, then zeros: a machine whose masks are so only as they are printed is big-endian (s390x).
  const big = lines.some((fields) => maskLength(swapped(fields[7]!)) === undefined);
  const word = (hex: string): number => (big ? parseInt(hex, 16) : swapped(hex));
  return lines.flatMap((fields): Route[] => {
    const flags = parseInt(fields[3]!, 16);
    const length = maskLength(word(fields[7]!));
    // "*" is a route without an interface: blackhole, unreachable.
    if (!(flags & UP) || flags & REJECT || length === undefined || fields[0] === '*') return [];
    const value = BigInt(word(fields[1]!));
    return [{ prefix: { family: 4, value, length }, interface: fields[0]!, metric: Number(fields[6]) || 0 }];
  });
}

function swapped(hex: string): number {
  return parseInt(hex.replace(/(..)(..)(..)(..)/, '$4$3$2$1'), 16);
}

function maskLength(mask: number): number | undefined {
  const length = mask === 0 ? 0 : 32 - Math.log2(2 ** 32 - mask);
  return Number.isInteger(length) ? length : undefined;
}

/** /proc/net/if_inet6: address, interface index, prefix length (both hexadecimal), scope, flags, name. */
export function readIfInet6(text: string): InterfaceAddress[] {
  return text.split('\n').flatMap((line): InterfaceAddress[] => {
    const fields = /^([\da-f]{32}) +[\da-f]+ +([\da-f]+) +[\da-f]+ +[\da-f]+ +(\S+)/i.exec(line.trim());
    if (!fields) return [];
    const address: Address = { family: 6, value: BigInt(`0x${fields[1]}`) };
    return [{ address, length: Math.min(128, parseInt(fields[2]!, 16)), interface: fields[3]! }];
  });
}

/** /proc/net/ipv6_route: destination, its length, source, its length, next hop, metric, counts, flags, interface; all hexadecimal. */
export function readIpv6Route(text: string): Route[] {
  return text.split('\n').flatMap((line): Route[] => {
    const fields = line.trim().split(/\s+/);
    if (fields.length < 10 || !/^[\da-f]{32}$/i.test(fields[0]!)) return [];
    const [flags, length] = [parseInt(fields[8]!, 16), parseInt(fields[1]!, 16)];
    // Local and anycast entries are the addresses themselves; reject routes lead nowhere.
    if (!(flags & UP) || flags & (REJECT | LOCAL | ANYCAST) || length > 128) return [];
    const prefix: Prefix = { family: 6, value: BigInt(`0x${fields[0]}`), length };
    return [{ prefix, interface: fields[9]!, metric: parseInt(fields[5]!, 16) }];
  });
}

/** `ip -j address`; undefined where the text is not that. */
export function readAddressesJson(text: string): InterfaceAddress[] | undefined {
  let links: unknown;
  try {
    links = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(links)) return undefined;
  const addresses: InterfaceAddress[] = [];
  for (const link of links as unknown[]) {
    if (!isRecord(link) || typeof link['ifname'] !== 'string' || !Array.isArray(link['addr_info'])) continue;
    for (const info of link['addr_info'] as unknown[]) {
      if (!isRecord(info) || typeof info['local'] !== 'string') continue;
      const address = parseAddress(info['local']);
      if (!address) continue;
      const length = typeof info['prefixlen'] === 'number' ? info['prefixlen'] : bitsOf(address.family);
      if (!addresses.some((each) => equal(each.address, address) && each.interface === link['ifname']))
        addresses.push({ address, length, interface: link['ifname'] });
    }
  }
  return addresses;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * nft's data types: which one a selector has, and what a constant means in it. Names and numbers are nft's and the kernel's
 * (nftables' src/datatype.c, ct.c, fib.c, proto.c).
 */
import { named } from '../named.ts';
import type { Expression } from './ruleset.ts';
import { parseAddress, parsePrefix, bitsOf } from '../address.ts';
import { PORT_NAMES } from '../port-names.ts';

/** The data type of a selector's value, by nft's name; "integer" where it is nothing more. */
export function typeOf(selector: Expression): string {
  switch (selector.kind) {
    case 'payload':
      return PAYLOAD[`${selector.protocol} ${selector.field}`] ?? 'integer';
    case 'meta':
      return named(META, selector.key) ?? 'integer';
    case 'ct':
      return named(CONNTRACK, selector.key) ?? 'integer';
    case 'fib':
      return FIB[selector.result] ?? 'integer';
    case 'selector':
      return named(SELECTOR, selector.text) ?? 'integer';
    case 'binary':
      return typeOf(selector.left);
    case 'raw':
      return 'raw';
    default:
      return 'integer';
  }
}

const PORTS = ['tcp', 'udp', 'udplite', 'sctp', 'dccp', 'th'].flatMap((p) => [`${p} sport`, `${p} dport`]);

const PAYLOAD: Readonly<Record<string, string>> = {
  ...Object.fromEntries(PORTS.map((name) => [name, 'inet_service'])),
  'ip saddr': 'ipv4_addr',
  'ip daddr': 'ipv4_addr',
  'ip protocol': 'inet_proto',
  'ip dscp': 'dscp',
  'ip6 saddr': 'ipv6_addr',
  'ip6 daddr': 'ipv6_addr',
  'ip6 nexthdr': 'inet_proto',
  'ip6 dscp': 'dscp',
  'tcp flags': 'tcp_flag',
  'icmp type': 'icmp_type',
  'icmp code': 'icmp_code',
  'icmpv6 type': 'icmpv6_type',
  'icmpv6 code': 'icmpv6_code',
  'ether saddr': 'ether_addr',
  'ether daddr': 'ether_addr',
  'ether type': 'ether_type',
  'arp saddr ip': 'ipv4_addr',
  'arp daddr ip': 'ipv4_addr',
};

const META: Readonly<Record<string, string>> = {
  mark: 'mark',
  iif: 'iface_index',
  oif: 'iface_index',
  sdif: 'iface_index',
  iifname: 'ifname',
  oifname: 'ifname',
  sdifname: 'ifname',
  ibrname: 'ifname',
  obrname: 'ifname',
  iifkind: 'ifname',
  oifkind: 'ifname',
  l4proto: 'inet_proto',
  nfproto: 'nf_proto',
  protocol: 'ether_type',
  pkttype: 'pkt_type',
  day: 'string',
  hour: 'string',
  time: 'string',
};

const CONNTRACK: Readonly<Record<string, string>> = {
  state: 'ct_state',
  status: 'ct_status',
  direction: 'ct_dir',
  mark: 'mark',
  'ip saddr': 'ipv4_addr',
  'ip daddr': 'ipv4_addr',
  'ip6 saddr': 'ipv6_addr',
  'ip6 daddr': 'ipv6_addr',
  'proto-src': 'inet_service',
  'proto-dst': 'inet_service',
  protocol: 'inet_proto',
  l3proto: 'nf_proto',
  helper: 'string',
  expiration: 'time',
};

const FIB: Readonly<Record<string, string>> = { type: 'fib_addrtype', oif: 'iface_index', oifname: 'ifname' };
const SELECTOR: Readonly<Record<string, string>> = { 'socket mark': 'mark', 'osf name': 'string' };

export const QUOTED = new Set(['iface_index', 'ifname', 'string']);

const PROTOCOLS: Readonly<Record<string, number>> = {
  ip: 0,
  hopopt: 0,
  icmp: 1,
  igmp: 2,
  ipencap: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  ipv6: 41,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  'ipv6-icmp': 58,
  ospf: 89,
  comp: 108,
  ipcomp: 108,
  vrrp: 112,
  sctp: 132,
  udplite: 136,
};

const SYMBOLS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  inet_proto: PROTOCOLS,
  inet_service: PORT_NAMES,
  ct_state: { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 },
  ct_status: { expected: 1, 'seen-reply': 2, assured: 4, confirmed: 8, snat: 16, dnat: 32, dying: 512 },
  ct_dir: { original: 0, reply: 1 },
  fib_addrtype: {
    unspec: 0,
    unicast: 1,
    local: 2,
    broadcast: 3,
    anycast: 4,
    multicast: 5,
    blackhole: 6,
    unreachable: 7,
    prohibit: 8,
  },
  tcp_flag: { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ecn: 64, cwr: 128 },
  nf_proto: { ipv4: 2, ipv6: 10 },
  ether_type: { ip: 0x0800, arp: 0x0806, vlan: 0x8100, ip6: 0x86dd },
  pkt_type: { host: 0, unicast: 0, broadcast: 1, multicast: 2, other: 3 },
  icmp_code: {
    'net-unreachable': 0,
    'host-unreachable': 1,
    'prot-unreachable': 2,
    'port-unreachable': 3,
    'frag-needed': 4,
    'net-prohibited': 9,
    'host-prohibited': 10,
    'admin-prohibited': 13,
  },
  icmpv6_code: {
    'no-route': 0,
    'admin-prohibited': 1,
    'addr-unreachable': 3,
    'port-unreachable': 4,
    'policy-fail': 5,
    'reject-route': 6,
  },
  icmp_type: {
    'echo-reply': 0,
    'destination-unreachable': 3,
    'source-quench': 4,
    redirect: 5,
    'echo-request': 8,
    'router-advertisement': 9,
    'router-solicitation': 10,
    'time-exceeded': 11,
    'parameter-problem': 12,
    'timestamp-request': 13,
    'timestamp-reply': 14,
    'info-request': 15,
    'info-reply': 16,
    'address-mask-request': 17,
    'address-mask-reply': 18,
  },
  icmpv6_type: {
    'destination-unreachable': 1,
    'packet-too-big': 2,
    'time-exceeded': 3,
    'parameter-problem': 4,
    'echo-request': 128,
    'echo-reply': 129,
    'mld-listener-query': 130,
    'mld-listener-report': 131,
    'mld-listener-done': 132,
    'mld-listener-reduction': 132,
    'nd-router-solicit': 133,
    'nd-router-advert': 134,
    'nd-neighbor-solicit': 135,
    'nd-neighbor-advert': 136,
    'nd-redirect': 137,
    'router-renumbering': 138,
    'ind-neighbor-solicit': 141,
    'ind-neighbor-advert': 142,
    'mld2-listener-report': 143,
  },
  dscp: {
    ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`cs${i}`, 8 * i])),
    ...Object.fromEntries([1, 2, 3, 4].flatMap((c) => [1, 2, 3].map((d) => [`af${c}${d}`, 8 * c + 2 * d]))),
    le: 1,
    va: 44,
    ef: 46,
  },
};

/** A value of a register: interface names are text, everything else is a number. */
export type Value = bigint | string;

/** What a constant covers: one value, a range of them with both ends, the names that begin so, or everything. */
export type Cover =
  | { readonly kind: 'one'; readonly value: Value }
  | { readonly kind: 'range'; readonly low: bigint; readonly high: bigint }
  | { readonly kind: 'begins'; readonly text: string }
  | { readonly kind: 'all' };

/** undefined where this constant is none of the type's. */
export function resolve(constant: Expression, type: string): Cover | undefined {
  switch (constant.kind) {
    case 'number':
      if (!Number.isSafeInteger(constant.value)) return undefined;
      return { kind: 'one', value: QUOTED.has(type) ? String(constant.value) : BigInt(constant.value) };
    case 'text':
      return text(constant.value, type);
    case 'prefix': {
      const prefix = parsePrefix(`${constant.address}/${constant.length}`);
      if (!prefix) return undefined;
      const host = (1n << BigInt(bitsOf(prefix.family) - prefix.length)) - 1n;
      return { kind: 'range', low: prefix.value, high: prefix.value | host };
    }
    case 'range': {
      const [low, high] = [resolve(constant.low, type), resolve(constant.high, type)];
      if (low?.kind !== 'one' || high?.kind !== 'one') return undefined;
      if (typeof low.value === 'string' || typeof high.value === 'string') return undefined;
      // nft 1.0.6 lists two comparisons in a row as one range that may run backwards: it says neither of them.
      return low.value <= high.value ? { kind: 'range', low: low.value, high: high.value } : undefined;
    }
    case 'list': {
      let bits = 0n;
      for (const value of constant.values) {
        const bit = resolve(value, type);
        if (bit?.kind !== 'one' || typeof bit.value === 'string') return undefined;
        bits |= bit.value;
      }
      return { kind: 'one', value: bits };
    }
    case 'any':
      return { kind: 'all' };
    case 'exists':
      return { kind: 'one', value: constant.value ? 1n : 0n };
    default:
      return undefined;
  }
}

function text(word: string, type: string): Cover | undefined {
  if (type === 'iface_index') return { kind: 'one', value: word };
  if (type === 'ifname') {
    if (word.endsWith('\\*')) return { kind: 'one', value: `${word.slice(0, -2)}*` };
    return word.endsWith('*') ? { kind: 'begins', text: word.slice(0, -1) } : { kind: 'one', value: word };
  }
  const symbol = named(named(SYMBOLS, type) ?? {}, word);
  if (symbol !== undefined) return { kind: 'one', value: BigInt(symbol) };
  const address = parseAddress(word);
  if (address) return { kind: 'one', value: address.value };
  if (/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(word))
    return { kind: 'one', value: BigInt(`0x${word.replaceAll(':', '')}`) };
  return undefined;
}

import { parseAddress, parsePrefix, type Family } from '../../src/netfilter/address.ts';
import type { NodeNetwork, PacketCase } from '../../src/netfilter/outcome.ts';
import type { OracleCase, OracleNetwork } from './oracle.ts';
import type { Random } from './random.ts';

/** The node of all random rule sets: three interfaces with one address each, and a route through each. */
export const NODE: OracleNetwork = {
  interfaces: ['eth0', 'eth1', 'cni0'],
  addresses: [
    ['172.20.0.2/16', 'eth0'],
    ['10.8.0.1/24', 'eth1'],
    ['10.244.3.254/24', 'cni0'],
    ['fd00:20::2/64', 'eth0'],
    ['fd00:8::1/64', 'eth1'],
    ['fd00:244:3::fe/64', 'cni0'],
  ],
  routes: [
    ['0.0.0.0/0', 'eth0'],
    ['10.244.0.0/16', 'eth1'],
    ['::/0', 'eth0'],
    ['fd00:244::/32', 'eth1'],
  ],
};

/** Few addresses, so that rules and packets meet often. */
export const POOL = {
  4: {
    local: ['172.20.0.2', '10.8.0.1', '10.244.3.254'],
    clients: [
      ['eth0', '203.0.113.40'],
      ['eth0', '198.51.100.8'],
      ['eth1', '10.8.0.50'],
      ['eth1', '10.244.4.9'],
      ['cni0', '10.244.3.5'],
      ['cni0', '10.244.3.6'],
    ],
    vips: ['10.96.0.20', '10.96.0.21', '10.96.8.1', '192.0.2.90'],
    pods: ['10.244.3.5', '10.244.3.6', '10.244.3.7', '10.244.4.8', '172.20.0.9'],
    nets: [
      '10.96.0.0/12',
      '10.96.0.16/29',
      '10.244.0.0/16',
      '10.244.3.0/24',
      '10.244.3.4/30',
      '203.0.113.0/24',
      '172.20.0.0/16',
      '10.0.0.0/8',
      '198.51.100.0/23',
    ],
    disjoint: ['10.96.0.0/16', '10.244.3.0/24', '203.0.113.0/24', '172.20.0.0/24'],
    sources: ['198.18.0.7', '198.18.0.8'],
  },
  6: {
    local: ['fd00:20::2', 'fd00:8::1', 'fd00:244:3::fe'],
    clients: [
      ['eth0', '2001:db8:5::40'],
      ['eth0', '2001:db8:6::8'],
      ['eth1', 'fd00:8::50'],
      ['eth1', 'fd00:244:4::9'],
      ['cni0', 'fd00:244:3::5'],
      ['cni0', 'fd00:244:3::6'],
    ],
    vips: ['fd00:96::20', 'fd00:96::21', 'fd00:96:8::1', '2001:db8:90::90'],
    pods: ['fd00:244:3::5', 'fd00:244:3::6', 'fd00:244:3::7', 'fd00:244:4::8', 'fd00:20::9'],
    nets: [
      'fd00:96::/32',
      'fd00:96::20/125',
      'fd00:244::/32',
      'fd00:244:3::/64',
      'fd00:244:3::4/126',
      '2001:db8:5::/48',
      'fd00:20::/64',
      'fd00::/8',
      '2001:db8::/32',
    ],
    disjoint: ['fd00:96::/48', 'fd00:244:3::/64', '2001:db8:5::/48', 'fd00:20::/64'],
    sources: ['2001:db8:18::7', '2001:db8:18::8'],
  },
} as const;

export const PORTS = [53, 80, 443, 8080, 8443, 30080] as const;
export const MARKS = [0x1, 0x2, 0x4, 0x10, 0x4000, 0x8000, 0xc000, 0xff] as const;
export const INTERFACES = ['eth0', 'eth1', 'cni0', 'lo'] as const;

export function randomCases(
  random: Random,
  family: Family,
  { cases: count, n, known }: { readonly cases: number; readonly n: number; readonly known?: boolean },
): OracleCase[] {
  const pool = POOL[family];
  const cases: OracleCase[] = [];
  while (cases.length < count) {
    const clients: readonly (readonly [string, string])[] = pool.clients;
    const client = random.chance(0.7) ? random.one(clients) : (['local', random.one<string>(pool.local)] as const);
    const way = client[0];
    let src = client[1];
    let dst: string = random.one(pool[random.weighted({ vips: 5, pods: 2, local: 2 })]);
    if (way === 'local' && family === 4 && random.chance(0.12)) src = dst = '127.0.0.1';
    // the kernel drops a packet that comes from outside with the node's own address, or to itself
    if (way !== 'local' && src === dst) continue;
    const proto = random.weighted({ tcp: 6, udp: 3, sctp: 1, icmp: 1 });
    if (known && (way === 'local' || proto === 'sctp' || proto === 'icmp')) continue;
    const ports = proto === 'icmp' ? {} : { dport: random.one(PORTS) };
    cases.push({ in: way, src, dst, proto, ...ports, n, ...(known ? { known } : {}) });
  }
  return cases;
}

export function packetOf(one: OracleCase): PacketCase {
  return {
    in: one.in,
    source: parseAddress(one.src)!,
    destination: parseAddress(one.dst)!,
    protocol: one.proto,
    ...(one.dport === undefined ? {} : { destinationPort: one.dport }),
    ...(one.sport === undefined ? {} : { sourcePort: one.sport }),
    ...(one.known ? { state: 'established' as const } : {}),
  };
}

export function networkOf({ interfaces, addresses, routes }: OracleNetwork): NodeNetwork {
  return {
    interfaces,
    addresses: addresses.map(([text, name]) => ({
      address: parseAddress(text.slice(0, text.indexOf('/')))!,
      length: parsePrefix(text)!.length,
      interface: name,
    })),
    routes: routes.map(([text, name]) => ({ prefix: parsePrefix(text)!, interface: name })),
  };
}

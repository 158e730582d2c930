import type { ClusterObjects } from '../../src/kubernetes/objects.ts';
import type { OracleCase, OracleNetwork } from './oracle.ts';

/** A recorded node's network, as its Node object tells it: the node's own address on eth0, its pods behind cni0. */
export function recordedNetwork(objects: ClusterObjects, name: string): OracleNetwork {
  const node = objects.nodes.find(({ metadata }) => metadata.name === name)!;
  const address = node.status!.addresses!.find(({ type }) => type === 'InternalIP')!.address;
  const six = `fd00:18::${address.split('.')[3]!}`;
  const cidrs = node.spec?.podCIDRs ?? [];
  return {
    interfaces: ['eth0', 'cni0'],
    addresses: [
      [`${address}/16`, 'eth0'],
      [`${six}/64`, 'eth0'],
      ...cidrs.map((cidr) => [gatewayOf(cidr), 'cni0'] as const),
    ],
    routes: [
      ['0.0.0.0/0', 'eth0'],
      ['::/0', 'eth0'],
    ],
  };
}

/** "10.244.1.0/24" → "10.244.1.254/24" */
function gatewayOf(cidr: string): string {
  const [address, length] = cidr.split('/');
  return cidr.includes(':') ? `${address}fe/${length}` : `${address!.replace(/\d+$/, '254')}/${length}`;
}

interface Target {
  readonly address: string;
  readonly proto: OracleCase['proto'];
  readonly port?: number;
}

/** From every kind of client to every way in of every Service, with wrong ports and pings among them. */
export function waysOf(objects: ClusterObjects, node: string, network: OracleNetwork, n: number): OracleCase[] {
  const own = network.addresses.map(([prefix]) => prefix.slice(0, prefix.indexOf('/')));
  const others = objects.nodes
    .filter(({ metadata }) => metadata.name !== node)
    .flatMap(({ status }) =>
      status!.addresses!.filter(({ type }) => type === 'InternalIP').map(({ address }) => address),
    );
  const endpoints = objects.endpointSlices.flatMap((slice) =>
    (slice.endpoints ?? []).map((endpoint) => ({ address: endpoint.addresses[0]!, node: endpoint.nodeName })),
  );
  const cases: OracleCase[] = [];
  for (const family of [4, 6] as const) {
    const of = (addresses: readonly string[]): string[] =>
      [...new Set(addresses)].filter((address) => address.includes(':') === (family === 6));
    const mine = of(own);
    const here = of(endpoints.filter((endpoint) => endpoint.node === node).map(({ address }) => address));
    const there = of(endpoints.filter((endpoint) => endpoint.node !== node).map(({ address }) => address));
    const clients: (readonly [string, string])[] = [
      ['cni0', family === 6 ? mine[1]!.replace(/fe$/, 'c8') : mine[1]!.replace(/\d+$/, '200')],
      ...here.slice(0, 3).map((address) => ['cni0', address] as const),
      ...there.slice(0, 1).map((address) => ['eth0', address] as const),
      ...of(others)
        .slice(0, 1)
        .map((address) => ['eth0', address] as const),
      ['eth0', family === 6 ? '2001:db8:9::9' : '203.0.113.9'],
      ['eth0', family === 6 ? '2001:db8:7::7' : '198.51.100.8'],
      ['local', mine[0]!],
      ['local', mine[1]!],
    ];
    for (const target of targetsOf(objects, of, mine, of(others)))
      for (const [way, src] of clients) {
        if (way !== 'local' && (src === target.address || mine.includes(src))) continue;
        if (target.address === '127.0.0.1' && way !== 'local') continue;
        const source = target.address === '127.0.0.1' ? '127.0.0.1' : src;
        const port = target.port === undefined ? {} : { dport: target.port };
        cases.push({ in: way, src: source, dst: target.address, proto: target.proto, ...port, n });
      }
  }
  return [...new Map(cases.map((one) => [JSON.stringify(one), one])).values()];
}

function targetsOf(
  objects: ClusterObjects,
  of: (addresses: readonly string[]) => string[],
  own: readonly string[],
  others: readonly string[],
): Target[] {
  const targets: Target[] = [];
  for (const { spec, status } of objects.services) {
    const vips = of([
      ...(spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])).filter((ip) => ip !== 'None'),
      ...(spec.externalIPs ?? []),
      ...(status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : [])),
    ]);
    for (const address of vips) targets.push({ address, proto: 'icmp' }, { address, proto: 'tcp', port: 9 });
    for (const { port, nodePort, protocol } of spec.ports ?? []) {
      const proto = (protocol ?? 'TCP').toLowerCase() as OracleCase['proto'];
      for (const address of vips) targets.push({ address, proto, port });
      if (nodePort === undefined) continue;
      for (const address of [...own, ...others.slice(0, 1), ...of(['127.0.0.1'])])
        targets.push({ address, proto, port: nodePort });
      targets.push({ address: own[0]!, proto: proto === 'tcp' ? 'udp' : 'tcp', port: nodePort });
    }
    const health = spec.healthCheckNodePort;
    if (health) targets.push({ address: own[0]!, proto: 'tcp', port: health });
  }
  for (const address of own) targets.push({ address, proto: 'icmp' }, { address, proto: 'tcp', port: 22 });
  return targets;
}

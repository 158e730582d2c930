/** One break of a node's rules at a time, chosen by a seed; and the packets that decide whether it matters. */
import type { ClusterObjects } from '../../src/kubernetes/objects.ts';
import { formatEndpoint, parseAddress, type Address } from '../../src/netfilter/address.ts';
import type { NodeNetwork, Outcome, PacketCase } from '../../src/netfilter/outcome.ts';

/** mulberry32: the same numbers for the same seed, everywhere. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export interface Mutation {
  /** What was done, with the rule. */
  readonly words: string;
  readonly text: string;
  /** It touches a rule of session affinity, whose effect no single packet shows. */
  readonly affinity: boolean;
}

type Pick = <T>(values: readonly T[]) => T;

const isOwnRule = (line: string): boolean =>
  /^-A KUBE-|^-A (PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING) .*-j KUBE-/.test(line);

/** Breaks iptables-save's text. */
export function breakIptables(text: string, seed: number): Mutation {
  const next = random(seed);
  const pick: Pick = (values) => values[Math.floor(next() * values.length)]!;
  const lines = text.split('\n');
  const rules = lines.flatMap((line, i) => (isOwnRule(line) ? [i] : []));
  const matching = (pattern: RegExp): readonly number[] => rules.filter((i) => pattern.test(lines[i]!));
  const chains = [...new Set(rules.map((i) => lines[i]!.split(' ')[1]!))];
  const done = (words: string, i: number | undefined, changed: readonly string[]): Mutation => ({
    words: i === undefined ? words : `${words}: ${lines[i]!}`,
    text: changed.join('\n'),
    affinity: i !== undefined && lines[i]!.includes('-m recent'),
  });
  const replace = (words: string, i: number, edit: (line: string) => string): Mutation =>
    done(
      words,
      i,
      lines.map((line, j) => (i === j ? edit(line) : line)),
    );
  const kinds: (() => Mutation | undefined)[] = [
    () => {
      const i = pick(rules);
      return done(
        'drop a rule',
        i,
        lines.filter((_, j) => j !== i),
      );
    },
    () => {
      const i = pick(matching(/(-d|--to-destination) \S+/));
      return replace('another address', i, (line) =>
        line.replace(
          /(-d |--to-destination \[?)([\da-f.:]+?)(?=[/\]]|:\d+$)/,
          (_, option: string, ip: string) => option + neighbour(ip),
        ),
      );
    },
    () => {
      const i = pick(matching(/ -s \S+/));
      return i === undefined
        ? undefined
        : replace('another source', i, (line) =>
            line.replace(/ -s ([\da-f.:]+)/, (_, ip: string) => ` -s ${neighbour(ip)}`),
          );
    },
    () => {
      const i = pick(matching(/--probability/));
      return i === undefined
        ? undefined
        : replace('another probability', i, (line) =>
            line.replace(
              /--probability \S+/,
              `--probability ${pick(['0.10000000009', '0.75000000000', '0.33300000010'])}`,
            ),
          );
    },
    () => {
      const chain = pick(chains);
      return done(
        `empty chain ${chain}`,
        undefined,
        lines.filter((line) => !line.startsWith(`-A ${chain} `)),
      );
    },
    () => {
      const i = pick(rules);
      const chain = lines[i]!.split(' ')[1]!;
      return done(
        'cut a chain behind',
        i,
        lines.filter((line, j) => j <= i || !line.startsWith(`-A ${chain} `)),
      );
    },
    () =>
      done(
        'a stale chain',
        undefined,
        lines.flatMap((line) =>
          line === '*nat'
            ? [line, ':KUBE-SEP-AAAAAAAAAAAAAAAA - [0:0]']
            : line.startsWith('-A KUBE-SERVICES') && line.includes('nodeports')
              ? [line, '-A KUBE-SEP-AAAAAAAAAAAAAAAA -p tcp -m tcp -j DNAT --to-destination 10.244.9.9:80']
              : [line],
        ),
      ),
    () => {
      const i = pick(matching(/ -j KUBE-SEP-/));
      return i === undefined
        ? undefined
        : done(
            'a stale chain that is led to',
            i,
            lines.flatMap((line, j) =>
              line === '*nat'
                ? [
                    line,
                    ':KUBE-SEP-AAAAAAAAAAAAAAAA - [0:0]',
                    '-A KUBE-SEP-AAAAAAAAAAAAAAAA -p tcp -m tcp -j DNAT --to-destination 10.244.9.9:80',
                  ]
                : j === i
                  ? [line.replace(/-j \S+/, '-j KUBE-SEP-AAAAAAAAAAAAAAAA')]
                  : [line],
            ),
          );
    },
    () => {
      const shared = [
        '-A KUBE-EXTERNAL-SERVICES ',
        '-A KUBE-SERVICES ',
        '-A KUBE-NODEPORTS ',
        '-A KUBE-PROXY-FIREWALL ',
      ];
      const prefix = pick(shared);
      const own = lines.flatMap((line, i) =>
        line.startsWith(prefix) && !line.includes('-j KUBE-NODEPORTS') ? [i] : [],
      );
      // Within each table only.
      const groups = [
        own.filter((i) => i < lines.lastIndexOf('COMMIT', i + 1e9) && tableOf(lines, i) === 'nat'),
        own.filter((i) => tableOf(lines, i) === 'filter'),
      ];
      const changed = [...lines];
      for (const group of groups) {
        const reversed = [...group].reverse();
        group.forEach((i, k) => (changed[i] = lines[reversed[k]!]!));
      }
      return done(`reorder ${prefix}`, undefined, changed);
    },
    () =>
      done(
        'strip comments',
        undefined,
        lines.map((line) => line.replace(/ -m comment --comment "[^"]*"/, '')),
      ),
    () =>
      done(
        'count packets',
        undefined,
        lines.map((line) => line.replace(/\[0:0\]/, '[123:4567]')),
      ),
    () => {
      const i = pick(matching(/0x4000/));
      return replace('another mark', i, (line) => line.replace(/0x4000/, '0x8000'));
    },
    () => {
      const i = pick(matching(/--dport \d+|:\d+$/));
      return replace('another port', i, (line) =>
        line.replace(/(--dport |:)(\d+)(?= -|$)/, (_, before: string, port: string) => `${before}${Number(port) + 1}`),
      );
    },
    () => {
      const i = pick(rules);
      return done(
        'a rule twice',
        i,
        lines.flatMap((line, j) => (i === j ? [line, line] : [line])),
      );
    },
    () => {
      const i = pick(
        rules.filter((j) => rules.includes(j + 1) && lines[j]!.split(' ')[1] === lines[j + 1]!.split(' ')[1]),
      );
      const changed = [...lines];
      [changed[i], changed[i + 1]] = [lines[i + 1]!, lines[i]!];
      return {
        ...done('two rules in another order', i, changed),
        affinity: lines[i]!.includes('-m recent') || lines[i + 1]!.includes('-m recent'),
      };
    },
    () => {
      const i = pick(matching(/ -j KUBE-(SVC|SVL|EXT|SEP|XLB)-/));
      const other = pick(matching(/ -j KUBE-(SVC|SVL|EXT|SEP|XLB)-/));
      const target = / -j (\S+)/.exec(lines[other]!)![1]!;
      return replace(`to ${target} instead`, i, (line) => line.replace(/ -j \S+/, ` -j ${target}`));
    },
    () => {
      const i = pick(matching(/ -j (ACCEPT|DROP|REJECT)/));
      return i === undefined
        ? undefined
        : replace('another verdict', i, (line) =>
            line.replace(/ -j (ACCEPT|DROP|REJECT).*/, (_, was: string) => ` -j ${was === 'DROP' ? 'ACCEPT' : 'DROP'}`),
          );
    },
    () => {
      const i = pick(matching(/ ! -[sdio] /));
      return i === undefined ? undefined : replace('without the !', i, (line) => line.replace(' ! ', ' '));
    },
    () => {
      const i = pick(rules);
      const chain = lines[i]!.split(' ')[1]!;
      return done(
        'a rule that does nothing before',
        i,
        lines.flatMap((line, j) => (i === j ? [`-A ${chain} -p tcp`, line] : [line])),
      );
    },
    () => {
      // In a built-in chain it would be somebody else's.
      const i = pick(matching(/^-A KUBE-/));
      const chain = lines[i]!.split(' ')[1]!;
      return done(
        'a RETURN before',
        i,
        lines.flatMap((line, j) => (i === j ? [`-A ${chain} -j RETURN`, line] : [line])),
      );
    },
    () => {
      const i = pick(matching(/ -p (tcp|udp|sctp) /));
      return replace('another protocol', i, (line) =>
        line.replace(
          / -(p|m) (tcp|udp|sctp)(?= )/g,
          (_, o: string, was: string) => ` -${o} ${was === 'tcp' ? 'udp' : 'tcp'}`,
        ),
      );
    },
  ];
  for (;;) {
    const mutation = pick(kinds)();
    if (mutation && mutation.text !== text) return mutation;
  }
}

function tableOf(lines: readonly string[], i: number): string {
  for (let j = i; j >= 0; j--) if (lines[j]!.startsWith('*')) return lines[j]!.slice(1);
  return '';
}

function neighbour(ip: string): string {
  return ip.replace(/[\da-f]+$/, (last) => (last === '0' ? '1' : last === '1' ? '7' : '1'));
}

/** Every way in to every Service, from everybody, and more: made from the API's objects alone. */
export function packets(objects: ClusterObjects, network: NodeNetwork, family: 4 | 6): readonly PacketCase[] {
  const own = network.addresses.map((each) => each.address).filter((address) => address.family === family);
  const outside = (
    family === 4
      ? ['203.0.113.9', '198.51.100.7', '198.51.100.8', '203.0.114.1', '192.0.2.21', '192.0.2.22', '10.244.9.9']
      : ['2001:db8::9']
  ).map((t) => parseAddress(t)!);
  const endpointsOf = (service?: string): readonly Address[] =>
    objects.endpointSlices
      .filter(({ metadata }) => service === undefined || metadata.labels?.['kubernetes.io/service-name'] === service)
      .flatMap((slice) => slice.endpoints ?? [])
      .flatMap((endpoint) => parseAddress(endpoint.addresses[0] ?? '') ?? [])
      .filter((address) => address.family === family);
  const [someone] = endpointsOf();
  const pod = parseAddress(family === 4 ? '10.244.0.77' : 'fd00:10:244::77')!;
  // Where a prefix that is one bit longer or shorter ends.
  const edges = (family === 4 ? ['10.244.200.9', '10.245.0.9', '203.0.113.200'] : []).map((t) => parseAddress(t)!);
  const found: PacketCase[] = [];
  for (const service of objects.services) {
    const { spec, status } = service;
    const vips = [
      ...(spec.clusterIPs ?? []),
      ...(spec.externalIPs ?? []),
      ...(status?.loadBalancer?.ingress ?? []).flatMap((entry) => entry.ip ?? []),
    ]
      .flatMap((text) => parseAddress(text) ?? [])
      .filter((address) => address.family === family);
    const strangers = spec.loadBalancerSourceRanges ? outside : outside.slice(0, 1);
    const sources = distinct([...endpointsOf(service.metadata.name), pod, ...edges, ...strangers]);
    for (const port of spec.ports ?? []) {
      const protocol = (port.protocol ?? 'TCP').toLowerCase() as 'tcp' | 'udp' | 'sctp';
      const ends: [Address, number][] = vips.flatMap((vip): [Address, number][] => [
        [vip, port.port],
        [vip, port.port + 1],
      ]);
      if (port.nodePort) for (const address of own) ends.push([address, port.nodePort]);
      if (spec.healthCheckNodePort && own[1]) ends.push([own[1], spec.healthCheckNodePort]);
      for (const [destination, destinationPort] of ends) {
        const to = { destination, protocol, destinationPort };
        const others = destinationPort === port.port + 1 ? [pod, outside[0]!] : sources;
        if (!isLoopback(destination))
          for (const source of others) found.push({ in: interfaceOf(network, source), source, ...to });
        // A connection that began before, under other rules maybe.
        if (!isLoopback(destination))
          found.push({ in: interfaceOf(network, pod), source: pod, ...to, state: 'established' });
        for (const source of own)
          if (isLoopback(source) === isLoopback(destination)) found.push({ in: 'local', source, ...to });
      }
    }
  }
  // What route_localnet lets in.
  for (const destination of own)
    if (isLoopback(destination))
      found.push({ in: 'eth0', source: outside[0]!, destination, protocol: 'tcp', destinationPort: 8080 });
  // About no Service: through the node, in states that rules ask for.
  const [far] = outside;
  for (const state of ['new', 'established', 'invalid'] as const)
    for (const [source, destination] of [
      [pod, far],
      [far, pod],
      [someone, far],
    ] as const)
      if (source && destination)
        found.push({
          in: interfaceOf(network, source),
          source,
          destination,
          protocol: 'tcp',
          destinationPort: 443,
          state,
        });
  return found;
}

/** What happened, in one text: outcomes with their shares to seven digits, whatever rules led there. */
export function fate(outcomes: readonly Outcome[]): string {
  const shares = new Map<string, number>();
  for (const outcome of outcomes) {
    const end =
      outcome.verdict === 'accept'
        ? `${formatEndpoint(outcome.destination, outcome.destinationPort)}${outcome.masquerade ? ' m' : ''}`
        : `${outcome.verdict} ${outcome.rejectWith ?? ''}`;
    const assumed = outcome.assumptions.map(({ words, holds }) => `${words}=${holds}`).sort();
    const key = [end, ...assumed].join(' if ');
    shares.set(key, (shares.get(key) ?? 0) + outcome.probability);
  }
  return [...shares]
    .map(([key, share]) => `${key} ${share.toFixed(7)}`)
    .sort()
    .join('\n');
}

/** "shop/front:http" of the Services that have this packet's destination and port. */
export function addressed(objects: ClusterObjects, network: NodeNetwork, packet: PacketCase): readonly string[] {
  const text = formatEndpoint(packet.destination, undefined);
  const local =
    isLoopback(packet.destination) ||
    network.addresses.some(
      (own) => own.address.family === packet.destination.family && own.address.value === packet.destination.value,
    );
  return objects.services.flatMap((service) => {
    const { spec, status, metadata } = service;
    const vips = [
      ...(spec.clusterIPs ?? []),
      ...(spec.externalIPs ?? []),
      ...(status?.loadBalancer?.ingress ?? []).map((entry) => entry.ip),
    ];
    return (spec.ports ?? [])
      .filter((port) => (port.protocol ?? 'TCP').toLowerCase() === packet.protocol)
      .filter(
        (port) =>
          (vips.includes(text) && port.port === packet.destinationPort) ||
          (local && port.nodePort === packet.destinationPort),
      )
      .map((port) => `${metadata.namespace ?? ''}/${metadata.name}${port.name ? `:${port.name}` : ''}`);
  });
}

function isLoopback(address: Address): boolean {
  return address.family === 4 ? address.value >> 24n === 127n : address.value === 1n;
}

function interfaceOf(network: NodeNetwork, address: Address): string {
  let best = { length: -1, interface: 'eth0' };
  for (const { prefix, interface: name } of network.routes) {
    const host = BigInt((prefix.family === 4 ? 32 : 128) - prefix.length);
    if (
      prefix.family === address.family &&
      prefix.length > best.length &&
      prefix.value >> host === address.value >> host
    )
      best = { length: prefix.length, interface: name };
  }
  return best.interface;
}

function distinct(addresses: readonly Address[]): readonly Address[] {
  return [...new Map(addresses.map((address) => [`${address.family} ${address.value}`, address])).values()];
}

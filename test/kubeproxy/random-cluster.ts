/**
 * Random Services and EndpointSlices that a real API server accepts, the same for the same seed: every type, policy, family, port, affinity,
 * source range, ipMode, hint and endpoint condition. Nodes are node-1 to node-3, in zones zone-1, zone-1 and zone-2; Services are in
 * 10.96.0.0/16 and fd00:10:96::/112. Services have no selectors, so that no controller touches their slices.
 *
 * As a program: node random-cluster.ts SEED COUNT prints a List for `kubectl create`, whose statuses are to be set afterwards.
 */
import type {
  EndpointSlice,
  Namespace,
  Protocol,
  Service,
  ServicePort,
  SliceEndpoint,
} from '../../src/kubernetes/objects.ts';

export interface RandomCluster {
  readonly namespaces: readonly Namespace[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
}

/** Numbers from 0 to 1 (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

class Dice {
  readonly #next: () => number;
  constructor(seed: number) {
    this.#next = randomNumbers(seed);
  }
  /** 0 to below. */
  below(n: number): number {
    return Math.floor(this.#next() * n);
  }
  chance(p: number): boolean {
    return this.#next() < p;
  }
  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)]!;
  }
  some<T>(of: readonly T[], p: number): T[] {
    return of.filter(() => this.chance(p));
  }
}

type Family = 'IPv4' | 'IPv6';

const NAMESPACES = ['default', 'shop', 'a', 'team-with-a-rather-long-name'];
const PROTOCOLS: readonly Protocol[] = ['TCP', 'TCP', 'TCP', 'UDP', 'SCTP'];
const NODES = ['node-1', 'node-2', 'node-3', 'node-elsewhere'];
const ZONES = ['zone-1', 'zone-2', 'zone-9'];
const RANGES: Readonly<Record<Family, readonly string[]>> = {
  IPv4: [
    '203.0.113.0/24',
    '203.0.113.0/25',
    '203.0.113.128/25',
    '198.51.100.7/32',
    '172.18.0.0/16',
    '10.0.0.0/8',
    '10.244.0.0/16',
  ],
  IPv6: ['2001:db8::/32', '2001:db8:1::/48', '2001:db8::1/128', 'fd00:18::/64', '2001:db8:2::/47'],
};

export function randomCluster(seed: number, count: number): RandomCluster {
  const dice = new Dice(seed);
  const services: Service[] = [];
  const endpointSlices: EndpointSlice[] = [];
  for (let i = 0; i < count; i++) {
    const service = randomService(dice, i);
    services.push(service);
    endpointSlices.push(...randomSlices(dice, service, i));
  }
  const namespaces = NAMESPACES.filter((name) => name !== 'default').map((name) => ({ metadata: { name } }));
  return { namespaces, services, endpointSlices };
}

function randomService(dice: Dice, i: number): Service {
  const namespace = dice.one(NAMESPACES);
  const name = dice.one(['web', 'db', 'x', 'a-service-whose-name-is-long']) + `-${i}`;
  const kind = dice.one([
    'ClusterIP',
    'ClusterIP',
    'ClusterIP',
    'NodePort',
    'NodePort',
    'LoadBalancer',
    'LoadBalancer',
    'LoadBalancer',
    'Headless',
    'ExternalName',
  ] as const);
  const type = kind === 'Headless' ? 'ClusterIP' : kind;
  const labels = dice.chance(0.03) ? { 'service.kubernetes.io/service-proxy-name': 'another' } : undefined;
  const annotations = dice.chance(0.2)
    ? {
        [dice.one(['service.kubernetes.io/topology-mode', 'service.kubernetes.io/topology-aware-hints'])]: dice.one([
          'Auto',
          'auto',
          'disabled',
          'Disabled',
          'other',
        ]),
      }
    : undefined;
  const metadata = { name, namespace, ...(labels && { labels }), ...(annotations && { annotations }) };
  const ports = randomPorts(dice, i, type === 'NodePort' || type === 'LoadBalancer');
  if (type === 'ExternalName') return { metadata, spec: { type, externalName: 'example.org', ports } };
  const families: readonly Family[] = dice.one([['IPv4'], ['IPv4'], ['IPv6'], ['IPv4', 'IPv6'], ['IPv6', 'IPv4']]);
  const clusterIPs =
    kind === 'Headless'
      ? ['None']
      : families.map((family) =>
          family === 'IPv4'
            ? `10.96.${10 + Math.floor(i / 200)}.${1 + (i % 200)}`
            : `fd00:10:96::${(i + 0x100).toString(16)}`,
        );
  const affine = kind !== 'Headless' && dice.chance(0.2);
  const externalIPs =
    kind !== 'Headless' && dice.chance(0.2)
      ? [
          ...dice.some(
            [
              `192.0.2.${1 + (i % 250)}`,
              `198.18.${Math.floor(i / 250)}.${1 + (i % 250)}`,
              `2001:db8:e::${(i + 1).toString(16)}`,
            ],
            0.6,
          ),
        ]
      : [];
  const balanced = type === 'LoadBalancer';
  const external = type !== 'ClusterIP' || externalIPs.length > 0;
  const externalLocal = external && dice.chance(0.45);
  const sourceRanges = balanced && dice.chance(0.5) ? randomRanges(dice) : [];
  return {
    metadata,
    spec: {
      type,
      ports,
      clusterIP: clusterIPs[0]!,
      clusterIPs,
      ipFamilies: families,
      ipFamilyPolicy: families.length === 2 ? 'RequireDualStack' : 'SingleStack',
      ...(externalIPs.length > 0 && { externalIPs }),
      ...(external && { externalTrafficPolicy: externalLocal ? 'Local' : 'Cluster' }),
      ...(balanced && externalLocal && { healthCheckNodePort: 31000 + i }),
      internalTrafficPolicy: dice.chance(0.25) ? 'Local' : 'Cluster',
      ...(sourceRanges.length > 0 && { loadBalancerSourceRanges: sourceRanges }),
      sessionAffinity: affine ? 'ClientIP' : 'None',
      ...(affine && { sessionAffinityConfig: { clientIP: { timeoutSeconds: dice.one([1, 60, 3600, 10800, 86400]) } } }),
      ...(dice.chance(0.1) && { publishNotReadyAddresses: true }),
      ...(dice.chance(0.15) && { trafficDistribution: dice.one(['PreferClose', 'PreferSameZone', 'PreferSameNode']) }),
    },
    ...(balanced && dice.chance(0.9) && { status: { loadBalancer: { ingress: randomIngress(dice, i) } } }),
  };
}

function randomPorts(dice: Dice, i: number, nodePorts: boolean): ServicePort[] {
  const count = dice.one([1, 1, 1, 2, 3]);
  return Array.from({ length: count }, (_, k): ServicePort => {
    const named = count > 1 || dice.chance(0.6);
    return {
      ...(named && { name: `p${k}` }),
      protocol: dice.one(PROTOCOLS),
      port: 80 + 100 * k,
      targetPort: 8080 + k,
      ...(nodePorts && dice.chance(0.95) && { nodePort: 30000 + 4 * i + k }),
    };
  });
}

/** None of them overlaps another of its family: 1.29 cannot load those. */
function randomRanges(dice: Dice): string[] {
  const ranges = dice.some(RANGES.IPv4, 0.3).concat(dice.some(RANGES.IPv6, 0.3));
  if (ranges.includes('203.0.113.0/24')) return ranges.filter((range) => !/^203.*25$/.test(range)).filter(alone);
  return ranges.filter(alone);
}

function alone(range: string, _: number, all: readonly string[]): boolean {
  if (range === '10.244.0.0/16') return !all.includes('10.0.0.0/8');
  if (range.startsWith('2001:db8:') || range === '2001:db8::1/128')
    return range === '2001:db8::/32' || !all.includes('2001:db8::/32');
  return true;
}

function randomIngress(dice: Dice, i: number) {
  const vips = [
    `192.0.3.${1 + (i % 250)}`,
    `198.19.${Math.floor(i / 250)}.${1 + (i % 250)}`,
    `2001:db8:f::${(i + 1).toString(16)}`,
  ];
  const modes = [undefined, 'VIP', 'VIP', 'Proxy'] as const;
  return [
    ...dice.some(vips, 0.6).map((ip) => {
      const ipMode = dice.one(modes);
      return { ip, ...(ipMode && { ipMode }) };
    }),
    ...(dice.chance(0.1) ? [{ hostname: `lb-${i}.example.org` }] : []),
  ];
}

/** None to three slices of one or both families. */
function randomSlices(dice: Dice, service: Service, i: number): EndpointSlice[] {
  const { name, namespace } = service.metadata;
  const families: readonly Family[] = service.spec.ipFamilies ?? ['IPv4'];
  const hinted = dice.chance(0.35);
  const slices: EndpointSlice[] = [];
  for (const family of dice.chance(0.1) ? (['IPv4', 'IPv6'] as const) : families)
    for (let s = dice.one([0, 1, 1, 1, 1, 2, 3]); s > 0; s--) {
      const labels: Record<string, string> = {
        'kubernetes.io/service-name': name,
        'endpointslice.kubernetes.io/managed-by': 'random',
        ...(dice.chance(0.02) && { 'service.kubernetes.io/service-proxy-name': 'another' }),
        ...(dice.chance(0.02) && { 'service.kubernetes.io/headless': '' }),
      };
      const endpoints = Array.from({ length: dice.one([0, 1, 1, 2, 3, 4, 6]) }, (_, e) =>
        randomEndpoint(dice, family, i * 40 + slices.length * 10 + e, hinted),
      );
      slices.push({
        metadata: { name: `${name}-${slices.length}`, namespace: namespace!, labels },
        addressType: family,
        endpoints: dice.chance(0.05) && endpoints[0] ? [...endpoints, endpoints[0]] : endpoints,
        ports: (service.spec.ports ?? [])
          .filter(() => dice.chance(0.95))
          .map((port, k, { length }) => ({
            ...(port.name ? { name: port.name } : { name: '' }),
            protocol: port.protocol!,
            // Without a number it means every port. Among others, it makes kube-proxy up to 1.29 crash.
            ...((length > 1 || dice.chance(0.97)) && { port: 8080 + k }),
          })),
      });
    }
  return slices;
}

function randomEndpoint(dice: Dice, family: Family, n: number, hinted: boolean): SliceEndpoint {
  const address =
    family === 'IPv4'
      ? `10.244.${Math.floor(n / 250) % 250}.${1 + (n % 250)}`
      : `fd00:10:244:${((n >> 12) + 1).toString(16)}::${((n % 4096) + 1).toString(16)}`;
  const conditions = dice.one([
    {},
    { ready: true },
    { ready: true },
    { ready: true, serving: true, terminating: false },
    { ready: true, serving: true, terminating: false },
    { ready: false },
    { ready: false, serving: false, terminating: false },
    { ready: false, serving: true, terminating: true },
    { ready: false, serving: true, terminating: true },
    { ready: false, serving: false, terminating: true },
    { ready: false, terminating: true },
    { ready: true, serving: true, terminating: true },
  ]);
  const node = dice.chance(0.9) ? dice.one(NODES) : undefined;
  const zones = hinted && dice.chance(0.95) ? dice.some(ZONES, 0.5) : [];
  const nodes = hinted && dice.chance(0.8) ? dice.some(NODES, 0.5) : [];
  const hints = {
    ...(zones.length > 0 && { forZones: zones.map((name) => ({ name })) }),
    ...(nodes.length > 0 && { forNodes: nodes.map((name) => ({ name })) }),
  };
  return {
    addresses: [address],
    conditions,
    ...(node !== undefined && { nodeName: node }),
    ...(dice.chance(0.5) && { zone: dice.one(ZONES) }),
    ...(Object.keys(hints).length > 0 && { hints }),
  };
}

if (import.meta.main) {
  const [seed = '1', count = '200'] = process.argv.slice(2);
  const { namespaces, services, endpointSlices } = randomCluster(Number(seed), Number(count));
  const items = [
    ...namespaces.map((object) => ({ apiVersion: 'v1', kind: 'Namespace', ...object })),
    ...services.map((object) => ({ apiVersion: 'v1', kind: 'Service', ...object })),
    ...endpointSlices.map((object) => ({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', ...object })),
  ];
  console.log(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

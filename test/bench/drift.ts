/**
 * npm run bench: expected rules and drift of one node, at 1,000 and at 10,000 Services with ten endpoints each, in both modes: all at once, and
 * after one EndpointSlice's change. Prints milliseconds, megabytes and ratios; asserts nothing.
 */
import { nodeDrift } from '../../src/diagnosis/drift.ts';
import type { ClusterObjects, EndpointSlice, Service } from '../../src/kubernetes/objects.ts';
import type { Dump } from '../../src/kubernetes/source.ts';
import { expectedRules, nodeProxy } from '../../src/kubeproxy/expected.ts';
import { iptablesText } from '../../src/kubeproxy/iptables/expected.ts';
import { nodeNetwork } from '../../src/translation/network.ts';

const ENDPOINTS = 10;

export function bigCluster(services: number, mode: 'iptables' | 'nftables' = 'iptables'): ClusterObjects {
  const ip = (i: number, base: number) => `${base}.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
  const made: Service[] = [];
  const slices: EndpointSlice[] = [];
  for (let i = 0; i < services; i++) {
    const name = `service-${i}`;
    const metadata = { namespace: `ns-${i % 50}`, name };
    made.push({
      metadata,
      spec: {
        type: i % 10 === 0 ? 'NodePort' : 'ClusterIP',
        clusterIP: ip(i + 1, 172),
        clusterIPs: [ip(i + 1, 172)],
        ipFamilies: ['IPv4'],
        ports: [
          {
            name: 'http',
            port: 80,
            targetPort: 8080,
            protocol: 'TCP',
            ...(i % 10 === 0 && { nodePort: 30000 + i / 10 }),
          },
        ],
      },
    });
    slices.push({
      metadata: { namespace: metadata.namespace, name: `${name}-x`, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: Array.from({ length: ENDPOINTS }, (_, k) => ({
        addresses: [ip(i * ENDPOINTS + k + 1, 10)],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: `node-${k % 3}`,
      })),
    });
  }
  return {
    namespaces: [],
    services: made,
    endpointSlices: slices,
    endpoints: [],
    nodes: [
      {
        metadata: { name: 'node-1' },
        spec: { podCIDRs: ['10.0.0.0/16'] },
        status: {
          addresses: [{ type: 'InternalIP', address: '192.168.0.1' }],
          nodeInfo: { kubeletVersion: 'v1.37.2' },
        },
      },
    ],
    pods: [],
    kubeProxyConfig: {
      metadata: { name: 'kube-proxy', namespace: 'kube-system' },
      data: { 'config.conf': `kind: KubeProxyConfiguration\nmode: ${mode}\nclusterCIDR: 10.0.0.0/8\n` },
    },
  };
}

/** What the node would hold: the expected rules themselves, in another order where that has no meaning. */
export function dumpsOf(objects: ClusterObjects): readonly Dump[] {
  const rules = expectedRules({ ...objects, services: [...objects.services].reverse() }, nodeProxy(objects, 'node-1'));
  const dump = (name: Dump['name'], text: string): Dump => ({ name, text, from: name, complete: true });
  if (rules.mode === 'iptables')
    return [
      dump('iptables-save.txt', iptablesText(rules.families[4])),
      dump('ip6tables-save.txt', iptablesText(rules.families[6])),
    ];
  if (rules.mode === 'nftables') return [dump('nft.json', JSON.stringify({ nftables: rules.tables.nftables }))];
  throw new Error(rules.problem);
}

/** One endpoint's address is another. */
function misled(text: string): string {
  return text
    .replace('--to-destination 10.0.0.5:', '--to-destination 10.9.9.9:')
    .replace('"10.0.0.5",8080', '"10.9.9.9",8080');
}

function measure(services: number, mode: 'iptables' | 'nftables', broken: boolean): number {
  const objects = bigCluster(services, mode);
  const dumps = dumpsOf(objects).map((each) => ({ ...each, text: broken ? misled(each.text) : each.text }));
  const capture = { node: 'node-1', at: 0, dumps, problems: [] };
  const { network } = nodeNetwork('node-1', objects, capture);
  globalThis.gc?.();
  const subject = { objects, capture, network };
  const start = performance.now();
  const drift = nodeDrift(subject);
  const time = performance.now() - start;
  const memory = process.memoryUsage().heapUsed / 2 ** 20;
  const drifted = drift.kind === 'compared' ? drift.families.flatMap((family) => family.drifted).length : -1;
  const change = again(subject);
  console.log(
    `${mode} ${String(services).padStart(6)} Services, ${services * ENDPOINTS} endpoints${broken ? ', one rule broken' : ''}: ${time.toFixed(0)} ms, heap ${memory.toFixed(0)} MB, ${drifted} drifted; ${change.toFixed(0)} ms after a change of one EndpointSlice, 1/${(time / change).toFixed(0)} of it`,
  );
  return time;
}

const CHANGES = 9;

/** What it takes after one EndpointSlice has lost an endpoint, in milliseconds: the median of several, each beside the ones before. */
function again(subject: Parameters<typeof nodeDrift>[0]): number {
  let { objects } = subject;
  const times = Array.from({ length: CHANGES }, (_, i) => {
    const endpointSlices = [...objects.endpointSlices];
    const slice = endpointSlices[77 + i]!;
    endpointSlices[77 + i] = { ...slice, endpoints: slice.endpoints!.slice(1) };
    objects = { ...objects, endpointSlices };
    const start = performance.now();
    nodeDrift({ ...subject, objects });
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[Math.floor(CHANGES / 2)]!;
}

if (import.meta.main)
  for (const mode of ['iptables', 'nftables'] as const)
    for (const broken of [false, true]) {
      measure(200, mode, broken); // the first run compiles
      const small = measure(1000, mode, broken);
      const large = measure(10_000, mode, broken);
      console.log(`  ratio ${(large / small).toFixed(1)} for ten times as many`);
    }

/** A cluster of a few Services, each for one thing that kube-proxy does, and its tables as text. */
import type { ClusterObjects, Service, SliceEndpoint } from '../../../src/kubernetes/objects.ts';
import { printElement } from '../../../src/netfilter/nftables/print.ts';
import { readNft } from '../../../src/netfilter/nftables/tables.ts';
import type { NftObject } from '../../../src/kubeproxy/nftables/objects.ts';

const on = (
  node: string,
  address: string,
  conditions: SliceEndpoint['conditions'] = { ready: true },
): SliceEndpoint => ({
  addresses: [address],
  nodeName: node,
  conditions,
});

/** node-1's view: endpoints 10.244.1.x are its own. */
const CASES: readonly { readonly service: Service; readonly endpoints: readonly SliceEndpoint[] }[] = [
  {
    service: service('plain', 1, {}),
    endpoints: [on('node-1', '10.244.1.1'), on('node-2', '10.244.2.1')],
  },
  {
    service: service('sticky', 2, {
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } },
    }),
    endpoints: [on('node-1', '10.244.1.2')],
  },
  {
    service: service(
      'balanced',
      3,
      {
        type: 'LoadBalancer',
        externalTrafficPolicy: 'Local',
        loadBalancerSourceRanges: ['172.18.0.0/16', '203.0.113.0/25', '203.0.113.128/25'],
        externalIPs: ['192.0.2.3'],
      },
      30003,
      '198.51.100.3',
    ),
    endpoints: [on('node-1', '10.244.1.3'), on('node-2', '10.244.2.3')],
  },
  {
    service: service(
      'elsewhere',
      4,
      { type: 'NodePort', externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' },
      30004,
    ),
    endpoints: [on('node-2', '10.244.2.4')],
  },
  {
    service: service('nowhere', 5, { type: 'NodePort', externalTrafficPolicy: 'Cluster' }, 30005),
    endpoints: [on('node-1', '10.244.1.5', { ready: false, serving: true, terminating: false })],
  },
];

function service(name: string, n: number, spec: Partial<Service['spec']>, nodePort?: number, ip?: string): Service {
  return {
    metadata: { namespace: 'g', name },
    spec: {
      type: 'ClusterIP',
      clusterIP: `10.96.0.${n}`,
      clusterIPs: [`10.96.0.${n}`],
      ipFamilies: ['IPv4'],
      ports: [{ name: 'p', protocol: 'TCP', port: 80, ...(nodePort && { nodePort }) }],
      ...spec,
    },
    ...(ip && { status: { loadBalancer: { ingress: [{ ip }] } } }),
  };
}

export const GOLDEN_CLUSTER: ClusterObjects = {
  namespaces: [],
  pods: [],
  endpoints: [],
  nodes: [
    {
      metadata: { name: 'node-1' },
      status: { addresses: [{ type: 'InternalIP', address: '172.18.0.2' }] },
    },
  ],
  services: CASES.map((each) => each.service),
  endpointSlices: CASES.map(({ service: { metadata }, endpoints }) => ({
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': metadata.name } },
    addressType: 'IPv4' as const,
    endpoints,
    ports: [{ name: 'p', protocol: 'TCP' as const, port: 8080 }],
  })),
};

/** Much as `nft list ruleset` prints it. */
export function asText(nftables: readonly NftObject[]): string {
  const [table] = readNft(JSON.stringify({ nftables }), 'expected').tables;
  const out = [`table ${table!.family} ${table!.name}`];
  for (const set of table!.sets) {
    const data = set.data.length > 0 ? ` : ${set.data.join(' . ')}` : '';
    const more = [...set.flags, ...(set.timeout === undefined ? [] : [`timeout ${set.timeout}s`])].join(' ');
    out.push('', `${set.kind} ${set.name}  ${set.key.join(' . ')}${data}${more && `  ${more}`}`);
    if (set.comment !== undefined) out.push(`\tcomment "${set.comment}"`);
    for (const element of set.elements) out.push(`\t${printElement(element, { kind: 'text', value: '' })}`);
  }
  for (const chain of table!.chains) {
    const { type, hook, priority } = chain.base ?? {};
    out.push('', `chain ${chain.name}${chain.base ? `  ${type!} ${hook!} ${priority!}` : ''}`);
    for (const rule of chain.rules) out.push(`\t${rule.text}`);
  }
  return `${out.join('\n')}\n`;
}

/**
 * The sets, maps and chains that are the same in every release since 1.30: what has no endpoints, what is behind a firewall,
 * and what of a cluster IP is no port of its Service. Source: pkg/proxy/nftables/proxier.go, setupNFTables.
 */
import { prefixSet } from './intervals.ts';
import { chain, commented, rule, set, verdictMap, type Chain, type Container, type Rule } from './listing.ts';
import { nodePortIPs, toNodePort, toNodePortInInput } from './node-ports.ts';
import type { TableSettings } from './settings.ts';
import { counter, drop, is, reject, vmap } from './statements.ts';
import { port, PORT_TYPE, wordsOf } from './words.ts';

export function containers(settings: TableSettings): Container[] {
  const { address, destinationType } = wordsOf(settings.family);
  return [
    set('cluster-ips', address, 'Active ClusterIPs'),
    ...nodePortIPs(settings),
    verdictMap('no-endpoint-services', destinationType, 'vmap to drop or reject packets to services with no endpoints'),
    verdictMap(
      'no-endpoint-nodeports',
      PORT_TYPE,
      'vmap to drop or reject packets to service nodeports with no endpoints',
    ),
    ...(settings.refusedOnLoopback
      ? [verdictMap('localhost-nodeport-reject-ports', PORT_TYPE, 'localhost NodePorts rejected by kube-proxy')]
      : []),
    verdictMap('firewall-ips', destinationType, 'destinations that are subject to LoadBalancerSourceRanges'),
    verdictMap('service-ips', destinationType, 'ClusterIP, ExternalIP and LoadBalancer IP traffic'),
    verdictMap('service-nodeports', PORT_TYPE, 'NodePort traffic'),
  ];
}

export function nodePortEndpointsCheck(settings: TableSettings): Chain {
  const { loopback } = wordsOf(settings.family);
  return chain(
    'nodeport-endpoints-check',
    rule(...toNodePortInInput(settings), vmap(port, '@no-endpoint-nodeports')),
    ...(settings.refusedOnLoopback ? [rule(loopback, vmap(port, '@localhost-nodeport-reject-ports'))] : []),
  );
}

export function serviceEndpointsCheck({ family }: TableSettings): Chain {
  return chain('service-endpoints-check', rule(vmap(wordsOf(family).destination, '@no-endpoint-services')));
}

export function firewallCheck({ family }: TableSettings): Chain {
  return chain('firewall-check', rule(vmap(wordsOf(family).destination, '@firewall-ips')));
}

export function clusterIPsCheck({ family, serviceCIDRs }: TableSettings): Chain {
  const { daddr } = wordsOf(family);
  return chain(
    'cluster-ips-check',
    commented('Reject traffic to invalid ports of ClusterIPs', is(daddr, '@cluster-ips'), reject(family)),
    ...(serviceCIDRs.length > 0
      ? [commented('Drop traffic to unallocated ClusterIPs', is(daddr, prefixSet(serviceCIDRs)), drop)]
      : []),
  );
}

export function rejectChain({ family }: TableSettings): Chain {
  return chain('reject-chain', rule(reject(family)));
}

/** `localhost-nodeport-reject-udp` and its like, of 1.37's gate KubeProxyNFTablesLocalhostNodePorts. */
export function loopbackRejectChains({ family, refusedOnLoopback = [] }: TableSettings): Chain[] {
  return refusedOnLoopback.map((protocol) =>
    chain(`localhost-nodeport-reject-${protocol}`, rule(counter(loopbackCounter(protocol)), reject(family))),
  );
}

export function loopbackCounter(protocol: string): string {
  return `localhost-nodeport-rejected-${protocol}`;
}

/** The two rules of chain `services` by which packets find their Service. */
export function dispatch(settings: TableSettings): Rule[] {
  const { destination } = wordsOf(settings.family);
  return [rule(vmap(destination, '@service-ips')), rule(...toNodePort(settings), vmap(port, '@service-nodeports'))];
}

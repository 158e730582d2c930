/**
 * What the table holds without any Service from 1.36 on: traffic to cluster IPs is marked before it is dispatched, hairpin
 * connections are known by a set, after DNAT. Source: pkg/proxy/nftables/proxier.go of 1.36.3 and 1.37.2, setupNFTables.
 */
import { BASE_CHAINS_1_34 } from './base-chains.ts';
import {
  clusterIPsCheck,
  containers,
  dispatch,
  firewallCheck,
  loopbackCounter,
  loopbackRejectChains,
  nodePortEndpointsCheck,
  rejectChain,
  serviceEndpointsCheck,
} from './checks.ts';
import { chain, commented, rule, set, type Rule, type Stock } from './listing.ts';
import type { TableSettings } from './settings.ts';
import { concat, ctStatusDnat, dport, flipMark, is, l4proto, marked, masquerade, setMark } from './statements.ts';
import { PORT_TYPE, wordsOf } from './words.ts';

export function stock136(settings: TableSettings): Stock {
  const { family, mark } = settings;
  const { address, saddr, daddr } = wordsOf(family);
  return {
    counters: (settings.refusedOnLoopback ?? []).map(loopbackCounter),
    containers: [
      set('hairpin-connections', [address, address, ...PORT_TYPE], 'service hairpin connections'),
      ...containers(settings),
    ],
    chains: [
      ...BASE_CHAINS_1_34,
      nodePortEndpointsCheck(settings),
      serviceEndpointsCheck(settings),
      firewallCheck(settings),
      chain('services', ...masqueradeToClusterIPs(settings), ...dispatch(settings)),
      chain(
        'masquerading',
        rule(marked(mark), flipMark(mark), masquerade),
        rule(ctStatusDnat, is(concat(saddr, daddr, l4proto, dport), '@hairpin-connections'), masquerade),
      ),
      clusterIPsCheck(settings),
      rejectChain(settings),
      ...loopbackRejectChains(settings),
    ],
  };
}

function masqueradeToClusterIPs({ family, mark, masqueradeAll, localPods }: TableSettings): Rule[] {
  const toClusterIP = is(wordsOf(family).daddr, '@cluster-ips');
  if (masqueradeAll) return [commented('masquerade all clusterIP traffic', toClusterIP, setMark(mark))];
  if (!localPods) return [];
  return [
    commented('masquerade clusterIP traffic from outside cluster', toClusterIP, localPods.isNotLocal, setMark(mark)),
  ];
}

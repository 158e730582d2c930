/**
 * What the table holds without any Service in 1.29, the first release with nftables mode (alpha). Source:
 * pkg/proxy/nftables/proxier.go of 1.29.6, setupNFTables.
 */
import { BASE_CHAINS_1_29 } from './base-chains.ts';
import { chain, rule, set, verdictMap, type Stock } from './listing.ts';
import { nodePortIPs, toNodePort } from './node-ports.ts';
import type { TableSettings } from './settings.ts';
import {
  concat,
  ctState,
  daddr,
  dport,
  drop,
  flipMark,
  is,
  jump,
  l4proto,
  masquerade,
  notMarked,
  reject,
  returns,
  saddr,
  setMark,
  vmap,
} from './statements.ts';
import { port, PORT_TYPE, wordsOf } from './words.ts';

export function stock129(settings: TableSettings): Stock {
  const { family, mark } = settings;
  const { address, destination, destinationType } = wordsOf(family);
  return {
    containers: [
      ...nodePortIPs(settings),
      verdictMap(
        'no-endpoint-services',
        destinationType,
        'vmap to drop or reject packets to services with no endpoints',
      ),
      verdictMap(
        'no-endpoint-nodeports',
        PORT_TYPE,
        'vmap to drop or reject packets to service nodeports with no endpoints',
      ),
      set('firewall', destinationType, 'destinations that are subject to LoadBalancerSourceRanges'),
      {
        ...set(
          'firewall-allow',
          [...destinationType, address],
          'destinations+sources that are allowed by LoadBalancerSourceRanges',
        ),
        flags: ['interval'],
      },
      verdictMap('service-ips', destinationType, 'ClusterIP, ExternalIP and LoadBalancer IP traffic'),
      verdictMap('service-nodeports', PORT_TYPE, 'NodePort traffic'),
    ],
    chains: [
      ...BASE_CHAINS_1_29,
      chain(
        'endpoints-check',
        rule(vmap(destination, '@no-endpoint-services')),
        rule(...toNodePort(settings), vmap(port, '@no-endpoint-nodeports')),
      ),
      chain('forward', ...(settings.tcpBeLiberal ? [] : [rule(ctState('invalid'), drop)])),
      chain('firewall-check', rule(is(destination, '@firewall'), jump('firewall-allow-check'))),
      chain(
        'services',
        rule(vmap(destination, '@service-ips')),
        rule(...toNodePort(settings), vmap(port, '@service-nodeports')),
      ),
      chain('masquerading', rule(notMarked(mark), returns), rule(flipMark(mark)), rule(masquerade)),
      chain('mark-for-masquerade', rule(setMark(mark))),
      chain('reject-chain', rule(reject(family))),
      chain(
        'firewall-allow-check',
        rule(is(concat(daddr(family), l4proto, dport, saddr(family)), '@firewall-allow'), returns),
        rule(drop),
      ),
    ],
  };
}

/** What the table holds without any Service in 1.30 to 1.35. Source: pkg/proxy/nftables/proxier.go, setupNFTables. */
import { BASE_CHAINS_1_30, BASE_CHAINS_1_34 } from './base-chains.ts';
import {
  clusterIPsCheck,
  containers,
  dispatch,
  firewallCheck,
  nodePortEndpointsCheck,
  rejectChain,
  serviceEndpointsCheck,
} from './checks.ts';
import type { Generation } from './generation.ts';
import { chain, rule, type Stock } from './listing.ts';
import type { TableSettings } from './settings.ts';
import { flipMark, masquerade, notMarked, returns, setMark } from './statements.ts';

export function stock130(settings: TableSettings, generation: Generation): Stock {
  const { mark } = settings;
  return {
    containers: containers(settings),
    chains: [
      ...(generation.filtersAfterDnat ? BASE_CHAINS_1_34 : BASE_CHAINS_1_30),
      nodePortEndpointsCheck(settings),
      serviceEndpointsCheck(settings),
      firewallCheck(settings),
      chain('services', ...dispatch(settings)),
      chain('masquerading', rule(notMarked(mark), returns), rule(flipMark(mark)), rule(masquerade)),
      clusterIPsCheck(settings),
      chain('mark-for-masquerade', rule(setMark(mark))),
      rejectChain(settings),
    ],
  };
}

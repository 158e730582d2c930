/**
 * The base chains, by which the kernel's hooks reach kube-proxy's rules, and their jumps.
 */
import { baseChain, rule, type Chain } from './listing.ts';
import { ctState, jump } from './statements.ts';

const ofNewConnections = (chain: string) => rule(ctState('new'), jump(chain));

/** nat is the same in every release. */
const NAT: readonly Chain[] = [
  baseChain('nat-prerouting', ['nat', 'prerouting', -100], rule(jump('services'))),
  baseChain('nat-output', ['nat', 'output', -100], rule(jump('services'))),
  baseChain('nat-postrouting', ['nat', 'postrouting', 100], rule(jump('masquerading'))),
];

/** 1.29: everything is filtered before DNAT, yet in hooks that forwarded packets reach after it. */
export const BASE_CHAINS_1_29: readonly Chain[] = [
  baseChain(
    'filter-input',
    ['filter', 'input', -101],
    ofNewConnections('endpoints-check'),
    ofNewConnections('firewall-check'),
  ),
  baseChain(
    'filter-forward',
    ['filter', 'forward', -101],
    ofNewConnections('endpoints-check'),
    rule(jump('forward')),
    ofNewConnections('firewall-check'),
  ),
  baseChain(
    'filter-output',
    ['filter', 'output', -101],
    ofNewConnections('endpoints-check'),
    ofNewConnections('firewall-check'),
  ),
  ...NAT,
];

/** 1.30.0 to 1.33.5. */
export const BASE_CHAINS_1_30: readonly Chain[] = [
  baseChain('filter-prerouting', ['filter', 'prerouting', -110], ofNewConnections('firewall-check')),
  baseChain(
    'filter-input',
    ['filter', 'input', -110],
    ofNewConnections('nodeport-endpoints-check'),
    ofNewConnections('service-endpoints-check'),
  ),
  baseChain(
    'filter-forward',
    ['filter', 'forward', -110],
    ofNewConnections('service-endpoints-check'),
    ofNewConnections('cluster-ips-check'),
  ),
  baseChain(
    'filter-output',
    ['filter', 'output', -110],
    ofNewConnections('service-endpoints-check'),
    ofNewConnections('firewall-check'),
  ),
  baseChain('filter-output-post-dnat', ['filter', 'output', -90], ofNewConnections('cluster-ips-check')),
  ...NAT,
];

/** 1.33.6 and 1.34.0 on (kubernetes/kubernetes#132456): only source ranges are checked before DNAT. */
export const BASE_CHAINS_1_34: readonly Chain[] = [
  baseChain('filter-prerouting-pre-dnat', ['filter', 'prerouting', -110], ofNewConnections('firewall-check')),
  baseChain('filter-output-pre-dnat', ['filter', 'output', -110], ofNewConnections('firewall-check')),
  baseChain(
    'filter-input',
    ['filter', 'input', 0],
    ofNewConnections('nodeport-endpoints-check'),
    ofNewConnections('service-endpoints-check'),
  ),
  baseChain(
    'filter-forward',
    ['filter', 'forward', 0],
    ofNewConnections('service-endpoints-check'),
    ofNewConnections('cluster-ips-check'),
  ),
  baseChain(
    'filter-output',
    ['filter', 'output', 0],
    ofNewConnections('service-endpoints-check'),
    ofNewConnections('cluster-ips-check'),
  ),
  ...NAT,
];

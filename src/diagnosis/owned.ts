/**
 * Whose chains are whose. kube-proxy writes these; kubelet, kube-router, CNI plugins and people write others, some with
 * names that begin with KUBE- too (KUBE-ROUTER-…, KUBE-POD-FW-…, KUBE-KUBELET-CANARY, KUBE-IPTABLES-HINT).
 */

const FIXED = new Set([
  'KUBE-SERVICES',
  'KUBE-EXTERNAL-SERVICES',
  'KUBE-NODEPORTS',
  'KUBE-POSTROUTING',
  'KUBE-MARK-MASQ',
  'KUBE-FORWARD',
  'KUBE-PROXY-FIREWALL',
  'KUBE-PROXY-CANARY',
  // IPVS mode's.
  'KUBE-LOAD-BALANCER',
  'KUBE-NODE-PORT',
  'KUBE-SOURCE-RANGES-FIREWALL',
  'KUBE-IPVS-FILTER',
  'KUBE-IPVS-OUT-FILTER',
]);

/** base32 has no 0, 1, 8 and 9: a name that has one was not made by kube-proxy. */
const OF_A_PORT = /^KUBE-(?:SVC|SVL|EXT|FW|XLB|SEP)-[A-Z2-7]{16}$/;

/** kubelet makes these as well, with rules of its own in them, and kube-proxy of some releases shares them. */
const SHARED = new Set(['KUBE-FIREWALL', 'KUBE-MARK-DROP']);

export function isOfAPort(chain: string): boolean {
  return OF_A_PORT.test(chain);
}

/** kube-proxy's own: what is in it and not expected is an extra rule. */
export function isOwned(chain: string): boolean {
  return FIXED.has(chain) || OF_A_PORT.test(chain);
}

/** kube-proxy's only where it is expected, and never it alone's. */
export function isShared(chain: string): boolean {
  return SHARED.has(chain);
}

/**
 * Chains that kube-proxy fills in the order of a Go map, which differs from sync to sync. In nat KUBE-SERVICES the jump to
 * the node ports is the exception: it is always last.
 */
export function isDispatch(table: string, chain: string): boolean {
  if (table === 'nat') return chain === 'KUBE-SERVICES' || chain === 'KUBE-NODEPORTS';
  return (
    table === 'filter' &&
    (chain === 'KUBE-SERVICES' ||
      chain === 'KUBE-EXTERNAL-SERVICES' ||
      chain === 'KUBE-NODEPORTS' ||
      chain === 'KUBE-PROXY-FIREWALL')
  );
}

/** What the chains of one Service port have in common; undefined for endpoints' chains and others. */
export function portHashOf(chain: string): string | undefined {
  return /^KUBE-(?:SVC|SVL|EXT|FW|XLB)-([A-Z2-7]{16})$/.exec(chain)?.[1];
}

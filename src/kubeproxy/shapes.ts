import type { Release } from './version.ts';

/**
 * What a dump alone tells about the release that wrote it: rule and chain shapes that came or went with a release. Read in
 * kube-proxy's source of each release; first matching range wins the narrowest answer.
 */
const SHAPES: readonly {
  readonly sign: RegExp;
  readonly from?: number;
  readonly to?: number;
  readonly what: string;
}[] = [
  // iptables mode
  { sign: /^-A KUBE-FORWARD .*conntrack pod source rule/m, to: 22, what: 'two conntrack rules in KUBE-FORWARD' },
  { sign: /^-A KUBE-FORWARD .*conntrack rule"/m, from: 23, what: 'one conntrack rule in KUBE-FORWARD' },
  { sign: /^-A KUBE-SERVICES .*physdev/m, to: 20, what: 'physdev rules for external IPs' },
  {
    sign: /^-A INPUT .*kubernetes health check service ports/m,
    from: 21,
    what: 'health check ports in filter KUBE-NODEPORTS',
  },
  {
    sign: /^-A KUBE-SERVICES (?:! -s|.*cluster IP".*-j KUBE-MARK-MASQ)/m,
    to: 21,
    what: 'masquerade marks in KUBE-SERVICES',
  },
  {
    sign: /^-A KUBE-SV[CL]-\S+ .*cluster IP".*-j KUBE-MARK-MASQ/m,
    from: 22,
    what: 'masquerade marks in KUBE-SVC chains',
  },
  { sign: /^:KUBE-XLB-/m, to: 23, what: 'KUBE-XLB chains' },
  { sign: /^:KUBE-(?:EXT|SVL)-/m, from: 24, what: 'KUBE-EXT or KUBE-SVL chains' },
  { sign: /^:KUBE-PROXY-FIREWALL/m, from: 25, what: 'the chain KUBE-PROXY-FIREWALL' },
  { sign: /will be dropped by KUBE-PROXY-FIREWALL"$/m, from: 27, what: 'the last rule of KUBE-FW chains' },
  { sign: /^-A KUBE-(?:FORWARD|NODEPORTS) .*-m nfacct/m, from: 31, what: 'nfacct counters' },
  // nftables mode, as text or JSON
  { sign: /endpoints-check\b/, from: 29, what: 'the table kube-proxy' },
  { sign: /firewall-allow-check\b/, from: 29, to: 29, what: 'the chain firewall-allow-check' },
  { sign: /filter-prerouting-pre-dnat/, from: 34, what: 'the chain filter-prerouting-pre-dnat' },
  { sign: /hairpin-connections/, from: 36, what: 'the set hairpin-connections' },
];

export interface Shape {
  /** Minor releases; `to` may be Infinity. */
  readonly from: number;
  readonly to: number;
  readonly nearest: Release;
  /** The signs, in words. */
  readonly why: string;
}

/** undefined where the text holds nothing that kube-proxy wrote. Patch releases cannot be told apart. */
export function releaseByShape(dump: string): Shape | undefined {
  let [from, to] = [0, Infinity];
  let [low, high] = ['', ''];
  for (const shape of SHAPES) {
    if ((shape.from ?? 0) <= from && (shape.to ?? Infinity) >= to) continue;
    if (!shape.sign.test(dump)) continue;
    if (shape.from !== undefined && shape.from > from) [from, low] = [shape.from, shape.what];
    if (shape.to !== undefined && shape.to < to) [to, high] = [shape.to, shape.what];
  }
  if (from === 0 && to === Infinity) return undefined;
  const why = [...new Set([low, high].filter((sign) => sign !== ''))].join(' and ');
  // The newest that fits where there is an upper end, else the oldest: later shapes would have been seen.
  const minor = to === Infinity ? from : to;
  return { from, to: Math.max(from, to), nearest: { minor, patch: 0 }, why };
}

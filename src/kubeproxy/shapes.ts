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
  // Chains that newer releases do not know they leave where they are, so these tell only without the newer ones.
  {
    sign: /^(?![^]*\bcluster-ips-check\b)[^]*\bfirewall-allow-check\b/,
    from: 29,
    to: 29,
    what: 'the chain firewall-allow-check',
  },
  { sign: /\bcluster-ips-check\b/, from: 30, what: 'the chain cluster-ips-check' },
  {
    sign: /^(?![^]*\bfilter-output-pre-dnat\b)[^]*\bfilter-output-post-dnat\b/,
    from: 30,
    to: 33,
    what: 'the chain filter-output-post-dnat',
  },
  { sign: /\bset cluster-ips \{\n\s+type \w+\n(?!\s+comment)/, to: 30, what: "no comments on the table's sets" },
  { sign: /"Active ClusterIPs"/, from: 31, what: "comments on the table's sets" },
  // 1.33.6, to be exact.
  { sign: /\bfilter-prerouting-pre-dnat\b/, from: 33, what: 'the chain filter-prerouting-pre-dnat' },
  {
    sign: /dport(?: \d+ |"\}\}, "right": \d+\}\}, )[^\n[\]]*\bjump\W+(?:target\W+)?mark-for-masquerade\b/,
    to: 33,
    what: 'masquerade rules that match a port',
  },
  {
    sign: /\bip6? daddr [\da-f.:]+ (?:\S+ saddr|iif\w*) != \S+ jump mark-for-masquerade\b/,
    from: 34,
    what: 'masquerade rules that match no port',
  },
  { sign: /\bjump\W+(?:target\W+)?mark-for-masquerade\b/, to: 35, what: 'jumps to mark-for-masquerade' },
  { sign: /\bhairpin-connections\b/, from: 36, what: 'the set hairpin-connections' },
  { sign: /\bdnat ip6? to numgen random mod 1 map\b/, from: 36, to: 36, what: 'maps of one endpoint' },
  { sign: /chain (?:service|local)-\S+ \{\s+meta l4proto \w+ dnat to\b/, from: 37, what: 'DNAT without a map' },
];

/** Patch releases that changed a shape, from which on their minor release stayed as it is. */
const LATER_SHAPES: Readonly<Record<number, number>> = { 33: 6, 34: 2 };

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
  return {
    from,
    to: Math.max(from, to),
    nearest: { minor, patch: from < minor ? 0 : (LATER_SHAPES[minor] ?? 0) },
    why,
  };
}

/**
 * What a node's own listing betrays that the API's objects don't say: ServiceCIDRs, which kube-proxy reads whenever it writes the whole
 * table and which a recording need not hold; the addresses of its interfaces that accept node ports; a sysctl.
 */
import { parsePrefix, type Prefix } from '../../netfilter/address.ts';
import type { NftFamily } from './objects.ts';

export interface Observed {
  readonly serviceCIDRs: readonly Prefix[];
  /** The elements of nodeport-ips; undefined where there is no such set. */
  readonly nodePortIPs: readonly string[] | undefined;
  /** 1.29 leaves `ct state invalid drop` out of chain forward where the sysctl was set when it started. */
  readonly tcpBeLiberal: boolean;
}

/** From `nft -j list ruleset` (or of the table alone), as JSON or parsed. A family whose table is not there is left out. */
export function observe(listing: unknown): ReadonlyMap<NftFamily, Observed> {
  const objects = field(listing, 'nftables');
  const found = new Map<NftFamily, { -readonly [K in keyof Observed]: Observed[K] }>();
  if (!Array.isArray(objects)) return found;
  for (const object of objects as readonly unknown[]) {
    const family = (name: string) => ownFamily(field(object, name));
    const table = field(object, 'table');
    const own = isFamily(field(table, 'family')) && field(table, 'name') === 'kube-proxy';
    if (own)
      found.set(field(table, 'family') as NftFamily, { serviceCIDRs: [], nodePortIPs: undefined, tcpBeLiberal: true });
    const set = field(object, 'set');
    const inSet = found.get(family('set')!);
    if (inSet && field(set, 'name') === 'nodeport-ips') inSet.nodePortIPs = strings(field(set, 'elem'));
    const rule = field(object, 'rule');
    const inRule = found.get(family('rule')!);
    if (!inRule) continue;
    if (field(rule, 'chain') === 'forward') inRule.tcpBeLiberal = false;
    if (field(rule, 'comment') === 'Drop traffic to unallocated ClusterIPs')
      inRule.serviceCIDRs = cidrs(field(field(first(field(rule, 'expr')), 'match'), 'right'));
  }
  return found;
}

function ownFamily(object: unknown): NftFamily | undefined {
  const family = field(object, 'family');
  return field(object, 'table') === 'kube-proxy' && isFamily(family) ? family : undefined;
}

function isFamily(value: unknown): value is NftFamily {
  return value === 'ip' || value === 'ip6';
}

/** A prefix, or a set of them. A range, which adjoining ones are listed as, is of no use here: it is taken apart. */
function cidrs(right: unknown): Prefix[] {
  const members = field(right, 'set');
  return (Array.isArray(members) ? (members as unknown[]) : [right]).flatMap((member) => {
    const prefix = field(member, 'prefix');
    const text =
      typeof member === 'string' ? member : `${String(field(prefix, 'addr'))}/${String(field(prefix, 'len'))}`;
    const parsed = parsePrefix(text);
    if (parsed) return [parsed];
    return fromRange(field(member, 'range'));
  });
}

/** The fewest prefixes that make up [first, last]. */
function fromRange(range: unknown): Prefix[] {
  const [first, last] = strings(range).map((text) => parsePrefix(text));
  if (!first || !last) return [];
  const { family, length: bits } = first;
  const prefixes: Prefix[] = [];
  for (let at = first.value; at <= last.value;) {
    let host = 0;
    while (host < bits && (at >> BigInt(host)) % 2n === 0n && at + (1n << BigInt(host + 1)) - 1n <= last.value) host++;
    prefixes.push({ family, value: at, length: bits - host });
    at += 1n << BigInt(host);
  }
  return prefixes;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? (value as unknown[]).filter((member) => typeof member === 'string') : [];
}

function first(value: unknown): unknown {
  return Array.isArray(value) ? (value as unknown[])[0] : undefined;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

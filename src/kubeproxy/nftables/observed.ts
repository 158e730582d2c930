/**
 * What a node's own listing betrays that the API's objects don't say: ServiceCIDRs, which kube-proxy reads whenever it writes the whole
 * table and which a recording need not hold; the addresses of its interfaces that accept node ports; a sysctl.
 */
import type { Dump } from '../../kubernetes/source.ts';
import { bitsOf, formatAddress, parsePrefix, type Prefix } from '../../netfilter/address.ts';
import type { Element, Expression, NamedSet, Rule, Table } from '../../netfilter/nftables/ruleset.ts';
import { readNft } from '../../netfilter/nftables/tables.ts';
import type { Held } from './claims.ts';
import { TABLE } from './listing.ts';
import type { NftFamily } from './objects.ts';

export interface Observed {
  readonly serviceCIDRs: readonly Prefix[];
  /** The elements of nodeport-ips; none where there is no such set. */
  readonly nodePortIPs: readonly string[];
  /** 1.29 leaves `ct state invalid drop` out of chain forward where the sysctl was set when it started. */
  readonly tcpBeLiberal: boolean;
  /**
   * Service ports' chains without a rule. kube-proxy empties what it needs no longer, and deletes it when it next writes, a second
   * later or an hour: kernels before 6.2 refuse it sooner.
   */
  readonly emptied: readonly string[];
  /** What a map to verdicts holds at a key such as "192.0.2.24 . tcp . 80". */
  readonly held: (container: string, id: string) => Held | undefined;
}

/** A dump is read once; what it betrays is small. */
const known = new WeakMap<Dump, ReadonlyMap<NftFamily, Observed>>();

/** By family: a listing as JSON or as text. A family whose table is not there, or was not read, is left out. */
export function observe(dumps: readonly Dump[]): ReadonlyMap<NftFamily, Observed> {
  const named = (name: Dump['name']) => dumps.find((dump) => dump.name === name && dump.text !== '');
  const dump = named('nft.json') ?? named('nft.txt');
  if (!dump) return new Map();
  const earlier = known.get(dump);
  if (earlier) return earlier;
  const found = new Map<NftFamily, Observed>();
  const { tables, complete } = readNft(dump.text, dump.name);
  for (const table of tables)
    if (table.name === TABLE && (table.family === 'ip' || table.family === 'ip6'))
      found.set(table.family, { ...look(table), ...(!complete && { emptied: [] }) });
  known.set(dump, found);
  return found;
}

function look({ sets, chains }: Table): Observed {
  const rules = (name: string): readonly Rule[] => chains.find((chain) => chain.name === name)?.rules ?? [];
  const nodePorts = sets.find((set) => set.name === 'nodeport-ips')?.elements ?? [];
  return {
    serviceCIDRs: rules('cluster-ips-check')
      // The only one that drops; its comment may have been stripped.
      .filter(({ statements }) => statements.some((each) => each.kind === 'verdict' && each.name === 'drop'))
      .flatMap(({ statements: [first] }) => (first?.kind === 'match' ? prefixes(first.right) : [])),
    nodePortIPs: nodePorts.flatMap(({ key }) => prefixes(key)).map(formatAddress),
    tcpBeLiberal: chains.some((chain) => chain.name === 'forward') && rules('forward').length === 0,
    emptied: chains.filter(({ name, rules }) => name.includes('/') && rules.length === 0).map(({ name }) => name),
    held: holding(sets),
  };
}

/** Read at once, so that the listing itself need not be kept. */
function holding(sets: readonly NamedSet[]): Observed['held'] {
  const maps = new Map<string, ReadonlyMap<string, Held>>();
  for (const { kind, name, elements } of sets)
    if (kind === 'map')
      maps.set(
        name,
        new Map(elements.map((each) => [keyText(each.key), { verdict: verdict(each), comment: each.comment }])),
      );
  return (container, id) => maps.get(container)?.get(id);
}

function keyText(key: Expression): string {
  if (key.kind === 'concat') return key.parts.map(keyText).join(' . ');
  return key.kind === 'text' || key.kind === 'number' ? String(key.value) : '';
}

function verdict({ data }: Element): string {
  if (data?.kind !== 'verdict') return '';
  return 'chain' in data ? `${data.name} ${data.chain}` : data.name;
}

/** What an address, a prefix, a range or a set of them covers. nft lists prefixes that adjoin as one prefix or a range. */
function prefixes(expression: Expression): Prefix[] {
  switch (expression.kind) {
    case 'text':
      return one(expression.value);
    case 'prefix':
      return one(`${expression.address}/${expression.length}`);
    case 'range': {
      const [first] = prefixes(expression.low);
      const [last] = prefixes(expression.high);
      return first && last ? cover(first, last) : [];
    }
    case 'set':
      return expression.elements.flatMap(({ key }) => prefixes(key));
    default:
      return [];
  }
}

/** The fewest prefixes that make up the range of addresses. */
function cover(first: Prefix, last: Prefix): Prefix[] {
  const { family } = first;
  const covering: Prefix[] = [];
  for (let value = first.value; value <= last.value;) {
    let host = 0;
    const fits = (bits: number) =>
      value % (1n << BigInt(bits)) === 0n && value + (1n << BigInt(bits)) - 1n <= last.value;
    while (host < bitsOf(family) && fits(host + 1)) host++;
    covering.push({ family, value, length: bitsOf(family) - host });
    value += 1n << BigInt(host);
  }
  return covering;
}

function one(text: string): Prefix[] {
  const prefix = parsePrefix(text);
  return prefix ? [prefix] : [];
}

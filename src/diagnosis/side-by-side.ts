/**
 * What a node should hold and what it holds, as two texts in the same order, so that a diff of the two shows what differs and
 * nothing else: of one Service, or of all that is kube-proxy's.
 */
import { expectedRules, nodeProxy, type ExpectedRules } from '../kubeproxy/expected.ts';
import { keyOf } from '../kubernetes/objects.ts';
import type { ProxiedPort } from '../kubeproxy/services.ts';
import { PortIndex, portsAbout, ruleLabel } from './attribution.ts';
import { canonicalRule, linesOf, targetOf } from './blocks.ts';
import type { Entry, Slice } from './compare.ts';
import { unseenObjects, type NodeSubject } from './drift.ts';
import { isBuiltIn, jumpsOf } from './iptables-differences.ts';
import { expectedTables, portOfLine } from './iptables-expected.ts';
import { nftListing } from './nft-listing.ts';
import { nftWords } from './nft-words.ts';
import { actualTable } from './nftables-actual.ts';
import { expectedSlices } from './nftables-expected.ts';
import { isDispatch, isOfAPort, isOwned, isShared, portHashOf } from './owned.ts';
import { savedTables } from './surroundings.ts';

export interface Sides {
  readonly expected: string;
  readonly actual: string;
}

/** A chain, set or map on both sides. */
interface Pair {
  readonly table: string;
  readonly name: string;
  readonly ordered: boolean;
  readonly expected: readonly string[];
  readonly actual: readonly string[];
}

/** @param service "namespace/name"; undefined: everything of kube-proxy. undefined is returned where nothing can be compared. */
export function sideBySide(subject: NodeSubject, service?: string): Sides | undefined {
  const { objects, capture } = subject;
  if (unseenObjects(objects) !== undefined) return undefined;
  const rules = expectedRules(objects, nodeProxy(objects, capture.node, capture.dumps), capture.dumps);
  if (rules.mode !== 'iptables' && rules.mode !== 'nftables') return undefined;
  const pairsOf = rules.mode === 'iptables' ? iptablesPairs : nftablesPairs;
  const pairs = ([4, 6] as const).map((family) => ({ family, pairs: pairsOf(subject, rules, family, service) }));
  const side = (name: 'expected' | 'actual'): string =>
    pairs
      .filter((each) => each.pairs.length > 0)
      .map((each) => `# IPv${each.family}\n${each.pairs.map((pair) => section(pair, name)).join('')}`)
      .join('\n');
  return { expected: side('expected'), actual: side('actual') };
}

function section(pair: Pair, name: 'expected' | 'actual'): string {
  if (pair[name].length === 0) return '';
  return `\n# ${pair.table} ${pair.name}\n${pair[name].map((line) => `${line}\n`).join('')}`;
}

function iptablesPairs(
  { capture }: NodeSubject,
  rules: ExpectedRules,
  family: 4 | 6,
  service: string | undefined,
): readonly Pair[] {
  if (rules.mode !== 'iptables') return [];
  const main = savedTables(capture.dumps, family)[0];
  if (!main) return [];
  const { ports } = rules.families[family];
  const index = new PortIndex(ports.map(({ port, selection }) => ({ port, endpoints: selection.reachable })));
  const isMine = (port: ProxiedPort | undefined): boolean => port !== undefined && keyOf(port.service) === service;
  const isAbout = (rule: string): boolean =>
    portsAbout({ text: rule, canonical: rule }, index).some(isMine) || ruleLabel(rule)?.split(':')[0] === service;
  const hashes = new Set(
    ports
      .filter((each) => isMine(each.port))
      .flatMap((each) => each.lines.chains.flatMap((chain) => portHashOf(chain) ?? [])),
  );
  const pairs: Pair[] = [];
  for (const table of ['filter', 'nat'] as const) {
    const expected = expectedTables(rules.families[family]).all().get(table);
    const blocks = main.blocks.tables.get(table)?.blocks;
    const led = new Set<string>();
    const linesIn = (chain: string): readonly string[] =>
      linesOf(main.blocks, blocks?.get(chain)).map((line) => line.text);
    const names = new Set([...(expected?.keys() ?? []), ...(blocks?.keys() ?? [])]);
    for (const chain of [...names].sort(byKind)) {
      const own = expected?.get(chain);
      const inPart = service === undefined || own?.port === undefined;
      if (!isOwned(chain) && !isShared(chain) && !isBuiltIn(chain)) continue;
      let left = own?.lines ?? [];
      let right = linesIn(chain);
      if (isBuiltIn(chain)) [left, right] = [jumpsOf(left), jumpsOf(right)];
      if (service !== undefined) {
        if (isOfAPort(chain)) {
          const hash = portHashOf(chain);
          const mine = isMine(own?.port) || led.has(chain) || (hash !== undefined && hashes.has(hash));
          if (!mine) continue;
        } else if (inPart) {
          left = left.filter((_, i) => own !== undefined && isMine(portOfLine(own, i)));
          right = right.filter(isAbout);
        }
        for (const rule of right) led.add(targetOf(rule) ?? '');
      }
      if (left.length + right.length > 0)
        pairs.push(
          aligned(
            { table, name: chain, ordered: !isDispatch(table, chain), expected: left, actual: right },
            canonicalRule,
          ),
        );
    }
  }
  return pairs;
}

/** Chains that lead before those that are led to: built-in ones, kube-proxy's own, the Services', the endpoints'. */
function byKind(a: string, b: string): number {
  const kind = (chain: string): number =>
    isBuiltIn(chain) ? 0 : !isOfAPort(chain) ? 1 : chain.startsWith('KUBE-SEP-') ? 3 : 2;
  return kind(a) - kind(b) || (a < b ? -1 : a > b ? 1 : 0);
}

function nftablesPairs(
  { capture }: NodeSubject,
  rules: ExpectedRules,
  family: 4 | 6,
  service: string | undefined,
): readonly Pair[] {
  if (rules.mode !== 'nftables') return [];
  const name = family === 4 ? 'ip' : 'ip6';
  const table = rules.tables.tables.find((each) => each.settings.family === name);
  const listing = nftListing(capture.dumps);
  if (!table || !listing) return [];
  const index = new PortIndex(table.ports);
  const isMine = (port: ProxiedPort): boolean => keyOf(port.service) === service;
  // An endpoint of several Services (hairpin-connections) is everybody's, whoever brought it.
  const mine = (entry: Entry): boolean => portsAbout(entry, index).some(isMine);
  const part = (slice: Slice | undefined): readonly string[] => {
    const all = slice?.entries ?? [];
    const whole = service === undefined || slice?.name.includes(`-${service}/`);
    return (whole ? all : all.filter(mine)).map((entry) => nftWords(entry.canonical, name));
  };
  const { chains, containers } = actualTable(name, listing);
  const left = expectedSlices(table);
  const right = new Map<string, Slice>([...[...containers].map(([key, make]) => [key, make()] as const), ...chains]);
  return [...new Set([...left.keys(), ...right.keys()])].flatMap((key): Pair[] => {
    if (service !== undefined && key.includes('/') && !key.includes(`-${service}/`)) return [];
    const slice = (left.get(key) ?? right.get(key))!;
    const pair = { expected: part(left.get(key)), actual: part(right.get(key)) };
    if (pair.expected.length + pair.actual.length === 0) return [];
    return [
      aligned({ table: slice.table, name: `${slice.kind} ${key}`, ordered: slice.ordered, ...pair }, (line) => line),
    ];
  });
}

/** Where the order has no meaning both sides have the expected one, and what only the node has stands behind. */
function aligned(pair: Pair, canonical: (line: string) => string): Pair {
  if (pair.ordered) return pair;
  const left = new Map<string, string[]>();
  for (const line of pair.actual) {
    const key = canonical(line);
    const same = left.get(key);
    if (same) same.push(line);
    else left.set(key, [line]);
  }
  const known: string[] = [];
  for (const line of pair.expected) {
    const found = left.get(canonical(line))?.shift();
    if (found !== undefined) known.push(found);
  }
  return { ...pair, actual: [...known, ...[...left.values()].flat().sort()] };
}

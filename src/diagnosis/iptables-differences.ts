/**
 * A node's iptables-save against the expected one: which chains differ, and the expected rules in the node's own
 * surroundings (everybody else's chains and rules, policies, the order of jumps), so that both can be traced alike.
 */
import { canonicalRule, linesOf, readBlocks, targetOf } from './blocks.ts';
import type { Block, Blocks, Line, TableBlocks } from './blocks.ts';
import { compareSlices } from './compare.ts';
import type { Slice, SliceDifference } from './compare.ts';
import { leadsOn, type Met } from './excerpt.ts';
import { inOrderOf, isFree, misplaced } from './dispatch-order.ts';
import { chainsOf, NO_TABLES, portOfLine } from './iptables-expected.ts';
import type { ExpectedChain, ExpectedTables, PortChains } from './iptables-expected.ts';
import { isDispatch, isOwned, isShared } from './owned.ts';
import { destinationsOf, sharedChains } from './shared-chains.ts';

const BUILT_IN = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']);

export function isBuiltIn(chain: string): boolean {
  return BUILT_IN.has(chain);
}

export function iptablesDifferences(expected: ExpectedTables, actual: Blocks): readonly SliceDifference[] {
  const found: SliceDifference[] = [];
  for (const [table, chains] of expected.shared)
    for (const chain of chains.values()) {
      const difference = chainDifference(table, chain, actual);
      if (difference) found.push(difference);
    }
  for (const port of expected.ports) found.push(...ownDifferences(port, actual));
  // Chains that are not expected are left for lazy cleanup, or are a deleted Service's. Where anything leads there, that rule is a
  // difference of its own chain, and a trace follows it. Others' chains, in the middle of kube-proxy's or not, are theirs.
  for (const [table, { blocks }] of actual.tables)
    for (const block of blocks.values()) {
      if (!isBuiltIn(block.chain) || expected.shared.get(table)?.has(block.chain)) continue;
      const difference = compareSlices(undefined, jumpSlice(actualSlice(table, actual, block)));
      if (difference) found.push(difference);
    }
  return found;
}

const compared = new WeakMap<Blocks, WeakMap<PortChains, readonly SliceDifference[]>>();

/** In a port's own chains. Kept: after a change only the ports that it touches are compared again. */
function ownDifferences(port: PortChains, actual: Blocks): readonly SliceDifference[] {
  let known = compared.get(actual);
  if (!known) compared.set(actual, (known = new WeakMap()));
  let found = known.get(port);
  if (!found) known.set(port, (found = port.own.flatMap((chain) => chainDifference('nat', chain, actual) ?? [])));
  return found;
}

function chainDifference(table: string, expected: ExpectedChain, actual: Blocks): SliceDifference | undefined {
  const { chain } = expected;
  const block = actual.tables.get(table)?.blocks.get(chain);
  if (block ? sameAs(expected, actual, block) : expected.lines.length === 0) return undefined;
  if (block && isDispatch(table, chain) && sameLines(expected, actual, block)) return undefined;
  const left = expectedSlice(table, expected);
  const right = block && actualSlice(table, actual, block);
  if (isBuiltIn(chain)) {
    const difference = compareSlices(jumpSlice(left), right && jumpSlice(right));
    // Where a jump stands among others' rules is not kube-proxy's to decide, and it never moves one.
    return difference && { ...difference, moved: [] };
  }
  const difference = compareSlices(left, right);
  if (isShared(chain))
    return difference && difference.missing.length > 0 ? { ...difference, extra: [], moved: [] } : undefined;
  if (difference || !right || !isDispatch(table, chain)) return difference;
  const moved = misplaced(left.entries, right.entries);
  if (moved.length === 0) return undefined;
  return { table, name: chain, kind: 'chain', port: left.port, missing: [], extra: [], moved };
}

interface Counted {
  readonly counts: ReadonlyMap<string, number>;
  readonly total: number;
  /** Nothing depends on the order: no two rules for one destination, and the node ports last. */
  readonly free: boolean;
}

const counted = new WeakMap<Block, Counted>();

/** The same lines in whatever order, where the order means nothing: a chain of ten thousand Services without looking into a rule. */
function sameLines(expected: ExpectedChain, actual: Blocks, block: Block): boolean {
  let known = counted.get(block);
  if (!known) {
    const lines = linesOf(actual, block).map((line) => line.text);
    const counts = new Map<string, number>();
    for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
    counted.set(block, (known = { counts, total: lines.length, free: isFree(lines) }));
  }
  const { counts, total, free } = known;
  if (!free || total !== expected.lines.length) return false;
  const repeated = counts.size < total;
  if (!repeated) return expected.lines.every((line) => counts.has(line)) && new Set(expected.lines).size === total;
  return false;
}

/** The very same text. Chains that differ in it may still mean the same: their comments differ, or the order where it has no meaning. */
function sameAs({ lines }: ExpectedChain, actual: Blocks, { pieces }: Block): boolean {
  if (pieces.length === 0) return lines.length === 0;
  if (pieces.length !== 1 || lines.length === 0) return false;
  const { start, end } = pieces[0]!;
  let at = start;
  for (const line of lines) {
    if (at + line.length > end || !actual.text.startsWith(line, at)) return false;
    at += line.length;
    if (at < actual.text.length && actual.text.charCodeAt(at) !== 0x0a) return false;
    at++;
  }
  return at >= end;
}

function expectedSlice(table: string, expected: ExpectedChain): Slice {
  const { chain, lines, port } = expected;
  const entries = lines.map((text, i) => ({ text, canonical: canonicalRule(text), port: portOfLine(expected, i) }));
  return { table, name: chain, kind: 'chain', ordered: !isDispatch(table, chain), entries, port };
}

function actualSlice(table: string, actual: Blocks, block: Block): Slice {
  const entries = linesOf(actual, block).map((line) => ({ ...line, canonical: canonicalRule(line.text) }));
  return { table, name: block.chain, kind: 'chain', ordered: !isDispatch(table, block.chain), entries };
}

/** Of a built-in chain's rules: those that jump to kube-proxy's chains. */
export function jumpsOf(rules: readonly string[]): readonly string[] {
  return rules.filter(isJumpOfKubeProxy);
}

function jumpSlice(slice: Slice): Slice {
  return { ...slice, ordered: false, entries: slice.entries.filter((entry) => isJumpOfKubeProxy(entry.text)) };
}

function isJumpOfKubeProxy(rule: string): boolean {
  const target = targetOf(rule);
  return target !== undefined && isOwned(target);
}

/**
 * The node's text with kube-proxy's part replaced by what is expected. Chains of others stay, with their rules; so do the built-in
 * chains' policies, and the order of the jumps in them as far as they are there. A missing jump comes first, where kube-proxy
 * would insert it.
 *
 * @param met the chains of Services that are enough; without it all
 */
export function inSurroundings(expected: ExpectedTables, actual: Blocks, met?: Met): string {
  const all = chainsOf(expected, met);
  return [...new Set([...actual.tables.keys(), ...all.keys()])]
    .map((name) => mergedTable(all.get(name), actual, actual.tables.get(name), name, met))
    .join('');
}

/** The node's text without anything of kube-proxy: what the other backend's rules are without its leftovers. */
export function withoutKubeProxy(actual: Blocks): string {
  return inSurroundings(NO_TABLES, actual);
}

function mergedTable(
  left: ReadonlyMap<string, ExpectedChain> | undefined,
  actual: Blocks,
  right: TableBlocks | undefined,
  name: string,
  met: Met | undefined,
): string {
  const chains = new Map<string, { policy: string; rules: readonly string[] }>();
  const shared = right ? sharedChains(actual, right) : undefined;
  for (const [chain, { block, lines }] of shared ?? []) {
    if (isOwned(chain)) continue;
    const wanted = left?.get(chain)?.lines ?? [];
    const policy = block.policy ?? '-';
    if (isBuiltIn(chain)) chains.set(chain, { policy, rules: mergedJumps(wanted, lines) });
    else chains.set(chain, { policy, rules: mergedShared(isShared(chain) ? wanted : [], lines) });
  }
  for (const [chain, { lines }] of left ?? []) {
    if (chains.has(chain)) continue;
    const policy = isBuiltIn(chain) ? 'ACCEPT' : '-';
    const wanted = met ? lines.filter((rule) => leadsOn(targetOf(rule), met)) : lines;
    const own = isDispatch(name, chain) ? shared?.get(chain) : undefined;
    chains.set(chain, { policy, rules: own ? inOrderOf(destinationsOf(own), wanted) : wanted });
  }
  const declarations = [...chains].map(([chain, { policy }]) => `:${chain} ${policy} [0:0]\n`);
  const rules = [...chains.values()].flatMap((chain) => chain.rules.map((rule) => `${rule}\n`));
  return `*${name}\n${declarations.join('')}${rules.join('')}COMMIT\n`;
}

function mergedJumps(wanted: readonly string[], lines: readonly Line[]): readonly string[] {
  const left = new Map(wanted.map((rule) => [canonicalRule(rule), rule]));
  const kept: string[] = [];
  for (const { text } of lines) {
    const key = canonicalRule(text);
    const target = targetOf(text);
    if (target === undefined || !(isOwned(target) || (isShared(target) && left.has(key)))) kept.push(text);
    else if (left.delete(key)) kept.push(text);
  }
  return [...left.values(), ...kept];
}

function mergedShared(wanted: readonly string[], lines: readonly Line[]): readonly string[] {
  const has = new Set(lines.map((line) => canonicalRule(line.text)));
  return [...wanted.filter((rule) => !has.has(canonicalRule(rule))), ...lines.map((line) => line.text)];
}

/**
 * A cut-off text made whole with what is expected, so that what was cut off is neither called missing nor traced as missing. iptables-save
 * declares all chains of a table before it prints rules, chain by chain in that order: the last chain that has rules may lack
 * some, and of those behind it nothing is known.
 */
export function completed(expected: ExpectedTables, actual: Blocks): Blocks {
  const parts: string[] = [];
  const all = expected.all();
  for (const name of new Set([...actual.tables.keys(), ...all.keys()])) {
    const left = all.get(name);
    const right = actual.tables.get(name);
    const known = right ? knownChains(right) : new Set<string>();
    const rules = new Map<string, readonly string[]>();
    for (const chain of new Set([...declared(right), ...(left?.keys() ?? [])])) {
      // The last line may be half a rule.
      const has = linesOf(actual, right?.blocks.get(chain)).map((line) => line.text);
      const wanted = left?.get(chain)?.lines ?? [];
      if (known.has(chain)) rules.set(chain, has);
      else if (isBuiltIn(chain) || !left?.has(chain))
        rules.set(chain, [...has, ...wanted.filter((rule) => !has.includes(rule))]);
      else rules.set(chain, wanted);
    }
    parts.push(`*${name}\n`);
    for (const chain of rules.keys())
      parts.push(`:${chain} ${right?.blocks.get(chain)?.policy ?? (isBuiltIn(chain) ? 'ACCEPT' : '-')} [0:0]\n`);
    for (const list of rules.values()) parts.push(...list.map((rule) => `${rule}\n`));
    parts.push('COMMIT\n');
  }
  return readBlocks(parts.join(''));
}

function declared(table: TableBlocks | undefined): readonly string[] {
  return [...(table?.blocks.values() ?? [])].filter((block) => block.policy !== undefined).map((block) => block.chain);
}

/** Those whose rules are all there. A chain that is not declared is the half of a name at the very end. */
function knownChains(table: TableBlocks): Set<string> {
  const chains = [...table.blocks.values()].filter((block) => block.policy !== undefined);
  if (table.committed) return new Set(chains.map((block) => block.chain));
  const last = chains.findLastIndex((block) => block.pieces.length > 0);
  // Where a next chain has begun, the one before is whole; of the last one that has rules that is not known.
  return new Set(chains.slice(0, Math.max(0, last)).map((block) => block.chain));
}

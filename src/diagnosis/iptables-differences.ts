/**
 * A node's iptables-save against the expected one: which chains differ, and the expected rules in the node's own
 * surroundings (everybody else's chains and rules, policies, the order of jumps), so that both can be traced alike.
 */
import { canonicalRule, linesOf, readBlocks, sameText, targetOf } from './blocks.ts';
import type { Block, Blocks, Line, TableBlocks } from './blocks.ts';
import { compareSlices } from './compare.ts';
import type { Entry, Slice, SliceDifference } from './compare.ts';
import { isDispatch, isOwned, isShared } from './owned.ts';

const BUILT_IN = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']);

export function iptablesDifferences(expected: Blocks, actual: Blocks): readonly SliceDifference[] {
  const found: SliceDifference[] = [];
  for (const table of new Set([...expected.tables.keys(), ...actual.tables.keys()])) {
    const left = expected.tables.get(table);
    const right = actual.tables.get(table);
    for (const chain of new Set([...(left?.blocks.keys() ?? []), ...(right?.blocks.keys() ?? [])])) {
      const blockE = left?.blocks.get(chain);
      const blockA = right?.blocks.get(chain);
      if (BUILT_IN.has(chain)) {
        const difference = compareSlices(jumps(table, expected, blockE), jumps(table, actual, blockA));
        // Where a jump stands among others' rules is not kube-proxy's to decide, and it never moves one.
        if (difference && difference.missing.length + difference.extra.length > 0)
          found.push({ ...difference, reordered: false });
        continue;
      }
      if (isShared(chain)) {
        const difference = blockE && compareSlices(slice(table, expected, blockE), slice(table, actual, blockA));
        if (difference && difference.missing.length > 0) found.push({ ...difference, extra: [], reordered: false });
        continue;
      }
      if (!isOwned(chain)) continue;
      // Chains that nothing expected refers to are left for lazy cleanup, or are a deleted Service's. If anything leads
      // there, then that rule is a difference, and a trace follows it.
      if (!blockE) continue;
      if (blockA && sameText(expected, blockE, actual, blockA)) continue;
      const difference = compareSlices(slice(table, expected, blockE), slice(table, actual, blockA));
      if (difference) found.push(difference);
      else if (table === 'nat' && chain === 'KUBE-SERVICES' && !nodePortsLast(actual, blockA)) {
        const both = { expected: slice(table, expected, blockE), actual: slice(table, actual, blockA) };
        found.push({ table, name: chain, kind: 'chain', ...both, missing: [], extra: [], reordered: true });
      }
    }
  }
  return found;
}

export function entryOf(line: Line): Entry {
  return { ...line, canonical: canonicalRule(line.text) };
}

function slice(table: string, blocks: Blocks, block: Block): Slice;
function slice(table: string, blocks: Blocks, block: Block | undefined): Slice | undefined;
function slice(table: string, blocks: Blocks, block: Block | undefined): Slice | undefined {
  if (!block) return undefined;
  return {
    table,
    name: block.chain,
    kind: 'chain',
    ordered: !isDispatch(table, block.chain),
    entries: linesOf(blocks, block).map(entryOf),
  };
}

/** A built-in chain's jumps to kube-proxy's chains: each once, since a second one to the same chain is seldom of any effect. */
function jumps(table: string, blocks: Blocks, block: Block | undefined): Slice | undefined {
  if (!block) return undefined;
  const entries = linesOf(blocks, block)
    .map(entryOf)
    .filter(({ text }) => isJumpOfKubeProxy(text));
  return { table, name: block.chain, kind: 'chain', ordered: false, entries };
}

function isJumpOfKubeProxy(rule: string): boolean {
  const target = targetOf(rule);
  return target !== undefined && isOwned(target);
}

function isNodePortJump(rule: string): boolean {
  return targetOf(rule) === 'KUBE-NODEPORTS';
}

function nodePortsLast(blocks: Blocks, block: Block | undefined): boolean {
  const lines = linesOf(blocks, block);
  const first = lines.findIndex((line) => isNodePortJump(line.text));
  return first < 0 || lines.slice(first).every((line) => isNodePortJump(line.text));
}

/**
 * The node's text with kube-proxy's part replaced by what is expected. Chains of others stay, with their rules; so do the built-in
 * chains' policies, and the order of the jumps in them as far as they are there. A missing jump comes first, where kube-proxy
 * would insert it.
 */
export function inSurroundings(expected: Blocks, actual: Blocks): string {
  return [...new Set([...actual.tables.keys(), ...expected.tables.keys()])]
    .map((name) => mergedTable(expected, expected.tables.get(name), actual, actual.tables.get(name), name))
    .join('');
}

/** The node's text without anything of kube-proxy: what the other backend's rules are without its leftovers. */
export function withoutKubeProxy(actual: Blocks): string {
  return inSurroundings({ text: '', tables: new Map() }, actual);
}

function mergedTable(
  expected: Blocks,
  left: TableBlocks | undefined,
  actual: Blocks,
  right: TableBlocks | undefined,
  name: string,
): string {
  const chains = new Map<string, { policy: string; rules: readonly string[] }>();
  for (const [chain, block] of right?.blocks ?? []) {
    if (isOwned(chain)) continue;
    const lines = linesOf(actual, block);
    const blockE = left?.blocks.get(chain);
    const wanted = blockE ? linesOf(expected, blockE).map((line) => line.text) : [];
    const policy = block.policy ?? '-';
    if (BUILT_IN.has(chain)) chains.set(chain, { policy, rules: mergedJumps(wanted, lines) });
    else chains.set(chain, { policy, rules: mergedShared(isShared(chain) ? wanted : [], lines) });
  }
  for (const [chain, block] of left?.blocks ?? []) {
    if (chains.has(chain)) continue;
    const policy = block.policy ?? '-';
    const wanted = linesOf(expected, block).map((line) => line.text);
    const blockA = right?.blocks.get(chain);
    const rules = blockA && isDispatch(name, chain) ? inOrderOf(linesOf(actual, blockA), wanted) : wanted;
    chains.set(chain, { policy, rules });
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

/** The expected rules in the order in which the node has them, what it has not behind them, the node ports last. */
function inOrderOf(lines: readonly Line[], wanted: readonly string[]): readonly string[] {
  const left = new Map<string, string[]>();
  for (const rule of wanted) {
    const key = canonicalRule(rule);
    const same = left.get(key);
    if (same) same.push(rule);
    else left.set(key, [rule]);
  }
  const ordered: string[] = [];
  for (const line of lines) {
    const rule = left.get(canonicalRule(line.text))?.shift();
    if (rule !== undefined) ordered.push(rule);
  }
  ordered.push(...[...left.values()].flat());
  return [...ordered.filter((rule) => !isNodePortJump(rule)), ...ordered.filter(isNodePortJump)];
}

/**
 * A cut-off text made whole with what is expected, so that what was cut off is neither called missing nor traced as missing. iptables-save
 * declares all chains of a table before it prints rules, chain by chain in that order: the last chain that has rules may lack
 * some, and of those behind it nothing is known.
 */
export function completed(expected: Blocks, actual: Blocks): Blocks {
  const parts: string[] = [];
  for (const name of new Set([...actual.tables.keys(), ...expected.tables.keys()])) {
    const left = expected.tables.get(name);
    const right = actual.tables.get(name);
    const known = right ? knownChains(right) : new Set<string>();
    const chains = new Map<string, { policy: string; rules: readonly string[] }>();
    for (const [chain, block] of [...(right?.blocks ?? []), ...(left?.blocks ?? [])]) {
      if (chains.has(chain)) continue;
      const policy = (right?.blocks.get(chain) ?? block).policy ?? '-';
      const blockA = right?.blocks.get(chain);
      const rulesA = linesOf(actual, blockA).map((line) => line.text);
      const rulesE = linesOf(expected, left?.blocks.get(chain)).map((line) => line.text);
      const has = new Set(rulesA);
      const rules = known.has(chain) ? rulesA : [...rulesA, ...rulesE.filter((rule) => !has.has(rule))];
      chains.set(chain, { policy, rules: rules.filter((rule) => rule.startsWith(`-A ${chain} `)) });
    }
    parts.push(`*${name}\n`);
    for (const [chain, { policy }] of chains) parts.push(`:${chain} ${policy} [0:0]\n`);
    for (const { rules } of chains.values()) parts.push(...rules.map((rule) => `${rule}\n`));
    parts.push('COMMIT\n');
  }
  return readBlocks(parts.join(''));
}

function knownChains(table: TableBlocks): Set<string> {
  const chains = [...table.blocks.values()];
  if (table.committed) return new Set(chains.map((block) => block.chain));
  const last = chains.findLastIndex((block) => block.pieces.length > 0);
  return new Set(chains.slice(0, Math.max(0, last)).map((block) => block.chain));
}

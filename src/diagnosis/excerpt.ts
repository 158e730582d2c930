/**
 * Which of the Services' chains a packet can meet that tells what some differences mean. The others are the same on both sides, so that they
 * need not be read to follow it: of ten thousand Services, ten may differ.
 */
import { attribute, type PortIndex } from './attribution.ts';
import { linesOf, targetOf, type Blocks } from './blocks.ts';
import type { SliceDifference } from './compare.ts';
import type { ExpectedTables } from './iptables-expected.ts';
import { isOfAPort } from './owned.ts';

export type IsMet = (chain: string) => boolean;

/** undefined where rules that all Services share differ: then every chain may be met. */
export function metChains(
  differences: readonly SliceDifference[],
  expected: ExpectedTables,
  actual: Blocks,
  index: PortIndex,
): IsMet | undefined {
  const touched = attribute(differences, index);
  if (touched.common.length > 0) return undefined;
  const blocks = actual.tables.get('nat')?.blocks;
  const own = new Map(expected.ports.map((port) => [port.port, port.own]));
  const lines = new Map<string, readonly string[]>();
  const met = new Set<string>();
  const queue: string[] = [];
  const meet = (chain: string | undefined): void => {
    if (chain === undefined || !isOfAPort(chain) || met.has(chain)) return;
    met.add(chain);
    queue.push(chain);
  };
  for (const port of touched.ports.keys())
    for (const chain of own.get(port) ?? []) {
      lines.set(chain.chain, chain.lines);
      meet(chain.chain);
    }
  for (const { name, missing, extra, moved } of differences) {
    meet(name);
    for (const { text } of [...missing, ...extra, ...moved]) meet(targetOf(text));
  }
  let all: ReturnType<ExpectedTables['all']> | undefined;
  for (let chain = queue.pop(); chain !== undefined; chain = queue.pop()) {
    const wanted = lines.get(chain) ?? (all ??= expected.all()).get('nat')?.get(chain)?.lines ?? [];
    for (const line of wanted) meet(targetOf(line));
    for (const line of linesOf(actual, blocks?.get(chain))) meet(targetOf(line.text));
  }
  return (chain) => !isOfAPort(chain) || met.has(chain);
}

/** A table's text with the chains alone that are met, and without the rules that lead to others. */
export function excerpt(actual: Blocks, isMet: IsMet): string {
  return [...actual.tables]
    .map(([name, { blocks }]) => {
      const chains = [...blocks.values()].filter((block) => isMet(block.chain));
      const declarations = chains.map(({ chain, policy }) => `:${chain} ${policy ?? '-'} [0:0]\n`);
      const rules = chains.flatMap((block) =>
        met(
          linesOf(actual, block).map((line) => line.text),
          isMet,
        ),
      );
      return `*${name}\n${declarations.join('')}${rules.map((rule) => `${rule}\n`).join('')}COMMIT\n`;
    })
    .join('');
}

/** The rules that lead to no chain, or to one that is met. */
export function met(rules: readonly string[], isMet: IsMet): readonly string[] {
  return rules.filter((rule) => {
    const target = targetOf(rule);
    return target === undefined || isMet(target);
  });
}

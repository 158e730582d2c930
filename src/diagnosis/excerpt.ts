/**
 * Which of the Services' chains a packet can meet that tells what some differences mean. The others are the same on both sides, so that they
 * need not be read to follow it: of ten thousand Services, ten may differ.
 */
import type { Touched } from './attribution.ts';
import { linesOf, targetOf, type Blocks } from './blocks.ts';
import type { SliceDifference } from './compare.ts';
import type { ExpectedTables } from './iptables-expected.ts';
import { isOfAPort } from './owned.ts';
import { sharedChains } from './shared-chains.ts';

/** The Service ports' and endpoints' chains that may be met. */
export type Met = ReadonlySet<string>;

/** undefined where rules that all Services share differ: then every chain may be met. */
export function metChains(
  differences: readonly SliceDifference[],
  touched: Touched,
  expected: ExpectedTables,
  actual: Blocks,
): Met | undefined {
  if (touched.common.length > 0) return undefined;
  const blocks = actual.tables.get('nat')?.blocks;
  const lines = new Map<string, readonly string[]>();
  const met = new Set<string>();
  const queue: string[] = [];
  const meet = (chain: string | undefined): void => {
    if (chain === undefined || !isOfAPort(chain) || met.has(chain)) return;
    met.add(chain);
    queue.push(chain);
  };
  for (const { port, own } of expected.ports)
    if (touched.ports.has(port))
      for (const chain of own) {
        lines.set(chain.chain, chain.lines);
        meet(chain.chain);
      }
  for (const { name, missing, extra, moved } of differences) {
    meet(name);
    for (const { text } of [...missing, ...extra, ...moved]) meet(targetOf(text));
  }
  // Round by round: what is met, and is of no port that was touched, is looked for among all of them at once.
  while (queue.length > 0) {
    const round = queue.splice(0);
    const others = new Set(round.filter((chain) => !lines.has(chain)));
    if (others.size > 0)
      for (const port of expected.ports)
        for (const chain of port.own) if (others.has(chain.chain)) lines.set(chain.chain, chain.lines);
    for (const chain of round) {
      for (const line of lines.get(chain) ?? []) meet(targetOf(line));
      for (const line of linesOf(actual, blocks?.get(chain))) meet(targetOf(line.text));
    }
  }
  return met;
}

/** A table's text with the chains alone that are met, and without the rules that lead to others. */
export function excerpt(actual: Blocks, met: Met): string {
  return [...actual.tables]
    .map(([name, table]) => {
      const shared = [...sharedChains(actual, table).values()];
      const own = [...met].flatMap((chain) => table.blocks.get(chain) ?? []);
      const rules = [
        ...shared.flatMap(({ lines, targets }) => lines.filter((_, i) => leadsOn(targets[i], met))),
        ...own.flatMap((block) => linesOf(actual, block).filter(({ text }) => leadsOn(targetOf(text), met))),
      ];
      const declarations = [...shared.map(({ block }) => block), ...own].map(
        ({ chain, policy }) => `:${chain} ${policy ?? '-'} [0:0]\n`,
      );
      return `*${name}\n${declarations.join('')}${rules.map(({ text }) => `${text}\n`).join('')}COMMIT\n`;
    })
    .join('');
}

/** Whether a rule leads to no chain, or to one that is met. */
export function leadsOn(target: string | undefined, met: Met | undefined): boolean {
  return met === undefined || target === undefined || met.has(target) || !isOfAPort(target);
}

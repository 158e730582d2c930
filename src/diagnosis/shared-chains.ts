/** A table's chains that are no Service port's own, with their rules: few chains, one of them with a rule or more for every port. Kept with the text. */
import { canonicalRule, linesOf, targetOf, type Block, type Blocks, type Line, type TableBlocks } from './blocks.ts';
import { destinationOf } from './dispatch-order.ts';
import { isOfAPort } from './owned.ts';

export interface SharedChain {
  readonly block: Block;
  readonly lines: readonly Line[];
  /** Where each line leads. */
  readonly targets: readonly (string | undefined)[];
}

const known = new WeakMap<TableBlocks, ReadonlyMap<string, SharedChain>>();

/** By name. */
export function sharedChains(actual: Blocks, table: TableBlocks): ReadonlyMap<string, SharedChain> {
  let found = known.get(table);
  if (!found) {
    const blocks = [...table.blocks.values()].filter(({ chain }) => !isOfAPort(chain));
    found = new Map(
      blocks.map((block) => {
        const lines = linesOf(actual, block);
        return [block.chain, { block, lines, targets: lines.map(({ text }) => targetOf(text)) }];
      }),
    );
    known.set(table, found);
  }
  return found;
}

const destinations = new WeakMap<SharedChain, readonly string[]>();

/** What packets each line is for. */
export function destinationsOf(chain: SharedChain): readonly string[] {
  let found = destinations.get(chain);
  if (!found) {
    found = chain.lines.map(({ text }) => destinationOf(canonicalRule(text)));
    destinations.set(chain, found);
  }
  return found;
}

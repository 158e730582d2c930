import type { Chain as ProgramChain, Table as ProgramTable } from '../program.ts';
import type { Slices } from '../slices.ts';
import type { Chain, Expression, NamedSet, Rule } from './ruleset.ts';
import { typeOf } from './datatypes.ts';
import { lookupInSlices, lookupOf, type Lookup } from './lookup.ts';

/** Where a statement stands, while it is made ready. */
export interface Context {
  readonly table: ProgramTable;
  readonly sets: ReadonlyMap<string, NamedSet>;
  readonly chain: Chain;
  readonly rule: Rule;
  /** From 1. */
  readonly number: number;
  /** Rules of iptables that nft lists in its own words, which lose some of their sense. */
  readonly translated: boolean;
}

/** "in rule 3 of chain X": what sets apart the unknowns of different rules. */
export function where({ number, chain, table }: Context): string {
  return `in rule ${number} of chain ${chain.name} of table ${table.label}`;
}

export function chainNamed({ table }: Context, name: string): ProgramChain | undefined {
  return table.chains.get(name);
}

export interface Source {
  readonly lookup: Lookup;
  /** A set's name where it is a named one: rules may add elements to it on the packet's way. */
  readonly name?: string;
}

const lookups = new WeakMap<NamedSet, Lookup>();

/** What an anonymous or named set holds; undefined where the dump has none of that name. `key` is the selector that is looked up. */
export function sourceOf(data: Expression, key: Expression, context: Context): Source | undefined {
  const selectors = key.kind === 'concat' ? key.parts : [key];
  const types = selectors.map(typeOf);
  if (data.kind === 'set') return { lookup: lookupOf(data.elements, types) };
  if (data.kind !== 'reference') return undefined;
  const set = context.sets.get(data.name);
  if (!set) return undefined;
  let lookup = lookups.get(set);
  if (!lookup) {
    lookup = lookupOf(set.elements, set.key.length === types.length ? set.key : types);
    lookups.set(set, lookup);
  }
  return { lookup, name: `${context.table.label} ${data.name}` };
}

/** Makes a set that says its types ready to be asked: yields the share that is done, 0 to 1. */
export function* indexElements(set: NamedSet): Slices<void> {
  lookups.set(set, yield* lookupInSlices(set.elements, set.key));
}

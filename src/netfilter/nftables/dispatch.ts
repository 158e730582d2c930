/** Long chains of rules that each ask for one destination (iptables' KUBE-SERVICES in nft's words) are asked by it. */
import type { Chain as ProgramChain } from '../program.ts';
import { inOneGo, type Slices } from '../slices.ts';
import type { State } from '../state.ts';
import { resolve } from './datatypes.ts';
import type { Rule } from './ruleset.ts';

/** Shorter chains are walked. */
const LONG = 32;
/** So many rules are looked at in one go: some milliseconds. */
const SLICE = 256;

interface Index {
  /** Rules that match one destination only, in their order. */
  readonly byDestination: ReadonlyMap<bigint, readonly number[]>;
  /** All others. */
  readonly others: readonly number[];
}

const indexes = new WeakMap<ProgramChain, Index>();

/** The first rule at or after `from` that may match. */
export function nextRule(chain: ProgramChain, from: number, state: State, rules: readonly Rule[]): number {
  if (chain.length < LONG) return from;
  const index = indexes.get(chain) ?? inOneGo(indexRules(chain, rules));
  const own = index.byDestination.get(state.destination.value);
  return Math.min(firstFrom(index.others, from, chain.length), own ? firstFrom(own, from, chain.length) : chain.length);
}

/** Makes a chain ready to be asked: yields the share that is done, 0 to 1. */
export function* indexRules(chain: ProgramChain, rules: readonly Rule[]): Slices<Index> {
  const byDestination = new Map<bigint, number[]>();
  const others: number[] = [];
  for (const [i, rule] of rules.entries()) {
    const destination = destinationOf(rule);
    if (destination === undefined) others.push(i);
    else {
      const same = byDestination.get(destination);
      if (same) same.push(i);
      else byDestination.set(destination, [i]);
    }
    if (i % SLICE === SLICE - 1) yield i / rules.length;
  }
  const index = { byDestination, others };
  indexes.set(chain, index);
  return index;
}

/** The one destination that a rule asks for before it does anything; undefined where it does not. */
function destinationOf(rule: Rule): bigint | undefined {
  for (const statement of rule.statements) {
    if (statement.kind === 'counter') continue;
    if (statement.kind !== 'match') return undefined;
    const { op, left, right } = statement;
    if (op !== '==' || left.kind !== 'payload' || left.field !== 'daddr' || right.kind !== 'text') continue;
    if (left.protocol !== 'ip' && left.protocol !== 'ip6') continue;
    const cover = resolve(right, left.protocol === 'ip' ? 'ipv4_addr' : 'ipv6_addr');
    if (cover?.kind === 'one' && typeof cover.value === 'bigint') return cover.value;
  }
  return undefined;
}

function firstFrom(sorted: readonly number[], from: number, none: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < from) low = middle + 1;
    else high = middle;
  }
  return sorted[low] ?? none;
}

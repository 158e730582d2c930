/** Comparisons (nft_cmp, nft_lookup, nft_range, nft_bitwise in net/netfilter). */
import type { Spot } from '../evaluation.ts';
import { assume, remembers, weighted, type State } from '../state.ts';
import { sourceOf, where, type Context, type Source } from './context.ts';
import { resolve, typeOf, type Cover, type Value } from './datatypes.ts';
import { contains } from './lookup.ts';
import { printStatement } from './print.ts';
import { BREAK, reader, type Register } from './registers.ts';
import type { Statement } from './ruleset.ts';
import { arms, type Op, type Way } from './ways.ts';

type Match = Statement & { kind: 'match' };
type Answer = boolean | undefined;

export function matchOp(statement: Match, context: Context): Op {
  const words = `"${printStatement(statement)}" holds ${where(context)}`;
  const { left, right } = statement;
  if (right.kind === 'set' || right.kind === 'reference') {
    const source = sourceOf(right, left, context);
    if (!source) return unknownOp(`${words}, whose set is not in the dump,`, context);
    return lookupOp(statement, source, words, context);
  }
  const read = reader(left);
  const exists = right.kind === 'exists' ? right.value : undefined;
  const cover = resolve(right, typeOf(left));
  const test =
    exists !== undefined
      ? (value: Value) => (value !== '' && value !== 0n) === exists
      : left.kind === 'fib' && cover?.kind === 'one' && cover.value === '0'
        ? (value: Value) => (value === '') === (statement.op !== '!=')
        : cover && comparison(statement.op, cover);
  if (!test) return unknownOp(words, context);
  return (state, spot) => {
    const register = read(state, spot);
    if (typeof register !== 'object') return test(register);
    if (register === BREAK) return false;
    return unsettled(register, state, spot, test, cover && count(statement.op, cover), words, context);
  };
}

/** undefined where the operator asks for a number and this is none. */
function comparison(op: Match['op'], cover: Cover): ((value: Value) => boolean) | undefined {
  if (op === '==') return cover.kind === 'one' ? (value) => value === cover.value : (value) => contains(cover, value);
  if (op === '!=') return (value) => !contains(cover, value);
  if (cover.kind !== 'one' || typeof cover.value !== 'bigint') return undefined;
  const bound = cover.value;
  const numeric = (compare: (value: bigint) => boolean) => (value: Value) =>
    typeof value === 'bigint' && compare(value);
  switch (op) {
    case 'in':
      return numeric((value) => (value & bound) !== 0n);
    case '!':
      return numeric((value) => (value & bound) === 0n);
    case '<':
      return numeric((value) => value < bound);
    case '>':
      return numeric((value) => value > bound);
    case '<=':
      return numeric((value) => value <= bound);
    case '>=':
      return numeric((value) => value >= bound);
  }
}

/** How many numbers of [low, high] match; undefined where that takes looking at each. */
type Count = (low: bigint, high: bigint) => bigint | undefined;

function count(op: Match['op'], cover: Cover): Count | undefined {
  const top = (1n << 129n) - 1n;
  const one = cover.kind === 'one' && typeof cover.value === 'bigint' ? cover.value : undefined;
  const range =
    op === '==' || op === '!='
      ? one !== undefined
        ? { low: one, high: one }
        : cover.kind === 'range'
          ? cover
          : undefined
      : one === undefined
        ? undefined
        : op === '<'
          ? { low: 0n, high: one - 1n }
          : op === '<='
            ? { low: 0n, high: one }
            : op === '>'
              ? { low: one + 1n, high: top }
              : op === '>='
                ? { low: one, high: top }
                : undefined;
  if (!range) return undefined;
  return (low, high) => {
    const from = range.low > low ? range.low : low;
    const to = range.high < high ? range.high : high;
    const inside = to < from ? 0n : to - from + 1n;
    return op === '!=' ? high - low + 1n - inside : inside;
  };
}

/** A comparison with something that is no single known value. */
function unsettled(
  register: Register & object,
  state: State,
  spot: Spot,
  test: (value: Value) => boolean,
  counted: Count | undefined,
  words: string,
  context: Context,
): boolean | readonly Way[] {
  if (register.kind === 'even' || register.kind === 'within') {
    const [low, size] =
      register.kind === 'even' ? [register.base, register.size] : [register.low, register.high - register.low + 1n];
    const matching = counted?.(low, low + size - 1n) ?? (size <= 65536n ? countEach(low, size, test) : undefined);
    if (matching !== undefined) {
      if (matching === 0n) return false;
      if (matching === size) return true;
      const share = Number(matching) / Number(size);
      if (register.kind === 'even') return byChance(state, share);
      if (register.stray && (share < 0.001 || share > 0.999)) return share > 0.5;
    }
  } else if (register.kind === 'fixed') {
    const found = arms(register, state);
    if (found.every(({ value }) => value !== undefined))
      return found.map((arm) => ({ state: arm.state, then: test(arm.value as Value) ? 'next' : 'break' }));
  }
  return unknownOp(words, context)(state, spot);
}

function countEach(low: bigint, size: bigint, test: (value: Value) => boolean): bigint {
  let found = 0n;
  for (let value = low; value < low + size; value++) if (test(value)) found++;
  return found;
}

function byChance(state: State, share: number): readonly Way[] {
  return [
    { state: weighted(state, share), then: 'next', chance: share },
    { state: weighted(state, 1 - share), then: 'break', chance: 1 - share },
  ];
}

function lookupOp({ op, left }: Match, source: Source, words: string, context: Context): Op {
  const read = reader(left);
  const negated = op === '!=';
  const holds = (found: boolean): boolean => found !== negated;
  const shares = new Map<string, number>();
  return (state, spot) => {
    const register = read(state, spot);
    if (typeof register === 'object' && register.kind === 'even' && register.size <= 65536n) {
      // Chance against a set: the share is the same for every packet.
      const { base, size } = register;
      const key = `${base} ${size}`;
      const known =
        shares.get(key) ?? Number(countEach(base, size, (value) => source.lookup.find([value]) >= 0)) / Number(size);
      shares.set(key, known);
      const share = negated ? 1 - known : known;
      return share === 0 ? false : share === 1 ? true : byChance(state, share);
    }
    const found = arms(register, state);
    if (found.length === 0) return false;
    if (found.length === 1 && found[0]!.chance === undefined && found[0]!.state === state) {
      const answer = inSource(source, found[0]!.value, state);
      return answer === undefined ? unknownOp(words, context)(state, spot) : holds(answer);
    }
    return found.flatMap((arm): readonly Way[] => {
      const answer = inSource(source, arm.value, arm.state);
      const chance = arm.chance === undefined ? {} : { chance: arm.chance };
      if (answer !== undefined) return [{ state: arm.state, then: holds(answer) ? 'next' : 'break', ...chance }];
      return [...(unknownOp(words, context)(arm.state, spot) as readonly Way[])];
    });
  };
}

/** undefined where it is not known. */
function inSource({ lookup, name }: Source, value: unknown, state: State): Answer {
  const values = (Array.isArray(value) ? value : [value]) as readonly (Value | undefined)[];
  if (values.every((one) => one !== undefined)) {
    if (lookup.find(values) >= 0) return true;
    if (name !== undefined && remembers(state, elementWords(name, values))) return true;
    return lookup.unreadable.length > 0 ? undefined : false;
  }
  const some = lookup.candidates(values);
  if (some.length === 0) return lookup.unreadable.length > 0 ? undefined : false;
  return undefined;
}

/** How a state remembers that a rule put this element into a set. */
export function elementWords(set: string, values: readonly Value[]): string {
  return `element ${values.join(' . ')} of set ${set}`;
}

/** Both ways: the rule goes on where the words hold. */
export function unknownOp(words: string, { rule }: Context): Op {
  return (state) =>
    assume(state, words, rule.place).map(({ state: assumed, holds }) => ({
      state: assumed,
      then: holds ? ('next' as const) : ('break' as const),
    }));
}

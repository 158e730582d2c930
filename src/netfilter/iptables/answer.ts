import type { Place } from '../outcome.ts';
import type { Spot } from '../evaluation.ts';
import { assume, weighted, type State } from '../state.ts';

/** One way that a match may go. */
export interface Way {
  readonly state: State;
  readonly holds: boolean;
  /** Where chance decided: this way's share. */
  readonly chance?: number;
}

/** What a match says of a packet: yes, no, or the ways it may go. A match that changes something (`recent --set`) answers with ways, too. */
export type Answer = boolean | readonly Way[];

/** A match, compiled. */
export type Test = (state: State, spot: Spot) => Answer;

export function not(answer: Answer): Answer {
  return typeof answer === 'boolean' ? !answer : answer.map((way) => ({ ...way, holds: !way.holds }));
}

export function negated(negate: boolean, test: Test): Test {
  return negate ? (state, spot) => not(test(state, spot)) : test;
}

/** Nobody knows: both ways, under that name. */
export function unknown(state: State, words: string, place?: Place): Answer {
  return assume(state, words, place);
}

/** By chance; the probability is what the kernel's integer makes of it. */
export function chance(state: State, probability: number): Answer {
  if (probability >= 1) return true;
  if (probability <= 0) return false;
  return [
    { state: weighted(state, probability), holds: true, chance: probability },
    { state: weighted(state, 1 - probability), holds: false, chance: 1 - probability },
  ];
}

/** All of them, in their order; the first that says no ends it, as in the kernel. */
export function every(tests: readonly Test[]): Test {
  if (tests.length === 1) return tests[0]!;
  return (state, spot) => {
    for (let i = 0; i < tests.length; i++) {
      const answer = tests[i]!(state, spot);
      if (answer === false) return false;
      if (answer === true) continue;
      const rest = every(tests.slice(i + 1));
      return answer.flatMap((way): readonly Way[] => {
        if (!way.holds) return [way];
        const next = i + 1 < tests.length ? rest(way.state, spot) : true;
        if (typeof next === 'boolean') return [{ ...way, holds: next }];
        return next.map((then) => ({
          state: then.state,
          holds: then.holds,
          ...(way.chance === undefined && then.chance === undefined
            ? {}
            : { chance: (way.chance ?? 1) * (then.chance ?? 1) }),
        }));
      });
    }
    return true;
  };
}

/**
 * A number against a set of ranges, where only bounds of the number are known: yes if all of them fit, no if none does, undefined else.
 */
export function within(
  value: number | undefined,
  ranges: readonly (readonly [number, number])[],
  bounds: readonly [number, number],
): boolean | undefined {
  if (value !== undefined) return ranges.some(([low, high]) => value >= low && value <= high);
  if (ranges.some(([low, high]) => low <= bounds[0] && high >= bounds[1])) return true;
  if (ranges.every(([low, high]) => high < bounds[0] || low > bounds[1])) return false;
  return undefined;
}

import type { Step } from '../outcome.ts';
import type { Spot, Verdict } from '../evaluation.ts';
import { assume, weighted, type State } from '../state.ts';
import type { Value } from './datatypes.ts';
import { BREAK, type Register } from './registers.ts';

/** One way in which a statement may go for a packet. */
export interface Way {
  readonly state: State;
  /** The rule's next statement, the chain's next rule, or the end that the statement decides. */
  readonly then: 'next' | 'break' | Verdict;
  readonly effect?: Step['effect'];
  readonly chance?: number;
}

/** A statement, ready: true: on to the rule's next statement; false: the rule does not match; or several ways. */
export type Op = (state: State, spot: Spot) => boolean | readonly Way[];

/** Expanding more numbers than this one by one would cost more than it tells. */
const MOST = 1024n;

export interface Arm {
  readonly state: State;
  /** undefined where the register is not known, and cannot be split into what it may be. */
  readonly value: Value | readonly (Value | undefined)[] | undefined;
  readonly chance?: number;
}

/** Every value that a register may have, with its share or its assumption. Empty where the rule breaks off. */
export function arms(register: Register, state: State): readonly Arm[] {
  if (typeof register !== 'object') return [{ state, value: register }];
  if (register === BREAK) return [];
  switch (register.kind) {
    case 'even': {
      if (register.size > MOST) return [{ state, value: undefined }];
      const chance = 1 / Number(register.size);
      return numbers(register).map((value) => ({ state: weighted(state, chance), value, chance }));
    }
    case 'fixed':
      return register.size > 64n ? [{ state, value: undefined }] : fixed(register, state);
    case 'parts': {
      let all: readonly { state: State; value: readonly (Value | undefined)[]; chance?: number }[] = [
        { state, value: [] },
      ];
      for (const part of register.parts)
        all = all.flatMap((arm) =>
          arms(part, arm.state).map((one) => ({
            state: one.state,
            value: [...arm.value, single(one.value)],
            ...times(arm.chance, one.chance),
          })),
        );
      return all;
    }
    default:
      return [{ state, value: undefined }];
  }
}

function single(value: Arm['value']): Value | undefined {
  return typeof value === 'object' ? undefined : value;
}

function numbers({ base, size }: { readonly base: bigint; readonly size: bigint }): readonly bigint[] {
  return Array.from({ length: Number(size) }, (_, i) => base + BigInt(i));
}

/** A hash gives the same for a packet each time: one assumption after the other, the last number being what is left. */
function fixed(register: Extract<Register, { readonly kind: 'fixed' }>, state: State): readonly Arm[] {
  const found: Arm[] = [];
  const all = numbers(register);
  let rest = state;
  for (const [i, value] of all.entries()) {
    if (i === all.length - 1) {
      found.push({ state: rest, value });
      break;
    }
    const ways = assume(rest, `"${register.words}" gives ${value} for this packet`);
    const yes = ways.find(({ holds }) => holds);
    if (yes) found.push({ state: yes.state, value });
    const no = ways.find(({ holds }) => !holds);
    if (!no) break;
    rest = no.state;
  }
  return found;
}

export function times(a: number | undefined, b: number | undefined): { readonly chance?: number } {
  if (a === undefined && b === undefined) return {};
  return { chance: (a ?? 1) * (b ?? 1) };
}

import type { Branch, Spot } from './evaluation.ts';
import { mergeStates } from './merge.ts';
import type { Chain } from './program.ts';
import { assume, type State } from './state.ts';

/** How the packets of one base chain ended. */
export interface ChainEnd {
  /** Accepted by a rule or by the policy: the next base chain sees them. */
  readonly passed: readonly State[];
  readonly stopped: readonly Stopped[];
}

export interface Stopped {
  readonly state: State;
  readonly verdict: 'drop' | 'reject';
  readonly rejectWith?: string;
}

/** What a whole trace may cost, in rules evaluated, so that hostile rules end as well: a real packet meets some hundreds. */
export interface Budget {
  left: number;
}

export const WALK_LIMIT = 500_000;

/** What rests on more than so many assumptions is followed no further: nobody reads them, and each is compared with all others. */
const ASSUMPTIONS_LIMIT = 500;

/** Called for every rule that matched, with the share of packets that matched it: the rule's counter, per packet sent. */
export type OnMatch = (chain: Chain, index: number, state: State) => void;

interface Frame {
  readonly chain: Chain;
  /** What waits here, by the index of the next rule. */
  readonly waiting: { readonly at: number; readonly state: State }[];
  /** Chains to be called before anything else here goes on. */
  readonly calls: Frame[];
  /** What came to the chain's end or a RETURN. */
  readonly returned: State[];
  /** Where `returned` goes on in the frame below; undefined for a goto, which returns to where that frame returns to. */
  readonly resume: number | undefined;
}

/**
 * Walks states through a base chain and all that it calls. All states that stand at one rule are taken together, in the order of the rules, so that
 * equal ones merge; calls are frames on a list of our own, so that no depth of chains exhausts the stack.
 */
export function walkChain(
  base: Chain,
  states: readonly State[],
  spot: Spot,
  budget: Budget,
  onMatch?: OnMatch,
): ChainEnd {
  const passed: State[] = [];
  const stopped: Stopped[] = [];
  const active = new Set<Chain>([base]);
  const frames: Frame[] = [{ chain: base, waiting: [], calls: [], returned: [], resume: undefined }];
  for (const state of states) wait(frames[0]!, 0, state, spot);

  for (;;) {
    const frame = frames[frames.length - 1]!;
    const call = frame.calls.pop();
    if (call) {
      frames.push(call);
      active.add(call.chain);
      continue;
    }
    const { at, states: here } = takeFirst(frame);
    if (at < 0) {
      if (frames.length === 1) break;
      frames.pop();
      active.delete(frame.chain);
      const below = frames[frames.length - 1]!;
      for (const state of mergeStates(frame.returned))
        if (frame.resume === undefined) below.returned.push(state);
        else wait(below, frame.resume, state, spot);
      continue;
    }
    for (const state of mergeStates(here)) {
      for (const branch of evaluate(frame.chain, at, state, spot, budget)) {
        const next = branch.effect === undefined ? branch.state : withStep(frame.chain, at, branch, spot);
        if (onMatch && branch.effect !== undefined) onMatch(frame.chain, at, next);
        const { verdict } = branch;
        if (verdict.kind === 'continue') wait(frame, at + 1, next, spot);
        else if (verdict.kind === 'accept') passed.push(next);
        else if (verdict.kind === 'return') frame.returned.push(next);
        else if (verdict.kind === 'drop') stopped.push({ state: next, verdict: 'drop' });
        else if (verdict.kind === 'reject')
          stopped.push({
            state: next,
            verdict: 'reject',
            ...(verdict.with === undefined ? {} : { rejectWith: verdict.with }),
          });
        else if (active.has(verdict.chain)) {
          const words = `the chain ${verdict.chain.name}, which calls itself, does nothing (a kernel would refuse it)`;
          const assumed = assume(next, words, frame.chain.rule(at).place)[0]!;
          wait(frame, at + 1, assumed.state, spot);
        } else {
          const resume = verdict.kind === 'goto' ? undefined : at + 1;
          let called = frame.calls.find((one) => one.chain === verdict.chain && one.resume === resume);
          if (!called)
            frame.calls.push((called = { chain: verdict.chain, waiting: [], calls: [], returned: [], resume }));
          wait(called, 0, next, spot);
        }
      }
    }
  }

  for (const state of mergeStates(frames[0]!.returned)) {
    if (base.base!.policy === 'accept') passed.push(state);
    else
      stopped.push({
        verdict: 'drop',
        state: {
          ...state,
          path: { before: state.path, hook: spot.hook, chain: base, index: -1, effect: 'drop', chance: undefined },
        },
      });
  }
  return { passed: mergeStates(passed), stopped };
}

function wait(frame: Frame, from: number, state: State, spot: Spot): void {
  const at = from < frame.chain.length ? frame.chain.table.language.next(frame.chain, from, state, spot) : from;
  if (at >= frame.chain.length) frame.returned.push(state);
  else frame.waiting.push({ at, state });
}

/** Takes all states out that wait at the first rule; at: -1 where none waits. */
function takeFirst({ waiting }: Frame): { readonly at: number; readonly states: readonly State[] } {
  if (waiting.length === 0) return { at: -1, states: [] };
  if (waiting.length === 1) {
    const { at, state } = waiting.pop()!;
    return { at, states: [state] };
  }
  let at = waiting[0]!.at;
  for (const one of waiting) if (one.at < at) at = one.at;
  const states: State[] = [];
  let kept = 0;
  for (const one of waiting)
    if (one.at === at) states.push(one.state);
    else waiting[kept++] = one;
  waiting.length = kept;
  return { at, states };
}

function evaluate(chain: Chain, index: number, state: State, spot: Spot, budget: Budget): readonly Branch[] {
  const asked = state.assumed?.count ?? 0;
  if (budget.left-- > 0 && asked < ASSUMPTIONS_LIMIT) return chain.table.language.evaluate(chain, index, state, spot);
  const why =
    asked < ASSUMPTIONS_LIMIT
      ? `more than ${WALK_LIMIT} rules were followed`
      : `more than ${ASSUMPTIONS_LIMIT} rules ask for what nobody knows`;
  const words = `the rest of the rules lets it pass (${why})`;
  return assume(state, words).map(({ state: assumed, holds }) => ({
    state: assumed,
    verdict: { kind: holds ? 'accept' : 'drop' },
    effect: 'unknown',
  }));
}

function withStep(chain: Chain, index: number, { state, effect, chance }: Branch, { hook }: Spot): State {
  return { ...state, path: { before: state.path, hook, chain, index, effect: effect!, chance } };
}

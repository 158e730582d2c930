import type { Assumption } from './outcome.ts';
import type { Assumed, State } from './state.ts';

/**
 * Merging of what no longer differs, so that k choices in a row do not make 2^k states: equal states add their weights, and two that differ
 * in nothing but which way an assumption was taken no longer need it.
 */

/** The text that is the same for two states which the rest of the rules cannot tell apart. */
export function stateKey(state: State): string {
  const { connection: c } = state;
  const flags =
    (c.destinationTranslated ? 1 : 0) |
    (c.sourceTranslated ? 2 : 0) |
    (c.destinationDone ? 4 : 0) |
    (c.sourceDone ? 8 : 0) |
    (c.masquerade ? 16 : 0);
  // Numbers, not their readable forms, since this is made for every state at every rule where several meet.
  const packet = `${state.source.value}|${state.destination.value}|${state.sourcePort}|${state.destinationPort}|${state.mark}`;
  const way = `${state.in ?? '?'}|${state.out ?? '?'}|${state.dscp}|${c.tracking}|${c.state}|${c.mark}|${c.zone}|${flags}`;
  const more = state.remembered.length === 0 ? '' : state.remembered.join('|');
  return `${packet}|${way}|${c.translatedSource ? c.translatedSource.value : ''}|${more}`;
}

export function mergeStates(states: readonly State[]): readonly State[] {
  if (states.length < 2) return states;
  return mergeAll(states, stateKey, (state, weight, assumed) => ({ ...state, weight, assumed }));
}

interface Mergeable {
  readonly weight: number;
  readonly assumed: Assumed | undefined;
}

/** Groups by key; the heaviest of those that become one stands for them (its path is the one that is shown). */
export function mergeAll<T extends Mergeable>(
  all: readonly T[],
  keyOf: (one: T) => string,
  changed: (one: T, weight: number, assumed: Assumed | undefined) => T,
): readonly T[] {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  if (groups.size === all.length) return all;
  return [...groups.values()].flatMap((group) => (group.length === 1 ? group : mergeGroup(group, changed)));
}

/** Beyond this many sets of assumptions for one state, complementary ones are not looked for. */
const PAIRWISE_LIMIT = 128;

function mergeGroup<T extends Mergeable>(
  group: readonly T[],
  changed: (one: T, weight: number, assumed: Assumed | undefined) => T,
): T[] {
  const bySet = new Map<string, { one: T; weight: number; assumptions: readonly Assumption[] }>();
  for (const one of group) {
    const assumptions = assumptionsOf(one.assumed);
    const signature = assumptions.map((a) => `${a.holds ? '+' : '-'}${a.words}`).join('\n');
    const same = bySet.get(signature);
    if (!same) bySet.set(signature, { one, weight: one.weight, assumptions });
    else {
      if (one.weight > same.one.weight) same.one = one;
      same.weight += one.weight;
    }
  }
  const entries = [...bySet.values()];
  for (let merged = entries.length <= PAIRWISE_LIMIT; merged;) {
    merged = false;
    for (let i = 0; i < entries.length && !merged; i++)
      for (let j = i + 1; j < entries.length && !merged; j++) {
        const rest = withoutComplement(entries[i]!.assumptions, entries[j]!.assumptions);
        if (!rest || Math.abs(entries[i]!.weight - entries[j]!.weight) > 1e-12) continue;
        entries[i] = { ...entries[i]!, assumptions: rest };
        entries.splice(j, 1);
        const twin = entries.findIndex((entry, at) => at !== i && sameAssumptions(entry.assumptions, rest));
        if (twin >= 0) {
          entries[i]!.weight += entries[twin]!.weight;
          entries.splice(twin, 1);
        }
        merged = true;
      }
  }
  return entries.map(({ one, weight, assumptions }) =>
    changed(
      one,
      weight,
      assumptions.reduce<Assumed | undefined>((before, a) => ({ ...a, before }), undefined),
    ),
  );
}

/** Sorted by words; each of them once. */
export function assumptionsOf(assumed: Assumed | undefined): readonly Assumption[] {
  if (!assumed) return [];
  const out: Assumption[] = [];
  for (let one: Assumed | undefined = assumed; one; one = one.before) {
    const { words, holds, place } = one;
    out.push({ words, holds, ...(place ? { place } : {}) });
  }
  return out.sort((a, b) => (a.words < b.words ? -1 : a.words > b.words ? 1 : 0));
}

/** What two sets share, if they differ in exactly one assumption's way; undefined otherwise. */
function withoutComplement(a: readonly Assumption[], b: readonly Assumption[]): readonly Assumption[] | undefined {
  if (a.length !== b.length) return undefined;
  let at = -1;
  for (let i = 0; i < a.length; i++) {
    if (a[i]!.words !== b[i]!.words) return undefined;
    if (a[i]!.holds === b[i]!.holds) continue;
    if (at >= 0) return undefined;
    at = i;
  }
  return at < 0 ? undefined : a.filter((_, i) => i !== at);
}

function sameAssumptions(a: readonly Assumption[], b: readonly Assumption[]): boolean {
  return a.length === b.length && a.every((one, i) => one.words === b[i]!.words && one.holds === b[i]!.holds);
}

import { assumed, type Assumed, type State } from './state.ts';

type Known = Omit<Assumed, 'before' | 'count'>;

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

/** More sets of assumptions than this for one and the same state are told as one: nobody reads them, and they must not multiply. */
const SETS_LIMIT = 48;

interface Entry<T> {
  one: T;
  weight: number;
  readonly assumptions: readonly Known[];
}

function mergeGroup<T extends Mergeable>(
  group: readonly T[],
  changed: (one: T, weight: number, assumed: Assumed | undefined) => T,
): T[] {
  const entries = new Map<number, Entry<T>>();
  const waiting: Entry<T>[] = group.map((one) => ({
    one,
    weight: one.weight,
    assumptions: assumptionsOf(one.assumed),
  }));
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const key = signatureOf(next.assumptions);
    const same = entries.get(key);
    if (same) {
      entries.delete(key);
      const heavier = same.one.weight >= next.one.weight ? same.one : next.one;
      waiting.push({ ...same, one: heavier, weight: same.weight + next.weight });
      continue;
    }
    const twin = complementOf(entries, next, key);
    if (twin === undefined) entries.set(key, next);
    else {
      const other = entries.get(twin.key)!;
      entries.delete(twin.key);
      const heavier = other.one.weight > next.one.weight ? other.one : next.one;
      waiting.push({
        one: heavier,
        weight: next.weight,
        assumptions: next.assumptions.filter((_, i) => i !== twin.at),
      });
    }
  }
  return limited([...entries.values()]).map(({ one, weight, assumptions }) =>
    changed(
      one,
      weight,
      assumptions.reduce<Assumed | undefined>((before, a) => assumed(a, before), undefined),
    ),
  );
}

const hashes = new Map<string, number>();

/** 42 bits of a text, and another 42 for its negation: a set of assumptions is known by the sum, which flips in one step. */
function hashOf({ words, holds }: Known): number {
  const text = holds ? `+${words}` : `-${words}`;
  let hash = hashes.get(text);
  if (hash === undefined) {
    let [a, b] = [2166136261, 40389];
    for (let i = 0; i < text.length; i++) {
      a = Math.imul(a ^ text.charCodeAt(i), 16777619);
      b = Math.imul(b + text.charCodeAt(i), 31) ^ (a >>> 7);
    }
    hash = (a >>> 0) * 1024 + ((b >>> 0) & 1023);
    if (hashes.size > 20_000) hashes.clear();
    hashes.set(text, hash);
  }
  return hash;
}

function signatureOf(assumptions: readonly Known[]): number {
  let sum = assumptions.length;
  for (const one of assumptions) sum += hashOf(one);
  return sum;
}

/** The entry of the same weight that differs in exactly one assumption's way: whichever holds, the same comes of it. */
function complementOf<T>(
  entries: ReadonlyMap<number, Entry<T>>,
  { assumptions, weight }: Entry<T>,
  signature: number,
): { readonly key: number; readonly at: number } | undefined {
  if (entries.size === 0) return undefined;
  for (let at = 0; at < assumptions.length; at++) {
    const one = assumptions[at]!;
    const key = signature - hashOf(one) + hashOf({ words: one.words, holds: !one.holds });
    const other = entries.get(key);
    if (other && Math.abs(other.weight - weight) <= 1e-12) return { key, at };
  }
  return undefined;
}

function limited<T>(entries: readonly Entry<T>[]): readonly Entry<T>[] {
  if (entries.length <= SETS_LIMIT) return entries;
  const sorted = [...entries].sort((a, b) => a.assumptions.length - b.assumptions.length);
  const [kept, rest] = [sorted.slice(0, SETS_LIMIT - 1), sorted.slice(SETS_LIMIT - 1)];
  const words = 'one of many further combinations of assumptions holds';
  const first = rest[0]!;
  return [...kept, { ...first, assumptions: [{ words, holds: true }] }];
}

/** Sorted by words; each of them once. */
export function assumptionsOf(assumed: Assumed | undefined): readonly Known[] {
  if (!assumed) return [];
  const out: Known[] = [];
  for (let one: Assumed | undefined = assumed; one; one = one.before) {
    const { words, holds, place, settled } = one;
    out.push({ words, holds, ...(place ? { place } : {}), ...(settled ? { settled } : {}) });
  }
  return out.sort((a, b) => (a.words < b.words ? -1 : a.words > b.words ? 1 : 0));
}

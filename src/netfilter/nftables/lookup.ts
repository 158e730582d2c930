/**
 * Sets and maps, ready to be asked. Elements whose parts are single values are found by key; those with ranges by what of them is
 * single, then by binary search. Built once per set, so that a verdict map of 10,000 Services costs what one of ten does.
 */
import type { Element, Expression } from './ruleset.ts';
import { resolve, type Cover, type Value } from './datatypes.ts';

export interface Lookup {
  readonly elements: readonly Element[];
  /** The element that covers these values, one for each part of the key; -1 without one. */
  find(values: readonly Value[]): number;
  /** Elements that may cover a key of which some parts (undefined) are not known. */
  candidates(values: readonly (Value | undefined)[]): readonly number[];
  /** What stands in elements that could not be read. */
  readonly unreadable: readonly string[];
}

interface Entry {
  readonly covers: readonly Cover[];
  readonly index: number;
}

/** Entries whose parts are single values at the same places, by those values. */
interface Pattern {
  /** Which parts are single. */
  readonly single: readonly boolean[];
  /** The only other part, where there is one: such entries are sorted by it. */
  readonly ranged: number;
  readonly byKey: Map<string, Entry[]>;
}

/** `types` are the data types of the key's parts. */
export function lookupOf(elements: readonly Element[], types: readonly string[]): Lookup {
  const patterns = new Map<string, Pattern>();
  const entries: Entry[] = [];
  const unreadable: string[] = [];
  let all = -1;
  elements.forEach((element, index) => {
    if (element.key.kind === 'any') {
      all = index;
      return;
    }
    const covers = coversOf(element.key, types);
    if (!covers) {
      unreadable.push(shown(element.key));
      return;
    }
    const entry = { covers, index };
    entries.push(entry);
    const single = covers.map((cover) => cover.kind === 'one');
    const name = single.join();
    let pattern = patterns.get(name);
    if (!pattern) {
      const ranged = single.filter((one) => !one).length === 1 ? single.indexOf(false) : -1;
      patterns.set(name, (pattern = { single, ranged, byKey: new Map() }));
    }
    const key = keyOf(
      covers.map((cover) => (cover.kind === 'one' ? cover.value : '')),
      single,
    );
    const same = pattern.byKey.get(key);
    if (same) same.push(entry);
    else pattern.byKey.set(key, [entry]);
  });
  for (const { ranged, byKey } of patterns.values())
    if (ranged >= 0)
      for (const list of byKey.values()) list.sort((a, b) => order(a.covers[ranged]!, b.covers[ranged]!));
  const found = [...patterns.values()];

  return {
    elements,
    unreadable,
    find(values) {
      if (values.length !== types.length) return -1;
      for (const { single, ranged, byKey } of found) {
        const list = byKey.get(keyOf(values, single));
        if (!list) continue;
        const entry =
          ranged >= 0 && list.length > 8 && typeof values[ranged] === 'bigint'
            ? nearest(list, ranged, values[ranged])
            : list.find(({ covers }) => covers.every((cover, i) => contains(cover, values[i]!)));
        if (entry) return entry.index;
      }
      return all;
    },
    candidates(values) {
      const some = entries
        .filter(({ covers }) => covers.every((cover, i) => values[i] === undefined || contains(cover, values[i])))
        .map(({ index }) => index);
      return all >= 0 ? [...some, all] : some;
    },
  };
}

/** undefined where the key has other parts than the type, or one that is no constant of its type. */
function coversOf(key: Expression, types: readonly string[]): readonly Cover[] | undefined {
  const parts = key.kind === 'concat' ? key.parts : [key];
  if (parts.length !== types.length) return undefined;
  const covers: Cover[] = [];
  for (const [i, part] of parts.entries()) {
    const cover = resolve(part, types[i]!);
    if (!cover) return undefined;
    covers.push(cover);
  }
  return covers;
}

export function contains(cover: Cover, value: Value): boolean {
  switch (cover.kind) {
    case 'one':
      return cover.value === value;
    case 'range':
      return typeof value === 'bigint' && value >= cover.low && value <= cover.high;
    case 'begins':
      return typeof value === 'string' && value.startsWith(cover.text);
    case 'all':
      return true;
  }
}

function keyOf(values: readonly Value[], single: readonly boolean[]): string {
  let key = '';
  for (let i = 0; i < single.length; i++) if (single[i]) key += `${String(values[i])}|`;
  return key;
}

function order(a: Cover, b: Cover): number {
  if (a.kind !== 'range' || b.kind !== 'range') return a.kind === b.kind ? 0 : a.kind === 'range' ? -1 : 1;
  return a.low < b.low ? -1 : a.low > b.low ? 1 : 0;
}

/** Ranges of one set never overlap, so only the last that begins at or before the value can hold it. */
function nearest(list: readonly Entry[], part: number, value: bigint): Entry | undefined {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const cover = list[middle]!.covers[part]!;
    if (cover.kind === 'range' && cover.low <= value) low = middle + 1;
    else high = middle;
  }
  const entry = list[low - 1];
  return entry && contains(entry.covers[part]!, value) ? entry : undefined;
}

function shown(key: Expression): string {
  return key.kind === 'unknown' ? key.text : JSON.stringify(key);
}

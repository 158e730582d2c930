/**
 * Sets and maps, ready to be asked. Elements whose parts are single values are found by key; those with ranges by what of them is
 * single, then by binary search. Built once per set, so that a verdict map of 10,000 Services costs what one of ten does.
 */
import type { Element, Expression } from './ruleset.ts';
import { inOneGo, type Slices } from '../slices.ts';
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

/** Entries whose parts are single values at the same places, by those values. */
interface Pattern {
  /** Which parts are single. */
  readonly single: readonly boolean[];
  /** The only other part, where there is one: such entries are sorted by it. */
  readonly ranged: number;
  readonly byKey: Map<string, Entry[]>;
}

interface Entry {
  readonly covers: readonly Cover[];
  readonly index: number;
}

/** `types` are the data types of the key's parts. */
export function lookupOf(elements: readonly Element[], types: readonly string[]): Lookup {
  return inOneGo(lookupInSlices(elements, types));
}

/** So many elements in one go: some milliseconds. */
const SLICE = 4096;

/** The same of a big set: yields the share that is done, 0 to 1. */
export function* lookupInSlices(elements: readonly Element[], types: readonly string[]): Slices<Lookup> {
  // Nearly every element of a large set is single values: those need no more than their key.
  const exact = new Map<string, number>();
  const patterns = new Map<string, Pattern>();
  const unreadable: string[] = [];
  let all = -1;
  for (const [index, { key }] of elements.entries()) {
    if (index % SLICE === SLICE - 1) yield index / elements.length;
    if (key.kind === 'any') {
      all = index;
      continue;
    }
    const simple = exactKey(key, types);
    if (simple !== undefined) {
      exact.set(simple, index);
      continue;
    }
    const covers = coversOf(key, types);
    if (!covers) unreadable.push(shown(key));
    else addPattern(patterns, { covers, index });
  }
  for (const { ranged, byKey } of patterns.values())
    if (ranged >= 0)
      for (const list of byKey.values()) list.sort((a, b) => order(a.covers[ranged]!, b.covers[ranged]!));
  const found = [...patterns.values()];

  return {
    elements,
    unreadable,
    find(values) {
      if (values.length !== types.length) return -1;
      const index = exact.get(values.length === 1 ? String(values[0]) : values.join('|'));
      if (index !== undefined) return index;
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
      const some: number[] = [];
      for (const [index, { key }] of elements.entries()) {
        const covers = coversOf(key, types);
        if (index === all || covers?.every((cover, i) => values[i] === undefined || contains(cover, values[i])))
          some.push(index);
      }
      return some;
    },
  };
}

function addPattern(patterns: Map<string, Pattern>, entry: Entry): void {
  const single = entry.covers.map((cover) => cover.kind === 'one');
  const name = single.join();
  let pattern = patterns.get(name);
  if (!pattern) {
    const ranged = single.filter((one) => !one).length === 1 ? single.indexOf(false) : -1;
    patterns.set(name, (pattern = { single, ranged, byKey: new Map() }));
  }
  const key = keyOf(
    entry.covers.map((cover) => (cover.kind === 'one' ? cover.value : '')),
    single,
  );
  const same = pattern.byKey.get(key);
  if (same) same.push(entry);
  else pattern.byKey.set(key, [entry]);
}

/** The values' text, joined as `find` joins them; undefined where some part is no single value, or must be looked at closer. */
function exactKey(key: Expression, types: readonly string[]): string | undefined {
  if (key.kind !== 'concat') return types.length === 1 ? exactPart(key, types[0]!) : undefined;
  if (key.parts.length !== types.length) return undefined;
  let text = '';
  for (const [i, part] of key.parts.entries()) {
    const one = exactPart(part, types[i]!);
    if (one === undefined) return undefined;
    text = i === 0 ? one : `${text}|${one}`;
  }
  return text;
}

function exactPart(part: Expression, type: string): string | undefined {
  if (type === 'ipv4_addr' && part.kind === 'text') {
    const value = ipv4Number(part.value);
    if (value !== undefined) return String(value);
  }
  const cover = resolve(part, type);
  return cover?.kind === 'one' ? String(cover.value) : undefined;
}

/** What parseAddress makes of a dotted address, without its detour over large integers. */
function ipv4Number(text: string): number | undefined {
  let value = 0;
  let part = -1;
  let parts = 1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 46) {
      if (part < 0 || ++parts > 4) return undefined;
      value = value * 256 + part;
      part = -1;
    } else if (code < 48 || code > 57 || part === 0) return undefined;
    else {
      part = part < 0 ? code - 48 : part * 10 + code - 48;
      if (part > 255) return undefined;
    }
  }
  return part < 0 || parts !== 4 ? undefined : value * 256 + part;
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

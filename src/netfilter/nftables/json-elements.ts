/** Reads the elements of nft's JSON array one after another, each by JSON.parse; what is no JSON is told, and what stands behind it is read. */
import type { Slices } from '../slices.ts';
import { element, isList, isObject, type Json, type JsonObject } from './json-expressions.ts';
import { JsonScan, type ArrayStart, type LongList } from './json-scan.ts';
import type { Element } from './ruleset.ts';

export interface JsonElements {
  readonly text: string;
  /** Start and end of element i at 2i and 2i+1; while they are read, of some more. */
  readonly offsets: number[];
  /** The line, from 1, that each begins on. */
  readonly lines: number[];
}

export interface Taken {
  readonly json: Json;
  /** Of a set so big that its elements were read in parts: they are left out of `json`. */
  readonly elements?: readonly Element[];
}

/** Something that could not be read: text[from, to). */
export type Tell = (from: number, to: number, message: string, advice: string) => void;

/**
 * Yields how far it has come, 0 to 1, every few milliseconds; returns whether the array's end was there.
 *
 * @param elements is filled: an element's place is known when it is taken
 * @param take is given each element with its number
 */
export function* readElements(
  array: ArrayStart,
  elements: JsonElements,
  tell: Tell,
  take: (index: number, taken: Taken) => void,
): Slices<boolean> {
  const { text, offsets, lines } = elements;
  const shown = (from: number, to: number): string => text.slice(from, Math.min(to, from + 80)).trim();
  const broken = (from: number, to: number): void =>
    tell(from, to, `"${shown(from, to)}" is no JSON.`, 'It was left out. Record the node again.');
  if (array.lost) {
    const message = `The ruleset's beginning is missing: {"nftables": [ was expected before "${shown(array.start, text.length)}".`;
    tell(0, array.start, message, 'Record the node again; what stood before is missing.');
  } else if (shown(0, array.start) !== '') {
    const message = `"${shown(0, array.start)}" stands before the ruleset: {"nftables": [ was expected first.`;
    tell(0, array.start, message, 'It was left out.');
  }
  const scan = new JsonScan(text, array.inside, offsets, broken);
  const lineOf = lineCounter(text);
  let index = 0;
  let share = 0;
  const taken = (one: Taken): void => {
    lines.push(lineOf(offsets[2 * index]!));
    take(index++, one);
  };
  while (!scan.done) {
    scan.on();
    const known = offsets.length / 2;
    const long = scan.longLists.size > 0;
    const all = long || known - index < 2 ? undefined : parseAll(text, offsets, index, known);
    for (const json of all ?? []) taken({ json });
    while (index < offsets.length / 2) {
      const [start, end] = [offsets[2 * index]!, offsets[2 * index + 1]!];
      const list = scan.longLists.get(index);
      const json = parse(list ? text.slice(start, list.from) + text.slice(list.to, end) : text.slice(start, end));
      if (json === undefined && scan.again(index)) break;
      if (json === undefined) broken(start, end);
      else between(index === 0 ? array.inside : offsets[2 * index - 1]!, start);
      const apart = list && json !== undefined ? yield* longList(list) : undefined;
      taken({ json: json ?? null, ...(apart ? { elements: apart } : {}) });
    }
    scan.longLists.clear();
    share = Math.max(share, scan.at / text.length);
    yield share;
  }
  const last = offsets.at(-1) ?? array.inside;
  if (!scan.closed) {
    const message = `The ruleset is cut off behind "${text.slice(Math.max(array.start, last - 60), last)}": "]}" was expected.`;
    tell(last, text.length, message, 'Record the node again; what follows is missing.');
  } else {
    between(last, scan.bracket);
    if (shown(scan.at, text.length) !== '')
      tell(scan.at, text.length, `"${shown(scan.at, text.length)}" stands behind the ruleset.`, 'It was left out.');
  }
  return scan.closed && !array.lost;

  function between(from: number, to: number): void {
    if (!/^[\s,]*$/.test(text.slice(from, to))) broken(from, to);
  }

  function* longList({ from, to, cuts }: LongList): Slices<readonly Element[]> {
    const members: Element[] = [];
    let start = from;
    for (const cut of [...cuts, to]) {
      const part = parse(`[${text.slice(start, cut)}]`);
      if (isList(part)) for (const one of part) members.push(element(one));
      else {
        broken(start, cut);
        // Not left out: who looks for one of them must be told that it may be there.
        members.push({ key: { kind: 'unknown', text: shown(start, cut) } });
      }
      start = cut + 1;
      yield Math.max(share, cut / text.length);
    }
    return members;
  }
}

/** One call for many elements: a call costs as much as a small element. undefined where anything is wrong with them. */
function parseAll(text: string, offsets: readonly number[], from: number, to: number): readonly Json[] | undefined {
  const list = parse(`[${text.slice(offsets[2 * from]!, offsets[2 * to - 1]!)}]`);
  return isList(list) && list.length === to - from ? list : undefined;
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** What of an element can be asked for later, when it is needed. */
export function jsonAt({ text, offsets }: JsonElements, index: number, kind: string): JsonObject {
  const json = parse(text.slice(offsets[2 * index]!, offsets[2 * index + 1]!));
  const inner = isObject(json) ? json[kind] : undefined;
  return isObject(inner) ? inner : {};
}

/** The line, from 1, of each of rising offsets. */
function lineCounter(text: string): (offset: number) => number {
  let line = 1;
  let counted = 0;
  return (offset) => {
    // No further than asked for: nft's JSON may be one line of a hundred megabytes.
    const piece = text.slice(counted, offset);
    for (let at = piece.indexOf('\n'); at >= 0; at = piece.indexOf('\n', at + 1)) line++;
    counted = offset;
    return line;
  };
}

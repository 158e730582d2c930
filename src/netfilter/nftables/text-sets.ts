/** Sets and maps of `nft list ruleset`: elements are read when they are first looked at, those of a big set with the table, in slices. */
import type { Place } from '../outcome.ts';
import { inOneGo, type Slices } from '../slices.ts';
import { Cursor, Unreadable } from './cursor.ts';
import { duration, elements } from './expressions.ts';
import { once, type Element, type NamedSet } from './ruleset.ts';
import type { TextSource } from './text-source.ts';
import { isSpace, lineEnd, statementsInSlices, stringEnd, tokenize } from './tokens.ts';

/** The elements of a set of so many characters are read at once. */
const LONG = 64 * 1024;
/** After so many characters others have their turn: some milliseconds. */
const PART = 16 * 1024;

/** `start` and `end`: what stands between the brackets. Yields how far it has come in the text, as an offset. */
export function* readSet(
  source: TextSource,
  kind: 'set' | 'map',
  name: string,
  place: Place,
  start: number,
  end: number,
): Generator<number, NamedSet, void> {
  const { text } = source;
  const found: { -readonly [K in keyof NamedSet]?: NamedSet[K] } = {};
  let inside = { from: end, to: end };
  yield* statementsInSlices(text, start, end, (from, to) => {
    const equals = /^elements\s*=\s*\{/.exec(text.slice(from, Math.min(to, from + 40)));
    if (equals) {
      const stop = text.charCodeAt(to - 1) === 125 ? to - 1 : to;
      inside = { from: from + equals[0].length, to: stop };
      return;
    }
    const cursor = new Cursor(tokenize(text, from, to));
    const word = cursor.token().text;
    const words = cursor.tokens.slice(1).map((token) => token.text);
    if (word === 'type' || word === 'typeof') {
      const [key, data] = split(words, ':');
      const parts = (list: readonly string[]): string[] => list.join(' ').split(' . ');
      if (word === 'type') found.key = parts(key);
      else found.typeof = parts(key);
      if (data.length > 0) found.data = parts(data.filter((entry) => entry !== 'interval'));
    } else if (word === 'flags') found.flags = words.filter((entry) => entry !== ',');
    else if (word === 'timeout') found.timeout = secondsOrZero(cursor);
    else if (word === 'comment') found.comment = words[0] ?? '';
  });
  const isLong = inside.to - inside.from > LONG;
  const reading = readElements(text, name, inside.from, inside.to);
  const long = isLong ? yield* reading : undefined;
  const read = once(() => long ?? inOneGo(reading));
  return {
    kind,
    name,
    key: found.key ?? [],
    typeof: found.typeof ?? [],
    data: found.data ?? [],
    flags: found.flags ?? [],
    ...(found.comment === undefined ? {} : { comment: found.comment }),
    ...(found.timeout === undefined ? {} : { timeout: found.timeout }),
    place,
    isLong,
    get elements() {
      return read();
    },
  };
}

/** Yields how far it has come, as an offset. */
function* readElements(text: string, name: string, start: number, end: number): Slices<readonly Element[]> {
  const found: Element[] = [];
  for (let at = start; at < end;) {
    const stop = partEnd(text, at, end);
    readPart(new Cursor(tokenize(text, at, stop)), name, found);
    at = stop + 1;
    yield Math.min(at, end);
  }
  return found;
}

/** The first comma between two elements that is far enough from `start`, or `end`. */
function partEnd(text: string, start: number, end: number): number {
  if (end - start <= PART) return end;
  let depth = 0;
  for (let at = start; at < end; at++) {
    const c = text.charCodeAt(at);
    if (c === 123) depth++;
    else if (c === 125) depth--;
    else if (c === 34) at = stringEnd(text, at);
    else if (c === 35 && (at === start || isSpace(text.charCodeAt(at - 1)))) at = lineEnd(text, at);
    else if (c === 44 && depth === 0 && at - start >= PART) return at;
  }
  return end;
}

function readPart(cursor: Cursor, name: string, found: Element[]): void {
  while (!cursor.done) {
    const from = cursor.at;
    try {
      for (const element of elements(cursor)) found.push(element);
      if (!cursor.done) throw new Unreadable('a comma');
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      // Keeps what was read before, steps over the element that can't be.
      cursor.at = Math.max(cursor.at, from + 1);
      const bad = cursor.tokens[Math.min(cursor.at, cursor.tokens.length - 1)]!;
      while (!cursor.done && cursor.peek() !== ',') cursor.at++;
      cursor.skip(',');
      found.push({ key: { kind: 'unknown', text: `${bad.text} (in ${name})` } });
    }
  }
}

function split(words: readonly string[], at: string): [readonly string[], readonly string[]] {
  const index = words.indexOf(at);
  return index < 0 ? [words, []] : [words.slice(0, index), words.slice(index + 1)];
}

function secondsOrZero(cursor: Cursor): number {
  try {
    return duration(cursor);
  } catch {
    return 0;
  }
}

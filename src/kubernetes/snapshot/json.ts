/**
 * JSON with places: where a text stops being JSON and what was expected there, where in the text a value stands, and
 * which elements of a list are whole although the text around them is not. JSON.parse says none of this in a way that is
 * the same in every engine.
 */

export interface JsonFault {
  /** Offset in the text, in UTF-16 units. */
  readonly offset: number;
  /** Such as "a comma or }". */
  readonly expected: string;
}

class Unexpected extends Error {
  readonly offset: number;
  readonly expected: string;
  constructor(offset: number, expected: string) {
    super(expected);
    this.offset = offset;
    this.expected = expected;
  }
}

/** Called for every value with its path, before the value is read. True: go into it; false: only check it. */
type Visit = (path: readonly (string | number)[], start: number) => boolean;

const NEVER: Visit = () => false;
const MAX_DEPTH = 512;

/** Where the text stops being JSON; undefined where it is JSON. */
export function jsonFault(text: string): JsonFault | undefined {
  try {
    const end = space(text, value(text, space(text, 0), [], NEVER));
    if (end < text.length) return { offset: end, expected: 'the end of the file' };
    return undefined;
  } catch (error) {
    if (error instanceof Unexpected) return { offset: error.offset, expected: error.expected };
    throw error;
  }
}

/** The offset of the value at a path, or of the nearest one around it. */
export function locate(text: string, path: readonly (string | number)[]): number {
  let [best, depth] = [0, -1];
  try {
    value(text, space(text, 0), [], (at, start) => {
      const leads = at.length <= path.length && at.every((step, i) => step === path[i]);
      if (leads && at.length > depth) [best, depth] = [start, at.length];
      return leads && at.length < path.length;
    });
  } catch (error) {
    if (!(error instanceof Unexpected)) throw error;
  }
  return best;
}

/** The elements of the list at `path` (an empty path: the text is the list) that come whole before the first fault. */
export function wholeElements(text: string, path: readonly string[]): unknown[] {
  const starts: number[] = [];
  try {
    value(text, space(text, 0), [], (at, start) => {
      const leads = at.length <= path.length && at.every((step, i) => step === path[i]);
      const element = at.length === path.length + 1 && path.every((step, i) => step === at[i]);
      if (element && typeof at.at(-1) === 'number') starts.push(start);
      return leads;
    });
  } catch (error) {
    if (!(error instanceof Unexpected)) throw error;
  }
  const elements: unknown[] = [];
  for (const start of starts)
    try {
      elements.push(JSON.parse(text.slice(start, value(text, start, [], NEVER))));
    } catch {
      break; // the one that the fault is in
    }
  return elements;
}

/** Line and column of an offset, both from 1. */
export function lineOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  let [line, start] = [1, 0];
  for (let next = text.indexOf('\n'); next >= 0 && next < offset; next = text.indexOf('\n', next + 1)) {
    line++;
    start = next + 1;
  }
  return { line, column: offset - start + 1 };
}

function space(text: string, at: number): number {
  for (; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) break;
  }
  return at;
}

const LITERAL = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** The offset behind the value that starts at `at`. */
function value(text: string, at: number, path: readonly (string | number)[], visit: Visit): number {
  if (path.length > MAX_DEPTH) throw new Unexpected(at, `at most ${MAX_DEPTH} levels`);
  const inside = visit(path, at);
  switch (text[at]) {
    case '{':
      return object(text, at, path, inside ? visit : NEVER);
    case '[':
      return list(text, at, path, inside ? visit : NEVER);
    case '"':
      return string(text, at);
    default:
      LITERAL.lastIndex = at;
      if (!LITERAL.test(text)) throw new Unexpected(at, 'a value');
      return LITERAL.lastIndex;
  }
}

function string(text: string, at: number): number {
  if (text[at] !== '"') throw new Unexpected(at, 'a name in quotes');
  for (let i = at + 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x22) return i + 1;
    if (c < 0x20) throw new Unexpected(i, 'a quote that ends the string');
    if (c !== 0x5c) continue;
    ESCAPE.lastIndex = i;
    if (!ESCAPE.test(text)) throw new Unexpected(i, 'an escape such as \\n or \\u00e9');
    i = ESCAPE.lastIndex - 1;
  }
  throw new Unexpected(text.length, 'a quote that ends the string');
}

function object(text: string, at: number, path: readonly (string | number)[], visit: Visit): number {
  at = space(text, at + 1);
  if (text[at] === '}') return at + 1;
  for (;;) {
    const start = at;
    at = string(text, at);
    // Names matter only where somebody looks.
    const name = visit === NEVER ? '' : (JSON.parse(text.slice(start, at)) as string);
    at = space(text, at);
    if (text[at] !== ':') throw new Unexpected(at, 'a colon');
    at = space(text, value(text, space(text, at + 1), [...path, name], visit));
    if (text[at] === '}') return at + 1;
    if (text[at] !== ',') throw new Unexpected(at, 'a comma or }');
    at = space(text, at + 1);
  }
}

function list(text: string, at: number, path: readonly (string | number)[], visit: Visit): number {
  at = space(text, at + 1);
  if (text[at] === ']') return at + 1;
  for (let i = 0; ; i++) {
    at = space(text, value(text, at, [...path, i], visit));
    if (text[at] === ']') return at + 1;
    if (text[at] !== ',') throw new Unexpected(at, 'a comma or ]');
    at = space(text, at + 1);
  }
}

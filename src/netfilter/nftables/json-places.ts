/**
 * Where the elements of nft's JSON array stand in its text, which JSON.parse does not say. The scan is cheap (it looks at brackets
 * and quotes alone) and is made when a place is first asked for, or where the text as a whole is no JSON.
 */

export interface Spans {
  /** Start and end of element i at 2i and 2i+1; only complete elements. */
  readonly offsets: readonly number[];
  /** Whether the closing `]` was there. */
  readonly closed: boolean;
  /** Behind the array's `]` and the object's `}`. */
  readonly end: number;
}

/** Where `{"nftables": [` begins, and where the array's first element may stand; undefined without one. */
export function findArray(text: string): { readonly start: number; readonly inside: number } | undefined {
  const found = /\{\s*"nftables"\s*:\s*\[/.exec(text);
  return found ? { start: found.index, inside: found.index + found[0].length } : undefined;
}

/** Scans from just behind the array's `[`. Never throws. */
export function scan(text: string, inside: number): Spans {
  const offsets: number[] = [];
  let depth = 0;
  let start = -1;
  for (let at = inside; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 34: // "
        at = closingQuote(text, at);
        break;
      case 123: // {
      case 91: // [
        if (depth++ === 0) start = at;
        break;
      case 125: // }
      case 93: // ]
        if (depth === 0) {
          const brace = /\s*\}/y;
          brace.lastIndex = at + 1;
          const found = brace.exec(text);
          return { offsets, closed: true, end: at + 1 + (found?.[0].length ?? 0) };
        }
        if (--depth === 0) offsets.push(start, at + 1);
        break;
    }
  }
  return { offsets, closed: false, end: text.length };
}

function closingQuote(text: string, open: number): number {
  for (let at = text.indexOf('"', open + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === 92) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return text.length;
}

/** The line, from 1, that each of these rising offsets stands on. */
export function linesOf(text: string, offsets: readonly number[]): readonly number[] {
  const lines: number[] = [];
  let line = 1;
  let next = text.indexOf('\n');
  for (const offset of offsets) {
    while (next >= 0 && next < offset) {
      line++;
      next = text.indexOf('\n', next + 1);
    }
    lines.push(line);
  }
  return lines;
}

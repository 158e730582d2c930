/**
 * nft's words. Its own scanner changes with what stands before; here a word is whatever has no white space, bracket or
 * operator in it, and the parser takes "10.0.0.1-10.0.0.9:80-90" or "service-ULMVA6XW-ns1/svc1/tcp/p80" apart by what it
 * expects there.
 */

import { inOneGo } from '../slices.ts';

export interface Token {
  readonly kind: 'word' | 'string' | 'punctuation';
  /** Without the quotes of a string. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const TOKEN = /\s+|#[^\n]*|"([^"\n]*)"?|<<|>>|<=|>=|==|!=|[{}(),;<>=!&|^]|[^\s{}(),;<>=!&|^"#][^\s{}(),;<>=!&|^"]*/y;

/** Tokens of text[start, end). White space and `# …` notes (nft -a's handles) are left out. */
export function tokenize(text: string, start: number, end: number): Token[] {
  const tokens: Token[] = [];
  let at = start;
  while (at < end) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    // Every character is white space, starts a note, a string, an operator or a word, so something always matches.
    const length = Math.min(found ? found[0].length : 1, end - at);
    const first = text.charCodeAt(at);
    const piece = text.slice(at, at + length);
    if (first === 34) {
      tokens.push({ kind: 'string', text: piece.slice(1).replace(/"$/, ''), start: at, end: at + length });
    } else if (first !== 35 && piece.trim() !== '') {
      const kind = PUNCTUATION.test(piece) ? 'punctuation' : 'word';
      tokens.push({ kind, text: piece, start: at, end: at + length });
    }
    at += length;
  }
  return tokens;
}

const PUNCTUATION = /^[{}(),;<>=!&|^]/;

/**
 * The offset behind the `}` that closes the block whose `{` stands just before `from`; -1 where the text ends first.
 * Braces in strings and notes don't count.
 */
export function blockEnd(text: string, from: number): number {
  const scan = { at: from, depth: 1 };
  scanBlock(text, scan, text.length);
  return scan.depth === 0 ? scan.at : -1;
}

/** So many characters are looked at in one go: some milliseconds. */
const SLICE = 500_000;

/** The same for a block that may be a hundred megabytes long: yields how far it has come. */
export function* blockEndInSlices(text: string, from: number): Generator<number, number, void> {
  const scan = { at: from, depth: 1 };
  while (scan.depth > 0 && scan.at < text.length) {
    scanBlock(text, scan, Math.min(text.length, scan.at + SLICE));
    if (scan.depth > 0) yield scan.at;
  }
  return scan.depth === 0 ? scan.at : -1;
}

/** Goes on to `until`, or to behind the bracket that closes the block. */
function scanBlock(text: string, scan: { at: number; depth: number }, until: number): void {
  let { at, depth } = scan;
  for (; at < until && depth > 0; at++) {
    switch (text.charCodeAt(at)) {
      case 123: // {
        depth++;
        break;
      case 125: // }
        depth--;
        break;
      case 34: // "
        at = stringEnd(text, at);
        break;
      case 35: // #
        if (at === 0 || isSpace(text.charCodeAt(at - 1))) at = lineEnd(text, at);
        break;
    }
  }
  scan.at = at;
  scan.depth = depth;
}

/** The offset of the quote that closes the string opened at `at`, or of the line's end. */
export function stringEnd(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 34 || c === 10) return i;
  }
  return text.length;
}

export function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13) || code === 0xfeff || code === 0xa0;
}

/** The offset of the line break at or behind `at`, or the text's end. */
export function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

/** Calls `each` for every statement of a block: what stands between line breaks and semicolons outside of brackets. */
export function eachStatement(
  text: string,
  start: number,
  end: number,
  each: (start: number, end: number) => void,
): void {
  inOneGo(statementsInSlices(text, start, end, each));
}

/** The same where a statement may be a megabyte long: yields how far it has come. */
export function* statementsInSlices(
  text: string,
  start: number,
  end: number,
  each: (start: number, end: number) => void,
): Generator<number, void, void> {
  let depth = 0;
  let from = start;
  let told = start;
  const close = (to: number): void => {
    let [low, high] = [from, to];
    while (low < high && isSpace(text.charCodeAt(low))) low++;
    while (high > low && isSpace(text.charCodeAt(high - 1))) high--;
    if (low < high && text.charCodeAt(low) !== 35) each(low, high);
  };
  for (let at = start; at < end; at++) {
    const c = text.charCodeAt(at);
    if (c === 123) depth++;
    else if (c === 125) depth = Math.max(0, depth - 1);
    else if (c === 34) {
      at = stringEnd(text, at);
      if (text.charCodeAt(at) === 10) at--; // an unclosed string ends with its line
    } else if (c === 35 && (at === start || isSpace(text.charCodeAt(at - 1)))) at = lineEnd(text, at) - 1;
    else if (c === 10 || c === 59) {
      if (depth === 0) {
        close(at);
        from = at + 1;
      }
      if (at - told > SLICE) yield (told = at);
    }
  }
  close(end);
}

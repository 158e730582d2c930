/**
 * Where the elements of nft's JSON array stand in its text, found piece by piece: JSON.parse, which reads them, neither says where they stand nor
 * stops in between, and a big node's array has hundreds of megabytes. Looks at brackets and quotes alone.
 */

/** Where `{"nftables": [` begins, and where the array's first element may stand. */
export interface ArrayStart {
  readonly start: number;
  readonly inside: number;
  /** Of an array whose beginning is lost: at its first whole element. */
  readonly lost: boolean;
}

/** The list of a big set's elements: where it stands, without its brackets, and some commas between its members. */
export interface LongList {
  readonly from: number;
  readonly to: number;
  /** Rising, some ten thousand characters apart. */
  readonly cuts: readonly number[];
}

/** So many characters are scanned in one go, and read by JSON.parse: a millisecond or two. */
const STEP = 128 * 1024;
/** Behind a break the next one is looked for soon. */
const SHORT_STEP = 2 * 1024;
/** A list of this length is cut, into parts of about this length. */
const LONG_LIST = 64 * 1024;

/**
 * How nft begins an element. It can stand nowhere inside of one: a string would have its quotes escaped. Where a bracket or a quote was lost, it
 * shows where the next element begins.
 */
const HEAD =
  /\{\s*"(?:table|chain|rule|set|map|element|flowtable|counter|quota|limit|secmark|synproxy|ct [a-z]+)"\s*:\s*\{\s*"family"/;
/** How the array begins, or where that is lost, an element. */
export const ARRAY = new RegExp(`\\{\\s*"nftables"\\s*:\\s*\\[|${HEAD.source}`);

/** undefined where there is neither an array nor an element. */
export function findArray(text: string): ArrayStart | undefined {
  const found = ARRAY.exec(text);
  if (!found) return undefined;
  const lost = !found[0].endsWith('[');
  return { start: found.index, inside: found.index + (lost ? 0 : found[0].length), lost };
}

/** Longer than what HEAD finds, unless somebody has added lots of blanks. */
const HEAD_LENGTH = 200;

export class JsonScan {
  /** Start and end of element i at 2i and 2i+1; only complete elements. */
  readonly offsets: number[];
  /** By the element's number. */
  readonly longLists = new Map<number, LongList>();
  /** Whether the closing `]` was there. */
  closed = false;
  /** Where. */
  bracket = -1;
  /** How far it has come; in the end, behind the array's `]` and the object's `}`. */
  at: number;
  readonly #text: string;
  readonly #broken: (from: number, to: number) => void;
  #depth = 0;
  #start = -1;
  /** Where the last string ends. */
  #quote = -1;
  #step = STEP;
  /** Up to here no element begins inside of the open one. */
  #checked: number;
  /** The inside of the list of elements that is open, or was: from is -1 without one. */
  #list = { from: -1, to: -1, cuts: [] as number[] };

  /**
   * @param offsets is filled with the elements' places
   * @param broken is told what is skipped, up to where the next element begins
   */
  constructor(text: string, inside: number, offsets: number[], broken: (from: number, to: number) => void) {
    this.#text = text;
    this.offsets = offsets;
    this.at = this.#checked = inside;
    this.#broken = broken;
  }

  get done(): boolean {
    return this.closed || this.at >= this.#text.length;
  }

  /** Scans some more. */
  on(): void {
    this.#scan(Math.min(this.#text.length, this.at + this.#step));
    this.#step = Math.min(STEP, this.#step * 2);
    if (!this.closed) this.#lookForHead();
  }

  /** Forgets the element of this number, which is no JSON, and all behind it, and goes on where the next one begins inside of it, if one does. */
  again(index: number): boolean {
    const [from, to] = [this.offsets[2 * index]!, this.offsets[2 * index + 1]!];
    const head = this.#head(from + 1, to);
    if (head < 0) return false;
    this.offsets.length = 2 * index;
    for (const later of [...this.longLists.keys()]) if (later >= index) this.longLists.delete(later);
    this.closed = false;
    this.#goOn(from, head);
    return true;
  }

  #scan(until: number): void {
    const text = this.#text;
    let depth = this.#depth;
    let at = this.at;
    for (; at < until; at++) {
      switch (text.charCodeAt(at)) {
        case 34: // "
          at = this.#quote = closingQuote(text, at);
          break;
        case 123: // {
        case 91: // [
          if (depth === 0) {
            this.#start = this.#checked = at;
            this.#list = { from: -1, to: -1, cuts: [] };
          } else if (depth === 2 && this.#list.from < 0 && isElements(text, this.#quote, at)) this.#list.from = at + 1;
          depth++;
          break;
        case 44: // ,
          if (depth === 3) this.#comma(at);
          break;
        case 125: // }
        case 93: // ]
          if (depth === 0) {
            this.at = at;
            this.#depth = 0;
            this.#close();
            return;
          }
          depth--;
          if (depth === 2 && this.#list.from >= 0 && this.#list.to < 0) this.#list.to = at;
          else if (depth === 0) this.#found(at + 1);
          break;
      }
    }
    this.at = Math.min(at, text.length);
    this.#depth = depth;
  }

  #comma(at: number): void {
    const { from, to, cuts } = this.#list;
    if (from >= 0 && to < 0 && at - (cuts.at(-1) ?? from) >= LONG_LIST) cuts.push(at);
  }

  #found(end: number): void {
    const { from, to, cuts } = this.#list;
    if (to >= 0 && cuts.length > 0) this.longLists.set(this.offsets.length / 2, { from, to, cuts });
    this.offsets.push(this.#start, end);
    this.#start = -1;
    this.#checked = end;
  }

  /** A bracket closes what was not opened: the array, or one that is too many. */
  #close(): void {
    const { at } = this;
    const text = this.#text;
    const behind = /\s*\}/y;
    behind.lastIndex = at + 1;
    const brace = text.charCodeAt(at) === 93 ? behind.exec(text) : null;
    const end = at + 1 + (brace?.[0].length ?? 0);
    // The array's own end has no element behind it, and is believed if it is a whole one.
    const reach = brace ? end + HEAD_LENGTH : text.length;
    const head = this.#head(end, Math.min(text.length, reach));
    if (head >= 0 && (!brace || /^\s*,\s*$/.test(text.slice(end, head)))) this.#goOn(at, head);
    else {
      this.closed = true;
      this.bracket = at;
      this.at = end;
    }
  }

  #lookForHead(): void {
    const open = this.#depth > 0;
    // What stands between two elements cannot be one, unless a quote turned the texts inside out.
    const from = Math.max(open ? this.#start + 1 : (this.offsets.at(-1) ?? 0), this.#checked);
    const head = this.#head(from, this.at);
    this.#checked = Math.max(from, this.at - HEAD_LENGTH);
    if (head >= 0) this.#goOn(open ? this.#start : from, head);
  }

  #head(from: number, to: number): number {
    if (to - from < 20) return -1;
    const found = HEAD.exec(this.#text.slice(from, to));
    return found ? from + found.index : -1;
  }

  #goOn(broken: number, head: number): void {
    this.#broken(broken, head);
    this.at = this.#checked = head;
    this.#depth = 0;
    this.#start = -1;
    this.#step = SHORT_STEP;
  }
}

/** Whether the string that ends with this quote is the key "elem" of the list that opens at `bracket`. */
function isElements(text: string, quote: number, bracket: number): boolean {
  if (quote < 6 || !text.startsWith('"elem"', quote - 5) || text.charCodeAt(quote - 6) === 92) return false;
  return /^\s*:\s*$/.test(text.slice(quote + 1, Math.min(bracket, quote + HEAD_LENGTH)));
}

function closingQuote(text: string, open: number): number {
  for (let at = text.indexOf('"', open + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === 92) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return text.length;
}

import type { Place } from '../outcome.ts';
import type { ReadingProblem } from './ruleset.ts';

/** So many problems are told: a text that is no dump at all has one in each line. */
const TOLD = 1000;

/** What the reading of one text has in common: offsets are turned to places, problems are kept. */
export class TextSource {
  readonly text: string;
  readonly dump: string;
  readonly problems: ReadingProblem[] = [];
  /** False where the text ends before it should. */
  complete = true;
  /** Where the line of the last place begins: they are mostly asked for in rising order. */
  #known = { offset: 0, line: 1 };

  constructor(text: string, dump: string) {
    this.text = text;
    this.dump = dump;
  }

  /** From 1. `near` is a place before it, where the last one asked for is not. */
  line(offset: number, near?: { readonly start: number; readonly line: number }): number {
    if (near) this.#known = { offset: near.start, line: near.line };
    else if (offset < this.#known.offset) this.#known = { offset: 0, line: 1 };
    let { offset: at, line } = this.#known;
    for (;;) {
      const next = this.text.indexOf('\n', at);
      if (next < 0 || next >= offset) break;
      at = next + 1;
      line++;
    }
    this.#known = { offset: at, line };
    return line;
  }

  place(start: number, end: number): Place {
    return { dump: this.dump, line: this.line(start), start, end };
  }

  problem(start: number, end: number, message: string, advice: string): void {
    if (this.problems.length < TOLD) this.problems.push({ place: this.place(start, end), message, advice });
  }

  /** A block whose end is there, or not (-1): where its inside ends, and where it itself does. */
  block(end: number, what: string): { readonly inner: number; readonly end: number } {
    if (end >= 0) return { inner: end - 1, end };
    const { length } = this.text;
    if (this.complete)
      this.problem(
        length,
        length,
        `The dump ends inside of ${what}: a closing "}" was expected.`,
        'Record the node again; until then rules behind this line are missing.',
      );
    this.complete = false;
    return { inner: length, end: length };
  }

  /** Whether something is broken because the dump ends there, which is told already. */
  cutOff(end: number): boolean {
    return !this.complete && this.text.slice(end).trim() === '';
  }
}

export function unquote(text: string): string {
  return text.replace(/^"|"$/g, '');
}

/** A document as it grows, line by line, with the pieces that lead to a rule. */
import type { Place } from '../netfilter/outcome.ts';

/** A piece of a line that leads to a rule. */
export interface NarrativeLink {
  /** From 0, as are the columns; `end` is behind the last. */
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly node: string;
  readonly place: Place;
}

export interface Narrative {
  readonly text: string;
  readonly links: readonly NarrativeLink[];
}

export type Piece = string | { readonly words: string; readonly place: Place };

export class Sheet {
  readonly #lines: string[] = [];
  readonly #links: NarrativeLink[] = [];
  readonly #node: string;

  constructor(node: string) {
    this.#node = node;
  }

  line(...pieces: readonly Piece[]): void {
    let text = '';
    for (const piece of pieces) {
      if (typeof piece === 'string') {
        text += piece;
        continue;
      }
      const start = text.length;
      text += piece.words;
      this.#links.push({ line: this.#lines.length, start, end: text.length, node: this.#node, place: piece.place });
    }
    this.#lines.push(text.trimEnd());
  }

  done(): Narrative {
    return { text: `${this.#lines.join('\n')}\n`, links: this.#links };
  }
}

/** At the spaces, so that no line is longer than `width`, as far as words allow. */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

export function clipped(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

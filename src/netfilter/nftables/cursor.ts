import type { Token } from './tokens.ts';

/** Thrown inside the text reader alone, where a statement cannot be read; the rule keeps it as unknown. */
export class Unreadable extends Error {}

/** What is nested deeper is no rule: the kernel's have 128 expressions at most (NFT_RULE_MAXEXPRS in net/netfilter/nf_tables_api.c). */
export const DEEPEST = 128;

/** A place in a rule's words. */
export class Cursor {
  at = 0;
  #depth = 0;
  readonly tokens: readonly Token[];

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  get done(): boolean {
    return this.at >= this.tokens.length;
  }

  /** The next word or bracket, '' at the end and where a quoted string stands. */
  peek(ahead = 0): string {
    const token = this.tokens[this.at + ahead];
    return token && token.kind !== 'string' ? token.text : '';
  }

  token(): Token {
    const token = this.tokens[this.at];
    if (!token) throw new Unreadable('the rule ends here');
    this.at++;
    return token;
  }

  /** The next word or string. */
  word(): string {
    const token = this.token();
    if (token.kind === 'punctuation') throw new Unreadable(`a word instead of ${token.text}`);
    return token.text;
  }

  /** Reads what may hold more of its own kind. */
  nested<T>(read: () => T): T {
    if (this.#depth >= DEEPEST) throw new Unreadable('less brackets in brackets');
    this.#depth++;
    try {
      return read();
    } finally {
      this.#depth--;
    }
  }

  /** Steps over the next word if it is this one. */
  skip(text: string): boolean {
    if (this.peek() !== text) return false;
    this.at++;
    return true;
  }

  expect(text: string): void {
    if (!this.skip(text)) throw new Unreadable(`${text} instead of ${this.tokens[this.at]?.text ?? 'the end'}`);
  }

  number(): number {
    const text = this.word();
    const value = numberOf(text);
    if (value === undefined) throw new Unreadable(`a number instead of ${text}`);
    return value;
  }
}

export function numberOf(text: string): number | undefined {
  if (!/^(\d+|0x[0-9a-fA-F]+)$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

const DURATION = /^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** "2h59m59s996ms" in whole seconds, as nft's JSON gives it. */
export function durationOf(text: string): number | undefined {
  const found = text === '' ? null : DURATION.exec(text);
  if (!found) return undefined;
  const [weeks, days, hours, minutes, seconds] = found.slice(1).map((part) => Number(part ?? 0));
  return (((weeks! * 7 + days!) * 24 + hours!) * 60 + minutes!) * 60 + seconds!;
}

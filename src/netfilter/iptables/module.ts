import type { Branch, Spot } from '../evaluation.ts';
import type { Family } from '../address.ts';
import type { Place } from '../outcome.ts';
import type { State } from '../state.ts';
import type { Test } from './answer.ts';
import type { Token } from './tokens.ts';

/** One option of a match or target: "! --dport 80". */
export interface Option {
  /** With its dashes: "--dport". */
  readonly name: string;
  readonly negated: boolean;
  readonly values: readonly Token[];
  readonly token: Token;
}

/** What a rule says around a match or target. */
export interface Context {
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  /** From -p, without "!": "tcp", "ipv6-icmp"; undefined where the rule has none. */
  readonly protocol: string | undefined;
  readonly place: Place;
  /** The text of this match or target, for words: "-m limit --limit 5/min". */
  readonly words: string;
}

/** How well a trace knows what a match or target does; the documentation's table is made of this. */
export type Knowledge =
  /** From packet, node and dump alone. */
  | 'decided'
  /** By chance, with its weight. */
  | 'split'
  /** From them where they tell, else both ways are followed. */
  | 'partly'
  /** Both ways are followed. */
  | 'unknown';

export interface MatchModule {
  /** The names after -m that it answers to. */
  readonly names: readonly string[];
  readonly knowledge: Knowledge;
  /** For the documentation, one line: what decides it, or what is asked of the user. */
  readonly about: string;
  /** Options without a value, and those with two; all others have one. */
  readonly flags?: readonly string[];
  readonly pairs?: readonly string[];
  /** A text instead of a test: what is wrong with the options. */
  compile(options: readonly Option[], context: Context): Test | string;
}

/** What a target does with a packet that the rule's matches let through. `chance` of a branch is its share among this target's own. */
export type Action = (state: State, spot: Spot) => readonly Branch[];

export interface TargetModule {
  readonly names: readonly string[];
  readonly knowledge: Knowledge;
  readonly about: string;
  readonly flags?: readonly string[];
  readonly pairs?: readonly string[];
  compile(options: readonly Option[], context: Context, name: string): Action | string;
}

export function optionOf(options: readonly Option[], ...names: readonly string[]): Option | undefined {
  return options.find((option) => names.includes(option.name));
}

export function valueOf(options: readonly Option[], ...names: readonly string[]): string | undefined {
  return optionOf(options, ...names)?.values[0]?.text;
}

/** "0x4000" or "16384", 32 bits unsigned; undefined where it is no number. */
export function parseNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^(0[xX][0-9a-fA-F]{1,8}|\d{1,10})$/.test(text)) return undefined;
  const value = Number(text);
  return value <= 0xffffffff ? value : undefined;
}

/** "0x1/0xff"; the mask is all ones where there is none. */
export function parseMasked(text: string | undefined): { readonly value: number; readonly mask: number } | undefined {
  const [first, second, more] = (text ?? '').split('/');
  const value = parseNumber(first);
  const mask = second === undefined ? 0xffffffff : parseNumber(second);
  return value === undefined || mask === undefined || more !== undefined ? undefined : { value, mask };
}

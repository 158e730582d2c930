import type { Place } from '../outcome.ts';
import type { Base, Chain, Table } from '../program.ts';
import { decodeRule, type IptablesRule } from './decode.ts';
import { afterCounters, type ScannedChain, type ScannedTable } from './scan.ts';

/** What a chain needs of its dump and table to decode its rules. */
export interface ChainSource {
  readonly text: string;
  readonly dump: string;
  readonly scanned: ScannedTable;
}

/** A class, since a big node has 300,000 of them: methods are shared, and a chain weighs some words. */
export class IptablesChain implements Chain {
  readonly table: Table;
  readonly name: string;
  readonly base?: Base;
  readonly #source: ChainSource;
  readonly #scanned: ScannedChain;
  #rules: (IptablesRule | undefined)[] | undefined;

  constructor(table: Table, scanned: ScannedChain, source: ChainSource, base: Base | undefined) {
    this.table = table;
    this.name = scanned.name;
    if (base) this.base = base;
    this.#source = source;
    this.#scanned = scanned;
  }

  get length(): number {
    return this.#scanned.count;
  }

  get place(): Place {
    const { line, start } = this.#scanned;
    return { dump: this.#source.dump, line, start, end: endOfLine(this.#source.text, start) };
  }

  rule(index: number): IptablesRule {
    this.#rules ??= [];
    return (this.#rules[index] ??= this.#decode(index));
  }

  /** The rule's text, undecoded. */
  ruleText(index: number): string {
    const { text } = this.#source;
    const start = this.#source.scanned.starts[this.#at(index)]!;
    const end = endOfLine(text, start);
    return text.slice(text.charCodeAt(start) === 91 ? afterCounters(text, start, end) : start, end);
  }

  #at(index: number): number {
    return this.#scanned.scattered ? this.#scanned.scattered[index]! : this.#scanned.first + index;
  }

  #decode(index: number): IptablesRule {
    const { text, dump, scanned } = this.#source;
    const at = this.#at(index);
    return decodeRule({
      text,
      dump,
      family: scanned.family,
      table: scanned.name,
      chain: this.name,
      line: scanned.lines[at]!,
      start: scanned.starts[at]!,
      isChain: (name) => this.table.chains.has(name),
    });
  }
}

function endOfLine(text: string, start: number): number {
  const newline = text.indexOf('\n', start);
  const end = newline < 0 ? text.length : newline;
  return end > start && text.charCodeAt(end - 1) === 13 ? end - 1 : end;
}

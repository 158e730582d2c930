/**
 * Chains, rules and sets of `nft -j`: a dump has a million of which a trace meets twenty, so what is not asked for is not made, and what is, is read from
 * the text again, which takes less room than what JSON.parse makes of it.
 */
import type { Place } from '../outcome.ts';
import { jsonAt, type JsonElements } from './json-elements.ts';
import { element, isList, strings, textOf, type JsonObject } from './json-expressions.ts';
import { statement } from './json-statements.ts';
import { printRule } from './print.ts';
import type { BaseChain, Chain, Element, NamedSet, NftFamily, Rule, Statement } from './ruleset.ts';

/** The array of the dump, and where its elements stand. */
export interface JsonDump {
  readonly elements: JsonElements;
  place(index: number): Place;
}

/** A chain of more rules takes milliseconds to be looked through. */
const LONG_CHAIN = 1000;

/** Known from its own element, or from the first rule that is in it, whichever comes first. */
export class JsonChain implements Chain {
  readonly name: string;
  private readonly dump: JsonDump;
  private readonly family: NftFamily;
  private index = -1;
  private hook: BaseChain | undefined;
  /** Where its rules are in the array: nft lists them in a row … */
  private first = -1;
  private count = 0;
  /** … and where they are not in a row: all of them. */
  private scattered: number[] | undefined;
  private known: readonly Rule[] | undefined;

  constructor(dump: JsonDump, family: NftFamily, name: string) {
    this.dump = dump;
    this.family = family;
    this.name = name;
  }

  /** `index`: where the chain itself stands in the array. */
  declare(index: number, base: BaseChain | undefined): void {
    this.index = index;
    this.hook = base;
  }

  add(index: number): void {
    if (this.count === 0) this.first = index;
    else if (this.scattered) this.scattered.push(index);
    else if (this.first + this.count !== index) this.scattered = [...this.indexes(), index];
    this.count++;
  }

  private indexes(): readonly number[] {
    return this.scattered ?? Array.from({ length: this.count }, (_, i) => this.first + i);
  }

  get base(): BaseChain | undefined {
    return this.hook;
  }

  get place(): Place {
    return this.dump.place(this.index >= 0 ? this.index : this.first);
  }

  get isLong(): boolean {
    return this.count > LONG_CHAIN;
  }

  get rules(): readonly Rule[] {
    return (this.known ??= this.indexes().map((index) => new JsonRule(this.dump, this.family, index)));
  }
}

class JsonRule implements Rule {
  private readonly dump: JsonDump;
  private readonly family: NftFamily;
  private readonly index: number;
  private known: { readonly statements: readonly Statement[]; readonly comment: string | undefined } | undefined;
  private printed: string | undefined;

  constructor(dump: JsonDump, family: NftFamily, index: number) {
    this.dump = dump;
    this.family = family;
    this.index = index;
  }

  private read(): NonNullable<JsonRule['known']> {
    if (this.known) return this.known;
    const { expr, comment } = jsonAt(this.dump.elements, this.index, 'rule');
    // Something else than a list may be any statement: it is kept as one that cannot be read.
    const parts = isList(expr) ? expr : expr === undefined ? [] : [expr];
    const statements = parts.map((part) => statement(part, this.family));
    return (this.known = { statements, comment: typeof comment === 'string' ? comment : undefined });
  }

  get place(): Place {
    return this.dump.place(this.index);
  }

  get statements(): readonly Statement[] {
    return this.read().statements;
  }

  get comment(): string | undefined {
    return this.read().comment;
  }

  get text(): string {
    return (this.printed ??= printRule(this));
  }

  get packets(): number | undefined {
    for (const part of this.statements) if (part.kind === 'counter') return part.packets;
    return undefined;
  }
}

export class JsonSet implements NamedSet {
  readonly kind: 'set' | 'map';
  readonly name: string;
  readonly key: readonly string[];
  readonly typeof: readonly string[] = [];
  readonly data: readonly string[];
  readonly flags: readonly string[];
  readonly comment?: string;
  readonly timeout?: number;
  readonly isLong: boolean;
  private readonly dump: JsonDump;
  private readonly index: number;
  private known: readonly Element[] | undefined;

  /** `elements`: where they are known already. */
  constructor(
    dump: JsonDump,
    kind: 'set' | 'map',
    json: JsonObject,
    index: number,
    elements: readonly Element[] | undefined,
  ) {
    const { name, type, map, flags, comment, timeout } = json;
    this.kind = kind;
    this.name = String(name);
    // Newer releases write {"typeof": …} where the set was declared by `typeof`.
    this.key = strings(type);
    this.data = typeof map === 'string' ? map.split(' . ') : strings(map);
    this.flags = strings(flags);
    if (typeof comment === 'string') this.comment = comment;
    if (typeof timeout === 'number') this.timeout = timeout;
    this.isLong = elements !== undefined;
    this.dump = dump;
    this.index = index;
    this.known = elements;
  }

  get place(): Place {
    return this.dump.place(this.index);
  }

  get elements(): readonly Element[] {
    if (this.known) return this.known;
    const { elem } = jsonAt(this.dump.elements, this.index, this.kind);
    if (elem === undefined || isList(elem)) return (this.known = (elem ?? []).map(element));
    // May be any element.
    return (this.known = [{ key: { kind: 'unknown', text: textOf(elem) } }]);
  }
}

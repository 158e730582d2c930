/** Chains and rules of `nft -j`: a dump has tens of thousands of which a trace meets twenty, so what is not asked for is not made. */
import type { Place } from '../outcome.ts';
import { isList, type Json, type JsonObject } from './json-expressions.ts';
import { statement } from './json-statements.ts';
import { printRule } from './print.ts';
import type { BaseChain, Chain, NftFamily, Rule, Statement } from './ruleset.ts';

/** The array of the dump, and where its elements stand. */
export interface JsonList {
  readonly list: readonly Json[];
  place(index: number): Place;
}

export class JsonChain implements Chain {
  readonly name: string;
  readonly base?: BaseChain;
  private readonly from: JsonList;
  private readonly family: NftFamily;
  private readonly index: number;
  private readonly indexes: ReadonlyMap<string, readonly number[]>;
  private known: readonly Rule[] | undefined;

  /** `index`: where the chain itself stands in the array; `indexes`: where the rules of each chain do. */
  constructor(
    from: JsonList,
    family: NftFamily,
    name: string,
    index: number,
    base: BaseChain | undefined,
    indexes: ReadonlyMap<string, readonly number[]>,
  ) {
    this.from = from;
    this.family = family;
    this.name = name;
    this.index = index;
    this.indexes = indexes;
    if (base) this.base = base;
  }

  get place(): Place {
    return this.from.place(this.index);
  }

  get rules(): readonly Rule[] {
    return (this.known ??= (this.indexes.get(this.name) ?? []).map(
      (index) => new JsonRule(this.from, this.family, index),
    ));
  }
}

class JsonRule implements Rule {
  readonly comment?: string;
  private readonly from: JsonList;
  private readonly family: NftFamily;
  private readonly index: number;
  private readonly expr: Json | undefined;
  private known: readonly Statement[] | undefined;
  private printed: string | undefined;

  constructor(from: JsonList, family: NftFamily, index: number) {
    this.from = from;
    this.family = family;
    this.index = index;
    const { expr, comment } = (from.list[index] as JsonObject)['rule'] as JsonObject;
    this.expr = expr;
    if (typeof comment === 'string') this.comment = comment;
  }

  get place(): Place {
    return this.from.place(this.index);
  }

  get statements(): readonly Statement[] {
    return (this.known ??= isList(this.expr) ? this.expr.map((part) => statement(part, this.family)) : []);
  }

  get text(): string {
    return (this.printed ??= printRule({ statements: this.statements, comment: this.comment }));
  }

  get packets(): number | undefined {
    for (const part of this.statements) if (part.kind === 'counter') return part.packets;
    return undefined;
  }
}

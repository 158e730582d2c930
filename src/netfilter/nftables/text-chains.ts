/** Chains of `nft list ruleset`: their own lines are read with the table, their rules when they are first looked at. */
import type { Place } from '../outcome.ts';
import { parsePriority } from './priority.ts';
import type { BaseChain, Chain, NftFamily, Rule, Statement } from './ruleset.ts';
import { readRule, type RuleBody } from './statements.ts';
import { unquote, type TextSource } from './text-source.ts';
import { eachStatement, isSpace, lineEnd, tokenize, type Token } from './tokens.ts';

/** To look through so many characters of rules takes milliseconds. */
const LONG = 200_000;

/** A class, since a big node has 300,000 of them: a chain weighs some words. */
export class TextChain implements Chain {
  readonly name: string;
  readonly base?: BaseChain;
  readonly #source: TextSource;
  /** Rules of iptables in nft's words. */
  readonly #translated: boolean;
  readonly #line: number;
  readonly #start: number;
  readonly #end: number;
  /** Where its rules begin, and where they end. */
  readonly #from: number;
  readonly #to: number;
  #rules: readonly Rule[] | undefined;

  /** `start` and `end` are those of the chain, `inner` and `to` those of what stands between its brackets. */
  constructor(
    source: TextSource,
    of: { readonly family: NftFamily; readonly name: string; readonly translated: boolean },
    {
      start,
      end,
      inner,
      to,
    }: { readonly start: number; readonly end: number; readonly inner: number; readonly to: number },
  ) {
    this.name = of.name;
    this.#source = source;
    this.#translated = of.translated;
    this.#line = source.line(start);
    this.#start = start;
    this.#end = end;
    const { base, from } = header(source, of, inner, to);
    if (base) this.base = base;
    this.#from = from;
    this.#to = to;
  }

  get place(): Place {
    return { dump: this.#source.dump, line: this.#line, start: this.#start, end: this.#end };
  }

  get isLong(): boolean {
    return this.#to - this.#from > LONG;
  }

  get rules(): readonly Rule[] {
    return (this.#rules ??= this.#read());
  }

  #read(): readonly Rule[] {
    const source = this.#source;
    const { text } = source;
    const rules: Rule[] = [];
    // Chains are read in any order: lines are counted from their own.
    let near: { readonly start: number; readonly line: number } | undefined = { start: this.#start, line: this.#line };
    eachStatement(text, this.#from, this.#to, (from, to) => {
      // Blanks beyond ASCII may be all that there is.
      if (text.charCodeAt(from) > 127 && tokenize(text, from, to).length === 0) return;
      rules.push(new TextRule(source, from, to, source.line(from, near), this.#translated));
      near = undefined;
    });
    return rules;
  }
}

class TextRule implements Rule {
  readonly #source: TextSource;
  readonly #start: number;
  readonly #to: number;
  readonly #line: number;
  readonly #translated: boolean;
  #body: RuleBody | undefined;
  /** Behind its last word: a note with its handle may follow. */
  #end = -1;

  constructor(source: TextSource, start: number, to: number, line: number, translated: boolean) {
    this.#source = source;
    this.#start = start;
    this.#to = to;
    this.#line = line;
    this.#translated = translated;
  }

  #tokens(): Token[] {
    return tokenize(this.#source.text, this.#start, this.#to);
  }

  #wordsEnd(): number {
    if (this.#end < 0) this.#end = this.#tokens().at(-1)?.end ?? this.#to;
    return this.#end;
  }

  #read(): RuleBody {
    if (this.#body) return this.#body;
    const { text } = this.#source;
    const tokens = this.#tokens();
    const body = readRule(text, tokens);
    this.#end = tokens.at(-1)?.end ?? this.#to;
    const lost = this.#translated && text.charCodeAt(this.#end) === 32;
    return (this.#body = lost ? withTarget(body) : body);
  }

  get place(): Place {
    return { dump: this.#source.dump, line: this.#line, start: this.#start, end: this.#wordsEnd() };
  }

  get text(): string {
    const text = this.#source.text.slice(this.#start, this.#wordsEnd());
    if (!text.includes('\n')) return text;
    return text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .join(' ');
  }

  get statements(): readonly Statement[] {
    return this.#read().statements;
  }

  get comment(): string | undefined {
    return this.#read().comment;
  }

  get packets(): number | undefined {
    for (const statement of this.statements) if (statement.kind === 'counter') return statement.packets;
    return undefined;
  }
}

/**
 * nft lists an extension of iptables as what iptables' own translation makes of it. That may be nothing, between its two blanks: a rule with a
 * blank behind its last word has lost its target.
 */
function withTarget(body: RuleBody): RuleBody {
  const last = body.statements.at(-1);
  if (last && /^(verdict|nat|reject|xt|vmap)$/.test(last.kind)) return body;
  return { ...body, statements: [...body.statements, { kind: 'xt', type: 'target', name: '' }] };
}

const OWN_LINE = /(?:type|policy|comment|flags)\b/y;

/** The chain's own lines stand first; a rule can begin with none of their words. */
function header(
  source: TextSource,
  of: { readonly family: NftFamily; readonly name: string },
  start: number,
  end: number,
): { readonly base: BaseChain | undefined; readonly from: number } {
  const { text } = source;
  let base: BaseChain | undefined;
  let at = start;
  for (;;) {
    while (at < end) {
      const c = text.charCodeAt(at);
      // `nft -a` notes the chain's handle behind its bracket
      if (c === 35) at = lineEnd(text, at);
      else if (c === 59 || isSpace(c)) at++;
      else break;
    }
    OWN_LINE.lastIndex = at;
    if (at >= end || !OWN_LINE.test(text)) break;
    const stop = Math.min(end, statementEnd(text, at, end));
    base = headerLine(source, of, base, at, stop);
    at = stop + 1;
  }
  return { base, from: Math.min(at, end) };
}

function headerLine(
  source: TextSource,
  { family, name }: { readonly family: NftFamily; readonly name: string },
  base: BaseChain | undefined,
  start: number,
  end: number,
): BaseChain | undefined {
  const line = source.text.slice(start, end);
  const policy = /^policy\s+(\w+)/.exec(line);
  if (policy && base) return { ...base, policy: policy[1] === 'drop' ? 'drop' : 'accept' };
  if (!line.startsWith('type')) return base;
  const found =
    /^type\s+(\S+)\s+hook\s+(\S+)\s+(?:device\s+("[^"]*"|\S+)\s+|devices\s*=\s*\{([^}]*)\}\s*)?priority\s+([^;]*)/.exec(
      line,
    );
  const priority = found ? parsePriority(found[5]!, family) : undefined;
  if (!found || priority === undefined) {
    if (!source.cutOff(end))
      source.problem(
        start,
        end,
        `"${line.slice(0, 80)}" in chain ${name}: "type TYPE hook HOOK priority NUMBER" was expected.`,
        'The chain is taken as one that only jumps reach. Record the node again if the line was damaged.',
      );
    return undefined;
  }
  const devices = [found[3], ...(found[4]?.split(',') ?? [])]
    .map((device) => unquote(device?.trim() ?? ''))
    .filter((device) => device !== '');
  return { type: found[1]!, hook: found[2]!, priority, policy: 'accept', devices };
}

function statementEnd(text: string, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const c = text.charCodeAt(at);
    if (c === 10 || c === 59) return at;
    if (c === 34) {
      const close = text.indexOf('"', at + 1);
      if (close < 0 || close >= end) return end;
      at = close;
    } else if (c === 123) {
      const close = text.indexOf('}', at);
      if (close < 0 || close >= end) return end;
      at = close;
    }
  }
  return end;
}

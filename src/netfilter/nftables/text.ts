/**
 * Reads `nft list ruleset`. One pass over the text finds tables, chains and sets; what is inside of chains and sets is read when it
 * is first looked at. Text around the dump (a shell prompt, kubectl's notes) is told and left out. Never throws.
 */
import type { Place } from '../outcome.ts';
import { asPart, type Slices } from '../slices.ts';
import type {
  BaseChain,
  Chain,
  Element,
  NamedObject,
  NamedSet,
  NftFamily,
  ReadingProblem,
  Rule,
  Ruleset,
  Table,
} from './ruleset.ts';
import { Cursor, Unreadable } from './cursor.ts';
import { duration, elements } from './expressions.ts';
import { parsePriority } from './priority.ts';
import { isIptablesName, once } from './ruleset.ts';
import { readRule, type RuleBody } from './statements.ts';
import { blockEnd, blockEndInSlices, eachStatement, lineEnd, tokenize } from './tokens.ts';

const TABLE = /^[^\S\n]*(?:(?:add|create)\s+)?table\s+(?:(ip6?|inet|arp|bridge|netdev)\s+)?([^\s{}]+)\s*\{/gm;
/** After so many characters of a table others have their turn: some milliseconds. */
const EACH = 200_000;

const OBJECT =
  /^(chain|set|map|counter|quota|limit|flowtable|meter|secmark|synproxy|ct\s+(?:helper|timeout|expectation))\s+("[^"]*"|[^\s{}]+)\s*\{/;

/** Yields how far it has come, 0 to 1, every few milliseconds. */
export function readTextInSlices(text: string, dump: string): Slices<Ruleset> {
  return new Reader(text, dump).ruleset();
}

/** Offsets of text[start, end) are turned to places; what the reading has in common. */
class Reader {
  readonly text: string;
  readonly dump: string;
  readonly problems: ReadingProblem[] = [];
  complete = true;
  /** Where the line of `lineAt` begins: places are mostly asked for in rising order. */
  private known = { offset: 0, line: 1 };

  constructor(text: string, dump: string) {
    this.text = text;
    this.dump = dump;
  }

  place(start: number, end: number): Place {
    if (start < this.known.offset) this.known = { offset: 0, line: 1 };
    let { offset, line } = this.known;
    for (;;) {
      const next = this.text.indexOf('\n', offset);
      if (next < 0 || next >= start) break;
      offset = next + 1;
      line++;
    }
    this.known = { offset, line };
    return { dump: this.dump, line, start, end };
  }

  problem(start: number, end: number, message: string, advice: string): void {
    this.problems.push({ place: this.place(start, end), message, advice });
  }

  /** Whether something is broken because the dump ends there, which is told already. */
  private cutOff(end: number): boolean {
    return !this.complete && this.text.slice(end).trim() === '';
  }

  *ruleset(): Slices<Ruleset> {
    const tables: Table[] = [];
    let at = 0;
    for (;;) {
      TABLE.lastIndex = at;
      const found = TABLE.exec(this.text);
      this.noise(at, found ? found.index : this.text.length);
      if (!found) break;
      const start = found.index + (found[0].length - found[0].trimStart().length);
      const body = found.index + found[0].length;
      // Finding the end of a table is the smaller half of reading it.
      const before = at;
      const looking = blockEndInSlices(this.text, body);
      const stop = yield* asPart(looking, (come) => (before + (come - before) / 3) / this.text.length);
      const { inner, end } = this.block(stop, `table ${found[2]}`);
      const family = (found[1] as NftFamily | undefined) ?? 'ip';
      tables.push(yield* this.table(family, unquote(found[2]!), start, body, inner, end));
      at = end;
    }
    return { language: 'text', tables, problems: this.problems, complete: this.complete };
  }

  /** Tells lines between tables that are no part of a dump. */
  private noise(start: number, end: number): void {
    eachStatement(this.text, start, end, (from, to) => {
      const line = this.text.slice(from, Math.min(to, lineEnd(this.text, from)));
      this.problem(
        from,
        from + line.length,
        `"${line.slice(0, 80)}" is no part of an nft dump: "table FAMILY NAME {" was expected here.`,
        'It was left out. If rules are missing, record them again with "nft list ruleset".',
      );
    });
  }

  /** A block whose end is there, or not (-1): where its inside ends, and where it itself does. */
  private block(end: number, what: string): { inner: number; end: number } {
    if (end >= 0) return { inner: end - 1, end };
    const length = this.text.length;
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

  private *table(
    family: NftFamily,
    name: string,
    start: number,
    body: number,
    inner: number,
    end: number,
  ): Slices<Table> {
    const translated = isIptablesName(family, name);
    const chains: Chain[] = [];
    const sets: NamedSet[] = [];
    const objects: NamedObject[] = [];
    let flags: readonly string[] = [];
    let comment: string | undefined;
    let told = body;
    for (const [from, to] of this.members(body, inner)) {
      if (to - told > EACH) {
        told = to;
        yield (body + (end - body) / 3 + ((to - body) * 2) / 3) / this.text.length;
      }
      const head = this.text.slice(from, Math.min(to, from + 400));
      const found = OBJECT.exec(head);
      if (!found) {
        const words = tokenize(this.text, from, to).map((token) => token.text);
        if (words[0] === 'flags') flags = words.slice(1).filter((word) => word !== ',');
        else if (words[0] === 'comment') comment = words[1];
        else if (!this.cutOff(to))
          this.problem(
            from,
            to,
            `"${head.split('\n')[0]!.slice(0, 80)}" in table ${name}: a chain, a set, a map or a named object was expected.`,
            'It was left out. If the line was damaged, record the node again.',
          );
        continue;
      }
      const [, kind, quoted] = found;
      const memberName = unquote(quoted!);
      const inside = from + found[0].length;
      const { inner: insideEnd } =
        this.text.charCodeAt(to - 1) === 125
          ? { inner: to - 1 }
          : this.block(blockEnd(this.text, inside), `${kind} ${memberName}`);
      const place = this.place(from, to);
      if (kind === 'chain')
        chains.push(this.chain(family, memberName, place, translated, inside, Math.max(inside, insideEnd)));
      else if (kind === 'set' || kind === 'map')
        sets.push(this.set(kind, memberName, place, inside, Math.max(inside, insideEnd)));
      else objects.push({ kind: kind!.replace(/\s+/g, ' '), name: memberName, place });
    }
    const place = this.place(start, end);
    return { family, name, flags, ...(comment === undefined ? {} : { comment }), chains, sets, objects, place };
  }

  /** Chains, sets and other members of a table: each from its first word to its closing bracket. */
  private *members(start: number, end: number): Generator<readonly [from: number, to: number], void, void> {
    let at = start;
    while (at < end) {
      const brace = this.text.indexOf('{', at);
      const stop = brace < 0 || brace >= end ? end : brace + 1;
      // What stands before the member's head on lines of its own: flags, comment, garbage.
      let head = stop;
      if (brace >= 0 && brace < end) {
        head = brace;
        while (head > at && !/[\n;}]/.test(this.text[head - 1]!)) head--;
      }
      if (head > at) {
        const statements: [number, number][] = [];
        eachStatement(this.text, at, head, (from, to) => statements.push([from, to]));
        yield* statements;
      }
      if (head >= stop) return;
      const blockStop = blockEnd(this.text, stop);
      const to = blockStop < 0 || blockStop > end ? end : blockStop;
      let from = head;
      while (from < to && this.text.charCodeAt(from) <= 32) from++;
      yield [from, to];
      at = to;
    }
  }

  private chain(family: NftFamily, name: string, place: Place, translated: boolean, start: number, end: number): Chain {
    let base: BaseChain | undefined;
    let at = start;
    // The chain's own lines stand first; a rule can begin with none of these words.
    for (;;) {
      while (at < end && /[\s;#]/.test(this.text[at]!))
        // `nft -a` notes the chain's handle behind its bracket
        at = this.text[at] === '#' ? lineEnd(this.text, at) : at + 1;
      const words = /^(type|policy|comment|flags)\b/.exec(this.text.slice(at, Math.min(end, at + 8)));
      if (!words) break;
      const stop = Math.min(end, statementEnd(this.text, at, end));
      base = this.header(family, name, base, at, stop);
      at = stop + 1;
    }
    const from = Math.min(at, end);
    const rules = once(() => this.rules(place, translated, from, end));
    return {
      name,
      ...(base ? { base } : {}),
      place,
      get rules() {
        return rules();
      },
    };
  }

  private header(
    family: NftFamily,
    chain: string,
    base: BaseChain | undefined,
    start: number,
    end: number,
  ): BaseChain | undefined {
    const line = this.text.slice(start, end);
    const policy = /^policy\s+(\w+)/.exec(line);
    if (policy && base) return { ...base, policy: policy[1] === 'drop' ? 'drop' : 'accept' };
    if (!line.startsWith('type')) return base;
    const found =
      /^type\s+(\S+)\s+hook\s+(\S+)\s+(?:device\s+("[^"]*"|\S+)\s+|devices\s*=\s*\{([^}]*)\}\s*)?priority\s+([^;]*)/.exec(
        line,
      );
    const priority = found ? parsePriority(found[5]!, family) : undefined;
    if (!found || priority === undefined) {
      if (!this.cutOff(end))
        this.problem(
          start,
          end,
          `"${line.slice(0, 80)}" in chain ${chain}: "type TYPE hook HOOK priority NUMBER" was expected.`,
          'The chain is taken as one that only jumps reach. Record the node again if the line was damaged.',
        );
      return undefined;
    }
    const devices = [found[3], ...(found[4]?.split(',') ?? [])]
      .map((device) => unquote(device?.trim() ?? ''))
      .filter((device) => device !== '');
    return { type: found[1]!, hook: found[2]!, priority, policy: 'accept', devices };
  }

  private rules(chain: Place, translated: boolean, start: number, end: number): readonly Rule[] {
    const rules: Rule[] = [];
    // Chains are read in any order: lines are counted from their own.
    this.known = { offset: chain.start, line: chain.line };
    eachStatement(this.text, start, end, (from, to) => {
      const tokens = tokenize(this.text, from, to);
      const last = tokens.at(-1);
      if (!last) return;
      const lost = translated && this.text.charCodeAt(last.end) === 32;
      const body = once(() => (lost ? withTarget(readRule(this.text, tokens)) : readRule(this.text, tokens)));
      const place = this.place(from, last.end);
      const text = this.text.slice(from, last.end).replace(/\s*\n\s*/g, ' ');
      rules.push(rule(place, text, body));
    });
    return rules;
  }

  private set(kind: 'set' | 'map', name: string, place: Place, start: number, end: number): NamedSet {
    const found: { -readonly [K in keyof NamedSet]?: NamedSet[K] } = {};
    let inside = { from: end, to: end };
    eachStatement(this.text, start, end, (from, to) => {
      const equals = /^elements\s*=\s*\{/.exec(this.text.slice(from, Math.min(to, from + 40)));
      if (equals) {
        const stop = this.text.charCodeAt(to - 1) === 125 ? to - 1 : to;
        inside = { from: from + equals[0].length, to: stop };
        return;
      }
      const cursor = new Cursor(tokenize(this.text, from, to));
      const word = cursor.token().text;
      const words = cursor.tokens.slice(1).map((token) => token.text);
      if (word === 'type' || word === 'typeof') {
        const [key, data] = split(words, ':');
        const parts = (list: readonly string[]): string[] => list.join(' ').split(' . ');
        if (word === 'type') found.key = parts(key);
        else found.typeof = parts(key);
        if (data.length > 0) found.data = parts(data.filter((entry) => entry !== 'interval'));
      } else if (word === 'flags') found.flags = words.filter((entry) => entry !== ',');
      else if (word === 'timeout') found.timeout = secondsOrZero(cursor);
      else if (word === 'comment') found.comment = words[0] ?? '';
    });
    const read = once(() => this.elements(name, inside.from, inside.to));
    return {
      kind,
      name,
      key: found.key ?? [],
      typeof: found.typeof ?? [],
      data: found.data ?? [],
      flags: found.flags ?? [],
      ...(found.comment === undefined ? {} : { comment: found.comment }),
      ...(found.timeout === undefined ? {} : { timeout: found.timeout }),
      place,
      get elements() {
        return read();
      },
    };
  }

  private elements(name: string, start: number, end: number): readonly Element[] {
    const cursor = new Cursor(tokenize(this.text, start, end));
    const found: Element[] = [];
    while (!cursor.done) {
      const from = cursor.at;
      try {
        found.push(...elements(cursor));
        if (!cursor.done) throw new Unreadable('a comma');
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        // Keeps what was read before, steps over the element that can't be.
        cursor.at = Math.max(cursor.at, from + 1);
        const bad = cursor.tokens[Math.min(cursor.at, cursor.tokens.length - 1)]!;
        while (!cursor.done && cursor.peek() !== ',') cursor.at++;
        cursor.skip(',');
        found.push({ key: { kind: 'unknown', text: `${bad.text} (in ${name})` } });
      }
    }
    return found;
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

/** A rule whose words are read when they are asked for. */
export function rule(
  place: Place,
  text: string,
  body: () => { readonly statements: Rule['statements']; readonly comment?: string },
): Rule {
  return {
    place,
    text,
    get statements() {
      return body().statements;
    },
    get comment() {
      return body().comment;
    },
    get packets() {
      for (const statement of body().statements) if (statement.kind === 'counter') return statement.packets;
      return undefined;
    },
  };
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

function split(words: readonly string[], at: string): [readonly string[], readonly string[]] {
  const index = words.indexOf(at);
  return index < 0 ? [words, []] : [words.slice(0, index), words.slice(index + 1)];
}

function secondsOrZero(cursor: Cursor): number {
  try {
    return duration(cursor);
  } catch {
    return 0;
  }
}

function unquote(text: string): string {
  return text.replace(/^"|"$/g, '');
}

/**
 * A rule of the text listing. What cannot be read is kept as an unknown statement, from its first word to the rule's end or to the
 * verdict that ends the rule.
 */
import { named } from '../named.ts';
import type { Expression, MatchOperator, Statement } from './ruleset.ts';
import type { Token } from './tokens.ts';
import { Cursor, Unreadable, numberOf } from './cursor.ts';
import {
  anyBits,
  comparand,
  constants,
  duration,
  operations,
  selector,
  setOrReference,
  startsSelector,
  value,
  verdict,
} from './expressions.ts';
import { isAddress, word } from './literals.ts';

export interface RuleBody {
  readonly statements: readonly Statement[];
  readonly comment?: string;
}

/** Reads a rule's words; `text` is what their offsets point into. Never throws. */
export function readRule(text: string, tokens: readonly Token[]): RuleBody {
  let end = tokens.length;
  let comment: string | undefined;
  const last = tokens[end - 1];
  if (end >= 2 && last?.kind === 'string' && isWord(tokens[end - 2], 'comment')) {
    comment = last.text;
    end -= 2;
  }
  const cursor = new Cursor(tokens.slice(0, end));
  const statements: Statement[] = [];
  while (!cursor.done) {
    const from = cursor.at;
    try {
      statements.push(statement(cursor, text));
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      const next = Math.max(from + 1, closing(cursor.tokens));
      cursor.at = next;
      statements.push({ kind: 'unknown', text: between(text, cursor.tokens, from, next) });
    }
  }
  return comment === undefined ? { statements } : { statements, comment };
}

function isWord(token: Token | undefined, text: string): boolean {
  return token?.kind === 'word' && token.text === text;
}

/** Where the verdict that ends the rule begins; the number of words where it ends with none. */
function closing(tokens: readonly Token[]): number {
  const count = tokens.length;
  const [last, before] = [tokens[count - 1], tokens[count - 2]];
  if (last?.kind === 'word' && /^(accept|drop|return|continue|reject)$/.test(last.text)) return count - 1;
  return before?.kind === 'word' && /^(jump|goto)$/.test(before.text) ? count - 2 : count;
}

/** The text of some words, as it stands. */
function between(text: string, tokens: readonly Token[], from: number, to: number): string {
  const [first, last] = [tokens[from], tokens[Math.max(from, to - 1)]];
  return first && last ? text.slice(first.start, last.end).replace(/\s+/g, ' ') : '';
}

/** The options of a statement that is only shown: everything up to the next word that begins another statement. */
function rest(cursor: Cursor, text: string, from: number, options: RegExp): string {
  while (!cursor.done) {
    const token = cursor.tokens[cursor.at]!;
    if (token.kind !== 'word' || (!options.test(token.text) && numberOf(token.text) === undefined)) break;
    cursor.at++;
  }
  return between(text, cursor.tokens, from, cursor.at);
}

const LIMIT_WORDS =
  /^(rate|over|burst|packets|bytes|[km]?bytes|name|(bytes|kbytes|mbytes|\d+)?\/(second|minute|hour|day|week)|until|used|count)$/;

function statement(cursor: Cursor, text: string): Statement {
  const from = cursor.at;
  const decided = verdict(cursor);
  if (decided) return decided;
  const first = cursor.peek();
  switch (first) {
    case 'counter':
      return counter(cursor, text);
    case 'log':
      cursor.at++;
      return { kind: 'effectless', text: logged(cursor, text, from) };
    case 'last':
      cursor.at++;
      if (cursor.skip('used')) cursor.word();
      return { kind: 'effectless', text: between(text, cursor.tokens, from, cursor.at) };
    case 'limit':
    case 'quota':
      cursor.at++;
      if (cursor.skip('name')) {
        const name = cursor.token();
        return { kind: 'stateful', text: `${first} name "${name.text}"` };
      }
      return { kind: 'stateful', text: burst(rest(cursor, text, from, LIMIT_WORDS)) };
    case 'reject':
      cursor.at++;
      return reject(cursor);
    case 'notrack':
      cursor.at++;
      return { kind: 'notrack' };
    case 'dnat':
    case 'snat':
    case 'masquerade':
    case 'redirect':
      cursor.at++;
      return nat(cursor, first);
    case 'queue':
    case 'tproxy':
    case 'synproxy':
    case 'flow':
    case 'dup':
    case 'fwd':
      return handover(cursor, text, first);
    case 'add':
    case 'update':
    case 'delete':
      cursor.at++;
      return dynset(cursor, text, first);
    case 'meter':
      return meter(cursor, text);
    case 'xt': {
      cursor.at++;
      const type = cursor.word();
      return { kind: 'xt', type, name: cursor.word() };
    }
    case 'ct': {
      const known = conntrackStatement(cursor, text);
      if (known) return known;
    }
  }
  return matchOrAssign(cursor);
}

function matchOrAssign(cursor: Cursor): Statement {
  if (!startsSelector(cursor)) throw new Unreadable(`a statement instead of ${cursor.peek()}`);
  const key = selector(cursor);
  if (cursor.skip('vmap')) return { kind: 'vmap', key, data: setOrReference(cursor) };
  if (cursor.skip('set')) return { kind: 'assign', key, value: value(cursor) };
  const left = operations(cursor, key);
  if (cursor.skip('vmap')) return { kind: 'vmap', key: left, data: setOrReference(cursor) };
  const op = operator(cursor);
  const right = comparand(cursor);
  if (cursor.skip('/')) {
    // `tcp flags syn / syn,ack`: the bits that are looked at stand behind
    const mask = comparand(cursor);
    return { kind: 'match', op: op ?? '==', left: { kind: 'binary', op: '&', left, right: mask }, right };
  }
  return { kind: 'match', op: op ?? (anyBits(left, right) ? 'in' : '=='), left, right };
}

const OPERATORS: Readonly<Record<string, MatchOperator>> = {
  '==': '==',
  '!=': '!=',
  '<': '<',
  '>': '>',
  '<=': '<=',
  '>=': '>=',
  '!': '!',
};

function operator(cursor: Cursor): MatchOperator | undefined {
  const found = named(OPERATORS, cursor.peek());
  if (found) cursor.at++;
  return found;
}

function counter(cursor: Cursor, text: string): Statement {
  const from = cursor.at++;
  if (cursor.skip('name')) {
    if (startsSelector(cursor)) value(cursor);
    else return { kind: 'effectless', text: `counter name "${cursor.token().text}"` };
    return { kind: 'effectless', text: between(text, cursor.tokens, from, cursor.at) };
  }
  if (!cursor.skip('packets')) return { kind: 'counter', packets: 0, bytes: 0 };
  const packets = cursor.number();
  cursor.expect('bytes');
  return { kind: 'counter', packets, bytes: cursor.number() };
}

function logged(cursor: Cursor, text: string, from: number): string {
  while (!cursor.done) {
    const option = cursor.peek();
    if (!/^(prefix|level|group|snaplen|queue-threshold|flags)$/.test(option)) break;
    cursor.at++;
    cursor.token();
    // `flags tcp sequence,options`, `flags ip options`
    while (option === 'flags' && (/^(sequence|options)$/.test(cursor.peek()) || cursor.peek() === ',')) cursor.at++;
  }
  return between(text, cursor.tokens, from, cursor.at);
}

/** nft leaves a burst of 5 packets out in text and writes it in JSON. */
function burst(text: string): string {
  return text.replace(/ burst 5 packets$/, '').replace(/ burst 0 bytes$/, '');
}

function reject(cursor: Cursor): Statement {
  if (!cursor.skip('with')) return { kind: 'reject' };
  const type = cursor.word();
  if (type === 'tcp') {
    cursor.expect('reset');
    return { kind: 'reject', with: 'tcp reset' };
  }
  cursor.skip('type'); // as people write it, and older listings do
  return { kind: 'reject', with: `${type} ${cursor.word()}` };
}

const NAT_FLAGS = /^(random|fully-random|persistent|netmap)$/;

function nat(cursor: Cursor, action: 'dnat' | 'snat' | 'masquerade' | 'redirect'): Statement {
  const family = cursor.peek() === 'ip' || cursor.peek() === 'ip6' ? (cursor.word() as 'ip' | 'ip6') : undefined;
  const prefix = cursor.skip('prefix');
  if (cursor.skip('addr')) {
    cursor.expect('.');
    cursor.expect('port');
  }
  const target = cursor.skip('to') ? translation(cursor) : {};
  const flags: string[] = [];
  while (NAT_FLAGS.test(cursor.peek())) {
    flags.push(cursor.word());
    cursor.skip(',');
  }
  return { kind: 'nat', action, ...(family ? { family } : {}), prefix, ...target, flags };
}

/** `10.0.0.1-10.0.0.9:80-90`, `[fd00::1]:80`, `:8080`, `ip daddr map { … }:80`, `10.0.0.1:tcp dport map { … }`. */
function translation(cursor: Cursor): { address?: Expression; port?: Expression } {
  const next = cursor.peek();
  if (next.startsWith(':')) return { port: portValue(cursor, next.slice(1)) };
  if (startsSelector(cursor)) {
    const address = value(cursor);
    const after = cursor.peek();
    return after.startsWith(':') ? { address, port: portValue(cursor, after.slice(1)) } : { address };
  }
  const text = cursor.word();
  const bracket = /^(\[[^\]]*\](?:-\[[^\]]*\])?)(?::(.*))?$/.exec(text);
  if (bracket) {
    const address = word(bracket[1]!.replace(/[[\]]/g, ''));
    if (bracket[2] === undefined) return { address };
    cursor.at--;
    return { address, port: portValue(cursor, bracket[2]) };
  }
  const colon = text.indexOf(':');
  if (colon < 0 || colon !== text.lastIndexOf(':') || !isAddress(text.slice(0, colon).split('-')[0]!)) {
    const parts = [word(text)];
    while (cursor.skip('.')) parts.push(constants(cursor)); // `to 10.0.0.1 . 80`
    return { address: parts.length === 1 ? parts[0]! : { kind: 'concat', parts } };
  }
  cursor.at--;
  return { address: word(text.slice(0, colon)), port: portValue(cursor, text.slice(colon + 1)) };
}

/** A port behind its colon; the cursor stands on the word that holds both. */
function portValue(cursor: Cursor, text: string): Expression {
  const token = cursor.token();
  // `nft -S` has names for ports, quoted: `10.0.0.1:"http"`
  if (text === '' && cursor.tokens[cursor.at]?.kind === 'string') return word(cursor.word());
  if (numberOf(text) !== undefined || /^\d+-\d+$/.test(text)) return word(text);
  // A selector begins in the middle of the word: `:tcp dport map { … }`.
  const inner = new Cursor([{ ...token, text, start: token.end - text.length }, ...cursor.tokens.slice(cursor.at)]);
  const found = value(inner);
  cursor.at += inner.at - 1;
  return found;
}

function handover(cursor: Cursor, text: string, action: string): Statement {
  const from = cursor.at++;
  while (!cursor.done && !/^(accept|drop|return|continue|jump|goto|counter|log|reject)$/.test(cursor.peek()))
    cursor.at++;
  return { kind: 'handover', action, text: between(text, cursor.tokens, from, cursor.at) };
}

function dynset(cursor: Cursor, text: string, op: string): Statement {
  const name = cursor.word();
  if (!name.startsWith('@')) throw new Unreadable('a set');
  cursor.expect('{');
  const key = selector(cursor);
  let timeout: number | undefined;
  let data: Expression | undefined;
  const statements: Statement[] = [];
  while (!cursor.done && cursor.peek() !== '}') {
    if (cursor.skip('timeout')) timeout = duration(cursor);
    else if (cursor.skip(':')) data = verdict(cursor) ?? value(cursor);
    else statements.push(cursor.nested(() => statement(cursor, text)));
  }
  cursor.expect('}');
  return {
    kind: 'dynset',
    op,
    set: name.slice(1),
    key,
    ...(timeout === undefined ? {} : { timeout }),
    statements,
    ...(data ? { data } : {}),
  };
}

/** `meter name size 65535 { ip saddr limit rate 5/second }`: a set of limits, as old nft writes it. */
function meter(cursor: Cursor, text: string): Statement {
  const from = cursor.at++;
  cursor.word();
  if (cursor.skip('size')) cursor.number();
  cursor.expect('{');
  while (cursor.peek() !== '}') cursor.token();
  cursor.expect('}');
  return { kind: 'stateful', text: between(text, cursor.tokens, from, cursor.at) };
}

/** `ct count over 10`, `ct helper set "ftp"`: statements that begin like a selector. */
function conntrackStatement(cursor: Cursor, text: string): Statement | undefined {
  const from = cursor.at;
  const key = cursor.peek(1);
  if (key === 'count') {
    cursor.at += 2;
    cursor.skip('over');
    cursor.number();
    return { kind: 'stateful', text: between(text, cursor.tokens, from, cursor.at) };
  }
  if (/^(helper|timeout|expectation)$/.test(key) && cursor.peek(2) === 'set') {
    cursor.at += 3;
    cursor.token();
    return { kind: 'effectless', text: between(text, cursor.tokens, from, cursor.at) };
  }
  return undefined;
}

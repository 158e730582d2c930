/** Expressions of `nft -j`: the same forms that the text reader makes of the text listing. */
import type { BinaryOperator, Element, Expression, Verdict } from './ruleset.ts';
import { DEEPEST } from './cursor.ts';
import { constant } from './literals.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

export function isList(json: Json | undefined): json is readonly Json[] {
  return Array.isArray(json);
}

/** One string, or a list of them. */
export function strings(json: Json | undefined): readonly string[] {
  if (isList(json)) return json.map(String);
  return typeof json === 'string' ? [json] : [];
}

const BINARY = new Set(['&', '|', '^', '<<', '>>']);

/** As it stands in the dump, or nearly so. */
export function textOf(json: Json | undefined): string {
  try {
    return JSON.stringify(json ?? null);
  } catch {
    return '…'; // nested so deep that the stack is exhausted
  }
}

export function unknown(json: Json | undefined): Expression {
  return { kind: 'unknown', text: textOf(json) };
}

/** How deep the expression is that is being read. */
let depth = 0;

export function expression(json: Json | undefined): Expression {
  if (depth >= DEEPEST) return unknown(json);
  depth++;
  try {
    return read(json);
  } finally {
    depth--;
  }
}

function read(json: Json | undefined): Expression {
  switch (typeof json) {
    case 'number':
      return Number.isInteger(json) ? { kind: 'number', value: json } : unknown(json);
    case 'boolean':
      return { kind: 'exists', value: json };
    case 'string':
      return string(json);
  }
  if (isList(json)) return json.length === 1 ? expression(json[0]) : { kind: 'list', values: json.map(expression) };
  if (!isObject(json)) return unknown(json);
  for (const name in json) return named(name, json[name]) ?? unknown(json);
  return unknown(json);
}

function string(text: string): Expression {
  if (text === '*') return { kind: 'any' };
  return text.startsWith('@') ? { kind: 'reference', name: text.slice(1) } : constant(text);
}

/** undefined where it is none that we know. */
function named(name: string, json: Json | undefined): Expression | undefined {
  if (BINARY.has(name)) return binary(name as BinaryOperator, json);
  switch (name) {
    case 'concat':
      return isList(json) ? { kind: 'concat', parts: json.map(expression) } : undefined;
    case 'set':
      return isList(json)
        ? { kind: 'set', elements: json.map(element) }
        : { kind: 'set', elements: [element(json ?? null)] };
    case 'range':
      return isList(json) ? { kind: 'range', low: expression(json[0]), high: expression(json[1]) } : undefined;
    case 'elem':
      return isObject(json) ? expression(json['val']) : undefined;
    case 'accept':
    case 'drop':
    case 'return':
    case 'continue':
    case 'jump':
    case 'goto':
      return verdictOf(name, json);
  }
  if (!isObject(json)) return undefined;
  const text = (key: string): string | undefined => (typeof json[key] === 'string' ? json[key] : undefined);
  const number = (key: string): number | undefined => whole(json[key]);
  switch (name) {
    case 'payload':
      return payload(json);
    case 'meta': {
      const key = text('key');
      return key === undefined ? undefined : { kind: 'meta', key };
    }
    case 'ct': {
      const key = text('key');
      const direction = text('dir');
      // Older releases have {"key": "saddr", "family": "ip"} for what newer ones call "ip saddr".
      const family = text('family');
      if (key === undefined) return undefined;
      const full = family === undefined ? key : `${family} ${key}`;
      return direction === 'original' || direction === 'reply'
        ? { kind: 'ct', key: full, direction }
        : { kind: 'ct', key: full };
    }
    case 'fib': {
      const flags = json['flags'];
      const list = isList(flags) ? flags.map(String) : typeof flags === 'string' ? [flags] : [];
      return { kind: 'fib', flags: list, result: text('result') ?? '' };
    }
    case 'numgen': {
      const mode = text('mode');
      const mod = number('mod');
      if ((mode !== 'random' && mode !== 'inc') || mod === undefined) return undefined;
      return { kind: 'numgen', mode, mod, offset: number('offset') ?? 0 };
    }
    case 'jhash': {
      const [mod, seed] = [number('mod'), number('seed')];
      if (mod === undefined) return undefined;
      const of = expression(json['expr']);
      return { kind: 'jhash', of, mod, ...(seed === undefined ? {} : { seed }), offset: number('offset') ?? 0 };
    }
    case 'symhash': {
      const mod = number('mod');
      return mod === undefined ? undefined : { kind: 'symhash', mod, offset: number('offset') ?? 0 };
    }
    case 'prefix': {
      const [address, length] = [text('addr'), number('len')];
      return address === undefined || length === undefined ? undefined : { kind: 'prefix', address, length };
    }
    case 'map':
      return { kind: 'map', key: expression(json['key']), data: expression(json['data']) };
    case 'socket':
    case 'rt':
      return { kind: 'selector', text: `${name} ${text('family') ? `${text('family')} ` : ''}${text('key') ?? ''}` };
    case 'osf':
      return { kind: 'selector', text: `osf ${text('ttl') ? `ttl ${text('ttl')} ` : ''}${text('key') ?? ''}` };
    case 'ipsec': {
      const spnum = number('spnum') ? `spnum ${number('spnum')} ` : '';
      const family = text('family') ? `${text('family')} ` : '';
      return { kind: 'selector', text: `ipsec ${text('dir') ?? ''} ${spnum}${family}${text('key') ?? ''}` };
    }
    case 'exthdr':
      return { kind: 'selector', text: `exthdr ${text('name') ?? ''}${text('field') ? ` ${text('field')}` : ''}` };
    case 'tcp option':
    case 'ip option':
    case 'sctp chunk':
    case 'dccp option':
      return { kind: 'selector', text: `${name} ${text('name') ?? ''}${text('field') ? ` ${text('field')}` : ''}` };
  }
  return undefined;
}

function binary(op: BinaryOperator, json: Json | undefined): Expression | undefined {
  if (!isList(json) || json.length < 2 || json.length > DEEPEST) return undefined;
  // Newer releases fold `a | b | c` into one list of three.
  return json
    .slice(1)
    .reduce<Expression>((left, right) => ({ kind: 'binary', op, left, right: expression(right) }), expression(json[0]));
}

/** A number as nft writes it: 0, 1, 2 … */
function whole(json: Json | undefined): number | undefined {
  return typeof json === 'number' && Number.isInteger(json) && json >= 0 ? json : undefined;
}

function payload(json: JsonObject): Expression | undefined {
  const { protocol, field, base, offset, len } = json;
  if (typeof protocol === 'string' && typeof field === 'string') return { kind: 'payload', protocol, field };
  if (typeof base === 'string' && typeof offset === 'number' && typeof len === 'number')
    return { kind: 'raw', base, offset, length: len };
  return undefined;
}

export function verdictOf(name: string, json: Json | undefined): Verdict | undefined {
  switch (name) {
    case 'accept':
    case 'drop':
    case 'return':
    case 'continue':
      return { kind: 'verdict', name };
    case 'jump':
    case 'goto':
      return isObject(json) && typeof json['target'] === 'string'
        ? { kind: 'verdict', name, chain: json['target'] }
        : undefined;
    default:
      return undefined;
  }
}

/** An element of a set, or of a map: [key, data]. */
export function element(json: Json): Element {
  if (isList(json) && json.length === 2) return { ...single(json[0]!), data: expression(json[1]) };
  return single(json);
}

function single(json: Json): Element {
  const elem = isObject(json) ? json['elem'] : undefined;
  if (!isObject(elem)) return { key: expression(json) };
  const { val, comment, timeout, expires } = elem;
  return {
    key: expression(val),
    ...(typeof comment === 'string' ? { comment } : {}),
    ...(typeof timeout === 'number' ? { timeout } : {}),
    ...(typeof expires === 'number' ? { expires } : {}),
  };
}

/** A rule or element of nft's JSON as nft's text listing has it. */
import { element } from '../netfilter/nftables/json-expressions.ts';
import { statement } from '../netfilter/nftables/json-statements.ts';
import { printExpression, printStatement } from '../netfilter/nftables/print.ts';

/** @param json the canonical text of an entry; a line that is no JSON (a chain's hook, a set's type) stays as it is */
export function nftWords(json: string, family: 'ip' | 'ip6'): string {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return json;
  }
  if (isRule(value)) return value.map((each) => printStatement(statement(each as never, family))).join(' ');
  const { key, data } = element(value as never);
  return data === undefined ? printExpression(key) : `${printExpression(key)} : ${printExpression(data)}`;
}

/** A rule is a list of statements; an element a value, or a pair of key and value. */
function isRule(value: unknown): value is readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) && value.every((each) => STATEMENTS.has(Object.keys((each ?? {}) as object)[0] ?? ''));
}

const STATEMENTS = new Set([
  ...['match', 'vmap', 'mangle', 'dnat', 'snat', 'masquerade', 'redirect', 'jump', 'goto', 'return', 'accept', 'drop'],
  ...['reject', 'set', 'map', 'log', 'limit', 'xt', 'notrack', 'continue', 'queue', 'counter', 'quota'],
]);

/** Rules, elements and tables of nft's JSON as nft's text listing has them. */
import { element, type Json } from '../netfilter/nftables/json-expressions.ts';
import { statement } from '../netfilter/nftables/json-statements.ts';
import { printExpression, printStatement } from '../netfilter/nftables/print.ts';
import { member, TABLE, type NftObject } from './nft-listing.ts';

/** @param json the canonical text of an entry; a line that is no JSON (a chain's hook, a set's type) stays as it is */
export function nftWords(json: string, family: 'ip' | 'ip6'): string {
  let value: Json;
  try {
    value = JSON.parse(json) as Json;
  } catch {
    return json;
  }
  return isRule(value) ? ruleWords(value, family) : elementWords(value);
}

function ruleWords(expr: readonly Json[], family: 'ip' | 'ip6'): string {
  return expr.map((each) => printStatement(statement(each, family))).join(' ');
}

function elementWords(elem: Json): string {
  const { key, data } = element(elem);
  return data === undefined ? printExpression(key) : `${printExpression(key)} : ${printExpression(data)}`;
}

/** A rule is a list of statements; an element a value, or a pair of key and value. */
function isRule(value: Json): value is readonly Json[] {
  return Array.isArray(value) && value.every((each) => STATEMENTS.has(Object.keys((each ?? {}) as object)[0] ?? ''));
}

const STATEMENTS = new Set([
  ...['match', 'vmap', 'mangle', 'dnat', 'snat', 'masquerade', 'redirect', 'jump', 'goto', 'return', 'accept', 'drop'],
  ...['reject', 'set', 'map', 'log', 'limit', 'xt', 'notrack', 'continue', 'queue', 'counter', 'quota', 'unknown'],
]);

/** The tables kube-proxy among the objects, as nft lists them; comments and sizes are left out. */
export function nftTablesText(objects: readonly NftObject[]): string {
  return (['ip', 'ip6'] as const)
    .map((family) => {
      const own = objects.map(member).filter(([, body]) => body['family'] === family);
      return own.length > 0 ? `table ${family} ${TABLE} {\n${blocks(own, family)}}\n` : '';
    })
    .join('');
}

function blocks(own: readonly (readonly [string, Readonly<Record<string, unknown>>])[], family: 'ip' | 'ip6'): string {
  const rules = new Map<string, string[]>();
  for (const [kind, body] of own)
    if (kind === 'chain') rules.set(String(body['name']), header(body));
    else if (kind === 'rule') {
      const chain = String(body['chain']);
      const lines = rules.get(chain) ?? [];
      rules.set(chain, lines);
      lines.push(ruleWords(body['expr'] as readonly Json[], family));
    }
  const containers = own.flatMap(([kind, body]) => {
    if (kind === 'counter') return [block(kind, body['name'], ['packets 0 bytes 0'])];
    return kind === 'set' || kind === 'map' ? [block(kind, body['name'], container(kind, body))] : [];
  });
  return [...containers, ...[...rules].map(([name, lines]) => block('chain', name, lines))].join('');
}

function block(kind: string, name: unknown, lines: readonly string[]): string {
  return `\t${kind} ${String(name)} {\n${lines.map((line) => `\t\t${line}\n`).join('')}\t}\n`;
}

function header({ type, hook, prio, policy }: Readonly<Record<string, unknown>>): string[] {
  if (hook === undefined) return [];
  return [`type ${String(type)} hook ${String(hook)} priority ${String(prio)}; policy ${String(policy ?? 'accept')};`];
}

function container(kind: 'set' | 'map', body: Readonly<Record<string, unknown>>): readonly string[] {
  const { type, map, flags, timeout, elem } = body;
  const joined = (value: unknown, by: string): string => (Array.isArray(value) ? value.join(by) : String(value));
  return [
    `type ${joined(type, ' . ')}${kind === 'map' ? ` : ${joined(map, ' . ')}` : ''}`,
    ...(flags === undefined ? [] : [`flags ${joined(flags, ',')}`]),
    ...(timeout === undefined ? [] : [`timeout ${String(timeout)}s`]),
    ...(Array.isArray(elem) && elem.length > 0
      ? [`elements = { ${(elem as readonly Json[]).map(elementWords).join(', ')} }`]
      : []),
  ];
}

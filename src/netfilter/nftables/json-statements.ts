/** Statements of `nft -j`: the same forms that the text reader makes of the text listing. */
import type { Expression, MatchOperator, Statement } from './ruleset.ts';
import { printExpression, printStatement } from './print.ts';
import { DEEPEST } from './cursor.ts';
import { expression, isList, isObject, textOf, verdictOf, type Json, type JsonObject } from './json-expressions.ts';

const OPERATORS = new Set(['==', '!=', '<', '>', '<=', '>=', 'in', '!']);

/** Never throws. `family` is the table's, which decides what a plain `reject` means. */
export function statement(json: Json, family: string): Statement {
  if (!isObject(json) || depth >= DEEPEST) return unknown(json);
  depth++;
  try {
    for (const name in json) return named(name, json[name]!, family) ?? unknown(json);
    return unknown(json);
  } finally {
    depth--;
  }
}

/** How deep the statement is that is being read. */
let depth = 0;

function unknown(json: Json): Statement {
  return { kind: 'unknown', text: textOf(json) };
}

/** undefined where it is none that we know. */
function named(name: string, json: Json, family: string): Statement | undefined {
  const decided = verdictOf(name, json);
  if (decided) return decided;
  const options: JsonObject = isObject(json) ? json : {};
  switch (name) {
    case 'match': {
      const op = options['op'];
      if (typeof op !== 'string' || !OPERATORS.has(op)) return undefined;
      const [left, right] = [expression(options['left']), expression(options['right'])];
      return { kind: 'match', op: op as MatchOperator, left, right };
    }
    case 'vmap':
      return { kind: 'vmap', key: expression(options['key']), data: expression(options['data']) };
    case 'mangle':
      return { kind: 'assign', key: expression(options['key']), value: expression(options['value']) };
    case 'dnat':
    case 'snat':
    case 'masquerade':
    case 'redirect':
      return nat(name, options);
    case 'reject':
      return reject(options, family);
    case 'notrack':
      return { kind: 'notrack' };
    case 'counter':
      return counter(json, options);
    case 'log':
      return { kind: 'effectless', text: log(options) };
    case 'last':
      return { kind: 'effectless', text: 'last' };
    case 'limit':
    case 'quota':
      return { kind: 'stateful', text: typeof json === 'string' ? `${name} name "${json}"` : rate(name, options) };
    case 'ct count':
      return { kind: 'stateful', text: `ct count ${options['inv'] === true ? 'over ' : ''}${String(options['val'])}` };
    case 'ct helper':
    case 'ct timeout':
    case 'ct expectation':
      return { kind: 'effectless', text: `${name} set "${String(json)}"` };
    case 'set':
      return dynset(options, family);
    case 'map':
      return dynset(options, family);
    case 'meter':
      return { kind: 'stateful', text: meter(options, family) };
    case 'queue':
    case 'tproxy':
    case 'synproxy':
    case 'flow':
    case 'dup':
    case 'fwd':
      return { kind: 'handover', action: name, text: handover(name, json, options) };
    case 'xt':
      return { kind: 'xt', type: String(options['type'] ?? ''), name: String(options['name'] ?? '') };
  }
  return undefined;
}

function list(json: Json | undefined): readonly string[] {
  return isList(json) ? json.map(String) : typeof json === 'string' ? [json] : [];
}

function nat(action: 'dnat' | 'snat' | 'masquerade' | 'redirect', options: JsonObject): Statement {
  const { family, addr, port, flags, type_flags } = options;
  const prefix = list(type_flags).includes('prefix');
  return {
    kind: 'nat',
    action,
    ...(family === 'ip' || family === 'ip6' ? { family } : {}),
    prefix,
    ...(addr === undefined ? {} : { address: expression(addr) }),
    ...(port === undefined ? {} : { port: expression(port) }),
    // `prefix` brings a flag that the text does not show
    flags: list(flags).filter((flag) => !(prefix && flag === 'netmap')),
  };
}

/** nft leaves out of its text what is said anyway: port-unreachable of the table's own kind of ICMP. */
function reject(options: JsonObject, family: string): Statement {
  const { type, expr } = options;
  const own = family === 'ip' ? 'icmp' : family === 'ip6' ? 'icmpv6' : 'icmpx';
  if (typeof type !== 'string' || (type === own && expr === 'port-unreachable')) return { kind: 'reject' };
  return { kind: 'reject', with: typeof expr === 'string' ? `${type} ${expr}` : type };
}

function counter(json: Json, options: JsonObject): Statement {
  if (typeof json === 'string') return { kind: 'effectless', text: `counter name "${json}"` };
  if (options['map'] !== undefined) {
    const map = expression(json);
    return { kind: 'effectless', text: `counter name ${printExpression(map, 'string')}` };
  }
  const count = (value: Json | undefined): number => (typeof value === 'number' ? value : 0);
  return { kind: 'counter', packets: count(options['packets']), bytes: count(options['bytes']) };
}

function log(options: JsonObject): string {
  const words = ['log'];
  if (typeof options['prefix'] === 'string') words.push(`prefix "${options['prefix']}"`);
  if (typeof options['level'] === 'string') words.push(`level ${options['level']}`);
  for (const key of ['group', 'snaplen', 'queue-threshold'])
    if (options[key] !== undefined) words.push(`${key} ${String(options[key])}`);
  if (options['flags'] !== undefined) words.push(`flags ${list(options['flags']).join(',')}`);
  return words.join(' ');
}

function rate(name: string, options: JsonObject): string {
  const word = (key: string): string => (options[key] === undefined ? '' : String(options[key]));
  const unit = (key: string): string => (options[key] === undefined ? '' : ` ${word(key)}`);
  if (name === 'quota') {
    const used = options['used'] === undefined ? '' : ` used ${word('used')}${unit('used_unit')}`;
    return `quota ${options['inv'] === true ? 'over ' : ''}${word('val')}${unit('val_unit')}${used}`;
  }
  const burstUnit = options['rate_unit'] === undefined ? ' packets' : unit('burst_unit');
  const burst = `${word('burst')}${burstUnit}`;
  const shown = options['burst'] === undefined || burst === '5 packets' || burst === '0 bytes' ? '' : ` burst ${burst}`;
  return `limit rate ${options['inv'] === true ? 'over ' : ''}${word('rate')}${unit('rate_unit')}/${word('per')}${shown}`;
}

function dynset(options: JsonObject, family: string): Statement | undefined {
  const { op, set, map, elem, data, stmt } = options;
  const name = typeof set === 'string' ? set : typeof map === 'string' ? map : undefined;
  if (typeof op !== 'string' || name === undefined) return undefined;
  const inner = isObject(elem) && isObject(elem['elem']) ? elem['elem'] : undefined;
  const timeout = inner?.['timeout'];
  return {
    kind: 'dynset',
    op,
    set: name.replace(/^@/, ''),
    key: expression(inner ? inner['val'] : elem),
    ...(typeof timeout === 'number' ? { timeout } : {}),
    statements: isList(stmt) ? stmt.map((part) => statement(part, family)) : [],
    ...(data === undefined ? {} : { data: expression(data) }),
  };
}

/** A set of limits, as old nft writes it. */
function meter(options: JsonObject, family: string): string {
  const size = options['size'] === undefined ? '' : ` size ${String(options['size'])}`;
  const inner = statement(options['stmt'] ?? null, family);
  const key = printExpression(expression(options['key']));
  return `meter ${String(options['name'] ?? '')}${size} { ${key} ${printStatement(inner)} }`;
}

function handover(name: string, json: Json, options: JsonObject): string {
  const port = (value: Json | undefined): string => {
    const read: Expression = expression(value);
    if (read.kind === 'range' && read.low.kind === 'number' && read.high.kind === 'number')
      return `${read.low.value}-${read.high.value}`;
    return read.kind === 'number' ? String(read.value) : textOf(value);
  };
  switch (name) {
    case 'queue': {
      const num = options['num'] === undefined ? '' : ` to ${port(options['num'])}`;
      const flags = list(options['flags']).join(',');
      return `queue${flags ? ` flags ${flags}` : ''}${num}`;
    }
    case 'tproxy': {
      const family = options['family'] === undefined ? '' : ` ${String(options['family'])}`;
      const address = options['addr'] === undefined ? '' : String(options['addr']);
      return `tproxy${family} to ${address}${options['port'] === undefined ? '' : `:${port(options['port'])}`}`;
    }
    case 'synproxy': {
      if (typeof json === 'string') return `synproxy name "${json}"`;
      const part = (key: string): string => (options[key] === undefined ? '' : ` ${key} ${String(options[key])}`);
      const flags = list(options['flags']);
      return `synproxy${part('mss')}${part('wscale')}${flags.length ? ` ${flags.join(' ')}` : ''}`;
    }
    case 'flow':
      return `flow add ${String(options['flowtable'] ?? '')}`;
    case 'fwd':
      return `fwd to "${String(options['dev'] ?? '')}"`;
    default:
      return `${name} ${textOf(json)}`;
  }
}

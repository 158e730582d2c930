/**
 * Our form as `nft -j` has it (libnftables-json(5)), so that a text listing can be held against what is known as JSON. What nft's own
 * JSON writes in another way is written as nft 1.0.6 does; what we cannot read comes as {"unknown": TEXT}, which nothing else equals.
 */
import type { Element, Expression, Statement } from './ruleset.ts';
import type { Json, JsonObject } from './json-expressions.ts';

/** @param family the table's, which decides what a plain `reject` means */
export function statementJson(statement: Statement, family: 'ip' | 'ip6' | 'inet'): JsonObject {
  switch (statement.kind) {
    case 'match':
      return {
        match: { op: statement.op, left: expressionJson(statement.left), right: expressionJson(statement.right) },
      };
    case 'verdict':
      return expressionJson(statement) as JsonObject;
    case 'vmap':
      return { vmap: { key: expressionJson(statement.key), data: expressionJson(statement.data) } };
    case 'assign':
      return { mangle: { key: expressionJson(statement.key), value: expressionJson(statement.value) } };
    case 'nat':
      return { [statement.action]: nat(statement) };
    case 'reject':
      return { reject: reject(statement.with, family) };
    case 'notrack':
      return { notrack: null };
    case 'dynset':
      return { [statement.data ? 'map' : 'set']: dynset(statement, family) };
    case 'counter':
      return { counter: { packets: statement.packets, bytes: statement.bytes } };
    case 'xt':
      return { xt: { type: statement.type, name: statement.name } };
    case 'effectless': {
      const counter = /^counter name "(.*)"$/.exec(statement.text);
      return counter ? { counter: counter[1]! } : { unknown: statement.text };
    }
    case 'stateful':
    case 'handover':
    case 'unknown':
      return { unknown: statement.text };
  }
}

export function elementJson({ key, data, comment, timeout, expires }: Element): Json {
  const val = expressionJson(key);
  const options = {
    ...(comment !== undefined && { comment }),
    ...(timeout !== undefined && { timeout }),
    ...(expires !== undefined && { expires }),
  };
  const elem = Object.keys(options).length > 0 ? { elem: { val, ...options } } : val;
  return data === undefined ? elem : [elem, expressionJson(data)];
}

function expressionJson(expression: Expression): Json {
  switch (expression.kind) {
    case 'payload':
      return { payload: { protocol: expression.protocol, field: expression.field } };
    case 'raw':
      return { payload: { base: expression.base, offset: expression.offset, len: expression.length } };
    case 'meta':
      return { meta: { key: expression.key } };
    case 'ct':
      return { ct: { key: expression.key, ...(expression.direction && { dir: expression.direction }) } };
    case 'fib':
      return { fib: { result: expression.result, flags: expression.flags } };
    case 'numgen':
      return { numgen: { mode: expression.mode, mod: expression.mod, offset: expression.offset } };
    case 'jhash': {
      const { of, mod, seed, offset } = expression;
      return { jhash: { mod, offset, expr: expressionJson(of), ...(seed !== undefined && { seed }) } };
    }
    case 'symhash':
      return { symhash: { mod: expression.mod, offset: expression.offset } };
    case 'binary':
      return { [expression.op]: [expressionJson(expression.left), expressionJson(expression.right)] };
    case 'concat':
      return { concat: expression.parts.map(expressionJson) };
    case 'map':
      return { map: { key: expressionJson(expression.key), data: expressionJson(expression.data) } };
    case 'number':
    case 'text':
    case 'exists':
      return expression.value;
    case 'prefix':
      return { prefix: { addr: expression.address, len: expression.length } };
    case 'range':
      return { range: [expressionJson(expression.low), expressionJson(expression.high)] };
    case 'set':
      return { set: expression.elements.map(elementJson) };
    case 'list':
      return expression.values.map(expressionJson);
    case 'reference':
      return `@${expression.name}`;
    case 'any':
      return '*';
    case 'verdict':
      return { [expression.name]: 'chain' in expression ? { target: expression.chain } : null };
    case 'selector':
    case 'unknown':
      return { unknown: expression.text };
  }
}

function nat({ family, prefix, address, port, flags }: Statement & { kind: 'nat' }): Json {
  const options = {
    ...(family && { family }),
    ...(address && { addr: expressionJson(address) }),
    ...(port && { port: expressionJson(port) }),
    ...(flags.length > 0 && { flags: one(flags) }),
    ...(prefix && { type_flags: 'prefix' }),
  };
  return Object.keys(options).length > 0 ? options : null;
}

/** nft's text leaves out what is said anyway. */
function reject(text: string | undefined, family: 'ip' | 'ip6' | 'inet'): Json {
  const own = family === 'ip' ? 'icmp' : family === 'ip6' ? 'icmpv6' : 'icmpx';
  const [type = own, expr] = text?.split(' ') ?? [own, 'port-unreachable'];
  return { type, ...(expr !== undefined && { expr }) };
}

function dynset(statement: Statement & { kind: 'dynset' }, family: 'ip' | 'ip6' | 'inet'): Json {
  const { op, set, key, timeout, statements, data } = statement;
  const val = expressionJson(key);
  return {
    op,
    elem: timeout === undefined ? val : { elem: { val, timeout } },
    ...(data ? { map: `@${set}`, data: expressionJson(data) } : { set: `@${set}` }),
    ...(statements.length > 0 && { stmt: statements.map((each) => statementJson(each, family)) }),
  };
}

/** A list of one is written as that one. */
function one(texts: readonly string[]): Json {
  return texts.length === 1 ? texts[0]! : texts;
}

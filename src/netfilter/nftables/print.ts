/** Our form back to nft's text, as `nft list ruleset` prints it: what is shown of a rule that came in JSON. */
import type { Element, Expression, Statement } from './ruleset.ts';
import { QUOTED, typeOf } from './datatypes.ts';
import { anyBits } from './expressions.ts';

/** meta keys that nft prints without `meta`. */
const BARE = new Set(['iif', 'oif', 'iifname', 'oifname', 'iifgroup', 'oifgroup']);

export function printRule(rule: {
  readonly statements: readonly Statement[];
  readonly comment?: string | undefined;
}): string {
  const words = rule.statements.map(printStatement).filter((text) => text !== '');
  if (rule.comment !== undefined) words.push(`comment "${rule.comment}"`);
  return words.join(' ');
}

export function printStatement(statement: Statement): string {
  switch (statement.kind) {
    case 'match':
      return match(statement.op, statement.left, statement.right);
    case 'verdict':
      return printExpression(statement);
    case 'vmap':
      return `${printExpression(statement.key)} vmap ${lookedUp(statement.data, statement.key)}`;
    case 'assign':
      return `${printExpression(statement.key)} set ${printExpression(statement.value, typeOf(statement.key))}`;
    case 'nat':
      return nat(statement);
    case 'reject':
      return statement.with === undefined ? 'reject' : `reject with ${statement.with}`;
    case 'notrack':
      return 'notrack';
    case 'dynset': {
      const timeout = statement.timeout === undefined ? '' : ` timeout ${printDuration(statement.timeout)}`;
      const more = statement.statements.map((inner) => ` ${printStatement(inner)}`).join('');
      const data = statement.data ? ` : ${printExpression(statement.data)}` : '';
      return `${statement.op} @${statement.set} { ${printExpression(statement.key)}${timeout}${more}${data} }`;
    }
    case 'counter':
      return `counter packets ${statement.packets} bytes ${statement.bytes}`;
    case 'xt':
      return `xt ${statement.type} ${statement.name}`;
    case 'effectless':
    case 'stateful':
    case 'handover':
    case 'unknown':
      return statement.text;
  }
}

function match(op: string, left: Expression, right: Expression): string {
  const type = typeOf(left);
  if (left.kind === 'binary' && left.op === '&' && type === 'tcp_flag' && (op === '==' || op === '!=')) {
    const mask = printExpression(left.right, type);
    return `${printExpression(left.left)} ${op === '!=' ? '!= ' : ''}${printExpression(right, type)} / ${mask}`;
  }
  const shown = op === 'in' || (op === '==' && left.kind !== 'binary' && !anyBits(left, right)) ? '' : `${op} `;
  return `${printExpression(left)} ${shown}${lookedUp(right, left)}`;
}

/** What stands behind a selector: constants and sets take its data type. */
function lookedUp(data: Expression, selector: Expression): string {
  if (data.kind === 'set') return set(data.elements, selector);
  if (data.kind === 'concat' && selector.kind === 'concat') return parts(data, selector);
  return printExpression(data, typeOf(selector));
}

function set(elements: readonly Element[], selector: Expression): string {
  return `{ ${elements.map((element) => printElement(element, selector)).join(', ')} }`;
}

export function printElement(element: Element, selector: Expression): string {
  const { key } = element;
  let text = lookedUp(key, selector);
  if (element.timeout !== undefined) text += ` timeout ${printDuration(element.timeout)}`;
  if (element.expires !== undefined) text += ` expires ${printDuration(element.expires)}`;
  if (element.comment !== undefined) text += ` comment "${element.comment}"`;
  return element.data === undefined ? text : `${text} : ${printExpression(element.data)}`;
}

function parts(concat: Expression & { kind: 'concat' }, selector: Expression & { kind: 'concat' }): string {
  const types = selector.parts.map(typeOf);
  return concat.parts.map((part, i) => printExpression(part, types[i])).join(' . ');
}

/** `type` is the data type that gives constants their look: marks are hexadecimal, interfaces quoted. */
export function printExpression(expression: Expression, type = 'integer'): string {
  switch (expression.kind) {
    case 'payload':
      return `${expression.protocol} ${expression.field}`;
    case 'raw':
      return `@${expression.base},${expression.offset},${expression.length}`;
    case 'meta':
      return BARE.has(expression.key) ? expression.key : `meta ${expression.key}`;
    case 'ct':
      return `ct ${expression.direction ? `${expression.direction} ` : ''}${expression.key}`;
    case 'fib':
      return `fib ${expression.flags.join(' . ')} ${expression.result}`;
    case 'numgen':
      return `numgen ${expression.mode} mod ${expression.mod}${offset(expression.offset)}`;
    case 'jhash': {
      const seed = expression.seed === undefined ? '' : ` seed 0x${expression.seed.toString(16)}`;
      return `jhash ${printExpression(expression.of)} mod ${expression.mod}${seed}${offset(expression.offset)}`;
    }
    case 'symhash':
      return `symhash mod ${expression.mod}${offset(expression.offset)}`;
    case 'selector':
      return expression.text.replace(/^exthdr (?=\S+ \S)/, '');
    case 'binary': {
      const inner = typeOf(expression.left) === 'integer' ? type : typeOf(expression.left);
      return `${printExpression(expression.left)} ${expression.op} ${printExpression(expression.right, inner)}`;
    }
    case 'concat':
      return expression.parts.map((part) => printExpression(part)).join(' . ');
    case 'map': {
      const data = expression.data;
      const key = printExpression(expression.key);
      return `${key} map ${data.kind === 'set' ? map(data.elements, expression.key, type) : printExpression(data)}`;
    }
    case 'number':
      if (type === 'mark') return `0x${expression.value.toString(16).padStart(8, '0')}`;
      if (type === 'time') return printDuration(expression.value);
      if (type === 'raw') return `0x${expression.value.toString(16)}`;
      return String(expression.value);
    case 'text':
      return QUOTED.has(type) ? `"${expression.value}"` : expression.value;
    case 'prefix':
      return `${expression.address}/${expression.length}`;
    case 'range':
      return `${printExpression(expression.low, type)}-${printExpression(expression.high, type)}`;
    case 'set':
      return `{ ${expression.elements.map((e) => printExpression(e.key, type)).join(', ')} }`;
    case 'list':
      return expression.values.map((value) => printExpression(value, type)).join(',');
    case 'reference':
      return `@${expression.name}`;
    case 'any':
      return '*';
    case 'exists':
      return expression.value ? 'exists' : 'missing';
    case 'verdict':
      return 'chain' in expression ? `${expression.name} ${expression.chain}` : expression.name;
    case 'unknown':
      return expression.text;
  }
}

function map(elements: readonly Element[], selector: Expression, type: string): string {
  const shown = elements.map((element) => {
    const key = printElement({ ...element, data: undefined }, selector);
    return element.data === undefined ? key : `${key} : ${printExpression(element.data, type)}`;
  });
  return `{ ${shown.join(', ')} }`;
}

function offset(value: number): string {
  return value === 0 ? '' : ` offset ${value}`;
}

function nat(statement: Statement & { kind: 'nat' }): string {
  const { action, family, prefix, address, port, flags } = statement;
  let text: string = action;
  if (family) text += ` ${family}`;
  if (prefix) text += ' prefix';
  if (address || port) {
    const colon = port ? `:${printExpression(port)}` : '';
    text += ` to ${address ? target(address, port !== undefined) : ''}${colon}`;
  }
  return flags.length === 0 ? text : `${text} ${flags.join(',')}`;
}

/** IPv6 addresses stand in brackets where a port follows. */
function target(address: Expression, ported: boolean): string {
  const ends = address.kind === 'range' ? [address.low, address.high] : [address];
  const shown = ends.map((end) => printExpression(end));
  return shown.map((text) => (ported && text.includes(':') && !text.includes(' ') ? `[${text}]` : text)).join('-');
}

function printDuration(seconds: number): string {
  if (seconds === 0) return '0s';
  const units: readonly (readonly [string, number])[] = [
    ['d', 86400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ];
  let rest = seconds;
  let text = '';
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}

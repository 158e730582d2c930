/** The text listing's expressions: selectors (`ip daddr . meta l4proto . th dport`), constants, sets and maps. */
import type { BinaryOperator, Element, Expression, Verdict } from './ruleset.ts';
import { named } from '../named.ts';
import { DEEPEST, Unreadable, durationOf, type Cursor } from './cursor.ts';
import { literal } from './literals.ts';

/** meta keys that may stand without `meta`, as nft lists them. `mark` alone comes from iptables' own translations. */
const BARE_META = new Set(
  (
    'iif oif iifname oifname iiftype oiftype iifgroup oifgroup iifkind oifkind ibrname obrname ibriport obriport ' +
    'ibrpvid ibrvproto sdif sdifname mark skuid skgid nftrace rtclassid cgroup pkttype cpu secmark'
  ).split(' '),
);

const HEADERS = new Set(
  'ether vlan arp ip ip6 icmp igmp icmpv6 tcp udp udplite sctp dccp ah esp comp th gre vxlan geneve gretap'.split(' '),
);

const EXTENSION_HEADERS = new Set(['frag', 'hbh', 'dst', 'mh', 'srh']);
const ROUTE_KEYS = new Set(['classid', 'nexthop', 'mtu', 'ipsec']);
const CT_PAIRS = new Set(['ip', 'ip6']);

/** Whether the next words begin a selector. */
export function startsSelector(cursor: Cursor): boolean {
  const next = cursor.peek();
  return (
    BARE_META.has(next) ||
    HEADERS.has(next) ||
    EXTENSION_HEADERS.has(next) ||
    /^(meta|ct|fib|numgen|jhash|symhash|rt|exthdr|socket|osf|ipsec|tunnel|@(ll|nh|th|ih))$/.test(next) ||
    next === '('
  );
}

/** One selector or several joined by ` . `. */
export function selector(cursor: Cursor): Expression {
  const parts = [simpleSelector(cursor)];
  while (cursor.skip('.')) parts.push(simpleSelector(cursor));
  return parts.length === 1 ? parts[0]! : { kind: 'concat', parts };
}

function simpleSelector(cursor: Cursor): Expression {
  if (cursor.skip('(')) {
    const inner = cursor.nested(() => operations(cursor, selector(cursor)));
    cursor.expect(')');
    return inner;
  }
  const first = cursor.word();
  switch (first) {
    case 'meta':
      return { kind: 'meta', key: cursor.word() };
    case 'ct':
      return conntrack(cursor);
    case 'fib':
      return fib(cursor);
    case 'numgen': {
      const mode = cursor.word();
      if (mode !== 'random' && mode !== 'inc') throw new Unreadable('random or inc');
      cursor.expect('mod');
      return { kind: 'numgen', mode, mod: cursor.number(), offset: cursor.skip('offset') ? cursor.number() : 0 };
    }
    case 'jhash': {
      const of = cursor.nested(() => selector(cursor));
      cursor.expect('mod');
      const mod = cursor.number();
      const seed = cursor.skip('seed') ? { seed: cursor.number() } : {};
      return { kind: 'jhash', of, mod, ...seed, offset: cursor.skip('offset') ? cursor.number() : 0 };
    }
    case 'symhash':
      cursor.expect('mod');
      return { kind: 'symhash', mod: cursor.number(), offset: cursor.skip('offset') ? cursor.number() : 0 };
    case 'socket':
    case 'exthdr':
    case 'tunnel':
      return { kind: 'selector', text: `${first} ${cursor.word()}` };
    case 'osf':
      return { kind: 'selector', text: `osf ${cursor.skip('ttl') ? `ttl ${cursor.word()} ` : ''}${cursor.word()}` };
    case 'ipsec': {
      const direction = cursor.word();
      const number = cursor.skip('spnum') ? cursor.number() : 0;
      const family = CT_PAIRS.has(cursor.peek()) ? `${cursor.word()} ` : '';
      return {
        kind: 'selector',
        text: `ipsec ${direction} ${number ? `spnum ${number} ` : ''}${family}${cursor.word()}`,
      };
    }
    case 'rt':
      return { kind: 'selector', text: `${ROUTE_KEYS.has(cursor.peek()) ? 'rt' : 'exthdr rt'} ${cursor.word()}` };
    case '@ll':
    case '@nh':
    case '@th':
    case '@ih': {
      cursor.expect(',');
      const offset = cursor.number();
      cursor.expect(',');
      return { kind: 'raw', base: first.slice(1), offset, length: cursor.number() };
    }
  }
  if (EXTENSION_HEADERS.has(first)) return { kind: 'selector', text: `exthdr ${first} ${cursor.word()}` };
  if (HEADERS.has(first)) return header(cursor, first);
  if (BARE_META.has(first)) return { kind: 'meta', key: first };
  throw new Unreadable(`a selector instead of ${first}`);
}

function header(cursor: Cursor, protocol: string): Expression {
  const field = cursor.word();
  if (field === 'option') {
    const name = cursor.word();
    // `tcp option sack-perm exists` has no field
    const more = /^(exists|missing|)$/.test(cursor.peek()) ? '' : ` ${cursor.word()}`;
    return { kind: 'selector', text: `${protocol} option ${name}${more}` };
  }
  if (field === 'chunk') return { kind: 'selector', text: `${protocol} chunk ${cursor.word()}` };
  if (protocol === 'arp' && CT_PAIRS.has(cursor.peek()) && /^[sd]addr$/.test(field))
    return { kind: 'payload', protocol, field: `${field} ${cursor.word()}` };
  if (protocol === 'arp' && cursor.peek() === 'ether' && /^[sd]addr$/.test(field))
    return { kind: 'payload', protocol, field: `${field} ${cursor.word()}` };
  return { kind: 'payload', protocol, field };
}

function conntrack(cursor: Cursor): Expression {
  const next = cursor.peek();
  const direction = next === 'original' || next === 'reply' ? next : undefined;
  if (direction) cursor.at++;
  const first = cursor.word();
  const key = CT_PAIRS.has(first) ? `${first} ${cursor.word()}` : first;
  return direction ? { kind: 'ct', key, direction } : { kind: 'ct', key };
}

function fib(cursor: Cursor): Expression {
  const flags = [cursor.word()];
  while (cursor.skip('.')) flags.push(cursor.word());
  return { kind: 'fib', flags, result: cursor.word() };
}

const OPERATORS: Readonly<Record<string, BinaryOperator>> = {
  '&': '&',
  '|': '|',
  '^': '^',
  '<<': '<<',
  '>>': '>>',
  and: '&',
  or: '|',
  xor: '^',
  lshift: '<<',
  rshift: '>>',
};

/** `& 0xff | 0x1` behind what was read already; left to right, as nft lists it. */
export function operations(cursor: Cursor, first: Expression): Expression {
  let left = first;
  let count = 0;
  for (let op = named(OPERATORS, cursor.peek()); op; op = named(OPERATORS, cursor.peek())) {
    if (count++ >= DEEPEST) throw new Unreadable('the end of the operations');
    cursor.at++;
    left = { kind: 'binary', op, left, right: operand(cursor) };
  }
  return left;
}

function operand(cursor: Cursor): Expression {
  if (cursor.skip('(')) {
    const inner = cursor.nested(() =>
      startsSelector(cursor) ? operations(cursor, selector(cursor)) : flagSum(cursor),
    );
    cursor.expect(')');
    return inner;
  }
  return startsSelector(cursor) ? selector(cursor) : literal(cursor.token());
}

/** `(syn | ack)`: the list that JSON has for it. */
function flagSum(cursor: Cursor): Expression {
  const values = [literal(cursor.token())];
  while (cursor.skip('|')) values.push(literal(cursor.token()));
  return values.length === 1 ? values[0]! : { kind: 'list', values };
}

/** What a selector is compared with. */
export function comparand(cursor: Cursor): Expression {
  const next = cursor.peek();
  if (next === '{') return anonymousSet(cursor);
  if (next === '(') return operand(cursor);
  if (/^@[^,]+$/.test(next) && cursor.peek(1) !== ',') return reference(cursor);
  if (next === 'exists' || next === 'missing') {
    cursor.at++;
    return { kind: 'exists', value: next === 'exists' };
  }
  const first = constants(cursor);
  if (cursor.peek() !== ',') return first;
  const values = [first];
  while (cursor.skip(',')) values.push(literal(cursor.token()));
  return { kind: 'list', values };
}

/** What `set`, `to` or a map's data may be: a selector with operations, a lookup, or a constant. */
export function value(cursor: Cursor): Expression {
  if (!startsSelector(cursor)) return comparand(cursor);
  const key = selector(cursor);
  if (cursor.skip('map')) return { kind: 'map', key, data: setOrReference(cursor) };
  return operations(cursor, key);
}

export function setOrReference(cursor: Cursor): Expression {
  return cursor.peek() === '{' ? anonymousSet(cursor) : reference(cursor);
}

function reference(cursor: Cursor): Expression {
  const name = cursor.word();
  if (!name.startsWith('@')) throw new Unreadable(`a set's name instead of ${name}`);
  return { kind: 'reference', name: name.slice(1) };
}

/** A constant, or several joined by ` . `, each perhaps a prefix or a range. */
export function constants(cursor: Cursor): Expression {
  const parts = [rangeOfStrings(cursor)];
  while (cursor.skip('.')) parts.push(rangeOfStrings(cursor));
  return parts.length === 1 ? parts[0]! : { kind: 'concat', parts };
}

/** `"10:00"-"12:00"` is three words; everything else is one. */
function rangeOfStrings(cursor: Cursor): Expression {
  const token = cursor.token();
  if (token.kind === 'punctuation') throw new Unreadable(`a value instead of ${token.text}`);
  const low = literal(token);
  if (token.kind !== 'string' || cursor.peek() !== '-') return low;
  cursor.at++;
  return { kind: 'range', low, high: literal(cursor.token()) };
}

function anonymousSet(cursor: Cursor): Expression {
  cursor.expect('{');
  const found = elements(cursor);
  cursor.expect('}');
  return { kind: 'set', elements: found };
}

/** Elements up to the closing bracket or the end. */
export function elements(cursor: Cursor): Element[] {
  const found: Element[] = [];
  while (!cursor.done && cursor.peek() !== '}') {
    found.push(element(cursor));
    if (!cursor.skip(',')) break;
  }
  return found;
}

function element(cursor: Cursor): Element {
  const key = constants(cursor);
  let more: Partial<Element> = {};
  for (;;) {
    if (cursor.skip('comment')) more = { ...more, comment: cursor.word() };
    else if (cursor.skip('timeout')) more = { ...more, timeout: duration(cursor) };
    else if (cursor.skip('expires')) more = { ...more, expires: duration(cursor) };
    else if (cursor.skip(':')) more = { ...more, data: verdict(cursor) ?? constants(cursor) };
    else if (cursor.done || cursor.peek() === ',' || cursor.peek() === '}') return { key, ...more };
    else cursor.token(); // the element's own counter or limit, and its words
  }
}

export function duration(cursor: Cursor): number {
  const text = cursor.word();
  const seconds = durationOf(text);
  if (seconds === undefined) throw new Unreadable(`a time such as 1h30m instead of ${text}`);
  return seconds;
}

/** undefined where the next word is none. */
export function verdict(cursor: Cursor): Verdict | undefined {
  const name = cursor.peek();
  switch (name) {
    case 'accept':
    case 'drop':
    case 'return':
    case 'continue':
      cursor.at++;
      return { kind: 'verdict', name };
    case 'jump':
    case 'goto':
      cursor.at++;
      return { kind: 'verdict', name, chain: cursor.word() };
    default:
      return undefined;
  }
}

/** Fields whose values are bits: without an operator, any of the named bits will do. */
export function anyBits(left: Expression, right: Expression): boolean {
  if (right.kind === 'set' || right.kind === 'reference' || right.kind === 'range') return false;
  if (left.kind === 'ct') return /^(state|status|event|label)$/.test(left.key);
  return left.kind === 'payload' && left.protocol === 'tcp' && left.field === 'flags';
}

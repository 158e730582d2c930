/**
 * The words of an nft rule, each as the JSON that nft lists for it. A rule is written here as it stands in a listing:
 * `ip daddr . meta l4proto . th dport vmap @service-ips` is `vmap(concat(daddr, l4proto, dport), '@service-ips')`.
 */
import type { Json, NftFamily, Statement } from './objects.ts';

// Expressions

/** `ip saddr`, `ip6 daddr`, `tcp dport`. */
export const payload = (protocol: string, field: string): Json => ({ payload: { protocol, field } });
export const saddr = (family: NftFamily): Json => payload(family, 'saddr');
export const daddr = (family: NftFamily): Json => payload(family, 'daddr');

export const meta = (key: 'l4proto' | 'mark' | 'iif' | 'iifname'): Json => ({ meta: { key } });
export const l4proto = meta('l4proto');
/** `th dport`: the destination port of whatever transport header there is. */
export const dport = payload('th', 'dport');

/** `a . b . c` */
export const concat = (...parts: Json[]): Json => ({ concat: parts });
/** `fib saddr type` */
export const fibType = (flag: 'saddr' | 'daddr'): Json => ({ fib: { result: 'type', flags: [flag] } });
/** `numgen random mod n` */
export const random = (mod: number): Json => ({ numgen: { mode: 'random', mod, offset: 0 } });

// Matches

export const match = (left: Json, op: '==' | '!=' | 'in', right: Json): Statement => ({ match: { op, left, right } });
/** `left right`: equal to it, or one of the set that it names with an @. */
export const is = (left: Json, right: Json): Statement => match(left, '==', right);
export const isNot = (left: Json, right: Json): Statement => match(left, '!=', right);
export const ctState = (state: 'new' | 'invalid'): Statement => match({ ct: { key: 'state' } }, 'in', state);
export const ctStatusDnat = match({ ct: { key: 'status' } }, 'in', 'dnat');

// Verdicts

export const jump = (target: string): Statement => ({ jump: { target } });
export const goto = (target: string): Statement => ({ goto: { target } });
export const drop: Statement = { drop: null };
export const returns: Statement = { return: null };
/** A bare `reject`: port unreachable, for every protocol. */
export const reject = (family: NftFamily): Statement => ({
  reject: { type: family === 'ip' ? 'icmp' : 'icmpv6', expr: 'port-unreachable' },
});

/** `key vmap @map`, or `key vmap { 0 : goto a, 1 : goto b }`. */
export const vmap = (key: Json, data: Json): Statement => ({ vmap: { key, data } });

// Translation

export const masquerade: Statement = { masquerade: { flags: 'fully-random' } };
/** `dnat to address:port` */
export const dnatTo = (addr: string, port: number): Statement => ({ dnat: { addr, port } });
/** `dnat ip to key map { 0 : address . port, … }` */
export const dnatMap = (family: NftFamily, key: Json, data: Json): Statement => ({
  dnat: { family, addr: { map: { key, data } } },
});
/** `update @set { element }` */
export const update = (set: string, elem: Json): Statement => ({ set: { op: 'update', elem, set } });
/** `counter name "x"` */
export const counter = (name: string): Statement => ({ counter: name });

// The mark by which a packet is remembered as one to masquerade

const mark = meta('mark');
/** `meta mark set meta mark | bits` */
export const setMark = (bits: number): Statement => ({ mangle: { key: mark, value: { '|': [mark, bits] } } });
/** `meta mark set meta mark ^ bits` */
export const flipMark = (bits: number): Statement => ({ mangle: { key: mark, value: { '^': [mark, bits] } } });
export const marked = (bits: number): Statement => markIs('!=', bits);
export const notMarked = (bits: number): Statement => markIs('==', bits);

/** nft lists a mask that holds the highest bits alone as a prefix: `meta mark & 0x80000000 != 0` becomes `meta mark != 0x0/1`. */
function markIs(op: '==' | '!=', bits: number): Statement {
  if (bits === 0x80000000) return match(mark, op, { prefix: { addr: 0, len: 1 } });
  return match({ '&': [mark, bits] }, op, 0);
}

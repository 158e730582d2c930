import type { Expression } from './ruleset.ts';
import type { Token } from './tokens.ts';
import { durationOf, numberOf } from './cursor.ts';

const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;
const IPV6 = /^[0-9a-fA-F]*:[0-9a-fA-F:.]*$/;

/** Numbers, addresses and Ethernet addresses may be ends of a range; `echo-reply` and `ipv6-icmp` are one word. */
function rangeEnd(text: string): boolean {
  return numberOf(text) !== undefined || IPV4.test(text) || IPV6.test(text);
}

export function isAddress(text: string): boolean {
  return IPV4.test(text) || IPV6.test(text);
}

/** A constant as the text listing writes it: 80, 0x4000, tcp, 10.0.0.0/8, 1000-2000, fd00::1-fd00::9, 10s, "eth0". */
export function literal(token: Token): Expression {
  return token.kind === 'string' ? constant(token.text) : word(token.text);
}

export function word(text: string): Expression {
  if (text === '*') return { kind: 'any' };
  const dash = text.indexOf('-');
  if (dash > 0 && rangeEnd(text.slice(0, dash)) && rangeEnd(text.slice(dash + 1)))
    return { kind: 'range', low: constant(text.slice(0, dash)), high: constant(text.slice(dash + 1)) };
  const slash = text.indexOf('/');
  if (slash > 0 && isAddress(text.slice(0, slash)) && /^\d+$/.test(text.slice(slash + 1)))
    return { kind: 'prefix', address: text.slice(0, slash), length: Number(text.slice(slash + 1)) };
  const seconds = /^\d+[a-z]/.test(text) ? durationOf(text) : undefined;
  return seconds === undefined ? constant(text) : { kind: 'number', value: seconds };
}

/** A number where the text is one, whichever way it was quoted: interfaces may be called "5", and JSON has "5" for 5. */
export function constant(text: string): Expression {
  const value = numberOf(text);
  return value === undefined ? { kind: 'text', value: text } : { kind: 'number', value };
}

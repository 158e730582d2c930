/**
 * How nft 1.0.6 lists an anonymous set of prefixes, such as that of `ip saddr != { 203.0.113.0/25, 192.0.2.7/32 } drop`: sorted,
 * with what overlaps or adjoins merged, each piece as an address, a prefix or a range. A set written with one element is no set at all.
 * (Measured: { 10.0.0.0/25, 10.0.0.128/25 } lists as { 10.0.0.0/24 }, { 10.0.0.0/8, 10.1.0.0/16 } as { 10.0.0.0/8 }.)
 */
import { bitsOf, formatAddress, type Family, type Prefix } from '../../netfilter/address.ts';
import type { Json } from './objects.ts';

interface Interval {
  readonly first: bigint;
  /** Inclusive. */
  last: bigint;
}

/** The right side of a match against these prefixes, which are of one family; there is at least one. */
export function prefixSet(prefixes: readonly Prefix[]): Json {
  if (prefixes.length === 1) return prefix(prefixes[0]!);
  const { family } = prefixes[0]!;
  const bits = bitsOf(family);
  const sorted = prefixes
    .map(({ value, length }) => ({ first: value, last: value + (1n << BigInt(bits - length)) - 1n }))
    .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const merged: Interval[] = [];
  for (const next of sorted) {
    const before = merged.at(-1);
    if (before && next.first <= before.last + 1n) {
      if (next.last > before.last) before.last = next.last;
    } else merged.push(next);
  }
  return { set: merged.map((interval) => piece(family, interval)) };
}

/** One prefix: the bare address where it has full length. */
export function prefix({ family, value, length }: Prefix): Json {
  const addr = formatAddress({ family, value });
  return length === bitsOf(family) ? addr : { prefix: { addr, len: length } };
}

function piece(family: Family, { first, last }: Interval): Json {
  const size = last - first + 1n;
  const host = size.toString(2).length - 1;
  if (size === 1n << BigInt(host) && (first & (size - 1n)) === 0n)
    return prefix({ family, value: first, length: bitsOf(family) - host });
  return { range: [formatAddress({ family, value: first }), formatAddress({ family, value: last })] };
}

import type { Address } from './address.ts';

/**
 * Which address of a range nat chooses: no chance but a hash of source and destination, the same for every connection between the two
 * (find_best_ips_proto in net/netfilter/nf_nat_core.c).
 */
export function spread(
  manip: 'source' | 'destination',
  source: Address,
  destination: Address,
  low: Address,
  high: Address,
  persistent: boolean,
): Address {
  const six = low.family === 6;
  const from = words(source, six);
  const to = words(destination, six);
  const min = words(low, six);
  const max = words(high, six);
  const last = six ? 3 : 0;
  // The kernel hashes the words as they lie in memory: big-endian numbers read by a little-endian machine.
  let hash = jhash2(
    [0, 1, 2, 3].map((i) => swap(from[i] ?? 0)),
    persistent ? 0 : swap(to[last]!),
  );
  let value = 0n;
  let full = false;
  for (let i = 0; i <= last; i++) {
    const start = full ? 0 : min[i]!;
    // ~0 is what the kernel takes for "any": one short of 2^32
    const distance = full ? 0xffffffff : (max[i]! - start + 1) >>> 0;
    const word = (start + Number((BigInt(hash) * BigInt(distance)) >> 32n)) >>> 0;
    value = (value << 32n) | BigInt(word);
    if (word !== max[i]) full = true;
    // A destination has been written by now: it is the new word that goes in.
    if (!persistent) hash = (hash ^ swap(manip === 'destination' ? word : to[i]!)) >>> 0;
  }
  return { family: low.family, value };
}

function words({ value }: Address, six: boolean): number[] {
  if (!six) return [Number(value)];
  return [96n, 64n, 32n, 0n].map((shift) => Number((value >> shift) & 0xffffffffn));
}

function swap(word: number): number {
  return (((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}

function rotate(word: number, by: number): number {
  return ((word << by) | (word >>> (32 - by))) >>> 0;
}

/** Bob Jenkins' lookup3 over 32-bit words, as include/linux/jhash.h has it. */
export function jhash2(key: readonly number[], initial: number): number {
  return jhash(key, key.length << 2, initial);
}

/** The same over so many bytes, where the last word is not a whole one: its other bytes are 0. */
export function jhash(key: readonly number[], bytes: number, initial: number): number {
  let a = (0xdeadbeef + bytes + initial) >>> 0;
  let b = a;
  let c = a;
  let at = 0;
  let left = key.length;
  while (left > 3) {
    a = (a + key[at]!) >>> 0;
    b = (b + key[at + 1]!) >>> 0;
    c = (c + key[at + 2]!) >>> 0;
    a = ((a - c) ^ rotate(c, 4)) >>> 0;
    c = (c + b) >>> 0;
    b = ((b - a) ^ rotate(a, 6)) >>> 0;
    a = (a + c) >>> 0;
    c = ((c - b) ^ rotate(b, 8)) >>> 0;
    b = (b + a) >>> 0;
    a = ((a - c) ^ rotate(c, 16)) >>> 0;
    c = (c + b) >>> 0;
    b = ((b - a) ^ rotate(a, 19)) >>> 0;
    a = (a + c) >>> 0;
    c = ((c - b) ^ rotate(b, 4)) >>> 0;
    b = (b + a) >>> 0;
    at += 3;
    left -= 3;
  }
  if (left === 0) return c;
  if (left === 3) c = (c + key[at + 2]!) >>> 0;
  if (left >= 2) b = (b + key[at + 1]!) >>> 0;
  a = (a + key[at]!) >>> 0;
  c = ((c ^ b) - rotate(b, 14)) >>> 0;
  a = ((a ^ c) - rotate(c, 11)) >>> 0;
  b = ((b ^ a) - rotate(a, 25)) >>> 0;
  c = ((c ^ b) - rotate(b, 16)) >>> 0;
  a = ((a ^ c) - rotate(c, 4)) >>> 0;
  b = ((b ^ a) - rotate(a, 14)) >>> 0;
  c = ((c ^ b) - rotate(b, 24)) >>> 0;
  return c;
}

/**
 * IP addresses and prefixes as numbers. Strict: four decimal parts without leading zeros for IPv4 (as the kernel's tools
 * print it), RFC 4291 text for IPv6 (an IPv4 tail is allowed, a zone is not).
 */

export type Family = 4 | 6;

export interface Address {
  readonly family: Family;
  /** 32 or 128 bits, most significant first. */
  readonly value: bigint;
}

export interface Prefix extends Address {
  /** 0 to 32, or 0 to 128. The bits of `value` beyond it are zero. */
  readonly length: number;
}

export function bitsOf(family: Family): number {
  return family === 4 ? 32 : 128;
}

/** undefined where the text is no address. */
export function parseAddress(text: string): Address | undefined {
  if (text.includes(':')) {
    const value = parseIPv6(text);
    return value === undefined ? undefined : { family: 6, value };
  }
  const value = parseIPv4(text);
  return value === undefined ? undefined : { family: 4, value: BigInt(value) };
}

function parseIPv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

function parseIPv6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = (half: string): number[] | undefined => {
    if (half === '') return [];
    const out: number[] = [];
    const parts = half.split(':');
    for (const [i, part] of parts.entries()) {
      if (part.includes('.') && i === parts.length - 1) {
        const v4 = parseIPv4(part);
        if (v4 === undefined) return undefined;
        out.push(Math.floor(v4 / 65536), v4 % 65536);
      } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) out.push(parseInt(part, 16));
      else return undefined;
    }
    return out;
  };
  const head = groups(halves[0]!);
  const tail = halves.length === 2 ? groups(halves[1]!) : [];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  let value = 0n;
  for (const group of [...head, ...new Array<number>(missing).fill(0), ...tail]) value = (value << 16n) | BigInt(group);
  return value;
}

/** Canonical text: dotted decimal, or RFC 5952. */
export function formatAddress(address: Address): string {
  const { value } = address;
  if (address.family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn));
  if (groups.slice(0, 5).every((g) => g === 0) && groups[5] === 0xffff)
    return `::ffff:${formatAddress({ family: 4, value: value & 0xffffffffn })}`;
  let [best, length] = [-1, 1];
  for (let i = 0; i < 8; i++) {
    let j = i;
    while (j < 8 && groups[j] === 0) j++;
    if (j - i > length) [best, length] = [i, j - i];
    if (j > i) i = j;
  }
  const hex = groups.map((g) => g.toString(16));
  if (best < 0) return hex.join(':');
  return `${hex.slice(0, best).join(':')}::${hex.slice(best + length).join(':')}`;
}

/** "10.244.0.0/16", or an address, which is a prefix of full length. Host bits are cleared, as iptables does. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (!address) return undefined;
  const bits = bitsOf(address.family);
  const mask = slash < 0 ? String(bits) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(mask) || Number(mask) > bits) return undefined;
  const length = Number(mask);
  const host = BigInt(bits - length);
  return { family: address.family, value: (address.value >> host) << host, length };
}

export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix)}/${prefix.length}`;
}

export function contains(prefix: Prefix, address: Address): boolean {
  if (prefix.family !== address.family) return false;
  const host = BigInt(bitsOf(prefix.family) - prefix.length);
  return prefix.value >> host === address.value >> host;
}

export function equal(a: Address, b: Address): boolean {
  return a.family === b.family && a.value === b.value;
}

/** "10.0.0.1:80", "[fd00::1]:80"; the bare address without a port. */
export function formatEndpoint(address: Address, port: number | undefined): string {
  const text = formatAddress(address);
  if (port === undefined) return text;
  return address.family === 6 ? `[${text}]:${port}` : `${text}:${port}`;
}

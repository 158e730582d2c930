import { parseAddress, type Address } from '../netfilter/address.ts';

/**
 * An IP as Go's net package and k8s.io/utils read it: leading zeros in IPv4 are decimal, an IPv4-mapped IPv6 address is an IPv4 one.
 * The API server accepted such spellings for years, so objects hold them.
 */
export function parseLeniently(text: string): Address | undefined {
  const trimmed = text.trim();
  const address = parseAddress(trimmed.includes(':') ? trimmed : trimmed.replace(/\b0+(?=\d)/g, ''));
  if (address?.family === 6 && address.value >> 32n === 0xffffn)
    return { family: 4, value: address.value & 0xffffffffn };
  return address;
}

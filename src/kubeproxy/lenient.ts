import { formatAddress, parseAddress, type Address, type Family } from '../netfilter/address.ts';

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

/** Dotted decimal as it should be: four numbers up to 255 without leading zeros. */
const DOTTED = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.|$)){4}(?<!\.)$/;

/** An IP of a family in canonical text; undefined where the text is no such IP. Quick where it is canonical already, as 100,000 endpoints are. */
export function canonicalIP(text: string, family: Family): string | undefined {
  if (DOTTED.test(text)) return family === 4 ? text : undefined;
  const address = parseLeniently(text);
  return address?.family === family ? formatAddress(address) : undefined;
}

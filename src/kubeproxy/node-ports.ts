import type { Node } from '../kubernetes/objects.ts';
import { contains, parsePrefix, type Family } from '../netfilter/address.ts';
import type { Configuration } from './configuration.ts';
import { parseLeniently } from './lenient.ts';
import { nodeIP } from './node-addresses.ts';
import { atLeast, type Release } from './version.ts';

/**
 * nodePortAddresses of one family, with the words that newer releases know spelled out: `primary` (1.31, alone; 1.37 among others),
 * `localhost` and `all` (1.37). Empty where the family is not restricted: then every address of it takes node ports.
 */
export function nodePortRanges(
  configuration: Configuration,
  node: Node | undefined,
  family: Family,
  release: Release,
): string[] {
  const written = configuration.nodePortAddresses.value;
  const alone = written.length === 1;
  const spelled = written.flatMap((word) => {
    if (word === 'primary' && atLeast(release, 31) && (alone || atLeast(release, 37)))
      return ([4, 6] as const).flatMap((each) => {
        const ip = nodeIP(configuration, node, each, release);
        // A family without an address of the node is left alone.
        return ip === '127.0.0.1' || ip === '::1' ? [] : [`${ip}/${each === 4 ? 32 : 128}`];
      });
    if (atLeast(release, 37) && word === 'localhost') return ['127.0.0.0/8', '::1/128'];
    if (atLeast(release, 37) && word === 'all') return ['0.0.0.0/0', '::/0'];
    return [word];
  });
  const own = spelled.flatMap((text) => {
    const prefix = parsePrefix(text.trim());
    return prefix?.family === family ? [{ text: text.trim(), prefix }] : [];
  });
  return own.some(({ prefix }) => prefix.length === 0) ? [] : own.map(({ text }) => text);
}

/** Those of the node's addresses that lie in the ranges, each once. */
export function addressesIn(ranges: readonly string[], addresses: readonly string[]): string[] {
  const prefixes = ranges.map((range) => parsePrefix(range)!);
  const found = addresses.filter((text) => {
    const address = parseLeniently(text);
    return address !== undefined && prefixes.some((prefix) => contains(prefix, address));
  });
  return [...new Set(found)];
}

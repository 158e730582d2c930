/** `jhash … seed S`: what the kernel's own hash gives, where the dump has its seed (nft_jhash_eval in net/netfilter/nft_hash.c). */
import { jhash } from '../nat-hash.ts';
import type { Expression } from './ruleset.ts';

/** How a selector's value lies in its register: so many bytes, the highest first, or as this machine's own 32 bits (little-endian, as every node's). */
interface Layout {
  readonly bytes: number;
  readonly host?: boolean;
}

/**
 * The hash of a selector's parts, as their readers give them; undefined where it is not known how some part lies in the registers, or where the dump
 * lacks the seed: then the kernel has drawn one by lot.
 */
export function hashOf(
  expression: Expression & { readonly kind: 'jhash' },
): ((values: readonly bigint[]) => bigint) | undefined {
  const { of, mod, seed, offset } = expression;
  const parts = of.kind === 'concat' ? of.parts : [of];
  const layouts = parts.map(layoutOf);
  if (seed === undefined || mod < 1 || !layouts.every((layout) => layout !== undefined)) return undefined;
  // Parts of a concatenation begin at whole words.
  const length = layouts.length === 1 ? layouts[0]!.bytes : 4 * layouts.reduce((sum, one) => sum + wordsOf(one), 0);
  return (values) => {
    const words = values.flatMap((value, i) => register(value, layouts[i]!));
    const hash = jhash(words, length, seed);
    // reciprocal_scale in include/linux/kernel.h; the register has 32 bits.
    return BigInt.asUintN(32, ((BigInt(hash) * BigInt(mod)) >> 32n) + BigInt(offset));
  };
}

function wordsOf({ bytes }: Layout): number {
  return Math.ceil(bytes / 4);
}

/** The words of a register as a little-endian machine reads them. */
function register(value: bigint, layout: Layout): number[] {
  const { bytes, host } = layout;
  if (host) return [Number(BigInt.asUintN(32, value))];
  const words = Array.from({ length: wordsOf(layout) }, () => 0);
  for (let i = 0; i < bytes; i++) {
    const byte = Number((value >> BigInt(8 * (bytes - 1 - i))) & 0xffn);
    words[i >> 2] = (words[i >> 2]! | (byte << (8 * (i & 3)))) >>> 0;
  }
  return words;
}

function layoutOf(selector: Expression): Layout | undefined {
  switch (selector.kind) {
    case 'payload':
      if (/^(tcp|udp|sctp|th)$/.test(selector.protocol) && /^[sd]port$/.test(selector.field)) return { bytes: 2 };
      if (selector.protocol === 'ip' || selector.protocol === 'ip6') return header(selector.field, selector.protocol);
      return undefined;
    case 'meta':
      if (selector.key === 'mark') return { bytes: 4, host: true };
      if (selector.key === 'l4proto' || selector.key === 'nfproto') return { bytes: 1 };
      return selector.key === 'protocol' ? { bytes: 2 } : undefined;
    case 'ct':
      if (selector.key === 'mark') return { bytes: 4, host: true };
      if (/^proto-(src|dst)$/.test(selector.key)) return { bytes: 2 };
      if (selector.key === 'ip saddr' || selector.key === 'ip daddr') return { bytes: 4 };
      return selector.key === 'ip6 saddr' || selector.key === 'ip6 daddr' ? { bytes: 16 } : undefined;
    case 'binary':
      return /^[&|^]$/.test(selector.op) ? layoutOf(selector.left) : undefined;
    default:
      return undefined;
  }
}

function header(field: string, protocol: 'ip' | 'ip6'): Layout | undefined {
  if (field === 'saddr' || field === 'daddr') return { bytes: protocol === 'ip' ? 4 : 16 };
  return field === 'protocol' || field === 'nexthdr' ? { bytes: 1 } : undefined;
}

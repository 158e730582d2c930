/**
 * What a rule or element speaks of: addresses, ports, protocols, states, interfaces. From these come the packets that show
 * whether a difference matters: some that it is made for, some that it just misses.
 */
import { bitsOf, parsePrefix, type Prefix } from '../netfilter/address.ts';
import type { PacketCase } from '../netfilter/outcome.ts';
import type { Entry } from './compare.ts';

export interface RuleFacts {
  readonly sources: readonly Prefix[];
  readonly destinations: readonly Prefix[];
  readonly ports: readonly number[];
  readonly protocols: readonly PacketCase['protocol'][];
  readonly states: readonly NonNullable<PacketCase['state']>[];
  readonly interfaces: readonly string[];
  /** It keeps or asks a memory of clients (session affinity), which no single packet shows. */
  readonly remembers: boolean;
}

export const NO_FACTS: RuleFacts = {
  sources: [],
  destinations: [],
  ports: [],
  protocols: [],
  states: [],
  interfaces: [],
  remembers: false,
};

const STATES = ['new', 'established', 'related', 'invalid', 'untracked'] as const;

export function factsOf(entry: Entry): RuleFacts {
  return entry.text.startsWith('-A ') ? factsOfIptables(entry.text) : factsOfNft(entry.text);
}

function factsOfIptables(rule: string): RuleFacts {
  const after = (option: string): string[] =>
    [...rule.matchAll(new RegExp(` ${option} (\\S+)`, 'g'))].map((found) => found[1]!);
  const prefixes = (texts: readonly string[]): Prefix[] => texts.flatMap((text) => parsePrefix(text) ?? []);
  const ports = [...after('--dport'), ...after('--dports'), ...after('--to-ports')]
    .flatMap((text) => text.split(/[,:-]/))
    .map(Number);
  return {
    sources: prefixes(after('-s')),
    destinations: prefixes(after('-d')),
    ports: ports.filter(isPort),
    protocols: after('-p').flatMap(protocolOf),
    states: [...after('--ctstate'), ...after('--state')]
      .flatMap((text) => text.toLowerCase().split(','))
      .flatMap((text) => STATES.filter((state) => state === text)),
    interfaces: after('-i').map((name) => name.replace(/\+$/, '0')),
    remembers: rule.includes(' -m recent '),
  };
}

/** nft's JSON names no sides in concatenations: addresses may be either, every number that can be a port may be one. */
function factsOfNft(json: string): RuleFacts {
  const addresses: Prefix[] = [];
  const ports: number[] = [];
  const protocols: PacketCase['protocol'][] = [];
  const states: NonNullable<PacketCase['state']>[] = [];
  const interfaces: string[] = [];
  const walk = (value: unknown): void => {
    if (typeof value === 'number' && isPort(value)) ports.push(value);
    else if (typeof value === 'string') {
      const prefix = parsePrefix(value);
      if (prefix) addresses.push(prefix);
      protocols.push(...protocolOf(value));
      states.push(...STATES.filter((state) => state === value));
    } else if (Array.isArray(value)) value.forEach(walk);
    else if (typeof value === 'object' && value !== null) {
      const record = value as Readonly<Record<string, unknown>>;
      const { prefix, match } = record as {
        readonly prefix?: Readonly<Record<string, unknown>>;
        readonly match?: unknown;
      };
      if (prefix && typeof prefix['addr'] === 'string') {
        const parsed = parsePrefix(`${prefix['addr']}/${String(prefix['len'])}`);
        if (parsed) addresses.push(parsed);
        return;
      }
      if (match && JSON.stringify(match).includes('iifname')) {
        const { right } = match as { readonly right?: unknown };
        if (typeof right === 'string') interfaces.push(right.replace(/\*$/, '0'));
      }
      Object.values(record).forEach(walk);
    }
  };
  try {
    walk(JSON.parse(json));
  } catch {
    // The line that declares a chain or a set is no JSON, and speaks of no packet.
  }
  return {
    sources: addresses,
    destinations: addresses,
    ports,
    protocols,
    states,
    interfaces,
    remembers: json.includes('affinity-'),
  };
}

function isPort(number: number): boolean {
  return Number.isInteger(number) && number > 0 && number < 65536;
}

function protocolOf(text: string): PacketCase['protocol'][] {
  if (text === 'tcp' || text === 'udp' || text === 'sctp' || text === 'icmp') return [text];
  return text === 'icmpv6' || text === 'ipv6-icmp' ? ['icmp'] : [];
}

/** An address in a prefix, and one just beside it. */
export function sidesOf(prefix: Prefix): readonly { readonly family: 4 | 6; readonly value: bigint }[] {
  const { family, value, length } = prefix;
  const size = 1n << BigInt(bitsOf(family) - length);
  const inside = { family, value: size > 2n ? value + 1n : value };
  if (length === 0) return [inside];
  const beside = value + size;
  return [
    inside,
    { family, value: beside < 1n << BigInt(bitsOf(family)) ? beside + (size > 2n ? 1n : 0n) : value - 1n },
  ];
}

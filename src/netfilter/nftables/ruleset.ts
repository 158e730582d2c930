/**
 * What an nftables dump says, in one form for both of nft's languages (`nft list ruleset` and `nft -j list ruleset`).
 * Chains and sets are decoded when they are first looked at, since a dump may hold a hundred thousand rules of which a
 * trace meets fifty.
 */
import type { Place } from '../outcome.ts';

export type NftFamily = 'ip' | 'ip6' | 'inet' | 'arp' | 'bridge' | 'netdev';

/** Something in a dump that could not be read, and what to do about it. */
export interface ReadingProblem {
  readonly place: Place;
  /** What stands there, and what was expected instead. */
  readonly message: string;
  readonly advice: string;
}

export interface Ruleset {
  /** Which of nft's listings it was. */
  readonly language: 'text' | 'json';
  readonly tables: readonly Table[];
  /** What is wrong with the dump as a whole: noise around it, a cut-off end. Rules and sets have their own. */
  readonly problems: readonly ReadingProblem[];
  /** False where the text ends before it should. */
  readonly complete: boolean;
}

export interface Table {
  readonly family: NftFamily;
  readonly name: string;
  /** "dormant": its chains are not run. "owner": it goes away with the program that made it. */
  readonly flags: readonly string[];
  readonly comment?: string;
  readonly chains: readonly Chain[];
  readonly sets: readonly NamedSet[];
  /** Named counters, quotas, limits, helpers, flowtables …: kept for their names and places alone. */
  readonly objects: readonly NamedObject[];
  readonly place: Place;
}

export interface NamedObject {
  readonly kind: string;
  readonly name: string;
  readonly place: Place;
}

export interface BaseChain {
  readonly type: string;
  readonly hook: string;
  readonly priority: number;
  readonly policy: 'accept' | 'drop';
  readonly devices: readonly string[];
}

export interface Chain {
  readonly name: string;
  readonly base?: BaseChain;
  readonly place: Place;
  /** Whether to look through its rules takes milliseconds: then what a trace asks of them is made ready with the reading, in slices. */
  readonly isLong: boolean;
  /** Decoded on first use. */
  readonly rules: readonly Rule[];
}

export interface Rule {
  readonly place: Place;
  /** As nft prints it in its text listing, without the indentation. */
  readonly text: string;
  readonly statements: readonly Statement[];
  readonly comment?: string | undefined;
  /** Counters of a plain `counter` statement, where the rule has one. */
  readonly packets?: number | undefined;
}

export interface NamedSet {
  readonly kind: 'set' | 'map';
  readonly name: string;
  /** Data types of the key's parts ("ipv4_addr", "inet_service"); empty where the dump says `typeof` instead. */
  readonly key: readonly string[];
  /** `typeof ip daddr . tcp dport`: the selectors as they are printed; empty where the dump says `type`. */
  readonly typeof: readonly string[];
  /** What a map maps to: data types, or "verdict", "counter" … */
  readonly data: readonly string[];
  readonly flags: readonly string[];
  readonly comment?: string;
  /** Seconds. */
  readonly timeout?: number;
  readonly place: Place;
  /** Whether it has so many elements that they are decoded with the reading, in slices. */
  readonly isLong: boolean;
  /** Decoded on first use. */
  readonly elements: readonly Element[];
}

export interface Element {
  readonly key: Expression;
  readonly data?: Expression;
  readonly comment?: string;
  /** Seconds. */
  readonly timeout?: number;
  readonly expires?: number;
}

export type Verdict =
  | { readonly kind: 'verdict'; readonly name: 'accept' | 'drop' | 'return' | 'continue' }
  | { readonly kind: 'verdict'; readonly name: 'jump' | 'goto'; readonly chain: string };

export type BinaryOperator = '&' | '|' | '^' | '<<' | '>>';

export type Expression =
  /** A named header field: `ip daddr`, `th dport`. */
  | { readonly kind: 'payload'; readonly protocol: string; readonly field: string }
  /** `@nh,96,32`: offset and length in bits from the link, network or transport header. */
  | { readonly kind: 'raw'; readonly base: string; readonly offset: number; readonly length: number }
  | { readonly kind: 'meta'; readonly key: string }
  /** `ct original ip daddr` has the key "ip daddr" and a direction. */
  | { readonly kind: 'ct'; readonly key: string; readonly direction?: 'original' | 'reply' }
  | { readonly kind: 'fib'; readonly flags: readonly string[]; readonly result: string }
  | { readonly kind: 'numgen'; readonly mode: 'random' | 'inc'; readonly mod: number; readonly offset: number }
  | {
      readonly kind: 'jhash';
      readonly of: Expression;
      readonly mod: number;
      readonly seed?: number;
      readonly offset: number;
    }
  | { readonly kind: 'symhash'; readonly mod: number; readonly offset: number }
  /** Selectors that are kept as they are printed: `socket transparent`, `tcp option maxseg size`, `rt classid`. */
  | { readonly kind: 'selector'; readonly text: string }
  | { readonly kind: 'binary'; readonly op: BinaryOperator; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'concat'; readonly parts: readonly Expression[] }
  /** `ip daddr map { … }`: a value looked up by another. */
  | { readonly kind: 'map'; readonly key: Expression; readonly data: Expression }
  | { readonly kind: 'number'; readonly value: number }
  /** A symbol, an address or a quoted string, which its selector's data type gives a meaning. */
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'prefix'; readonly address: string; readonly length: number }
  | { readonly kind: 'range'; readonly low: Expression; readonly high: Expression }
  /** An anonymous set or map. */
  | { readonly kind: 'set'; readonly elements: readonly Element[] }
  /** `syn,ack`: bits of one word. */
  | { readonly kind: 'list'; readonly values: readonly Expression[] }
  /** `@cluster-ips`. */
  | { readonly kind: 'reference'; readonly name: string }
  /** `*`, what no other element of an interval set covers. */
  | { readonly kind: 'any' }
  /** `exists` or `missing`. */
  | { readonly kind: 'exists'; readonly value: boolean }
  | Verdict
  /** What we cannot read, as it stands in the dump. */
  | { readonly kind: 'unknown'; readonly text: string };

export type MatchOperator = '==' | '!=' | '<' | '>' | '<=' | '>=' | 'in' | '!';

export type Statement =
  /** `in` tests bits (`ct state new`), `!` that none of them is set, `==` compares the whole value. */
  | { readonly kind: 'match'; readonly op: MatchOperator; readonly left: Expression; readonly right: Expression }
  | Verdict
  | { readonly kind: 'vmap'; readonly key: Expression; readonly data: Expression }
  /** `meta mark set …`, `ct zone set …`, `ip ttl set …`. */
  | { readonly kind: 'assign'; readonly key: Expression; readonly value: Expression }
  | {
      readonly kind: 'nat';
      readonly action: 'dnat' | 'snat' | 'masquerade' | 'redirect';
      readonly family?: 'ip' | 'ip6';
      /** `dnat prefix to`: the host's bits are kept. */
      readonly prefix: boolean;
      readonly address?: Expression;
      readonly port?: Expression;
      readonly flags: readonly string[];
    }
  | { readonly kind: 'reject'; readonly with?: string }
  | { readonly kind: 'notrack' }
  /** `update @set { ip saddr timeout 1h }`. */
  | {
      readonly kind: 'dynset';
      readonly op: string;
      readonly set: string;
      readonly key: Expression;
      readonly timeout?: number;
      readonly statements: readonly Statement[];
      /** The data of `add @map { ip saddr : ip daddr }`. */
      readonly data?: Expression;
    }
  /** What counts or reports and lets every packet go on: counter, log, quota objects' names, helpers. */
  | { readonly kind: 'counter'; readonly packets: number; readonly bytes: number }
  | { readonly kind: 'effectless'; readonly text: string }
  /** What lets some packets pass by a history that no dump holds: limit, quota, ct count. */
  | { readonly kind: 'stateful'; readonly text: string }
  /** What takes the packet out of the rules' hands: queue, tproxy, synproxy, flow, dup, fwd. */
  | { readonly kind: 'handover'; readonly action: string; readonly text: string }
  /** An iptables extension inside a table of iptables-nft, of which nft knows no more than the name; '' where it lists not even that. */
  | { readonly kind: 'xt'; readonly type: string; readonly name: string }
  /** What we cannot read, as it stands in the dump. */
  | { readonly kind: 'unknown'; readonly text: string };

/** Whether iptables-nft would keep its rules in a table of this name. */
export function isIptablesName(family: NftFamily, name: string): boolean {
  return (family === 'ip' || family === 'ip6') && /^(raw|mangle|nat|filter|security)$/.test(name);
}

/** Computes once, on the first call. */
export function once<T>(compute: () => T): () => T {
  let done = false;
  let value: T;
  return () => {
    if (!done) {
      value = compute();
      done = true;
    }
    return value;
  };
}

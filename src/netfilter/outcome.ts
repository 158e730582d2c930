import type { Address, Family } from './address.ts';

/** Where something stands in a dump, so that a click opens the very line. */
export interface Place {
  /** The dump's name, such as "iptables-save.txt". */
  readonly dump: string;
  /** From 1. */
  readonly line: number;
  /** Offsets in the dump's text, in UTF-16 units; `end` is behind the last. */
  readonly start: number;
  readonly end: number;
}

export type Hook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';

/** A node's interfaces, addresses and routes: what decides "local" and which way a packet goes. */
export interface NodeNetwork {
  readonly interfaces: readonly string[];
  /** Address with its prefix length, and the interface that has it. They bring their connected routes. */
  readonly addresses: readonly { readonly address: Address; readonly length: number; readonly interface: string }[];
  /** The longest prefix wins, then the first named. */
  readonly routes: readonly {
    readonly prefix: { readonly family: Family; readonly value: bigint; readonly length: number };
    readonly interface: string;
  }[];
}

/** The first packet of a new connection, unless `state` says otherwise. */
export interface PacketCase {
  /** The interface it comes in by, or "local" for a packet that the node itself sends. */
  readonly in: string;
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'icmp';
  /** Absent for icmp, which is an echo request. */
  readonly destinationPort?: number;
  /** Absent: some ephemeral port (1024 to 65535). */
  readonly sourcePort?: number;
  readonly state?: 'new' | 'established' | 'related' | 'invalid' | 'untracked';
}

/** Something that neither packet nor dump decides, in words, and which way it was taken. */
export interface Assumption {
  /** The same words for the same unknown: what the user is asked to settle ("the source was seen less than 180 s ago"). */
  readonly words: string;
  readonly holds: boolean;
  /** The rule whose match or target is unknown. */
  readonly place?: Place;
}

/** A rule that the packet met and that mattered. */
export interface Step {
  readonly hook: Hook;
  /** "iptables-legacy" and "iptables-nft" rules and native nft ones may follow each other on one node. */
  readonly engine: 'iptables-legacy' | 'iptables-nft' | 'nftables';
  /** "nat", "filter"; for nft "ip kube-proxy". */
  readonly table: string;
  readonly chain: string;
  /** Absent for a base chain's policy. */
  readonly place?: Place;
  /** The rule as it stands in the dump, or "policy DROP". */
  readonly rule: string;
  /** What it did: `decided` ended a chain, changed the packet or chose the way; the others matched without effect on the way. */
  readonly effect:
    | 'jump'
    | 'goto'
    | 'return'
    | 'accept'
    | 'drop'
    | 'reject'
    | 'dnat'
    | 'snat'
    | 'masquerade'
    | 'redirect'
    | 'mark'
    | 'none'
    | 'unknown';
  /** The share of this step's own choice where chance decided (the third of three endpoints: 1, since it is the rest). */
  readonly chance?: number;
}

/** Where the kernel routed the packet, after the translation that came before. */
export interface Routing {
  readonly delivered: 'local' | 'forwarded';
  readonly interface?: string;
}

export interface Outcome {
  readonly verdict: 'accept' | 'drop' | 'reject';
  /** How it was rejected: "icmp-port-unreachable", "tcp-reset". */
  readonly rejectWith?: string;
  /** As the packet leaves the rules, whether it was rewritten or not. */
  readonly destination: Address;
  readonly destinationPort?: number;
  /** The destination was rewritten. */
  readonly translated: boolean;
  /** The source is rewritten (MASQUERADE or SNAT). */
  readonly masquerade: boolean;
  /** What the source becomes, where that is known. */
  readonly source?: Address;
  /** 0 to 1. The outcomes that share one set of assumptions, with those that need none of them, add up to 1. */
  readonly probability: number;
  readonly assumptions: readonly Assumption[];
  readonly path: readonly Step[];
  readonly routing?: Routing;
}

import type { Language } from './evaluation.ts';
import type { IpSet } from './ipset.ts';
import type { Hook, Place, Step } from './outcome.ts';

/**
 * What a node's kernel holds, as its dumps say it: one form for iptables (either backend), ipset and nftables. Chains know how many
 * rules they have; a rule is decoded when it is asked for. Nothing here is thrown away: a rule that cannot be read is kept with its text.
 */
export interface Program {
  /**
   * In the order in which the kernel is taken to have registered them. Where hook and priority are the same, what was registered
   * later runs first (nf_hook_entries_grow in net/netfilter/core.c).
   */
  readonly tables: readonly Table[];
  /** By name. */
  readonly ipsets: ReadonlyMap<string, IpSet>;
  /** What could not be read. Problems of single rules come with the rules, when they are decoded: see `Rule.problem`. */
  readonly problems: readonly ReadProblem[];
  /** The dumps' texts by their names: what a Place points into. */
  readonly texts: ReadonlyMap<string, string>;
}

/** What a reader makes of one dump. */
export interface Reading {
  readonly tables: readonly Table[];
  readonly problems: readonly ReadProblem[];
}

export interface ReadProblem {
  readonly place: Place;
  /** What stands there, and what was expected, in one sentence. */
  readonly message: string;
  /** What to do about it, in one sentence. */
  readonly advice: string;
}

export type Engine = Step['engine'];

export interface Table {
  readonly engine: Engine;
  /** `inet` tables see both families. Tables of other nft families (bridge, arp, netdev) are no part of a program. */
  readonly family: 4 | 6 | 'inet';
  /** "nat", "kube-proxy". */
  readonly name: string;
  /** As a step shows it: "nat"; for nft "ip kube-proxy". */
  readonly label: string;
  /** In the order of the dump. */
  readonly chains: ReadonlyMap<string, Chain>;
  /** Those of them that hang at a hook, in the same order: a handful of a hundred thousand. */
  readonly bases: readonly Chain[];
  /** Evaluates this table's rules. */
  readonly language: Language;
}

export type ChainType = 'filter' | 'nat' | 'route';

/** Where a base chain hangs. */
export interface Base {
  readonly hook: Hook;
  readonly priority: number;
  readonly type: ChainType;
  readonly policy: 'accept' | 'drop';
}

export interface Chain {
  readonly table: Table;
  readonly name: string;
  /** Absent for a chain that only jumps reach. */
  readonly base?: Base;
  /** Where it is declared. */
  readonly place: Place;
  /** The number of its rules. */
  readonly length: number;
  /** Decoded on the first call and kept. `index` is from 0. Never throws: what cannot be read has a `problem`. */
  rule(index: number): Rule;
}

/** A rule. Languages extend it with what they decode. */
export interface Rule {
  /** As it stands in the dump ("-A KUBE-SERVICES …", "ip daddr @cluster-ips drop"), on one line. */
  readonly text: string;
  readonly place: Place;
  /** The rule's comment, where it has one. */
  readonly comment?: string;
  /** Present where the rule could not be read, or must not be believed. Such a rule is unknown in a trace. */
  readonly problem?: ReadProblem;
}

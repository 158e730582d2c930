import type { Family } from '../../src/netfilter/address.ts';
import type { Chain, Program } from '../../src/netfilter/program.ts';
import type { OracleJob } from './oracle.ts';
import type { Random } from './random.ts';

/** A random rule set, in the pieces that shrinking takes away one by one. */
export interface RuleSet {
  readonly load: OracleJob['load'];
  /** The number of rules; the set without the rule `index`. */
  readonly rules: number;
  without(index: number): RuleSet;
}

/** What the tests need of a language of rules to throw random rule sets at the kernel. */
export interface RandomLanguage {
  readonly name: 'iptables' | 'nftables';
  random(random: Random, family: Family): RuleSet;
  /** What prints the rules as the kernel holds them, with counters; their outputs make the program. */
  list(family: Family, rules: RuleSet): readonly (readonly string[])[];
  program(lists: readonly string[], family: Family): Program;
  /** The counter of each rule that has one, in packets, by the rule's place in the program: read from the same lists. */
  counters(program: Program): readonly {
    readonly chain: Chain;
    readonly index: number;
    readonly packets: number;
  }[];
}

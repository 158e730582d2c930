import type { Hook, Step } from './outcome.ts';
import type { Chain, Program } from './program.ts';
import type { State } from './state.ts';
import type { World } from './world.ts';

/**
 * How a language of rules takes part in a trace. The walker (trace.ts) owns the hooks, the order of base chains, routing, what nat means for
 * a connection (nat.ts), calls and returns of chains, policies, merging of equal states and the recording of paths. A language says what
 * one rule does to one state, and which rules need not be asked at all.
 *
 * The languages: iptables/language.ts and nftables/language.ts. nftables/tables.ts gives every table of families ip, ip6 and inet in the listing's order, those
 * made by iptables-nft included; program-of.ts leaves those out for which it has the text of iptables-save, which says more.
 *
 * A language never changes a state in place, keeps no memory between calls but caches per rule or chain, and never throws.
 */
export interface Language {
  /**
   * The first rule at or after `from` that may match this state; `chain.length` where none can. A long chain answers from an index that it builds on
   * first use (KUBE-SERVICES, by address, protocol and port), a short one with `from`. Rules skipped here are never evaluated for this state.
   */
  next(chain: Chain, from: number, state: State, spot: Spot): number;
  /**
   * Every way that this state may go at this rule. Empty is not allowed: a rule that does not match gives `[unmatched(state)]`.
   * Weights of the branches' states add up to the state's own weight for each set of assumptions (`weighted`, `assume` in state.ts).
   */
  evaluate(chain: Chain, index: number, state: State, spot: Spot): readonly Branch[];
}

/** Where on its way the packet meets the rule. */
export interface Spot {
  readonly program: Program;
  readonly world: World;
  readonly hook: Hook;
  /** The base chain that was entered at this hook. In chains of type nat the kernel really runs them at the nat core's place. */
  readonly base: Chain;
}

export type Verdict =
  /** The next rule of this chain. */
  | { readonly kind: 'continue' }
  /** Ends the base chain; later base chains of this hook and the later hooks still run. */
  | { readonly kind: 'accept' }
  /** Ends the packet. */
  | { readonly kind: 'drop' }
  /** Ends the packet; `with` is iptables' name of the answer: "icmp-port-unreachable", "icmp6-adm-prohibited", "tcp-reset". */
  /** Without `with` the rule does not tell how. */
  | { readonly kind: 'reject'; readonly with?: string }
  /** Back to behind the last jump; the policy where there was none. */
  | { readonly kind: 'return' }
  /** Afterwards comes the rule behind this one. */
  | { readonly kind: 'jump'; readonly chain: Chain }
  /** Afterwards comes the rule behind the last jump, never the one behind this. */
  | { readonly kind: 'goto'; readonly chain: Chain };

export interface Branch {
  readonly state: State;
  readonly verdict: Verdict;
  /**
   * What the path shows of it; undefined where the rule did not match, which leaves no trace. A rule that matched and did nothing of
   * note (counter, LOG, a comment) has effect 'none'.
   */
  readonly effect: Step['effect'] | undefined;
  /** The share of this rule's own choice, where chance decided. */
  readonly chance?: number;
}

const CONTINUE: Verdict = { kind: 'continue' };

/** The rule did not match: on to the next. */
export function unmatched(state: State): Branch {
  return { state, verdict: CONTINUE, effect: undefined };
}

/** The rule matched and the packet goes on to the next. */
export function matched(state: State, effect: Step['effect'] = 'none'): Branch {
  return { state, verdict: CONTINUE, effect };
}

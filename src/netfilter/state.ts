import type { Address } from './address.ts';
import type { Assumption, Hook, PacketCase, Place, Step } from './outcome.ts';
import type { Chain } from './program.ts';

export type Protocol = PacketCase['protocol'];

/**
 * One packet somewhere on its way, together with everything that rules may change or ask: immutable, so that a choice simply makes two.
 * Two states that differ in `weight`, `assumed` and `path` alone are merged by the walker.
 */
export interface State {
  /** The share of all packets that got here, 0 to 1, given its assumptions. */
  readonly weight: number;
  readonly assumed: Assumed | undefined;
  readonly path: PathNode | undefined;

  /** As they stand in the packet now. */
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: Protocol;
  /** undefined: unknown, some port from 1024 up (and none at all for icmp). */
  readonly sourcePort: number | undefined;
  /** undefined: none (icmp). */
  readonly destinationPort: number | undefined;
  /** 32 bits, unsigned. */
  readonly mark: number;
  /** The input interface: '' where there is none (OUTPUT, and what the node itself sends); undefined where it is not known. */
  readonly in: string | undefined;
  /** The output interface: '' where there is none (PREROUTING, INPUT); undefined where it is not known. */
  readonly out: string | undefined;
  /** What conntrack knows. */
  readonly connection: Connection;
  /** The DSCP field (0 to 63) where a rule has set it; undefined: not known. */
  readonly dscp: number | undefined;
  /** Marks, list entries and set elements that rules made on the way, such as "recent DEFAULT 10.0.0.1". Sorted. */
  readonly remembered: readonly string[];
}

export interface Tuple {
  readonly source: Address;
  readonly destination: Address;
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
}

export interface Connection {
  /**
   * `none`: conntrack has not seen the packet yet (raw, priorities below -200): states read as INVALID, nothing else can be read.
   * `untracked` and `invalid`: there is no connection either, and nat is skipped.
   */
  readonly tracking: 'none' | 'tracked' | 'untracked' | 'invalid';
  /** Meaningful where tracked. */
  readonly state: 'new' | 'established' | 'related';
  /** The connection's mark, 32 bits, unsigned. */
  readonly mark: number;
  /** The tuple as conntrack saw the first packet. */
  readonly original: Tuple;
  /** IPS_DST_NAT, IPS_SRC_NAT: set only where address or port really changed. */
  readonly destinationTranslated: boolean;
  readonly sourceTranslated: boolean;
  /** nat has decided (if only to leave it alone): its chains are not consulted again for this direction. */
  readonly destinationDone: boolean;
  readonly sourceDone: boolean;
  /** A rule rewrote the source (MASQUERADE, SNAT): what the outcome says. */
  readonly masquerade: boolean;
  /** The source after that, where it is known; `undefined` while masquerade is true means: not known. */
  readonly translatedSource: Address | undefined;
  /** The conntrack zone, if a rule chose one. */
  readonly zone: number;
}

/** Assumptions made on the way, the latest first. */
export interface Assumed extends Assumption {
  /** The user has decided it: both ways of it are not followed, and an outcome does not mention it. */
  readonly settled?: boolean;
  /** How many there are, with this one. */
  readonly count: number;
  readonly before: Assumed | undefined;
}

/** The way so far, the latest step first. */
export interface PathNode {
  readonly before: PathNode | undefined;
  readonly hook: Hook;
  readonly chain: Chain;
  /** -1 for the base chain's policy. */
  readonly index: number;
  readonly effect: Step['effect'];
  readonly chance: number | undefined;
}

export function assumed(one: Omit<Assumed, 'before' | 'count'>, before: Assumed | undefined): Assumed {
  return { ...one, count: (before?.count ?? 0) + 1, before };
}

/**
 * Both ways of something that neither packet nor dump decides; only the one already taken where the same words were assumed before.
 * The words are a condition, as in "if …": "the source was seen less than 180 s ago". Different unknowns need different words: name the
 * set, list, limit or rule in them.
 */
export function assume(
  state: State,
  words: string,
  place?: Place,
): readonly { readonly state: State; readonly holds: boolean }[] {
  for (let known = state.assumed; known; known = known.before)
    if (known.words === words) return [{ state, holds: known.holds }];
  return [true, false].map((holds) => ({
    state: { ...state, assumed: assumed({ words, holds, ...(place ? { place } : {}) }, state.assumed) },
    holds,
  }));
}

/** The state with its weight multiplied: one arm of a choice by chance. */
export function weighted(state: State, probability: number): State {
  return probability === 1 ? state : { ...state, weight: state.weight * probability };
}

export function remembers(state: State, what: string): boolean {
  return state.remembered.includes(what);
}

export function remember(state: State, what: string): State {
  return remembers(state, what) ? state : { ...state, remembered: [...state.remembered, what].sort() };
}

export function forget(state: State, what: string): State {
  return remembers(state, what) ? { ...state, remembered: state.remembered.filter((entry) => entry !== what) } : state;
}

/**
 * The objects of `nft -j list ruleset` (libnftables-json(5)), as far as kube-proxy makes them, and as nft 1.0.6 prints them: it
 * leaves out the comments of tables and chains and the flag `dynamic` of sets. Handles are left out; they say only in which order
 * the kernel was told.
 */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export type NftFamily = 'ip' | 'ip6';

/** A statement of a rule, such as {"jump": {"target": "services"}}. */
export type Statement = Readonly<Record<string, Json>>;

export interface NftTable {
  readonly family: NftFamily;
  readonly name: string;
}

export interface NftChain {
  readonly family: NftFamily;
  readonly table: string;
  readonly name: string;
  /** type, hook, prio and policy: base chains alone have them. */
  readonly type?: 'filter' | 'nat';
  readonly hook?: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';
  readonly prio?: number;
  readonly policy?: 'accept';
}

export interface NftRule {
  readonly family: NftFamily;
  readonly table: string;
  readonly chain: string;
  readonly comment?: string;
  readonly expr: readonly Statement[];
}

export interface NftSet {
  readonly family: NftFamily;
  readonly name: string;
  readonly table: string;
  readonly type: string | readonly string[];
  readonly comment?: string;
  readonly size?: number;
  readonly flags?: readonly string[];
  /** Seconds. */
  readonly timeout?: number;
  /** Absent where the set is empty. */
  readonly elem?: readonly Json[];
}

export interface NftMap extends NftSet {
  readonly map: 'verdict';
}

export interface NftCounter {
  readonly family: NftFamily;
  readonly name: string;
  readonly table: string;
  readonly packets: number;
  readonly bytes: number;
}

export type NftObject =
  | { readonly table: NftTable }
  | { readonly set: NftSet }
  | { readonly map: NftMap }
  | { readonly chain: NftChain }
  | { readonly rule: NftRule }
  | { readonly counter: NftCounter };

/**
 * A table as its listing shows it: sets and maps, then chains with their rules in them. The generations are written in this form;
 * `nft -j` lists the same flat, all rules behind all chains.
 */
import type { Json, NftChain, NftFamily, NftObject, Statement } from './objects.ts';

export interface Rule {
  readonly comment?: string;
  readonly expr: readonly Statement[];
}

export interface Chain {
  readonly name: string;
  readonly base?: Required<Pick<NftChain, 'type' | 'hook' | 'prio'>>;
  readonly rules: readonly Rule[];
}

/** A set, or a map to verdicts. Their elements come from the service ports. */
export interface Container {
  readonly kind: 'set' | 'map';
  readonly name: string;
  readonly type: string | readonly string[];
  readonly comment?: string;
  readonly size?: number;
  readonly flags?: readonly string[];
  /** Seconds. */
  readonly timeout?: number;
  /** Elements that no service port brings. */
  readonly elements?: readonly Json[];
}

/** The stock of a table: what is there without any Service. */
export interface Stock {
  readonly containers: readonly Container[];
  readonly chains: readonly Chain[];
  /** Named counters. */
  readonly counters?: readonly string[];
}

export const rule = (...expr: Statement[]): Rule => ({ expr });

export const commented = (comment: string, ...expr: Statement[]): Rule => ({ comment, expr });

export const chain = (name: string, ...rules: Rule[]): Chain => ({ name, rules });

export const baseChain = (
  name: string,
  [type, hook, prio]: readonly [Required<NftChain>['type'], Required<NftChain>['hook'], number],
  ...rules: Rule[]
): Chain => ({ name, base: { type, hook, prio }, rules });

export const set = (name: string, type: string | readonly string[], comment?: string): Container => ({
  kind: 'set',
  name,
  type,
  ...(comment !== undefined && { comment }),
});

export const verdictMap = (name: string, type: readonly string[], comment?: string): Container => ({
  ...set(name, type, comment),
  kind: 'map',
});

export const TABLE = 'kube-proxy';

/** The set or map with its elements, as nft lists it. An empty one has no `elem`. */
export function listContainer(family: NftFamily, container: Container, elements: readonly Json[]): NftObject {
  const { kind, name, type, comment, size, flags, timeout } = container;
  const common = {
    family,
    name,
    table: TABLE,
    type,
    ...(comment !== undefined && { comment }),
    ...(size !== undefined && { size }),
    ...(flags && { flags }),
    ...(timeout !== undefined && { timeout }),
  };
  const elem = elements.length > 0 ? { elem: elements } : {};
  return kind === 'map' ? { map: { ...common, map: 'verdict', ...elem } } : { set: { ...common, ...elem } };
}

export function listChain(family: NftFamily, { name, base }: Chain): NftObject {
  return { chain: { family, table: TABLE, name, ...(base && { ...base, policy: 'accept' }) } };
}

export function listRules(family: NftFamily, { name, rules }: Chain): NftObject[] {
  return rules.map(({ comment, expr }) => ({
    rule: { family, table: TABLE, chain: name, ...(comment !== undefined && { comment }), expr },
  }));
}

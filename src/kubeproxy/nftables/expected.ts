/**
 * What kube-proxy in nftables mode would have written on a node: its tables in both families, as `nft -j list ruleset` lists them
 * (nft 1.0.6), without handles; each set's and map's elements in no particular order.
 */
import { ZONE_LABEL, type ClusterObjects } from '../../kubernetes/objects.ts';
import type { Dump } from '../../kubernetes/source.ts';
import { formatPrefix } from '../../netfilter/address.ts';
import type { Configuration } from '../configuration.ts';
import { guessed, read, type Known } from '../known.ts';
import { nodeFacts, type NodeFacts } from '../node-facts.ts';
import { proxied } from '../proxied.ts';
import { atLeast, type Release } from '../version.ts';
import { TABLE } from './listing.ts';
import type { NftChain, NftFamily, NftObject } from './objects.ts';
import { observe, type Observed } from './observed.ts';
import { refusalsOf, type Refusal } from './refusals.ts';
import { resolve } from './resolve.ts';
import { numberOf } from './settings.ts';
import { listTable, tableOf, type Table } from './table.ts';

export interface NftablesOptions {
  /** One family alone; else both. */
  readonly family?: NftFamily | undefined;
  /** The node's capture: its listing says what the API's objects leave open (see `observe`). */
  readonly dumps?: readonly Dump[] | undefined;
  /** What is known of the node; else it is drawn from its capture. */
  readonly facts?: Pick<NodeFacts, 'addresses'> | undefined;
  /** The CIDRs of all ServiceCIDR objects, where a source has them. */
  readonly serviceCIDRs?: readonly string[] | undefined;
}

export interface ExpectedNftables {
  /** The objects in the order of a listing, family by family; made when they are first asked for. */
  readonly nftables: readonly NftObject[];
  /** The same with what belongs to which service port. */
  readonly tables: readonly Table[];
  /** The chains among them that belong to none: the node still holds them, emptied, until kube-proxy deletes them. */
  readonly leftovers: readonly NftChain[];
  /**
   * Why nft refuses a table, where it does: then the node holds what was written before, or nothing. A table that is refused and
   * that the node's listing lacks could never be written: it is left out of `nftables`.
   */
  readonly refusals: readonly Refusal[];
  /** The ServiceCIDRs by which the tables drop what goes to no Service's address: few sources have those objects. */
  readonly serviceCIDRs: Known<readonly string[]>;
}

/** Never throws. `release` is one that is known (see version.ts); an unknown node has no zone, no addresses and no pods' CIDR. */
export function expectedNftables(
  objects: ClusterObjects,
  nodeName: string,
  configuration: Configuration,
  release: Release,
  options: NftablesOptions = {},
): ExpectedNftables {
  const node = { name: nodeName, object: objects.nodes.find(({ metadata }) => metadata.name === nodeName) };
  const dumps = options.dumps ?? [];
  const listing = observe(dumps);
  const known = (options.facts ?? nodeFacts(node.object, dumps)).addresses;
  const place = {
    name: nodeName,
    zone: node.object?.metadata.labels?.[ZONE_LABEL] ?? '',
    release,
    featureGates: configuration.featureGates.value,
  };
  const all = (options.family ? [options.family] : (['ip', 'ip6'] as const)).map((family) => {
    const reading = { family: numberOf(family), release, featureGates: place.featureGates };
    const observed = listing.get(family);
    const addresses = known.guess ? [...known.value, ...(observed?.nodePortIPs ?? [])] : known.value;
    return tableOf(
      proxied(objects, reading),
      place,
      resolve(family, node, configuration, release, { observed, serviceCIDRs: options.serviceCIDRs, addresses }),
      observed?.held,
    );
  });
  // A node without IPv6 has the other table alone.
  const tables = all.filter(
    ({ settings, ports }) => listing.size === 0 || listing.has(settings.family) || ports.length > 0,
  );
  const refusals = tables.map(refusalsOf);
  const leftovers = tables.flatMap((table) => emptied(table, listing.get(table.settings.family)));
  const captured = dumps.some(({ name }) => name === 'nft.json' || name === 'nft.txt');
  const neverWritten = ({ settings: { family } }: Table) => captured && !listing.has(family);
  const written = tables.filter((table, i) => refusals[i]!.length === 0 || !neverWritten(table));
  const list = (): readonly NftObject[] =>
    written.flatMap((table) => [
      ...listTable(table),
      ...leftovers.filter(({ family }) => family === table.settings.family).map((chain) => ({ chain })),
    ]);
  let nftables: readonly NftObject[] | undefined;
  return {
    get nftables() {
      return (nftables ??= list());
    },
    tables,
    leftovers,
    refusals: refusals.flat(),
    serviceCIDRs: knownServiceCIDRs(tables, options, release),
  };
}

function emptied({ settings: { family }, ports }: Table, observed: Observed | undefined): NftChain[] {
  if (!observed || observed.emptied.length === 0) return [];
  const needed = new Set(ports.flatMap(({ chains }) => chains.map(({ name }) => name)));
  return observed.emptied.filter((name) => !needed.has(name)).map((name) => ({ family, table: TABLE, name }));
}

function knownServiceCIDRs(
  tables: readonly Table[],
  options: NftablesOptions,
  release: Release,
): ExpectedNftables['serviceCIDRs'] {
  if (options.serviceCIDRs) return read(options.serviceCIDRs, 'the ServiceCIDR objects');
  const seen = tables.flatMap(({ settings }) => settings.serviceCIDRs.map(formatPrefix));
  if (seen.length > 0) return guessed(seen, "the node's own rule for unallocated cluster IPs");
  if (!atLeast(release, 33)) return read([], `kube-proxy 1.${release.minor} does not look at them by default`);
  return guessed([], 'no ServiceCIDR object was to be had, and no rule of the node names one');
}

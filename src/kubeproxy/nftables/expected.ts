/**
 * What kube-proxy in nftables mode would have written on a node: its tables in both families, as `nft -j list ruleset` lists them
 * (nft 1.0.6), without handles; each set's and map's elements in no particular order.
 */
import type { ClusterObjects } from '../../kubernetes/objects.ts';
import type { Configuration } from '../configuration.ts';
import { readEndpoints } from '../endpoints.ts';
import { selectEndpoints } from '../selection.ts';
import { keyOfPort, proxiedPorts } from '../services.ts';
import type { Release } from '../version.ts';
import type { NftFamily, NftObject } from './objects.ts';
import type { Observed } from './observed.ts';
import { resolve, type Surroundings } from './resolve.ts';
import { numberOf } from './settings.ts';
import { listTable, tableOf, type Table } from './table.ts';

export interface NftablesOptions extends Omit<Surroundings, 'observed'> {
  /** One family alone; else both. */
  readonly family?: NftFamily | undefined;
  /** By family, what the node's listing shows of its surroundings (see `observe`). */
  readonly observed?: ReadonlyMap<NftFamily, Observed> | undefined;
}

export interface ExpectedNftables {
  /** The objects in the order of a listing, family by family. */
  readonly nftables: readonly NftObject[];
  /** The same with what belongs to which service port. */
  readonly tables: readonly Table[];
}

export function expectedNftables(
  objects: ClusterObjects,
  nodeName: string,
  configuration: Configuration,
  release: Release,
  options: NftablesOptions = {},
): ExpectedNftables {
  const families: readonly NftFamily[] = options.family ? [options.family] : ['ip', 'ip6'];
  const tables = families.map((family) => expectedTable(objects, nodeName, configuration, release, family, options));
  return { nftables: tables.flatMap(listTable), tables };
}

function expectedTable(
  objects: ClusterObjects,
  nodeName: string,
  configuration: Configuration,
  release: Release,
  family: NftFamily,
  options: NftablesOptions,
): Table {
  const node = { name: nodeName, object: objects.nodes.find(({ metadata }) => metadata.name === nodeName) };
  const read = { family: numberOf(family), release, featureGates: configuration.featureGates.value };
  const zone = node.object?.metadata.labels?.['topology.kubernetes.io/zone'] ?? '';
  const place = { name: nodeName, zone, release, featureGates: configuration.featureGates.value };
  const endpoints = readEndpoints(objects, read);
  const ports = proxiedPorts(objects, read).map((port) => ({
    port,
    selection: selectEndpoints(port, endpoints.get(keyOfPort(port)), place),
  }));
  const observed = options.observed?.get(family);
  return tableOf(ports, resolve(family, node, configuration, release, { ...options, observed }));
}

/** The expected table, each chain and element with the Service port that it is there for. */
import { listContainer, type Chain, type Container } from '../kubeproxy/nftables/listing.ts';
import type { PortPart } from '../kubeproxy/nftables/part.ts';
import type { Table } from '../kubeproxy/nftables/table.ts';
import type { ProxiedPort } from '../kubeproxy/services.ts';
import type { Entry, Slice } from './compare.ts';
import { baseEntry, declaration, elementEntry, ruleEntry } from './nft-entries.ts';
import { member, TABLE, type NftFamily } from './nft-listing.ts';

/** An element of a set or map that ports share. */
export interface SharedEntry {
  readonly container: string;
  /** Its key, which a set or map has once. */
  readonly id: string;
  readonly entry: Entry;
}

/** What one Service port has; kept with its part, so that it is made once for as long as nothing about the port changes. */
export interface PartSlices {
  /** Its chains, and the declarations of its affinity sets. */
  readonly own: readonly Slice[];
  readonly shared: readonly SharedEntry[];
}

const known = new WeakMap<PortPart, PartSlices>();

export function partSlices(part: PortPart, family: NftFamily): PartSlices {
  let slices = known.get(part);
  if (!slices) known.set(part, (slices = makeSlices(part, family)));
  return slices;
}

function makeSlices({ port, chains, sets, elements }: PortPart, family: NftFamily): PartSlices {
  return {
    own: [
      ...chains.map((chain) => chainSlice(chain, family, port)),
      ...sets.map((set) => ({ ...containerSlice(set, family), entries: [declared(set, family, port)], port })),
    ],
    shared: elements.map(({ container, id, elem }) => ({ container, id, entry: { ...elementEntry(elem), port } })),
  };
}

/** The chains that are there without any Service. */
export function stockChains({ settings, stock }: Table): readonly Slice[] {
  return stock.chains.map((chain) => chainSlice(chain, settings.family, undefined));
}

/** The sets and maps that all share, without the elements that ports bring. */
export function stockContainers({ settings, stock }: Table): readonly Slice[] {
  return stock.containers.map((container) => containerSlice(container, settings.family));
}

/** All of the table, by name. */
export function expectedSlices(table: Table): ReadonlyMap<string, Slice> {
  const { family } = table.settings;
  const shared = new Map<string, Map<string, Entry>>();
  const own: Slice[] = [];
  for (const part of table.ports) {
    const slices = partSlices(part, family);
    own.push(...slices.own);
    for (const { container, id, entry } of slices.shared) {
      const held = shared.get(container) ?? new Map<string, Entry>();
      shared.set(container, held);
      held.set(id, entry);
    }
  }
  const containers = stockContainers(table).map((slice) => ({
    ...slice,
    entries: [...slice.entries, ...(shared.get(slice.name)?.values() ?? [])],
  }));
  return new Map([...containers, ...stockChains(table), ...own].map((slice) => [slice.name, slice]));
}

function chainSlice({ name, base, rules }: Chain, family: NftFamily, port: ProxiedPort | undefined): Slice {
  const entries = rules.map((rule) => ({ ...ruleEntry(rule.expr), port }));
  if (base) entries.unshift({ ...baseEntry(base.type, base.hook, base.prio, 'accept'), port });
  return { table: `${family} ${TABLE}`, name, kind: 'chain', ordered: true, entries, port };
}

function containerSlice(container: Container, family: NftFamily): Slice {
  const { name, kind, elements = [] } = container;
  const entries = [declared(container, family, undefined), ...elements.map(elementEntry)];
  return { table: `${family} ${TABLE}`, name, kind, ordered: false, entries };
}

function declared(container: Container, family: NftFamily, port: ProxiedPort | undefined): Entry {
  return { ...declaration(container.kind, member(listContainer(family, container, []))[1]), port };
}

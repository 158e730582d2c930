/**
 * A node's table kube-proxy against the expected one: chains, sets and maps. What a Service port has is compared once for as long as neither
 * it nor the node's listing changes: after a change of one Service, one is compared.
 */
import type { PortPart } from '../kubeproxy/nftables/part.ts';
import type { Table } from '../kubeproxy/nftables/table.ts';
import { compareSlices } from './compare.ts';
import type { Entry, Slice, SliceDifference } from './compare.ts';
import type { NftFamily } from './nft-listing.ts';
import type { ActualContainer, ActualTable } from './nftables-actual.ts';
import { partSlices, stockChains, stockContainers, type SharedEntry } from './nftables-expected.ts';

export function nftablesDifferences(expected: Table, actual: ActualTable): readonly SliceDifference[] {
  const found: SliceDifference[] = [];
  const add = (difference: SliceDifference | undefined): void => {
    if (difference) found.push(difference);
  };
  const stock = stockChains(expected);
  for (const slice of stock) add(ownDifference(slice, actual));
  const contents = new Map(
    stockContainers(expected).map((slice) => [slice.name, new Content(slice, actual.containers.get(slice.name)?.())]),
  );
  for (const part of expected.ports) {
    const { differences, shared } = comparePart(part, expected.settings.family, actual);
    found.push(...differences);
    for (const each of shared) contents.get(each.container)?.add(each);
  }
  // A base chain is entered by itself, so one that is not expected may act. Any other needs a rule that leads to it.
  const names = new Set(stock.map(({ name }) => name));
  for (const right of actual.baseChains) if (!names.has(right.name)) add(compareSlices(undefined, right));
  for (const content of contents.values()) add(content.difference());
  return found;
}

/** A set or map that ports share: which of its entries are expected, and which of those that are expected it lacks. */
class Content {
  readonly #slice: Slice;
  readonly #entries: readonly Entry[];
  readonly #expected: Uint8Array;
  /** By key, which a set or map has once, whoever brings it. */
  readonly #missing = new Map<string, Entry>();

  constructor(slice: Slice, actual: ActualContainer | undefined) {
    this.#slice = slice;
    this.#entries = actual?.entries ?? [];
    this.#expected = new Uint8Array(this.#entries.length);
    for (const entry of slice.entries) {
      const position = actual?.positions.get(entry.canonical);
      if (position === undefined) this.#missing.set(entry.canonical, entry);
      else this.#expected[position] = 1;
    }
  }

  add({ held, missing }: SharedPart): void {
    for (const position of held) this.#expected[position] = 1;
    for (const { id, entry } of missing) this.#missing.set(id, entry);
  }

  difference(): SliceDifference | undefined {
    const missing = [...this.#missing.values()];
    const extra = this.#entries.filter((_, i) => this.#expected[i] === 0);
    if (missing.length === 0 && extra.length === 0) return undefined;
    const { table, name, kind } = this.#slice;
    return { table, name, kind, port: undefined, missing, extra, moved: [] };
  }
}

/** A port's elements in one set or map. */
interface SharedPart {
  readonly container: string;
  /** Where those that the node has stand in its entries. */
  readonly held: readonly number[];
  readonly missing: readonly SharedEntry[];
}

interface Compared {
  readonly differences: readonly SliceDifference[];
  readonly shared: readonly SharedPart[];
}

const compared = new WeakMap<ActualTable, WeakMap<PortPart, Compared>>();

function comparePart(part: PortPart, family: NftFamily, actual: ActualTable): Compared {
  let known = compared.get(actual);
  if (!known) compared.set(actual, (known = new WeakMap()));
  let found = known.get(part);
  if (!found) {
    const { own, shared } = partSlices(part, family);
    found = {
      differences: own.flatMap((slice) => ownDifference(slice, actual) ?? []),
      shared: sharedParts(shared, actual),
    };
    known.set(part, found);
  }
  return found;
}

function ownDifference(left: Slice, { chains, containers }: ActualTable): SliceDifference | undefined {
  const right = left.kind === 'chain' ? chains.get(left.name) : containers.get(left.name)?.();
  return right && sameEntries(left.entries, right.entries) ? undefined : compareSlices(left, right);
}

function sameEntries(a: readonly Entry[], b: readonly Entry[]): boolean {
  return a.length === b.length && a.every((entry, i) => entry.canonical === b[i]!.canonical);
}

function sharedParts(entries: readonly SharedEntry[], { containers }: ActualTable): readonly SharedPart[] {
  const parts = new Map<string, { container: string; held: number[]; missing: SharedEntry[] }>();
  for (const each of entries) {
    const { container } = each;
    let part = parts.get(container);
    if (!part) parts.set(container, (part = { container, held: [], missing: [] }));
    const position = containers.get(container)?.().positions.get(each.entry.canonical);
    if (position === undefined) part.missing.push(each);
    else part.held.push(position);
  }
  return [...parts.values()];
}

/** A node's table kube-proxy, by chains, sets and maps, as it is compared. */
import type { Entry, Slice } from './compare.ts';
import { baseEntry, declaration, elementEntry, ruleEntry } from './nft-entries.ts';
import { member, TABLE, type NftFamily, type NftListing, type NftObject } from './nft-listing.ts';

/** A set or map whose entries can be found. */
export interface ActualContainer extends Slice {
  /** Where an entry of this canonical text stands in `entries`. */
  readonly positions: ReadonlyMap<string, number>;
}

export interface ActualTable {
  readonly chains: ReadonlyMap<string, Slice>;
  /** Those that the kernel enters by itself. */
  readonly baseChains: readonly Slice[];
  /** Sets and maps; made when they are asked for, since theirs may be a hundred thousand elements. */
  readonly containers: ReadonlyMap<string, () => ActualContainer>;
}

const known = new WeakMap<readonly NftObject[], ActualTable>();

/** Kept with the listing: the same object as long as the dump is the same. */
export function actualTable(family: NftFamily, { own }: NftListing): ActualTable {
  const objects = own[family];
  let table = known.get(objects);
  if (!table) known.set(objects, (table = readTable(family, objects)));
  return table;
}

function readTable(family: NftFamily, objects: readonly NftObject[]): ActualTable {
  const table = `${family} ${TABLE}`;
  const entries = new Map<string, Entry[]>();
  const containers = new Map<string, () => ActualContainer>();
  const bases = new Set<string>();
  for (const object of objects) {
    const [kind, body] = member(object);
    const name = String(body[kind === 'rule' ? 'chain' : 'name']);
    if (kind === 'chain' || kind === 'rule') {
      let list = entries.get(name);
      if (!list) entries.set(name, (list = []));
      if (kind === 'rule') list.push({ ...ruleEntry(body['expr']), ...(body['place'] as Partial<Entry> | undefined) });
      else if (body['hook'] !== undefined) {
        bases.add(name);
        list.unshift(baseEntry(body['type'], body['hook'], body['prio'], body['policy']));
      }
    } else if (kind === 'set' || kind === 'map') {
      let slice: ActualContainer | undefined;
      containers.set(name, () => (slice ??= containerSlice(table, kind, name, body)));
    }
  }
  const chains = new Map<string, Slice>();
  for (const [name, list] of entries) chains.set(name, { table, name, kind: 'chain', ordered: true, entries: list });
  return { chains, containers, baseChains: [...bases].map((name) => chains.get(name)!) };
}

function containerSlice(
  table: string,
  kind: 'set' | 'map',
  name: string,
  body: Readonly<Record<string, unknown>>,
): ActualContainer {
  // What clients did, not what kube-proxy wrote: the elements of affinity sets come and go.
  const elements = !name.startsWith('affinity-') && Array.isArray(body['elem']) ? (body['elem'] as unknown[]) : [];
  const entries = [declaration(kind, body), ...elements.map(elementEntry)];
  const positions = new Map(entries.map((entry, i) => [entry.canonical, i]));
  return { table, name, kind, ordered: false, entries, positions };
}

/**
 * One family's table `kube-proxy`: its stock and what the service ports bring, put together as a listing.
 */
import type { Proxied } from '../proxied.ts';
import type { NodePlace } from '../selection.ts';
import { settle, type Contest, type Held } from './claims.ts';
import { generationOf, type Generation } from './generation.ts';
import { keepComments } from './leftovers.ts';
import { listChain, listContainer, listRules, TABLE, type Stock } from './listing.ts';
import type { Json, NftObject } from './objects.ts';
import { partOf, partSettings, type PortPart } from './part.ts';
import type { TableSettings } from './settings.ts';
import { stock129 } from './stock-1.29.ts';
import { stock130 } from './stock-1.30.ts';
import { stock136 } from './stock-1.36.ts';

export interface Table {
  readonly settings: TableSettings;
  readonly stock: Stock;
  readonly ports: readonly PortPart[];
  /** What several ports wanted and one got. */
  readonly contests: readonly Contest[];
}

export function tableOf(
  ports: readonly Proxied[],
  place: NodePlace,
  settings: TableSettings,
  held: (container: string, id: string) => Held | undefined = () => undefined,
): Table {
  const generation = generationOf(settings.release);
  const key = partSettings(settings);
  const parts = ports.map((found) => partOf(found, place, settings, generation, key));
  const { ports: settled, contests } = settle(parts, held);
  return {
    settings,
    stock: stockOf(settings, generation),
    ports: generation.keepsElements ? keepComments(settled, held) : settled,
    contests,
  };
}

function stockOf(settings: TableSettings, generation: Generation): Stock {
  const stock =
    generation.stock === '1.29'
      ? stock129(settings)
      : generation.stock === '1.30'
        ? stock130(settings, generation)
        : stock136(settings);
  if (generation.containerComments) return stock;
  return { ...stock, containers: stock.containers.map((container) => ({ ...container, comment: undefined })) };
}

/** The objects of the table in nft's order: the table, counters, sets and maps, chains, rules. */
export function listTable({ settings: { family }, stock, ports }: Table): NftObject[] {
  const shared = new Map<string, Map<string, Json>>();
  for (const { elements } of ports)
    for (const { container, id, elem } of elements) {
      const held = shared.get(container) ?? new Map<string, Json>();
      shared.set(container, held);
      // Several ports may bring the same key of a set.
      held.set(id, elem);
    }
  const chains = [...stock.chains, ...ports.flatMap((part) => part.chains)];
  return [
    { table: { family, name: TABLE } },
    ...(stock.counters ?? []).map((name) => ({ counter: { family, name, table: TABLE, packets: 0, bytes: 0 } })),
    ...stock.containers.map((container) =>
      listContainer(family, container, [
        ...(container.elements ?? []),
        ...(shared.get(container.name)?.values() ?? []),
      ]),
    ),
    ...ports.flatMap(({ sets }) => sets.map((set) => listContainer(family, set, []))),
    ...chains.map((chain) => listChain(family, chain)),
    ...chains.flatMap((chain) => listRules(family, chain)),
  ];
}

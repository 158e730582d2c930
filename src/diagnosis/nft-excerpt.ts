/**
 * The same as excerpt.ts for nftables: the table kube-proxy without the chains of Services that nothing about the differences meets. What a
 * listing has is sorted by Service port once, so that an excerpt costs what it holds.
 */
import type { Element } from '../kubeproxy/nftables/elements.ts';
import type { PortPart } from '../kubeproxy/nftables/part.ts';
import { listTable, type Table } from '../kubeproxy/nftables/table.ts';
import type { Touched } from './attribution.ts';
import type { SliceDifference } from './compare.ts';
import { member, type NftObject } from './nft-listing.ts';

/** What may be met. */
export interface Met {
  /** "shop/front/tcp/http" of Service ports, as the names of their chains and sets have it. */
  readonly ports: ReadonlySet<string>;
  /** VIPs and endpoints: of those ports, and whatever else the differences speak of. */
  readonly addresses: ReadonlySet<string>;
}

/** Sets of addresses that every Service port has some in, tens of thousands together: of theirs, those that may be met are enough. */
const OF_ADDRESSES: ReadonlySet<string> = new Set(['cluster-ips', 'hairpin-connections']);

/** undefined where rules that all Services share differ: then every chain may be met. */
export function metPorts(differences: readonly SliceDifference[], touched: Touched, expected: Table): Met | undefined {
  if (touched.common.length > 0) return undefined;
  const ports = new Set<string>();
  const addresses = new Set<string>();
  for (const part of expected.ports) {
    const { port } = part;
    if (!touched.ports.has(port)) continue;
    for (const base of sidesOf(part).names) ports.add(base);
    for (const address of [port.clusterIP, ...port.externalIPs, ...port.loadBalancerIPs]) addresses.add(address);
    for (const { ip } of part.endpoints) addresses.add(ip);
  }
  for (const { name, missing, extra, moved } of differences) {
    if (isOfAPort(name)) ports.add(baseOf(name));
    for (const { canonical } of [...missing, ...extra, ...moved]) {
      for (const [found] of canonical.matchAll(/[a-z]+-[A-Z2-7]{8}-[^"]+/g)) ports.add(baseOf(found));
      for (const [, address = ''] of canonical.matchAll(/"([\da-f]*[.:][\da-f.:]+)"/g)) addresses.add(address);
    }
  }
  return { ports, addresses };
}

/** "shop/front/tcp/http" of "service-HRERZ4JW-shop/front/tcp/http" and of its endpoints' chains. */
function baseOf(name: string): string {
  return name.replace(/^[a-z]+-[A-Z2-7]{8}-/, '').replace(/__.*$/, '');
}

function isOfAPort(name: string): boolean {
  return name.includes('/');
}

interface Sides {
  readonly names: readonly string[];
  /** Elements that lead to nobody's chain. */
  readonly common: readonly Element[];
  /** Those of OF_ADDRESSES. */
  readonly addressed: readonly { readonly address: string; readonly element: Element }[];
}

const sides = new WeakMap<PortPart, Sides>();

/** A part as an excerpt takes it. */
function sidesOf(part: PortPart): Sides {
  let found = sides.get(part);
  if (!found) {
    const own = part.elements.filter(({ container }) => OF_ADDRESSES.has(container));
    found = {
      names: [...new Set([...part.chains, ...part.sets].map(({ name }) => baseOf(name)))],
      common: part.elements.filter(({ container, elem }) => !OF_ADDRESSES.has(container) && portAt(elem) === undefined),
      addressed: own.map((element) => ({ address: addressOf(element.elem), element })),
    };
    sides.set(part, found);
  }
  return found;
}

/** The expected table's objects: of the ports' chains those that are met, and the elements that lead to no other. */
export function expectedExcerpt(table: Table, met: Met | undefined): readonly NftObject[] {
  if (!met) return listTable(table) as readonly NftObject[];
  const ports = table.ports.flatMap((part): readonly PortPart[] => {
    const { names, common, addressed } = sidesOf(part);
    const isMet = names.some((base) => met.ports.has(base));
    const some = addressed.filter(({ address }) => met.addresses.has(address)).map(({ element }) => element);
    if (isMet)
      return [
        { ...part, elements: [...part.elements.filter(({ container }) => !OF_ADDRESSES.has(container)), ...some] },
      ];
    const elements = some.length > 0 ? [...common, ...some] : common;
    return elements.length > 0 ? [{ ...part, chains: [], sets: [], elements }] : [];
  });
  return listTable({ ...table, ports }) as readonly NftObject[];
}

type Body = Readonly<Record<string, unknown>>;

interface Sorted {
  /** The table, and the chains, sets and rules that all share. */
  readonly common: readonly NftObject[];
  readonly ofPorts: ReadonlyMap<string, readonly NftObject[]>;
  /** The maps that lead to ports' chains. */
  readonly maps: readonly SortedMap[];
  /** Those of OF_ADDRESSES. */
  readonly sets: readonly { readonly body: Body; readonly elem: readonly unknown[] }[];
}

interface SortedMap {
  readonly body: Body;
  readonly common: readonly unknown[];
  readonly ofPorts: ReadonlyMap<string, readonly unknown[]>;
}

const sorted = new WeakMap<readonly NftObject[], Sorted>();

/** The same of a node's own objects. */
export function actualExcerpt(objects: readonly NftObject[], met: Met | undefined): readonly NftObject[] {
  if (!met) return objects;
  let parts = sorted.get(objects);
  if (!parts) sorted.set(objects, (parts = sort(objects)));
  const { common, ofPorts, maps, sets } = parts;
  const of = <T>(all: ReadonlyMap<string, readonly T[]>): readonly T[] =>
    [...met.ports].flatMap((base) => all.get(base) ?? []);
  return [
    ...common,
    ...maps.map((each) => ({ map: { ...each.body, elem: [...each.common, ...of(each.ofPorts)] } })),
    ...sets.map(({ body, elem }) => ({
      set: { ...body, elem: elem.filter((each) => met.addresses.has(addressOf(each))) },
    })),
    ...of(ofPorts),
  ];
}

function sort(objects: readonly NftObject[]): Sorted {
  const common: NftObject[] = [];
  const ofPorts = new Map<string, NftObject[]>();
  const maps: SortedMap[] = [];
  const sets: { readonly body: Body; readonly elem: readonly unknown[] }[] = [];
  for (const object of objects) {
    const [kind, body] = member(object);
    const name = String(body[kind === 'rule' ? 'chain' : 'name']);
    if (isOfAPort(name)) push(ofPorts, baseOf(name), object);
    else if (kind === 'map' && Array.isArray(body['elem'])) maps.push(sortMap(body, body['elem']));
    else if (kind === 'set' && OF_ADDRESSES.has(name) && Array.isArray(body['elem']))
      sets.push({ body, elem: body['elem'] as unknown[] });
    else common.push(object);
  }
  return { common, ofPorts, maps, sets };
}

function sortMap(body: Body, elem: readonly unknown[]): SortedMap {
  const common: unknown[] = [];
  const ofPorts = new Map<string, unknown[]>();
  for (const element of elem) {
    const base = portAt(element);
    if (base === undefined) common.push(element);
    else push(ofPorts, base, element);
  }
  return { body, common, ofPorts };
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** The port whose chain an element of a map leads to. */
function portAt(element: unknown): string | undefined {
  const verdict: unknown = Array.isArray(element) ? (element as unknown[])[1] : undefined;
  const goto = (verdict as { readonly goto?: { readonly target?: unknown } } | null | undefined)?.goto?.target;
  return typeof goto === 'string' && isOfAPort(goto) ? baseOf(goto) : undefined;
}

/** Of an element of a set: "10.96.0.10", {"concat": ["10.244.0.1", "10.244.0.1", "tcp", 8080]}. */
function addressOf(element: unknown): string {
  if (typeof element === 'string') return element;
  const { elem, concat } = (element ?? {}) as {
    readonly elem?: { readonly val?: unknown };
    readonly concat?: readonly unknown[];
  };
  return elem ? addressOf(elem.val) : String(concat?.[0]);
}

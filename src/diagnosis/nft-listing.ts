/**
 * What `nft list ruleset` says of a node's tables kube-proxy, in libnftables-json(5)'s objects whichever of nft's languages it was read in, and the
 * rest of the listing, among which packets meet them.
 */
import type { Dump } from '../kubernetes/source.ts';
import { elementJson, statementJson } from '../netfilter/nftables/print-json.ts';
import type { NamedSet, Table } from '../netfilter/nftables/ruleset.ts';
import { readNft } from '../netfilter/nftables/tables.ts';
import { nftTablesText } from './nft-words.ts';

/** One object of libnftables-json(5): a single member that names its kind. A rule that was read as text has its `place` in it. */
export type NftObject = Readonly<Record<string, unknown>>;

export type NftFamily = 'ip' | 'ip6';

export const TABLE = 'kube-proxy';

export interface NftListing {
  readonly dump: 'nft.json' | 'nft.txt';
  /** The objects of the tables kube-proxy, in the order of the listing. The same array every time. */
  readonly own: Readonly<Record<NftFamily, readonly NftObject[]>>;
  /** The listing with these objects in the place of the tables kube-proxy. */
  readonly with: (objects: readonly NftObject[]) => string;
}

const listings = new WeakMap<Dump, NftListing | 'unreadable'>();

/** undefined where there is no whole listing. A dump is read once. JSON counts before text: it is read in a fraction of the time. */
export function nftListing(dumps: readonly Dump[]): NftListing | undefined {
  for (const name of ['nft.json', 'nft.txt'] as const) {
    const dump = dumps.find((each) => each.name === name && each.text !== '');
    if (!dump) continue;
    let listing = listings.get(dump);
    if (!listing) {
      listing = (name === 'nft.json' ? fromJson(dump.text) : fromText(dump)) ?? 'unreadable';
      listings.set(dump, listing);
    }
    if (listing !== 'unreadable') return listing;
  }
  return undefined;
}

/** Whether kube-proxy has rules in its table of this family. A dump that does not name it is not read for that. */
export function hasOwnRules(dumps: readonly Dump[], family: NftFamily): boolean {
  const named = dumps.some(({ name, text }) => name.startsWith('nft.') && text.includes(TABLE));
  return named && (nftListing(dumps)?.own[family].some((object) => 'rule' in object) ?? hasTable(dumps, family));
}

function hasTable(dumps: readonly Dump[], family: NftFamily): boolean {
  return dumps.some(({ name, text }) => name === 'nft.txt' && text.includes(`table ${family} ${TABLE} {`));
}

/** The kind of an object, and what it says. */
export function member(object: NftObject): readonly [string, Readonly<Record<string, unknown>>] {
  for (const kind in object) {
    const body = object[kind];
    return [kind, typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}];
  }
  return ['', {}];
}

function fromJson(text: string): NftListing | undefined {
  let all: readonly NftObject[];
  try {
    all = (JSON.parse(text) as { readonly nftables?: readonly NftObject[] }).nftables ?? [];
  } catch {
    return undefined; // cut off
  }
  const own: Record<NftFamily, NftObject[]> = { ip: [], ip6: [] };
  const others: NftObject[] = [];
  for (const object of all) {
    const [kind, body] = member(object);
    const { family } = body;
    const isOwn = (family === 'ip' || family === 'ip6') && (kind === 'table' ? body['name'] : body['table']) === TABLE;
    (isOwn ? own[family] : others).push(object);
  }
  return { dump: 'nft.json', own, with: (objects) => JSON.stringify({ nftables: [...others, ...objects] }) };
}

function fromText({ text, name }: Dump): NftListing | undefined {
  const { tables, complete } = readNft(text, name);
  if (!complete || tables.length === 0) return undefined;
  const own: Record<NftFamily, readonly NftObject[]> = { ip: [], ip6: [] };
  const others: string[] = [];
  let from = 0;
  for (const table of tables) {
    const { family, place } = table;
    if (table.name !== TABLE || (family !== 'ip' && family !== 'ip6')) continue;
    own[family] = objectsOf(table, family);
    others.push(text.slice(from, place.start));
    from = place.end;
  }
  others.push(text.slice(from));
  const rest = others.join('');
  return { dump: 'nft.txt', own, with: (objects) => `${rest}\n${nftTablesText(objects)}` };
}

function objectsOf({ chains, sets }: Table, family: NftFamily): readonly NftObject[] {
  const where = { family, table: TABLE };
  return [
    { table: { family, name: TABLE } },
    ...sets.map((set) => setObject(set, where)),
    ...chains.map(({ name, base }) => {
      if (!base) return { chain: { ...where, name } };
      const { type, hook, priority, policy } = base;
      return { chain: { ...where, name, type, hook, prio: priority, policy } };
    }),
    ...chains.flatMap(({ name: chain, rules }) =>
      rules.map(({ statements, place }) => ({
        rule: { ...where, chain, expr: statements.map((each) => statementJson(each, family)), place },
      })),
    ),
  ];
}

function setObject({ kind, name, key, data, flags, timeout, elements }: NamedSet, where: object): NftObject {
  const elem = elements.map(elementJson);
  return {
    [kind]: {
      ...where,
      name,
      type: key.length === 1 ? key[0] : key,
      ...(kind === 'map' && { map: data.length === 1 ? data[0] : data }),
      ...(flags.length > 0 && { flags }),
      ...(timeout !== undefined && { timeout }),
      ...(elem.length > 0 && { elem }),
    },
  };
}

import type { Family } from './address.ts';
import { readIpsetsInSlices, type IpSet } from './ipset.ts';
import { readIptablesSlices } from './iptables/reader.ts';
import { nftTablesInSlices, readNftInSlices } from './nftables/tables.ts';
import type { Ruleset } from './nftables/ruleset.ts';
import type { Program, ReadProblem, Reading, Table } from './program.ts';
import { asPart, inOneGo, type Slices } from './slices.ts';

/** A dump, named as in a recording: the name tells what it is. */
export interface DumpText {
  readonly name: string;
  readonly text: string;
}

/**
 * One program of all that a node holds. Nothing counts twice: tables that iptables-nft made are taken from the text of
 * iptables-save, which says everything, and left out of what nft lists of them; where that text is missing, nft's listing has to do.
 */
export function programOf(dumps: readonly DumpText[]): Program {
  return inOneGo(programSlices(dumps));
}

/** The same in slices of a few milliseconds: yields the share that is done, 0 to 1. */
export function* programSlices(dumps: readonly DumpText[]): Slices<Program> {
  const iptables: Reading[] = [];
  const ipsets = new Map<string, IpSet>();
  const problems: ReadProblem[] = [];
  const all = dumps.reduce((sum, { text }) => sum + text.length, 1);
  let before = 0;
  for (const { name, text } of dumps) {
    if (isNft(name)) continue;
    if (isIptables(name)) {
      const reading = readIptablesSlices({ text, dump: name, ...defaultsOf(name) });
      const start = before;
      iptables.push(yield* asPart(reading, (own) => (start + own * text.length) / all));
    } else if (name === 'ipset-save.txt') {
      const start = before;
      const reading = yield* asPart(readIpsetsInSlices(text, name), (own) => (start + own * text.length) / all);
      for (const set of reading.sets.values()) ipsets.set(set.name, set);
      problems.push(...reading.problems);
    }
    before += text.length;
    yield before / all;
  }
  const nft = yield* nftOf(dumps, (done) => (before + done) / all);
  const listed = nft ? yield* nftTablesInSlices(nft) : [];
  return {
    tables: withNft(inOrder(iptables, problems), listed),
    ipsets,
    problems: [...iptables.flatMap((reading) => reading.problems), ...(nft?.problems ?? []), ...problems],
    texts: new Map(dumps.map(({ name, text }) => [name, text])),
  };
}

function isIptables(name: string): boolean {
  return /^ip6?tables(-legacy|-nft)?-save\.txt$/.test(name);
}

function defaultsOf(name: string): { readonly engine: Table['engine']; readonly family: Family } {
  return {
    engine: name.includes('-nft-') ? 'iptables-nft' : 'iptables-legacy',
    family: name.startsWith('ip6') ? 6 : 4,
  };
}

/**
 * The order of registration is not in a dump. Where both backends hold rules, the one that iptables-save itself speaks to is in use,
 * and what the other holds is older; so it is taken to have been registered first.
 */
function inOrder(readings: readonly Reading[], problems: ReadProblem[]): readonly Table[] {
  const tables = new Map<string, Table>();
  for (const reading of readings)
    for (const table of reading.tables) {
      const key = `${table.engine} ${table.family} ${table.name}`;
      const before = tables.get(key);
      if (before && [...table.chains.values()][0])
        problems.push({
          place: [...table.chains.values()][0]!.place,
          message: `The IPv${table.family} table ${table.name} stands twice in what was read; the later one is used.`,
          advice: 'Keep the dumps of one node only.',
        });
      tables.delete(key);
      tables.set(key, table);
    }
  return [...tables.values()];
}

function isNft(name: string): boolean {
  return /^nft\b/.test(name);
}

/**
 * One of the two listings is enough; the text's lines read better as evidence, if it is whole, and then JSON is not read at all.
 *
 * @param share of all, from the characters of nft's listings that are read
 */
function* nftOf(dumps: readonly DumpText[], share: (done: number) => number): Slices<Ruleset | undefined> {
  const found: Ruleset[] = [];
  let before = 0;
  const listings = dumps.filter(({ name, text }) => isNft(name) && text.trim() !== '');
  for (const { name, text } of listings.sort((a, b) => Number(b.name === 'nft.txt') - Number(a.name === 'nft.txt'))) {
    const start = before;
    const ruleset = yield* asPart(readNftInSlices(text, name), (own) => share(start + own * text.length));
    if (ruleset.language === 'text' && ruleset.complete && ruleset.tables.length > 0) return ruleset;
    found.push(ruleset);
    before += text.length;
  }
  return found.sort((a, b) => Number(b.complete) - Number(a.complete) || b.tables.length - a.tables.length)[0];
}

/**
 * Adds what nft lists, in its order; a table of iptables-nft in it is the one that iptables-save gave. First comes what the backend holds that
 * is not in use.
 */
function withNft(iptables: readonly Table[], nft: readonly Table[]): readonly Table[] {
  const listed = nft.map((table) => iptables.find((other) => isSame(table, other)) ?? table);
  const isLeft = (table: Table): boolean =>
    table.engine !== 'nftables' && (isNamedByBackend(table) || iptables.some((other) => isInUseInstead(other, table)));
  const inUse = iptables.filter((table) => !listed.includes(table));
  return [
    ...[...inUse, ...listed].filter(isLeft),
    ...inUse.filter((table) => !isLeft(table)),
    ...listed.filter((table) => !isLeft(table)),
  ];
}

/** Whether a table came by the name of its backend (iptables-nft-save.txt), which is asked only where it is not the one in use. */
function isNamedByBackend(table: Table): boolean {
  for (const chain of table.chains.values()) return /-(legacy|nft)-/.test(chain.place.dump);
  return false;
}

/** Whether iptables-save itself speaks to the other backend. */
function isInUseInstead(other: Table, table: Table): boolean {
  return other.family === table.family && other.engine !== table.engine && !isNamedByBackend(other);
}

/** What both backends hold is not the same, even where it looks so: only the one that iptables-nft gave is meant. */
function isSame(listed: Table, table: Table): boolean {
  return (
    listed.engine === 'iptables-nft' &&
    table.engine === 'iptables-nft' &&
    listed.family === table.family &&
    listed.name === table.name
  );
}

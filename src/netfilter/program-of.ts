import type { Family } from './address.ts';
import { readIpsets, type IpSet } from './ipset.ts';
import { readIptables } from './iptables/reader.ts';
import type { Program, ReadProblem, Reading, Table } from './program.ts';

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
  const iptables: Reading[] = [];
  const ipsets = new Map<string, IpSet>();
  const problems: ReadProblem[] = [];
  for (const { name, text } of dumps) {
    if (isIptables(name)) iptables.push(readIptables({ text, dump: name, ...defaultsOf(name) }));
    else if (name === 'ipset-save.txt') {
      const reading = readIpsets(text, name);
      for (const set of reading.sets.values()) ipsets.set(set.name, set);
      problems.push(...reading.problems);
    }
  }
  return {
    tables: inOrder(iptables, problems),
    ipsets,
    problems: [...iptables.flatMap((reading) => reading.problems), ...problems],
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

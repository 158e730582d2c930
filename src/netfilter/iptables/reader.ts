import type { Hook } from '../outcome.ts';
import type { Base, Chain, ChainType, Reading, Table } from '../program.ts';
import { IptablesChain } from './chain.ts';
import { iptables } from './language.ts';
import { scanIptables, type ScannedTable, type ScanSource } from './scan.ts';
import { named } from '../named.ts';
import { asPart, inOneGo, type Slices } from '../slices.ts';

const HOOKS: Readonly<Record<string, Hook>> = {
  PREROUTING: 'prerouting',
  INPUT: 'input',
  FORWARD: 'forward',
  OUTPUT: 'output',
  POSTROUTING: 'postrouting',
};

/** NF_IP_PRI_… of include/uapi/linux/netfilter_ipv4.h; the same for IPv6. */
const PRIORITIES: Readonly<Record<string, number>> = { raw: -300, mangle: -150, filter: 0, security: 50 };

function baseOf(table: string, chain: string, policy: string): Base | undefined {
  const hook = named(HOOKS, chain);
  if (!hook || policy === '-') return undefined;
  const source = hook === 'prerouting' || hook === 'output';
  const priority = table === 'nat' ? (source ? -100 : 100) : named(PRIORITIES, table);
  if (priority === undefined) return undefined;
  const type: ChainType = table === 'nat' ? 'nat' : table === 'mangle' && hook === 'output' ? 'route' : 'filter';
  return { hook, priority, type, policy: policy === 'DROP' ? 'drop' : 'accept' };
}

/** Chains made between two yields. */
const SLICE = 8192;

/**
 * Reads the text of iptables-save or ip6tables-save, of either backend, with whatever stands around it. Yields now and then, with the share
 * that is done, so that the reading of a big node need not stop everything else; `readIptables` reads without a pause.
 */
export function* readIptablesSlices(source: ScanSource): Slices<Reading> {
  const scan = yield* asPart(scanIptables(source), (read) => (read / source.text.length) * SCANNING);
  const tables: Table[] = [];
  for (const scanned of scan.tables) {
    const { table, chains, bases } = emptyTable(scanned);
    const from = { text: source.text, dump: source.dump, scanned };
    let made = 0;
    for (const chain of scanned.chains.values()) {
      const own = new IptablesChain(table, chain, from, baseOf(scanned.name, chain.name, chain.policy));
      chains.set(chain.name, own);
      if (own.base) bases.push(own);
      if (++made % SLICE === 0) yield SCANNING + ((1 - SCANNING) * made) / scanned.chains.size;
    }
    tables.push(table);
  }
  return { tables, problems: scan.problems };
}

/** The scan's share of the work. */
const SCANNING = 0.8;

export function readIptables(source: ScanSource): Reading {
  return inOneGo(readIptablesSlices(source));
}

function emptyTable({ engine, family, name }: ScannedTable): {
  readonly table: Table;
  readonly chains: Map<string, Chain>;
  readonly bases: Chain[];
} {
  const chains = new Map<string, Chain>();
  const bases: Chain[] = [];
  return { table: { engine, family, name, label: name, chains, bases, language: iptables }, chains, bases };
}

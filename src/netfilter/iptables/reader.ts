import type { Hook } from '../outcome.ts';
import type { Base, Chain, ChainType, Reading, Table } from '../program.ts';
import { IptablesChain } from './chain.ts';
import { iptables } from './language.ts';
import { scanIptables, type Scan, type ScannedTable, type ScanSource } from './scan.ts';

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
  const hook = HOOKS[chain];
  if (!hook || policy === '-') return undefined;
  const source = hook === 'prerouting' || hook === 'output';
  const priority = table === 'nat' ? (source ? -100 : 100) : PRIORITIES[table];
  if (priority === undefined) return undefined;
  const type: ChainType = table === 'nat' ? 'nat' : table === 'mangle' && hook === 'output' ? 'route' : 'filter';
  return { hook, priority, type, policy: policy === 'DROP' ? 'drop' : 'accept' };
}

/** Reads the text of iptables-save or ip6tables-save, of either backend, with whatever stands around it. */
export function readIptables(source: ScanSource): Reading {
  const scanning = scanIptables(source);
  for (;;) {
    const { done, value } = scanning.next();
    if (done) return readingOf(source, value);
  }
}

export function readingOf(source: ScanSource, scan: Scan): Reading {
  return { tables: scan.tables.map((table) => tableOf(source, table)), problems: scan.problems };
}

function tableOf({ text, dump }: ScanSource, scanned: ScannedTable): Table {
  const chains = new Map<string, Chain>();
  const table: Table = {
    engine: scanned.engine,
    family: scanned.family,
    name: scanned.name,
    label: scanned.name,
    chains,
    language: iptables,
  };
  const from = { text, dump, scanned };
  for (const chain of scanned.chains.values())
    chains.set(chain.name, new IptablesChain(table, chain, from, baseOf(scanned.name, chain.name, chain.policy)));
  return table;
}

/** The expected iptables rules by table and chain, each with the Service port that it is there for. */
import type { ExpectedIptables } from '../kubeproxy/iptables/expected.ts';
import type { ExpectedPort } from '../kubeproxy/iptables/port.ts';
import { BASE_CHAINS, nodePortDispatch, stockChains, stockRules, type TableName } from '../kubeproxy/iptables/stock.ts';
import type { ProxiedPort } from '../kubeproxy/services.ts';

export interface ExpectedChain {
  readonly chain: string;
  readonly lines: readonly string[];
  /** The Service port behind each line: one for all of them, or line by line in chains that ports share. */
  readonly port: ProxiedPort | undefined;
  readonly ports: readonly (ProxiedPort | undefined)[] | undefined;
}

/** What one Service port has: the same object as long as nothing about the port changes, and on every node that it is the same for. */
export interface PortChains {
  readonly port: ProxiedPort;
  /** Of table nat, and of this port alone. */
  readonly own: readonly ExpectedChain[];
  /** Its lines in the chains that ports share. */
  readonly shared: readonly { readonly table: TableName; readonly chain: string; readonly line: string }[];
}

export type ChainsByTable = ReadonlyMap<string, ReadonlyMap<string, ExpectedChain>>;

export interface ExpectedTables {
  /** The chains that are there without any Service, with the lines of all ports in them. */
  readonly shared: ChainsByTable;
  readonly ports: readonly PortChains[];
  /** All chains; gathered when they are first asked for. */
  readonly all: () => ChainsByTable;
}

export function expectedTables(expected: ExpectedIptables): ExpectedTables {
  const ports = expected.served ? expected.ports.map(chainsOfPort) : [];
  const shared = sharedChains(expected, ports);
  let all: ChainsByTable | undefined;
  return { shared, ports, all: () => (all ??= gathered(shared, ports)) };
}

/** Of the ports' chains those alone that are met; without `met` all. */
export function chainsOf({ shared, ports, all }: ExpectedTables, met: ReadonlySet<string> | undefined): ChainsByTable {
  if (!met) return all();
  const nat = new Map(shared.get('nat'));
  for (const { own } of ports) for (const chain of own) if (met.has(chain.chain)) nat.set(chain.chain, chain);
  return new Map([...shared, ['nat', nat]]);
}

/** Nothing expected at all. */
export const NO_TABLES: ExpectedTables = { shared: new Map(), ports: [], all: () => new Map() };

const known = new WeakMap<ExpectedPort['lines'], PortChains>();

function chainsOfPort({ port, lines }: ExpectedPort): PortChains {
  let chains = known.get(lines);
  if (!chains) known.set(lines, (chains = split(port, lines)));
  return chains;
}

function split(port: ProxiedPort, lines: ExpectedPort['lines']): PortChains {
  const own = new Map<string, { chain: string; lines: string[]; port: ProxiedPort; ports: undefined }>();
  for (const chain of lines.chains) own.set(chain, { chain, lines: [], port, ports: undefined });
  const shared: PortChains['shared'][number][] = lines.filter.map((line) => ({
    table: 'filter',
    chain: chainOf(line),
    line,
  }));
  for (const line of lines.nat) {
    const chain = chainOf(line);
    const mine = own.get(chain);
    if (mine) mine.lines.push(line);
    else shared.push({ table: 'nat', chain, line });
  }
  return { port, own: [...own.values()], shared };
}

function sharedChains({ settings, served }: ExpectedIptables, ports: readonly PortChains[]): ChainsByTable {
  const tables = new Map<
    string,
    Map<string, ExpectedChain & { lines: string[]; ports: (ProxiedPort | undefined)[] }>
  >();
  for (const name of ['mangle', 'filter', 'nat'] as const) tables.set(name, new Map());
  if (!served) return tables;
  const add = (table: TableName, chain: string, line?: string, port?: ProxiedPort): void => {
    const chains = tables.get(table)!;
    let found = chains.get(chain);
    if (!found) chains.set(chain, (found = { chain, lines: [], port: undefined, ports: [] }));
    if (line === undefined) return;
    found.lines.push(line);
    found.ports.push(port);
  };
  for (const name of ['mangle', 'filter', 'nat'] as const) {
    for (const chain of [...BASE_CHAINS[name], ...stockChains(name, settings.release)]) add(name, chain);
    for (const line of stockRules(name, settings)) add(name, chainOf(line), line);
  }
  for (const { port, shared } of ports) for (const { table, chain, line } of shared) add(table, chain, line, port);
  for (const line of nodePortDispatch(settings)) add('nat', chainOf(line), line);
  return tables;
}

function gathered(shared: ChainsByTable, ports: readonly PortChains[]): ChainsByTable {
  const nat = new Map(shared.get('nat'));
  for (const { own } of ports) for (const chain of own) nat.set(chain.chain, chain);
  return new Map([...shared, ['nat', nat]]);
}

function chainOf(line: string): string {
  const space = line.indexOf(' ', 3);
  return space < 0 ? line.slice(3) : line.slice(3, space);
}

export function portOfLine(chain: ExpectedChain, index: number): ProxiedPort | undefined {
  return chain.port ?? chain.ports?.[index];
}

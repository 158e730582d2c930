/** The expected iptables rules by table and chain, each with the Service port that it is there for. */
import type { ExpectedIptables } from '../kubeproxy/iptables/expected.ts';
import { BASE_CHAINS, nodePortDispatch, stockChains, stockRules, type TableName } from '../kubeproxy/iptables/stock.ts';
import type { ProxiedPort } from '../kubeproxy/services.ts';

export interface ExpectedChain {
  readonly chain: string;
  readonly lines: readonly string[];
  /** The Service port behind each line: one for all of them, or line by line in chains that ports share. */
  readonly port: ProxiedPort | undefined;
  readonly ports: readonly (ProxiedPort | undefined)[] | undefined;
}

export type ExpectedTables = ReadonlyMap<string, ReadonlyMap<string, ExpectedChain>>;

interface Growing {
  chain: string;
  lines: string[];
  port: ProxiedPort | undefined;
  ports: (ProxiedPort | undefined)[] | undefined;
}

export function expectedTables(expected: ExpectedIptables): ExpectedTables {
  return new Map((['mangle', 'filter', 'nat'] as const).map((name) => [name, tableOf(name, expected)]));
}

function tableOf(name: TableName, { settings, served, ports }: ExpectedIptables): ReadonlyMap<string, ExpectedChain> {
  const chains = new Map<string, Growing>();
  if (!served) return chains;
  const shared = (chain: string): Growing => {
    let found = chains.get(chain);
    if (!found) chains.set(chain, (found = { chain, lines: [], port: undefined, ports: [] }));
    return found;
  };
  const add = (line: string, port: ProxiedPort | undefined): void => {
    const found = shared(chainOf(line));
    found.lines.push(line);
    found.ports?.push(port);
  };
  for (const chain of [...BASE_CHAINS[name], ...stockChains(name, settings.release)]) shared(chain);
  for (const line of stockRules(name, settings)) add(line, undefined);
  for (const { port, lines } of ports) {
    if (name === 'nat') for (const chain of lines.chains) if (!chains.has(chain)) chains.set(chain, own(chain, port));
    for (const line of name === 'nat' ? lines.nat : name === 'filter' ? lines.filter : []) add(line, port);
  }
  if (name === 'nat') for (const line of nodePortDispatch(settings)) add(line, undefined);
  return chains;
}

function own(chain: string, port: ProxiedPort): Growing {
  return { chain, lines: [], port, ports: undefined };
}

export function chainOf(line: string): string {
  const space = line.indexOf(' ', 3);
  return space < 0 ? line.slice(3) : line.slice(3, space);
}

export function portOfLine(chain: ExpectedChain, index: number): ProxiedPort | undefined {
  return chain.port ?? chain.ports?.[index];
}

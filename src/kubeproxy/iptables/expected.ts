/** The iptables rules that kube-proxy would have programmed on a node: by service port, and as iptables-save prints them. */
import { ZONE_LABEL, type ClusterObjects } from '../../kubernetes/objects.ts';
import { enabled } from '../features.ts';
import { primaryFamily } from '../node-addresses.ts';
import { proxied } from '../proxied.ts';
import { expectedPort, type ExpectedPort } from './port.ts';
import { resolveSettings, type IptablesOptions } from './resolve.ts';
import type { IptablesSettings } from './settings.ts';
import { BASE_CHAINS, nodePortDispatch, stockChains, stockRules, type TableName } from './stock.ts';

export interface ExpectedIptables {
  readonly settings: IptablesSettings;
  /** False where this kube-proxy does not serve the family: it is single-stack. */
  readonly served: boolean;
  readonly backend: 'nft' | 'legacy';
  /** In the order of the objects. kube-proxy itself visits them in an order of its own each time. */
  readonly ports: readonly ExpectedPort[];
}

/** Computes what each service port contributes on a node. Linear in Services and endpoints. */
export function expectedIptables(objects: ClusterObjects, options: IptablesOptions): ExpectedIptables {
  const { family, release, configuration, node, facts } = options;
  const featureGates = configuration.featureGates.value;
  const dualStack = enabled('IPv6DualStack', release, featureGates) && facts.ipv6.value;
  const served = dualStack || family === primaryFamily(configuration, node);
  const found = served ? proxied(objects, { family, release, featureGates }) : [];
  const place = {
    name: options.name,
    zone: node?.metadata.labels?.[ZONE_LABEL] ?? '',
    release,
    featureGates,
  };
  const settings = resolveSettings(
    options,
    found.reduce((total, { endpoints }) => total + endpoints.length, 0),
  );
  return {
    settings,
    served,
    backend: facts.backend.value,
    ports: found.map((each) => expectedPort(each, place, settings)),
  };
}

/**
 * As iptables-save prints it: tables mangle, filter, nat; the base chains, then the others by name; no counters but zeros. A family that
 * is not served has no tables at all with the nft backend, and bare ones with legacy, where merely looking makes them.
 */
export function iptablesText(expected: ExpectedIptables): string {
  if (!expected.served && expected.backend === 'nft') return '';
  return (['mangle', 'filter', 'nat'] as const).map((table) => tableText(table, expected)).join('');
}

function tableText(table: TableName, { settings, served, ports }: ExpectedIptables): string {
  const base = BASE_CHAINS[table];
  const rules = new Map<string, string[]>();
  const add = (line: string): void => {
    const chain = line.slice(3, line.indexOf(' ', 3));
    const found = rules.get(chain);
    if (found) found.push(line);
    else rules.set(chain, [line]);
  };
  if (served) {
    for (const chain of stockChains(table, settings.release)) rules.set(chain, []);
    for (const line of stockRules(table, settings)) add(line);
    if (table === 'nat')
      for (const { lines } of ports) {
        for (const chain of lines.chains) if (!rules.has(chain)) rules.set(chain, []);
        for (const line of lines.nat) add(line);
      }
    if (table === 'filter') for (const { lines } of ports) for (const line of lines.filter) add(line);
    if (table === 'nat') for (const line of nodePortDispatch(settings)) add(line);
  }
  const own = [...rules.keys()].filter((chain) => !base.some((name) => name === chain)).sort();
  const out = [`*${table}`];
  for (const chain of base) out.push(`:${chain} ACCEPT [0:0]`);
  for (const chain of own) out.push(`:${chain} - [0:0]`);
  for (const chain of [...base, ...own]) for (const line of rules.get(chain) ?? []) out.push(line);
  out.push('COMMIT', '');
  return out.join('\n');
}

import type { DetectLocalMode, PartialSettings, Settings } from './configuration.ts';
import { list, modeOf } from './configuration-file.ts';
import { milliseconds } from './duration.ts';

type Setter = (value: string) => Partial<Settings>;

const SETTERS: Readonly<Record<string, Setter>> = {
  'proxy-mode': (value) => ({ mode: modeOf(value) }),
  'cluster-cidr': (value) => ({ clusterCIDRs: list(value) }),
  'detect-local-mode': (value) => ({ detectLocalMode: value as DetectLocalMode }),
  'pod-bridge-interface': (value) => ({ bridgeInterface: value }),
  'pod-interface-name-prefix': (value) => ({ interfaceNamePrefix: value }),
  'masquerade-all': (value) => ({ masqueradeAll: value !== 'false' }),
  'iptables-masquerade-bit': (value) => ({ masqueradeBit: Number(value) }),
  'iptables-localhost-nodeports': (value) => ({ localhostNodePorts: value !== 'false' }),
  'nodeport-addresses': (value) => ({ nodePortAddresses: list(value) }),
  'iptables-min-sync-period': (value) => ({ minSyncPeriod: milliseconds(value) || 1000 }),
  'iptables-sync-period': (value) => ({ syncPeriod: milliseconds(value) || 30_000 }),
  'bind-address': (value) => ({ bindAddress: value }),
  'conntrack-tcp-be-liberal': (value) => ({ tcpBeLiberal: value !== 'false' }),
  'feature-gates': (value) => ({
    featureGates: Object.fromEntries(list(value).map((pair) => [pair.split('=')[0]!, pair.split('=')[1] !== 'false'])),
  }),
};

/** Flags whose value may be left out; of all others the next word is the value where there is no "=". */
const SWITCHES = new Set(['masquerade-all', 'iptables-localhost-nodeports', 'conntrack-tcp-be-liberal']);

/**
 * What a kube-proxy's command line says, be it words or one shell command ("sh -c 'exec kube-proxy --cluster-cidr=…'").
 * `configFile`: it names a configuration file, which then counts instead.
 */
export function settingsOfFlags(
  command: readonly string[],
  from: string,
): PartialSettings & { readonly configFile: boolean } {
  const words = command.flatMap((word) => (/\s--/.test(word) ? word.split(/\s+/) : [word]));
  let settings: Partial<Settings> = {};
  let configFile = false;
  for (const [i, word] of words.entries()) {
    const found = /^--?([a-z0-9-]+)(?:=(.*))?$/s.exec(word);
    if (!found) continue;
    const name = found[1]!;
    const next = SWITCHES.has(name) ? 'true' : (words[i + 1] ?? '');
    const value = (found[2] ?? next).replace(/^(["'])(.*)\1$/s, '$2');
    if (name === 'config') configFile = true;
    settings = { ...settings, ...SETTERS[name]?.(value) };
  }
  return { from, settings, configFile };
}

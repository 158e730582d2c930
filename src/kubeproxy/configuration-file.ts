import { parseDocument } from 'yaml';
import type { ConfigMap } from '../kubernetes/objects.ts';
import type { DetectLocalMode, PartialSettings, ProxyMode, Settings } from './configuration.ts';
import { milliseconds } from './duration.ts';

/** The keys under which distributions keep the file: kubeadm, kind and minikube; EKS. */
const KEYS = ['config.conf', 'config'];

/** KubeProxyConfiguration as YAML in a ConfigMap. undefined where there is none. */
export function settingsOfConfigMap(map: ConfigMap | undefined): PartialSettings | undefined {
  const key = KEYS.find((candidate) => map?.data?.[candidate] !== undefined);
  if (!map || key === undefined) return undefined;
  const from = `ConfigMap ${map.metadata.namespace ?? 'kube-system'}/${map.metadata.name}`;
  return settingsOfFile(map.data![key]!, `${from} (${key})`);
}

/** KubeProxyConfiguration as a user set it: in part, and where it names no mode, the mode that was found out stays. */
export function settingsByHand(text: string): PartialSettings {
  const found = settingsOfFile(text, 'set by hand');
  if (/\bmode\b/.test(text)) return found;
  const settings = Object.entries(found.settings).filter(([key]) => key !== 'mode');
  return { ...found, settings: Object.fromEntries(settings) };
}

function settingsOfFile(text: string, from: string): PartialSettings {
  const document = parseDocument(text);
  const [error] = document.errors;
  const root: unknown = document.toJS();
  const file = section(root);
  const problem = error ? `${from}, line ${error.linePos?.[0].line ?? 1}: no valid YAML (${error.code}).` : undefined;
  const mode = modeOf(file['mode']);
  // Each mode has a section with its own mark and periods; an empty mode is iptables.
  const own = section(file[mode === 'nftables' ? 'nftables' : mode === 'ipvs' ? 'ipvs' : 'iptables']);
  const marks = mode === 'nftables' ? own : section(file['iptables']);
  const detect = section(file['detectLocal']);
  const settings: { -readonly [K in keyof Settings]: Settings[K] | undefined } = {
    mode,
    clusterCIDRs: typeof file['clusterCIDR'] === 'string' ? list(file['clusterCIDR']) : undefined,
    detectLocalMode: textOf(file['detectLocalMode']) as DetectLocalMode | undefined,
    bridgeInterface: textOf(detect['bridgeInterface']),
    interfaceNamePrefix: textOf(detect['interfaceNamePrefix']),
    masqueradeAll: flag(marks['masqueradeAll']),
    masqueradeBit: typeof marks['masqueradeBit'] === 'number' ? marks['masqueradeBit'] : undefined,
    localhostNodePorts: flag(section(file['iptables'])['localhostNodePorts']),
    nodePortAddresses: Array.isArray(file['nodePortAddresses']) ? file['nodePortAddresses'].map(String) : undefined,
    // 0 means the default, too.
    minSyncPeriod: milliseconds(own['minSyncPeriod']) || undefined,
    syncPeriod: milliseconds(own['syncPeriod']) || undefined,
    bindAddress: textOf(file['bindAddress']),
    tcpBeLiberal: flag(section(file['conntrack'])['tcpBeLiberal']),
    featureGates: gates(section(file['featureGates'])),
  };
  const known = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  return { from, settings: known as Partial<Settings>, ...(problem ? { problem } : {}) };
}

/** "" and what is no mode mean iptables on Linux. */
export function modeOf(value: unknown): ProxyMode {
  const modes: readonly string[] = ['iptables', 'nftables', 'ipvs', 'userspace', 'kernelspace'];
  const found = String(value ?? '').toLowerCase();
  return modes.includes(found) ? (found as ProxyMode) : 'iptables';
}

export function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function section(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function flag(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

function gates(found: Readonly<Record<string, unknown>>): Readonly<Record<string, boolean>> | undefined {
  const set = Object.entries(found).filter((entry): entry is [string, boolean] => typeof entry[1] === 'boolean');
  return set.length > 0 ? Object.fromEntries(set) : undefined;
}

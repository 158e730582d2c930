/**
 * kube-proxy's configuration, as far as its rules depend on it: from the ConfigMap (kubeadm, kind, minikube, EKS), from its pod's flags
 * (GKE, RKE2, hand-made), from a node's annotations (k3s), else from what the node's rules betray, else kube-proxy's defaults.
 */
import type { ClusterObjects } from '../kubernetes/objects.ts';
import { settingsOfDump } from './configuration-dump.ts';
import { settingsByHand, settingsOfConfigMap } from './configuration-file.ts';
import { settingsOfFlags } from './configuration-flags.ts';
import { guessed, read, type Known } from './known.ts';
import { kubeProxyContainer, kubeProxyPod } from './pod.ts';

export type ProxyMode = 'iptables' | 'nftables' | 'ipvs' | 'userspace' | 'kernelspace';

export type DetectLocalMode = 'ClusterCIDR' | 'NodeCIDR' | 'BridgeInterface' | 'InterfaceNamePrefix';

/** Spelled as KubeProxyConfiguration spells them (kubeproxy.config.k8s.io/v1alpha1); those of the mode in use. */
export interface Settings {
  readonly mode: ProxyMode;
  readonly clusterCIDRs: readonly string[];
  readonly detectLocalMode: DetectLocalMode;
  readonly bridgeInterface: string;
  readonly interfaceNamePrefix: string;
  readonly masqueradeAll: boolean;
  /** The bit of the packet mark, 0 to 31. */
  readonly masqueradeBit: number;
  readonly localhostNodePorts: boolean;
  /** CIDRs and, in newer releases, the words primary, localhost and all. Empty: the default of mode and release. */
  readonly nodePortAddresses: readonly string[];
  /** Milliseconds. */
  readonly minSyncPeriod: number;
  readonly syncPeriod: number;
  readonly bindAddress: string;
  /** kube-proxy sets the sysctl net.netfilter.nf_conntrack_tcp_be_liberal. The node may have it without. */
  readonly tcpBeLiberal: boolean;
  readonly featureGates: Readonly<Record<string, boolean>>;
}

export type Configuration = { readonly [K in keyof Settings]: Known<Settings[K]> };

const DEFAULTS: Settings = {
  mode: 'iptables',
  clusterCIDRs: [],
  detectLocalMode: 'ClusterCIDR',
  bridgeInterface: '',
  interfaceNamePrefix: '',
  masqueradeAll: false,
  masqueradeBit: 14,
  localhostNodePorts: true,
  nodePortAddresses: [],
  minSyncPeriod: 1000,
  syncPeriod: 30_000,
  bindAddress: '0.0.0.0',
  tcpBeLiberal: false,
  featureGates: {},
};

/** What one place says of the configuration; `problem` where it could not be understood, in words that are shown. */
export interface PartialSettings {
  readonly from: string;
  readonly settings: Partial<Settings>;
  readonly problem?: string;
}

export interface FoundConfiguration {
  readonly configuration: Configuration;
  /** Places that say something and could not be understood. */
  readonly problems: readonly string[];
}

/**
 * @param dump the node's rules as text (iptables-save of both families, `nft list ruleset`), or "": looked at only where neither file nor flags
 *   are to be had, since a setting that is read off the rules can never disagree with them
 */
export function configurationOf(objects: ClusterObjects, node: string, dump = ''): FoundConfiguration {
  const file = settingsOfConfigMap(objects.kubeProxyConfig);
  const flags = flagsOf(objects, node);
  // With --config kube-proxy ignores every flag that has a place in the file.
  const written = [file, flags].filter((source) => source !== undefined);
  const usesFile = flags === undefined || flags.configFile;
  // A pod that names a file which cannot be had leaves all to the rules: its flags say nothing then.
  const chosen = usesFile ? file : flags;
  const sources = chosen ? [chosen] : [settingsOfDump(dump)];
  const { configuration: text } = objects.kubeProxyByHand ?? {};
  const byHand = text === undefined ? undefined : settingsByHand(text);
  const value = <K extends keyof Settings>(key: K): Known<Settings[K]> => {
    const own = byHand?.settings[key];
    if (own !== undefined) return read(own as Settings[K], 'set by hand');
    for (const { settings, from } of sources) {
      const found = settings[key];
      if (found !== undefined) return chosen ? read(found, from) : guessed(found, from);
    }
    const silent = chosen ? `${chosen.from} does not set it: kube-proxy's default` : "kube-proxy's default";
    return chosen ? read(DEFAULTS[key], silent) : guessed(DEFAULTS[key], silent);
  };
  const configuration = Object.fromEntries(
    (Object.keys(DEFAULTS) as (keyof Settings)[]).map((key) => [key, value(key)]),
  ) as unknown as Configuration;
  return { configuration, problems: [...written, byHand].flatMap((source) => source?.problem ?? []) };
}

/** The configuration with some settings in place of what was found. */
export function override(configuration: Configuration, settings: Partial<Settings>): Configuration {
  const set = Object.entries(settings).map(([key, value]) => [key, read(value, 'set by hand')]);
  return { ...configuration, ...Object.fromEntries(set) };
}

function flagsOf(
  objects: ClusterObjects,
  node: string,
): (PartialSettings & { readonly configFile: boolean }) | undefined {
  const pod = kubeProxyPod(objects, node);
  if (pod) {
    const container = kubeProxyContainer(pod);
    const words = [...(container?.command ?? []), ...(container?.args ?? [])];
    return settingsOfFlags(words, `the flags of pod ${pod.metadata.namespace ?? ''}/${pod.metadata.name}`);
  }
  const annotations = objects.nodes.find((candidate) => candidate.metadata.name === node)?.metadata.annotations ?? {};
  const args = annotations['k3s.io/node-args'];
  if (args === undefined) return undefined;
  return settingsOfK3s(args, node);
}

/** k3s runs kube-proxy itself and writes its own arguments, a JSON list, on the node. */
function settingsOfK3s(args: string, node: string): PartialSettings & { readonly configFile: boolean } {
  const from = `the annotation k3s.io/node-args of node ${node}`;
  let words: string[] = [];
  let problem: string | undefined;
  try {
    const parsed: unknown = JSON.parse(args);
    if (Array.isArray(parsed)) words = parsed.map(String);
  } catch (error) {
    problem = `${from} is no JSON list: ${String(error)}`;
  }
  const flags = words.flatMap((word, i) => {
    const [flag, inline] = word.split(/=(.*)/s);
    const value = inline ?? words[i + 1] ?? '';
    if (flag === '--kube-proxy-arg') return [`--${value}`];
    return flag === '--cluster-cidr' ? [`--cluster-cidr=${value}`] : [];
  });
  const found = settingsOfFlags(flags, from);
  // k3s passes its own default for the pods' network, which agents do not repeat.
  const settings = { clusterCIDRs: ['10.42.0.0/16'], ...found.settings };
  return { ...found, settings, configFile: false, ...(problem ? { problem } : {}) };
}

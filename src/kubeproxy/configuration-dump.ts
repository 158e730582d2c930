import type { PartialSettings, Settings } from './configuration.ts';
import { settingsOfTables } from './nftables/betrayed.ts';

/** What a node's rules betray of the configuration that wrote them, for nodes whose kube-proxy is neither pod nor ConfigMap. */
export function settingsOfDump(dump: string): PartialSettings {
  const from = "the node's rules";
  if (dump === '') return { from, settings: {} };
  const nft = /^table ip6? kube-proxy\b/m.test(dump) || /"name":\s*"kube-proxy"/.test(dump);
  if (nft) return { from, settings: { mode: 'nftables', ...settingsOfTables(dump) } };
  if (/^:KUBE-IPVS-FILTER|^:KUBE-NODE-PORT\s/m.test(dump)) return { from, settings: { mode: 'ipvs' } };
  if (!/^:KUBE-SERVICES/m.test(dump)) return { from, settings: {} };
  return { from, settings: { mode: 'iptables', ...fromIptables(dump) } };
}

function fromIptables(dump: string): Partial<Settings> {
  const mark = /^-A KUBE-MARK-MASQ -j MARK --set-xmark 0x([0-9a-f]+)/m.exec(dump)?.[1];
  // The rule that marks what does not come from a pod, in KUBE-SERVICES up to 1.21, in KUBE-SVC and KUBE-SVL since.
  const outside =
    /^-A KUBE-(?:SERVICES|SV[CL]-\S+) (?:! (-s|-i) (\S+) )?-d \S+ (?:! (-s|-i) (\S+) )?-p \S+ -m comment --comment "[^"]* cluster IP" .*-j KUBE-MARK-MASQ$/gm;
  const found = [...dump.matchAll(outside)].map((match) => ({
    flag: match[1] ?? match[3],
    value: match[2] ?? match[4],
  }));
  const cidrs = [...new Set(found.filter(({ flag }) => flag === '-s').map(({ value }) => value!))];
  const interfaces = [...new Set(found.filter(({ flag }) => flag === '-i').map(({ value }) => value!))];
  const nodePorts = [...dump.matchAll(/^-A KUBE-SERVICES (.*)-m comment --comment "kubernetes service nodeports;/gm)];
  const restricted = nodePorts.flatMap((match) => /^-d (\S+)/.exec(match[1]!)?.[1] ?? []);
  return {
    ...(mark === undefined ? {} : { masqueradeBit: Math.log2(parseInt(mark, 16)) }),
    ...(found.some(({ flag }) => flag === undefined) ? { masqueradeAll: true } : {}),
    ...(cidrs.length > 0 ? { clusterCIDRs: cidrs } : {}),
    ...(interfaces.length > 0 ? byInterface(interfaces[0]!) : {}),
    ...(nodePorts.some((match) => match[1]!.startsWith('! -d 127.0.0.0/8')) ? { localhostNodePorts: false } : {}),
    ...(restricted.length > 0 ? { nodePortAddresses: restricted } : {}),
  };
}

function byInterface(name: string): Partial<Settings> {
  return name.endsWith('+')
    ? { detectLocalMode: 'InterfaceNamePrefix', interfaceNamePrefix: name.slice(0, -1) }
    : { detectLocalMode: 'BridgeInterface', bridgeInterface: name };
}

import type { Node } from '../kubernetes/objects.ts';
import { formatPrefix, parsePrefix, type Family } from '../netfilter/address.ts';
import type { Configuration } from './configuration.ts';

/** By what kube-proxy tells traffic of the node's own pods from other traffic. */
export type LocalTraffic =
  | { readonly by: 'source'; readonly cidr: string }
  /** iptables' spelling: "cni0", or "veth+" for every name that begins so. */
  | { readonly by: 'interface'; readonly name: string };

/** undefined where it was told nothing for this family: rules that need it are then left out. cmd/kube-proxy/app/server_linux.go, getLocalDetectors. */
export function localTraffic(
  configuration: Configuration,
  node: Node | undefined,
  family: Family,
): LocalTraffic | undefined {
  switch (configuration.detectLocalMode.value) {
    case 'ClusterCIDR':
      return firstOf(configuration.clusterCIDRs.value, family);
    case 'NodeCIDR':
      return firstOf(node?.spec?.podCIDRs ?? (node?.spec?.podCIDR ? [node.spec.podCIDR] : []), family);
    case 'BridgeInterface':
      return { by: 'interface', name: configuration.bridgeInterface.value };
    case 'InterfaceNamePrefix':
      return { by: 'interface', name: `${configuration.interfaceNamePrefix.value}+` };
    default:
      return undefined;
  }
}

/** Of several CIDRs of a family only the first counts. */
function firstOf(cidrs: readonly string[], family: Family): LocalTraffic | undefined {
  for (const text of cidrs) {
    const prefix = parsePrefix(text.trim());
    if (prefix?.family === family) return { by: 'source', cidr: formatPrefix(prefix) };
  }
  return undefined;
}

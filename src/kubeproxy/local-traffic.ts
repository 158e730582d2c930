import type { Node } from '../kubernetes/objects.ts';
import { formatPrefix, parsePrefix, type Family } from '../netfilter/address.ts';
import type { Configuration } from './configuration.ts';
import { parseLeniently } from './lenient.ts';

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

/**
 * The node's own address in a family, as kube-proxy finds it: the address it binds to where that is a real one, else the
 * Node's first InternalIP, else ExternalIP of the family, else loopback (cmd/kube-proxy/app/server.go, detectNodeIPs).
 */
export function nodeIP(configuration: Configuration, node: Node | undefined, family: Family): string {
  const bind = parseLeniently(configuration.bindAddress.value);
  if (bind?.family === family && bind.value !== 0n) return configuration.bindAddress.value;
  const addresses = node?.status?.addresses ?? [];
  const ordered = ['InternalIP', 'ExternalIP'].flatMap((type) => addresses.filter((address) => address.type === type));
  const found = ordered.find((address) => parseLeniently(address.address)?.family === family);
  return found?.address ?? (family === 4 ? '127.0.0.1' : '::1');
}

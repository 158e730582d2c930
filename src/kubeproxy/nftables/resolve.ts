/** From configuration, node and release to what decides about one family's table. */
import type { Node } from '../../kubernetes/objects.ts';
import { parseAddress, parsePrefix, type Family, type Prefix } from '../../netfilter/address.ts';
import type { Configuration } from '../configuration.ts';
import { localTraffic } from '../local-traffic.ts';
import { nodeIP } from '../node-addresses.ts';
import { atLeast, type Release } from '../version.ts';
import { generationOf } from './generation.ts';
import { acceptingAddresses, namesLoopback, nodePortCIDRs } from './node-port-addresses.ts';
import type { NftFamily } from './objects.ts';
import type { Observed } from './observed.ts';
import { numberOf, podsByCIDR, podsByInterface, type LocalPods, type TableSettings } from './settings.ts';

/** What the API's objects leave open. */
export interface Surroundings {
  /** What the node's own listing shows. */
  readonly observed?: Observed | undefined;
  /** The CIDRs of all ServiceCIDR objects, where a source has them; they count before what was observed. */
  readonly serviceCIDRs?: readonly string[] | undefined;
  /** The addresses of the node's interfaces, as far as they are known. */
  readonly addresses: readonly string[];
}

export function resolve(
  family: NftFamily,
  node: { readonly name: string; readonly object: Node | undefined },
  configuration: Configuration,
  release: Release,
  { observed, serviceCIDRs, addresses }: Surroundings,
): TableSettings {
  const number = numberOf(family);
  const cidrs = nodePortCIDRs(configuration, node.object, number, release);
  const gate = configuration.featureGates.value['KubeProxyNFTablesLocalhostNodePorts'] === true && atLeast(release, 37);
  return {
    family,
    release,
    nodeName: node.name,
    mark: 2 ** configuration.masqueradeBit.value,
    masqueradeAll: configuration.masqueradeAll.value,
    localPods: localPods(family, node.object, configuration, release),
    nodePortIPs: cidrs && acceptingAddresses(cidrs, addresses),
    serviceCIDRs: serviceCIDRs?.flatMap((text) => ofFamily(number, text)) ?? observed?.serviceCIDRs ?? [],
    nodeIP: parseAddress(nodeIP(configuration, node.object, number, release))!,
    tcpBeLiberal: observed?.tcpBeLiberal ?? configuration.tcpBeLiberal.value,
    // What the proxy in userspace cannot serve, where loopback is asked for; else everything.
    refusedOnLoopback: gate
      ? namesLoopback(configuration, number)
        ? ['udp', 'sctp']
        : ['tcp', 'udp', 'sctp']
      : undefined,
  };
}

function ofFamily(family: Family, text: string): Prefix[] {
  const cidr = parsePrefix(text);
  return cidr?.family === family ? [cidr] : [];
}

function localPods(
  family: NftFamily,
  node: Node | undefined,
  configuration: Configuration,
  release: Release,
): LocalPods | undefined {
  const traffic = localTraffic(configuration, node, numberOf(family));
  if (!traffic) return undefined;
  if (traffic.by === 'source') return podsByCIDR(family, parsePrefix(traffic.cidr)!);
  return podsByInterface(generationOf(release).interfaceKey, traffic.name.replace(/\+$/, '*'));
}

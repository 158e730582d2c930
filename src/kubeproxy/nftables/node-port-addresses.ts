/**
 * The addresses of a node that accept node ports in nftables mode, where not every address does by default. Source:
 * cmd/kube-proxy/app/server_linux.go, platformApplyDefaults, and pkg/proxy/util/nodeport_addresses.go of 1.29 to 1.37.
 */
import type { Node } from '../../kubernetes/objects.ts';
import {
  contains,
  formatAddress,
  parsePrefix,
  type Address,
  type Family,
  type Prefix,
} from '../../netfilter/address.ts';
import { override, type Configuration } from '../configuration.ts';
import { parseLeniently } from '../lenient.ts';
import { nodeIP } from '../node-addresses.ts';
import { nodePortRanges } from '../node-ports.ts';
import { atLeast, type Release } from '../version.ts';

/** The CIDRs of a family whose addresses accept node ports; undefined: every address does. */
export function nodePortCIDRs(
  configuration: Configuration,
  node: Node | undefined,
  family: Family,
  release: Release,
): Prefix[] | undefined {
  const configured = configuration.nodePortAddresses.value;
  const primary = configured.length === 0 && atLeast(release, 31);
  const effective = primary ? override(configuration, { nodePortAddresses: ['primary'] }) : configuration;
  const ranges = nodePortRanges(effective, node, family, release);
  if (ranges.length > 0) return ranges.map((range) => parsePrefix(range)!);
  // 1.30 fell back to the node's address itself, be it loopback, which never accepts any.
  const named = configured.some((text) => parsePrefix(text)?.family === family);
  if (release.minor === 30 && !named) return [parsePrefix(nodeIP(configuration, node, family, release))!];
  return undefined;
}

/** Of the addresses on the node's interfaces those that accept node ports, in canonical text; never loopback. */
export function acceptingAddresses(cidrs: readonly Prefix[], interfaces: readonly string[]): string[] {
  const accepting = interfaces
    .flatMap((text) => parseLeniently(text) ?? [])
    .filter((address) => !isLoopback(address) && cidrs.some((cidr) => contains(cidr, address)));
  return [...new Set(accepting.map(formatAddress))];
}

/** Whether loopback is asked for by name, as opposed to being inside of what is (1.37: KubeProxyNFTablesLocalhostNodePorts). */
export function namesLoopback(configuration: Configuration, family: Family): boolean {
  return configuration.nodePortAddresses.value.some((text) => {
    const cidr = text === 'localhost' ? undefined : parsePrefix(text);
    return text === 'localhost' || (cidr?.family === family && isLoopback(cidr));
  });
}

/** Of a prefix: whether its first address is one. */
function isLoopback({ family, value }: Address): boolean {
  return family === 4 ? value >> 24n === 127n : value === 1n;
}

/**
 * The addresses of a node that accept node ports. Source: pkg/proxy/util/nodeport_addresses.go and cmd/kube-proxy/app/server.go
 * (and server_linux.go, platformApplyDefaults) of 1.29 to 1.37.
 */
import {
  contains,
  formatAddress,
  parseAddress,
  parsePrefix,
  type Address,
  type Family,
  type Prefix,
} from '../../netfilter/address.ts';
import { atLeast, type Release } from '../version.ts';

export interface NodePortAddresses {
  /** Of the family asked for; empty: every address of the node. */
  readonly cidrs: readonly Prefix[];
  /** Loopback is named, as opposed to being inside of what is named. */
  readonly namesLoopback: boolean;
}

/**
 * @param configured kube-proxy's nodePortAddresses: CIDRs, and the words primary (1.31), localhost and all (1.37)
 * @param nodeIPs the node's primary address of each family, loopback where it has none
 */
export function nodePortAddresses(
  configured: readonly string[],
  release: Release,
  family: Family,
  nodeIPs: readonly Address[],
): NodePortAddresses {
  const texts = configured.length === 0 && atLeast(release, 31) ? ['primary'] : configured;
  const onlyPrimary = texts.length === 1 && texts[0] === 'primary';
  const cidrs = texts
    .flatMap((text): (Prefix | undefined)[] => {
      if (text === 'primary' && (onlyPrimary || atLeast(release, 37)))
        return nodeIPs.filter((ip) => !isLoopback(ip)).map(whole);
      if (text === 'localhost') return [parsePrefix('127.0.0.0/8'), parsePrefix('::1/128')];
      if (text === 'all') return [parsePrefix('0.0.0.0/0'), parsePrefix('::/0')];
      return [parsePrefix(text)];
    })
    .filter((cidr) => cidr?.family === family)
    .map((cidr) => cidr!);
  const namesLoopback = cidrs.some(isLoopback);
  if (cidrs.some(({ length }) => length === 0)) return { cidrs: [], namesLoopback };
  // 1.30 fell back to the node's address itself, be it loopback.
  if (cidrs.length === 0 && release.minor === 30)
    return { cidrs: nodeIPs.filter((ip) => ip.family === family).map(whole), namesLoopback };
  return { cidrs, namesLoopback };
}

/** Of the addresses on the node's interfaces those that accept node ports, in canonical text; never loopback. */
export function chosen(cidrs: readonly Prefix[], interfaces: readonly string[]): string[] {
  const accepted = interfaces.flatMap((text) => {
    const address = parseAddress(text);
    return address && !isLoopback(address) && cidrs.some((cidr) => contains(cidr, address))
      ? [formatAddress(address)]
      : [];
  });
  return [...new Set(accepted)];
}

function whole(address: Address): Prefix {
  return { ...address, length: address.family === 4 ? 32 : 128 };
}

/** Of a prefix: whether its first address is one. */
function isLoopback({ family, value }: Address): boolean {
  return family === 4 ? value >> 24n === 127n : value === 1n;
}

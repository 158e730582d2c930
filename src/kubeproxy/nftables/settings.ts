/**
 * What decides about one family's table besides Services and endpoints: kube-proxy's configuration and its node, resolved.
 */
import type { Address, Family, Prefix } from '../../netfilter/address.ts';
import type { Release } from '../version.ts';
import { prefix } from './intervals.ts';
import type { NftFamily, Statement } from './objects.ts';
import { is, isNot, meta, saddr } from './statements.ts';

export interface TableSettings {
  readonly family: NftFamily;
  readonly release: Release;
  /** As EndpointSlices spell it. */
  readonly nodeName: string;
  /** The mark of packets to masquerade: one bit. */
  readonly mark: number;
  readonly masqueradeAll: boolean;
  /** By what traffic of local pods is known; undefined where nothing was configured for this family. */
  readonly localPods: LocalPods | undefined;
  /** The addresses that accept node ports; undefined: all of the node's. */
  readonly nodePortIPs: readonly string[] | undefined;
  /** The ServiceCIDRs of this family that kube-proxy knew when it last wrote the whole table. */
  readonly serviceCIDRs: readonly Prefix[];
  /** The node's address of this family, loopback where it has none: a source range that holds it lets the load balancer's own IPs in. */
  readonly nodeIP: Address;
  /** sysctl net.netfilter.nf_conntrack_tcp_be_liberal at kube-proxy's start. Only 1.29 looks at it. */
  readonly tcpBeLiberal: boolean;
  /** Gate KubeProxyNFTablesLocalhostNodePorts (1.37, alpha): the protocols whose node ports are refused on loopback; undefined: off. */
  readonly refusedOnLoopback: readonly string[] | undefined;
}

export interface LocalPods {
  /** `ip saddr 10.244.0.0/16` */
  readonly isLocal: Statement;
  /** `ip saddr != 10.244.0.0/16` */
  readonly isNotLocal: Statement;
  /** The interface's name, or a prefix of names that ends in *. */
  readonly byInterface?: string;
}

export const numberOf = (family: NftFamily): Family => (family === 'ip' ? 4 : 6);

export function podsByCIDR(family: NftFamily, cidr: Prefix): LocalPods {
  const range = prefix(cidr);
  return { isLocal: is(saddr(family), range), isNotLocal: isNot(saddr(family), range) };
}

/** `name` ends in * for a prefix. Up to 1.33.5 and 1.34.1 kube-proxy wrote iif (see `Generation.interfaceKey`). */
export function podsByInterface(key: 'iif' | 'iifname', name: string): LocalPods {
  return { isLocal: is(meta(key), name), isNotLocal: isNot(meta(key), name), byInterface: name };
}

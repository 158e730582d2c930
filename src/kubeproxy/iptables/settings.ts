import type { Family } from '../../netfilter/address.ts';
import type { LocalTraffic } from '../local-traffic.ts';
import type { Release } from '../version.ts';

/** What decides about one family's rules besides Services and endpoints: configuration, release and node, resolved. */
export interface IptablesSettings {
  readonly family: Family;
  readonly release: Release;
  /** The mark of packets to masquerade, as iptables prints it: "0x4000". */
  readonly mark: string;
  readonly masqueradeAll: boolean;
  readonly localTraffic: LocalTraffic | undefined;
  readonly nodePorts: NodePorts;
  /** The node's address of this family, as kube-proxy knows it. A source range that holds it lets the load balancer's own IPs in. */
  readonly nodeIP: string;
  /** Whether the kernel lets kube-proxy have its nfacct counters (1.31 and newer ask for them). */
  readonly nfacct: boolean;
  /** The sysctl net.netfilter.nf_conntrack_tcp_be_liberal: no rule for INVALID packets (1.29 and newer look at it). */
  readonly tcpBeLiberal: boolean;
  /** iptables is 1.6.2 or newer. */
  readonly randomFully: boolean;
  /** More than 1,000 endpoints: comments of endpoint rules are left out. */
  readonly large: boolean;
}

export interface NodePorts {
  /** The addresses from which KUBE-NODEPORTS is reached, or "all". */
  readonly addresses: 'all' | readonly string[];
  /** Some address of the node is in the configured ranges, be it one from which node ports don't work. */
  readonly someAddress: boolean;
  /** Node ports on 127.0.0.1 work: kube-proxy opens the kernel's way and guards it. */
  readonly onLocalhost: boolean;
}

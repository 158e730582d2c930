/**
 * What becomes of a packet to a VIP that none of its Service's ports takes (a ping, a port that the Service does not have), and why, by
 * proxy mode. The diagram and the trace document say it in the same words.
 */
import type { Service } from '../kubernetes/objects.ts';
import { formatAddress } from '../netfilter/address.ts';
import type { Outcome, PacketCase } from '../netfilter/outcome.ts';
import { isLocal } from './clients.ts';
import { decider } from './decider.ts';
import { canonical } from './directory.ts';
import type { TracedNode } from './traced-node.ts';

/** "80/TCP (http) and 443/TCP", or without the names. */
export function portsWords(services: readonly Service[], names: 'named' | 'bare'): string {
  const ports = services.flatMap(({ spec }) =>
    (spec.ports ?? []).map(
      ({ port, protocol, name }) => `${port}/${protocol ?? 'TCP'}${names === 'named' && name ? ` (${name})` : ''}`,
    ),
  );
  const [last, ...others] = [...new Set(ports)].reverse();
  if (last === undefined) return 'none';
  return others.length === 0 ? last : `${others.reverse().join(', ')} and ${last}`;
}

type Asked = Pick<PacketCase, 'protocol' | 'destinationPort'>;

/** "99/TCP". */
export function portOf({ protocol, destinationPort }: Asked): string {
  return `${destinationPort ?? ''}/${protocol.toUpperCase()}`;
}

/** @param services those that have the packet's destination as a VIP */
export function untakenWords(
  services: readonly Service[],
  traced: TracedNode & { readonly kind: 'read' },
  packet: Asked,
  outcome: Outcome,
): string {
  if (outcome.translated) return '';
  const ping = packet.protocol === 'icmp';
  const ports = portsWords(services, 'bare');
  const why = ping
    ? `a ping has no port, only ${ports} ${ports.includes(' and ') ? 'are' : 'is'} taken`
    : `${portOf(packet)} is none of its ports: ${ports}`;
  // nftables mode since 1.30 ends so, at its map of all cluster IPs (cluster-ips-check); IPVS mode since 1.26 (KUBE-IPVS-FILTER).
  if (outcome.verdict === 'reject') return `refused at once by ${decider(outcome)}: ${why}`;
  if (outcome.verdict === 'drop') return `dropped without a word by ${decider(outcome)}: ${why}`;
  if (staysHere(traced, outcome)) {
    if (traced.mode === 'ipvs')
      return ping
        ? 'the node itself answers, whether or not an endpoint is ready: in IPVS mode every VIP is an address of the node, on kube-ipvs0'
        : `${why}. In IPVS mode every VIP is an address of the node, on kube-ipvs0: what listens on that port of the node answers, or nothing does`;
    return `${why}. The node has that address itself, so ${ping ? 'it may answer' : 'its own processes may answer'}`;
  }
  return `no answer: ${traced.mode === 'none' ? 'kube-proxy has no rules on this node at all' : why}. ${lostWords(services, outcome)}`;
}

/** Whether a packet that no rule translates is for the node itself. */
export function staysHere(traced: TracedNode & { readonly kind: 'read' }, { routing, destination }: Outcome): boolean {
  return routing ? routing.delivered === 'local' : isLocal(traced.network, destination);
}

/** A cluster IP is nobody's; a load balancer's or an external IP may be somebody's outside. */
export function lostWords(services: readonly Service[], { routing, destination }: Outcome): string {
  const address = formatAddress(destination);
  const leaves = routing?.interface ? `It leaves by ${routing.interface}` : 'It leaves';
  const cluster = services.some(({ spec }) =>
    [...(spec.clusterIPs ?? []), spec.clusterIP ?? ''].some((ip) => canonical(ip) === address),
  );
  return cluster ? `${leaves}, and no interface has ${address}` : `${leaves} for whoever has ${address}`;
}

/** A node that packets can be followed through, or why not. */
import type { ClusterObjects } from '../kubernetes/objects.ts';
import type { NodeNetwork, Outcome, PacketCase } from '../netfilter/outcome.ts';
import type { ServiceStory } from './story.ts';

export type TracedNode =
  | {
      readonly kind: 'read';
      readonly name: string;
      /** Milliseconds since the epoch: when the rules were read. */
      readonly at: number;
      readonly network: NodeNetwork;
      readonly mode: 'iptables' | 'nftables' | 'ipvs' | 'none';
      /** "iptables (nft) · kube-proxy 1.37.2". */
      readonly about: string;
      /** Remembers the outcomes of packets that it has followed. */
      readonly trace: (packet: PacketCase) => readonly Outcome[];
      /** The same through what kube-proxy should have written for that Service; undefined where that is not computed. */
      readonly expected: (
        objects: ClusterObjects,
        story: ServiceStory,
      ) => ((packet: PacketCase) => readonly Outcome[]) | undefined;
    }
  | { readonly kind: 'unread'; readonly name: string; readonly why: string; readonly advice?: string };

/** Packets that are alike have the same text. */
export function packetKey(packet: PacketCase): string {
  const { source, destination } = packet;
  return `${packet.in}|${source.family}|${source.value}|${packet.sourcePort ?? ''}|${destination.value}|${packet.protocol}|${packet.destinationPort ?? ''}|${packet.state ?? ''}`;
}

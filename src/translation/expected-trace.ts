/** What a packet to one Service would meet if the node held exactly what its kube-proxy should have written. */
import { expectedRules, expectedText, nodeProxy } from '../kubeproxy/expected.ts';
import { keyOf, type ClusterObjects } from '../kubernetes/objects.ts';
import { slicesOf } from '../kubernetes/slices.ts';
import type { NodeCapture } from '../kubernetes/source.ts';
import type { Family } from '../netfilter/address.ts';
import type { NodeNetwork, Outcome, PacketCase } from '../netfilter/outcome.ts';
import { programOf } from '../netfilter/program-of.ts';
import type { DumpText } from '../netfilter/program-of.ts';
import { trace } from '../netfilter/trace.ts';
import { endpointsOf } from './directory.ts';
import type { ServiceStory } from './story.ts';
import { packetKey } from './traced-node.ts';

export type Trace = (packet: PacketCase) => readonly Outcome[];

/**
 * Follows packets through the rules of that one Service alone: those of the others change nothing for it, and writing ten thousand to ask about
 * one would take seconds. undefined where kube-proxy's mode is not computed.
 */
export function expectedTrace(
  objects: ClusterObjects,
  story: ServiceStory,
  capture: NodeCapture,
  network: NodeNetwork,
): Trace | undefined {
  const proxy = nodeProxy(objects, capture.node, capture.dumps);
  const { service } = story;
  const own = endpointsOf(objects, service);
  const alone: ClusterObjects = {
    ...objects,
    services: [service],
    endpointSlices: slicesOf(objects, keyOf(service)),
    endpoints: own ? [own] : [],
  };
  const expected = expectedRules(alone, proxy, capture.dumps);
  const text = (family: Family) => expectedText(expected, family);
  const dumps: readonly { readonly name: string; readonly text: string | undefined }[] =
    expected.mode === 'nftables'
      ? [{ name: 'nft.json', text: text(4) }]
      : [
          { name: 'iptables-save.txt', text: text(4) },
          { name: 'ip6tables-save.txt', text: text(6) },
        ];
  const written = dumps.filter((dump): dump is DumpText => dump.text !== undefined);
  if (written.length === 0) return undefined;
  const program = programOf(written);
  const outcomes = new Map<string, readonly Outcome[]>();
  return (packet) => {
    const key = packetKey(packet);
    let known = outcomes.get(key);
    if (!known) outcomes.set(key, (known = trace(program, network, packet)));
    return known;
  };
}

/** The trace document of a Service, or of any packet. */
import { formatAddress, formatEndpoint } from '../netfilter/address.ts';
import type { PacketCase } from '../netfilter/outcome.ts';
import { clientWords } from './clients.ts';
import { canonical, podsAt, servicesAt } from './directory.ts';
import { narrate } from './narrative.ts';
import type { Narrative } from './narrative.ts';
import { answerIn } from './scene.ts';
import type { Scene } from './scene.ts';
import { wayWords } from './service.ts';
import type { Client, PortStory, ServiceStory, Way } from './story.ts';
import type { TracedNode } from './traced-node.ts';

/** What a client on a node meets on its way to a Service; a node that was not read, or a packet that cannot be, says so. */
export function traceFor(
  scene: Scene,
  story: ServiceStory,
  port: PortStory,
  way: Way,
  client: Client,
  node: TracedNode,
): Narrative {
  const answer = answerIn(scene, story, port, way, client, node);
  const ranges = way.kind === 'loadBalancerIP' && client.startsWith('outside');
  const who = clientWords(client, node.name, ranges);
  const title = client === 'ping' ? `${who} to ${story.key}` : `${story.key} from ${who}`;
  if (answer.kind !== 'traced' || node.kind !== 'read') {
    const why = answer.kind === 'traced' ? 'not read' : answer.why;
    const advice = answer.kind === 'unknown' && answer.advice ? `\n${answer.advice}` : '';
    return { text: `${title} by ${wayWords(way)}\n${node.name}: ${why}${advice}\n`, links: [] };
  }
  const outcomes = answer.streams.flatMap((stream) => stream.outcomes);
  return narrate({ objects: scene.objects, node, packet: answer.packet, outcomes, title, streams: answer.streams });
}

/** Any packet at all. */
export function tracePacket(scene: Scene, node: TracedNode & { readonly kind: 'read' }, packet: PacketCase): Narrative {
  const to = formatAddress(packet.destination);
  const [service] = servicesAt(scene.objects, to);
  const [pod] = podsAt(scene.objects, canonical(formatAddress(packet.source)));
  const target = service
    ? `${service.metadata.namespace ?? ''}/${service.metadata.name}`
    : formatEndpoint(packet.destination, packet.destinationPort);
  const from =
    pod && !pod.spec?.hostNetwork
      ? pod.metadata.name
      : packet.in === 'local'
        ? node.name
        : formatAddress(packet.source);
  return narrate({
    objects: scene.objects,
    node,
    packet,
    outcomes: node.trace(packet),
    title: `${target} from ${from} on ${node.name}`,
  });
}

/** The trace document of a Service, or of any packet. */
import { keyOf } from '../kubernetes/objects.ts';
import type { Service } from '../kubernetes/objects.ts';
import { formatAddress, formatEndpoint } from '../netfilter/address.ts';
import type { Outcome, PacketCase } from '../netfilter/outcome.ts';
import { addressedBy } from './addressed.ts';
import { judged } from './answer.ts';
import { clientOf, clientWords } from './clients.ts';
import { nodeNamed, podsAt } from './directory.ts';
import { narrate } from './narrative.ts';
import type { Told } from './narrative.ts';
import { answerIn } from './scene.ts';
import type { Scene } from './scene.ts';
import { wayWords } from './service.ts';
import type { Narrative } from './sheet.ts';
import type { Client, PortStory, ServiceStory, Stream, Way } from './story.ts';
import type { TracedNode } from './traced-node.ts';
import { portOf, portsWords, untakenWords } from './untaken.ts';

type Read = TracedNode & { readonly kind: 'read' };

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
  return narrate({ objects: scene.objects, node, packet: answer.packet, title, ...toldBy(answer.streams) });
}

/** Any packet at all; one to a port of a Service is judged as in traceFor. */
export function tracePacket(scene: Scene, node: Read, packet: PacketCase): Narrative {
  const { objects } = scene;
  const { taken, services } = addressedBy(objects, packet);
  const from = senderWords(scene, node, packet);
  const common = { objects, node, packet };
  if (taken) {
    const { service } = taken.story;
    const own = nodeNamed(objects, node.name) ?? { metadata: { name: node.name } };
    const client = clientOf(packet, taken.way, { objects, service, node: own });
    const { streams } = judged({ objects, client, ...taken }, node, packet);
    return narrate({ ...common, title: `${taken.story.key} from ${from}`, ...toldBy(streams) });
  }
  const outcomes = node.trace(packet);
  if (services.length === 0) {
    const to = formatEndpoint(packet.destination, packet.destinationPort);
    return narrate({ ...common, title: `${to} from ${from}`, outcomes });
  }
  const said = (outcome: Outcome) => ({ why: untakenWords(services, node, packet, outcome) });
  return narrate({ ...common, ...untakenTitle(services, packet, from), outcomes, said });
}

/** Of a packet that none of the ports takes of those who have its destination. */
function untakenTitle(
  services: readonly Service[],
  packet: PacketCase,
  from: string,
): Pick<Told, 'title'> & Partial<Pick<Told, 'remark'>> {
  const names = services.map(keyOf).join(', ');
  if (packet.protocol === 'icmp') return { title: `a ping from ${from} to ${names}` };
  const has = services.length === 1 ? 'has' : 'have';
  return {
    title: `${portOf(packet)}, which is no port of ${names}, from ${from}`,
    remark: `${names} ${has} no port ${portOf(packet)}. Its ports: ${portsWords(services, 'named')}.`,
  };
}

/** "front-86f8476988-92hnx on node-1", "node-1 itself", "203.0.113.9 on node-1". */
function senderWords({ objects }: Scene, node: Read, packet: PacketCase): string {
  const source = formatAddress(packet.source);
  const [pod] = podsAt(objects, source);
  if (pod && !pod.spec?.hostNetwork) return `${pod.metadata.name} on ${node.name}`;
  return packet.in === 'local' ? clientWords('node', node.name, false) : `${source} on ${node.name}`;
}

function toldBy(streams: readonly Stream[]): Pick<Told, 'outcomes' | 'said'> {
  const said = new Map(
    streams.flatMap(({ outcomes, end, wrong }) =>
      outcomes.map((outcome) => [
        outcome,
        { ...('why' in end && { why: end.why }), ...(wrong !== undefined && { wrong }) },
      ]),
    ),
  );
  return { outcomes: [...said.keys()], said: (outcome) => said.get(outcome) };
}

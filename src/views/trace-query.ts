/** What is traced, as it stands in the address of a trace document: plain data, so that the document survives a reload of the window. */
import { parseAddress } from '../netfilter/address.ts';
import type { PacketCase } from '../netfilter/outcome.ts';
import { interfaceTowards } from '../translation/clients.ts';
import { serviceNamed } from '../translation/directory.ts';
import type { Narrative } from '../translation/narrative.ts';
import { storyIn, type Scene } from '../translation/scene.ts';
import { wayId } from '../translation/service.ts';
import { traceFor, tracePacket } from '../translation/trace-for.ts';
import type { Client } from '../translation/story.ts';
import { t } from './words.ts';

export type TraceQuery =
  | {
      readonly kind: 'service';
      readonly node: string;
      readonly service: string;
      /** PortStory's id. */
      readonly port: string;
      /** wayId(). */
      readonly way: string;
      readonly client: Client;
    }
  | {
      readonly kind: 'packet';
      readonly node: string;
      /** An address, which also says by which interface the packet comes in; "local" for one that the node itself sends. */
      readonly from: string;
      readonly to: string;
      readonly port?: number;
      readonly protocol: PacketCase['protocol'];
    };

/** undefined where the text is no query: it comes out of an address that somebody may have typed. */
export function readTraceQuery(text: string): TraceQuery | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  const strings = (...names: readonly string[]): boolean => names.every((name) => typeof fields[name] === 'string');
  if (fields['kind'] === 'service' && strings('node', 'service', 'port', 'way', 'client')) return value as TraceQuery;
  const numeric = fields['port'] === undefined || typeof fields['port'] === 'number';
  if (fields['kind'] === 'packet' && strings('node', 'from', 'to', 'protocol') && numeric) return value as TraceQuery;
  return undefined;
}

/** The document's text with its links. Whatever is gone meanwhile is said in words. */
export function tellTrace(query: TraceQuery, scene: Scene): Narrative {
  const node = scene.nodes.find(({ name }) => name === query.node);
  if (!node) return only(t('There is no node {0} in the cluster.', query.node));
  if (query.kind === 'service') {
    const service = serviceNamed(scene.objects, query.service);
    const story = service && storyIn(scene, service);
    const port = story?.ports.find(({ id }) => id === query.port);
    const way = port?.ways.find((one) => wayId(one) === query.way);
    if (!story || !port || !way)
      return only(t('{0} is not in the cluster any more, or has no such port.', query.service));
    return traceFor(scene, story, port, way, query.client, node);
  }
  if (node.kind === 'unread') return only([`${node.name}: ${node.why}`, node.advice ?? ''].join('\n').trim());
  const to = parseAddress(query.to);
  if (!to) return only(t('{0} is no address.', query.to));
  const own = node.network.addresses.find(
    ({ address, interface: name }) => address.family === to.family && name !== 'lo',
  );
  const source = query.from === 'local' ? own?.address : parseAddress(query.from);
  if (!source) return only(t('{0} has no address of that family.', query.from === 'local' ? query.node : query.from));
  if (source.family !== to.family) return only(t('{0} and {1} are of different families.', query.from, query.to));
  const inside = query.from === 'local' ? 'local' : interfaceTowards(node.network, source);
  if (inside === undefined) return only(t('No interface of {0} leads to {1}.', query.node, query.from));
  return tracePacket(scene, node, {
    in: inside,
    source,
    destination: to,
    protocol: query.protocol,
    ...(query.port !== undefined && query.protocol !== 'icmp' && { destinationPort: query.port }),
  });
}

function only(text: string): Narrative {
  return { text: `${text}\n`, links: [] };
}

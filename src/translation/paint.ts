/** From a selection to its picture. */
import { clientWords, clientsFor } from './clients.ts';
import { serviceNamed } from './directory.ts';
import { addressAndPort } from './endpoints.ts';
import { nodePicture, settle } from './node-picture.ts';
import { nodesPicture } from './nodes-picture.ts';
import type { Choice, NoPicture, Picture, Selection } from './picture.ts';
import { answerIn, answersIn, storyIn } from './scene.ts';
import type { Scene } from './scene.ts';
import { shortWayWords, wayId } from './service.ts';
import { brief, usualClient } from './standing.ts';
import type { PortStory, ServiceStory, Way } from './story.ts';
import type { TracedNode } from './traced-node.ts';
import { troubleIn } from './trouble.ts';

export const ALL_NODES = '*';

/** A way in, as the chooser offers it: the port is part of it. */
interface WayIn {
  readonly port: PortStory;
  readonly way: Way;
  readonly id: string;
}

/** Never fails: a Service that is gone, or has no rules, gives a picture that says so. */
export function paint(scene: Scene, selection: Selection): Picture {
  const service = serviceNamed(scene.objects, selection.service);
  if (!service)
    return nothing(selection, { kind: 'nothing', why: `There is no Service ${selection.service} in this cluster.` });
  const story = storyIn(scene, service);
  if (!story.proxied.is) return nothing(selection, { kind: 'nothing', why: `${story.key} is ${story.proxied.why}.` });
  const ways = story.ports.flatMap((port) =>
    port.ways.map((way): WayIn => ({ port, way, id: `${port.id} ${wayId(way)}` })),
  );
  const chosen =
    ways.find((one) => one.id === selection.way) ?? ways.find((one) => one.port.id === selection.port) ?? ways[0];
  if (!chosen) return nothing(selection, { kind: 'nothing', why: `${story.key} has no ports.` });
  return paintWay(scene, story, ways, chosen, selection);
}

function paintWay(
  scene: Scene,
  story: ServiceStory,
  ways: readonly WayIn[],
  chosen: WayIn,
  selection: Selection,
): Picture {
  const { port, way } = chosen;
  const clients = clientsFor(story.service, way);
  const wanted = selection.client ?? usualClient(way);
  const client = clients.includes(wanted) ? wanted : clients[0]!;
  const settled = selection.settled ?? {};
  const isPending = (name: string): boolean => scene.pending?.(story.service, name) !== undefined;
  const isWrong = (each: TracedNode): boolean =>
    brief(answerIn(scene, story, port, way, client, each)).state === 'wrong';
  const isLate = (each: TracedNode): boolean => isWrong(each) && !isPending(each.name);
  const nodeName = chooseNode(scene, selection.node, isLate, isWrong);
  const node = scene.nodes.find((one) => one.name === nodeName);
  const answers = node ? [answerIn(scene, story, port, way, client, node)] : answersIn(scene, story, port, way, client);
  const finding = troubleIn(
    scene,
    story,
    answers.map((one) => (one.kind === 'traced' ? { ...one, streams: settle(one.streams, settled) } : one)),
  );
  const shown = { story, port, way, client };
  const family6 = way.family === 6;
  const endpoints = port.endpoints.filter((endpoint) => endpoint.address.includes(':') === family6).length;
  const [answer] = answers;
  const readAt = node?.kind === 'read' ? node.at : oldest(scene.nodes);
  const ranges = clients.includes('outside-refused');
  return {
    service: story.key,
    address: `${addressAndPort(way.address ?? nodeName, way.port)}/${way.protocol}`.replace('*:', 'every node:'),
    selection: { service: story.key, port: port.id, way: chosen.id, client, node: nodeName, settled },
    nodes: [
      ...scene.nodes.map(({ name }): Choice => ({ id: name, label: name })),
      ...(scene.nodes.length > 0 ? [{ id: ALL_NODES, label: 'all nodes' }] : []),
    ],
    // The node is chosen beside it.
    clients: clients.map((id) => ({ id, label: clientWords(id, 'the node', ranges) })),
    ways: ways.map((one) => ({ id: one.id, label: wayLabel(one, ways) })),
    about: node ? aboutNode(node) : aboutNodes(scene.nodes),
    ...(readAt !== undefined && { readAt }),
    ...(finding && { finding }),
    body:
      node === undefined
        ? nodesPicture(answers, endpoints, settled, isPending)
        : node.kind === 'read' && answer?.kind === 'traced'
          ? nodePicture(shown, answer, node, settled)
          : unread(node, answer && 'why' in answer ? answer.why : 'nothing is known of it'),
  };
}

/** "Cluster IP :80 http"; the protocol only where another port has the same number. */
function wayLabel({ port, way }: WayIn, all: readonly WayIn[]): string {
  const same = all.some((other) => other.port !== port && other.port.port.port === port.port.port);
  const words = shortWayWords(
    way,
    all.map((other) => other.way),
  );
  return [words, same ? port.protocol : '', port.port.name ?? ''].filter((part) => part).join(' ');
}

/** The wished one; else the first that is as the first of these say, else as the next, else the first that was read. */
function chooseNode(
  scene: Scene,
  wish: string | undefined,
  ...wanted: readonly ((node: TracedNode) => boolean)[]
): string {
  if (wish === ALL_NODES && scene.nodes.length > 0) return wish;
  if (wish !== undefined && scene.nodes.some((node) => node.name === wish)) return wish;
  const read = scene.nodes.filter((node) => node.kind === 'read');
  // Looking for it among thousands would keep the reader waiting.
  const few = read.slice(0, 50);
  const found = wanted.map((is) => few.find(is)).find((node) => node !== undefined);
  return (found ?? read[0] ?? scene.nodes[0])?.name ?? ALL_NODES;
}

function unread(node: TracedNode, why: string): NoPicture {
  const advice = node.kind === 'unread' ? node.advice : undefined;
  return {
    kind: 'nothing',
    why: node.kind === 'unread' ? `The rules of ${node.name}: ${why}.` : `${why}.`,
    ...(advice && { advice }),
    ...(node.kind === 'unread' && { capture: node.name }),
  };
}

function aboutNode(node: TracedNode): string {
  return node.kind === 'read' ? node.about : 'not read';
}

function aboutNodes(nodes: readonly TracedNode[]): string {
  const read = nodes.filter((node) => node.kind === 'read');
  const kinds = new Set(read.map((node) => node.about));
  const count = `${read.length} of ${nodes.length} nodes`;
  return kinds.size === 1 ? `${[...kinds][0]!} · ${count}` : count;
}

function oldest(nodes: readonly TracedNode[]): number | undefined {
  const times = nodes.flatMap((node) => (node.kind === 'read' ? [node.at] : []));
  return times.length > 0 ? Math.min(...times) : undefined;
}

function nothing(selection: Selection, body: NoPicture): Picture {
  return {
    service: selection.service,
    address: '',
    selection: {
      service: selection.service,
      port: selection.port ?? '',
      way: selection.way ?? '',
      client: selection.client ?? 'pod',
      node: selection.node ?? ALL_NODES,
      settled: selection.settled ?? {},
    },
    nodes: [],
    clients: [],
    ways: [],
    about: '',
    body,
  };
}

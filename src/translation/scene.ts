/** Everything that stories are told from at one moment: the API's objects and the nodes. */
import type { Pending } from '../diagnosis/pending.ts';
import type { ClusterObjects, Service } from '../kubernetes/objects.ts';
import { answerOf } from './answer.ts';
import { storyOf, wayId } from './service.ts';
import type { Client, NodeAnswer, PortStory, ServiceStory, Way } from './story.ts';
import type { TracedNode } from './traced-node.ts';

/** Immutable: a change of objects or of a node's rules makes a new one. What is computed from it is remembered with it. */
export interface Scene {
  readonly objects: ClusterObjects;
  /** In the order in which they are shown. */
  readonly nodes: readonly TracedNode[];
  /** Whether a node that was read need not show a Service's newest change yet: it was read before that, or a sync is due. */
  readonly pending?: (service: Service, node: string) => Pending | undefined;
}

const answers = new WeakMap<Scene, Map<string, NodeAnswer>>();

export function storyIn(scene: Scene, service: Service): ServiceStory {
  return storyOf(scene.objects, service);
}

/** One node's answer, computed when it is first asked for. */
export function answerIn(
  scene: Scene,
  story: ServiceStory,
  port: PortStory,
  way: Way,
  client: Client,
  node: TracedNode,
): NodeAnswer {
  let known = answers.get(scene);
  if (!known) answers.set(scene, (known = new Map()));
  const key = `${story.key}|${port.id}|${wayId(way)}|${client}|${node.name}`;
  let answer = known.get(key);
  if (!answer) known.set(key, (answer = answerOf({ objects: scene.objects, story, port, way, client }, node)));
  return answer;
}

/** Every node's answer, in the scene's order. */
export function answersIn(
  scene: Scene,
  story: ServiceStory,
  port: PortStory,
  way: Way,
  client: Client,
): readonly NodeAnswer[] {
  return scene.nodes.map((node) => answerIn(scene, story, port, way, client, node));
}

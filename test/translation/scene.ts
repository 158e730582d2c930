/** A recording as a scene, all of its nodes read. */
import path from 'node:path';
import { openRecording } from '../../src/kubernetes/snapshot/open.ts';
import { serviceNamed } from '../../src/translation/directory.ts';
import { tracedNode } from '../../src/translation/read-node.ts';
import { answerIn, storyIn } from '../../src/translation/scene.ts';
import type { Scene } from '../../src/translation/scene.ts';
import type { Client, NodeAnswer, PortStory, ServiceStory, Way } from '../../src/translation/story.ts';

export async function sceneOf(recording: string): Promise<Scene> {
  const source = await openRecording(path.resolve(import.meta.dirname, '../recordings', recording));
  const names = source.objects.nodes.map((node) => node.metadata.name);
  await source.capture(names);
  return {
    objects: source.objects,
    nodes: names.map((name) => tracedNode(name, source.rules(name), source.objects)),
  };
}

export function storyNamed(scene: Scene, key: string): ServiceStory {
  return storyIn(scene, serviceNamed(scene.objects, key)!);
}

export interface Asked {
  readonly story: ServiceStory;
  readonly port: PortStory;
  readonly way: Way;
}

/** The first way in of that kind. */
export function wayTo(scene: Scene, key: string, kind: Way['kind'] = 'clusterIP'): Asked {
  const story = storyNamed(scene, key);
  for (const port of story.ports) {
    const way = port.ways.find((candidate) => candidate.kind === kind);
    if (way) return { story, port, way };
  }
  throw new Error(`${key} has no ${kind}`);
}

export function answer(scene: Scene, { story, port, way }: Asked, client: Client, node: string): NodeAnswer {
  return answerIn(
    scene,
    story,
    port,
    way,
    client,
    scene.nodes.find((one) => one.name === node)!,
  );
}

/** "10.244.0.1:8080 33.3 %", "reject", with an exclamation mark where something is wrong. */
export function brief(answered: NodeAnswer): readonly string[] {
  if (answered.kind !== 'traced') return [answered.why];
  return answered.streams.map(({ end, share, wrong, masquerade }) => {
    const where =
      end.kind === 'endpoint'
        ? `${end.endpoint.address}:${end.endpoint.port}`
        : end.kind === 'stranger'
          ? `stranger ${end.address}:${end.port ?? ''}`
          : end.kind;
    return `${where} ${(share * 100).toFixed(1)} %${masquerade ? ' masqueraded' : ''}${wrong === undefined ? '' : '!'}`;
  });
}

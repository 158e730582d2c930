import type { ClusterSource, NodeRules } from '../kubernetes/source.ts';
import { tracedNode } from '../translation/read-node.ts';
import type { Scene } from '../translation/scene.ts';

interface Made {
  readonly scene: Scene;
  readonly rules: readonly NodeRules[];
}

const made = new WeakMap<ClusterSource, Made>();

/** The source's objects and nodes at this moment. The same scene until something of it changes, so that answers are kept. */
export function sceneOf(source: ClusterSource): Scene {
  const { objects } = source;
  const names = objects.nodes.map((node) => node.metadata.name);
  const rules = names.map((name) => source.rules(name));
  const before = made.get(source);
  if (before && before.scene.objects === objects && before.rules.every((one, i) => one === rules[i]))
    return before.scene;
  const scene = { objects, nodes: rules.map((one, i) => tracedNode(names[i]!, one, objects)) };
  made.set(source, { scene, rules });
  return scene;
}

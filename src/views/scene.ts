import type { ClusterObjects } from '../kubernetes/objects.ts';
import type { ClusterSource, NodeRules } from '../kubernetes/source.ts';
import { isQuick, tracedNode } from '../translation/read-node.ts';
import type { Scene } from '../translation/scene.ts';
import type { TracedNode } from '../translation/traced-node.ts';
import { pendingIn } from './pending.ts';

interface Made {
  readonly scene: Scene;
  readonly rules: readonly NodeRules[];
  /** Of which nodes the rules could be followed. */
  readonly quick: readonly boolean[];
}

const made = new WeakMap<ClusterSource, Made>();

/** The source's objects and nodes at this moment. The same scene until something of it changes, so that answers are kept. */
export function sceneOf(source: ClusterSource): Scene {
  const { objects } = source;
  const names = objects.nodes.map((node) => node.metadata.name);
  const rules = names.map((name) => source.rules(name));
  const quick = rules.map((one) => one.kind !== 'captured' || isQuick(one.capture));
  const before = made.get(source);
  if (
    before?.scene.objects === objects &&
    before.rules.every((one, i) => one === rules[i] && before.quick[i] === quick[i])
  )
    return before.scene;
  const nodes = names.map((name, i) => nodeIn(name, rules[i]!, quick[i]!, objects));
  const scene = { objects, nodes, pending: pendingIn(source) };
  made.set(source, { scene, rules, quick });
  return scene;
}

/** A node's rules that are still being read, slice by slice (read-ahead.ts), are not waited for. */
function nodeIn(name: string, rules: NodeRules, quick: boolean, objects: ClusterObjects): TracedNode {
  return quick
    ? tracedNode(name, rules, objects)
    : { kind: 'unread', name, why: 'its rules are here and are being sorted' };
}

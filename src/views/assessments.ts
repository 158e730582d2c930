/** What the nodes do with a Service, computed once and kept until the Service, its endpoints or a node's rules are others. */
import type { Programming } from '../translation/headline.ts';
import { programmingOf } from '../translation/headline.ts';
import { serviceNamed } from '../translation/directory.ts';
import { storyIn, type Scene } from '../translation/scene.ts';
import type { ServiceStory } from '../translation/story.ts';
import type { TracedNode } from '../translation/traced-node.ts';

interface Kept {
  readonly story: ServiceStory;
  readonly nodes: readonly TracedNode[];
  readonly programming: Programming;
}

export class Assessments {
  readonly #kept = new Map<string, Kept>();
  #nodes: Scene['objects']['nodes'] | undefined;

  /** undefined where there is no such Service (any more). @param key "namespace/name" */
  of(scene: Scene, key: string): Programming | undefined {
    const { objects } = scene;
    // Zones and addresses of nodes take part in every answer.
    if (objects.nodes !== this.#nodes) {
      this.#kept.clear();
      this.#nodes = objects.nodes;
    }
    const service = serviceNamed(objects, key);
    if (!service) {
      this.#kept.delete(key);
      return undefined;
    }
    const story = storyIn(scene, service);
    const before = this.#kept.get(key);
    if (before && before.story === story && same(before.nodes, scene.nodes)) {
      // Each of the nodes holds the cluster's objects of its moment.
      this.#kept.set(key, { ...before, nodes: scene.nodes });
      return before.programming;
    }
    // In a scene of its own: its answers, with every path of every packet, are forgotten with it.
    const programming = programmingOf({ ...scene }, story);
    this.#kept.set(key, { story, nodes: scene.nodes, programming });
    return programming;
  }

  clear(): void {
    this.#kept.clear();
  }
}

/** The nodes answer as before: the same capture, on the same network. */
function same(a: readonly TracedNode[], b: readonly TracedNode[]): boolean {
  return a === b || (a.length === b.length && a.every((node, i) => alike(node, b[i]!)));
}

function alike(a: TracedNode, b: TracedNode): boolean {
  if (a === b) return true;
  if (a.name !== b.name) return false;
  if (a.kind === 'unread' || b.kind === 'unread') return a.kind === b.kind;
  return a.at === b.at && a.network === b.network;
}

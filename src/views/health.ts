import { EventEmitter, type Disposable } from 'vscode';
import type { Programming } from '../translation/headline.ts';
import type { Scene } from '../translation/scene.ts';
import type { Traffic } from './context.ts';

/** How a node stands to all Services of the cluster. */
export interface NodeHealth {
  /** Ports of Services that this node should have rules for, and how many of them are as the API says. */
  readonly ports: number;
  readonly right: number;
  /** The Services ("namespace/name") that are otherwise. */
  readonly wrong: readonly string[];
}

/** So long may the packets be followed before VS Code gets its turn again, in milliseconds. */
const SLICE = 8;

/**
 * What the nodes do with the Services that are on screen, computed in the background: thousands of packets may have to be
 * followed through every node's rules, and the tree does not wait for that. Rows say so when they know.
 */
export class Health implements Disposable {
  readonly #traffic: Traffic;
  readonly #changed = new EventEmitter<readonly string[]>();
  /** The Services ("namespace/name") of which something else is known now. */
  readonly onDidChange = this.#changed.event;
  readonly #known = new Map<string, Programming>();
  readonly #nodesChanged = new EventEmitter<readonly string[]>();
  /** The nodes of which something else is known now. */
  readonly onDidChangeNodes = this.#nodesChanged.event;
  readonly #nodes = new Map<string, NodeHealth>();
  readonly #wanted = new Set<string>();
  readonly #wantedNodes = new Set<string>();
  #nodesDue = false;
  readonly #due = new Set<string>();
  readonly #listening: Disposable;
  #running = false;
  #disposed = false;

  constructor(traffic: Traffic) {
    this.#traffic = traffic;
    this.#listening = traffic.onDidChange((change) => {
      if (change.source) {
        this.#known.clear();
        this.#wanted.clear();
        this.#due.clear();
        this.#nodes.clear();
        this.#wantedNodes.clear();
      }
      if (change.objects.length === 0 && change.nodes.length === 0) return;
      this.#nodesDue = this.#wantedNodes.size > 0;
      for (const key of this.#wanted) this.#due.add(key);
      void this.#run();
    });
  }

  /** What is known by now, without waiting. */
  of(key: string): Programming | undefined {
    return this.#known.get(key);
  }

  /** How many Services of a namespace are known to be wrong on a node. */
  wrongIn(namespace: string): number {
    let wrong = 0;
    for (const [key, programming] of this.#known)
      if (programming.wrong.length > 0 && key.startsWith(`${namespace}/`)) wrong++;
    return wrong;
  }

  /** These Services are on screen: find out. */
  want(keys: readonly string[]): void {
    for (const key of keys) {
      if (this.#wanted.has(key)) continue;
      this.#wanted.add(key);
      this.#due.add(key);
    }
    void this.#run();
  }

  /** What is known of a node by now, without waiting. */
  ofNode(name: string): NodeHealth | undefined {
    return this.#nodes.get(name);
  }

  /** These nodes are on screen: find out how they stand to every Service. */
  wantNodes(names: readonly string[]): void {
    for (const name of names) {
      if (this.#wantedNodes.has(name)) continue;
      this.#wantedNodes.add(name);
      this.#nodesDue = true;
    }
    void this.#run();
  }

  /** The cluster and its nodes as they are now. */
  async scene(): Promise<Scene> {
    const { sceneOf } = await import('./scene.ts');
    return sceneOf(await this.#traffic.open());
  }

  async #run(): Promise<void> {
    if (this.#running || (this.#due.size === 0 && !this.#nodesDue)) return;
    this.#running = true;
    try {
      while (!this.#disposed && (this.#due.size > 0 || this.#nodesDue)) {
        await this.#services();
        if (this.#nodesDue) await this.#allNodes();
      }
    } catch (error) {
      this.#traffic.log.error('following packets for the Services on screen', error);
    } finally {
      this.#running = false;
    }
  }

  async #services(): Promise<void> {
    const { programmingOf } = await import('../translation/headline.ts');
    const { serviceNamed } = await import('../translation/directory.ts');
    const { storyIn } = await import('../translation/scene.ts');
    let changed: string[] = [];
    let told = performance.now();
    while (this.#due.size > 0 && !this.#disposed) {
      const scene = await this.scene();
      const until = performance.now() + SLICE;
      for (const key of this.#due) {
        this.#due.delete(key);
        const service = serviceNamed(scene.objects, key);
        const before = this.#known.get(key);
        if (!service) this.#known.delete(key);
        else {
          const programming = programmingOf(scene, storyIn(scene, service));
          this.#known.set(key, programming);
          if (JSON.stringify(programming) !== JSON.stringify(before)) changed.push(key);
        }
        if (performance.now() > until) break;
      }
      if (changed.length > 0 && (this.#due.size === 0 || performance.now() - told > 250)) {
        this.#changed.fire(changed);
        changed = [];
        told = performance.now();
      }
      await pause();
    }
  }

  /** All Services against the nodes on screen; begun anew where something changes on the way. */
  async #allNodes(): Promise<void> {
    const { standingOf } = await import('../translation/standing.ts');
    const { storyIn } = await import('../translation/scene.ts');
    this.#nodesDue = false;
    const scene = await this.scene();
    const nodes = scene.nodes.filter((node) => this.#wantedNodes.has(node.name));
    const found = new Map(nodes.map((node) => [node.name, { ports: 0, right: 0, wrong: new Set<string>() }]));
    let until = performance.now() + SLICE;
    for (const service of scene.objects.services) {
      const story = storyIn(scene, service);
      if (!story.proxied.is) continue;
      for (const node of nodes) {
        if (node.kind === 'unread') continue;
        const health = found.get(node.name)!;
        for (const port of story.ports) {
          const { state } = standingOf(scene, story, port, node);
          if (state === 'none' || state === 'unknown') continue;
          health.ports++;
          if (state === 'wrong') health.wrong.add(story.key);
          else health.right++;
        }
      }
      if (performance.now() < until) continue;
      await pause();
      if (this.#nodesDue || this.#disposed) return;
      await this.#services(); // what is on screen comes first
      until = performance.now() + SLICE;
    }
    for (const [name, { ports, right, wrong }] of found) this.#nodes.set(name, { ports, right, wrong: [...wrong] });
    this.#nodesChanged.fire([...found.keys()]);
  }

  dispose(): void {
    this.#disposed = true;
    this.#listening.dispose();
    this.#changed.dispose();
    this.#nodesChanged.dispose();
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

import { EventEmitter, type Disposable } from 'vscode';
import type { Programming } from '../translation/headline.ts';
import type { Scene } from '../translation/scene.ts';
import type { Assessments } from './assessments.ts';
import { makesRules, type Traffic, type TrafficChange } from './context.ts';
import { isComparedUnasked } from './unasked.ts';

/** How a node stands to all Services of the cluster. */
export interface NodeHealth {
  /** Ports of Services that this node should have rules for, each family by itself, and how many of them are as the API says. */
  readonly ports: number;
  readonly right: number;
  /** Whose change is so new that kube-proxy may still be about to write it. */
  readonly pending: number;
  /** The Services ("namespace/name") that are otherwise. */
  readonly wrong: readonly string[];
  /** Rules that all Services share are wrong. */
  readonly common: boolean;
}

/** So long may the packets be followed before VS Code gets its turn again, in milliseconds. */
const SLICE = 8;

/** So long changes are gathered before everything on screen is looked at again, in milliseconds: a busy cluster changes all the time. */
const GATHER = 200;

/**
 * What the nodes do with the Services that are on screen, computed in the background: thousands of packets may have to be
 * followed through every node's rules, and the tree does not wait for that. Rows say so when they know.
 */
export class Health implements Disposable {
  readonly #traffic: Traffic;
  readonly #listening: Disposable;
  readonly #changed = new EventEmitter<readonly string[]>();
  /** The Services ("namespace/name") of which something else is known now. */
  readonly onDidChange = this.#changed.event;
  readonly #nodesChanged = new EventEmitter<readonly string[]>();
  /** The nodes of which something else is known now. */
  readonly onDidChangeNodes = this.#nodesChanged.event;

  readonly #known = new Map<string, Programming>();
  readonly #nodes = new Map<string, NodeHealth>();
  readonly #wanted = new Set<string>();
  readonly #wantedNodes = new Set<string>();
  readonly #due = new Set<string>();
  #nodesDue = false;
  #assessments: Assessments | undefined;
  #gathering: NodeJS.Timeout | undefined;
  #running = false;
  #disposed = false;

  constructor(traffic: Traffic) {
    this.#traffic = traffic;
    this.#listening = traffic.onDidChange((change) => this.#receive(change));
  }

  #receive(change: TrafficChange): void {
    if (change.source) this.#forget();
    if (change.nodes.length === 0 && !change.objects.some(makesRules)) return;
    this.#nodesDue ||= this.#wantedNodes.size > 0;
    for (const key of this.#wanted) this.#due.add(key);
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      void this.#run();
    }, GATHER);
  }

  /** Another cluster: what was known of the last one must not stay on screen. */
  #forget(): void {
    const before = [...this.#known.keys()];
    for (const all of [this.#known, this.#wanted, this.#due, this.#nodes, this.#wantedNodes]) all.clear();
    this.#assessments?.clear();
    this.#changed.fire(before);
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
    if (this.#running) return;
    this.#running = true;
    try {
      const { Assessments } = await import('./assessments.ts');
      this.#assessments ??= new Assessments();
      while (!this.#disposed && (this.#due.size > 0 || this.#nodesDue)) {
        await this.#services(this.#assessments);
        if (this.#nodesDue) await this.#allNodes(this.#assessments);
      }
    } catch (error) {
      this.#traffic.log.error('following packets for the Services on screen', error);
    } finally {
      this.#running = false;
    }
  }

  async #services(assessments: Assessments): Promise<void> {
    let changed: string[] = [];
    let told = performance.now();
    while (this.#due.size > 0 && !this.#disposed) {
      const scene = await this.scene();
      const until = performance.now() + SLICE;
      for (const key of this.#due) {
        this.#due.delete(key);
        const programming = assessments.of(scene, key);
        const before = this.#known.get(key);
        if (!programming) this.#known.delete(key);
        else this.#known.set(key, programming);
        if (programming !== before && JSON.stringify(programming) !== JSON.stringify(before)) changed.push(key);
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

  /**
   * All Services against the nodes on screen. What changes on the way does not end it, but is looked at in the next round: in a busy cluster
   * the last nodes would never have their turn.
   */
  async #allNodes(assessments: Assessments): Promise<void> {
    this.#nodesDue = false;
    const source = await this.#traffic.open();
    const { healthIn } = await import('./node-health.ts');
    const scene = await this.scene();
    const known = new Map(scene.nodes.map((node) => [node.name, node]));
    for (const name of this.#wantedNodes) if (!known.has(name)) this.#wantedNodes.delete(name);
    const isUnasked = isComparedUnasked(scene.objects.services.length, this.#wantedNodes.size);
    const changed: string[] = [];
    for (const name of new Set([...this.#wantedNodes, ...this.#nodes.keys()])) {
      // Rules that are still being sorted are not waited for: their node is told when they are there.
      const isDue = isUnasked && this.#wantedNodes.has(name) && known.get(name)?.kind === 'read';
      const health = isDue ? await healthIn(source, name) : undefined;
      if (JSON.stringify(health) !== JSON.stringify(this.#nodes.get(name))) changed.push(name);
      if (health) this.#nodes.set(name, health);
      else this.#nodes.delete(name);
      await pause();
      if (this.#disposed || source !== this.#traffic.source) break;
      await this.#services(assessments); // what is on screen comes first
    }
    if (changed.length > 0) this.#nodesChanged.fire(changed);
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#gathering);
    this.#listening.dispose();
    this.#changed.dispose();
    this.#nodesChanged.dispose();
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

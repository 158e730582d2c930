import { EventEmitter, type Disposable } from 'vscode';
import type { Programming } from '../translation/headline.ts';
import type { Scene } from '../translation/scene.ts';
import type { Traffic } from './context.ts';

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
  readonly #wanted = new Set<string>();
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
      }
      if (change.objects.length === 0 && change.nodes.length === 0) return;
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

  /** The cluster and its nodes as they are now. */
  async scene(): Promise<Scene> {
    const { sceneOf } = await import('./scene.ts');
    return sceneOf(await this.#traffic.open());
  }

  async #run(): Promise<void> {
    if (this.#running || this.#due.size === 0) return;
    this.#running = true;
    try {
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
        await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      this.#traffic.log.error('following packets for the Services on screen', error);
    } finally {
      this.#running = false;
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#listening.dispose();
    this.#changed.dispose();
  }
}

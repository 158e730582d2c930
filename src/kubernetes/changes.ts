import type { ClusterObjects } from './objects.ts';
import type { Disposable, SourceChange } from './source.ts';

/** Milliseconds between two calls of the listeners. */
const QUIET = 100;

/**
 * Tells listeners what changed: the first change at once (in a microtask's reach of the event loop), and whatever follows
 * within 100 ms in one call at the end of them.
 */
export class Changes implements Disposable {
  readonly #listeners = new Set<(change: SourceChange) => void>();
  readonly #objects = new Set<keyof ClusterObjects>();
  readonly #nodes = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = -Infinity;
  /** Called before the listeners, so that a source can do the folded work once. */
  readonly #before: () => void;

  constructor(before: () => void = () => undefined) {
    this.#before = before;
  }

  listen(listener: (change: SourceChange) => void): Disposable {
    // A function may be registered twice and removed once.
    const own = (change: SourceChange): void => listener(change);
    this.#listeners.add(own);
    return { dispose: () => void this.#listeners.delete(own) };
  }

  report(change: Partial<SourceChange>): void {
    for (const kind of change.objects ?? []) this.#objects.add(kind);
    for (const node of change.nodes ?? []) this.#nodes.add(node);
    this.#timer ??= setTimeout(() => this.#tell(), Math.max(0, this.#last + QUIET - performance.now()));
  }

  #tell(): void {
    this.#timer = undefined;
    this.#last = performance.now();
    this.#before();
    const change = { objects: [...this.#objects], nodes: [...this.#nodes] };
    this.#objects.clear();
    this.#nodes.clear();
    for (const listener of [...this.#listeners]) listener(change);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#listeners.clear();
  }
}

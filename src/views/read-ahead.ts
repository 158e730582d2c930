import type { ClusterSource, NodeCapture } from '../kubernetes/source.ts';

/** Reads, telling the share that is done, 0 to 1, now and then; rejects as the reading does. */
export type During = (node: string, read: (onProgress: (share: number) => void) => Promise<void>) => PromiseLike<void>;

/**
 * Reads the rules of big captures in slices, one node after another, before anybody asks for them: a million lines read in one
 * go would stall the extension host for seconds.
 */
export class ReadAhead {
  readonly #done: (node: string) => void;
  readonly #during: During;
  /** By node the newest capture: what was read before it and is not sorted yet nobody asks for. */
  readonly #waiting = new Map<string, NodeCapture>();
  #running: AbortController | undefined;

  /**
   * @param done is told each node whose rules can be asked for from now on
   * @param during shows that a node's rules are being read
   */
  constructor(done: (node: string) => void, during: During = (_, read) => read(() => undefined)) {
    this.#done = done;
    this.#during = during;
  }

  /** Looks for captures of these nodes that are new and big. */
  look(source: ClusterSource, nodes: readonly string[]): void {
    for (const node of nodes) {
      const rules = source.rules(node);
      if (rules.kind === 'captured') this.#waiting.set(node, rules.capture);
    }
    if (this.#waiting.size > 0 && !this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    const running = new AbortController();
    this.#running = running;
    const { isQuick, readAhead } = await import('../translation/read-node.ts');
    for (const [node, capture] of this.#waiting) {
      if (running.signal.aborted) return;
      this.#waiting.delete(node);
      if (isQuick(capture)) continue;
      try {
        await this.#during(node, (onProgress) => readAhead(capture, { signal: running.signal, onProgress }));
      } catch {
        if (running.signal.aborted) return; // another cluster is shown
        continue;
      }
      this.#done(node);
    }
    if (!running.signal.aborted) this.#running = undefined;
  }

  /** Forgets what is under way: another source is shown. */
  clear(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.#waiting.clear();
  }
}

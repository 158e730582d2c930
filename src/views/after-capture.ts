import type { NodeDrift } from '../diagnosis/drift-types.ts';
import type { ClusterSource, Disposable, NodeCapture } from '../kubernetes/source.ts';
import { captureIn } from './capture-of.ts';
import type { Traffic, TrafficChange } from './context.ts';
import { isComparedUnasked } from './unasked.ts';

/** Beyond the time that kube-proxy may take, and at most, in milliseconds. */
const MARGIN = 200;
const LONGEST = 60_000;

/**
 * Compares what was read with what should be there, so that a node's timeline knows which capture was the first to show a change; and reads a
 * node once more when a change that was on its way should have come, so that pending does not stay on screen.
 */
export class AfterCapture implements Disposable {
  readonly #traffic: Pick<Traffic, 'source' | 'onDidChange' | 'log'>;
  readonly #listening: Disposable;
  readonly #waiting = new Set<string>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  /** Nodes that were read once more: what is pending there now waits for somebody to ask. */
  readonly #again = new Set<string>();
  #running = false;
  #disposed = false;

  constructor(traffic: Pick<Traffic, 'source' | 'onDidChange' | 'log'>) {
    this.#traffic = traffic;
    this.#listening = traffic.onDidChange((change) => this.#receive(change));
  }

  #receive(change: TrafficChange): void {
    const { source } = this.#traffic;
    if (change.source) this.#forget();
    // A recording has one moment.
    if (source?.kind !== 'live') return;
    for (const node of change.nodes) if (source.rules(node).kind === 'captured') this.#waiting.add(node);
    if (this.#waiting.size > 0 && !this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      const [{ remember }, { isQuick }] = await Promise.all([
        import('./history.ts'),
        import('../translation/read-node.ts'),
      ]);
      for (const node of this.#waiting) {
        this.#waiting.delete(node);
        const { source } = this.#traffic;
        const capture = source && captureIn(source.rules(node));
        // Rules that are still being sorted are told of once more when they are.
        if (!capture || !isQuick(capture)) continue;
        const first = !this.#again.delete(node);
        const { services, nodes } = source.objects;
        if (!isComparedUnasked(services.length, nodes.length)) continue;
        const drift = await remember(source, node);
        await new Promise((resolve) => setImmediate(resolve));
        if (this.#disposed) return;
        // Another cluster is shown, or the node was read again and has its own turn.
        if (this.#traffic.source !== source || captureIn(source.rules(node)) !== capture) continue;
        if (drift && first) this.#lookAgain(source, node, capture, drift);
      }
    } catch (error) {
      this.#traffic.log.error('comparing nodes that were read', error);
    } finally {
      this.#running = false;
    }
  }

  #lookAgain(source: ClusterSource, node: string, capture: NodeCapture, drift: NodeDrift): void {
    clearTimeout(this.#timers.get(node));
    const wait = waitFor(drift);
    if (wait === undefined) return;
    const look = async (): Promise<void> => {
      this.#timers.delete(node);
      // Somebody was faster, or another cluster is shown.
      if (this.#traffic.source !== source || captureIn(source.rules(node)) !== capture) return;
      this.#again.add(node);
      await source.capture([node]);
      if (source.rules(node).kind !== 'captured') this.#again.delete(node);
    };
    this.#timers.set(
      node,
      setTimeout(() => void look(), wait),
    );
  }

  #forget(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const all of [this.#timers, this.#waiting, this.#again]) all.clear();
  }

  dispose(): void {
    this.#disposed = true;
    this.#forget();
    this.#listening.dispose();
  }
}

/** Milliseconds until everything that the capture did not show in time should be there; undefined where it showed all, or came before the change. */
function waitFor(drift: NodeDrift): number | undefined {
  if (drift.kind !== 'compared') return undefined;
  const waits = drift.families.flatMap((family) =>
    family.drifted.flatMap(({ pending }) => (pending && pending.age > 0 ? [pending.due - pending.age] : [])),
  );
  return waits.length > 0 ? Math.min(LONGEST, Math.max(...waits) + MARGIN) : undefined;
}

/** A rest is no longer than this, in milliseconds. */
const LONGEST_REST = 2000;

/**
 * Work that takes its time, for whoever asks after a change: it is never done twice at once, once more for all who asked meanwhile, and after
 * as long a rest as it took. A busy cluster changes ten times a second, and the work is always finished, and never all there is time for.
 */
export function folded<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  let restedAt = 0;
  const run = async (): Promise<T> => {
    const start = performance.now();
    try {
      return await work();
    } finally {
      const end = performance.now();
      restedAt = end + Math.min(end - start, LONGEST_REST);
    }
  };
  const begin = async (): Promise<T> => {
    await running;
    const rest = restedAt - performance.now();
    if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
    next = undefined;
    const now = run();
    running = now.catch(() => undefined);
    return now;
  };
  return () => (next ??= begin());
}

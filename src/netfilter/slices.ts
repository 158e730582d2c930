/**
 * Work in slices: a generator that yields the share that is done, 0 to 1, every few milliseconds, and returns the result, so
 * that others can have their turn between two slices.
 */
export type Slices<T> = Generator<number, T, void>;

/** The result, without a pause. */
export function inOneGo<T>(slices: Slices<T>): T {
  for (;;) {
    const { done, value } = slices.next();
    if (done) return value;
  }
}

export interface InTurns {
  /** Stops the work; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called between slices, with the share that is done, 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

/** How long everything else waits, in milliseconds. A slice itself takes some more at its end. */
const TURN = 5;

/** The result, with a turn for others every few milliseconds: for an editor that must not stall. */
export async function inTurns<T>(slices: Slices<T>, { signal, onProgress }: InTurns = {}): Promise<T> {
  let turn = performance.now();
  for (;;) {
    signal?.throwIfAborted();
    const { done, value } = slices.next();
    if (done) return value;
    if (performance.now() - turn < TURN) continue;
    onProgress?.(value);
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 0);
    });
    turn = performance.now();
  }
}

/** The same work as a part of more: each number that it yields is told as a share of the whole. */
export function* asPart<T>(slices: Slices<T>, shareOf: (own: number) => number): Slices<T> {
  for (;;) {
    const { done, value } = slices.next();
    if (done) return value;
    yield shareOf(value);
  }
}

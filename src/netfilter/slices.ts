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

/** The same work as a part of more: each number that it yields is told as a share of the whole. */
export function* asPart<T>(slices: Slices<T>, shareOf: (own: number) => number): Slices<T> {
  for (;;) {
    const { done, value } = slices.next();
    if (done) return value;
    yield shareOf(value);
  }
}

import { programSlices, type DumpText } from './program-of.ts';
import type { Program } from './program.ts';

export interface ReadOptions {
  /** Stops the reading; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called between slices, with the share that is done, 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

/** How long everything else waits, in milliseconds. A slice itself takes some more at its end. */
const TURN = 5;

/** Reads as programOf does, but lets others have their turn: for an editor that must not stall over a million lines. */
export async function readProgram(
  dumps: readonly DumpText[],
  { signal, onProgress }: ReadOptions = {},
): Promise<Program> {
  const slices = programSlices(dumps);
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

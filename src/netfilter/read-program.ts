import { programSlices, type DumpText } from './program-of.ts';
import type { Program } from './program.ts';
import { inTurns, type InTurns } from './slices.ts';

/** Reads as programOf does, but lets others have their turn: for an editor that must not stall over a million lines. */
export function readProgram(dumps: readonly DumpText[], options: InTurns = {}): Promise<Program> {
  return inTurns(programSlices(dumps), options);
}

/** A recording as the commands open it. */
import { openRecording } from '../kubernetes/snapshot/open.ts';
import type { ClusterSource } from '../kubernetes/source.ts';

/**
 * Throws where nothing can be read at all. Kinds of objects that are missing or broken are told on standard error: what is answered
 * without them is answered from the rest.
 */
export async function openRecorded(recording: string): Promise<ClusterSource> {
  const source = await openRecording(recording);
  const { state } = source;
  if (state.kind === 'failed') throw new Error(`${state.problem.message}. ${state.problem.advice}`);
  if (state.kind === 'ready')
    for (const { problem } of state.missing)
      process.stderr.write(`${recording}: ${problem.message}. ${problem.advice}\n`);
  return source;
}

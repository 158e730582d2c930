/** Breaks every recorded node of a mode, seed after seed. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { DumpName } from '../../src/kubernetes/source.ts';
import { RECORDINGS } from '../diagnosis/recorded.ts';
import { mutate, type Miss } from './mutation-run.ts';
import type { Mutation } from './mutations.ts';

/** Each of the two modes is broken this often. MUTATIONS in the environment asks for more, or for fewer. */
const BREAKS = Number(process.env['MUTATIONS'] ?? 1000);

/** Seeds 0, 1, 2 … go round all recordings of the mode, and all of their nodes. */
export function testBreaks(mode: string, name: DumpName, breakText: (text: string, seed: number) => Mutation): void {
  test(`a node in ${mode} mode, broken ${BREAKS} times, has drift where a packet is treated otherwise, on that packet's Service, and none where none is`, async (t) => {
    const recordings = RECORDINGS.filter((each) => each.includes(mode) && !/stale|both/.test(each));
    const places = recordings.flatMap((recording) =>
      ['node-1', 'node-2', 'node-3'].map((node) => ({ recording, node })),
    );
    const misses: Miss[] = [];
    let [harmful, harmless] = [0, 0];
    for (const [i, { recording, node }] of places.entries()) {
      const seeds = Array.from({ length: BREAKS }, (_, seed) => seed).filter((seed) => seed % places.length === i);
      const score = await mutate({ recording, node, name, seeds, breakText });
      harmful += score.harmful;
      harmless += score.harmless;
      misses.push(...score.misses);
    }
    t.diagnostic(`${harmful} breaks mattered, ${harmless} did not`);
    assert.deepEqual(misses, []);
    assert.ok(harmful > BREAKS / 5 && harmless > BREAKS / 5);
  });
}

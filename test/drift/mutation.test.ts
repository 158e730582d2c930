import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DumpName } from '../../src/kubernetes/source.ts';
import { RECORDINGS } from '../diagnosis/recorded.ts';
import { mutate, type Score } from './mutation-run.ts';
import { breakNftables } from './mutations-nft.ts';
import { breakIptables, type Mutation } from './mutations.ts';

/** Each of the two modes is broken this often. MUTATIONS in the environment asks for more, or for fewer. */
const BREAKS = Number(process.env['MUTATIONS'] ?? 1000);
const NODES = ['node-1', 'node-2', 'node-3'];

/** Seed 0, 1, 2 … go round all recordings of the mode and their nodes. */
async function breakAll(
  recordings: readonly string[],
  name: DumpName,
  breakText: (text: string, seed: number) => Mutation,
): Promise<Score> {
  const places = recordings.flatMap((recording) => NODES.map((node) => ({ recording, node })));
  const total = { harmful: 0, harmless: 0, misses: [] as Score['misses'][number][] };
  for (const [i, { recording, node }] of places.entries()) {
    const seeds = Array.from({ length: BREAKS }, (_, seed) => seed).filter((seed) => seed % places.length === i);
    const score = await mutate({ recording, node, name, seeds, breakText });
    total.harmful += score.harmful;
    total.harmless += score.harmless;
    total.misses.push(...score.misses);
  }
  return total;
}

describe(`a node that is broken ${BREAKS} times`, () => {
  for (const [mode, name, breakText] of [
    ['iptables', 'iptables-save.txt', breakIptables],
    ['nftables', 'nft.json', breakNftables],
  ] as const)
    test(`has drift in ${mode} mode where a packet is treated otherwise, on that packet's Service, and none where none is`, async (t) => {
      const recordings = RECORDINGS.filter((recording) => recording.includes(mode) && !/stale|both/.test(recording));
      const score = await breakAll(recordings, name, breakText);
      t.diagnostic(`${score.harmful} breaks mattered, ${score.harmless} did not`);
      assert.deepEqual(score.misses, []);
      assert.ok(score.harmful > BREAKS / 5 && score.harmless > BREAKS / 5);
    });
});

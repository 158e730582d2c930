import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Dump } from '../../src/kubernetes/source.ts';
import { isDrifted, driftOf, recorded } from '../diagnosis/recorded.ts';
import { loadOf } from '../kernel/load.ts';
import { Oracle, type KernelAnswer } from '../kernel/oracle.ts';
import { recordedNetwork, waysOf } from '../kernel/ways.ts';
import { breakIptables } from './mutations.ts';

/** Packets of each case: enough for every one of three endpoints to be met. */
const N = 60;
const BREAKS = 24;

let oracle: Oracle;
before(() => {
  oracle = new Oracle();
});
after(() => {
  oracle.close();
});

/** Where the packets of a case ended, however many there. */
function ends({ accept, reject, drop }: KernelAnswer): string {
  const found = [
    ...Object.entries(accept).map(([to, { masquerade }]) => `${to}${masquerade > 0 ? ' masqueraded' : ''}`),
    ...Object.keys(reject),
    ...(drop > 0 ? ['drop'] : []),
  ];
  return found.sort().join(', ');
}

test('what changes where a real kernel sends packets is drift', async (t) => {
  const cluster = await recorded('1.37-iptables-legacy');
  const node = 'node-1';
  const network = recordedNetwork(cluster.objects, node);
  const cases = waysOf(cluster.objects, node, network, N);
  const { dumps } = cluster.captures.get(node)!;
  const original = dumps.find(({ name }) => name === 'iptables-save.txt')!.text;
  const ask = async (changed: readonly Dump[]): Promise<readonly string[] | undefined> => {
    const answer = await oracle.ask({ load: loadOf(changed), network, cases });
    return 'error' in answer ? undefined : answer.cases.map(ends);
  };
  const before = await ask(dumps);
  assert.ok(before);
  let [mattered, refused] = [0, 0];
  const misses: string[] = [];
  for (let seed = 0; seed < BREAKS; seed++) {
    const mutation = breakIptables(original, seed);
    const changed = dumps.map((dump) => (dump.name === 'iptables-save.txt' ? { ...dump, text: mutation.text } : dump));
    const after = await ask(changed);
    if (!after)
      refused++; // rules that the kernel does not take cannot be on a node
    else if (after.some((end, i) => end !== before[i])) {
      mattered++;
      if (!isDrifted(driftOf(cluster, node, () => changed))) misses.push(mutation.words);
    }
  }
  t.diagnostic(`${mattered} of ${BREAKS} breaks changed where packets went, ${refused} were not taken`);
  assert.deepEqual(misses, []);
  assert.ok(mattered > BREAKS / 4);
});

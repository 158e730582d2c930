import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LANGUAGES } from './languages.ts';
import { Oracle } from './oracle.ts';
import { throwOne } from './throw.ts';

/** Rule sets of each language and family; each with so many packets, and each of these sent so often. */
const SETS = 42;
const CASES = 60;
const N = 40;

let oracle: Oracle;
before(() => {
  oracle = new Oracle();
});
after(() => {
  oracle.close();
});

for (const language of LANGUAGES)
  for (const family of [4, 6] as const)
    test(`random ${language.name} rules do to random IPv${family} packets what the trace says`, async (context) => {
      const failures: string[] = [];
      let [pairs, counters, assumed] = [0, 0, 0];
      for (let i = 0; i < SETS; i++) {
        const thrown = await throwOne(oracle, { language, family, seed: `fixed ${i}`, cases: CASES, n: N });
        pairs += thrown.pairs;
        counters += thrown.counters;
        assumed += thrown.assumed;
        failures.push(...thrown.failures);
      }
      context.diagnostic(`${pairs} pairs, ${counters} rules' counters, ${assumed} pairs rest on an assumption`);
      assert.equal(failures.join('\n\n'), '');
      assert.ok(pairs >= 2500 && counters >= 100 && assumed < pairs / 4);
    });

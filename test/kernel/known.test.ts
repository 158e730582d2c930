import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LANGUAGES } from './languages.ts';
import { Oracle } from './oracle.ts';
import { throwOne } from './throw.ts';

/** Rule sets of each language and family; each with so many packets of known connections, and of each so many connections. */
const SETS = 21;
const CASES = 60;
const N = 10;

let oracle: Oracle;
before(() => {
  oracle = new Oracle();
});
after(() => {
  oracle.close();
});

for (const language of LANGUAGES)
  for (const family of [4, 6] as const)
    test(`random ${language.name} rules do to known IPv${family} connections what the trace says`, async (context) => {
      const failures: string[] = [];
      let pairs = 0;
      for (let i = 0; i < SETS; i++) {
        const thrown = await throwOne(oracle, {
          language,
          family,
          seed: `fixed ${i}`,
          cases: CASES,
          n: N,
          known: true,
        });
        pairs += thrown.pairs;
        failures.push(...thrown.failures);
      }
      context.diagnostic(`${pairs} pairs`);
      assert.equal(failures.join('\n\n'), '');
      assert.ok(pairs >= 600);
    });

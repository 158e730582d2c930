/**
 * npm run test:kernel:long [-- PAIRS [SEED [iptables|nftables]]]: random rule sets and packets until so many pairs have been compared (100,000), with another
 * seed every time unless one is given. A failing pair is printed so that it can be pasted as a test.
 */
import { LANGUAGES } from './languages.ts';
import { Oracle, whyNoKernel } from './oracle.ts';
import { throwOne } from './throw.ts';

const why = whyNoKernel();
if (why) {
  console.error(why);
  process.exit(2);
}
const [pairsWanted = '100000', seed = String(Date.now()), only] = process.argv.slice(2);
const languages = LANGUAGES.filter(({ name }) => only === undefined || name === only);
const oracle = new Oracle();
const start = performance.now();
let [pairs, counters, assumed, failures] = [0, 0, 0, 0];
for (let i = 0; pairs < Number(pairsWanted); i++)
  for (const language of languages)
    for (const family of [4, 6] as const) {
      // Every fourth time the packets are those of known connections.
      const known = i % 4 === 3;
      const thrown = await throwOne(oracle, {
        language,
        family,
        seed: `${seed} ${i}`,
        cases: 60,
        n: known ? 15 : 60,
        known,
      });
      pairs += thrown.pairs;
      counters += thrown.counters;
      assumed += thrown.assumed;
      failures += thrown.failures.length;
      for (const failure of thrown.failures) console.log(`\n${failure}`);
      if (i % 20 === 0 && family === 6)
        console.log(
          `${language.name}: ${pairs} pairs, ${counters} counters, ${assumed} assumed, ${failures} disagreements (${((performance.now() - start) / 1000).toFixed(0)} s)`,
        );
    }
oracle.close();
console.log(
  `seed ${seed}: ${pairs} pairs, ${counters} rules' counters, ${assumed} resting on assumptions, ${failures} disagreements`,
);
process.exitCode = failures > 0 ? 1 : 0;

import { test } from 'node:test';
import { checkDumps } from './check-dump.ts';
import { KINDS, mutant } from './mutants.ts';

/** Runs of each kind in npm test; npm run test:property:long makes a million. */
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 300);

for (const kind of KINDS)
  test(`whatever is done to a dump of ${kind}, it is read, all of it keeps its place, and traces through it end and add up`, () => {
    for (let i = 0; i < RUNS; i++) {
      const seed = `${kind} ${i}`;
      const dumps = mutant(kind, `${kind} ${i >> 4}`, seed);
      try {
        checkDumps(dumps);
      } catch (error) {
        throw new Error(`mutant('${kind}', '${kind} ${i >> 4}', '${seed}'): ${JSON.stringify(dumps)}`, {
          cause: error,
        });
      }
    }
  });

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seconds } from '../../src/diagnosis/seconds.ts';

test('Seconds have the digits that matter: a sync of a few hundredths of a second takes not none', () => {
  assert.deepEqual([0, 0.4, 4, 23, 94, 95, 440, 2540, 9949, 9950, 31_400].map(seconds), [
    ...['0', '0', '0.004', '0.02', '0.09', '0.1', '0.4', '2.5', '9.9', '10', '31'],
  ]);
});

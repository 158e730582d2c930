import assert from 'node:assert/strict';
import { test } from 'node:test';
import { age, moment, seconds } from '../../src/views/moments.ts';

test('An age is told in the unit that one thinks in', () => {
  const now = Date.UTC(2026, 10, 24, 12);
  const ago = (seconds: number): string => age(now - seconds * 1000, now);
  assert.equal(ago(1), 'just now');
  assert.equal(ago(12), '12 s ago');
  assert.equal(ago(240), '4 min ago');
  assert.equal(ago(3 * 3600), '3 h ago');
  assert.equal(ago(2 * 86_400), moment(now - 2 * 86_400_000));
});

test('A moment is a date and a time', () => assert.match(moment(0), /^(1969-12-31|1970-01-01) \d\d:\d\d$/));

test('Seconds have the digits that matter: a sync of a few hundredths of a second takes not none', () => {
  assert.deepEqual([0, 0.4, 4, 23, 94, 95, 440, 2540, 9949, 9950, 31_400].map(seconds), [
    ...['0', '0', '0.004', '0.02', '0.09', '0.1', '0.4', '2.5', '9.9', '10', '31'],
  ]);
});

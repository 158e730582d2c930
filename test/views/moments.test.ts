import assert from 'node:assert/strict';
import { test } from 'node:test';
import { age, moment } from '../../src/views/moments.ts';

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

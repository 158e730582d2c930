import assert from 'node:assert/strict';
import { test } from 'node:test';
import { folded } from '../../src/views/folded.ts';

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('work is done once for all who ask at once, and once more for all who ask while it is done, of what is so then', async () => {
  let state = 0;
  let atOnce = 0;
  const done: number[] = [];
  const ask = folded(async () => {
    assert.equal(++atOnce, 1);
    const seen = state;
    await wait(20);
    done.push(seen);
    atOnce--;
    return seen;
  });
  const first = [ask(), ask()];
  await wait(5);
  const later = Array.from({ length: 50 }, () => ask());
  state = 7;
  assert.deepEqual(await Promise.all(first), [0, 0]);
  assert.deepEqual(new Set(await Promise.all(later)), new Set([7]));
  assert.deepEqual(done, [0, 7]);
});

test('under changes that never end work is finished all the same, and half of the time is left to others', async () => {
  let done = 0;
  const ask = folded(async () => {
    for (const end = performance.now() + 30; performance.now() < end;);
    await wait(0);
    done++;
  });
  for (const end = performance.now() + 600; performance.now() < end;) {
    void ask();
    await wait(2);
  }
  assert.ok(done >= 2 && done <= 10, `${done} times 30 ms in 600 ms`);
});

test('work that fails is told to whoever asked for it, and done again for the next', async () => {
  let times = 0;
  const ask = folded(async () => {
    if (++times === 1) throw new Error('once');
    return times;
  });
  await assert.rejects(ask(), /once/);
  assert.equal(await ask(), 2);
});

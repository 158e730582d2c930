import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Slots } from '../../src/kubernetes/live/slots.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));
const never = new AbortController().signal;

describe('slots', () => {
  it('let so many run, and the others in the order of their coming', async () => {
    const slots = new Slots(2);
    const started: number[] = [];
    const ends: (() => void)[] = [];
    const all = [0, 1, 2, 3].map((i) =>
      slots.run(() => {
        started.push(i);
        return new Promise<void>((resolve) => ends.push(resolve));
      }, never),
    );
    await turn();
    assert.deepEqual(started, [0, 1]);
    ends[1]!();
    await turn();
    assert.deepEqual(started, [0, 1, 2]);
    ends[0]!();
    ends[2]!();
    await turn();
    ends[3]!();
    await Promise.all(all);
    assert.deepEqual(started, [0, 1, 2, 3]);
  });

  it('are given on when work fails, and never to one who has left', async () => {
    const slots = new Slots(1);
    let fail: (error: Error) => void = () => undefined;
    const first = slots.run(() => new Promise((_, reject) => (fail = reject)), never);
    const leaving = new AbortController();
    const second = slots.run(async () => 'second', leaving.signal);
    const third = slots.run(async () => 'third', never);
    leaving.abort();
    assert.equal(await second, undefined);
    fail(new Error('no'));
    await assert.rejects(first);
    assert.equal(await third, 'third');
    assert.equal(await slots.run(async () => 'fourth', never), 'fourth');
    assert.equal(await slots.run(async () => 'fifth', AbortSignal.abort()), undefined);
  });
});

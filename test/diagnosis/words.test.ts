import assert from 'node:assert/strict';
import { test } from 'node:test';
import { standing } from '../../src/diagnosis/words.ts';

test('a sentence by itself begins with a capital, unless a name is its first word', () => {
  assert.equal(standing('from node-3, a third is lost'), 'From node-3, a third is lost');
  assert.equal(standing('all connections are dropped'), 'All connections are dropped');
  assert.equal(standing('refused at once'), 'Refused at once');
  assert.equal(standing('a third of the connections'), 'A third of the connections');
  assert.equal(standing('front-92hnx (10.244.0.1:8080) gets none'), 'front-92hnx (10.244.0.1:8080) gets none');
  assert.equal(standing('fromage gets none'), 'fromage gets none');
});

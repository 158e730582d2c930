import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { openRecording } from '../../src/kubernetes/snapshot/open.ts';
import { driftIn } from '../../src/views/drift.ts';
import { driftRows } from '../../src/views/drift-rows.ts';
import { healthIn, summaryWords } from '../../src/views/node-health.ts';

const RECORDING = path.join(import.meta.dirname, '../recordings/1.37-iptables-both-backends');

test('The tree and the comparison say the same of a node where older rules act, and what they do stands below it', async () => {
  const source = await openRecording(RECORDING);
  const words = '18 of 21 ports programmed, 3 changed by rules left in iptables-nft';
  assert.deepEqual(await healthIn(source, 'node-2'), {
    ports: 21,
    right: 18,
    pending: 0,
    common: false,
    wrong: ['shop/cart-local', 'shop/node-cache', 'shop/public-local'],
  });
  const drift = await driftIn(source, 'node-2');
  assert.equal(summaryWords(drift!), words);
  const [group] = driftRows('node-2', drift);
  assert.ok(group?.kind === 'group');
  assert.equal(group.value, words);
  const told = group.rows.map((row) => (row.kind === 'problem' ? `${row.about}: ${row.message}` : ''));
  assert.ok(told.some((line) => /^shop\/node-cache: .* go to 10\.244\.1\.2:9090, which no longer exists/.test(line)));
});

test('Rules left behind that change no packet are no word in the line', async () => {
  const source = await openRecording(RECORDING);
  assert.equal(summaryWords((await driftIn(source, 'node-1'))!), '21 of 21 ports programmed');
});

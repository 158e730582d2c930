import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readNft, readNftInSlices } from '../../../src/netfilter/nftables/tables.ts';
import { programSlices } from '../../../src/netfilter/program-of.ts';

const recorded = readFileSync(new URL('../../recordings/1.37-nftables/nodes/node-1/nft.txt', import.meta.url), 'utf8');

/** A recorded listing with its endpoint and service chains many times over, under other names. */
function many(times: number): string {
  const end = recorded.indexOf('\n}\n');
  const from = recorded.indexOf('\tchain service-');
  const chains = recorded.slice(from, end);
  const copies = Array.from({ length: times }, (_, i) => chains.replaceAll('/tcp/', `-${i}/tcp/`));
  return recorded.slice(0, from) + copies.join('\n') + recorded.slice(end);
}

test('a big listing is read in many slices, with rising progress, to what reading it in one go gives', () => {
  const text = many(400);
  const shares: number[] = [];
  const reading = readNftInSlices(text, 'nft.txt');
  let step = reading.next();
  for (; !step.done; step = reading.next()) shares.push(step.value);
  assert.ok(shares.length > 10, `${shares.length} slices of ${text.length} characters`);
  assert.deepEqual(
    shares,
    [...shares].sort((a, b) => a - b),
  );
  assert.ok(shares.every((share) => share >= 0 && share <= 1));
  assert.deepEqual(
    step.value.tables.map((table) => table.chains.length),
    readNft(text, 'nft.txt').tables.map((table) => table.chains.length),
  );
});

test('where the text is whole, JSON is not read', () => {
  const dumps = [
    { name: 'nft.json', text: '{"nftables": [' },
    { name: 'nft.txt', text: recorded },
  ];
  const reading = programSlices(dumps);
  let step = reading.next();
  while (!step.done) step = reading.next();
  assert.deepEqual(step.value.problems, []);
  assert.ok(step.value.tables.some((table) => table.label === 'ip kube-proxy'));
});

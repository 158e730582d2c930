import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { releaseByShape } from '../../../src/kubeproxy/shapes.ts';

const RECORDINGS = path.resolve(import.meta.dirname, '../../recordings');

const listing = (name: string, file: string) => readFileSync(path.join(RECORDINGS, name, 'nodes/node-1', file), 'utf8');

for (const [name, text, json] of [
  ['1.29-nftables', [29, 29], [29, 29]],
  ['1.33-nftables', [33, 33], [33, 33]],
  ['1.35-nftables', [34, 35], [33, 35]],
  ['1.37-nftables', [37, Infinity], [36, Infinity]],
] as const)
  test(`the tables of ${name} alone tell which releases may have written them`, () => {
    const range = (file: string) => {
      const shape = releaseByShape(listing(name, file))!;
      return [shape.from, shape.to];
    };
    assert.deepEqual(range('nft.txt'), text);
    assert.deepEqual(range('nft.json'), json);
  });

test('1.33 with the base chains of 1.34 is 1.33.6 or later', () => {
  assert.deepEqual(releaseByShape(listing('1.33-nftables', 'nft.txt'))?.nearest, { minor: 33, patch: 6 });
});

test('chains that an upgrade left behind do not make a release older than it is', () => {
  const left =
    '\tchain mark-for-masquerade {\n\t\tmeta mark set meta mark | 0x00004000\n\t}\n\tchain filter-output-post-dnat {\n\t}\n';
  const shape = releaseByShape(
    listing('1.37-nftables', 'nft.txt').replace('\tchain services', `${left}\tchain services`),
  )!;
  assert.deepEqual([shape.from, shape.to], [37, Infinity]);
});

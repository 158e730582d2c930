import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { configurationOf } from '../../../src/kubeproxy/configuration.ts';
import { expectedNftables } from '../../../src/kubeproxy/nftables/expected.ts';
import { releaseOf } from '../../../src/kubeproxy/version.ts';
import { openRecording } from '../../../src/kubernetes/snapshot/open.ts';
import { difference, lines } from './compare.ts';

const RECORDINGS = path.resolve(import.meta.dirname, '../../recordings');

for (const name of ['1.29-nftables', '1.33-nftables', '1.35-nftables', '1.37-nftables'])
  test(`the tables computed for ${name} are those that its kube-proxies wrote, on every node and in both families`, async () => {
    const source = await openRecording(path.join(RECORDINGS, name));
    const { objects } = source;
    for (const node of ['node-1', 'node-2', 'node-3']) {
      await source.capture([node]);
      const rules = source.rules(node);
      assert.ok(rules.kind === 'captured');
      const { dumps } = rules.capture;
      const listing: unknown = JSON.parse(dumps.find((dump) => dump.name === 'nft.json')!.text);
      const { configuration } = configurationOf(objects, node);
      const release = releaseOf(objects, node).generation;
      const expected = expectedNftables(objects, node, configuration, release, { dumps });
      const actual = lines(listing);
      assert.ok(actual.length > 100);
      assert.deepEqual(difference(lines(expected), actual), { missing: [], extra: [] }, node);
    }
  });

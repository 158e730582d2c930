import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { expectedRules, nodeProxy } from '../../../src/kubeproxy/expected.ts';
import { openRecording } from '../../../src/kubernetes/snapshot/open.ts';
import { difference, lines } from './compare.ts';

// Random clusters (random-cluster.ts, 40 Services each) on a real API server with real kube-proxies, each under another configuration.
const FOLDER = path.join(import.meta.dirname, 'random');

for (const file of readdirSync(FOLDER).sort())
  test(`the tables computed for ${file} are those that its kube-proxies wrote`, async () => {
    const source = await openRecording(path.join(FOLDER, file));
    const { objects } = source;
    const nodes = objects.nodes.map(({ metadata }) => metadata.name);
    assert.equal(nodes.length, 3);
    await source.capture(nodes);
    for (const node of nodes) {
      const rules = source.rules(node);
      assert.ok(rules.kind === 'captured');
      const { dumps } = rules.capture;
      const proxy = nodeProxy(objects, node, dumps);
      assert.deepEqual(proxy.notes, []);
      const expected = expectedRules(objects, proxy, dumps);
      assert.ok(expected.mode === 'nftables');
      const actual = lines(JSON.parse(dumps.find(({ name }) => name === 'nft.json')!.text));
      assert.ok(actual.length > 400);
      assert.deepEqual(difference(lines(expected.tables), actual), { missing: [], extra: [] }, node);
      assert.deepEqual(expected.tables.refusals, []);
    }
  });

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { openRecording } from '../../../src/kubernetes/snapshot/open.ts';
import { expectedRules, expectedText, nodeProxy } from '../../../src/kubeproxy/expected.ts';
import { difference } from './compare.ts';

const RECORDINGS = path.resolve(import.meta.dirname, '../../recordings');
const SAVES = { 4: 'iptables-save.txt', 6: 'ip6tables-save.txt' } as const;

/** The kube-proxy of this node had been stopped before the cluster changed. */
const STALE = '1.37-iptables-stale-node node-3';

for (const name of readdirSync(RECORDINGS).filter((each) => each.includes('-iptables-')))
  test(`the rules computed for ${name} are those that its kube-proxies wrote, on every node and in both families`, async () => {
    const source = await openRecording(path.join(RECORDINGS, name));
    const { objects } = source;
    const nodes = objects.nodes.map(({ metadata }) => metadata.name);
    assert.equal(nodes.length, 3);
    await source.capture(nodes);
    for (const node of nodes) {
      const rules = source.rules(node);
      assert.ok(rules.kind === 'captured');
      const { dumps } = rules.capture;
      const expected = expectedRules(objects, nodeProxy(objects, node, dumps), dumps);
      assert.equal(expected.mode, 'iptables');
      assert.deepEqual(expected.proxy.notes, []);
      for (const family of [4, 6] as const) {
        const actual = dumps.find((dump) => dump.name === SAVES[family])!.text;
        const found = difference(expectedText(expected, family)!, actual);
        if (`${name} ${node}` === STALE && family === 4) assert.ok(found.missing.length > 0 && found.extra.length > 0);
        else assert.deepEqual(found, { missing: [], extra: [] }, `${node}, IPv${family}`);
      }
    }
    source.dispose();
  });

test('on the node whose kube-proxy had been stopped, just what changed since differs', async () => {
  const source = await openRecording(path.join(RECORDINGS, '1.37-iptables-stale-node'));
  await source.capture(['node-3']);
  const rules = source.rules('node-3');
  assert.ok(rules.kind === 'captured');
  const { dumps } = rules.capture;
  const expected = expectedRules(source.objects, nodeProxy(source.objects, 'node-3', dumps), dumps);
  const { missing, extra } = difference(expectedText(expected, 4)!, dumps.find(({ name }) => name === SAVES[4])!.text);
  const addresses = (lines: readonly string[]) => [
    ...new Set(lines.flatMap((line) => /--to-destination ([\d.]+)/.exec(line)?.[1] ?? [])),
  ];
  // A pod of front moved to 10.244.2.4, its old address is by now that of one more pod of cart, and an external IP changed.
  assert.deepEqual(addresses(extra), ['10.244.1.1']);
  assert.deepEqual(addresses(missing).sort(), ['10.244.1.1', '10.244.2.4']);
  const externalIPs = (lines: readonly string[]) =>
    lines.flatMap((line) => /-d (\S+)\/32 .* external IP"/.exec(line)?.[1] ?? []);
  assert.deepEqual([externalIPs(extra), externalIPs(missing)], [['192.0.2.10'], ['192.0.2.11']]);
  source.dispose();
});

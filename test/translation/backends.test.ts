import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sceneOf } from './scene.ts';

async function about(recording: string): Promise<readonly string[]> {
  const { nodes } = await sceneOf(recording);
  return nodes.map((node) => (node.kind === 'read' ? node.about : node.why));
}

test('A node that holds rules of both backends names both, and one of a single backend that one', async () => {
  assert.match((await about('1.37-iptables-both-backends'))[0]!, /^iptables \(legacy and nft\) · /);
  assert.match((await about('1.37-iptables-legacy'))[0]!, /^iptables \(legacy\) · /);
  assert.match((await about('1.37-iptables-nft'))[0]!, /^iptables \(nft\) · /);
  assert.match((await about('1.37-nftables'))[0]!, /^nftables · /);
});

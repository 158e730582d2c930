import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { openRecording } from '../../src/kubernetes/snapshot/open.ts';
import { paint } from '../../src/translation/paint.ts';
import { tracedNode } from '../../src/translation/read-node.ts';
import type { Scene } from '../../src/translation/scene.ts';

const source = await openRecording(path.resolve(import.meta.dirname, '../recordings/1.37-iptables-nft'));
await source.capture(['node-1']);

/** node-1 with a rule of somebody else's before kube-proxy's. */
function before(rule: string): Scene {
  const rules = source.rules('node-1');
  assert.ok(rules.kind === 'captured');
  const dumps = rules.capture.dumps
    .filter(({ name }) => !name.startsWith('nft.'))
    .map((dump) =>
      dump.name === 'iptables-save.txt'
        ? { ...dump, text: dump.text.replace(/^-A PREROUTING .*-j KUBE-SERVICES$/m, `${rule}\n$&`) }
        : dump,
    );
  const node = tracedNode('node-1', { ...rules, capture: { ...rules.capture, dumps } }, source.objects);
  return { objects: source.objects, nodes: [node] };
}

test('What a rule of somebody else’s takes before kube-proxy’s is told as that, not as a way in that the node does not know', () => {
  const { finding } = paint(before('-A PREROUTING -p tcp -j ACCEPT'), { service: 'shop/front' });
  assert.equal(finding?.title, 'Diverted on node-1.');
  assert.match(
    finding.text,
    /^A rule that is not kube-proxy's lets it pass: PREROUTING \(line \d+\) takes it before kube-proxy's rules are asked\. It leaves by eth0/,
  );
  assert.deepEqual(
    finding.actions.map(({ action }) => action),
    ['trace'],
    'kube-proxy’s rules are as they should be: there is nothing to compare',
  );
});

test('Where it may or may not, the condition comes first, until it is settled', () => {
  const scene = before('-A PREROUTING -p tcp -m limit --limit 5/sec -j ACCEPT');
  const told = (settled: Readonly<Record<string, boolean>>) => paint(scene, { service: 'shop/front', settled });
  const open = told({});
  assert.match(
    open.finding?.text ?? '',
    /^If the packet is within "-m limit --limit 5\/sec" of line \d+, a rule that /,
  );
  assert.ok(open.body.kind === 'node');
  const [asked] = open.body.assumptions;
  assert.match(told({ [asked!.words]: true }).finding?.text ?? '', /^A rule that is not kube-proxy's lets it pass/);
  assert.equal(told({ [asked!.words]: false }).finding, undefined);
});

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { openRecording } from '../../src/kubernetes/snapshot/open.ts';
import type { ClusterSource } from '../../src/kubernetes/source.ts';
import { nodeDrift } from '../../src/diagnosis/drift.ts';
import { nodeNetwork } from '../../src/translation/network.ts';
import { pendingIn } from '../../src/views/pending.ts';

test("a Service's row allows a sync about as long as the comparison of its node does, in whichever dumps the rules stand", async () => {
  const recording = await openRecording(path.join(import.meta.dirname, '../recordings/1.37-iptables-stale-node'));
  const rules = recording.rules('node-3');
  assert.ok(rules.kind === 'captured');
  // As big as a node with many Services; the comparison counts the rules of those that there are.
  const times = 50;
  const dumps = rules.capture.dumps.map((dump) => ({ ...dump, text: dump.text.repeat(times) }));
  const changedAt = (): number => rules.capture.at - 1000;
  const source: ClusterSource = {
    ...recording,
    objects: recording.objects,
    state: recording.state,
    changedAt,
    rules: () => ({ kind: 'captured', capture: { ...rules.capture, dumps } }),
  } as ClusterSource;
  const cart = recording.objects.services.find(({ metadata }) => metadata.name === 'cart')!;
  const shown = pendingIn(source)(cart, 'node-3')!;
  const { network } = nodeNetwork('node-3', recording.objects, rules.capture);
  const drift = nodeDrift({ objects: recording.objects, capture: rules.capture, network, changedAt });
  assert.ok(drift.kind === 'compared');
  const compared = drift.families.flatMap(({ drifted }) => drifted).find(({ service }) => service === 'shop/cart')!;
  const base = 3000;
  const [own, its] = [shown.due - base, (compared.pending!.due - base) * times];
  assert.ok(own > its / 2 && own < its * 2, `${own} ms, ${its} ms`);
});

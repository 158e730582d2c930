import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import type { NodeDrift } from '../../src/diagnosis/drift-types.ts';
import { openRecording } from '../../src/kubernetes/snapshot/open.ts';
import type { ClusterSource } from '../../src/kubernetes/source.ts';
import { driftIn } from '../../src/views/drift.ts';

/** A node whose every Service port with endpoints leads elsewhere. */
async function drifted() {
  const recording = await openRecording(path.join(import.meta.dirname, '../recordings/1.37-iptables-nft'));
  const rules = recording.rules('node-1');
  assert.ok(rules.kind === 'captured');
  const dumps = rules.capture.dumps.map((dump) => ({
    ...dump,
    text: dump.text.replace(/( --to-destination \S+)\d/g, '$17'),
  }));
  const capture = { ...rules.capture, dumps };
  let { objects } = recording;
  const source: ClusterSource = {
    ...recording,
    state: recording.state,
    rules: () => ({ kind: 'captured', capture }),
    get objects() {
      return objects;
    },
  };
  const forget = (service: string): void => {
    const services = objects.services.filter(({ metadata }) => metadata.name !== service);
    objects = { ...objects, services };
  };
  return { source, forget };
}

function services(drift: NodeDrift | undefined): ReadonlySet<string> {
  assert.ok(drift?.kind === 'compared');
  return new Set(
    drift.families.flatMap(({ drifted: ports }) => ports.flatMap(({ port, service }) => (port ? service : []))),
  );
}

test('VS Code has its turn while packets are followed for every port', async () => {
  const { source } = await drifted();
  const order: string[] = [];
  const asked = driftIn(source, 'node-1').then(() => order.push('drift'));
  setImmediate(() => order.push('turn'));
  await asked;
  assert.deepEqual(order, ['turn', 'drift']);
});

test('whoever asks while a drift is computed has the same one', async () => {
  const { source } = await drifted();
  const [first, second] = await Promise.all([driftIn(source, 'node-1'), driftIn(source, 'node-1')]);
  assert.ok(services(first).size > 10);
  assert.equal(first, second);
  assert.equal(await driftIn(source, 'node-1'), first);
});

test('what was computed of objects that have changed meanwhile is not taken for how the node stands', async () => {
  const { source, forget } = await drifted();
  const before = driftIn(source, 'node-1');
  forget('cart');
  const after = await driftIn(source, 'node-1');
  assert.ok(services(await before).has('shop/cart'));
  assert.ok(!services(after).has('shop/cart'));
  assert.equal(await driftIn(source, 'node-1'), after);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ClusterObjects } from '../../src/kubernetes/objects.ts';
import type { Scene } from '../../src/translation/scene.ts';
import { Assessments } from '../../src/views/assessments.ts';
import { sceneOf } from '../../src/views/scene.ts';
import { sample } from './sample.ts';

const scene = sceneOf(await sample());
const other = (objects: Partial<ClusterObjects>): Scene => ({ ...scene, objects: { ...scene.objects, ...objects } });

test('A Service is wrong on the node whose kube-proxy stopped, and right on the others', () => {
  assert.deepEqual(new Assessments().of(scene, 'shop/front')?.wrong, ['node-3']);
});

test('What stayed as it was is not computed again; what changed is', () => {
  const assessments = new Assessments();
  const front = assessments.of(scene, 'shop/front');
  const cart = assessments.of(scene, 'shop/cart');
  // Another object of the same Service: somebody edited it.
  const services = scene.objects.services.map((service) =>
    service.metadata.name === 'cart' ? { ...service } : service,
  );
  const edited = other({ services });
  assert.equal(assessments.of(edited, 'shop/front'), front);
  assert.notEqual(assessments.of(edited, 'shop/cart'), cart);
  const [first, ...rest] = scene.nodes;
  assert.ok(first?.kind === 'read');
  const { name, network, mode, about, trace, expected } = first;
  const again = { kind: 'read', name, network, mode, about, trace, expected, at: first.at + 1 } as const;
  const read = { ...edited, nodes: [again, ...rest] };
  assert.notEqual(assessments.of(read, 'shop/front'), front, 'the rules of a node were read anew');
  assert.notEqual(assessments.of(other({ nodes: [...scene.objects.nodes] }), 'shop/front'), front, 'a node changed');
});

test('Of a Service that is gone nothing is known', () => {
  assert.equal(new Assessments().of(scene, 'shop/gone'), undefined);
});

test('What stayed as it was keeps nothing of the cluster as it was', async () => {
  const source = await sample();
  let objects: ClusterObjects = { ...source.objects };
  const of = (): Scene =>
    sceneOf({ ...source, kind: source.kind, state: source.state, objects, rules: (node) => source.rules(node) });
  const assessments = new Assessments();
  const first = assessments.of(of(), 'shop/front');
  const before = new WeakRef(objects);
  objects = { ...objects, pods: [...objects.pods] };
  assert.equal(assessments.of(of(), 'shop/front'), first);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  assert.equal(before.deref(), undefined);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paint } from '../../src/translation/paint.ts';
import { offered } from '../../src/views/diagram/offered.ts';
import { sceneOf } from '../../src/views/scene.ts';
import { sample } from './sample.ts';

const source = await sample();
const scene = sceneOf(source);
const live = { kind: 'live', objects: source.objects } as const;

test('The rules of a live cluster can be read anew from the diagram, those of a recording cannot', () => {
  const picture = paint(scene, { service: 'shop/front' });
  assert.equal(offered(picture, live).rereadable, true);
  assert.equal(offered(picture, source).rereadable, false);
});

test('A node that was not read is offered to be read where that can be', () => {
  const unread = { ...scene, nodes: [{ kind: 'unread', name: 'node-1', why: 'not read yet' }] } as const;
  const picture = paint(unread, { service: 'shop/front', node: 'node-1' });
  const { body } = offered(picture, live);
  assert.ok(body.kind === 'nothing' && body.capture === 'node-1');
  assert.deepEqual(offered(picture, source).body, { kind: 'nothing', why: body.why });
});

test('A pod that a recording lacks is not offered', () => {
  const picture = paint(scene, { service: 'shop/front', node: 'node-3' });
  const actions = [
    { action: 'pod', label: 'Open the pod', argument: 'node-3' },
    { action: 'capture', label: 'Read again', argument: 'node-3' },
    { action: 'yaml', label: 'Open YAML' },
  ] as const;
  const finding = { severity: 'error', title: '', text: '', actions } as const;
  const left = (pods: typeof source.objects.pods, kind: 'live' | 'recording') =>
    offered({ ...picture, finding }, { kind, objects: { ...source.objects, pods } }).finding!.actions.map(
      ({ action }) => action,
    );
  assert.deepEqual(left(source.objects.pods, 'live'), ['pod', 'capture', 'yaml']);
  assert.deepEqual(left(source.objects.pods, 'recording'), ['pod', 'yaml']);
  assert.deepEqual(left([], 'live'), ['capture', 'yaml']);
});

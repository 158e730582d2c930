import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressIn, serviceTargets, typedTarget } from '../../src/views/trace-targets.ts';
import { sample } from './sample.ts';

const { objects } = await sample();

test('An address that is typed is offered at once, with what is known of it', () => {
  assert.deepEqual(typedTarget(objects, ' 10.96.76.241:80'), {
    label: '10.96.76.241:80',
    description: 'shop/front: Cluster IP 10.96.76.241:80/TCP (http)',
    target: { kind: 'address', address: '10.96.76.241', port: 80 },
  });
  assert.match(typedTarget(objects, '10.244.1.77')!.description, /in the pod network 10\.244\.1\.0\/24 of node-2/);
  assert.equal(typedTarget(objects, 'fd00:10:96::1')?.target.kind, 'address');
});

test('What is no whole address is none, be it a name, a part of an address or a port', () => {
  for (const typed of ['', 'front', '10.96.', '10.96.0.300', '30080', ':80']) {
    assert.equal(typedTarget(objects, typed), undefined, typed);
    assert.equal(addressIn(typed), undefined, typed);
  }
});

test('Every Service is offered with its VIPs', () => {
  const targets = serviceTargets(objects);
  assert.equal(targets.length, objects.services.length);
  assert.deepEqual(
    targets.find(({ label }) => label === 'shop/front'),
    { label: 'shop/front', description: '10.96.76.241', target: { kind: 'service', key: 'shop/front' } },
  );
});

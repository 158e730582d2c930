import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Pod, Service } from '../../src/kubernetes/objects.ts';
import { editDistance, nearestTo, selectedPods, targetOn } from '../../src/diagnosis/selector.ts';

function pod(name: string, labels: Record<string, string>, namespace = 'shop'): Pod {
  return { metadata: { name, namespace, labels } };
}

function selecting(selector: Record<string, string>): Service {
  return { metadata: { name: 'front', namespace: 'shop' }, spec: { selector } };
}

const pods = [
  pod('front-1', { app: 'front', tier: 'web' }),
  pod('front-2', { app: 'front', tier: 'web' }),
  pod('cart-1', { app: 'cart', 'app.kubernetes.io/name': 'basket' }),
  pod('billing-1', { app: 'billing' }, 'finance'),
];

function nearest(selector: Record<string, string>): string {
  const found = nearestTo(selecting(selector), pods);
  if (!found) return 'nothing';
  const who = found.pods.map((p) => p.metadata.name).join(' ');
  if (found.kind === 'namespace') return `in ${found.namespace}: ${who}`;
  return `${found.wanted} ${found.kind === 'label' ? `is ${found.has}` : 'too much'}: ${who}`;
}

describe('a selector', () => {
  test('selects the pods of its own namespace that have all of its labels', () => {
    const selected = (selector: Record<string, string>) =>
      selectedPods(selecting(selector), pods).map((p) => p.metadata.name);
    assert.deepEqual(selected({ app: 'front' }), ['front-1', 'front-2']);
    assert.deepEqual(selected({ app: 'front', tier: 'db' }), []);
    assert.deepEqual(selected({ app: 'billing' }), []);
    assert.deepEqual(selected({}), [], 'an empty selector selects nothing, unlike elsewhere in Kubernetes');
  });

  test('leaves out pods that have ended', () => {
    const ended: Pod = { ...pod('front-0', { app: 'front' }), status: { phase: 'Succeeded' } };
    assert.deepEqual(selectedPods(selecting({ app: 'front' }), [ended]), []);
  });
});

describe('a selector that matches nothing', () => {
  test('is told the label that is nearest to it', () => {
    assert.equal(nearest({ app: 'frnt' }), 'app=frnt is app=front: front-1 front-2');
    assert.equal(nearest({ app: 'Front' }), 'app=Front is app=front: front-1 front-2');
    assert.equal(nearest({ app: 'front', tier: 'wbe' }), 'tier=wbe is tier=web: front-1 front-2');
  });

  test('is told of the same value under another key', () => {
    assert.equal(nearest({ app: 'basket' }), 'app=basket is app.kubernetes.io/name=basket: cart-1');
  });

  test('is told of the one label that is too much', () => {
    assert.equal(nearest({ app: 'front', version: 'v2' }), 'version=v2 too much: front-1 front-2');
  });

  test('is told of the namespace where it would match', () => {
    assert.equal(nearest({ app: 'billing' }), 'in finance: billing-1');
  });

  test('is told nothing where nothing is near', () => {
    assert.equal(nearest({ app: 'elasticsearch' }), 'nothing');
    assert.equal(nearest({}), 'nothing');
  });
});

test('the distance of two words counts insertions, deletions, replacements and swaps', () => {
  assert.equal(editDistance('front', 'front'), 0);
  assert.equal(editDistance('frnt', 'front'), 1);
  assert.equal(editDistance('forn', 'front'), 2);
  assert.equal(editDistance('fornt', 'front'), 1);
  assert.equal(editDistance('', 'front'), 5);
});

describe("a Service's targetPort on a pod", () => {
  const nginx: Pod = {
    metadata: { name: 'front-1', namespace: 'shop' },
    spec: { containers: [{ name: 'nginx', ports: [{ name: 'http', containerPort: 8080 }] }] },
  };

  test('that is a number needs no declaration', () => {
    assert.deepEqual(targetOn(nginx, 9999, 80, 'TCP'), { kind: 'port', port: 9999 });
    assert.deepEqual(targetOn(nginx, 8080, 80, 'TCP'), { kind: 'port', port: 8080, container: 'nginx' });
  });

  test('that is absent is the port itself', () => {
    assert.deepEqual(targetOn(nginx, undefined, 80, 'TCP'), { kind: 'port', port: 80 });
  });

  test('that is a name needs a container port of that name and protocol', () => {
    assert.deepEqual(targetOn(nginx, 'http', 80, 'TCP'), { kind: 'port', port: 8080, container: 'nginx' });
    assert.deepEqual(targetOn(nginx, 'http', 80, 'UDP'), { kind: 'no-such-name', has: ['http (8080/TCP)'] });
    assert.deepEqual(targetOn(nginx, 'web', 80, 'TCP'), { kind: 'no-such-name', has: ['http (8080/TCP)'] });
  });
});

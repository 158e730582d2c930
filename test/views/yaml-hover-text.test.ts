import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sceneOf } from '../../src/views/scene.ts';
import { meantBy, yamlHoverText } from '../../src/views/yaml-hover-text.ts';
import { serviceAt } from '../../src/views/yaml-service.ts';
import { SAMPLE_YAML, sample, unescaped } from './sample.ts';

const source = await sample();

function says(text: string, needle: string): string {
  const yaml = serviceAt(text, text.indexOf(needle) + needle.length - 1);
  assert.ok(yaml, `nothing at ${needle}`);
  return unescaped(yamlHoverText(yaml, sceneOf(source), 'prod-eu'));
}

test('A Service: its VIP, its endpoints, and what a packet meets on each node', () => {
  const text = says(SAMPLE_YAML, 'kind: Service\nmetadata:\n  name: front');
  assert.match(text, /^\*\*shop\/front\*\* in prod-eu · `10\.96\.76\.241` · 3 endpoints/);
  assert.match(text, /node-1, node-2: 3 of 3/);
  assert.match(text, /node-3: \*\*2 of 3, 1 stale: 10\.244\.1\.1 is cart-\S+ now\*\*/);
  assert.match(text, /\[Rules on node-3\]\(command:serviceTraffic\.openRules\?/);
});

test('Ports that fare alike are told together', () => {
  const text = says(SAMPLE_YAML, 'kind: Service\nmetadata:\n  name: front');
  assert.equal(text.match(/node-1, node-2: 3 of 3/g)?.length, 1);
  assert.match(text, /`:80 → 8080` http, `:443 → 8443` https/);
});

test('A Service whose pods are not ready', () => {
  assert.match(says(SAMPLE_YAML, 'kind: Service\nmetadata:\n  name: slow'), /0 of 2 ready/);
});

test('A selector lists its pods with their nodes', () => {
  const text = says(SAMPLE_YAML, 'namespace: shop\nspec:\n  selector:\n    app: front');
  assert.match(text, /`app=front` matches 3 pods of shop/);
  assert.equal(text.match(/\$\(pass\)/g)?.length, 3);
});

test('A Service without a namespace is the only one of its name', () => {
  const yaml = serviceAt('kind: Service\nmetadata: {name: front}\n', 30)!;
  assert.equal(meantBy(yaml, source.objects)?.service.metadata.namespace, 'shop');
  const twice = {
    ...source.objects,
    services: [...source.objects.services, { metadata: { name: 'front', namespace: 'other' }, spec: {} }],
  };
  assert.equal(meantBy(yaml, twice), undefined);
});

test('A name that a template makes is taken for the only Service that it fits', () => {
  const text = 'kind: Service\nmetadata:\n  name: {{ .Values.prefix }}-anyway\n  namespace: shop\n';
  assert.match(says(text, 'anyway'), /\*\*shop\/slow-anyway\*\*/);
  assert.match(says(text.replace('-anyway', '-nowhere'), 'nowhere'), /no single Service of prod-eu fits it/);
});

test('A selector that nothing has, and no label near', () => {
  const text = 'kind: Service\nmetadata: {name: x, namespace: shop}\nspec:\n  selector: {quite: different}\n';
  assert.equal(says(text, 'quite').replace(/<span.*?<\/span> /, ''), '`quite=different` matches no pod of shop.');
});

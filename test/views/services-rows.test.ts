import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterObjects, Service } from '../../src/kubernetes/objects.ts';
import { programmingOf } from '../../src/translation/headline.ts';
import { storyOf } from '../../src/translation/service.ts';
import { sceneOf } from '../../src/views/scene.ts';
import {
  endpointRows,
  halves,
  namespaceRows,
  nodeRows,
  portRows,
  serviceRows,
  type Arrangement,
} from '../../src/views/services-rows.ts';
import { servicesText } from '../../src/views/services-text.ts';
import { sample } from './sample.ts';

const source = await sample();
const scene = sceneOf(source);
const nothing: Arrangement = { filter: '', order: 'name', programming: () => undefined };
const knowing = (key: string) => {
  const service = source.objects.services.find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === key)!;
  return programmingOf(scene, storyOf(source.objects, service));
};

function texts(arrangement: Arrangement, namespace = 'shop'): readonly string[] {
  return serviceRows(source.objects, namespace, arrangement).map((row) => {
    const { label, description } = servicesText(row, arrangement.programming);
    return `${label} · ${description}`;
  });
}

test('Before the nodes are known, the API alone speaks', () => {
  const rows = texts(nothing);
  assert.equal(rows.length, 18);
  assert.ok(rows.includes('front · ClusterIP 10.96.76.241:80,443 · 3 endpoints'), rows.join('\n'));
  assert.ok(rows.includes('slow · 0 of 2 ready · ClusterIP 10.96.179.64:80'));
  assert.ok(rows.includes('front-headless · headless · 3 endpoints'));
});

test('A Service is called good where nodes were read and show it; else that is open, or pending', () => {
  const [db] = serviceRows(source.objects, 'shop', { ...nothing, filter: 'db' });
  const read = knowing('shop/db');
  const shown = (programming: typeof read): readonly string[] => {
    const { icon, mark } = servicesText(db!, () => programming);
    return [icon, mark];
  };
  assert.deepEqual(shown(read), ['pass', 'good']);
  assert.deepEqual(shown({ ...read, read: 0, programmed: 0 }), ['circle-outline', 'quiet']);
  assert.deepEqual(shown({ ...read, pending: ['node-1'] }), ['history', 'quiet']);
});

test('In order of trouble: wrong on a node, nothing answers, healthy, no rules', () => {
  const names = texts({ ...nothing, order: 'trouble', programming: knowing }).map((text) => text.split(' · ')[0]);
  const place = (name: string): number => names.indexOf(name);
  assert.ok(place('front') < place('typo') && place('typo') < place('db') && place('db') < place('partner'));
  const namespaces = namespaceRows(source.objects, { ...nothing, order: 'trouble', programming: knowing });
  assert.deepEqual(
    namespaces.map((row) => row.id),
    ['ns/shop', 'ns/default'],
  );
});

test('A filter finds by VIP, node port, label, type and name, all words at once', () => {
  const names = (filter: string): readonly string[] =>
    texts({ ...nothing, filter }).map((text) => text.split(' · ')[0]!);
  assert.deepEqual(names('10.96.76.241'), ['front']);
  assert.deepEqual(names('30090'), ['cart-local']);
  assert.deepEqual(names('nodeport cart'), ['cart-local']);
  assert.deepEqual(names('no such thing'), []);
  assert.deepEqual(
    namespaceRows(source.objects, { ...nothing, filter: 'front' }).map(({ id }) => id),
    ['ns/shop'],
  );
});

test('Below a port: endpoints with node and zone, and nodes with what they do', () => {
  const story = storyOf(
    source.objects,
    source.objects.services.find(({ metadata }) => metadata.name === 'front')!,
  );
  const [http] = portRows(story);
  assert.ok(http?.kind === 'port');
  assert.deepEqual(
    halves(story, http.port).map(({ kind }) => kind),
    ['endpoints', 'on-nodes'],
  );
  const endpoints = endpointRows(scene, story, http.port).map((row) => servicesText(row, knowing));
  assert.deepEqual(
    endpoints.map(({ mark }) => mark),
    ['good', 'good', 'error'],
  );
  assert.match(endpoints[2]!.description, /^unknown to node-3 · 10\.244\.2\.4:8080 · node-3 zone-2 · ready$/);
  const nodes = nodeRows(scene, story, http.port).map((row) => servicesText(row, knowing));
  assert.deepEqual(
    nodes.map(({ mark }) => mark),
    ['good', 'error'],
  );
});

test('A Service without rules says why', () => {
  const headless = storyOf(
    source.objects,
    source.objects.services.find(({ metadata }) => metadata.name === 'front-headless')!,
  );
  const [note] = portRows(headless);
  assert.equal(note?.kind, 'note');
  assert.match(servicesText(note!, knowing).label, /^headless: DNS answers/);
});

test('The top of 5,000 Services is there at once', () => {
  const services = Array.from({ length: 5000 }, (_, i): Service => ({
    metadata: { name: `s${i}`, namespace: `ns${i % 50}` },
    spec: { type: 'ClusterIP', clusterIP: `10.100.${i >> 8}.${i & 255}`, ports: [{ port: 80 }] },
  }));
  const objects: ClusterObjects = { ...source.objects, services, endpointSlices: [] };
  const start = performance.now();
  const rows = namespaceRows(objects, nothing);
  assert.equal(rows.length, 50);
  assert.equal(serviceRows(objects, 'ns7', nothing).length, 100);
  assert.ok(performance.now() - start < 1000, `${performance.now() - start} ms`);
});

test('Of a thousand nodes a few are named', () => {
  const [first] = serviceRows(source.objects, 'shop', nothing).filter(({ id }) => id === 'svc/shop/front');
  const names = Array.from({ length: 1000 }, (_, i) => `node-${i + 1}`);
  const none = { ...knowing('shop/front'), wrong: [], pending: [], refusing: [] };
  for (const state of ['wrong', 'pending', 'refusing']) {
    const { tooltip } = servicesText(first!, () => ({ ...none, [state]: names }));
    assert.match(tooltip.replaceAll('\\', ''), /node-1, node-2, node-3, node-4, node-5 and 995 more/, state);
    assert.ok(tooltip.length < 1000, state);
  }
  const port = portRows((first as typeof first & { kind: 'service' }).story)[0]!;
  assert.ok(port.kind === 'port');
  const [row] = nodeRows(scene, port.story, port.port);
  assert.ok(row?.kind === 'nodes');
  assert.ok(servicesText({ ...row, nodes: names }, () => undefined).tooltip.length < 1000);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storyIn } from '../../src/translation/scene.ts';
import { wayId } from '../../src/translation/service.ts';
import { sceneOf } from '../../src/views/scene.ts';
import { readTraceQuery, tellTrace, type TraceQuery } from '../../src/views/trace-query.ts';
import { sample } from './sample.ts';

const source = await sample();
const scene = sceneOf(source);
const front = storyIn(
  scene,
  source.objects.services.find(({ metadata }) => metadata.name === 'front')!,
);
const query: TraceQuery = {
  kind: 'service',
  node: 'node-3',
  service: 'shop/front',
  port: '80/TCP',
  way: wayId(front.ports[0]!.ways[0]!),
  client: 'pod',
};

test('A Service is traced, with links that lead to the very lines', () => {
  const { text, links } = tellTrace(query, scene);
  assert.match(text, /^shop\/front from a pod on node-3 /);
  assert.match(text, /10\.244\.1\.1:8080 {2}33\.3 % {2}stale/);
  assert.ok(links.length >= 6);
  const lines = text.split('\n');
  for (const { line, start, end, place } of links) assert.equal(lines[line]!.slice(start, end), `line ${place.line}`);
});

test('A query survives the address of its document', () => {
  assert.deepEqual(readTraceQuery(JSON.stringify(query)), query);
  for (const bad of [
    '',
    '{',
    '[]',
    'null',
    '{"kind":"service"}',
    '{"kind":"packet","node":"a","from":"b","to":"c","protocol":"tcp","port":"80"}',
  ])
    assert.equal(readTraceQuery(bad), undefined, bad);
});

test('Any packet is traced: a ping to a VIP keeps its destination', () => {
  const { text } = tellTrace(
    { kind: 'packet', node: 'node-1', from: '10.244.0.1', to: '10.96.76.241', protocol: 'icmp' },
    scene,
  );
  assert.match(text, /an echo request/);
  assert.match(text, /10\.96\.76\.241 {2}not translated/);
});

test('What cannot be traced is said in words', () => {
  const packet = {
    kind: 'packet',
    node: 'node-1',
    from: 'local',
    to: '10.96.0.1',
    port: 443,
    protocol: 'tcp',
  } as const;
  assert.match(tellTrace({ ...packet, node: 'node-9' }, scene).text, /no node node-9/);
  assert.match(tellTrace({ ...packet, to: 'nowhere' }, scene).text, /nowhere is no address/);
  assert.match(tellTrace({ ...packet, from: 'fd00::1' }, scene).text, /different families/);
  assert.match(tellTrace({ ...query, service: 'shop/gone' }, scene).text, /shop\/gone is not in the cluster any more/);
  assert.match(tellTrace({ ...query, port: '81/TCP' }, scene).text, /no such port/);
  const unread = {
    ...scene,
    nodes: [{ kind: 'unread', name: 'node-1', why: 'not read yet', advice: 'Read it.' }],
  } as const;
  assert.equal(tellTrace(packet, unread).text, 'node-1: not read yet\nRead it.\n');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headlineOf, programmingOf, standingsOf } from '../../src/translation/headline.ts';
import { sceneOf, storyNamed } from './scene.ts';

const scene = await sceneOf('1.37-iptables-stale-node');
const line = (key: string) => headlineOf(scene.objects, storyNamed(scene, key));

test('a Service with ready endpoints says how many pods, not how many ports', () => {
  assert.deepEqual(line('shop/front'), { state: 'healthy', words: '3 endpoints' });
});

test('a selector that matches nothing names the label that nearly does', () => {
  assert.deepEqual(line('shop/typo'), {
    state: 'empty',
    words: 'no endpoints: nothing has app=frnt',
    more: '3 pods have app=front instead of app=frnt.',
  });
});

test('a target port that no container has is named, with the names that there are', () => {
  assert.equal(line('shop/wrong-port').words, 'no endpoints: no container port is named web');
  assert.match(line('shop/wrong-port').more ?? '', /http \(8080\/TCP\), https \(8443\/TCP\)/);
});

test('endpoints that are not ready say why', () => {
  assert.deepEqual(line('shop/slow'), {
    state: 'unready',
    words: '0 of 2 ready',
    more: 'readiness probe fails (container slow)',
  });
});

test('headless and ExternalName Services are nothing that rules are written for', () => {
  assert.equal(line('shop/front-headless').state, 'unproxied');
  assert.equal(line('shop/partner').words, 'DNS name of partner.example.com');
});

test('the badge names the node that disagrees', () => {
  assert.deepEqual(programmingOf(scene, storyNamed(scene, 'shop/front')), {
    read: 3,
    programmed: 2,
    refusing: [],
    wrong: ['node-3'],
    pending: [],
    unknown: [],
    badge: 'node-3',
  });
  assert.deepEqual(programmingOf(scene, storyNamed(scene, 'shop/typo')).refusing, ['node-1', 'node-2', 'node-3']);
  assert.equal(programmingOf(scene, storyNamed(scene, 'shop/db')).badge, undefined);
});

test('a node that was read before a change, or while a sync was due, is not wrong: the change is pending there', () => {
  const story = storyNamed(scene, 'shop/front');
  for (const [age, words] of [
    [0, /1 stale: .*; read before its newest change$/],
    [1200, /1 stale: .*; changed 1\.2 s before that$/],
  ] as const) {
    const pending = (_: unknown, node: string) => (node === 'node-3' ? { age, due: 3000 } : undefined);
    const { wrong, pending: waiting, badge } = programmingOf({ ...scene, pending }, story);
    assert.deepEqual([wrong, waiting, badge], [[], ['node-3'], undefined]);
    const [row] = standingsOf({ ...scene, pending }, story, story.ports[0]!).filter(({ title }) => title === 'node-3');
    assert.equal(row?.standing.state, 'pending');
    assert.match(row.standing.words, words);
  }
});

test('nodes that fare alike are one row, and what is stale says whose address it is now', () => {
  const story = storyNamed(scene, 'shop/front');
  assert.deepEqual(
    standingsOf(scene, story, story.ports[0]!).map(({ title, standing }) => [title, standing.state, standing.words]),
    [
      ['node-1, node-2', 'programmed', '3 of 3'],
      ['node-3', 'wrong', '2 of 3, 1 stale: 10.244.1.1 is cart-858f4fdc45-lgsrf now'],
    ],
  );
});

test('a node that was not read is unknown, with its reason, and nobody is accused', () => {
  const unread = { ...scene, nodes: [{ kind: 'unread' as const, name: 'node-1', why: 'not read yet' }] };
  const programming = programmingOf(unread, storyNamed(scene, 'shop/front'));
  assert.deepEqual(programming.unknown, ['node-1']);
  assert.equal(programming.read, 0);
  assert.equal(programming.badge, undefined);
});

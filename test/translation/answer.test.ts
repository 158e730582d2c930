import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clientsFor } from '../../src/translation/clients.ts';
import { answerIn, storyIn } from '../../src/translation/scene.ts';
import { brief as standingOf } from '../../src/translation/standing.ts';
import { answer, brief, sceneOf, wayTo } from './scene.ts';

const stale = await sceneOf('1.37-iptables-stale-node');

describe('What a node does with a Service, where kube-proxy died on node-3 before a rollout', () => {
  test('node-1 and node-2 send a third to each of the three pods', () => {
    const expected = ['10.244.0.1:8080 33.3 %', '10.244.2.1:8080 33.3 %', '10.244.2.4:8080 33.3 %'];
    const front = wayTo(stale, 'shop/front');
    assert.deepEqual(brief(answer(stale, front, 'pod', 'node-1')), expected);
    assert.deepEqual(brief(answer(stale, front, 'pod', 'node-2')), expected);
  });

  test('in a few words, an endpoint that its rules lack is named, and more are counted', () => {
    const answered = answer(stale, wayTo(stale, 'shop/cart'), 'pod', 'node-3');
    assert.ok(answered.kind === 'traced');
    const { words } = standingOf(answered);
    assert.match(words, /^2 of 3, 10\.244\.1\.\d+ is missing$/);
    const [lacking] = answered.idle;
    const two = standingOf({ ...answered, idle: [lacking!, lacking!] });
    assert.equal(two.words, words.replace('2 of 3', '2 of 4').replace('is missing', 'and 1 more are missing'));
  });

  test("node-3 sends a third to an address that is a cart pod's by now, and nothing to the pod that came instead", () => {
    const answered = answer(stale, wayTo(stale, 'shop/front'), 'pod', 'node-3');
    assert.deepEqual(brief(answered), [
      '10.244.0.1:8080 33.3 %',
      'stranger 10.244.1.1:8080 33.3 %!',
      '10.244.2.1:8080 33.3 %',
    ]);
    assert.equal(answered.kind, 'traced');
    const [stranger] = answered.streams.filter(({ end }) => end.kind === 'stranger');
    assert.equal(stranger?.end.kind === 'stranger' && stranger.end.now, 'cart-858f4fdc45-lgsrf');
    assert.deepEqual(
      answered.idle.map(({ endpoint, reason, unexpected }) => [endpoint.pod, reason, unexpected]),
      [['front-86f8476988-mmb8r', 'ready, but not in its rules', true]],
    );
  });

  test('the rules behind a stream end in the one that translates to its pod', () => {
    const answered = answer(stale, wayTo(stale, 'shop/front'), 'pod', 'node-3');
    assert.equal(answered.kind, 'traced');
    for (const { end, outcomes } of answered.streams) {
      const address = end.kind === 'endpoint' ? end.endpoint.address : end.kind === 'stranger' ? end.address : '';
      const dnat = outcomes[0]?.path.find((step) => step.effect === 'dnat');
      assert.match(dnat?.rule ?? '', new RegExp(`--to-destination ${address}:8080`));
    }
  });

  test('a Service without ready endpoints is refused, and that is as it should be', () => {
    const slow = answer(stale, wayTo(stale, 'shop/slow'), 'pod', 'node-1');
    assert.deepEqual(brief(slow), ['reject 100.0 %']);
    assert.equal(slow.kind, 'traced');
    assert.deepEqual(
      slow.idle.map(({ reason, unexpected }) => [reason, unexpected]),
      [
        ['readiness probe fails (container slow)', false],
        ['readiness probe fails (container slow)', false],
      ],
    );
  });

  test('an internal traffic policy of Local keeps to the node, and drops where it has no endpoint', () => {
    const cache = wayTo(stale, 'shop/node-cache');
    assert.deepEqual(brief(answer(stale, cache, 'pod', 'node-1')), ['10.244.0.2:9090 100.0 %']);
    const local = answer(stale, cache, 'pod', 'node-1');
    assert.equal(local.kind, 'traced');
    assert.deepEqual(
      local.idle.map(({ reason }) => reason),
      ['internalTrafficPolicy: Local, and it runs on node-2', 'internalTrafficPolicy: Local, and it runs on node-3'],
    );
    // node-2's only one came after kube-proxy died on node-3, whose rules say that node-2 has none; on node-2 it is there.
    assert.deepEqual(brief(answer(stale, cache, 'pod', 'node-2')), ['10.244.1.1:9090 100.0 %']);
  });

  test('topology hints keep a node to its zone, and say so of the others', () => {
    const zone = answer(stale, wayTo(stale, 'shop/front-zone'), 'pod', 'node-1');
    assert.deepEqual(brief(zone), ['10.244.0.1:8080 100.0 %']);
    assert.equal(zone.kind, 'traced');
    assert.deepEqual(
      zone.idle.map(({ reason, unexpected }) => [reason, unexpected]),
      [
        ['topology hints keep it for zone-2', false],
        ['topology hints keep it for zone-2', false],
      ],
    );
  });

  test('who is in no source range is dropped, and who is in one is not', () => {
    const balancer = wayTo(stale, 'shop/public', 'loadBalancerIP');
    assert.deepEqual(brief(answer(stale, balancer, 'outside-refused', 'node-1')), ['drop 100.0 %']);
    const through = brief(answer(stale, balancer, 'outside', 'node-1'));
    assert.equal(through.length, 3);
    assert.ok(through.every((line) => line.endsWith('masqueraded')));
  });

  test('a ping of a cluster IP is translated by nobody in iptables mode, and that is no fault', () => {
    const ping = answer(stale, wayTo(stale, 'shop/front'), 'ping', 'node-1');
    assert.deepEqual(brief(ping), ['untranslated 100.0 %']);
    assert.equal(
      ping.kind === 'traced' &&
        ping.streams[0]?.end.kind === 'untranslated' &&
        ping.streams[0].end.why.startsWith('no answer'),
      true,
    );
  });
});

test('a ping of a cluster IP is refused in nftables mode', async () => {
  const scene = await sceneOf('1.33-nftables');
  assert.deepEqual(brief(answer(scene, wayTo(scene, 'shop/front'), 'ping', 'node-1')), ['reject 100.0 %']);
});

/** Every question that can be asked about a recording whose answer is not as the API means it. */
async function disagreements(
  recording: string,
): Promise<{ readonly asked: number; readonly wrong: readonly string[] }> {
  const scene = await sceneOf(recording);
  const wrong: string[] = [];
  let asked = 0;
  for (const service of scene.objects.services) {
    const story = storyIn(scene, service);
    for (const port of story.ports)
      for (const way of port.ways)
        for (const client of clientsFor(service, way))
          for (const node of scene.nodes) {
            asked++;
            const { state, words } = standingOf(answerIn(scene, story, port, way, client, node));
            const to = way.address === '127.0.0.1' ? 'loopback' : `IPv${way.family}`;
            if (state === 'wrong') wrong.push(`${story.key} ${way.kind} ${to} ${client} ${node.name}: ${words}`);
          }
  }
  return { asked, wrong };
}

describe('In a recording that kube-proxy kept up to date no node disagrees with the API, for any Service, way in and client', () => {
  for (const recording of [
    '1.20-iptables-legacy',
    '1.22-iptables-legacy',
    '1.24-iptables-nft',
    '1.28-iptables-nft',
    '1.29-nftables',
    '1.33-iptables-nft',
    '1.33-nftables',
    '1.34-iptables-legacy-masqall',
    '1.35-nftables',
    '1.36-iptables-nft-nocidr',
    '1.37-iptables-legacy',
    '1.37-iptables-nft',
  ])
    test(recording, async () => {
      const { asked, wrong } = await disagreements(recording);
      assert.ok(asked > 100, `only ${asked} questions`);
      assert.deepEqual(wrong, []);
    });
});

test('rules that iptables mode left behind still serve node ports on loopback, which nftables mode does not', async () => {
  const { wrong } = await disagreements('1.37-nftables');
  assert.equal(wrong.length, 12);
  for (const line of wrong)
    assert.match(line, /^shop\/\S+ nodePort loopback node node-\d: \d stale: \S+ should get none/);
});

test('rules that another backend kept act where the newer ones translate nothing', async () => {
  const { wrong } = await disagreements('1.37-iptables-both-backends');
  assert.deepEqual(wrong, [
    'shop/cart-local nodePort IPv4 outside node-2: 1 stale: 10.244.1.2 is gone',
    'shop/node-cache clusterIP IPv4 pod node-2: 1 stale: 10.244.1.2 is gone',
    'shop/node-cache clusterIP IPv4 node node-2: 1 stale: 10.244.1.2 is gone',
    'shop/node-cache clusterIP IPv4 outside node-2: 1 stale: 10.244.1.2 is gone',
    'shop/public-local loadBalancerIP IPv4 outside node-2: 1 stale: 10.244.1.2 is gone',
    'shop/public-local nodePort IPv4 outside node-2: 1 stale: 10.244.1.2 is gone',
  ]);
});

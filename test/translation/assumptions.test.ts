import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { paint } from '../../src/translation/paint.ts';
import type { Scene } from '../../src/translation/scene.ts';
import { sceneOf } from './scene.ts';

const recorded = await sceneOf('1.37-iptables-stale-node');
const SEEN = 'the source was seen less than 600 s ago';

/** node-1, as if its rules asked for something that nobody knows: if it holds, everything goes to the first end. */
const scene: Scene = {
  objects: recorded.objects,
  nodes: recorded.nodes.slice(0, 1).map((node) =>
    node.kind === 'unread'
      ? node
      : {
          ...node,
          trace: (packet) => {
            const outcomes = node.trace(packet);
            return [
              { ...outcomes[0]!, probability: 1, assumptions: [{ words: SEEN, holds: true }] },
              ...outcomes.map((outcome) => ({ ...outcome, assumptions: [{ words: SEEN, holds: false }] })),
            ];
          },
        },
  ),
};

function ends(settled: Readonly<Record<string, boolean>>) {
  const { body } = paint(scene, { service: 'shop/front', settled });
  assert.equal(body.kind, 'node');
  return {
    shares: body.ends.map(({ title, shareWords }) => `${title.slice(-5)} ${shareWords}`),
    assumptions: body.assumptions,
    streams: body.streams.map((stream) => stream.assumptions.join()),
  };
}

describe('What neither packet nor rules decide', () => {
  test('is told with each stream that rests on it, and shares are from least to most', () => {
    const open = ends({});
    assert.deepEqual(open.shares, ['92hnx 33.3 % to 100 %', '5mjmj 0 % to 33.3 %', 'mmb8r 0 % to 33.3 %']);
    assert.deepEqual(open.assumptions, [{ words: SEEN }]);
    assert.deepEqual([...new Set(open.streams)].sort(), [`if ${SEEN}`, `unless ${SEEN}`]);
  });

  test('can be settled: then only what follows is shown, and it rests on nothing', () => {
    const yes = ends({ [SEEN]: true });
    assert.deepEqual(yes.shares.slice(0, 1), ['92hnx 100 %']);
    assert.deepEqual(yes.streams, ['']);
    assert.deepEqual(yes.assumptions, [{ words: SEEN, settled: true }]);
    const no = ends({ [SEEN]: false });
    assert.deepEqual(no.shares, ['92hnx 33.3 %', '5mjmj 33.3 %', 'mmb8r 33.3 %']);
    assert.deepEqual(no.assumptions, [{ words: SEEN, settled: false }]);
  });
});

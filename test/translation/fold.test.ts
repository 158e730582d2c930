import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fold, MOST_ENDS } from '../../src/translation/fold.ts';
import type { EndCard, NodePicture } from '../../src/translation/picture.ts';
import { percent } from '../../src/diagnosis/shares.ts';

/** So many endpoints on so many nodes in two zones; the last is stale. */
function picture(endpoints: number, nodes: number): NodePicture {
  const share = 1 / endpoints;
  const ends = Array.from({ length: endpoints }, (_, i): EndCard => {
    const wrong = i === endpoints - 1;
    return {
      id: `10.0.0.${i}:80`,
      title: `pod-${i}`,
      code: `10.0.0.${i}:80`,
      note: wrong ? 'no endpoint' : 'ready',
      mark: wrong ? 'wrong' : 'good',
      share,
      shareWords: percent(share),
      condition: 'ready',
      ...(!wrong && { node: `node-${i % nodes}`, zone: `zone-${(i % nodes) % 2}` }),
    };
  });
  const card = { title: 'x' };
  return {
    kind: 'node',
    node: 'node-0',
    client: card,
    service: card,
    rules: card,
    ends,
    streams: ends.map(({ id, mark }, i) => ({
      id: `${id} ${i}`,
      end: id,
      share,
      shareWords: percent(share),
      mark: mark === 'wrong' ? 'wrong' : 'good',
      masquerade: false,
      assumptions: [],
      words: '',
      rules: [i],
    })),
    ruleLines: [],
    assumptions: [],
  };
}

describe('Many endpoints', () => {
  test('are shown one by one as long as there are few', () => {
    const folded = fold(picture(MOST_ENDS, 3));
    assert.equal(folded.ends.length, MOST_ENDS);
    assert.ok(folded.ends.every((end) => end.holds.length === 1));
  });

  test('are folded by node, and what is wrong stays for itself', () => {
    const folded = fold(picture(1001, 10));
    assert.deepEqual(folded.ends.map((end) => end.title).slice(0, 2), [
      '100 endpoints on node-0',
      '100 endpoints on node-1',
    ]);
    assert.equal(folded.ends.length, 11);
    assert.equal(folded.ends.at(-1)?.title, 'pod-1000');
  });

  test('are folded by zone where there are too many nodes', () => {
    const folded = fold(picture(1001, 100));
    assert.deepEqual(
      folded.ends.map((end) => end.title),
      ['500 endpoints in zone-0', '500 endpoints in zone-1', 'pod-1000'],
    );
    assert.equal(folded.ends[0]?.note, 'ready · each 0.1 %');
  });

  test('keep their shares: all streams together are 1, folded or opened', () => {
    const whole = picture(1001, 100);
    const zone = fold(whole).ends[0]!.id;
    for (const open of [new Set<string>(), new Set([zone])]) {
      const { streams, ends } = fold(whole, open);
      const sum = streams.reduce((total, stream) => total + stream.share, 0);
      assert.ok(Math.abs(sum - 1) < 1e-9);
      const known = new Set(ends.map((end) => end.id));
      assert.ok(streams.every((stream) => known.has(stream.end)));
    }
    assert.equal(fold(whole, new Set([zone])).ends.length, 502);
  });
});

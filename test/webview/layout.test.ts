import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fold } from '../../src/translation/fold.ts';
import { paint } from '../../src/translation/paint.ts';
import { LEAST_WIDTH, layout, MARGIN } from '../../src/webview/layout.ts';
import { sceneOf } from '../translation/scene.ts';

const scene = await sceneOf('1.37-iptables-stale-node');
const { body } = paint(scene, { service: 'shop/front' });
assert.equal(body.kind, 'node');
const at = (width: number) => layout(body, fold(body), width);

describe('The layout of one node', () => {
  test('is the same text for the same picture and width', () => {
    assert.deepEqual(
      at(1240).ribbons.map((ribbon) => ribbon.path),
      [
        'M206 102 C239 102 239 102 272 102 L272 198 C239 198 239 198 206 198 Z',
        'M458 102 C491 102 491 102 524 102 L524 198 C491 198 491 198 458 198 Z',
        'M746 102 C812 102 812 50 878 50 L878 82 C812 82 812 134 746 134 Z',
        'M746 134 C812 134 812 134 878 134 L878 166 C812 166 812 166 746 166 Z',
        'M746 166 C812 166 812 218 878 218 L878 250 C812 250 812 198 746 198 Z',
      ],
    );
  });

  test('gives each stream the width of its share', () => {
    const [first, , ...streams] = at(1240).ribbons;
    for (const ribbon of streams) assert.ok(Math.abs(ribbon.width - first!.width * ribbon.stream!.share) < 0.01);
    const sum = streams.reduce((total, ribbon) => total + ribbon.width, 0);
    assert.ok(Math.abs(sum - first!.width) < 0.05);
  });

  test('keeps everything within the width, and cards apart', () => {
    for (const width of [LEAST_WIDTH, 1000, 1240, 2400]) {
      const placed = at(width);
      const boxes = [...placed.cards, ...placed.ends];
      for (const box of boxes) {
        assert.ok(box.x >= MARGIN && box.x + box.width <= width - MARGIN + 1, `${width}: ${box.x}+${box.width}`);
        assert.ok(box.y >= 0 && box.y + box.height <= placed.height);
      }
      for (const [i, a] of boxes.entries())
        for (const b of boxes.slice(i + 1)) {
          const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
          assert.ok(apart, `${width}: cards overlap`);
        }
    }
  });

  test('does not shrink below what can be read', () => {
    assert.equal(at(300).width, LEAST_WIDTH);
  });

  test('lets no two streams cross', () => {
    const starts = at(1240)
      .ribbons.slice(2)
      .map((ribbon) => Number(/^M\S+ (\S+) /.exec(ribbon.middle)![1]));
    const ends = at(1240)
      .ribbons.slice(2)
      .map((ribbon) => Number(/ (\S+)$/.exec(ribbon.middle)![1]));
    assert.deepEqual(
      starts,
      [...starts].sort((a, b) => a - b),
    );
    assert.deepEqual(
      ends,
      [...ends].sort((a, b) => a - b),
    );
  });
});

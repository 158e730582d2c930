import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { paint } from '../../src/translation/paint.ts';
import { isSelection, readToPage, readToPanel } from '../../src/views/diagram/protocol.ts';
import { sceneOf } from '../translation/scene.ts';

describe('Messages between panel and page', () => {
  test('pass where they are of the protocol', async () => {
    const picture = paint(await sceneOf('1.37-iptables-stale-node'), { service: 'shop/front' });
    const selection = picture.selection;
    for (const message of [
      { type: 'ready' },
      { type: 'ready', selection },
      { type: 'choose', selection },
      { type: 'openRule', node: 'node-3', dump: 'iptables-save.txt', line: 12 },
      { type: 'copy', text: '' },
      { type: 'act', action: 'pod', argument: 'node-3' },
      { type: 'refresh' },
      { type: 'problem', text: 'TypeError' },
    ])
      assert.equal(readToPanel(message), message, JSON.stringify(message));
    for (const message of [
      { type: 'words', words: { Node: 'Knoten' } },
      { type: 'picture', picture, now: 1 },
      { type: 'busy', busy: true },
    ])
      assert.equal(readToPage(message), message);
  });

  test('are refused where they are not', () => {
    for (const message of [
      undefined,
      null,
      'ready',
      [],
      {},
      { type: 'run', command: 'workbench.action.quit' },
      { type: 'choose' },
      { type: 'choose', selection: { service: 'a', client: 'root' } },
      { type: 'choose', selection: { service: 'a', settled: { x: 'yes' } } },
      { type: 'openRule', node: 'n', dump: 'd', line: 0 },
      { type: 'openRule', node: 'n', dump: 'd', line: '12' },
      { type: 'act', action: 'delete' },
      { type: 'copy', text: 1 },
    ])
      assert.equal(readToPanel(message), undefined, JSON.stringify(message));
    for (const message of [
      { type: 'picture', picture: {}, now: 1 },
      { type: 'picture', now: 1 },
      { type: 'words', words: { a: 1 } },
      { type: 'busy' },
    ])
      assert.equal(readToPage(message), undefined, JSON.stringify(message));
  });

  test('a selection that was kept by another version is checked too', () => {
    assert.equal(isSelection({ service: 'shop/front', node: 3 }), false);
    assert.equal(isSelection({ service: 'shop/front', node: '*', settled: { x: true } }), true);
  });
});

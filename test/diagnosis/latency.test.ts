import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { boundsOf, observed } from '../../src/diagnosis/latency.ts';
import { driftOf, recorded } from './recorded.ts';

describe('programming latency', () => {
  test('of a change that a capture shows is at most the time between the two', async () => {
    const cluster = await recorded('1.37-iptables-stale-node');
    const timeline = observed([], driftOf(cluster, 'node-1'), cluster);
    const cart = timeline.find(({ service }) => service === 'shop/cart')!;
    assert.equal(new Date(cart.changed).toISOString(), '2026-11-23T17:03:16.000Z');
    const bounds = boundsOf(cart)!;
    assert.equal(bounds.least, 0);
    assert.ok(bounds.most >= 9000 && bounds.most <= 11_000, String(bounds.most));
  });

  test('of a change that no capture shows is not known, and is known once one does', async () => {
    const cluster = await recorded('1.37-iptables-stale-node');
    const stale = driftOf(cluster, 'node-3');
    const before = observed([], stale, cluster);
    const cart = before.find(({ service }) => service === 'shop/cart')!;
    assert.equal(boundsOf(cart), undefined);
    assert.equal(cart.notYet, stale.at);

    const healed = driftOf(cluster, 'node-1');
    const later = { ...healed, at: stale.at + 5000 };
    const after = observed(before, later, cluster).find(({ service }) => service === 'shop/cart')!;
    assert.deepEqual(boundsOf(after), { least: stale.at - cart.changed, most: stale.at + 5000 - cart.changed });
  });
});

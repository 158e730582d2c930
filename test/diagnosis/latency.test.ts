import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodeDrift } from '../../src/diagnosis/drift.ts';
import { boundsOf, NO_HISTORY, observed, withCapture, type NodeHistory } from '../../src/diagnosis/latency.ts';
import { readProxyMetrics } from '../../src/diagnosis/proxy-metrics.ts';
import { nodeNetwork } from '../../src/translation/network.ts';
import { driftedPorts, driftOf, recorded } from './recorded.ts';

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

  test('is nearer where kube-proxy says that its last sync was before the capture', async () => {
    const cluster = await recorded('1.37-iptables-stale-node');
    const drift = driftOf(cluster, 'node-1');
    const synced = Date.parse('2026-11-23T17:03:18Z');
    const metrics = readProxyMetrics(`kubeproxy_sync_proxy_rules_last_timestamp_seconds ${synced / 1000}`);
    const timeline = observed([], drift, { ...cluster, metrics });
    const cart = timeline.find(({ service }) => service === 'shop/cart')!;
    assert.deepEqual(boundsOf(cart), { least: 0, most: 2000 });
  });

  test('counts from the trigger of endpoints, not from the watch that told of them a little later; from the watch for any other change', async () => {
    const cluster = await recorded('1.37-iptables-stale-node');
    const drift = driftOf(cluster, 'node-1');
    const trigger = Date.parse('2026-11-23T17:03:16Z');
    const changed = (seen: number) =>
      observed([], drift, { ...cluster, changedAt: () => seen }).find(({ service }) => service === 'shop/cart')
        ?.changed;
    assert.equal(changed(trigger + 700), trigger);
    assert.equal(changed(trigger - 4000), trigger - 4000, "the cluster's clock is ahead of ours");
    const later = { ...drift, at: trigger + 120_000 };
    const spec = observed([], later, { ...cluster, changedAt: () => trigger + 60_000 });
    assert.equal(spec.find(({ service }) => service === 'shop/cart')?.changed, trigger + 60_000);
  });

  test('is told by each capture of what it is the first to show', async () => {
    const cluster = await recorded('1.37-iptables-stale-node');
    const stale = driftOf(cluster, 'node-3');
    const healed = { ...driftOf(cluster, 'node-1'), at: stale.at + 5000 };
    const first = withCapture(NO_HISTORY, stale, cluster);
    const second = withCapture(first, healed, cluster);
    const third = withCapture(second, { ...healed, at: stale.at + 9000 }, cluster);
    const names = (changes: readonly { service: string }[] = []): boolean =>
      changes.some(({ service }) => service === 'shop/cart');
    assert.deepEqual(
      third.moments.map(({ shown, late, pending }) => [names(shown), names(late), names(pending)]),
      [
        [false, false, false],
        [true, false, false],
        [false, true, false],
      ],
    );
    assert.deepEqual(
      third.moments.map(({ drifted }) => drifted),
      [0, 0, driftedPorts(stale).length],
    );
    // What was programmed long before the session is no news.
    const long = withCapture(NO_HISTORY, { ...healed, at: stale.at + 3_600_000 }, cluster);
    assert.deepEqual(long.moments[0]?.shown, []);
    assert.deepEqual(long.changes, [], 'nor is it kept, for each of a thousand nodes');
    const longer = withCapture(long, { ...healed, at: stale.at + 3_605_000 }, cluster);
    assert.deepEqual(longer.moments[0]?.shown, []);
  });

  test('of a deleted Service is known when its rules are gone', async () => {
    const cluster = await recorded('1.37-iptables-nft');
    const { at } = cluster.captures.get('node-1')!;
    const services = cluster.objects.services.filter(({ metadata }) => metadata.name !== 'front');
    const objects = { ...cluster.objects, services };
    const witness = { objects, changedAt: (service: string) => (service === 'shop/front' ? at - 700 : undefined) };
    const told = (history: NodeHistory): unknown => {
      const { shown, pending, late } = history.moments[0]!;
      return [shown, pending, late].map((changes) =>
        changes.map(({ service }) => service).filter((name) => name === 'shop/front'),
      );
    };
    const capture = cluster.captures.get('node-1')!;
    const { network } = nodeNetwork('node-1', objects, capture);
    const first = withCapture(NO_HISTORY, nodeDrift({ ...witness, capture, network }), witness);
    assert.deepEqual(told(first), [[], ['shop/front'], []]);

    const gone = { ...driftOf(cluster, 'node-1'), at: at + 2000 };
    assert.ok(gone.kind === 'compared');
    const families = gone.families.map((family) => ({
      ...family,
      ports: family.ports.filter(({ service }) => service.metadata.name !== 'front'),
    }));
    const second = withCapture(first, { ...gone, families }, witness);
    assert.deepEqual(told(second), [['shop/front'], [], []]);
    const [shown] = second.moments[0]!.shown.filter(({ service }) => service === 'shop/front');
    assert.deepEqual(boundsOf(shown!), { least: 700, most: 2700 });
    assert.deepEqual(told(withCapture(second, { ...gone, families, at: at + 4000 }, witness)), [[], [], []]);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { boundsOf, observed, readProxyMetrics } from '../../src/diagnosis/latency.ts';
import { driftOf, recorded } from './recorded.ts';

describe('programming latency', () => {
  test('of a change that a capture shows is at most the time between the two', async () => {
    const cluster = await recorded('1.37-iptables-stale-node');
    const timeline = observed([], driftOf(cluster, 'node-1'), cluster.objects);
    const cart = timeline.find(({ service }) => service === 'shop/cart')!;
    assert.equal(new Date(cart.changed).toISOString(), '2026-11-23T17:03:16.000Z');
    const bounds = boundsOf(cart)!;
    assert.equal(bounds.least, 0);
    assert.ok(bounds.most >= 9000 && bounds.most <= 11_000, String(bounds.most));
  });

  test('of a change that no capture shows is not known, and is known once one does', async () => {
    const cluster = await recorded('1.37-iptables-stale-node');
    const stale = driftOf(cluster, 'node-3');
    const before = observed([], stale, cluster.objects);
    const cart = before.find(({ service }) => service === 'shop/cart')!;
    assert.equal(boundsOf(cart), undefined);
    assert.equal(cart.notYet, stale.at);

    const healed = driftOf(cluster, 'node-1');
    const later = { ...healed, at: stale.at + 5000 };
    const after = observed(before, later, cluster.objects).find(({ service }) => service === 'shop/cart')!;
    assert.deepEqual(boundsOf(after), { least: stale.at - cart.changed, most: stale.at + 5000 - cart.changed });
  });
});

test("kube-proxy's metrics say when it last wrote, how long that takes, and how late changes are", () => {
  const metrics = readProxyMetrics(
    [
      '# HELP kubeproxy_sync_proxy_rules_last_timestamp_seconds [ALPHA] The last time proxy rules were successfully synced',
      'kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"} 1.763917386e+09',
      'kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv6"} 1.763917380e+09',
      'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family="IPv4"} 1.763917385e+09',
      'kubeproxy_sync_proxy_rules_duration_seconds_sum{ip_family="IPv4"} 0.6',
      'kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv4"} 12',
      'kubeproxy_network_programming_duration_seconds_bucket{ip_family="IPv4",le="0.5"} 40',
      'kubeproxy_network_programming_duration_seconds_bucket{ip_family="IPv4",le="1"} 60',
      'kubeproxy_network_programming_duration_seconds_bucket{ip_family="IPv4",le="2"} 100',
      'kubeproxy_network_programming_duration_seconds_bucket{ip_family="IPv4",le="+Inf"} 100',
      'kubeproxy_sync_proxy_rules_endpoint_changes_pending 3',
      'go_goroutines 80',
    ].join('\n'),
  );
  assert.equal(metrics.lastSync, 1763917386000);
  assert.equal(metrics.lastQueued, 1763917385000);
  assert.equal(Math.round(metrics.syncDuration!), 50);
  assert.deepEqual(metrics.programming, { half: 1000, most: 2000 });
  assert.equal(metrics.pendingEndpointChanges, 3);
  assert.deepEqual(readProxyMetrics('nothing of it'), {
    lastSync: undefined,
    lastQueued: undefined,
    syncDuration: undefined,
    programming: undefined,
    pendingEndpointChanges: undefined,
  });
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { readProxyMetrics, unsynced } from '../../src/diagnosis/proxy-metrics.ts';
import { ofInterest } from '../../src/kubernetes/capture/metrics.ts';

/** As real kube-proxies print them. */
const printed = (name: string): string =>
  readFileSync(path.join(import.meta.dirname, `../kubernetes/metrics/${name}.txt`), 'utf8');

test("kube-proxy's metrics say when each family was last written, how long that takes, and how late changes are", () => {
  const metrics = readProxyMetrics(printed('1.37-iptables'));
  assert.equal(new Date(metrics.families[4].queued!).toISOString(), '2026-11-24T12:20:29.497Z');
  assert.equal(new Date(metrics.families[4].synced!).toISOString(), '2026-11-24T12:20:29.996Z');
  assert.equal(new Date(metrics.families[6].synced!).toISOString(), '2026-11-24T12:20:23.728Z');
  assert.equal(Math.round(metrics.syncDuration!), Math.round(((0.180864943 + 0.077846332) / 5) * 1000));
  assert.deepEqual(metrics.programming, { half: 1000, most: 2000 });
  assert.equal(metrics.pendingChanges, 0);
  assert.equal(metrics.failures, 0);
});

test('a kube-proxy that does not tell its families apart speaks for both', () => {
  const { families, programming } = readProxyMetrics(printed('1.28-iptables'));
  assert.equal(new Date(families[4].synced!).toISOString(), '2026-11-24T12:21:27.564Z');
  assert.deepEqual(families[6], families[4]);
  assert.deepEqual(programming, { half: 2000, most: 2000 });
});

test('the lines that a capture keeps say the same as all of them', () => {
  for (const name of ['1.37-iptables', '1.28-iptables']) {
    const all = printed(name);
    const kept = ofInterest(all);
    assert.ok(kept.length < all.length / 10, `${name}: ${kept.length} of ${all.length} characters`);
    assert.deepEqual(readProxyMetrics(kept), readProxyMetrics(all), name);
  }
});

test('a change that was handed to kube-proxy after its last sync is told for its own family', () => {
  const behind = printed('1.37-iptables').replace(
    /(last_queued_timestamp_seconds\{ip_family="IPv4"\}) \S+/,
    '$1 1.7955228344e+09',
  );
  const metrics = readProxyMetrics(behind);
  assert.equal(unsynced(metrics, 4), 1795522834400);
  assert.equal(unsynced(metrics, 6), undefined);
});

test('two families are one histogram, though a bucket that holds no more than the one before was left out', () => {
  const bucket = (family: number, edge: string, n: number): string =>
    `kubeproxy_network_programming_duration_seconds_bucket{ip_family="IPv${family}",le="${edge}"} ${n}`;
  const { programming } = readProxyMetrics(
    [bucket(4, '0.5', 10), bucket(4, '+Inf', 10), bucket(6, '2', 90), bucket(6, '+Inf', 90)].join('\n'),
  );
  assert.deepEqual(programming, { half: 2000, most: 2000 });
});

test('what is no metric says nothing', () => {
  assert.deepEqual(readProxyMetrics('<html>nothing of it'), {
    families: { 4: { synced: undefined, queued: undefined }, 6: { synced: undefined, queued: undefined } },
    syncDuration: undefined,
    programming: undefined,
    pendingChanges: undefined,
    failures: 0,
  });
});

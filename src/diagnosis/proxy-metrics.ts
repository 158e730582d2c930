/** What kube-proxy's own metrics say of its syncs (metrics.txt of a capture; 127.0.0.1:10249/metrics on the node). */
import type { Dump } from '../kubernetes/source.ts';
import type { Family } from '../netfilter/address.ts';

/** In milliseconds since the epoch, by the node's clock. undefined where kube-proxy did not say. */
export interface SyncTimes {
  /** When the last sync that succeeded ended. */
  readonly synced: number | undefined;
  /** When the last change was handed to it. */
  readonly queued: number | undefined;
}

export interface ProxyMetrics {
  /** Each IP family syncs for itself; kube-proxies before 1.33 tell one time for both. */
  readonly families: Readonly<Record<Family, SyncTimes>>;
  /** The mean duration of a sync, in milliseconds. */
  readonly syncDuration: number | undefined;
  /** Half of, and 99 in 100 of the changes were programmed within so many milliseconds: upper edges of the histogram's buckets. */
  readonly programming: { readonly half: number; readonly most: number } | undefined;
  /** Changes of Services and endpoints that the next sync will bring. */
  readonly pendingChanges: number | undefined;
  /** Syncs that failed since kube-proxy's start. */
  readonly failures: number;
}

interface Sample {
  readonly name: string;
  readonly labels: string;
  readonly value: number;
}

const read = new WeakMap<Dump, ProxyMetrics>();

/** undefined where the capture has no metrics. A dump is read once. */
export function metricsIn(dumps: readonly Dump[]): ProxyMetrics | undefined {
  const dump = dumps.find(({ name }) => name === 'metrics.txt');
  if (!dump) return undefined;
  const known = read.get(dump) ?? readProxyMetrics(dump.text);
  read.set(dump, known);
  return known;
}

/** When the change came that no sync of this family has written yet; undefined where all are written. */
export function unsynced(metrics: ProxyMetrics, family: Family): number | undefined {
  const { synced, queued } = metrics.families[family];
  return queued !== undefined && queued > (synced ?? 0) ? queued : undefined;
}

/** Reads Prometheus' text format; lines that are not understood are passed over. */
export function readProxyMetrics(text: string): ProxyMetrics {
  const samples = text.split('\n').flatMap((line): readonly Sample[] => {
    const found = /^kubeproxy_(\w+?)(?:\{([^}]*)\})? (\S+)/.exec(line);
    const value = Number(found?.[3]);
    return found && !Number.isNaN(value) ? [{ name: found[1]!, labels: found[2] ?? '', value }] : [];
  });
  const values = (name: string): readonly number[] =>
    samples.flatMap((sample) => (sample.name === name ? [sample.value] : []));
  const sum = (...names: readonly string[]): number => names.flatMap(values).reduce((total, value) => total + value, 0);
  const syncs = sum('sync_proxy_rules_duration_seconds_count');
  const pending = [
    ...values('sync_proxy_rules_endpoint_changes_pending'),
    ...values('sync_proxy_rules_service_changes_pending'),
  ];
  const times = (family: Family): SyncTimes => {
    const newest = (name: string): number | undefined => {
      // 0: not once since its start.
      const found = samples.filter((each) => each.name === name && each.value > 0 && isOf(each, family));
      return found.length > 0 ? Math.max(...found.map((each) => each.value)) * 1000 : undefined;
    };
    return {
      synced: newest('sync_proxy_rules_last_timestamp_seconds'),
      queued: newest('sync_proxy_rules_last_queued_timestamp_seconds'),
    };
  };
  return {
    families: { 4: times(4), 6: times(6) },
    syncDuration: syncs > 0 ? (sum('sync_proxy_rules_duration_seconds_sum') / syncs) * 1000 : undefined,
    programming: quantiles(samples),
    pendingChanges: pending.length > 0 ? pending.reduce((total, value) => total + value, 0) : undefined,
    failures: sum('sync_proxy_rules_iptables_restore_failures_total', 'sync_proxy_rules_nftables_sync_failures_total'),
  };
}

function isOf({ labels }: Sample, family: Family): boolean {
  const label = /ip_family="IPv([46])"/.exec(labels)?.[1];
  return label === undefined || Number(label) === family;
}

/** Over both families. A bucket that a recording left out holds what the one before it does. */
function quantiles(samples: readonly Sample[]): ProxyMetrics['programming'] {
  const series = new Map<string, { readonly edge: number; readonly count: number }[]>();
  for (const { name, labels, value } of samples) {
    const edge = /le="([^"]+)"/.exec(labels)?.[1];
    if (name !== 'network_programming_duration_seconds_bucket' || edge === undefined) continue;
    const rest = labels.replace(/,?le="[^"]+"/, '');
    const buckets = series.get(rest) ?? [];
    series.set(rest, buckets);
    buckets.push({ edge: edge === '+Inf' ? Infinity : Number(edge), count: value });
  }
  const all = [...series.values()];
  const within = (limit: number): number =>
    all.reduce((sum, buckets) => sum + Math.max(0, ...buckets.filter((b) => b.edge <= limit).map((b) => b.count)), 0);
  const total = within(Infinity);
  if (total === 0) return undefined;
  const edges = [...new Set(all.flatMap((buckets) => buckets.map(({ edge }) => edge)))].sort((a, b) => a - b);
  const reached = (share: number): number => (edges.find((edge) => within(edge) >= total * share) ?? Infinity) * 1000;
  return { half: reached(0.5), most: reached(0.99) };
}

/** Rows below a node in the Nodes tree: what its kube-proxy says of its syncs, and the node over the captures of the session. */
import { metricsIn, unsynced, type ProxyMetrics } from '../diagnosis/proxy-metrics.ts';
import { seconds } from '../diagnosis/seconds.ts';
import { kubeProxyPod } from '../kubeproxy/pod.ts';
import type { ClusterSource } from '../kubernetes/source.ts';
import { captureIn } from './capture-of.ts';
import { historyIn } from './history.ts';
import { clock } from './moments.ts';
import { factRow, type NodesRow } from './nodes-rows.ts';
import { newestIn, timelineOf, type TimelineEvent } from './timeline.ts';
import { count, t } from './words.ts';

/** More are of no use at a glance. */
const MAXIMUM_EVENTS = 30;

export function latencyRows(source: ClusterSource, node: string): readonly NodesRow[] {
  const capture = captureIn(source.rules(node));
  if (!capture) return [];
  const metrics = metricsIn(capture.dumps);
  const { namespace = 'kube-system', name = 'POD' } = kubeProxyPod(source.objects, node)?.metadata ?? {};
  const logCommand = `kubectl -n ${namespace} logs ${name}`;
  return [...(metrics ? metricsRows(metrics, node, capture.at, logCommand) : []), ...timelineRows(source, node)];
}

function metricsRows(metrics: ProxyMetrics, node: string, at: number, logCommand: string): readonly NodesRow[] {
  const fact = (label: string, value: string, icon: string): NodesRow => factRow(node, label, value, icon);
  const { families, programming, syncDuration, failures } = metrics;
  const synced = Math.max(...[families[4], families[6]].map((times) => times.synced ?? -Infinity));
  const due = [unsynced(metrics, 4), unsynced(metrics, 6)].filter((each) => each !== undefined);
  const last = [
    ...(synced > 0 ? [clock(synced)] : []),
    ...(syncDuration === undefined ? [] : [t('{0} s on average', seconds(syncDuration))]),
    ...(due.length > 0 ? [t('one was due for {0} s', seconds(Math.max(0, at - Math.min(...due))))] : []),
  ].join(' · ');
  return [
    ...(failures > 0
      ? [
          {
            kind: 'problem' as const,
            id: `syncs/${node}`,
            message: count(
              failures,
              '{0} sync failed since kube-proxy’s start',
              '{0} syncs failed since kube-proxy’s start',
            ),
            advice: t('Its log says why: {0}', logCommand),
          },
        ]
      : []),
    ...(last === '' ? [] : [fact(t('Last sync'), last, 'sync')]),
    ...(programming
      ? [
          fact(
            t('Programming'),
            Number.isFinite(programming.most)
              ? t(
                  'half of the changes within {0} s, 99 in 100 within {1} s',
                  seconds(programming.half),
                  seconds(programming.most),
                )
              : t('half of the changes within {0} s', seconds(programming.half)),
            'dashboard',
          ),
        ]
      : []),
  ];
}

/** Of a recording there is one moment, which its other rows tell. */
function timelineRows(source: ClusterSource, node: string): readonly NodesRow[] {
  const history = historyIn(source, node);
  if (source.kind !== 'live' || history.moments.length === 0) return [];
  return [
    {
      kind: 'group',
      id: `timeline/${node}`,
      node,
      label: t('Timeline'),
      value: newestIn(history),
      icon: 'history',
      mark: 'quiet',
      rows: timelineOf(history)
        .slice(0, MAXIMUM_EVENTS)
        .map((event): NodesRow => ({
          kind: 'fact',
          id: `timeline/${node}/${event.at}/${event.kind}`,
          label: clock(event.at),
          value: event.words,
          icon: iconOf(event),
        })),
    },
  ];
}

function iconOf({ kind, mark }: TimelineEvent): string {
  if (kind === 'changed') return 'edit';
  return { good: 'pass', warning: 'clock', error: 'error', quiet: 'circle-outline' }[mark];
}

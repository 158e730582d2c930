/** Findings about a node: how its rules were read, and what its kube-proxy does or fails to do. */
import { keyOf, type ClusterObjects, type Pod } from '../kubernetes/objects.ts';
import type { NodeCapture, NodeRules } from '../kubernetes/source.ts';
import { slicesOf } from '../kubernetes/slices.ts';
import type { ProxiedPort } from '../kubeproxy/services.ts';
import { formatRelease } from '../kubeproxy/version.ts';
import type { Slices } from '../netfilter/slices.ts';
import { finding, type Finding } from './catalogue.ts';
import { proxyPods } from './cluster.ts';
import type { FamilyDrift, NodeDrift } from './drift-types.ts';
import { lastChange, TRIGGER_TIME, type Clock } from './pending.ts';
import { metricsIn, unsynced } from './proxy-metrics.ts';
import { listOf } from './words.ts';

/** What is known of one node. */
export interface NodeView {
  readonly node: string;
  readonly rules: NodeRules;
  /** Present where rules were read. */
  readonly drift: NodeDrift | undefined;
  /** When a watch saw a Service change, where one did. */
  readonly changedAt?: Clock['changedAt'];
}

export function captureOf(rules: NodeRules): NodeCapture | undefined {
  if (rules.kind === 'captured') return rules.capture;
  return rules.kind === 'none' ? undefined : rules.earlier;
}

/** @param all the nodes that it is held against */
export function nodeFindings(objects: ClusterObjects, node: NodeView, all: readonly NodeView[]): readonly Finding[] {
  return [...readingFindings(node), ...behindFindings(objects, node, all), ...failureFindings(objects, node)];
}

function readingFindings({ node, rules, drift }: NodeView): readonly Finding[] {
  const found: Finding[] = [];
  const subject = { node };
  if (rules.kind === 'none') found.push(finding('not-captured', subject, { node }));
  if (rules.kind === 'failed')
    found.push(finding('capture-failed', subject, { node, why: rules.problem.message, advice: rules.problem.advice }));
  for (const dump of captureOf(rules)?.dumps ?? [])
    if (!dump.complete)
      found.push(finding('truncated', subject, { node, dump: dump.name, where: endOfText(dump.text) }));
  found.push(...unreadableFindings(node, captureOf(rules)));
  if (!drift) return found;
  if (drift.kind === 'unknown') {
    if (drift.reason === 'none') found.push(finding('no-kube-proxy', subject, { node }));
    else if (drift.reason === 'unreadable') found.push(finding('not-comparable', subject, { node }));
    else if (drift.mode === 'ipvs') found.push(finding('ipvs', subject, { node }));
  }
  const { release, notes } = drift.proxy;
  const guess = release.guess ? `${formatRelease(release.value)}, from ${release.from}` : release.note;
  if (guess !== undefined)
    found.push(
      finding('release-unknown', subject, { node, guess: [guess, ...notes.filter((n) => n !== guess)].join(' ') }),
    );
  return found;
}

/** Changes that are on other nodes, and on this one not: kube-proxy there has not written since. */
function behindFindings(
  objects: ClusterObjects,
  { node, rules, drift, changedAt }: NodeView,
  all: readonly NodeView[],
): readonly Finding[] {
  if (drift?.kind !== 'compared') return [];
  const pod = proxyPods(objects.pods).get(node);
  if (!pod || !isRunning(pod)) return []; // told already, or there is none
  const drifted = drift.families.flatMap((family) => family.drifted).filter((each) => !each.pending && each.port);
  if (drifted.length === 0) return [];
  const elsewhere = all.flatMap((other) =>
    other.node !== node && other.drift?.kind === 'compared' ? other.drift.families : [],
  );
  const alone = drifted.filter((each) =>
    elsewhere.some((other) => other.family === each.family && !labelsOf(other).has(each.label)),
  );
  const capture = captureOf(rules);
  const metrics = capture && metricsIn(capture.dumps);
  let oldest: { readonly at: number; readonly label: string } | undefined;
  for (const each of alone) {
    const at = newestChange(each.port!, { objects, changedAt });
    if (at === undefined || at > drift.at) continue;
    const synced = metrics?.families[each.family].synced;
    if (synced !== undefined && synced > at) continue; // by its own word it has written since: the rules differ for another reason
    if (!oldest || at < oldest.at) oldest = { at, label: each.label };
  }
  if (!oldest) return [];
  const { name, namespace = '' } = pod.metadata;
  return [
    finding('proxy-behind', { node }, { node, since: momentOf(oldest.at), what: oldest.label, pod: name, namespace }),
  ];
}

const labels = new WeakMap<FamilyDrift, ReadonlySet<string>>();

/** Of the ports that have drifted: each of one node's is looked for in every other's. */
function labelsOf(family: FamilyDrift): ReadonlySet<string> {
  let known = labels.get(family);
  if (!known) labels.set(family, (known = new Set(family.drifted.map(({ label }) => label))));
  return known;
}

/**
 * In milliseconds since the epoch; undefined where it is not known for certain. The EndpointSlice controller takes the trigger time away where
 * an endpoint goes (Kubernetes 1.37, k8s.io/endpointslice/utils.go): what is left is of an earlier change then.
 */
function newestChange(port: ProxiedPort, known: Pick<Clock, 'objects' | 'changedAt'>): number | undefined {
  const key = keyOf(port.service);
  const dated = slicesOf(known.objects, key).every(
    ({ metadata }) => metadata.annotations?.[TRIGGER_TIME] !== undefined,
  );
  return dated || known.changedAt?.(key) !== undefined ? lastChange(port, known) : undefined;
}

/** "2026-11-24 09:34:44 UTC" */
function momentOf(time: number): string {
  return `${new Date(time).toISOString().replace('T', ' ').slice(0, 19)} UTC`;
}

/** By kube-proxy's own word: syncs have failed, and one is due. */
function failureFindings(objects: ClusterObjects, { node, rules }: NodeView): readonly Finding[] {
  const capture = captureOf(rules);
  const metrics = capture && metricsIn(capture.dumps);
  const due = metrics && ([4, 6] as const).flatMap((family) => unsynced(metrics, family) ?? []);
  if (!metrics || !due || due.length === 0 || metrics.failures === 0) return [];
  const { name = 'POD', namespace = 'kube-system' } = proxyPods(objects.pods).get(node)?.metadata ?? {};
  const since = momentOf(Math.min(...due));
  return [finding('syncs-fail', { node }, { node, count: String(metrics.failures), since, namespace, pod: name })];
}

/** In slices: the node is compared once more, as if it had no zone. */
export function* zoneFindings(objects: ClusterObjects, { node, drift }: NodeView): Slices<readonly Finding[]> {
  const ports = drift?.kind === 'compared' ? yield* drift.withoutZone() : [];
  if (ports.length === 0) return [];
  const { name = 'POD', namespace = 'kube-system' } = proxyPods(objects.pods).get(node)?.metadata ?? {};
  const labels = [...new Set(ports.map(({ label }) => label))];
  return [finding('zone-missed', { node }, { node, services: listOf(labels), namespace, pod: name })];
}

function isRunning(pod: Pod): boolean {
  return pod.status?.phase === 'Running';
}

/** Parts that iptables prints in place of what it does not understand: the rule reads as another one than the kernel's. */
const GARBLED = /^-A .*(\[unsupported|\[ERROR|--to-destination :0 ).*$/gm;

function unreadableFindings(node: string, capture: NodeCapture | undefined): readonly Finding[] {
  return (capture?.dumps ?? []).flatMap((dump) => {
    if (!dump.text.includes('-A ')) return [];
    const garbled = [...dump.text.matchAll(GARBLED)];
    const [first] = garbled;
    if (!first) return [];
    const line = String(dump.text.slice(0, first.index).split('\n').length);
    return [
      finding('unreadable', { node }, { node, count: String(garbled.length), dump: dump.name, line, rule: first[0] }),
    ];
  });
}

function endOfText(text: string): string {
  const lines = text.trimEnd().split('\n');
  const last = lines.at(-1) ?? '';
  return last === '' ? 'before anything was printed' : `in line ${lines.length}, "${last.slice(0, 80)}"`;
}

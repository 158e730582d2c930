/** The one sentence above the picture: what is wrong, where, and what that does to connections. */
import { proxyFindings } from '../diagnosis/cluster.ts';
import type { ClusterObjects, Pod } from '../kubernetes/objects.ts';
import { alikeNodes, namesOf } from './alike.ts';
import { addressAndPort, nameOf } from './endpoints.ts';
import { headlineOf } from './headline.ts';
import type { Action, Finding } from './picture.ts';
import type { Scene } from './scene.ts';
import { seconds } from '../diagnosis/seconds.ts';
import { fraction, percent } from '../diagnosis/shares.ts';
import type { NodeAnswer, ServiceStory, Stream } from './story.ts';

type Traced = NodeAnswer & { readonly kind: 'traced' };

/** Of the nodes that are shown: the first group of alike nodes that is wrong, else one that is pending, else what the API alone explains. */
export function troubleIn(scene: Scene, story: ServiceStory, answers: readonly NodeAnswer[]): Finding | undefined {
  let pending: Finding | undefined;
  for (const { nodes, answer } of alikeNodes(answers)) {
    if (answer.kind !== 'traced') continue;
    // Nodes that are alike were not all read at the same time: one may be late, and another in time.
    const late = nodes.filter((node) => !scene.pending?.(story.service, node));
    const shown = late.length > 0 ? late : nodes;
    const finding = wrongOn(shown, answer, story, proxyWords(scene.objects, shown));
    if (finding && late.length > 0) return finding;
    pending ??= finding && pendingOn(scene, story, nodes, finding);
  }
  if (pending) return pending;
  const headline = headlineOf(scene.objects, story);
  switch (headline.state) {
    case 'empty':
    case 'unready':
      return {
        severity: 'warning',
        title: headline.state === 'empty' ? 'No endpoints.' : 'No endpoint is ready.',
        text: sentence(headline.words.replace(/^no endpoints(: |$)/, ''), headline.more),
        actions: [{ action: 'yaml', label: 'Open the Service' }],
      };
    case 'partly':
    case 'healthy':
    case 'unproxied':
      return undefined;
  }
}

const proxies = new WeakMap<readonly Pod[], ReadonlyMap<string, string>>();

/** What is known to be the matter with kube-proxy on one of these nodes: "kube-proxy is not running on node-3 …". */
function proxyWords(objects: ClusterObjects, nodes: readonly string[]): string {
  let known = proxies.get(objects.pods);
  if (!known) {
    known = new Map(proxyFindings(objects).flatMap((one) => (one.node === undefined ? [] : [[one.node, one.message]])));
    proxies.set(objects.pods, known);
  }
  return nodes.map((node) => known.get(node) ?? '').find((words) => words !== '') ?? '';
}

function wrongOn(nodes: readonly string[], answer: Traced, story: ServiceStory, proxy: string): Finding | undefined {
  const wrong = answer.streams.filter((stream) => stream.wrong !== undefined);
  const missing = answer.idle.filter((idle) => idle.unexpected);
  if (wrong.length === 0 && missing.length === 0) return undefined;
  const parts = wrong.slice(0, 2).map((stream) => consequence(stream, story));
  if (wrong.length > 2) parts.push(`${wrong.length - 2} more ends are wrong.`);
  if (missing.length > 0) {
    const names = namesOf(
      missing.map((idle) => nameOf(idle.endpoint)),
      2,
    );
    const nothingArrives = answer.streams.every((stream) => stream.end.kind !== 'endpoint');
    const get = missing.length === 1 ? 'is ready and gets' : 'are ready and get';
    if (!nothingArrives) parts.push(`${names} ${get} nothing from there.`);
  }
  const [node] = nodes;
  const isDiverted = wrong.length > 0 && wrong.every(({ end }) => end.kind === 'untranslated' && end.diverted);
  // kube-proxy's own rules are as they should be then, and its pod knows nothing of the other.
  const actions: { action: Action; label: string; argument?: string }[] = isDiverted
    ? [{ action: 'trace', label: 'Trace', argument: node! }]
    : [
        { action: 'expected', label: 'Show expected ↔ actual', argument: node! },
        { action: 'trace', label: 'Trace', argument: node! },
        { action: 'pod', label: "Open kube-proxy's pod", argument: node! },
      ];
  return {
    severity: 'error',
    title: `${isDiverted ? 'Diverted' : 'Drift'} on ${namesOf(nodes)}.`,
    text: [...parts, proxy].filter((part) => part).join(' '),
    actions,
  };
}

/** The same where it is no fault yet. */
function pendingOn(
  scene: Scene,
  story: ServiceStory,
  nodes: readonly string[],
  { text, actions }: Finding,
): Finding | undefined {
  const first = scene.pending?.(story.service, nodes[0]!);
  if (!first) return undefined;
  const why =
    first.age === 0
      ? `The rules were read before the newest change of ${story.key}.`
      : `${story.key} changed ${seconds(first.age)} s before the rules were read, and kube-proxy may take ${seconds(first.due)} s to write that.`;
  return {
    severity: 'info',
    title: `Pending on ${namesOf(nodes)}.`,
    text: `${why} By these rules: ${text}`,
    actions: [{ action: 'capture', label: 'Read again', argument: nodes[0]! }, ...actions],
  };
}

function consequence(stream: Stream, story: ServiceStory): string {
  const { end } = stream;
  const share = capital(fraction(stream.share));
  const of = stream.share > 1 - 1e-6 ? 'connections' : 'of the connections';
  switch (end.kind) {
    case 'stranger':
      return end.now
        ? `${share} ${of} go to ${end.address}, which is no endpoint of ${story.key}: ${end.now} has that address now.`
        : `${share} ${of} go to ${addressAndPort(end.address, end.port)}, which no pod has any more: they time out.`;
    case 'endpoint':
      return `${share} ${of} go to ${nameOf(end.endpoint)}: ${stream.wrong ?? ''}.`;
    case 'untranslated':
      return `${capital([...conditions(stream), stream.wrong ?? ''].join(', '))}: ${end.why}.`;
    case 'reject':
    case 'drop':
      return `${share === 'All' ? 'All connections are' : `${percent(stream.share)} of the connections are`} ${stream.wrong ?? ''}: ${end.why}.`;
  }
}

function conditions({ assumptions }: Stream): readonly string[] {
  return assumptions.map(({ words, holds }) => `${holds ? 'if' : 'unless'} ${words}`);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function sentence(words: string, more: string | undefined): string {
  const first = words === '' ? '' : `${capital(words)}.`;
  const second = more ? `${capital(more)}${/[.!?]$/.test(more) ? '' : '.'}` : '';
  return [first, second].filter((part) => part).join(' ');
}

/** The rows of the Nodes tree, as plain data: a node, and below it what is known of it and the dumps that were read. */
import { parseRelease } from '../kubeproxy/version.ts';
import { kubeProxyContainer, kubeProxyPod } from '../kubeproxy/pod.ts';
import { isForReading } from '../kubernetes/dump.ts';
import { ZONE_LABEL, type ClusterObjects, type Node } from '../kubernetes/objects.ts';
import type { ClusterSource, Dump, NodeCapture, NodeRules } from '../kubernetes/source.ts';
import { captureIn } from './capture-of.ts';
import { historyIn } from './history.ts';
import { age, moment } from './moments.ts';
import type { NodeHealth } from './health.ts';
import { bold, escape } from './markdown.ts';
import type { Mark, RowText } from './services-text.ts';
import { eventWords, timelineOf } from './timeline.ts';
import { count, t } from './words.ts';

export type NodesRow =
  | { readonly kind: 'node'; readonly id: string; readonly name: string; readonly node: Node }
  | {
      readonly kind: 'fact';
      readonly id: string;
      readonly label: string;
      readonly value: string;
      readonly icon: string;
    }
  | {
      readonly kind: 'problem';
      readonly id: string;
      /** Whom it is about, where that is known: "shop/front:http". */
      readonly about?: string;
      readonly message: string;
      readonly advice: string;
    }
  | {
      readonly kind: 'group';
      readonly id: string;
      readonly node: string;
      readonly label: string;
      readonly value: string;
      readonly icon: string;
      readonly mark: Mark;
      readonly rows: readonly NodesRow[];
    }
  | { readonly kind: 'dump'; readonly id: string; readonly node: string; readonly dump: Dump };

export function factRow(node: string, label: string, value: string, icon: string): NodesRow {
  return { kind: 'fact', id: `fact/${node}/${label}`, label, value, icon };
}

export function nodesRows(objects: ClusterObjects): readonly NodesRow[] {
  return objects.nodes
    .map((node): NodesRow => ({ kind: 'node', id: `node/${node.metadata.name}`, name: node.metadata.name, node }))
    .sort((a, b) => a.id.localeCompare(b.id, undefined, { numeric: true }));
}

/** Above the nodes: that they could not be listed, and which right is missing. Without any node the view says so by itself. */
export function noticeRows({ state, objects }: Pick<ClusterSource, 'state' | 'objects'>): readonly NodesRow[] {
  const missing = state.kind === 'ready' ? state.missing.find(({ resource }) => resource === 'nodes') : undefined;
  if (!missing || objects.nodes.length === 0) return [];
  const { message, advice } = missing.problem;
  return [{ kind: 'problem', id: 'notice/nodes', message, advice }];
}

/** Of a node's timeline, in its tooltip. */
const RECENT_EVENTS = 4;
/** Of the Services that are wrong on a node, in its tooltip. */
const MOST_WRONG = 10;

/** How a node's rules are kept, from what its dumps hold: "iptables (nft)", "iptables (legacy)", "nftables". */
export function modeWords(capture: NodeCapture, mode: string | undefined): string {
  if (mode === 'nftables') return 'nftables';
  const version = capture.dumps.find(({ name }) => name === 'iptables-version.txt')?.text ?? '';
  const backend = /\((nf_tables|legacy)\)/.exec(version)?.[1];
  const words = mode === 'none' ? t('no rules of kube-proxy') : (mode ?? 'iptables');
  return backend && mode !== 'none' ? `${words} (${backend === 'nf_tables' ? 'nft' : backend})` : words;
}

/** "v1.37.2", from the image that the node's kube-proxy pod runs; else from the node object. */
export function kubeProxyVersion(objects: ClusterObjects, node: Node): string | undefined {
  const pod = kubeProxyPod(objects, node.metadata.name);
  const tag = pod && kubeProxyContainer(pod)?.image?.split('@')[0]?.split(':').at(-1);
  if (tag && parseRelease(tag)) return tag;
  return node.status?.nodeInfo?.kubeletVersion;
}

/** What was read of a node, below it. */
export function nodeFacts(
  source: ClusterSource,
  name: string,
  node: Node,
  mode: string | undefined,
): readonly NodesRow[] {
  const rules = source.rules(name);
  const capture = captureIn(rules);
  const rows: NodesRow[] = [];
  const fact = (label: string, value: string | undefined, icon: string): void => {
    if (value) rows.push(factRow(name, label, value, icon));
  };
  const problem = (message: string, advice: string, n: number): void =>
    void rows.push({ kind: 'problem', id: `problem/${name}/${n}`, message, advice });
  if (rules.kind === 'failed') problem(rules.problem.message, rules.problem.advice, -1);
  capture?.problems.forEach(({ message, advice }, n) => problem(message, advice, n));
  const addresses = node.status?.addresses?.filter(({ type }) => type !== 'Hostname').map(({ address }) => address);
  fact(t('Addresses'), addresses?.join(', '), 'globe');
  fact(t('Zone'), node.metadata.labels?.[ZONE_LABEL], 'location');
  fact(
    t('Pod network'),
    (node.spec?.podCIDRs ?? [node.spec?.podCIDR ?? '']).filter((text) => text).join(', '),
    'symbol-namespace',
  );
  const kubeProxy = [kubeProxyVersion(source.objects, node), kubeProxyPod(source.objects, name)?.metadata.name];
  fact('kube-proxy', kubeProxy.filter((part) => part !== undefined).join(' · '), 'package');
  if (capture) {
    fact(t('Mode'), modeWords(capture, mode), 'settings');
    const version = capture.dumps.find((dump) => dump.name === 'iptables-version.txt')?.text.trim();
    fact('iptables', version?.replace(/^iptables /, ''), 'tag');
    fact(
      t('Read'),
      [moment(capture.at), capture.pod && t('by exec into {0}', capture.pod)].filter((x) => x).join(' · '),
      'history',
    );
    for (const dump of inOrder(capture.dumps, mode))
      if (isForReading(dump.name) && dump.text.trim() !== '')
        rows.push({ kind: 'dump', id: `dump/${name}/${dump.name}`, node: name, dump });
  }
  return rows;
}

const IPTABLES = ['iptables-', 'ip6tables-'];
const NFT = ['nft.txt', 'nft.json'];

/** The rules of the mode that the node is in first, then other rules, then what its network says. */
export function inOrder(dumps: readonly Dump[], mode: string | undefined): readonly Dump[] {
  const order = [...(mode === 'nftables' ? [...NFT, ...IPTABLES] : [...IPTABLES, ...NFT]), 'ipset', 'ipvsadm'];
  const rankOf = ({ name }: Dump): number => {
    const rank = order.findIndex((start) => name.startsWith(start));
    return rank < 0 ? order.length : rank;
  };
  return [...dumps].sort((a, b) => rankOf(a) - rankOf(b));
}

export function nodesText(
  row: NodesRow,
  source: ClusterSource,
  health: NodeHealth | undefined,
  mode: string | undefined,
): RowText {
  switch (row.kind) {
    case 'node':
      return nodeText(row, source, health, mode);
    case 'fact':
      return {
        label: row.label,
        description: row.value,
        tooltip: `${escape(row.label)}: ${escape(row.value)}`,
        spoken: `${row.label}: ${row.value}`,
        icon: row.icon,
        mark: 'quiet',
        context: 'fact',
        opens: 'no',
      };
    case 'problem':
      return {
        label: row.about ?? row.message,
        description: row.about === undefined ? '' : row.message,
        tooltip: `$(warning) ${escape(row.message)}\n\n${escape(row.advice)}`,
        spoken: `${row.about === undefined ? '' : `${row.about}: `}${row.message}. ${row.advice}`,
        icon: 'warning',
        mark: 'warning',
        context: 'problem',
        opens: 'no',
      };
    case 'group':
      return {
        label: row.label,
        description: row.value,
        tooltip: `${escape(row.label)}: ${escape(row.value)}`,
        spoken: `${row.label}: ${row.value}`,
        icon: row.icon,
        mark: row.mark,
        context: 'group',
        opens: 'yes',
      };
    case 'dump': {
      const lines = count(row.dump.text.split('\n').length - 1, '{0} line', '{0} lines');
      const cut = row.dump.complete ? '' : ` · ${t('cut off')}`;
      return {
        label: row.dump.name,
        description: lines + cut,
        tooltip: `${escape(row.dump.name)} · ${escape(lines)}\n\n${escape(row.dump.from)}`,
        spoken: t('Dump {0}, {1}', row.dump.name, lines + cut),
        icon: 'file-code',
        mark: row.dump.complete ? 'quiet' : 'warning',
        context: 'dump rules',
        opens: 'no',
      };
    }
  }
}

function rulesWords(rules: NodeRules, kind: ClusterSource['kind']): { readonly words: string; readonly mark: Mark } {
  switch (rules.kind) {
    case 'none':
      return { words: kind === 'recording' ? t('its rules were not recorded') : t('not read yet'), mark: 'unknown' };
    case 'capturing':
      return { words: t('being read: {0} of {1}', rules.done, rules.of), mark: 'unknown' };
    case 'failed':
      return { words: rules.problem.message, mark: 'warning' };
    case 'captured': {
      const { at, problems, dumps } = rules.capture;
      const cut = dumps.some(({ complete }) => !complete);
      return {
        words: kind === 'recording' ? moment(at) : age(at),
        mark: problems.length > 0 || cut ? 'warning' : 'good',
      };
    }
  }
}

function nodeText(
  row: NodesRow & { kind: 'node' },
  source: ClusterSource,
  health: NodeHealth | undefined,
  mode: string | undefined,
): RowText {
  const rules = source.rules(row.name);
  const capture = captureIn(rules);
  const read = rulesWords(rules, source.kind);
  const programmed =
    health && health.ports > 0
      ? [
          t('{0} of {1} ports right', health.right, health.ports),
          ...(health.pending > 0 ? [t('{0} pending', health.pending)] : []),
          ...(health.common ? [t('rules that all share are wrong')] : []),
        ].join(', ')
      : undefined;
  const wrong = health !== undefined && (health.wrong.length > 0 || health.common);
  const mark: Mark = wrong ? 'error' : read.mark;
  const version = kubeProxyVersion(source.objects, row.node);
  const facts = [capture && modeWords(capture, mode), version, read.words];
  const description = [programmed, ...facts].filter((part) => part !== undefined && part !== '').join(' · ');
  const icons: Readonly<Record<Mark, string>> = {
    good: 'pass',
    warning: 'warning',
    error: 'error',
    unknown: 'question',
    quiet: 'server',
  };
  const reading = rules.kind === 'capturing';
  const recent = source.kind === 'live' ? timelineOf(historyIn(source, row.name)).slice(0, RECENT_EVENTS) : [];
  const wrongServices = shortened(health?.wrong ?? [], MOST_WRONG).map((name) => `- ${escape(name)}`);
  return {
    label: row.name,
    description,
    tooltip: [
      bold(row.name),
      '',
      ...facts.filter((fact) => fact).map((fact) => `- ${escape(fact!)}`),
      ...(programmed ? [`- ${escape(programmed)}`] : []),
      ...(wrongServices.length > 0
        ? ['', escape(t('The rules differ from the API for these Services:')), '', ...wrongServices]
        : []),
      // A list right after a list would be one with it.
      ...(recent.length > 0
        ? ['', bold(t('Timeline')), '', ...recent.map((event) => `- ${escape(eventWords(event))}`)]
        : []),
      ...(rules.kind === 'failed'
        ? ['', `$(warning) ${escape(rules.problem.message)}`, '', escape(rules.problem.advice)]
        : []),
    ].join('\n'),
    spoken: t('Node {0}: {1}', row.name, description),
    icon: reading ? 'sync~spin' : icons[mark],
    mark,
    context: `node${source.kind === 'live' ? ' capturable' : ''}${capture ? ' rules trace' : ''}`,
    opens: 'yes',
  };
}

function shortened(names: readonly string[], most: number): readonly string[] {
  return names.length > most ? [...names.slice(0, most), t('and {0} more', names.length - most)] : names;
}

/** All findings about a cluster: what its objects say, and what each node's rules say against them. */
import type { ClusterObjects, Pod } from '../kubernetes/objects.ts';
import type { NodeCapture, NodeRules } from '../kubernetes/source.ts';
import { formatRelease } from '../kubeproxy/version.ts';
import { inOneGo, type Slices } from '../netfilter/slices.ts';
import { byTrouble, finding, type Evidence, type Finding, type RuleEvidence } from './catalogue.ts';
import { proxyFindings, proxyPods, serviceFindings } from './cluster.ts';
import type { Entry, SliceDifference } from './compare.ts';
import type { CommonDrift, Explanation, FamilyDrift, Leftover, NodeDrift, PortDrift } from './drift-types.ts';
import { nftWords } from './nft-words.ts';
import { lastChange } from './pending.ts';
import { metricsIn, unsynced } from './proxy-metrics.ts';
import { savedTables } from './surroundings.ts';

/** What is known of one node. */
export interface NodeView {
  readonly node: string;
  readonly rules: NodeRules;
  /** Present where rules were read. */
  readonly drift: NodeDrift | undefined;
}

/** Trouble first. */
export function findingsOf(objects: ClusterObjects, nodes: readonly NodeView[]): readonly Finding[] {
  return inOneGo(findingSlices(objects, nodes));
}

/**
 * The same in slices: what a difference does to packets is found by following them, for each port that has drifted.
 *
 * @param most so many drifted ports of a node and a family are told each by itself, the others together
 */
export function* findingSlices(
  objects: ClusterObjects,
  nodes: readonly NodeView[],
  most = Infinity,
): Slices<readonly Finding[]> {
  const found: Finding[] = [...serviceFindings(objects), ...proxyFindings(objects)];
  for (const [i, node] of nodes.entries()) {
    found.push(...nodeFindings(node));
    if (node.drift?.kind === 'compared')
      for (const family of node.drift.families) {
        const view = { node: node.node, family, dump: savedDump(node, family.family) };
        for (const drift of family.drifted.slice(0, most)) {
          found.push(portFinding(view, drift));
          yield i / nodes.length;
        }
        found.push(...familyFindings(view, family.drifted.slice(most)));
        yield i / nodes.length;
      }
    found.push(...behindFindings(objects, node, nodes));
    found.push(...failureFindings(objects, node));
  }
  return found.sort(byTrouble);
}

interface FamilyView {
  readonly node: string;
  readonly family: FamilyDrift;
  /** Where the lines of its differences are. */
  readonly dump: string | undefined;
}

/** nft's listing has lines where it was read as text. */
function savedDump({ rules, drift }: NodeView, family: 4 | 6): string | undefined {
  if (drift?.mode !== 'iptables') return 'nft.txt';
  return savedTables(captureOf(rules)?.dumps ?? [], family)[0]?.name;
}

export function captureOf(rules: NodeRules): NodeCapture | undefined {
  if (rules.kind === 'captured') return rules.capture;
  return rules.kind === 'none' ? undefined : rules.earlier;
}

function nodeFindings({ node, rules, drift }: NodeView): readonly Finding[] {
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

function familyFindings(view: FamilyView, more: readonly PortDrift[]): readonly Finding[] {
  const { node, family } = view;
  const harmless = family.harmless.map((difference) => difference.name);
  return [
    ...(more.length > 0
      ? [
          finding(
            'more-drift',
            { node },
            { node, count: String(more.length), services: listOf(more.map(({ label }) => label)) },
          ),
        ]
      : []),
    ...family.common.map((drift) => commonFinding(view, drift)),
    ...family.leftovers.flatMap((leftover) => leftoverFindings(node, leftover)),
    ...(harmless.length > 0
      ? [
          finding(
            'differs-harmlessly',
            { node },
            { node, what: listOf(harmless) },
            evidenceOf(family.harmless, view.dump),
          ),
        ]
      : []),
  ];
}

function portFinding({ node, dump }: FamilyView, drift: PortDrift): Finding {
  const { label, pending } = drift;
  const port = drift.port
    ? drift.port.portName || `${drift.port.port}/${drift.port.protocol.toUpperCase()}`
    : undefined;
  const subject = { service: drift.service, node, ...(port !== undefined && { port }) };
  const explanation = drift.explain();
  const evidence = evidenceOf(drift.differences, dump, explanation);
  if (pending?.age === 0) return finding('read-before-change', subject, { service: label, node }, evidence);
  if (pending)
    return finding(
      'pending',
      subject,
      { service: label, node, age: seconds(pending.age), due: seconds(pending.due) },
      evidence,
    );
  return finding('drift', subject, { service: label, node, consequence: gist(explanation) }, evidence);
}

function commonFinding({ node, dump }: FamilyView, drift: CommonDrift): Finding {
  const explanation = drift.explain();
  const { affected } = drift;
  const whom = affected.length > 0 ? ` (${affected.length} Service ports: ${listOf(affected)})` : '';
  return finding(
    'node-drift',
    { node },
    { node, consequence: `${gist(explanation)}${whom}` },
    evidenceOf(drift.differences, dump, explanation),
  );
}

function gist({ consequences }: Explanation): string {
  const [first, ...more] = consequences;
  if (!first) return 'a packet is treated otherwise than it should be';
  return more.length > 0 ? `${first.words} (and ${more.length} more)` : first.words;
}

function leftoverFindings(node: string, leftover: Leftover): readonly Finding[] {
  const family = `IPv${leftover.family}`;
  const found: Finding[] = [];
  const [first, second] = leftover.decides;
  if (first && second)
    found.push(
      finding(
        'both-backends',
        { node },
        {
          node,
          family,
          first: first.where,
          second: second.where,
          firstWins: `${first.packets} of ${first.packets + second.packets} kinds of packets to Services`,
          secondWins: `${second.packets}, of ${listOf(second.labels)}`,
        },
      ),
    );
  const { where, acts } = leftover;
  if (acts.length === 0) {
    if (first && !second && first.where !== where)
      found.push(
        finding(
          'both-backends',
          { node },
          {
            node,
            family,
            first: first.where,
            second: where,
            firstWins: `all ${first.packets} kinds of packets to Services`,
            secondWins: 'none',
          },
        ),
      );
    found.push(finding('leftover', { node }, { node, where, family }));
    return found;
  }
  found.push(
    finding(
      'leftover-acts',
      { node },
      { node, where, family, count: String(acts.length), consequence: acts[0]!.words },
      { consequences: acts.map((act) => act.words), endpoints: [], rules: [] },
    ),
  );
  return found;
}

/** Changes that are on other nodes, and on this one not: kube-proxy there has not written since. */
function behindFindings(
  objects: ClusterObjects,
  { node, drift }: NodeView,
  all: readonly NodeView[],
): readonly Finding[] {
  if (drift?.kind !== 'compared') return [];
  const pod = proxyPods(objects.pods).get(node);
  if (!pod || !isRunning(pod)) return []; // told already, or there is none
  const drifted = drift.families.flatMap((family) => family.drifted).filter((each) => !each.pending && each.port);
  const elsewhere = all.filter((other) => other.node !== node && other.drift?.kind === 'compared');
  const alone = drifted.filter((each) =>
    elsewhere.some(
      ({ drift: other }) =>
        other?.kind === 'compared' &&
        other.families.some((f) => f.family === each.family && !f.drifted.some((d) => d.label === each.label)),
    ),
  );
  let oldest: { readonly at: number; readonly label: string } | undefined;
  for (const each of alone) {
    const at = lastChange(each.port!, { objects, changedAt: undefined });
    if (at !== undefined && at <= drift.at && (!oldest || at < oldest.at)) oldest = { at, label: each.label };
  }
  if (!oldest) return [];
  const { name, namespace = '' } = pod.metadata;
  return [
    finding(
      'proxy-behind',
      { node },
      { node, since: new Date(oldest.at).toISOString(), what: oldest.label, pod: name, namespace },
    ),
  ];
}

/** By kube-proxy's own word: syncs have failed, and one is due. */
function failureFindings(objects: ClusterObjects, { node, rules }: NodeView): readonly Finding[] {
  const capture = captureOf(rules);
  const metrics = capture && metricsIn(capture.dumps);
  const due = metrics && ([4, 6] as const).flatMap((family) => unsynced(metrics, family) ?? []);
  if (!metrics || !due || due.length === 0 || metrics.failures === 0) return [];
  const { name = 'POD', namespace = 'kube-system' } = proxyPods(objects.pods).get(node)?.metadata ?? {};
  const since = new Date(Math.min(...due)).toISOString();
  return [finding('syncs-fail', { node }, { node, count: String(metrics.failures), since, namespace, pod: name })];
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

function evidenceOf(
  differences: readonly SliceDifference[],
  dump: string | undefined,
  explanation?: Explanation,
): Evidence {
  const where = dump === undefined ? {} : { dump };
  return {
    consequences: explanation?.consequences.map((each) => each.words) ?? [],
    endpoints: explanation?.endpoints ?? [],
    rules: differences.flatMap(({ table, name, missing, extra, moved }): RuleEvidence[] => [
      ...missing.map((entry) => ({
        kind: 'missing' as const,
        table,
        chain: name,
        rule: wordsOf(entry, table),
        ...where,
      })),
      ...(
        [
          ['extra', extra],
          ['moved', moved],
        ] as const
      ).flatMap(([kind, entries]) =>
        entries.map((entry) => ({
          kind,
          table,
          chain: name,
          rule: wordsOf(entry, table),
          ...where,
          ...(entry.line !== undefined && { line: entry.line }),
        })),
      ),
    ]),
  };
}

function wordsOf({ text, canonical }: Entry, table: string): string {
  return text.startsWith('-A ') ? text : nftWords(canonical, table.startsWith('ip6') ? 'ip6' : 'ip');
}

function listOf(names: readonly string[]): string {
  if (names.length > 3) return `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
  return names.join(', ');
}

/** "3 s", "0.4 s", "4 min". */
export function seconds(milliseconds: number): string {
  const value = milliseconds / 1000;
  if (value >= 120) return `${Math.round(value / 60)} min`;
  return `${value >= 10 ? Math.round(value) : Number(value.toFixed(1))} s`;
}

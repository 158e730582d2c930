/** All findings about a cluster: what its objects say, and what each node's rules say against them. */
import type { ClusterObjects } from '../kubernetes/objects.ts';
import { asPart, inOneGo, type Slices } from '../netfilter/slices.ts';
import { byTrouble, finding, type Evidence, type Finding, type RuleEvidence } from './catalogue.ts';
import { proxyFindings, serviceFindings } from './cluster.ts';
import type { Entry, SliceDifference } from './compare.ts';
import type { CommonDrift, Explanation, FamilyDrift, Leftover, PortDrift } from './drift-types.ts';
import { nftWords } from './nft-words.ts';
import { captureOf, nodeFindings, zoneFindings, type NodeView } from './node-findings.ts';
import { savedTables } from './surroundings.ts';
import { listOf } from './words.ts';
import { seconds } from './seconds.ts';

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
    found.push(...nodeFindings(objects, node, nodes));
    found.push(...(yield* asPart(zoneFindings(objects, node), () => i / nodes.length)));
    yield i / nodes.length;
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
      { service: label, node, age: duration(pending.age), due: duration(pending.due) },
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

/** "3 s", "0.4 s", "4 min". */
function duration(milliseconds: number): string {
  const minutes = milliseconds / 60_000;
  return minutes >= 2 ? `${Math.round(minutes)} min` : `${seconds(milliseconds)} s`;
}

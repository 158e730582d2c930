import { ZONE_LABEL, type ClusterObjects } from '../../src/kubernetes/objects.ts';
import { openRecordingFiles } from '../../src/kubernetes/snapshot/recording.ts';
import type { RecordingFiles } from '../../src/kubernetes/snapshot/files.ts';
import type { Dump } from '../../src/kubernetes/source.ts';
import { expectedRules, expectedText, nodeProxy } from '../../src/kubeproxy/expected.ts';
import { difference as iptablesDifference } from '../kubeproxy/iptables/compare.ts';
import { difference as nftDifference, lines as nftLines } from '../kubeproxy/nftables/compare.ts';

/** How many lines of a difference are told. */
const TOLD = 10;

export interface Judged {
  /** Empty where all is equal; else some lines of each difference. */
  readonly differences: readonly string[];
  /** How many lines were looked at. */
  readonly compared: number;
  /** The nodes whose kube-proxy wrote what it would write for a node without a zone, and nothing else. */
  readonly withoutZone: readonly string[];
  /** Why some node can hold nothing: nft refuses what this release writes. */
  readonly refused: string | undefined;
}

/**
 * Compares what was computed for every node of a recording, in both families, with what its kube-proxies wrote. Since 1.34 a kube-proxy
 * that starts may miss its node's labels, and then heeds no hints until it is started again: one of 96 starts did on a busy
 * machine. Such a node is judged without its zone, and named.
 */
export async function judge(files: RecordingFiles, name: string): Promise<Judged> {
  const source = await openRecordingFiles(files, name, name);
  const differences: string[] = [];
  const withoutZone: string[] = [];
  let compared = 0;
  let refused: string | undefined;
  const nodes = source.objects.nodes.map(({ metadata }) => metadata.name);
  await source.capture(nodes);
  for (const node of nodes) {
    const rules = source.rules(node);
    if (rules.kind !== 'captured') {
      differences.push(`${node} was not captured`);
      continue;
    }
    const { dumps } = rules.capture;
    const found = judgeNode(source.objects, node, dumps);
    compared += found.compared;
    refused ??= found.refused;
    if (found.differences.length === 0) continue;
    const { generation } = nodeProxy(source.objects, node, dumps).release;
    if (generation.minor >= 34 && judgeNode(zoneless(source.objects, node), node, dumps).differences.length === 0)
      withoutZone.push(node);
    else differences.push(...found.differences);
  }
  source.dispose();
  return { differences, compared, withoutZone, refused };
}

function zoneless(objects: ClusterObjects, name: string): ClusterObjects {
  const nodes = objects.nodes.map((node) => {
    if (node.metadata.name !== name) return node;
    const labels = Object.fromEntries(Object.entries(node.metadata.labels ?? {}).filter(([key]) => key !== ZONE_LABEL));
    return { ...node, metadata: { ...node.metadata, labels } };
  });
  return { ...objects, nodes };
}

function judgeNode(objects: ClusterObjects, node: string, dumps: readonly Dump[]): Omit<Judged, 'withoutZone'> {
  const differences: string[] = [];
  let compared = 0;
  let refused: string | undefined;
  const text = (file: string) => dumps.find((dump) => dump.name === file)?.text ?? '';
  const expected = expectedRules(objects, nodeProxy(objects, node, dumps), dumps);
  const tell = (
    family: string,
    { missing, extra }: { missing: readonly string[]; extra: readonly string[] },
    order?: string,
  ) => {
    for (const line of missing.slice(0, TOLD)) differences.push(`${node} ${family} has not: ${line}`);
    for (const line of extra.slice(0, TOLD)) differences.push(`${node} ${family} has: ${line}`);
    if (order !== undefined) differences.push(`${node} ${family} has in another place: ${order}`);
  };
  if (expected.mode === 'iptables')
    for (const [family, file] of [
      [4, 'iptables-save.txt'],
      [6, 'ip6tables-save.txt'],
    ] as const) {
      const actual = text(file);
      compared += actual.split('\n').length;
      const found = iptablesDifference(expectedText(expected, family)!, actual);
      tell(`IPv${family}`, found, found.order);
    }
  else if (expected.mode === 'nftables') {
    const actual = nftLines(JSON.parse(text('nft.json')));
    compared += actual.length;
    refused = expected.tables.refusals[0]?.words;
    tell('nft', nftDifference(nftLines({ nftables: expected.tables.nftables }), actual));
  } else differences.push(`${node}: ${expected.problem}`);
  return { differences, compared, refused };
}

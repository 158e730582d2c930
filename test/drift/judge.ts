import { openRecordingFiles } from '../../src/kubernetes/snapshot/recording.ts';
import type { RecordingFiles } from '../../src/kubernetes/snapshot/files.ts';
import { expectedRules, expectedText, nodeProxy } from '../../src/kubeproxy/expected.ts';
import { difference as iptablesDifference } from '../kubeproxy/iptables/compare.ts';
import { difference as nftDifference, lines as nftLines } from '../kubeproxy/nftables/compare.ts';

/** How many lines of a difference are told. */
const TOLD = 10;

/**
 * Compares what was computed for every node of a recording, in both families, with what its kube-proxies wrote. Empty where all is equal;
 * else some lines of each difference. `compared` is the number of lines that were looked at.
 */
export async function judge(files: RecordingFiles, name: string): Promise<{ differences: string[]; compared: number }> {
  const source = await openRecordingFiles(files, name, name);
  const { objects } = source;
  const differences: string[] = [];
  let compared = 0;
  const nodes = objects.nodes.map(({ metadata }) => metadata.name);
  await source.capture(nodes);
  for (const node of nodes) {
    const rules = source.rules(node);
    if (rules.kind !== 'captured') {
      differences.push(`${node} was not captured`);
      continue;
    }
    const { dumps } = rules.capture;
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
      tell('nft', nftDifference(nftLines({ nftables: expected.tables.nftables }), actual));
    } else differences.push(`${node}: ${expected.problem}`);
  }
  source.dispose();
  return { differences, compared };
}

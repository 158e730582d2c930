/** expected: prints what kube-proxy would have programmed on a recorded node. */
import { parseArgs } from 'node:util';
import { unseenObjects } from '../diagnosis/drift.ts';
import { expectedRules, nodeProxy } from '../kubeproxy/expected.ts';
import { iptablesText } from '../kubeproxy/iptables/expected.ts';
import { openRecorded } from './recorded.ts';

export const usage = 'expected --recording DIR --node NODE [--family 4|6]';

export const about = `Prints what kube-proxy would have programmed on a recorded node: as iptables-save prints it, or, where its mode is
nftables, as nft -j list ruleset does.

  --recording DIR  a recorded cluster, a folder or a zip
  --node NODE      one of its nodes
  --family 4|6     one family; without it IPv4 in iptables mode, both in nftables mode`;

/**
 * iptables mode: as iptables-save prints it (ip6tables-save with --family 6; without --family IPv4). nftables mode: JSON as
 * `nft -j list ruleset` prints it, both families unless one is named.
 */
export async function run(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: { recording: { type: 'string' }, node: { type: 'string' }, family: { type: 'string' } },
  });
  const { recording, node, family } = values;
  if (recording === undefined || node === undefined) throw new Error(`Usage: ${usage}`);
  if (family !== undefined && family !== '4' && family !== '6') throw new Error(`--family ${family}: expected 4 or 6.`);
  const source = await openRecorded(recording);
  try {
    const { objects } = source;
    await source.capture([node]);
    const rules = source.rules(node);
    const names = objects.nodes.map(({ metadata }) => metadata.name);
    if (!names.includes(node) && rules.kind !== 'captured')
      throw new Error(`${recording} has no node ${node}. Its nodes are: ${names.join(', ') || 'none'}.`);
    const unseen = unseenObjects(objects);
    if (objects.services.length === 0 || objects.endpointSlices.length + objects.endpoints.length === 0)
      throw new Error(
        `${recording}: ${unseen ?? ''}, and all that kube-proxy writes comes of Services and their endpoints.`,
      );
    if (unseen !== undefined)
      process.stderr.write(`${recording}: ${unseen}: the rules of the others are missing here\n`);
    const dumps = rules.kind === 'captured' ? rules.capture.dumps : [];
    const expected = expectedRules(objects, nodeProxy(objects, node, dumps), dumps);
    if (expected.mode === 'iptables') return iptablesText(expected.families[family === '6' ? 6 : 4]);
    if (expected.mode !== 'nftables') throw new Error(`${node}: ${expected.problem}`);
    const own = family === undefined ? undefined : family === '6' ? 'ip6' : 'ip';
    const listed = expected.tables.nftables.filter((object) => own === undefined || familyOf(object) === own);
    return `${JSON.stringify({ nftables: listed }, undefined, 1)}\n`;
  } finally {
    source.dispose();
  }
}

/** { "chain": { "family": "ip", … } } → "ip" */
function familyOf(object: object): unknown {
  const [value] = Object.values(object) as unknown[];
  return typeof value === 'object' && value !== null ? (value as { family?: unknown }).family : undefined;
}

/** A recorded cluster with the drift of each of its nodes; dumps may be changed before they are read. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { nodeDrift } from '../../src/diagnosis/drift.ts';
import type { SliceDifference } from '../../src/diagnosis/compare.ts';
import type { NodeDrift, PortDrift } from '../../src/diagnosis/drift-types.ts';
import type { ClusterObjects } from '../../src/kubernetes/objects.ts';
import { openRecording } from '../../src/kubernetes/snapshot/open.ts';
import type { Dump, NodeCapture } from '../../src/kubernetes/source.ts';
import { nodeNetwork } from '../../src/translation/network.ts';

const FOLDER = path.resolve(import.meta.dirname, '../recordings');

export const RECORDINGS = readdirSync(FOLDER).sort();

export interface Recorded {
  readonly name: string;
  readonly objects: ClusterObjects;
  readonly captures: ReadonlyMap<string, NodeCapture>;
}

export async function recorded(name: string): Promise<Recorded> {
  const source = await openRecording(path.join(FOLDER, name));
  try {
    const captures = new Map<string, NodeCapture>();
    for (const { metadata } of source.objects.nodes) {
      const rules = source.rules(metadata.name);
      if (rules.kind === 'captured') captures.set(metadata.name, rules.capture);
    }
    return { name, objects: source.objects, captures };
  } finally {
    source.dispose();
  }
}

export function driftOf(
  { objects, captures }: Recorded,
  node: string,
  change: (dumps: readonly Dump[]) => readonly Dump[] = (dumps) => dumps,
): NodeDrift {
  const recordedCapture = captures.get(node)!;
  const capture = { ...recordedCapture, dumps: change(recordedCapture.dumps) };
  return nodeDrift({ objects, capture, network: nodeNetwork(node, objects, capture).network });
}

/** The drift that stays when everything that is due has been written. */
export function isDrifted(drift: NodeDrift): boolean {
  return (
    drift.kind === 'compared' &&
    drift.families.some((f) => f.common.length > 0 || f.drifted.some((port) => port.pending === undefined))
  );
}

/** The drifted ports of both families. */
export function driftedPorts(drift: NodeDrift): readonly PortDrift[] {
  return drift.kind === 'compared' ? drift.families.flatMap((family) => family.drifted) : [];
}

/** Every sentence of it. */
export function sentences(drift: NodeDrift): readonly string[] {
  if (drift.kind === 'unknown') return [drift.words];
  return drift.families.flatMap((family) =>
    [...family.drifted, ...family.common].flatMap((each) => each.explain().consequences.map(({ words }) => words)),
  );
}

/** A dump with its text changed. */
export function edited(
  name: Dump['name'],
  edit: (text: string) => string,
): (dumps: readonly Dump[]) => readonly Dump[] {
  return (dumps) => dumps.map((dump) => (dump.name === name ? { ...dump, text: edit(dump.text) } : dump));
}

/** All that a drift says but lines and times, in sorted lines. */
export function told(drift: NodeDrift): readonly string[] {
  if (drift.kind === 'unknown') return [drift.words];
  const differences = (all: readonly SliceDifference[]): string =>
    all
      .flatMap(({ name, missing, extra, moved }) => [
        ...missing.map(({ canonical }) => `${name} lacks ${canonical}`),
        ...extra.map(({ canonical }) => `${name} has ${canonical}`),
        ...moved.map(({ canonical }) => `${name} moved ${canonical}`),
      ])
      .sort()
      .join('\n  ');
  return drift.families
    .flatMap(({ family, ports, drifted, common, harmless, leftovers }) => [
      `IPv${family}: ${ports.length} ports`,
      ...drifted.map((port) => {
        const { consequences, endpoints } = port.explain();
        const words = [...consequences.map((each) => each.words), ...endpoints.map((each) => JSON.stringify(each))];
        return `${port.label} ${port.pending ? 'pending' : 'drifted'}: ${words.sort().join('; ')}\n  ${differences(port.differences)}`;
      }),
      ...common.map((each) => {
        const words = each.explain().consequences.map((consequence) => consequence.words);
        return `all, ${[...each.affected].sort().join()}: ${words.sort().join('; ')}\n  ${differences(each.differences)}`;
      }),
      `harmless: ${differences(harmless)}`,
      ...leftovers.map(({ where, acts }) => `${where}: ${acts.map(({ words }) => words).join('; ')}`),
    ])
    .sort();
}

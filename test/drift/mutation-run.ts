/** Breaks a recorded node many times and compares what the drift says with what packets say. */
import type { DumpName } from '../../src/kubernetes/source.ts';
import { programOf, type DumpText } from '../../src/netfilter/program-of.ts';
import { parseAddress, type Address } from '../../src/netfilter/address.ts';
import type { PacketCase } from '../../src/netfilter/outcome.ts';
import { trace } from '../../src/netfilter/trace.ts';
import { nodeNetwork } from '../../src/translation/network.ts';
import { addressed, fate, packets, type Mutation } from './mutations.ts';
import { isDrifted, driftOf, recorded, sentences } from '../diagnosis/recorded.ts';

export interface Miss {
  readonly where: string;
  readonly seed: number;
  readonly mutation: string;
  readonly wrong: string;
}

export interface Score {
  readonly harmful: number;
  readonly harmless: number;
  readonly misses: readonly Miss[];
}

export interface Run {
  readonly recording: string;
  readonly node: string;
  readonly name: DumpName;
  readonly seeds: readonly number[];
  readonly breakText: (text: string, seed: number) => Mutation;
}

export async function mutate({ recording, node, name, seeds, breakText }: Run): Promise<Score> {
  const cluster = await recorded(recording);
  const capture = cluster.captures.get(node)!;
  const { network } = nodeNetwork(node, cluster.objects, capture);
  // One listing alone, so that there is one text to break.
  const dumps = capture.dumps.filter(
    (dump) => dump.name !== 'nft.txt' && (name === 'nft.json' || dump.name !== 'nft.json'),
  );
  const original = dumps.find((dump) => dump.name === name)!.text;
  const usual = packets(cluster.objects, network, name.startsWith('ip6') ? 6 : 4);
  const run = (texts: readonly DumpText[]): ((packet: PacketCase) => string) => {
    const program = programOf(texts);
    return (packet) => fate(trace(program, network, packet));
  };
  const traceBefore = run(dumps);
  const usualBefore = usual.map(traceBefore);
  const misses: Miss[] = [];
  let harmful = 0;
  for (const seed of seeds) {
    const mutation = breakText(original, seed);
    const changed = dumps.map((dump) => (dump.name === name ? { ...dump, text: mutation.text } : dump));
    // An address that the break has brought in is somewhere to send to, too.
    const more = [
      ...strangers(original, mutation.text).flatMap((destination) =>
        usual.slice(0, 400).map((packet) => ({ ...packet, destination })),
      ),
      ...newPorts(original, mutation.text).flatMap((destinationPort) =>
        usual.filter((_, i) => i % 7 === 0).map((packet) => ({ ...packet, destinationPort })),
      ),
    ];
    const after = run(changed);
    const hit = [
      ...usual.filter((packet, i) => usualBefore[i] !== after(packet)),
      ...more.filter((packet) => traceBefore(packet) !== after(packet)),
    ];
    const drift = driftOf(cluster, node, () => changed);
    const told = isDrifted(drift);
    const miss = (wrong: string) =>
      misses.push({ where: `${recording} ${node}`, seed, mutation: mutation.words, wrong });
    if (hit.length > 0) {
      harmful++;
      if (!told) {
        miss(
          `${hit.length} packets differ, such as one to ${addressed(cluster.objects, network, hit[0]!).join()}; no drift is reported`,
        );
        continue;
      }
      const families = drift.kind === 'compared' ? drift.families : [];
      if (families.some((family) => family.common.length > 0)) continue;
      const labels = new Set(families.flatMap((family) => family.drifted.map((port) => port.label)));
      // A packet to an address that two ports share is about either.
      const missing = hit
        .map((packet) => addressed(cluster.objects, network, packet))
        .filter((whose) => whose.length > 0 && !whose.some((label) => labels.has(label)));
      if (missing.length > 0) miss(`packets to ${missing[0]!.join()} differ, reported are ${[...labels].join()}`);
    } else if (told && !mutation.affinity) miss(`no packet differs, reported is: ${sentences(drift).join('; ')}`);
  }
  return { harmful, harmless: seeds.length - harmful, misses };
}

function newPorts(before: string, after: string): readonly number[] {
  const ports = (text: string) => new Set(text.match(/(?<=[",: ])\d{2,5}(?=[\]}, \n]|$)/gm));
  const known = ports(before);
  return [...ports(after)].filter((text) => !known.has(text)).map(Number);
}

function strangers(before: string, after: string): readonly Address[] {
  const addresses = (text: string) => new Set(text.match(/\d+\.\d+\.\d+\.\d+/g));
  const known = addresses(before);
  return [...addresses(after)].filter((text) => !known.has(text)).flatMap((text) => parseAddress(text) ?? []);
}

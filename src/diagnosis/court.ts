/** Before whom one family's differences come: the packets that tell what they mean, and their ways through expected and actual rules. */
import type { ClusterObjects } from '../kubernetes/objects.ts';
import type { NodeProxy } from '../kubeproxy/expected.ts';
import { parsePrefix, type Family, type Prefix } from '../netfilter/address.ts';
import type { NodeNetwork } from '../netfilter/outcome.ts';
import { programOf, programSlices } from '../netfilter/program-of.ts';
import type { Program } from '../netfilter/program.ts';
import { asPart, type Slices } from '../netfilter/slices.ts';
import { trace } from '../netfilter/trace.ts';
import type { PortIndex, Touched } from './attribution.ts';
import type { SliceDifference } from './compare.ts';
import type { Trace } from './consequence.ts';
import type { NodeSubject } from './drift.ts';
import type { FamilyDrift, Leftover } from './drift-types.ts';
import { judgeSlices, type Court, type Judgement } from './judge.ts';
import { leftoverSlices } from './leftovers.ts';
import type { Ground } from './probes.ts';
import { metricsIn } from './proxy-metrics.ts';
import { endpointsOf } from './port-endpoints.ts';
import type { NamedText } from './surroundings.ts';
import { isTaken } from './taken.ts';

/** What is told of the two sides. Dumps are put together when the first packet is followed. */
export interface Case {
  readonly index: PortIndex;
  readonly rules: () => number;
  readonly expected: () => readonly NamedText[];
  readonly clean: () => readonly NamedText[];
  readonly actual: () => readonly NamedText[];
}

const INNOCENT: Judgement = { drifted: [], common: [], harmless: [] };

/** What the differences come to, and what was left elsewhere. */
export function* judgedSlices(
  subject: NodeSubject,
  proxy: NodeProxy,
  family: Family,
  given: Case,
  differences: readonly SliceDifference[],
  touched: Touched,
  leftovers: readonly Leftover['where'][],
): Slices<FamilyDrift> {
  const expected = sideOf(given.expected, subject.network);
  const actual = sideOf(given.actual, subject.network);
  const clean = sideOf(given.clean, subject.network);
  const court = courtOf(subject, proxy, family, given, {
    expected: expected.trace,
    clean: clean.trace,
    actual: actual.trace,
  });
  if (differences.length + leftovers.length > 0) {
    yield* asPart(expected.read(), (own) => (1 + own) / 20);
    yield* asPart(actual.read(), (own) => (2 + own) / 20);
  }
  if (leftovers.length > 0) yield* asPart(clean.read(), () => 0.2);
  const judgement =
    differences.length > 0
      ? yield* asPart(judgeSlices(differences, touched, court), (own) => 0.2 + 0.7 * own)
      : INNOCENT;
  const known = new Set(judgement.drifted.map((drift) => drift.label));
  return {
    family: court.ground.family,
    ports: court.index.ports,
    ...judgement,
    leftovers: yield* asPart(leftoverSlices(court, leftovers, known), (own) => 0.9 + own / 10),
  };
}

interface Side {
  readonly trace: Trace;
  /** Reads its rules in slices; the first packet would have them read in one go. */
  readonly read: () => Slices<void>;
}

function sideOf(dumps: () => readonly NamedText[], network: NodeNetwork): Side {
  let program: Program | undefined;
  return {
    trace: (packet) => trace((program ??= programOf(dumps())), network, packet),
    *read() {
      const texts = dumps();
      yield 0;
      program ??= yield* programSlices(texts);
    },
  };
}

function courtOf(
  subject: NodeSubject,
  proxy: NodeProxy,
  family: Family,
  given: Case,
  sides: Pick<Court, 'expected' | 'clean' | 'actual'>,
): Court {
  const { objects, network, capture } = subject;
  return {
    node: capture.node,
    objects,
    clock: {
      objects,
      at: capture.at,
      minSyncPeriod: proxy.configuration.minSyncPeriod.value,
      rules: given.rules(),
      metrics: metricsIn(capture.dumps),
      changedAt: subject.changedAt,
    },
    ground: groundOf(objects, capture.node, network, family),
    index: given.index,
    endpointsOf: (port) => endpointsOf(objects, port),
    ...sides,
  };
}

function groundOf(objects: ClusterObjects, node: string, network: NodeNetwork, family: Family): Ground {
  const prefixes = (own: boolean): Prefix[] =>
    objects.nodes
      .filter((each) => (each.metadata.name === node) === own)
      .flatMap((each) => each.spec?.podCIDRs ?? (each.spec?.podCIDR === undefined ? [] : [each.spec.podCIDR]))
      .flatMap((text) => parsePrefix(text) ?? [])
      .filter((prefix) => prefix.family === family);
  return {
    family,
    network,
    podPrefixes: prefixes(true),
    otherPodPrefixes: prefixes(false),
    isTaken: (address) => isTaken(objects, address),
  };
}

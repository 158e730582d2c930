/** Before whom one family's differences come: the packets that tell what they mean, and their ways through expected and actual rules. */
import type { ClusterObjects } from '../kubernetes/objects.ts';
import type { NodeProxy } from '../kubeproxy/expected.ts';
import { parsePrefix, type Family, type Prefix } from '../netfilter/address.ts';
import type { NodeNetwork } from '../netfilter/outcome.ts';
import { programOf } from '../netfilter/program-of.ts';
import { trace } from '../netfilter/trace.ts';
import type { PortIndex } from './attribution.ts';
import type { SliceDifference } from './compare.ts';
import type { Trace } from './consequence.ts';
import type { NodeSubject } from './drift.ts';
import type { FamilyDrift, Leftover } from './drift-types.ts';
import { judge, once, type Court } from './judge.ts';
import { leftoversOf } from './leftovers.ts';
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

/** What the differences come to, and what was left elsewhere. */
export function judged(
  subject: NodeSubject,
  proxy: NodeProxy,
  family: Family,
  given: Case,
  differences: readonly SliceDifference[],
  leftovers: readonly Leftover['where'][],
): FamilyDrift {
  const court = courtOf(subject, proxy, family, given);
  const judgement = differences.length > 0 ? judge(differences, court) : { drifted: [], common: [], harmless: [] };
  const known = new Set(judgement.drifted.map((drift) => drift.label));
  return {
    family: court.ground.family,
    ports: court.index.ports,
    ...judgement,
    leftovers: leftoversOf(court, leftovers, known),
  };
}

function courtOf(subject: NodeSubject, proxy: NodeProxy, family: Family, given: Case): Court {
  const { objects, network, capture } = subject;
  const follow = (dumps: () => readonly NamedText[]): Trace => {
    const read = once(() => programOf(dumps()));
    return (packet) => trace(read(), network, packet);
  };
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
    expected: follow(given.expected),
    clean: follow(given.clean),
    actual: follow(given.actual),
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

/**
 * What differs in text, judged by what it does: each touched Service port is drifted if some packet is treated otherwise
 * than by the expected rules, and not if none is.
 */
import { keyOf, type ClusterObjects } from '../kubernetes/objects.ts';
import type { ProxiedPort } from '../kubeproxy/services.ts';
import { parsePrefix } from '../netfilter/address.ts';
import type { Outcome } from '../netfilter/outcome.ts';
import type { Slices } from '../netfilter/slices.ts';
import type { PortIndex, Touch, Touched } from './attribution.ts';
import type { SliceDifference } from './compare.ts';
import {
  consequences,
  endpointDifferences,
  witnesses,
  type Consequence,
  type Subject,
  type Trace,
  type Witness,
} from './consequence.ts';
import type { CommonDrift, Explanation, PortDrift } from './drift-types.ts';
import { pendingOf, pendingRemoval, type Clock } from './pending.ts';
import { probesFor, usualProbes, waysOf, type Ground, type Probe, type ProbeWay } from './probes.ts';
import { factsOf, NO_FACTS, type RuleFacts } from './rule-facts.ts';

export interface Court {
  readonly node: string;
  readonly objects: ClusterObjects;
  readonly clock: Clock;
  readonly ground: Ground;
  readonly index: PortIndex;
  /** All endpoints of a port that the API has, usable or not: "10.244.0.1:8080". */
  readonly endpointsOf: (port: ProxiedPort) => ReadonlySet<string>;
  /**
   * The expected rules in the node's surroundings, what kube-proxy left in other backends and modes included; the same without
   * that; and the node's own rules.
   */
  readonly expected: Trace;
  readonly clean: Trace;
  readonly actual: Trace;
}

export interface Judgement {
  readonly drifted: readonly PortDrift[];
  readonly common: readonly CommonDrift[];
  readonly harmless: readonly SliceDifference[];
}

/** Ports that are tried for the effect of rules that all share. */
const MAXIMUM_TRIED = 1000;
const MAXIMUM_SAMPLE = 24;
const MAXIMUM_HAIRPINS = 64;

/** In slices of one port each. */
export function* judgeSlices(
  differences: readonly SliceDifference[],
  touched: Touched,
  court: Court,
): Slices<Judgement> {
  const { ports, gone } = touched;
  let done = 0;
  const share = (): number => ++done / (ports.size + gone.size + 1);
  const drifted: PortDrift[] = [];
  const guilty = new Set<SliceDifference>();
  const add = (drift: PortDrift | undefined, touches: readonly Touch[]): void => {
    if (!drift) return;
    drifted.push(drift);
    for (const { difference } of touches) guilty.add(difference);
  };
  for (const [port, touches] of ports) {
    add(judgePort(port, touches, court), touches);
    yield share();
  }
  for (const [label, touches] of gone) {
    add(judgeGone(label, touches, court), touches);
    yield share();
  }
  const common = yield* judgeCommon(touched.common, court);
  for (const drift of common) for (const difference of drift.differences) guilty.add(difference);
  return { drifted, common, harmless: differences.filter((difference) => !guilty.has(difference)) };
}

function judgePort(port: ProxiedPort, touches: readonly Touch[], court: Court): PortDrift | undefined {
  const { ground, expected, actual } = court;
  const usual = usualProbes(port, ground);
  // Few need them: the usual packets show most of what differs.
  const facts = once(() => touches.flatMap((touch) => touch.entries.map(factsOf)));
  const special = (): readonly Probe[] =>
    probesFor(waysOf(port, ground), [...facts(), hairpins(port, court)], ground, rangesOf(port));
  const first = witnesses(usual, expected, actual, true)[0] ?? witnesses(special(), expected, actual, true)[0];
  const forgets = first ? undefined : forgetting(touches, facts(), usual, court);
  if (!first && !forgets) return undefined;
  const subject = { label: port.label, node: court.node, objects: court.objects, endpoints: court.endpointsOf(port) };
  return {
    label: port.label,
    service: keyOf(port.service),
    protocol: port.protocol,
    family: ground.family,
    port,
    pending: pendingOf(port, court.clock),
    differences: touches.map(narrowed),
    explain: once(() => {
      if (forgets) return { consequences: [forgotten(forgets, subject)], endpoints: [] };
      return explained(usual, special, subject, court);
    }),
  };
}

/** Its endpoints as clients of their own: what is masqueraded when a pod meets itself. */
function hairpins(port: ProxiedPort, { endpointsOf }: Court): RuleFacts {
  const sources = [...endpointsOf(port)].slice(0, MAXIMUM_HAIRPINS).flatMap((text) => {
    const address = text.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
    return parsePrefix(address) ?? [];
  });
  return { ...NO_FACTS, sources };
}

function rangesOf(port: ProxiedPort) {
  return port.loadBalancerIPs.length > 0 ? port.sourceRanges.flatMap((text) => parsePrefix(text) ?? []) : [];
}

/** By the usual packets if they show it, else by the ones made for the rules. */
function explained(
  usual: readonly Probe[],
  special: () => readonly Probe[],
  subject: Subject,
  { expected, actual }: Court,
): Explanation {
  const found = witnesses(usual, expected, actual);
  const rest = special();
  const strays = witnesses(
    rest.filter((probe) => probe.way.kind === 'rule'),
    expected,
    actual,
  );
  const rare = found.length + strays.length > 0 ? [] : witnesses(rest, expected, actual);
  const told = [
    ...consequences(found, usual, subject),
    ...consequences(strays.slice(0, 50), rest, subject).slice(0, 3),
    ...consequences(rare.slice(0, 200), rest, subject).slice(0, 3),
  ];
  return { consequences: told, endpoints: endpointDifferences([...found, ...rare], subject) };
}

/**
 * Session affinity is a memory, which no single packet of a new client shows. Rules that keep it or ask it, and that some packet
 * reaches, matter to the client's next connection.
 */
function forgetting(
  touches: readonly Touch[],
  facts: readonly RuleFacts[],
  probes: readonly Probe[],
  { expected, actual }: Court,
): Witness | undefined {
  if (!facts.some((each) => each.remembers)) return undefined;
  const names = new Set(touches.map((touch) => touch.difference.name));
  const reaches = (outcomes: readonly Outcome[]): boolean =>
    outcomes.some((outcome) =>
      outcome.path.some((step) => names.has(step.chain) || [...names].some((name) => step.rule.includes(name))),
    );
  for (const probe of probes) {
    const witness = { probe, expected: expected(probe.packet), actual: actual(probe.packet) };
    if (reaches(witness.expected) || reaches(witness.actual)) return witness;
  }
  return undefined;
}

function forgotten(witness: Witness, { label, node }: Subject): Consequence {
  return {
    clients: [witness.probe.client],
    ways: [witness.probe.way],
    words: `on ${node}, clients of ${label} do not come back to the endpoint that they had (session affinity)`,
    witness,
  };
}

function judgeGone(label: string, touches: readonly Touch[], court: Court): PortDrift | undefined {
  const { ground, expected, actual, node, objects } = court;
  const facts = touches.flatMap((touch) => touch.entries.map(factsOf));
  const probes = probesFor([], facts, ground);
  if (witnesses(probes, expected, actual, true).length === 0) return undefined;
  const subject = { label, node, objects, endpoints: new Set<string>() };
  const service = label.split(':')[0]!;
  return {
    label,
    service,
    protocol: facts.flatMap((each) => each.protocols)[0] ?? 'tcp',
    family: ground.family,
    port: undefined,
    pending: pendingRemoval(service, ground.family, court.clock),
    differences: touches.map(narrowed),
    explain: once(() => {
      const found = witnesses(probes, expected, actual);
      return { consequences: consequences(found.slice(0, 50), probes, subject).slice(0, 3), endpoints: [] };
    }),
  };
}

/** One after another, so that what does nothing is not blamed for what its neighbour does. */
function* judgeCommon(touches: readonly Touch[], court: Court): Slices<readonly CommonDrift[]> {
  if (touches.length === 0) return [];
  const { ground, expected, actual, index, node, objects } = court;
  const sample = sampleOf(index.ports);
  // What all share also sees packets of known connections, and of none.
  const states = { ...NO_FACTS, states: ['new', 'established', 'invalid'] as const };
  const facts = [states, ...touches.flatMap((touch) => touch.entries.map(factsOf))];
  const usual = sample.flatMap((port) => usualProbes(port, ground));
  const special = (): readonly Probe[] => [
    ...probesFor(otherWays(sample, ground), facts, ground),
    ...sample.flatMap((port) => probesFor(waysOf(port, ground), [hairpins(port, court)], ground, rangesOf(port))),
  ];
  const first = witnesses(usual, expected, actual, true)[0] ?? witnesses(special(), expected, actual, true)[0];
  const affected: string[] = [];
  for (const port of index.ports.slice(0, MAXIMUM_TRIED)) {
    if (witnesses(usualProbes(port, ground), expected, actual, true).length > 0) affected.push(port.label);
    yield 1;
  }
  if (!first && affected.length === 0) return [];
  const subject = {
    label: 'Services',
    node,
    objects,
    endpoints: new Set(sample.flatMap((p) => [...court.endpointsOf(p)])),
  };
  return [
    {
      family: ground.family,
      differences: touches.map(narrowed),
      affected: [...new Set(affected)],
      explain: once(() => explained(usual, special, subject, court)),
    },
  ];
}

/** A few packets that no Service port answers: to unused ports, between pods, to the node, to the world. */
function otherWays(sample: readonly ProxiedPort[], ground: Ground): readonly ProbeWay[] {
  const ways = sample.slice(0, 8).flatMap((port) => waysOf(port, ground).slice(0, 2));
  // Ports that a cluster IP does not have, and an echo request: nftables mode rejects them, iptables mode lets them pass.
  const unused = ways
    .filter((way) => way.kind === 'clusterIP')
    .slice(0, 4)
    .flatMap(({ address, port, protocol }): ProbeWay[] => [
      { kind: 'rule', address, protocol, port: (port ?? 0) + 1 },
      { kind: 'rule', address, protocol: 'icmp' },
    ]);
  const outside = parsePrefix(ground.family === 4 ? '198.51.100.77' : '2001:db8::77')!;
  const addresses = [
    outside,
    ...ground.network.addresses.map((each) => each.address).filter((address) => address.family === ground.family),
    ...[...ground.podPrefixes, ...ground.otherPodPrefixes]
      .filter((prefix) => prefix.family === ground.family)
      .slice(0, 2)
      .map((prefix) => ({ family: prefix.family, value: prefix.value + 60n })),
  ];
  return [
    ...ways,
    ...unused,
    ...addresses.map((address): ProbeWay => ({ kind: 'rule', address, port: 8080, protocol: 'tcp' })),
  ];
}

/** One port of each kind: what matters to rules that all share. */
function sampleOf(ports: readonly ProxiedPort[]): readonly ProxiedPort[] {
  const kinds = new Map<string, ProxiedPort>();
  for (const port of ports) {
    const kind = [
      port.protocol,
      port.nodePort > 0,
      port.externalIPs.length > 0,
      port.loadBalancerIPs.length > 0,
      port.sourceRanges.length > 0,
      port.externalPolicyLocal,
      port.internalPolicyLocal,
      port.affinitySeconds !== undefined,
    ].join();
    if (!kinds.has(kind)) kinds.set(kind, port);
    if (kinds.size >= MAXIMUM_SAMPLE) break;
  }
  return [...kinds.values()];
}

/** The difference with those of its entries alone that concern one port. */
function narrowed({ difference, entries }: Touch): SliceDifference {
  const { missing, extra, moved } = difference;
  if (missing.length + extra.length + moved.length === entries.length) return difference;
  const own = new Set(entries);
  return {
    ...difference,
    missing: missing.filter((entry) => own.has(entry)),
    extra: extra.filter((entry) => own.has(entry)),
    moved: moved.filter((entry) => own.has(entry)),
  };
}

export function once<T>(compute: () => T): () => T {
  let value: { readonly of: T } | undefined;
  return () => (value ??= { of: compute() }).of;
}

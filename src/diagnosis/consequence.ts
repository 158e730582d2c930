/** What a difference does to connections, in words: found by following the same packets through both programs. */
import type { ClusterObjects } from '../kubernetes/objects.ts';
import { formatAddress, formatEndpoint } from '../netfilter/address.ts';
import type { Outcome, PacketCase } from '../netfilter/outcome.ts';
import { sameOutcomes } from './outcomes.ts';
import type { Probe, ProbeClient, ProbeWay } from './probes.ts';
import { whose } from './whose.ts';
import { destinationOf, sentenceOf } from './words.ts';

export type Trace = (packet: PacketCase) => readonly Outcome[];

/** A packet that the node treats otherwise than it should. */
export interface Witness {
  readonly probe: Probe;
  readonly expected: readonly Outcome[];
  readonly actual: readonly Outcome[];
}

/** One change, for all the ways in and clients that see it. */
export interface Consequence {
  readonly clients: readonly ProbeClient[];
  readonly ways: readonly ProbeWay[];
  /** "a third of the connections to shop/front:http go to 10.244.1.1:8080, which is cart-lgsrf now". Begins in lower case, ends without a stop. */
  readonly words: string;
  readonly witness: Witness;
}

export interface EndpointDifference {
  /** `missing`: should get a share and gets none. `stale`: gets a share and nothing has that address. `moved`: it is another's by now. `unwanted`: it is an
   * endpoint of this port that should get none (not ready, elsewhere). `share`: gets another share than it should. */
  readonly kind: 'missing' | 'stale' | 'moved' | 'unwanted' | 'share';
  /** "10.244.1.1:8080". */
  readonly endpoint: string;
  /** The pod or node that has the address now. */
  readonly now?: string;
  /** By the first way in and client that sees it, 0 to 1. */
  readonly expected: number;
  readonly actual: number;
}

export interface Subject {
  /** "shop/front:http", or "any Service" for rules that all share. */
  readonly label: string;
  readonly node: string;
  readonly objects: ClusterObjects;
  /** All endpoints of the port in the API, usable or not: "10.244.0.1:8080". */
  readonly endpoints: ReadonlySet<string>;
}

/** Those of the packets that the two treat differently; with `first`, no more than one. */
export function witnesses(probes: readonly Probe[], expected: Trace, actual: Trace, first = false): readonly Witness[] {
  const found: Witness[] = [];
  for (const probe of probes) {
    const witness = { probe, expected: expected(probe.packet), actual: actual(probe.packet) };
    if (sameOutcomes(witness.expected, witness.actual)) continue;
    found.push(witness);
    if (first) break;
  }
  return found;
}

/** Witnesses that tell the same are told once. `all` are the probes that were tried: what all of them show needs no "from". */
export function consequences(
  found: readonly Witness[],
  all: readonly Probe[],
  subject: Subject,
): readonly Consequence[] {
  const groups = new Map<string, Witness[]>();
  for (const witness of found) {
    const key = sentenceOf(witness, subject)('…', '…');
    const group = groups.get(key);
    if (group) group.push(witness);
    else groups.set(key, [witness]);
  }
  return [...groups.values()].map((group) => {
    const clients = [...new Set(group.map((witness) => witness.probe.client))];
    const ways = distinct(group.map((witness) => witness.probe.way));
    const from = fromWords(clients, new Set(all.map((probe) => probe.client)), subject.node);
    return {
      clients,
      ways,
      words: sentenceOf(group[0]!, subject)(from, toWords(ways, all, subject)),
      witness: group[0]!,
    };
  });
}

function fromWords(clients: readonly ProbeClient[], all: ReadonlySet<ProbeClient>, node: string): string {
  if (clients.length >= all.size || clients.length > 3) return `from ${node}, `;
  const words: Record<ProbeClient, string> = {
    pod: `pods on ${node}`,
    node: `${node} itself`,
    outside: 'outside of the cluster',
    'outside-refused': 'outside of the source ranges',
    'other-node': "other nodes' pods",
    source: 'certain addresses',
  };
  const names = clients.map((client) => words[client]);
  const list = names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)!}` : names[0]!;
  return clients.some((client) => client === 'pod' || client === 'node')
    ? `from ${list}, `
    : `on ${node} from ${list}, `;
}

function toWords(ways: readonly ProbeWay[], all: readonly Probe[], subject: Subject): string {
  const possible = distinct(all.map((probe) => probe.way)).filter((way) => way.kind !== 'rule');
  if (possible.length > 0 && possible.every((way) => ways.some((other) => sameWay(way, other)))) return subject.label;
  const stray = ways.every((way) => way.kind === 'rule');
  const names = ways
    .filter((way) => stray || way.kind !== 'rule')
    .map((way) => `${KINDS[way.kind]}${formatEndpoint(way.address, way.port)}`);
  const shown = names.length > 3 ? `${names.slice(0, 2).join(', ')} and ${names.length - 2} more` : names.join(', ');
  return stray ? `${shown}, which is no way to ${subject.label},` : `${subject.label} by ${shown}`;
}

const KINDS: Record<ProbeWay['kind'], string> = {
  clusterIP: 'cluster IP ',
  externalIP: 'external IP ',
  loadBalancerIP: 'load balancer IP ',
  nodePort: 'node port ',
  rule: '',
};

/** Endpoint by endpoint, from the witnesses by the port's own ways in. */
export function endpointDifferences(found: readonly Witness[], subject: Subject): readonly EndpointDifference[] {
  const differences = new Map<string, EndpointDifference>();
  for (const { probe, expected, actual } of found) {
    if (probe.way.kind === 'rule') continue;
    const before = byEndpoint(expected);
    const after = byEndpoint(actual);
    for (const endpoint of new Set([...before.keys(), ...after.keys()])) {
      if (differences.has(endpoint)) continue;
      const [was, is] = [before.get(endpoint) ?? 0, after.get(endpoint) ?? 0];
      if (Math.abs(was - is) < 1e-8) continue;
      const address = [...expected, ...actual].find((outcome) => destinationOf(outcome) === endpoint)!.destination;
      const owner = whose(subject.objects, formatAddress(address));
      const now = owner && { now: owner.name };
      const known = subject.endpoints.has(endpoint);
      const kind = is === 0 ? 'missing' : was > 0 ? 'share' : known ? 'unwanted' : owner ? 'moved' : 'stale';
      differences.set(endpoint, { kind, endpoint, ...now, expected: was, actual: is });
    }
  }
  // Another's going or coming changes everybody's share: that is no news of its own.
  const all = [...differences.values()];
  const others = all.filter((difference) => difference.kind !== 'share');
  return others.length > 0 ? others : all;
}

function byEndpoint(outcomes: readonly Outcome[]): ReadonlyMap<string, number> {
  const shares = new Map<string, number>();
  for (const outcome of outcomes) {
    if (outcome.verdict !== 'accept' || !outcome.translated) continue;
    const endpoint = destinationOf(outcome);
    shares.set(endpoint, (shares.get(endpoint) ?? 0) + outcome.probability);
  }
  return shares;
}

function sameWay(a: ProbeWay, b: ProbeWay): boolean {
  return a.address.value === b.address.value && a.port === b.port && a.protocol === b.protocol;
}

function distinct(ways: readonly ProbeWay[]): readonly ProbeWay[] {
  return ways.filter((way, i) => ways.findIndex((other) => sameWay(way, other)) === i);
}

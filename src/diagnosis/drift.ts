/** A node's rules against what kube-proxy should have written there: what differs, and what that does to packets. */
import { keyOf, type ClusterObjects } from '../kubernetes/objects.ts';
import type { Dump, NodeCapture } from '../kubernetes/source.ts';
import { expectedRules, nodeProxy, type ExpectedRules, type NodeProxy } from '../kubeproxy/expected.ts';
import { listTable } from '../kubeproxy/nftables/table.ts';
import type { ProxiedPort } from '../kubeproxy/services.ts';
import {
  formatAddress,
  formatEndpoint,
  parseAddress,
  parsePrefix,
  type Family,
  type Prefix,
} from '../netfilter/address.ts';
import type { NodeNetwork } from '../netfilter/outcome.ts';
import { programOf } from '../netfilter/program-of.ts';
import { trace } from '../netfilter/trace.ts';
import { PortIndex } from './attribution.ts';
import type { SliceDifference } from './compare.ts';
import type { Trace } from './consequence.ts';
import type { FamilyDrift, Leftover, NodeDrift } from './drift-types.ts';
import { excerpt, metChains } from './excerpt.ts';
import { completed, inSurroundings, iptablesDifferences } from './iptables-differences.ts';
import { expectedTables } from './iptables-expected.ts';
import { judge, once, type Court } from './judge.ts';
import {
  actualSlices,
  expectedSlices,
  hasKubeProxyRules,
  nftablesDifferences,
  nftablesInSurroundings,
  type NftObject,
} from './nftables-differences.ts';
import { metNftChains, nftExcerpt } from './nft-excerpt.ts';
import type { Clock } from './pending.ts';
import type { Ground } from './probes.ts';
import { metricsIn } from './proxy-metrics.ts';
import { slicesOf } from './slices.ts';
import { leftoversOf } from './leftovers.ts';
import {
  backendOf,
  savedTables,
  withFirstLine,
  withoutIptables,
  withoutNftables,
  withTexts,
  type NamedText,
} from './surroundings.ts';

export interface NodeSubject {
  readonly objects: ClusterObjects;
  readonly capture: NodeCapture;
  /** The node's addresses and routes, as far as they are known. */
  readonly network: NodeNetwork;
  /** When a Service or its endpoints were last seen to change, where somebody watches. */
  readonly changedAt?: Clock['changedAt'];
}

/** Never throws for bad dumps: what cannot be read is told. */
export function nodeDrift(subject: NodeSubject): NodeDrift {
  const { objects, capture } = subject;
  const { dumps, node, at } = capture;
  const proxy = nodeProxy(objects, capture.node, capture.dumps);
  const expected = expectedRules(objects, proxy, dumps);
  if (expected.mode !== 'iptables' && expected.mode !== 'nftables')
    return { kind: 'unknown', node, at, mode: expected.mode, proxy, reason: 'mode', words: expected.problem };
  if (!holdsAnything(dumps))
    return {
      kind: 'unknown',
      node,
      at,
      mode: 'none',
      proxy,
      reason: 'none',
      words: `${node} holds no rules of kube-proxy`,
    };
  if (expected.mode === 'nftables' && !listingOf(dumps))
    return {
      kind: 'unknown',
      node,
      at,
      mode: 'nftables',
      proxy,
      reason: 'unreadable',
      words: `${node}'s rules cannot be compared: there is no whole listing of nft -j list ruleset`,
    };
  const unseen = unseenObjects(objects) ?? unseenZone(objects, node);
  if (unseen !== undefined)
    return {
      kind: 'unknown',
      node,
      at,
      mode: expected.mode,
      proxy,
      reason: 'objects',
      words: `${node}'s rules cannot be compared: ${unseen}`,
    };
  const compare = expected.mode === 'iptables' ? iptablesFamily : nftablesFamily;
  const truncated = dumps.filter((dump) => !dump.complete).map((dump) => dump.name);
  return {
    kind: 'compared',
    node,
    at,
    mode: expected.mode,
    proxy,
    families: ([4, 6] as const).flatMap((family) => compare(subject, proxy, expected, family)),
    truncated,
  };
}

/**
 * What was not read, or not wholly, and every rule comes of. Every API server has the Service default/kubernetes and its endpoints: where there
 * are none at all, a right or a file is missing, and rules for them are no drift.
 */
export function unseenObjects(objects: ClusterObjects): string | undefined {
  const { services, endpointSlices, endpoints, incomplete = [] } = objects;
  if (services.length === 0) return 'no Services were read';
  if (endpointSlices.length === 0 && endpoints.length === 0) return 'no EndpointSlices were read';
  if (incomplete.includes('services')) return 'not all Services were read';
  return endpointSlices.length > 0 && incomplete.includes('endpointSlices')
    ? 'not all EndpointSlices were read'
    : undefined;
}

/** Every Node object has labels; one without them is known by its name alone, and kube-proxy knows its zone. */
function unseenZone({ nodes, endpointSlices }: ClusterObjects, node: string): string | undefined {
  if (nodes.find(({ metadata }) => metadata.name === node)?.metadata.labels !== undefined) return undefined;
  const matters = endpointSlices.some(({ endpoints }) => endpoints?.some(({ hints }) => hints?.forZones !== undefined));
  return matters ? 'its zone was not read, and kube-proxy chooses endpoints by it' : undefined;
}

function holdsAnything(dumps: readonly Dump[]): boolean {
  return (
    ([4, 6] as const).some((family) => savedTables(dumps, family).some((saved) => saved.owned > 0)) ||
    dumps.some((dump) => (dump.name === 'nft.txt' || dump.name === 'nft.json') && dump.text.includes('kube-proxy'))
  );
}

function iptablesFamily(
  subject: NodeSubject,
  proxy: NodeProxy,
  expected: ExpectedRules,
  family: Family,
): readonly FamilyDrift[] {
  if (expected.mode !== 'iptables') return [];
  const { dumps } = subject.capture;
  const rules = expected.families[family];
  const saved = savedTables(dumps, family);
  const main = saved[0];
  // A family that was not read is not compared; one that kube-proxy does not serve has nothing of it.
  if (!main) return [];
  const tables = expectedTables(rules);
  const actual = main.complete ? main.blocks : completed(tables, main.blocks);
  const differences = iptablesDifferences(tables, actual);
  const others = saved.slice(1).filter((each) => each.owned > 0);
  const leftovers: Leftover['where'][] = [
    ...others.map((each) => backendOf(each.name, dumps)),
    ...(hasTable(dumps, family) ? (['nftables'] as const) : []),
  ];
  const selections = once(() => new Map(rules.ports.map((each) => [each.port, each.selection])));
  const index = new PortIndex(
    rules.ports.map((each) => each.port),
    (port) =>
      selections()
        .get(port)
        ?.reachable.map((endpoint) => endpoint.text) ?? [],
  );
  // What was left elsewhere may act on every Service.
  const isMet = once(() => (leftovers.length > 0 ? undefined : metChains(differences, tables, actual, index)));
  const withMain = (text: string): readonly NamedText[] =>
    withTexts(dumps, new Map([[main.name, withFirstLine(main.blocks.text, text)]]));
  const expectedDumps = once(() => withMain(inSurroundings(tables, actual, isMet())));
  const court = courtOf(subject, proxy, family, {
    index,
    rules: () => rules.ports.reduce((sum, each) => sum + each.lines.nat.length + each.lines.filter.length, 0),
    expected: expectedDumps,
    clean: () => withTexts(expectedDumps(), new Map([...withoutIptables(dumps, main.name), ...withoutNftables(dumps)])),
    actual: () => {
      const met = isMet();
      if (met) return withMain(excerpt(actual, met));
      return main.complete ? dumps : withMain(actual.text);
    },
  });
  return [familyOf(court, differences, leftovers)];
}

function nftablesFamily(
  subject: NodeSubject,
  proxy: NodeProxy,
  expected: ExpectedRules,
  family: Family,
): readonly FamilyDrift[] {
  if (expected.mode !== 'nftables') return [];
  const { objects } = subject;
  const { dumps } = subject.capture;
  const name = family === 4 ? 'ip' : 'ip6';
  const table = expected.tables.tables.find((each) => each.settings.family === name);
  const listing = listingOf(dumps);
  if (!table || !listing) return [];
  const actual = actualSlices(name, listing);
  const differences = nftablesDifferences(expectedSlices(table, actual), actual);
  const leftovers = savedTables(dumps, family)
    .filter((each) => each.owned > 0)
    .map((each) => backendOf(each.name, dumps));
  const index = new PortIndex(
    table.ports.map((each) => each.port),
    (port) => [...endpointsOf(objects, port)],
  );
  const keeps = once(() => (leftovers.length > 0 ? undefined : metNftChains(differences, table, index)));
  /** The same listing that was compared, alone: the one in the other language may have been made a moment later. */
  const withListing = (all: readonly NftObject[]): readonly NamedText[] => {
    const met = keeps();
    const text = JSON.stringify({ nftables: met ? nftExcerpt(all, met) : all });
    const texts: readonly (readonly [NamedText['name'], string | undefined])[] = [
      ['nft.json', text],
      ['nft.txt', undefined],
    ];
    return withTexts(dumps, new Map(texts));
  };
  const expectedDumps = once(() =>
    withListing(nftablesInSurroundings(listTable(table) as readonly NftObject[], listing, name)),
  );
  const court = courtOf(subject, proxy, family, {
    index,
    rules: () => table.ports.reduce((sum, each) => sum + each.elements.length + 2 * each.chains.length, 0),
    expected: expectedDumps,
    clean: () => withTexts(expectedDumps(), withoutIptables(dumps)),
    actual: () => withListing(listing),
  });
  return [familyOf(court, differences, leftovers)];
}

const listings = new WeakMap<Dump, readonly NftObject[] | 'unreadable'>();

/** The objects of `nft -j list ruleset`; undefined where there is no such dump, or one that is cut off. A dump is read once. */
export function listingOf(dumps: readonly Dump[]): readonly NftObject[] | undefined {
  const dump = dumps.find((each) => each.name === 'nft.json');
  if (!dump) return undefined;
  let listing = listings.get(dump);
  if (!listing) {
    try {
      listing = (JSON.parse(dump.text) as { readonly nftables?: readonly NftObject[] }).nftables ?? [];
    } catch {
      listing = 'unreadable';
    }
    listings.set(dump, listing);
  }
  return listing === 'unreadable' ? undefined : listing;
}

function hasTable(dumps: readonly Dump[], family: Family): boolean {
  const listing = listingOf(dumps);
  if (listing) return hasKubeProxyRules(listing, family === 4 ? 'ip' : 'ip6');
  const text = dumps.find((dump) => dump.name === 'nft.txt')?.text ?? '';
  return text.includes(`table ${family === 4 ? 'ip' : 'ip6'} kube-proxy {`);
}

interface Case {
  readonly index: PortIndex;
  readonly rules: () => number;
  readonly expected: () => readonly NamedText[];
  readonly clean: () => readonly NamedText[];
  readonly actual: () => readonly NamedText[];
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

function familyOf(
  court: Court,
  differences: readonly SliceDifference[],
  leftovers: readonly Leftover['where'][],
): FamilyDrift {
  const judgement = differences.length > 0 ? judge(differences, court) : { drifted: [], common: [], harmless: [] };
  const known = new Set(judgement.drifted.map((drift) => drift.label));
  return {
    family: court.ground.family,
    ports: court.index.ports,
    ...judgement,
    leftovers: leftoversOf(court, leftovers, known),
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
    isTaken: (address) => taken(objects).has(address),
  };
}

const takenBy = new WeakMap<ClusterObjects, ReadonlySet<string>>();

function taken(objects: ClusterObjects): ReadonlySet<string> {
  let found = takenBy.get(objects);
  if (!found) {
    const texts = [
      ...objects.pods.flatMap((pod) => pod.status?.podIPs?.map((each) => each.ip) ?? pod.status?.podIP ?? []),
      ...objects.endpointSlices.flatMap((slice) => slice.endpoints?.flatMap((endpoint) => endpoint.addresses) ?? []),
    ];
    found = new Set(texts.map(canonical));
    takenBy.set(objects, found);
  }
  return found;
}

function canonical(text: string): string {
  const address = parseAddress(text);
  return address ? formatAddress(address) : text;
}

/** All endpoints of a port in the API, ready or not. */
export function endpointsOf(objects: ClusterObjects, port: ProxiedPort): ReadonlySet<string> {
  const found = new Set<string>();
  for (const slice of slicesOf(objects, keyOf(port.service)))
    for (const each of slice.ports ?? []) {
      if ((each.name ?? '') !== port.portName || (each.protocol ?? 'TCP').toLowerCase() !== port.protocol) continue;
      for (const endpoint of slice.endpoints ?? []) {
        const address = parseAddress(endpoint.addresses[0] ?? '');
        if (address) found.add(formatEndpoint(address, each.port));
      }
    }
  return found;
}

/** A node's rules against what kube-proxy should have written there: what differs, and what that does to packets. */
import { ZONE_LABEL, type ClusterObjects } from '../kubernetes/objects.ts';
import type { Dump, NodeCapture } from '../kubernetes/source.ts';
import { expectedRules, nodeProxy, type NodeProxy } from '../kubeproxy/expected.ts';
import type { NodeNetwork } from '../netfilter/outcome.ts';
import { asPart, inOneGo, type Slices } from '../netfilter/slices.ts';
import type { FamilyDrift, NodeDrift, PortDrift } from './drift-types.ts';
import { iptablesDrift } from './iptables-drift.ts';
import { nftListing } from './nft-listing.ts';
import { nftablesDrift } from './nftables-drift.ts';
import type { Clock } from './pending.ts';
import { savedTables } from './surroundings.ts';

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
  return inOneGo(nodeDriftSlices(subject));
}

/**
 * The same in slices of a Service port each: packets are followed for every port whose rules differ, which takes seconds where
 * thousands do.
 */
export function* nodeDriftSlices(subject: NodeSubject): Slices<NodeDrift> {
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
  if (expected.mode === 'nftables' && !nftListing(dumps))
    return {
      kind: 'unknown',
      node,
      at,
      mode: 'nftables',
      proxy,
      reason: 'unreadable',
      words: `${node}'s rules cannot be compared: there is no whole listing of nft list ruleset`,
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
  const compare = expected.mode === 'iptables' ? iptablesDrift : nftablesDrift;
  const families: FamilyDrift[] = [];
  for (const [i, family] of ([4, 6] as const).entries()) {
    yield i / 2;
    families.push(...(yield* asPart(compare(subject, proxy, expected, family), (own) => (i + own) / 2)));
  }
  const truncated = dumps.filter((dump) => !dump.complete).map((dump) => dump.name);
  return {
    kind: 'compared',
    node,
    at,
    mode: expected.mode,
    proxy,
    families,
    truncated,
    withoutZone: () => rightWithoutZone(subject, proxy, families),
  };
}

/**
 * A kube-proxy that starts may miss its node's labels, and then heeds no hints for a zone until it is started again: seen of 1.34 and
 * later (of one of 96 starts of 1.37.2 on a busy machine).
 */
function* rightWithoutZone(
  subject: NodeSubject,
  proxy: NodeProxy,
  families: readonly FamilyDrift[],
): Slices<readonly PortDrift[]> {
  const drifted = families.flatMap((family) => family.drifted);
  if (drifted.length === 0 || proxy.release.generation.minor < 34) return [];
  const objects = withoutZone(subject.objects, proxy.node);
  const other = objects && (yield* nodeDriftSlices({ ...subject, objects }));
  if (other?.kind !== 'compared') return [];
  const keyOf = ({ label, family }: PortDrift): string => `${label} ${family}`;
  const wrong = new Set(other.families.flatMap((family) => family.drifted.map(keyOf)));
  const right = drifted.filter((port) => !wrong.has(keyOf(port)));
  // Ports that were right and then were not tell that it does heed its zone.
  return wrong.size === drifted.length - right.length ? right : [];
}

/** Undefined where a zone decides nothing. */
function withoutZone(objects: ClusterObjects, name: string): ClusterObjects | undefined {
  const node = objects.nodes.find(({ metadata }) => metadata.name === name);
  const labels = Object.entries(node?.metadata.labels ?? {}).filter(([key]) => key !== ZONE_LABEL);
  const had = Object.keys(node?.metadata.labels ?? {}).length > labels.length;
  if (!node || !had || !hintsZones(objects)) return undefined;
  const zoneless = { ...node, metadata: { ...node.metadata, labels: Object.fromEntries(labels) } };
  return { ...objects, nodes: objects.nodes.map((each) => (each === node ? zoneless : each)) };
}

function hintsZones({ endpointSlices }: ClusterObjects): boolean {
  return endpointSlices.some(({ endpoints }) => endpoints?.some(({ hints }) => hints?.forZones !== undefined));
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
function unseenZone(objects: ClusterObjects, node: string): string | undefined {
  if (objects.nodes.find(({ metadata }) => metadata.name === node)?.metadata.labels !== undefined) return undefined;
  return hintsZones(objects) ? 'its zone was not read, and kube-proxy chooses endpoints by it' : undefined;
}

function holdsAnything(dumps: readonly Dump[]): boolean {
  return (
    ([4, 6] as const).some((family) => savedTables(dumps, family).some((saved) => saved.owned > 0)) ||
    dumps.some((dump) => (dump.name === 'nft.txt' || dump.name === 'nft.json') && dump.text.includes('kube-proxy'))
  );
}

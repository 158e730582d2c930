/** A node's rules against what kube-proxy should have written there: what differs, and what that does to packets. */
import type { ClusterObjects } from '../kubernetes/objects.ts';
import type { Dump, NodeCapture } from '../kubernetes/source.ts';
import { expectedRules, nodeProxy } from '../kubeproxy/expected.ts';
import type { NodeNetwork } from '../netfilter/outcome.ts';
import type { NodeDrift } from './drift-types.ts';
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

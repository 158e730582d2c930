/** Which endpoints the API means a packet to reach by a way in, on a node; and why the others are left out. */
import { readEndpoints } from '../kubeproxy/endpoints.ts';
import { selectEndpoints } from '../kubeproxy/selection.ts';
import type { Selection } from '../kubeproxy/selection.ts';
import { keyOfPort, portsOf } from '../kubeproxy/services.ts';
import type { ProxiedPort } from '../kubeproxy/services.ts';
import { formatRelease, releaseOf } from '../kubeproxy/version.ts';
import type { Release } from '../kubeproxy/version.ts';
import { keyOf, ZONE_LABEL, type ClusterObjects } from '../kubernetes/objects.ts';
import { slicesOf } from '../kubernetes/slices.ts';
import { formatEndpoint } from '../netfilter/address.ts';
import type { Outcome, PacketCase } from '../netfilter/outcome.ts';
import type { Question } from './answer.ts';
import { endpointsOf, nodeNamed } from './directory.ts';
import { addressAndPort } from './endpoints.ts';
import type { Client, EndpointView, PortStory, ServiceStory, Way } from './story.ts';
import type { TracedNode } from './traced-node.ts';

export interface Expectation {
  /** Those that should get a share, and which. */
  readonly chosen: ReadonlyMap<EndpointView, number>;
  /** How packets should end that reach no endpoint. */
  readonly otherwise: ReadonlySet<'reject' | 'drop' | 'untranslated'>;
  /** For every other endpoint of the way's family, in words. */
  readonly leftOut: ReadonlyMap<EndpointView, string>;
  /** The field of the traffic policy that leaves this node without an endpoint, where one does: packets are dropped. */
  readonly policy?: string;
}

interface Choice {
  readonly port: ProxiedPort;
  readonly selection: Selection;
}

const choices = new WeakMap<ServiceStory, Map<string, Choice | undefined>>();
const releases = new WeakMap<object, Map<string, Release>>();

/**
 * By kube-proxy's choice among the endpoints alone, which is quick and nearly always right. `thorough`: by following the packet through the
 * rules that the node should hold, where those are computed: that knows what a release does in every corner.
 */
export function expectationOf(
  { objects, story, port, way, client }: Question,
  traced: TracedNode & { readonly kind: 'read' },
  packet: PacketCase,
  thorough: boolean,
): Expectation {
  const endpoints = port.endpoints.filter((endpoint) => endpoint.address.includes(':') === (way.family === 6));
  const choice = choiceOn(objects, story, port, way, traced.name);
  const policy = choice && boundBy(choice.port, way, client);
  const outcomes = thorough ? traced.expected(objects, story)?.(packet) : undefined;
  const shares = outcomes ? sharesOf(outcomes) : sharesOfChoice(choice, policy, client);
  const hinted = new Set(choice?.selection.cluster.map((endpoint) => endpoint.ip));
  const chosen = new Map<EndpointView, number>();
  const leftOut = new Map<EndpointView, string>();
  for (const endpoint of endpoints) {
    const share = shares.get(addressAndPort(endpoint.address, endpoint.port));
    if (share !== undefined) chosen.set(endpoint, share);
    else leftOut.set(endpoint, whyLeftOut(endpoint, choice, policy, hinted, client));
  }
  const dropped = policy !== undefined && chosen.size === 0 && choice?.selection.hasEndpoints === true;
  const otherwise = outcomes ? refusalsOf(outcomes) : refusalOfChoice(choice, client, chosen.size, dropped);
  return { chosen, otherwise, leftOut, ...(dropped && { policy }) };
}

function refusalOfChoice(
  choice: Choice | undefined,
  client: Client,
  chosen: number,
  dropped: boolean,
): Expectation['otherwise'] {
  if (client === 'ping') return new Set(['untranslated', 'reject']);
  if (chosen > 0) return new Set();
  if (!choice) return new Set(['untranslated']);
  return new Set([dropped || client === 'outside-refused' ? 'drop' : 'reject']);
}

function sharesOf(outcomes: readonly Outcome[]): ReadonlyMap<string, number> {
  const shares = new Map<string, number>();
  for (const { verdict, translated, destination, destinationPort, probability } of outcomes) {
    if (verdict !== 'accept' || !translated) continue;
    const text = formatEndpoint(destination, destinationPort);
    shares.set(text, (shares.get(text) ?? 0) + probability);
  }
  return shares;
}

function sharesOfChoice(
  choice: Choice | undefined,
  policy: string | undefined,
  client: Client,
): ReadonlyMap<string, number> {
  if (!choice || client === 'ping' || client === 'outside-refused') return new Map();
  const list = policy ? choice.selection.local : choice.selection.cluster;
  return new Map(list.map((endpoint) => [addressAndPort(endpoint.ip, endpoint.port), 1 / list.length]));
}

function refusalsOf(outcomes: readonly Outcome[]): Expectation['otherwise'] {
  return new Set(
    outcomes.flatMap(({ verdict, translated }) =>
      verdict === 'accept' ? (translated ? [] : ['untranslated' as const]) : [verdict],
    ),
  );
}

/** What kube-proxy of the node's release chooses from; undefined where it leaves the Service alone. */
function choiceOn(
  objects: ClusterObjects,
  story: ServiceStory,
  port: PortStory,
  way: Way,
  node: string,
): Choice | undefined {
  const { service } = story;
  const release = releaseOn(objects, node);
  const zone = nodeNamed(objects, node)?.metadata.labels?.[ZONE_LABEL] ?? '';
  let known = choices.get(story);
  if (!known) choices.set(story, (known = new Map<string, Choice | undefined>()));
  const key = `${port.id}|${way.family}|${node}|${zone}|${formatRelease(release)}`;
  if (known.has(key)) return known.get(key);
  const options = { family: way.family, release, featureGates: {} };
  const proxied = portsOf(service, options).find(
    (one) => one.port === port.port.port && one.protocol === port.protocol.toLowerCase(),
  );
  const own = endpointsOf(objects, service);
  const mine = { ...objects, endpointSlices: slicesOf(objects, keyOf(service)), endpoints: own ? [own] : [] };
  const all = proxied && readEndpoints(mine, options).get(keyOfPort(proxied));
  const choice = proxied && {
    port: proxied,
    selection: selectEndpoints(proxied, all, { name: node, zone, release, featureGates: {} }),
  };
  known.set(key, choice);
  return choice;
}

/** The generation of rules that the node's kube-proxy writes, remembered as long as pods and nodes stay as they are. */
function releaseOn(objects: ClusterObjects, node: string): Release {
  let known = releases.get(objects.pods);
  if (!known) releases.set(objects.pods, (known = new Map()));
  let release = known.get(node);
  if (!release) known.set(node, (release = releaseOf(objects, node).generation));
  return release;
}

/** Pods and the node itself are not bound by externalTrafficPolicy. */
function boundBy(port: ProxiedPort, way: Way, client: Client): string | undefined {
  if (way.kind === 'clusterIP') return port.internalPolicyLocal ? 'internalTrafficPolicy' : undefined;
  if (client !== 'outside' && client !== 'outside-refused') return undefined;
  return port.externalPolicyLocal ? 'externalTrafficPolicy' : undefined;
}

function whyLeftOut(
  endpoint: EndpointView,
  choice: Choice | undefined,
  policy: string | undefined,
  hinted: ReadonlySet<string>,
  client: Client,
): string {
  if (!endpoint.conditions.ready) return notReadyWords(endpoint);
  if (!choice) return 'kube-proxy leaves this Service alone';
  if (client === 'outside-refused') return 'ready, but this client is refused';
  if (policy) return `${policy}: Local, and it runs on ${endpoint.node ?? 'no known node'}`;
  if (choice.selection.mode === 'PreferSameZone' && !hinted.has(endpoint.address))
    return `topology hints keep it for ${endpoint.zone ?? 'another zone'}`;
  if (choice.selection.mode === 'PreferSameNode' && !hinted.has(endpoint.address))
    return `topology hints keep it for ${endpoint.node ?? 'another node'}`;
  return 'not chosen on this node';
}

export function notReadyWords(endpoint: EndpointView): string {
  if (endpoint.conditions.terminating)
    return endpoint.conditions.serving ? 'terminating, while others are ready' : 'terminating';
  return endpoint.notReady ?? 'not ready';
}

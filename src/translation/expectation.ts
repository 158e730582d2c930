/** Which endpoints the API means a packet to reach by a way in, on a node; and why the others are left out. */
import { readEndpoints } from '../kubeproxy/endpoints.ts';
import type { ProxiedEndpoint } from '../kubeproxy/endpoints.ts';
import { selectEndpoints } from '../kubeproxy/selection.ts';
import type { Selection } from '../kubeproxy/selection.ts';
import { keyOfPort, portsOf } from '../kubeproxy/services.ts';
import type { ProxiedPort } from '../kubeproxy/services.ts';
import { formatRelease, releaseOf } from '../kubeproxy/version.ts';
import type { Release } from '../kubeproxy/version.ts';
import type { ClusterObjects } from '../kubernetes/objects.ts';
import { endpointsOf, nodeNamed, slicesOf, ZONE_LABEL } from './directory.ts';
import { addressAndPort } from './endpoints.ts';
import type { Client, EndpointView, PortStory, ServiceStory, Way } from './story.ts';

export interface Expectation {
  /** Those that should get a share. */
  readonly chosen: ReadonlySet<EndpointView>;
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

export function expectedEndpoints(
  objects: ClusterObjects,
  story: ServiceStory,
  port: PortStory,
  way: Way,
  client: Client,
  node: string,
): Expectation {
  const endpoints = port.endpoints.filter((endpoint) => endpoint.address.includes(':') === (way.family === 6));
  const choice = choiceOn(objects, story, port, way, node);
  const policy = choice && boundBy(choice.port, way, client);
  const list = !choice ? [] : policy ? choice.selection.local : choice.selection.cluster;
  const texts = new Set(list.map((endpoint) => addressAndPort(endpoint.ip, endpoint.port)));
  const hints = new Map(list.length > 0 && choice ? choice.selection.cluster.map((e) => [e.ip, e]) : []);
  const chosen = new Set<EndpointView>();
  const leftOut = new Map<EndpointView, string>();
  for (const endpoint of endpoints) {
    if (texts.has(addressAndPort(endpoint.address, endpoint.port))) chosen.add(endpoint);
    else leftOut.set(endpoint, whyLeftOut(endpoint, choice, policy, hints));
  }
  const dropped = policy !== undefined && chosen.size === 0 && choice?.selection.hasEndpoints === true;
  return { chosen, leftOut, ...(dropped && { policy }) };
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
  const mine = { ...objects, endpointSlices: slicesOf(objects, service), endpoints: own ? [own] : [] };
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
  hints: ReadonlyMap<string, ProxiedEndpoint>,
): string {
  if (!endpoint.conditions.ready) return notReadyWords(endpoint);
  if (!choice) return 'kube-proxy leaves this Service alone';
  if (policy) return `${policy}: Local, and it runs on ${endpoint.node ?? 'no known node'}`;
  if (choice.selection.mode === 'PreferSameZone' && !hints.has(endpoint.address))
    return `topology hints keep it for ${endpoint.zone ?? 'another zone'}`;
  if (choice.selection.mode === 'PreferSameNode' && !hints.has(endpoint.address))
    return `topology hints keep it for ${endpoint.node ?? 'another node'}`;
  return 'not chosen on this node';
}

export function notReadyWords(endpoint: EndpointView): string {
  if (endpoint.conditions.terminating)
    return endpoint.conditions.serving ? 'terminating, while others are ready' : 'terminating';
  return endpoint.notReady ?? 'not ready';
}

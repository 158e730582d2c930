/** Which endpoints the API means a packet to reach by a way in, on a node; and why the others are left out. */
import type { ClusterObjects, Service } from '../kubernetes/objects.ts';
import { nodeNamed, slicesOf, ZONE_LABEL } from './directory.ts';
import type { Client, EndpointView, PortStory, Way } from './story.ts';

export interface Expectation {
  /** Those that should get a share. */
  readonly chosen: ReadonlySet<EndpointView>;
  /** For every other endpoint of the way's family, in words. */
  readonly leftOut: ReadonlyMap<EndpointView, string>;
  /** Where nothing is chosen because a traffic policy keeps traffic on its node: its field and that it dropped. */
  readonly policy?: string;
}

/**
 * kube-proxy's choice (pkg/proxy/topology.go, CategorizeEndpoints): ready endpoints, narrowed by topology hints; where none is
 * ready, those that are terminating and still serve; traffic policies of Local keep to the node's own. Pods and the node itself
 * are not bound by externalTrafficPolicy.
 */
export function expectedEndpoints(
  objects: ClusterObjects,
  service: Service,
  port: PortStory,
  way: Way,
  client: Client,
  node: string,
): Expectation {
  const endpoints = port.endpoints.filter((endpoint) => endpoint.address.includes(':') === (way.family === 6));
  const policy = boundBy(service, way, client);
  const leftOut = new Map<EndpointView, string>();
  const leave = (endpoint: EndpointView, why: string) => void leftOut.set(endpoint, why);

  const near = policy ? endpoints.filter((endpoint) => endpoint.node === node) : endpoints;
  let chosen = near.filter((endpoint) => endpoint.conditions.ready);
  if (chosen.length === 0)
    chosen = near.filter((endpoint) => endpoint.conditions.serving && endpoint.conditions.terminating);
  else if (!policy) chosen = byHints(objects, service, chosen, node, leave);

  const set = new Set(chosen);
  for (const endpoint of endpoints) {
    if (set.has(endpoint) || leftOut.has(endpoint)) continue;
    if (!endpoint.conditions.ready) leave(endpoint, notReadyWords(endpoint));
    else if (policy) leave(endpoint, `${policy}: Local, and it runs on ${endpoint.node ?? 'no known node'}`);
    else leave(endpoint, 'not chosen');
  }
  return { chosen: set, leftOut, ...(policy && chosen.length === 0 && endpoints.length > 0 && { policy }) };
}

export function notReadyWords(endpoint: EndpointView): string {
  if (endpoint.conditions.terminating)
    return endpoint.conditions.serving ? 'terminating, while others are ready' : 'terminating';
  return endpoint.notReady ?? 'not ready';
}

function boundBy(service: Service, way: Way, client: Client): string | undefined {
  if (way.kind === 'clusterIP')
    return service.spec.internalTrafficPolicy === 'Local' ? 'internalTrafficPolicy' : undefined;
  if (client === 'pod' || client === 'node') return undefined;
  return service.spec.externalTrafficPolicy === 'Local' ? 'externalTrafficPolicy' : undefined;
}

/** Hints count only where every ready endpoint has one and one names this node or its zone. */
function byHints(
  objects: ClusterObjects,
  service: Service,
  ready: readonly EndpointView[],
  node: string,
  leave: (endpoint: EndpointView, why: string) => void,
): EndpointView[] {
  const zone = nodeNamed(objects, node)?.metadata.labels?.[ZONE_LABEL];
  const hints = new Map<string, { nodes: readonly string[]; zones: readonly string[] }>();
  for (const slice of slicesOf(objects, service))
    for (const endpoint of slice.endpoints ?? [])
      if (endpoint.addresses[0] !== undefined)
        hints.set(endpoint.addresses[0], {
          nodes: endpoint.hints?.forNodes?.map((hint) => hint.name) ?? [],
          zones: endpoint.hints?.forZones?.map((hint) => hint.name) ?? [],
        });
  const hinted = (endpoint: EndpointView) => hints.get(endpoint.address) ?? { nodes: [], zones: [] };
  const keep = (mine: (endpoint: EndpointView) => boolean, words: (endpoint: EndpointView) => string) => {
    for (const endpoint of ready) if (!mine(endpoint)) leave(endpoint, words(endpoint));
    return ready.filter(mine);
  };
  if (ready.every((e) => hinted(e).nodes.length > 0) && ready.some((e) => hinted(e).nodes.includes(node)))
    return keep(
      (e) => hinted(e).nodes.includes(node),
      (e) => `topology hints keep it for ${hinted(e).nodes.join(', ')}`,
    );
  if (zone && ready.every((e) => hinted(e).zones.length > 0) && ready.some((e) => hinted(e).zones.includes(zone)))
    return keep(
      (e) => hinted(e).zones.includes(zone),
      (e) => `topology hints keep it for ${hinted(e).zones.join(', ')}`,
    );
  return [...ready];
}

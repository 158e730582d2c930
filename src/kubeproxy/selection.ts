import type { ProxiedEndpoint } from './endpoints.ts';
import { distinct } from './endpoints.ts';
import { enabled } from './features.ts';
import type { ProxiedPort } from './services.ts';
import { atLeast, type Release } from './version.ts';

/** What one node's kube-proxy makes of the endpoints of a service port. All lists are sorted. */
export interface Selection {
  /** Where traffic goes that may go anywhere. Empty also where no traffic of this port ever may. */
  readonly cluster: readonly ProxiedEndpoint[];
  /** Where traffic goes that must stay on the node. Empty also where no policy of this port asks for that. */
  readonly local: readonly ProxiedEndpoint[];
  /** The union of both. */
  readonly reachable: readonly ProxiedEndpoint[];
  /** Some endpoint somewhere in the cluster can be used: else connections are refused instead of dropped. */
  readonly hasEndpoints: boolean;
  /** Why `cluster` is less than every ready endpoint: topology hints, or that only terminating ones are left. */
  readonly mode: 'all' | 'PreferSameNode' | 'PreferSameZone' | 'terminating';
}

export interface NodePlace {
  readonly name: string;
  /** The node's label topology.kubernetes.io/zone, or "". */
  readonly zone: string;
  readonly release: Release;
  readonly featureGates: Readonly<Record<string, boolean>>;
}

const NOTHING: Selection = { cluster: [], local: [], reachable: [], hasEndpoints: false, mode: 'all' };

/** Chooses among the endpoints of a service port (as readEndpoints gives them) for a node. */
export function selectEndpoints(
  port: ProxiedPort,
  all: readonly ProxiedEndpoint[] | undefined,
  place: NodePlace,
): Selection {
  if (!all || all.length === 0) return NOTHING;
  // Endpoints, the older kind, are taken as they stand: an address that is there twice gets two shares.
  const slices = enabled('EndpointSliceProxying', place.release, place.featureGates);
  const endpoints = slices ? distinct(all, place.name, place.release) : all;
  return atLeast(place.release, 24) ? select(port, endpoints, place) : selectBefore124(port, endpoints, place);
}

/** pkg/proxy/topology.go, CategorizeEndpoints, since 1.24. */
function select(port: ProxiedPort, endpoints: readonly ProxiedEndpoint[], place: NodePlace): Selection {
  const usesCluster = !port.internalPolicyLocal || port.externallyAccessible;
  const usesLocal = port.internalPolicyLocal || (port.externalPolicyLocal && port.externallyAccessible);
  const mayTerminate = enabled('ProxyTerminatingEndpoints', place.release, place.featureGates);
  const draining = (endpoint: ProxiedEndpoint) => mayTerminate && endpoint.serving && endpoint.terminating;

  let mode: Selection['mode'] = 'all';
  let cluster: readonly ProxiedEndpoint[] = [];
  if (usesCluster) {
    mode = topologyMode(port, endpoints, place);
    cluster = endpoints.filter((endpoint) => endpoint.ready && allowed(endpoint, mode, place));
    if (cluster.length === 0) {
      cluster = endpoints.filter(draining);
      if (cluster.length > 0) mode = 'terminating';
    }
  }
  if (!usesLocal) return { cluster, local: [], reachable: cluster, hasEndpoints: cluster.length > 0, mode };

  const here = endpoints.filter((endpoint) => endpoint.node === place.name);
  const hereReady = here.filter((endpoint) => endpoint.ready);
  const local = hereReady.length > 0 ? hereReady : here.filter((endpoint) => !endpoint.ready && draining(endpoint));
  const hasEndpoints = cluster.length > 0 || endpoints.some((endpoint) => endpoint.ready || draining(endpoint));
  return { cluster, local, reachable: union(endpoints, cluster, local), hasEndpoints, mode };
}

/**
 * Up to 1.23 (pkg/proxy/iptables/proxier.go): external policy Local switches topology and internal policy off and is the only one
 * with a local list; internal policy Local filters everything, external traffic too.
 */
function selectBefore124(port: ProxiedPort, all: readonly ProxiedEndpoint[], place: NodePlace): Selection {
  const isHere = (endpoint: ProxiedEndpoint) => endpoint.node === place.name;
  let mode: Selection['mode'] = 'all';
  let endpoints = all;
  if (!port.externalPolicyLocal && port.internalPolicyLocal) endpoints = all.filter(isHere);
  else if (!port.externalPolicyLocal) {
    // 1.21 and 1.22 looked at the hints of endpoints that are not ready, too.
    const considered = atLeast(place.release, 23) ? all : all.map((endpoint) => ({ ...endpoint, ready: true }));
    mode = topologyMode(port, considered, place);
    endpoints = all.filter((endpoint) => allowed(endpoint, mode, place));
  }
  const cluster = endpoints.filter((endpoint) => endpoint.ready);
  if (!port.externalPolicyLocal)
    return { cluster, local: [], reachable: cluster, hasEndpoints: cluster.length > 0, mode };
  const mayTerminate = enabled('ProxyTerminatingEndpoints', place.release, place.featureGates);
  const draining = endpoints.filter(
    (endpoint) => mayTerminate && !endpoint.ready && endpoint.serving && endpoint.terminating,
  );
  const hereReady = cluster.filter(isHere);
  const local = hereReady.length > 0 ? hereReady : draining.filter(isHere);
  return {
    cluster,
    local,
    reachable: union(endpoints, cluster, local),
    hasEndpoints: cluster.length > 0 || draining.length > 0,
    mode,
  };
}

function union(
  all: readonly ProxiedEndpoint[],
  cluster: readonly ProxiedEndpoint[],
  local: readonly ProxiedEndpoint[],
): readonly ProxiedEndpoint[] {
  if (local.length === 0) return cluster;
  if (cluster.length === 0) return local;
  const chosen = new Set([...cluster, ...local]);
  return chosen.size === cluster.length ? cluster : all.filter((endpoint) => chosen.has(endpoint));
}

function allowed(endpoint: ProxiedEndpoint, mode: Selection['mode'], place: NodePlace): boolean {
  if (mode === 'PreferSameNode') return endpoint.nodes.includes(place.name);
  if (mode === 'PreferSameZone') return endpoint.zones.includes(place.zone);
  return true;
}

/** A hint counts only where every ready endpoint has one and at least one of them is meant for this node or its zone. */
function topologyMode(
  port: ProxiedPort,
  endpoints: readonly ProxiedEndpoint[],
  place: NodePlace,
): 'all' | 'PreferSameNode' | 'PreferSameZone' {
  const { release, featureGates } = place;
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  if (ready.length === 0) return 'all';
  if (enabled('PreferSameTrafficDistribution', release, featureGates) && ready.every(({ nodes }) => nodes.length > 0))
    if (ready.some(({ nodes }) => nodes.includes(place.name))) return 'PreferSameNode';
  if (!zoneHintsCount(port, release, featureGates) || place.zone === '') return 'all';
  const everywhere = ready.every(({ zones }) => zones.length > 0);
  return everywhere && ready.some(({ zones }) => zones.includes(place.zone)) ? 'PreferSameZone' : 'all';
}

function zoneHintsCount(port: ProxiedPort, release: Release, featureGates: Readonly<Record<string, boolean>>): boolean {
  if (enabled('ServiceTrafficDistribution', release, featureGates)) return true;
  if (!enabled('TopologyAwareHints', release, featureGates)) return false;
  const annotation = port.hintsAnnotation;
  // Up to 1.26 only "Auto" turned it on; since then anything but "Disabled" does.
  if (!atLeast(release, 27)) return annotation === 'Auto' || annotation === 'auto';
  return annotation !== '' && annotation !== 'Disabled' && annotation !== 'disabled';
}

/**
 * Which chains a service port has on a node and what they are called: the decisions that are the same in every release.
 * Source: pkg/proxy/nftables/proxier.go, syncProxyRules.
 */
import { nftEndpointBase, nftName, nftServicePortBase } from '../names.ts';
import type { ProxiedEndpoint } from '../endpoints.ts';
import type { Selection } from '../selection.ts';
import type { ProxiedPort } from '../services.ts';
import type { Statement } from './objects.ts';
import { drop, goto } from './statements.ts';

export interface Routes {
  readonly port: ProxiedPort;
  readonly selection: Selection;
  /** "namespace/name/protocol/port", on which the names of its endpoints' chains are built, too. */
  readonly base: string;
  /** `service-…`: traffic that may go to any endpoint. */
  readonly clusterChain: string;
  /** `local-…`: traffic that must stay on the node. */
  readonly localChain: string;
  /** `external-…`: what came by a node port, an external IP or a load balancer's. */
  readonly externalChain: string;
  /** `firewall-…` */
  readonly firewallChain: string;
  readonly usesCluster: boolean;
  readonly usesLocal: boolean;
  /** Also without external endpoints: pods and the node itself still reach the others. */
  readonly usesExternal: boolean;
  readonly usesFirewall: boolean;
  /** Where traffic to the cluster IP goes; undefined where nothing takes it. */
  readonly internalChain: string | undefined;
  /** Where traffic from outside goes in the end; undefined where nothing takes it. */
  readonly externalPolicyChain: string | undefined;
  /** What becomes of traffic that nothing takes. */
  readonly internalRefusal: Statement;
  readonly externalRefusal: Statement;
}

export function routesOf(port: ProxiedPort, selection: Selection): Routes {
  const base = nftServicePortBase(port.namespace, port.name, port.protocol, port.portName);
  const hashed = nftName('', base);
  const clusterChain = `service-${hashed}`;
  const localChain = `local-${hashed}`;
  const { cluster, local, hasEndpoints } = selection;
  const policyChain = (policyLocal: boolean): string | undefined => {
    if (!hasEndpoints) return undefined;
    if (!policyLocal) return clusterChain;
    return local.length > 0 ? localChain : undefined;
  };
  const refusal = hasEndpoints ? drop : goto('reject-chain');
  return {
    port,
    selection,
    base,
    clusterChain,
    localChain,
    externalChain: `external-${hashed}`,
    firewallChain: `firewall-${hashed}`,
    usesCluster: cluster.length > 0,
    usesLocal: local.length > 0,
    usesExternal: hasEndpoints && port.externallyAccessible,
    usesFirewall: port.loadBalancerIPs.length > 0 && port.sourceRanges.length > 0,
    internalChain: policyChain(port.internalPolicyLocal),
    externalPolicyChain: policyChain(port.externalPolicyLocal),
    internalRefusal: refusal,
    externalRefusal: refusal,
  };
}

export interface EndpointNames {
  readonly endpoint: ProxiedEndpoint;
  /** `endpoint-…` */
  readonly chain: string;
  /** `affinity-…`: the set of clients that this endpoint is kept for. */
  readonly affinitySet: string;
}

export function endpointNames(base: string, endpoint: ProxiedEndpoint): EndpointNames {
  const hashed = nftName('', nftEndpointBase(base, endpoint.ip, endpoint.port));
  return { endpoint, chain: `endpoint-${hashed}`, affinitySet: `affinity-${hashed}` };
}

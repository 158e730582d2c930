import type { Service } from '../kubernetes/objects.ts';
import { formatAddress, formatPrefix, parsePrefix, type Family } from '../netfilter/address.ts';
import { enabled } from './features.ts';
import { servicePortLabel, type ProtocolName } from './names.ts';
import { canonicalIP, parseLeniently } from './lenient.ts';
import { atLeast, type Release } from './version.ts';

/** One port of a Service as kube-proxy sees it in one family: all that its rules are made of, except the endpoints. */
export interface ProxiedPort {
  readonly service: Service;
  readonly namespace: string;
  readonly name: string;
  /** "" where the port has no name. */
  readonly portName: string;
  readonly protocol: ProtocolName;
  /** "namespace/name:port", as in comments and hashes. */
  readonly label: string;
  readonly family: Family;
  readonly clusterIP: string;
  readonly port: number;
  /** 0 where there is none; the same for healthCheckNodePort. */
  readonly nodePort: number;
  readonly healthCheckNodePort: number;
  /** Of this family, canonical text, in the order of the object. */
  readonly externalIPs: readonly string[];
  /** The load balancer's addresses that kube-proxy captures: of this family, not of ipMode Proxy. */
  readonly loadBalancerIPs: readonly string[];
  /** CIDRs of this family, host bits cleared, in the order of the object. Empty: every source. */
  readonly sourceRanges: readonly string[];
  /** Seconds for which a client keeps its endpoint; undefined without session affinity. */
  readonly affinitySeconds: number | undefined;
  readonly externalPolicyLocal: boolean;
  readonly internalPolicyLocal: boolean;
  /** Can be reached by something other than its cluster IP. */
  readonly externallyAccessible: boolean;
  /** Old releases look at topology hints only where an annotation asks for it: its value, or "". */
  readonly hintsAnnotation: string;
}

/** A label of a Service or an EndpointSlice that hands it to another proxy. */
const OTHER_PROXY_LABEL = 'service.kubernetes.io/service-proxy-name';
/** On EndpointSlices and Endpoints of headless Services. */
const HEADLESS_LABEL = 'service.kubernetes.io/headless';

/**
 * Whether kube-proxy hears of a Service or an EndpointSlice at all: it asks the API server for those without certain labels
 * (cmd/kube-proxy/app/server.go; one selector for both kinds up to 1.35, one for each from 1.36 on).
 */
export function isWatched(
  kind: 'Service' | 'EndpointSlice',
  labels: Readonly<Record<string, string>> | undefined,
  release: Release,
): boolean {
  if (!labels) return true;
  const both = !atLeast(release, 36);
  if (OTHER_PROXY_LABEL in labels && (both || kind === 'Service')) return false;
  return !(HEADLESS_LABEL in labels && (both || kind === 'EndpointSlice'));
}

export interface ServiceOptions {
  readonly family: Family;
  readonly release: Release;
  readonly featureGates: Readonly<Record<string, boolean>>;
}

/** The ports of a Service that kube-proxy of this release proxies in this family: none for headless and ExternalName Services, and for those without an address of the family. */
export function portsOf(service: Service, options: ServiceOptions): ProxiedPort[] {
  const { family, release, featureGates } = options;
  const { spec, status, metadata } = service;
  if (!isWatched('Service', metadata.labels, release)) return [];
  if (!spec.clusterIP || spec.clusterIP === 'None' || spec.type === 'ExternalName') return [];
  const ownIP = clusterIP(service, family);
  if (ownIP === undefined) return [];
  const ofFamily = (texts: readonly string[]): string[] => texts.flatMap((text) => canonicalIP(text, family) ?? []);
  const vipsOnly = enabled('LoadBalancerIPMode', release, featureGates);
  const ingress = (status?.loadBalancer?.ingress ?? []).filter(
    (entry) => !vipsOnly || (entry.ipMode ?? 'VIP') === 'VIP',
  );
  // Ingress entries with a host name alone have no ip.
  const loadBalancerIPs = ofFamily(ingress.flatMap((entry) => (entry.ip ? [entry.ip] : [])));
  const externalIPs = ofFamily(spec.externalIPs ?? []);
  const externalPolicyLocal = externalLocal(service, release);
  const common = {
    service,
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    family,
    clusterIP: ownIP,
    externalIPs: enabled('AllowServiceExternalIPs', release, featureGates) || !atLeast(release, 36) ? externalIPs : [],
    loadBalancerIPs,
    sourceRanges: sourceRanges(service, family, release),
    healthCheckNodePort: spec.type === 'LoadBalancer' && externalPolicyLocal ? (spec.healthCheckNodePort ?? 0) : 0,
    affinitySeconds:
      spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10800) : undefined,
    externalPolicyLocal,
    internalPolicyLocal:
      spec.internalTrafficPolicy === 'Local' && enabled('ServiceInternalTrafficPolicy', release, featureGates),
    hintsAnnotation: hintsAnnotation(service, release),
  };
  return (spec.ports ?? []).map((port) => ({
    ...common,
    portName: port.name ?? '',
    protocol: (port.protocol ?? 'TCP').toLowerCase() as ProtocolName,
    label: servicePortLabel(common.namespace, common.name, port.name),
    port: port.port,
    nodePort: port.nodePort ?? 0,
    externallyAccessible: (port.nodePort ?? 0) !== 0 || loadBalancerIPs.length > 0 || externalIPs.length > 0,
  }));
}

/** pkg/proxy/util GetClusterIPByFamily. */
function clusterIP(service: Service, family: Family): string | undefined {
  const { ipFamilies = [], clusterIPs = [], clusterIP: only } = service.spec;
  const index = ipFamilies.indexOf(family === 4 ? 'IPv4' : 'IPv6');
  const text = ipFamilies.length === 0 ? only : index < 0 ? undefined : clusterIPs[index];
  return text === undefined ? undefined : canonicalIP(text, family);
}

/** pkg/api/v1/service ExternalPolicyLocal. A ClusterIP Service with external IPs counts from 1.29 on. */
function externalLocal(service: Service, release: Release): boolean {
  const { type, externalIPs = [], externalTrafficPolicy } = service.spec;
  const accessible =
    type === 'LoadBalancer' ||
    type === 'NodePort' ||
    (atLeast(release, 29) && (type ?? 'ClusterIP') === 'ClusterIP' && externalIPs.length > 0);
  return accessible && externalTrafficPolicy === 'Local';
}

/** From 1.34 on a range of length 0 among them means the same as none at all (pkg/proxy/serviceport.go). */
function sourceRanges(service: Service, family: Family, release: Release): string[] {
  const ranges = (service.spec.loadBalancerSourceRanges ?? []).flatMap((text) => {
    const [address = '', length = ''] = text.trim().split('/');
    const parsed = parseLeniently(address);
    const prefix = parsed && parsePrefix(`${formatAddress(parsed)}/${length}`);
    return prefix?.family === family ? [prefix] : [];
  });
  if (atLeast(release, 34) && ranges.some((range) => range.length === 0)) return [];
  return ranges.map(formatPrefix);
}

/** The newer annotation's name is read from 1.27 on, where the older one is absent. */
function hintsAnnotation(service: Service, release: Release): string {
  const annotations = service.metadata.annotations ?? {};
  const older = annotations['service.kubernetes.io/topology-aware-hints'];
  return older ?? (atLeast(release, 27) ? annotations['service.kubernetes.io/topology-mode'] : undefined) ?? '';
}

/** A text by which a port can be found again: label and protocol. */
export function keyOfPort(port: Pick<ProxiedPort, 'label' | 'protocol'>): string {
  return `${port.label}/${port.protocol}`;
}

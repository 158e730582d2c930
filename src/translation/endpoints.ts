/** A Service port's endpoints as kube-proxy reads them from the API, with what is known of their pods. */
import { keyOf, type ClusterObjects, type Protocol, type Service, type ServicePort } from '../kubernetes/objects.ts';
import { slicesOf } from '../kubernetes/slices.ts';
import { formatEndpoint, parseAddress } from '../netfilter/address.ts';
import { canonical, endpointsOf, podNamed } from './directory.ts';
import { whyNotReady } from '../diagnosis/readiness.ts';
import type { EndpointView } from './story.ts';

/** "10.244.0.1:8080", "[fd00::1]:8080". */
export function addressAndPort(address: string, port: number | undefined): string {
  const parsed = parseAddress(address);
  if (parsed) return formatEndpoint(parsed, port);
  return port === undefined ? address : `${address}:${port}`;
}

/**
 * Of both families, each "address:port" once (the one that is local to a node or ready wins over its double in another
 * slice), sorted bytewise by "address:port" as kube-proxy sorts them. Matched by port name and protocol, never by number.
 */
export function endpointsFor(
  objects: ClusterObjects,
  service: Service,
  port: ServicePort,
  protocol: Protocol,
): readonly EndpointView[] {
  const found = new Map<string, EndpointView>();
  const add = (view: EndpointView) => {
    const key = addressAndPort(view.address, view.port);
    const before = found.get(key);
    if (!before || (!before.conditions.ready && view.conditions.ready)) found.set(key, view);
  };
  const slices = slicesOf(objects, keyOf(service));
  for (const slice of slices) {
    if (slice.addressType === 'FQDN') continue;
    for (const slicePort of slice.ports ?? []) {
      if (!slicePort.port || (slicePort.name ?? '') !== (port.name ?? '')) continue;
      if ((slicePort.protocol ?? 'TCP') !== protocol) continue;
      for (const endpoint of slice.endpoints ?? []) {
        const address = endpoint.addresses[0]; // kube-proxy ignores further ones
        if (address === undefined) continue;
        const ready = endpoint.conditions?.ready ?? true;
        const pod = endpoint.targetRef?.kind === 'Pod' ? endpoint.targetRef.name : undefined;
        add(
          viewOf(objects, service, {
            address,
            port: slicePort.port,
            conditions: {
              ready,
              serving: endpoint.conditions?.serving ?? ready,
              terminating: endpoint.conditions?.terminating ?? false,
            },
            ...(pod !== undefined && { pod }),
            ...(endpoint.nodeName !== undefined && { node: endpoint.nodeName }),
            ...(endpoint.zone !== undefined && { zone: endpoint.zone }),
          }),
        );
      }
    }
  }
  if (slices.length === 0) addOldEndpoints(objects, service, port, protocol, add);
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, view]) => view);
}

/** The v1 Endpoints, where the source has no slices of this Service (kube-proxy before 1.21). */
function addOldEndpoints(
  objects: ClusterObjects,
  service: Service,
  port: ServicePort,
  protocol: Protocol,
  add: (view: EndpointView) => void,
): void {
  for (const subset of endpointsOf(objects, service)?.subsets ?? []) {
    const matching = subset.ports?.find(
      (p) => (p.name ?? '') === (port.name ?? '') && (p.protocol ?? 'TCP') === protocol,
    );
    if (!matching) continue;
    for (const [ready, addresses] of [
      [true, subset.addresses],
      [false, subset.notReadyAddresses],
    ] as const)
      for (const entry of addresses ?? []) {
        const pod = entry.targetRef?.kind === 'Pod' ? entry.targetRef.name : undefined;
        add(
          viewOf(objects, service, {
            address: entry.ip,
            port: matching.port,
            conditions: { ready, serving: ready, terminating: false },
            ...(pod !== undefined && { pod }),
            ...(entry.nodeName !== undefined && { node: entry.nodeName }),
          }),
        );
      }
  }
}

function viewOf(objects: ClusterObjects, service: Service, view: EndpointView): EndpointView {
  const known = { ...view, address: canonical(view.address) };
  if (known.conditions.ready) return known;
  const pod = known.pod ? podNamed(objects, `${service.metadata.namespace ?? ''}/${known.pod}`) : undefined;
  const notReady = (pod && whyNotReady(pod)) ?? (known.conditions.terminating ? 'terminating' : 'not ready');
  return { ...known, notReady };
}

/** What an endpoint is called in a sentence: its pod, else its address. */
export function nameOf(endpoint: EndpointView): string {
  return endpoint.pod ?? addressAndPort(endpoint.address, endpoint.port);
}

/** Random changes of a recorded cluster's Services and EndpointSlices: what a node holds then differs from what it should. */
import type { ClusterObjects, EndpointSlice, Service } from '../../src/kubernetes/objects.ts';
import { randomNumbers } from '../kubeproxy/random-cluster.ts';

/** Each is made of the one before; objects that a change leaves alone stay the same ones. */
export function* changedObjects(objects: ClusterObjects, seed: number): Generator<ClusterObjects, never, void> {
  const next = randomNumbers(seed);
  let now = objects;
  for (;;) yield (now = changed(now, objects, next));
}

function changed(now: ClusterObjects, first: ClusterObjects, next: () => number): ClusterObjects {
  const one = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
  const service = one(now.services);
  const slice = one(now.endpointSlices);
  const withService = (spec: Partial<Service['spec']>): ClusterObjects => {
    const other = { ...service, spec: { ...service.spec, ...spec } };
    return { ...now, services: now.services.map((each) => (each === service ? other : each)) };
  };
  const withEndpoints = (endpoints: EndpointSlice['endpoints']): ClusterObjects => ({
    ...now,
    endpointSlices: now.endpointSlices.map((each) => (each === slice ? { ...slice, endpoints: endpoints! } : each)),
  });
  const endpoints = slice.endpoints ?? [];
  const flipped = (policy: string | undefined) => (policy === 'Local' ? ('Cluster' as const) : ('Local' as const));
  const kept = first.services.filter((each) => !now.services.some((other) => other.metadata === each.metadata));
  const changes: readonly (() => ClusterObjects)[] = [
    () => withEndpoints(endpoints.filter(() => next() < 0.6)),
    () => withEndpoints([...endpoints, ...(one(now.endpointSlices).endpoints ?? []).slice(0, 1)]),
    () =>
      withEndpoints(
        endpoints.map((each) =>
          next() < 0.5
            ? {
                ...each,
                conditions: one([
                  { ready: true },
                  { ready: false },
                  { ready: false, serving: true, terminating: true },
                ]),
              }
            : each,
        ),
      ),
    () => withEndpoints(first.endpointSlices.find(({ metadata }) => metadata.name === slice.metadata.name)?.endpoints),
    () => withEndpoints(endpoints.map((each) => ({ ...each, nodeName: one(now.nodes).metadata.name }))),
    () => withService({ externalTrafficPolicy: flipped(service.spec.externalTrafficPolicy) }),
    () => withService({ internalTrafficPolicy: flipped(service.spec.internalTrafficPolicy) }),
    () => withService({ sessionAffinity: service.spec.sessionAffinity === 'ClientIP' ? 'None' : 'ClientIP' }),
    () => withService({ externalIPs: one([[], ['192.0.2.251'], ['192.0.2.252', '192.0.2.10']]) }),
    () => withService({ ports: (service.spec.ports ?? []).map((port) => ({ ...port, port: port.port + 1 })) }),
    () => ({ ...now, services: now.services.filter((each) => each !== service) }),
    () => (kept.length > 0 ? { ...now, services: [...now.services, one(kept)] } : now),
  ];
  return one(changes)();
}

/** Random changes of a random cluster: what kube-proxy then writes bit by bit must be what it would write at once. */
import type { EndpointSlice, Service } from '../../src/kubernetes/objects.ts';
import type { Rig } from '../cluster/rig.ts';
import { randomNumbers } from '../kubeproxy/random-cluster.ts';

interface Found {
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
}

/** Tries `count` changes one after another. How many were made: the API server refuses those that make no sense. */
export async function change(rig: Rig, seed: number, count: number): Promise<number> {
  const next = randomNumbers(seed);
  const one = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
  const of = async (kind: string): Promise<never[]> =>
    (JSON.parse(await rig.kubectl(['get', kind, '-A', '-o', 'json'])) as { items: never[] }).items;
  let found: Found = { services: [], slices: [] };
  let made = 0;
  for (let i = 0; i < count; i++) {
    if (i % 10 === 0) {
      const apart = (object: Service | EndpointSlice) => !object.metadata.name.startsWith('kubernetes');
      found = { services: (await of('services')).filter(apart), slices: (await of('endpointslices')).filter(apart) };
    }
    const answer = await rig.kubectl(randomChange(found, next, one)).catch(() => '');
    if (/(patched|deleted)/.test(answer) && !answer.includes('no change')) made++;
  }
  return made;
}

function randomChange({ services, slices }: Found, next: () => number, one: <T>(list: readonly T[]) => T): string[] {
  const service = one(services);
  const slice = one(slices);
  const patch = (spec: object) => patched('service', service, { spec });
  const flip = (policy: string | undefined) => (policy === 'Local' ? 'Cluster' : 'Local');
  const condition = () => one([{ ready: true }, { ready: false }, { ready: false, serving: true, terminating: true }]);
  const changes: readonly (() => string[])[] = [
    () => ['delete', 'service', service.metadata.name, '-n', service.metadata.namespace!, '--ignore-not-found'],
    () => ['delete', 'endpointslice', slice.metadata.name, '-n', slice.metadata.namespace!, '--ignore-not-found'],
    () => patch({ externalTrafficPolicy: flip(service.spec.externalTrafficPolicy) }),
    () => patch({ internalTrafficPolicy: flip(service.spec.internalTrafficPolicy) }),
    () => patch({ sessionAffinity: service.spec.sessionAffinity === 'ClientIP' ? 'None' : 'ClientIP' }),
    () => patch({ type: one(['ClusterIP', 'NodePort', 'LoadBalancer']) }),
    () => patch({ externalIPs: one([null, ['192.0.2.251'], ['192.0.2.252', '2001:db8::252']]) }),
    () =>
      patched('endpointslice', slice, {
        endpoints: (slice.endpoints ?? []).map((each) => (next() < 0.5 ? { ...each, conditions: condition() } : each)),
      }),
    () => patched('endpointslice', slice, { endpoints: (slice.endpoints ?? []).filter(() => next() < 0.6) }),
    () =>
      patched('service', service, {
        metadata: { labels: { 'service.kubernetes.io/service-proxy-name': next() < 0.5 ? 'another' : null } },
      }),
  ];
  return one(changes)();
}

function patched(kind: string, { metadata }: Service | EndpointSlice, body: object): string[] {
  return ['patch', kind, metadata.name, '-n', metadata.namespace!, '--type=merge', '-p', JSON.stringify(body)];
}

import type { KindName } from '../decode.ts';
import type { ClusterObjects } from '../objects.ts';
import type { Resource } from './list-watch.ts';

/** What a live cluster is followed for, and where ClusterObjects has it. */
export const RESOURCES = {
  services: {
    kind: 'Service',
    name: 'services',
    group: '/api/v1',
    namespaced: true,
    lost: 'no Services can be shown',
  },
  endpointSlices: {
    kind: 'EndpointSlice',
    name: 'endpointslices',
    group: '/apis/discovery.k8s.io/v1',
    namespaced: true,
    lost: 'which pods a Service should reach is not known',
  },
  nodes: {
    kind: 'Node',
    name: 'nodes',
    group: '/api/v1',
    namespaced: false,
    lost: 'nodes are known by their pods alone, some without their addresses and zones',
  },
  pods: {
    kind: 'Pod',
    name: 'pods',
    group: '/api/v1',
    namespaced: true,
    lost: 'endpoints have no pod names, labels or reasons, and kube-proxy’s pods are not found',
  },
  namespaces: {
    kind: 'Namespace',
    name: 'namespaces',
    group: '/api/v1',
    namespaced: false,
    lost: 'only namespaces with Services are shown',
  },
} as const satisfies Partial<Record<keyof ClusterObjects, Resource<KindName>>>;

export type Followed = keyof typeof RESOURCES;

export const FOLLOWED = Object.keys(RESOURCES) as Followed[];

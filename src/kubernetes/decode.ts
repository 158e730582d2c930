/**
 * From whatever the API server or a file holds to the plain data of objects.ts: what is named there is kept, everything
 * else (managedFields, volumes, environment, last-applied-configuration) is left out, and a value of the wrong type is
 * left out too and reported, so that nothing behind this file meets a shape that it does not expect.
 */
import type { ConfigMap, EndpointSlice, Endpoints, Namespace, Node, Pod, Service } from './objects.ts';

export interface Kinds {
  readonly Namespace: Namespace;
  readonly Service: Service;
  readonly EndpointSlice: EndpointSlice;
  readonly Endpoints: Endpoints;
  readonly Node: Node;
  readonly Pod: Pod;
  readonly ConfigMap: ConfigMap;
}

export type KindName = keyof Kinds;

export interface Fault {
  /** Such as ["spec", "ports", 0, "port"]. */
  readonly path: readonly (string | number)[];
  /** Such as "a number". */
  readonly expected: string;
}

export interface Decoded<T> {
  /** Absent where it cannot be such an object at all: the first fault says why. */
  readonly object?: T;
  readonly faults: readonly Fault[];
}

/** `map` is an object of strings; `intstr` a number or a string; an array has one shape; `!` marks what must be there. */
type Shape =
  'string' | 'number' | 'boolean' | 'map' | 'intstr' | readonly [Shape] | { readonly [field: string]: Shape };

const EXPECTED: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
  map: 'an object of strings',
  intstr: 'a number or a name',
};

const METADATA: Shape = {
  'name!': 'string',
  namespace: 'string',
  uid: 'string',
  resourceVersion: 'string',
  labels: 'map',
  annotations: 'map',
  creationTimestamp: 'string',
  deletionTimestamp: 'string',
  ownerReferences: [{ 'kind!': 'string', 'name!': 'string', uid: 'string' }],
};

const CONDITIONS: Shape = [
  { 'type!': 'string', 'status!': 'string', reason: 'string', message: 'string', lastTransitionTime: 'string' },
];
const TARGET: Shape = { kind: 'string', name: 'string', namespace: 'string', uid: 'string' };
const ENDPOINT_ADDRESS: Shape = [{ 'ip!': 'string', nodeName: 'string', targetRef: TARGET }];
const CONTAINER_STATE: Shape = { reason: 'string', message: 'string', startedAt: 'string' };

const SHAPES: Record<KindName, Shape> = {
  Namespace: { 'metadata!': METADATA },
  Service: {
    'metadata!': METADATA,
    'spec!': {
      type: 'string',
      selector: 'map',
      ports: [
        {
          name: 'string',
          protocol: 'string',
          'port!': 'number',
          targetPort: 'intstr',
          nodePort: 'number',
          appProtocol: 'string',
        },
      ],
      clusterIP: 'string',
      clusterIPs: ['string'],
      ipFamilies: ['string'],
      ipFamilyPolicy: 'string',
      externalIPs: ['string'],
      externalName: 'string',
      loadBalancerIP: 'string',
      loadBalancerSourceRanges: ['string'],
      externalTrafficPolicy: 'string',
      internalTrafficPolicy: 'string',
      healthCheckNodePort: 'number',
      sessionAffinity: 'string',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 'number' } },
      publishNotReadyAddresses: 'boolean',
      trafficDistribution: 'string',
    },
    status: { loadBalancer: { ingress: [{ ip: 'string', hostname: 'string', ipMode: 'string' }] } },
  },
  EndpointSlice: {
    'metadata!': METADATA,
    'addressType!': 'string',
    endpoints: [
      {
        'addresses!': ['string'],
        conditions: { ready: 'boolean', serving: 'boolean', terminating: 'boolean' },
        hostname: 'string',
        nodeName: 'string',
        zone: 'string',
        targetRef: TARGET,
        hints: { forZones: [{ 'name!': 'string' }], forNodes: [{ 'name!': 'string' }] },
      },
    ],
    ports: [{ name: 'string', protocol: 'string', port: 'number', appProtocol: 'string' }],
  },
  Endpoints: {
    'metadata!': METADATA,
    subsets: [
      {
        addresses: ENDPOINT_ADDRESS,
        notReadyAddresses: ENDPOINT_ADDRESS,
        ports: [{ name: 'string', protocol: 'string', 'port!': 'number' }],
      },
    ],
  },
  Node: {
    'metadata!': METADATA,
    spec: { podCIDR: 'string', podCIDRs: ['string'], unschedulable: 'boolean' },
    status: {
      addresses: [{ 'type!': 'string', 'address!': 'string' }],
      // Not lastHeartbeatTime: it changes every few minutes on every node and says nothing that we show.
      conditions: [{ 'type!': 'string', 'status!': 'string', reason: 'string', message: 'string' }],
      nodeInfo: { kubeletVersion: 'string', kubeProxyVersion: 'string', kernelVersion: 'string', osImage: 'string' },
    },
  },
  Pod: {
    'metadata!': METADATA,
    spec: {
      nodeName: 'string',
      hostNetwork: 'boolean',
      containers: [
        {
          'name!': 'string',
          image: 'string',
          command: ['string'],
          args: ['string'],
          ports: [{ name: 'string', 'containerPort!': 'number', protocol: 'string' }],
        },
      ],
    },
    status: {
      phase: 'string',
      reason: 'string',
      podIP: 'string',
      podIPs: [{ 'ip!': 'string' }],
      hostIP: 'string',
      conditions: CONDITIONS,
      containerStatuses: [
        {
          'name!': 'string',
          ready: 'boolean',
          restartCount: 'number',
          state: { waiting: CONTAINER_STATE, running: CONTAINER_STATE, terminated: CONTAINER_STATE },
        },
      ],
    },
  },
  ConfigMap: { 'metadata!': METADATA, data: 'map' },
};

/** Annotations that repeat the whole object. */
const NEVER_KEPT = new Set(['kubectl.kubernetes.io/last-applied-configuration']);

export function isKind(name: unknown): name is KindName {
  return typeof name === 'string' && Object.hasOwn(SHAPES, name);
}

/** One object as the API spells it. null counts as absent, as the API server itself prints empty lists as null. */
export function decodeObject<K extends KindName>(kind: K, value: unknown): Decoded<Kinds[K]> {
  const faults: Fault[] = [];
  const object = pick(value, SHAPES[kind], [], faults);
  return object === undefined ? { faults } : { object: object as Kinds[K], faults };
}

type Path = readonly (string | number)[];

function pick(value: unknown, shape: Shape, path: Path, faults: Fault[]): unknown {
  const wrong = (expected: string): undefined => {
    faults.push({ path, expected });
    return undefined;
  };
  if (shape === 'intstr')
    return typeof value === 'string' || typeof value === 'number' ? value : wrong(EXPECTED['intstr']!);
  if (shape === 'map') {
    if (!isRecord(value)) return wrong(EXPECTED['map']!);
    const out: Record<string, string> = {};
    for (const [key, text] of Object.entries(value)) {
      if (NEVER_KEPT.has(key)) continue;
      if (typeof text === 'string') define(out, key, text);
      else faults.push({ path: [...path, key], expected: EXPECTED['string']! });
    }
    return out;
  }
  if (typeof shape === 'string') return typeof value === shape ? value : wrong(EXPECTED[shape]!);
  if (isList(shape)) {
    if (!Array.isArray(value)) return wrong('a list');
    return value.map((each, i) => pick(each, shape[0], [...path, i], faults)).filter((each) => each !== undefined);
  }
  if (!isRecord(value)) return wrong('an object');
  const out: Record<string, unknown> = {};
  for (const [field, inner] of Object.entries(shape)) {
    const required = field.endsWith('!');
    const name = required ? field.slice(0, -1) : field;
    const present = Object.hasOwn(value, name) ? value[name] : undefined;
    if (present === undefined || present === null) {
      if (!required) continue;
      faults.push({ path: [...path, name], expected: `the field ${name}` });
      return undefined;
    }
    const kept = pick(present, inner, [...path, name], faults);
    if (kept !== undefined) out[name] = kept;
    else if (required) return undefined;
  }
  return out;
}

function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An assignment would give a label named "__proto__" to the object's prototype. */
function define(target: Record<string, string>, key: string, value: string): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

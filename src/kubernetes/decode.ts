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
  const object = pick(value, PLANS[kind], undefined, faults);
  return object === undefined ? { faults } : { object: object as Kinds[K], faults };
}

/** A shape, taken apart once: a big cluster has a hundred thousand objects. */
type Plan =
  | { readonly kind: 'string' | 'number' | 'boolean' | 'map' | 'intstr' }
  | { readonly kind: 'list'; readonly each: Plan }
  | { readonly kind: 'object'; readonly fields: readonly Field[] };

interface Field {
  readonly name: string;
  readonly required: boolean;
  readonly plan: Plan;
}

function planOf(shape: Shape): Plan {
  if (typeof shape === 'string') return { kind: shape };
  if (isList(shape)) return { kind: 'list', each: planOf(shape[0]) };
  const fields = Object.entries(shape).map(([field, inner]) => {
    const required = field.endsWith('!');
    return { name: required ? field.slice(0, -1) : field, required, plan: planOf(inner) };
  });
  return { kind: 'object', fields };
}

const PLANS = Object.fromEntries(Object.entries(SHAPES).map(([kind, shape]) => [kind, planOf(shape)])) as Record<
  KindName,
  Plan
>;

/** From a value up to the object; only a fault spells it out. */
interface Place {
  readonly up: Place | undefined;
  readonly step: string | number;
}

function pathOf(place: Place | undefined): (string | number)[] {
  const path: (string | number)[] = [];
  for (let at = place; at; at = at.up) path.unshift(at.step);
  return path;
}

function pick(value: unknown, plan: Plan, place: Place | undefined, faults: Fault[]): unknown {
  const wrong = (expected: string): undefined => void faults.push({ path: pathOf(place), expected });
  switch (plan.kind) {
    case 'intstr':
      return typeof value === 'string' || typeof value === 'number' ? value : wrong(EXPECTED['intstr']!);
    case 'map':
      return isRecord(value) ? pickMap(value, place, faults) : wrong(EXPECTED['map']!);
    case 'list':
      if (!Array.isArray(value)) return wrong('a list');
      return value
        .map((each, step) => pick(each, plan.each, { up: place, step }, faults))
        .filter((each) => each !== undefined);
    case 'object':
      return isRecord(value) ? pickFields(value, plan.fields, place, faults) : wrong('an object');
    default:
      return typeof value === plan.kind ? value : wrong(EXPECTED[plan.kind]!);
  }
}

function pickFields(
  value: Record<string, unknown>,
  fields: readonly Field[],
  place: Place | undefined,
  faults: Fault[],
): Record<string, unknown> | undefined {
  const out: Record<string, unknown> = {};
  for (const { name, required, plan } of fields) {
    const present = Object.hasOwn(value, name) ? value[name] : undefined;
    if (present === undefined || present === null) {
      if (!required) continue;
      faults.push({ path: pathOf({ up: place, step: name }), expected: `the field ${name}` });
      return undefined;
    }
    const kept = pick(present, plan, { up: place, step: name }, faults);
    if (kept !== undefined) out[name] = kept;
    else if (required) return undefined;
  }
  return out;
}

function pickMap(value: Record<string, unknown>, place: Place | undefined, faults: Fault[]): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [key, text] of Object.entries(value)) {
    if (NEVER_KEPT.has(key)) continue;
    if (typeof text !== 'string')
      faults.push({ path: pathOf({ up: place, step: key }), expected: EXPECTED['string']! });
    // An assignment would give a label named "__proto__" to the object's prototype.
    else if (key === '__proto__')
      Object.defineProperty(out, key, { value: text, enumerable: true, configurable: true, writable: true });
    else out[key] = text;
  }
  return out;
}

function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * What a Service's selector matches and, where that is nothing, the pods that it nearly matches: a value misspelt, a label
 * under another key, one label too many, or the right pods in another namespace.
 */
import type { Pod, Service } from '../kubernetes/objects.ts';

export type Selector = Readonly<Record<string, string>>;

/** Pods that have ended are no endpoints, whatever their labels. */
function isOver(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

function matches(selector: Selector, pod: Pod): boolean {
  const labels = pod.metadata.labels ?? {};
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

/** The pods that the endpoints controller makes endpoints of. A Service without a selector selects none. */
export function selectedPods(service: Service, pods: readonly Pod[]): readonly Pod[] {
  const { selector } = service.spec;
  if (!selector || Object.keys(selector).length === 0) return [];
  return pods.filter(
    (pod) => pod.metadata.namespace === service.metadata.namespace && !isOver(pod) && matches(selector, pod),
  );
}

/** "app=front,tier=web". */
export function selectorText(selector: Selector): string {
  return Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/** What a selector that matches nothing was probably meant to be. */
export type Nearest =
  /** The pods would match if `wanted` read `has`. */
  | { readonly kind: 'label'; readonly wanted: string; readonly has: string; readonly pods: readonly Pod[] }
  /** The pods match all of it but `wanted`, a key that they do not have. */
  | { readonly kind: 'too-much'; readonly wanted: string; readonly pods: readonly Pod[] }
  /** The pods match, but live elsewhere. */
  | { readonly kind: 'namespace'; readonly namespace: string; readonly pods: readonly Pod[] };

/** The nearest miss, or undefined where nothing is near. For a selector that matches nothing. */
export function nearestTo(service: Service, pods: readonly Pod[]): Nearest | undefined {
  const { selector } = service.spec;
  if (!selector || Object.keys(selector).length === 0) return undefined;
  const living = pods.filter((pod) => !isOver(pod));
  const own = living.filter((pod) => pod.metadata.namespace === service.metadata.namespace);
  return oneLabelAway(selector, own) ?? elsewhere(selector, living) ?? oneLabelTooMany(selector, own);
}

function oneLabelAway(selector: Selector, pods: readonly Pod[]): Nearest | undefined {
  let best: { distance: number; wanted: string; has: string; pods: Pod[] } | undefined;
  for (const [key, value] of Object.entries(selector)) {
    const rest = Object.fromEntries(Object.entries(selector).filter(([other]) => other !== key));
    const groups = new Map<string, { distance: number; pods: Pod[] }>();
    for (const pod of pods) {
      if (!matches(rest, pod)) continue;
      for (const [has, is] of Object.entries(pod.metadata.labels ?? {})) {
        const distance = labelDistance(key, value, has, is);
        if (distance === undefined) continue;
        const group = groups.get(`${has}=${is}`) ?? { distance, pods: [] };
        group.pods.push(pod);
        groups.set(`${has}=${is}`, group);
      }
    }
    for (const [has, group] of groups)
      if (
        !best ||
        group.distance < best.distance ||
        (group.distance === best.distance && group.pods.length > best.pods.length)
      )
        best = { distance: group.distance, wanted: `${key}=${value}`, has, pods: group.pods };
  }
  return best && { kind: 'label', wanted: best.wanted, has: best.has, pods: best.pods };
}

/** How far a label is from the wanted one; undefined where nobody would mistake one for the other. */
function labelDistance(key: string, value: string, has: string, is: string): number | undefined {
  if (key === has) {
    const distance = editDistance(value.toLowerCase(), is.toLowerCase());
    return distance <= Math.max(1, Math.ceil(Math.max(value.length, is.length) / 3)) ? distance : undefined;
  }
  // The same value under another key: "app" for "app.kubernetes.io/name" is the common case. Values such as "1" or
  // "true" say nothing.
  if (value === is && value.length > 2 && value !== 'true' && value !== 'false') return 2;
  return undefined;
}

function oneLabelTooMany(selector: Selector, pods: readonly Pod[]): Nearest | undefined {
  const keys = Object.keys(selector);
  if (keys.length < 2) return undefined;
  for (const key of keys) {
    const rest = Object.fromEntries(Object.entries(selector).filter(([other]) => other !== key));
    const matching = pods.filter((pod) => matches(rest, pod));
    if (matching.length > 0) return { kind: 'too-much', wanted: `${key}=${selector[key]!}`, pods: matching };
  }
  return undefined;
}

function elsewhere(selector: Selector, pods: readonly Pod[]): Nearest | undefined {
  const matching = pods.filter((pod) => matches(selector, pod));
  const namespace = matching[0]?.metadata.namespace;
  if (namespace === undefined) return undefined;
  return { kind: 'namespace', namespace, pods: matching.filter((pod) => pod.metadata.namespace === namespace) };
}

/** Insertions, deletions, replacements and swaps of neighbours. Labels have at most 63 characters. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, before[j - 2]! + 1);
      next.push(least);
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}

/** What a Service port's targetPort is on a pod. */
export type Target =
  | { readonly kind: 'port'; readonly port: number; readonly container?: string }
  /** No container of the pod has a port of that name and protocol: the pod is left out of the EndpointSlice. */
  | { readonly kind: 'no-such-name'; readonly has: readonly string[] };

/** As the endpoints controller resolves it: a number needs no declaration, a name does (k8s.io/component-helpers FindPort). */
export function targetOn(pod: Pod, target: number | string | undefined, port: number, protocol: string): Target {
  const containers = pod.spec?.containers ?? [];
  if (typeof target !== 'string') {
    const number = target === undefined || target === 0 ? port : target;
    const declared = containers.find((c) => c.ports?.some((p) => p.containerPort === number));
    return { kind: 'port', port: number, ...(declared && { container: declared.name }) };
  }
  const has: string[] = [];
  for (const container of containers)
    for (const declared of container.ports ?? []) {
      if (declared.name === target && (declared.protocol ?? 'TCP') === protocol)
        return { kind: 'port', port: declared.containerPort, container: container.name };
      if (declared.name) has.push(`${declared.name} (${declared.containerPort}/${declared.protocol ?? 'TCP'})`);
    }
  return { kind: 'no-such-name', has };
}

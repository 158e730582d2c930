/** Findings that the API's objects alone give: Services without endpoints, and why; kube-proxy's pods. */
import type { ClusterObjects, Node, Pod, Service } from '../kubernetes/objects.ts';
import { keyOf } from '../kubernetes/objects.ts';
import { slicesOf } from '../kubernetes/slices.ts';
import { parseAddress } from '../netfilter/address.ts';
import { finding } from './catalogue.ts';
import type { Finding } from './catalogue.ts';
import { whyNotReady } from './readiness.ts';
import { nearestTo, selectedPods, selectorText, targetOn } from './selector.ts';

export function serviceFindings(objects: ClusterObjects): readonly Finding[] {
  const old = new Map(objects.endpoints.map((e) => [keyOf(e), e]));
  const byNamespace = new Map<string, Pod[]>();
  for (const pod of objects.pods) {
    const list = byNamespace.get(pod.metadata.namespace ?? '');
    if (list) list.push(pod);
    else byNamespace.set(pod.metadata.namespace ?? '', [pod]);
  }
  return objects.services.flatMap((service) => {
    if (service.spec.type === 'ExternalName') return [];
    const key = keyOf(service);
    const own = byNamespace.get(service.metadata.namespace ?? '') ?? [];
    const inSlices = slicesOf(objects, key).flatMap((slice) => slice.endpoints ?? []).length;
    const inOld = (old.get(key)?.subsets ?? []).flatMap((s) => [
      ...(s.addresses ?? []),
      ...(s.notReadyAddresses ?? []),
    ]);
    const known = Math.max(inSlices, inOld.length);
    return [...endpointFindings(service, own, objects.pods, known), ...rangeFindings(service)];
  });
}

function endpointFindings(
  service: Service,
  own: readonly Pod[],
  all: readonly Pod[],
  known: number,
): readonly Finding[] {
  const key = keyOf(service);
  const subject = { service: key };
  const namespace = service.metadata.namespace ?? '';
  const { selector } = service.spec;
  if (!selector || Object.keys(selector).length === 0)
    return known > 0 ? [] : [finding('no-endpoints-by-hand', subject, { service: key, name: service.metadata.name })];

  const pods = selectedPods(service, own);
  // A viewer who may not list pods sees none at all: then their absence says nothing.
  if (pods.length === 0) return known > 0 || all.length === 0 ? [] : [noMatch(service, selector, namespace, all)];

  const found: Finding[] = [];
  for (const port of service.spec.ports ?? []) {
    const protocol = port.protocol ?? 'TCP';
    const without = pods.filter((p) => targetOn(p, port.targetPort, port.port, protocol).kind === 'no-such-name');
    if (without.length === 0) continue;
    const first = targetOn(without[0]!, port.targetPort, port.port, protocol);
    const words = { service: key, protocol, target: String(port.targetPort), port: String(port.port) };
    const about = { ...subject, port: port.name ?? `${port.port}/${protocol}` };
    const has = first.kind === 'no-such-name' && first.has.length > 0 ? first.has.join(', ') : 'no named port';
    if (without.length === pods.length)
      found.push(finding('no-named-port', about, { ...words, count: String(pods.length), has }));
    else
      found.push(
        finding('some-without-named-port', about, {
          ...words,
          count: String(without.length),
          total: String(pods.length),
          pods: names(without),
        }),
      );
  }

  const waiting = pods.filter((pod) => !isReady(pod));
  if (waiting.length > 0 && !service.spec.publishNotReadyAddresses) {
    const words = {
      service: key,
      namespace,
      total: String(pods.length),
      pod: waiting[0]!.metadata.name,
      why: whyNotReady(waiting[0]!) ?? phaseOf(waiting[0]!),
    };
    if (waiting.length === pods.length) found.push(finding('none-ready', subject, words));
    else
      found.push(finding('some-not-ready', subject, { ...words, count: String(waiting.length), pods: names(waiting) }));
  }
  if (known === 0 && found.length === 0)
    found.push(finding('no-slice-yet', subject, { service: key, count: String(pods.length) }));
  return found;
}

function noMatch(
  service: Service,
  selector: Readonly<Record<string, string>>,
  namespace: string,
  all: readonly Pod[],
): Finding {
  const key = keyOf(service);
  const nearest = nearestTo(service, all);
  const words = { service: key, namespace };
  if (!nearest) return finding('selector-nothing', { service: key }, { ...words, selector: selectorText(selector) });
  const count = String(nearest.pods.length);
  if (nearest.kind === 'label')
    return finding('selector-label', { service: key }, { ...words, count, wanted: nearest.wanted, has: nearest.has });
  if (nearest.kind === 'too-much')
    return finding('selector-too-much', { service: key }, { ...words, count, wanted: nearest.wanted });
  return finding(
    'selector-namespace',
    { service: key },
    { ...words, count, selector: selectorText(selector), other: nearest.namespace },
  );
}

/** The ranges are filtered by family; where none is left, kube-proxy writes no firewall for that family's addresses. */
function rangeFindings(service: Service): readonly Finding[] {
  const ranges = service.spec.loadBalancerSourceRanges ?? [];
  if (service.spec.type !== 'LoadBalancer' || ranges.length === 0) return [];
  const has = (family: 4 | 6) => ranges.some((range) => range.includes(':') === (family === 6));
  const key = keyOf(service);
  return (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) => {
    const family = ip === undefined ? undefined : parseAddress(ip)?.family;
    if (ip === undefined || family === undefined || ipMode === 'Proxy' || has(family)) return [];
    return [finding('ranges-of-other-family', { service: key }, { service: key, family: `IPv${family}`, address: ip })];
  });
}

function names(pods: readonly Pod[]): string {
  const shown = pods.slice(0, 3).map((pod) => pod.metadata.name);
  return pods.length > 3 ? `${shown.join(', ')} and ${pods.length - 3} more` : shown.join(', ');
}

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
}

function phaseOf({ status }: Pod): string {
  return `phase ${status?.phase ?? 'unknown'}`;
}

/** kube-proxy's pods by the node they run on: the labels that kubeadm, EKS, AKS, GKE and RKE2 give them. */
export function proxyPods(pods: readonly Pod[]): ReadonlyMap<string, Pod> {
  const found = new Map<string, Pod>();
  for (const pod of pods) {
    const labels = pod.metadata.labels ?? {};
    if (labels['k8s-app'] !== 'kube-proxy' && labels['component'] !== 'kube-proxy') continue;
    const node = pod.spec?.nodeName;
    if (node === undefined) continue;
    const before = found.get(node);
    if (!before || (!isReady(before) && isReady(pod))) found.set(node, pod);
  }
  return found;
}

/** Nodes whose kube-proxy is missing or does not run. Nothing where no node has such a pod (k3s, microk8s, Cilium …). */
export function proxyFindings(objects: ClusterObjects): readonly Finding[] {
  const proxies = proxyPods(objects.pods);
  if (proxies.size === 0) return [];
  return objects.nodes.flatMap((node: Node) => {
    const name = node.metadata.name;
    const pod = proxies.get(name);
    if (!pod) return [finding('proxy-missing', { node: name }, { node: name, count: String(proxies.size) })];
    if (isReady(pod) && pod.status?.phase === 'Running') return [];
    return [
      finding(
        'proxy-not-running',
        { node: name },
        {
          node: name,
          pod: pod.metadata.name,
          namespace: pod.metadata.namespace ?? '',
          why: whyNotReady(pod) ?? phaseOf(pod),
        },
      ),
    ];
  });
}

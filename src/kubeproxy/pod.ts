import type { ClusterObjects, Container, Pod } from '../kubernetes/objects.ts';

/**
 * The kube-proxy pod that serves a node, where kube-proxy is a pod: a DaemonSet's (kubeadm, kind, minikube, EKS, AKS) or
 * a static one (GKE, RKE2). None for k3s and microk8s, where it is part of another process.
 */
export function kubeProxyPod(objects: ClusterObjects, node: string): Pod | undefined {
  const found = proxiesByNode(objects.pods).get(node) ?? [];
  // While a DaemonSet rolls out, the old pod is still listed: the one that stays is the one to ask.
  return [...found].sort((a, b) => rank(b) - rank(a) || created(b).localeCompare(created(a)))[0];
}

const proxies = new WeakMap<readonly Pod[], ReadonlyMap<string, readonly Pod[]>>();

/** Every node asks for its own: the pods are looked through once for all of them. */
function proxiesByNode(pods: readonly Pod[]): ReadonlyMap<string, readonly Pod[]> {
  let known = proxies.get(pods);
  if (!known) {
    known = Map.groupBy(pods.filter(isKubeProxy), (pod) => pod.spec?.nodeName ?? '');
    proxies.set(pods, known);
  }
  return known;
}

/** The container that runs kube-proxy in it. */
export function kubeProxyContainer(pod: Pod): Container | undefined {
  const containers = pod.spec?.containers ?? [];
  return containers.find((container) => container.name === 'kube-proxy') ?? containers[0];
}

function isKubeProxy(pod: Pod): boolean {
  const labels = pod.metadata.labels ?? {};
  if (labels['k8s-app'] === 'kube-proxy' || labels['component'] === 'kube-proxy') return true;
  return pod.metadata.namespace === 'kube-system' && pod.metadata.name.startsWith('kube-proxy-');
}

function rank(pod: Pod): number {
  return (pod.metadata.deletionTimestamp ? 0 : 2) + (pod.status?.phase === 'Running' ? 1 : 0);
}

function created(pod: Pod): string {
  return pod.metadata.creationTimestamp ?? '';
}

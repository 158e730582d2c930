/** Which pod of a node is kube-proxy's, and where there is none, why that may be. */
import type { ClusterObjects, Node, Pod } from '../objects.ts';
import type { Problem } from '../source.ts';
import type { Target } from './exec.ts';

/** kubeadm, kind, EKS and others label it the first way, AKS, GKE and RKE2 the second. */
export function isKubeProxy(pod: Pod): boolean {
  const labels = pod.metadata.labels ?? {};
  return labels['k8s-app'] === 'kube-proxy' || labels['component'] === 'kube-proxy';
}

/** The running kube-proxy pod on a node, as a place to execute in; or the reason why there is none, and what to do. */
export function kubeProxyOn(node: string, objects: Pick<ClusterObjects, 'nodes' | 'pods'>): Target | Problem {
  const pods = objects.pods.filter((pod) => isKubeProxy(pod) && pod.spec?.nodeName === node);
  const running = pods.find((pod) => pod.status?.phase === 'Running' && pod.metadata.deletionTimestamp === undefined);
  if (running) {
    const containers = running.spec?.containers ?? [];
    const container = containers.find((each) => each.name.includes('kube-proxy')) ?? containers[0];
    return {
      namespace: running.metadata.namespace ?? 'kube-system',
      pod: running.metadata.name,
      container: container?.name ?? 'kube-proxy',
    };
  }
  const problem = (message: string, advice: string): Problem => ({ code: 'no-kube-proxy-pod', message, advice });
  if (pods[0]) {
    const { metadata, status } = pods[0];
    const waiting = status?.containerStatuses?.find((each) => each.state?.['waiting'])?.state?.['waiting']?.reason;
    const state =
      metadata.deletionTimestamp === undefined ? (waiting ?? status?.phase ?? 'not running') : 'Terminating';
    return problem(
      `kube-proxy’s pod ${metadata.name} on ${node} is not running (${state})`,
      `Look at it: kubectl -n ${metadata.namespace ?? 'kube-system'} describe pod ${metadata.name}. Until it runs, the node’s rules stay as they were.`,
    );
  }
  const known = objects.nodes.find((each) => each.metadata.name === node);
  const { because, advice } = reason(known, objects.pods);
  return problem(`No kube-proxy pod on ${node}${because}`, advice);
}

const BY_HAND =
  'Where you can log in to the node, save its rules there (iptables-save, ip6tables-save, nft -j list ruleset) and open them as a recording.';

/** Labels of pods that do kube-proxy's work in their own way. */
const REPLACEMENTS = [
  { name: 'Cilium', is: (labels: Labels) => labels['k8s-app'] === 'cilium' },
  { name: 'Antrea', is: (labels: Labels) => labels['app'] === 'antrea' && labels['component'] === 'antrea-agent' },
  { name: 'Calico’s eBPF mode', is: (labels: Labels) => labels['k8s-app'] === 'calico-node' },
  { name: 'kube-router', is: (labels: Labels) => labels['k8s-app'] === 'kube-router' },
  { name: 'OVN-Kubernetes', is: (labels: Labels) => labels['app'] === 'ovnkube-node' },
];

type Labels = Readonly<Record<string, string>>;

function reason(node: Node | undefined, pods: readonly Pod[]): { because: string; advice: string } {
  const labels = node?.metadata.labels ?? {};
  const version = node?.status?.nodeInfo?.kubeletVersion ?? '';
  if (labels['kubernetes.io/os'] === 'windows')
    return {
      because: ': it is a Windows node',
      advice: 'Its Services live in the HNS, which is not read; choose a Linux node.',
    };
  if (labels['eks.amazonaws.com/compute-type'] === 'fargate' || labels['type'] === 'virtual-kubelet')
    return {
      because: ': it is a virtual node',
      advice: 'Its rules belong to the provider and cannot be read; choose another node.',
    };
  if (version.includes('+k3s')) return { because: ': k3s runs kube-proxy inside its own process', advice: BY_HAND };
  if (labels['microk8s.io/cluster'] !== undefined)
    return { because: ': MicroK8s runs kube-proxy inside its own process', advice: BY_HAND };
  const replacement = REPLACEMENTS.find(({ is }) => pods.some((pod) => is(pod.metadata.labels ?? {})));
  if (replacement && !pods.some(isKubeProxy))
    return {
      because: ` or any other: ${replacement.name} seems to do its work here`,
      advice: `There are no kube-proxy rules to read then; look with ${replacement.name}’s own tools.`,
    };
  if (pods.length === 0)
    return {
      because: ': no pods are known at all',
      advice: 'Ask for the verbs list and watch on pods in kube-system; docs/clusterrole.yaml has all that is needed.',
    };
  if (pods.some(isKubeProxy))
    return {
      because: ', though other nodes have one',
      advice:
        'Compare the tolerations and node selector of its DaemonSet with this node: kubectl -n kube-system get daemonset kube-proxy -o yaml',
    };
  return { because: ': it may run outside of the cluster’s pods, or something else may do its work', advice: BY_HAND };
}

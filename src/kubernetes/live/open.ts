import type { ClusterObjects } from '../objects.ts';
import type { ClusterSource, Problem } from '../source.ts';
import { readKubeconfig, type KubeconfigOptions } from './kubeconfig.ts';

const EMPTY: ClusterObjects = { namespaces: [], services: [], endpointSlices: [], endpoints: [], nodes: [], pods: [] };

/**
 * The cluster of the active context. Never rejects: where the kubeconfig leads nowhere, the source's state says why. The Kubernetes client is
 * loaded here and nowhere before, since that takes a quarter of a second.
 */
export async function openLiveCluster(options: KubeconfigOptions = {}): Promise<ClusterSource> {
  const kubeconfig = await readKubeconfig(options);
  if (kubeconfig.kind === 'problem') return nowhere(kubeconfig.problem);
  try {
    const [{ Connection }, { LiveCluster }] = await Promise.all([import('./connection.ts'), import('./cluster.ts')]);
    return new LiveCluster(new Connection(kubeconfig.kind === 'read' ? kubeconfig.active : undefined));
  } catch (error) {
    return nowhere({
      code: 'bad-kubeconfig',
      message: 'The kubeconfig cannot be used',
      advice: 'Check the server of the context’s cluster: it is an address such as https://127.0.0.1:6443.',
      detail: error instanceof Error ? error.message : String(error),
    });
  }
}

function nowhere(problem: Problem): ClusterSource {
  return {
    name: 'no cluster',
    kind: 'live',
    location: '',
    state: { kind: 'failed', problem },
    objects: EMPTY,
    onDidChange: () => ({ dispose: () => undefined }),
    rules: () => ({ kind: 'none' }),
    capture: async () => undefined,
    dispose: () => undefined,
  };
}

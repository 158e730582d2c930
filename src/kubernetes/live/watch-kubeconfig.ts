import { unwatchFile, watchFile } from 'node:fs';
import type { Disposable } from '../source.ts';
import { kubeconfigFiles, readKubeconfig, type Kubeconfig, type KubeconfigOptions } from './kubeconfig.ts';

/**
 * Calls the listener when the active context has become another one, or leads elsewhere (its server, its user, its credentials), or can no
 * longer be read. The files are looked at by name every half second: that sees files that come later, and links that are turned.
 *
 * @param intervalMs milliseconds between two looks
 */
export function watchKubeconfig(
  options: KubeconfigOptions,
  listener: (kubeconfig: Kubeconfig) => void,
  intervalMs = 500,
): Disposable {
  const files = kubeconfigFiles(options);
  let disposed = false;
  // One look after another, so that the listener sees the changes in their order.
  let looks = readKubeconfig(options).then(essence);
  const look = (): void => {
    looks = looks.then(async (before) => {
      const kubeconfig = await readKubeconfig(options);
      const now = essence(kubeconfig);
      if (now !== before && !disposed) listener(kubeconfig);
      return now;
    });
  };
  for (const file of files) watchFile(file, { interval: intervalMs, persistent: false }, look);
  return {
    dispose: () => {
      disposed = true;
      for (const file of files) unwatchFile(file, look);
    },
  };
}

/** What a connection depends on; other contexts may come and go. */
function essence(kubeconfig: Kubeconfig): string {
  return JSON.stringify(kubeconfig.kind === 'read' ? kubeconfig.active : kubeconfig);
}

/** Why a pod is not ready, in the words of its own conditions and container states. */
import type { Pod } from '../kubernetes/objects.ts';

/** In words such as "readiness probe fails (container nginx)"; undefined where the pod says that it is ready. */
export function whyNotReady(pod: Pod): string | undefined {
  const { status } = pod;
  if (pod.metadata.deletionTimestamp) return 'terminating';
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded')
    return `has ended (${status.reason ?? status.phase})`;
  const condition = (type: string) => status?.conditions?.find((c) => c.type === type);
  const scheduled = condition('PodScheduled');
  if (scheduled?.status === 'False') return sentence('not scheduled', scheduled.message ?? scheduled.reason);

  for (const container of status?.containerStatuses ?? []) {
    if (container.ready) continue;
    const waiting = container.state?.['waiting'];
    if (waiting?.reason) return sentence(`container ${container.name} waits: ${waiting.reason}`, waiting.message);
    const terminated = container.state?.['terminated'];
    if (terminated) return `container ${container.name} has ended (${terminated.reason ?? 'no reason given'})`;
  }
  // Kubelet sets ContainersReady to False where a container runs and its readiness probe does not (yet) succeed.
  const failing = (status?.containerStatuses ?? []).filter((c) => c.ready === false && c.state?.['running']);
  if (failing.length > 0) return `readiness probe fails (container ${failing.map((c) => c.name).join(', ')})`;

  const ready = condition('Ready');
  if (!ready || ready.status === 'True') return undefined;
  if (ready.reason === 'ReadinessGatesNotReady') return sentence('a readiness gate is not met', ready.message);
  return sentence('not ready', ready.message ?? ready.reason);
}

function sentence(what: string, detail: string | undefined): string {
  return detail ? `${what} (${detail})` : what;
}

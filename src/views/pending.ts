import { pendingChange, type Clock, type Pending } from '../diagnosis/pending.ts';
import { metricsIn } from '../diagnosis/proxy-metrics.ts';
import { nodeProxy } from '../kubeproxy/expected.ts';
import type { Service } from '../kubernetes/objects.ts';
import type { ClusterSource } from '../kubernetes/source.ts';
import { captureIn } from './capture-of.ts';

/** Characters of a dump for each rule in it, to say how long a sync takes without reading the dump. */
const PER_RULE = 120;

/** Says of a Service and a node that was read whether it need not show the Service's newest change yet. */
export function pendingIn(source: ClusterSource): (service: Service, node: string) => Pending | undefined {
  const { objects, changedAt } = source;
  const clocks = new Map<string, Clock | undefined>();
  return (service, node) => {
    if (!clocks.has(node)) clocks.set(node, clockOf(node));
    const clock = clocks.get(node);
    return clock && pendingChange(service, clock);
  };

  function clockOf(node: string): Clock | undefined {
    const capture = captureIn(source.rules(node));
    if (!capture) return undefined;
    const { at, dumps } = capture;
    return {
      objects,
      at,
      minSyncPeriod: nodeProxy(objects, node, dumps).configuration.minSyncPeriod.value,
      rules: dumps.reduce((sum, { text }) => sum + text.length, 0) / PER_RULE,
      metrics: metricsIn(dumps),
      changedAt,
    };
  }
}

import { pendingChange, type Clock, type Pending } from '../diagnosis/pending.ts';
import { metricsIn } from '../diagnosis/proxy-metrics.ts';
import { nodeProxy } from '../kubeproxy/expected.ts';
import type { Service } from '../kubernetes/objects.ts';
import type { ClusterSource, Dump, DumpName } from '../kubernetes/source.ts';
import { captureIn } from './capture-of.ts';

/** Characters of a dump for each rule in it. The same rules in JSON take four times as many (measured on recorded nodes). */
const PER_RULE = 120;
const PER_RULE_IN_JSON = 480;

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
      rules: about(dumps),
      metrics: metricsIn(dumps),
      changedAt,
    };
  }
}

/** How many rules a sync writes, about: without reading the dumps, of which several hold the same ones. */
function about(dumps: readonly Dump[]): number {
  const length = (...names: readonly DumpName[]): number =>
    dumps.reduce((sum, { name, text }) => (names.includes(name) ? sum + text.length : sum), 0);
  return Math.max(
    length('iptables-save.txt', 'ip6tables-save.txt') / PER_RULE,
    length('nft.txt') / PER_RULE,
    length('nft.json') / PER_RULE_IN_JSON,
  );
}

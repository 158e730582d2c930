/** The rule that ended a packet, as words name it. */
import type { Outcome, Step } from '../netfilter/outcome.ts';

/** The step that ended the packet, or the last that it met. */
export function lastStep({ path }: Outcome): Step | undefined {
  return path.findLast((step) => step.effect === 'drop' || step.effect === 'reject') ?? path.at(-1);
}

/** "KUBE-SERVICES (line 214)". */
export function decider(outcome: Outcome): string {
  const step = lastStep(outcome);
  if (!step) return 'a rule';
  if (!step.place) return `the policy of ${step.chain}`;
  return `${step.chain} (line ${step.place.line})`;
}

/** In iptables' nat table: the rule of somebody else's that ended its chain, so that kube-proxy's rules behind it were not asked. */
export function diversion({ path }: Outcome): Step | undefined {
  return path.find(
    ({ effect, table, chain, place, hook }) =>
      effect === 'accept' &&
      table === 'nat' &&
      place !== undefined &&
      !chain.startsWith('KUBE-') &&
      (hook === 'prerouting' || hook === 'output'),
  );
}

/** The rules behind a stream, as lines to be read: what mattered, shortened, in the packet's order. */
import type { Outcome, Step } from '../netfilter/outcome.ts';
import type { RuleLine } from './picture.ts';
import { percent } from './shares.ts';

/** Steps that changed the packet, chose its way or ended it; a plain jump counts where it left a dispatch chain for a Service's. */
export function matters(step: Step): boolean {
  return step.effect !== 'none' && step.effect !== 'return';
}

/** Each place once, for all the outcomes of a stream. */
export function ruleLines(node: string, outcomes: readonly Outcome[]): readonly RuleLine[] {
  const seen = new Set<string>();
  const lines: RuleLine[] = [];
  for (const outcome of outcomes)
    for (const step of outcome.path) {
      // A base chain's policy of ACCEPT decides nothing that somebody would look for.
      if (!matters(step) || (!step.place && step.effect === 'accept')) continue;
      const key = step.place ? `${step.place.dump}:${step.place.start}` : `${step.table} ${step.chain} ${step.rule}`;
      if (seen.has(key)) continue;
      seen.add(key);
      lines.push({
        node,
        dump: step.place?.dump ?? '',
        line: step.place?.line ?? 0,
        table: step.table,
        chain: step.chain,
        text: shortened(step.rule),
        did: did(step),
      });
    }
  return lines;
}

function did(step: Step): string {
  if (step.chance !== undefined && step.chance < 1) return percent(step.chance);
  switch (step.effect) {
    case 'dnat':
      return 'DNAT';
    case 'snat':
      return 'SNAT';
    case 'mark':
      return 'mark';
    case 'reject':
      return 'REJECT';
    case 'drop':
      return 'DROP';
    case 'accept':
      return 'ACCEPT';
    default:
      return step.effect;
  }
}

/** Without the comment and the repeated match name: "-A KUBE-SVC-X ! -s 10.0.0.0/8 -d … -j KUBE-MARK-MASQ". */
export function shortened(rule: string): string {
  return rule
    .replace(/ -m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+)/g, '')
    .replace(/ -p (tcp|udp|sctp)\b(.*?) -m \1\b/g, ' -p $1$2')
    .replace(/\s+comment "(?:[^"\\]|\\.)*"/g, '')
    .replace(/ counter packets \d+ bytes \d+/g, '')
    .replace(/ {2,}/g, ' ')
    .trim();
}

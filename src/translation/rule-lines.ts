/** The rules behind a stream, as lines to be read: what mattered, shortened, in the packet's order. */
import type { Outcome, Step } from '../netfilter/outcome.ts';
import type { RuleLine } from './picture.ts';
import { percent } from '../diagnosis/shares.ts';

const DECIDES: ReadonlySet<Step['effect']> = new Set([
  'accept',
  'drop',
  'reject',
  'dnat',
  'snat',
  'masquerade',
  'redirect',
  'mark',
  'unknown',
]);

/**
 * The steps that changed the packet, chose its way or ended it, and the jumps between chains that led there. What was entered and
 * left again without effect is left out, and so are the jumps out of base chains, which every packet takes.
 */
export function telling(path: readonly Step[]): readonly Step[] {
  return path.filter((step, i) => {
    if (DECIDES.has(step.effect)) return step.place !== undefined || step.effect !== 'accept';
    if (step.effect !== 'jump' && step.effect !== 'goto') return false;
    return !isBase(path, i) && decidesInside(path, i);
  });
}

/** Whether a step's chain was not jumped to: the base chain, whose jumps every packet takes. */
function isBase(path: readonly Step[], index: number): boolean {
  const { hook, table, engine, chain } = path[index]!;
  const first = path.findIndex(
    (step) => step.hook === hook && step.table === table && step.engine === engine && step.chain === chain,
  );
  const before = path[first - 1];
  if (!before || before.hook !== hook || before.table !== table || before.engine !== engine) return true;
  if (before.effect !== 'jump' && before.effect !== 'goto') return true;
  // Where the rule does not name its target (a verdict map does not), what follows is where it led.
  return (jumpTarget(before) ?? chain) !== chain;
}

/** The chain that a jump's text names. */
export function jumpTarget(step: Step): string | undefined {
  return /(?:^| )-[jg] (\S+)/.exec(step.rule)?.[1] ?? /\b(?:jump|goto) (\S+)\s*$/.exec(step.rule)?.[1];
}

function decidesInside(path: readonly Step[], index: number): boolean {
  const from = path[index]!;
  for (let i = index + 1; i < path.length; i++) {
    const step = path[i]!;
    if (step.hook !== from.hook || step.table !== from.table || step.chain === from.chain) return false;
    if (DECIDES.has(step.effect) && step.place) return true;
  }
  return false;
}

/** Each place once, for all the outcomes of a stream. */
export function ruleLines(node: string, outcomes: readonly Outcome[]): readonly RuleLine[] {
  const seen = new Set<string>();
  const lines: RuleLine[] = [];
  for (const outcome of outcomes)
    for (const step of telling(outcome.path)) {
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

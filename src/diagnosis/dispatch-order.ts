/**
 * The order in chains that kube-proxy fills Service port by Service port: that of the ports has no meaning, that of the rules for one
 * destination has (up to 1.21 a mark for masquerading stands before the jump), and the jump to the node ports is last.
 */
import { canonicalRule, targetOf } from './blocks.ts';
import type { Entry } from './compare.ts';

function isNodePortJump(rule: string): boolean {
  return targetOf(rule) === 'KUBE-NODEPORTS';
}

/** Rules with the same key can match the same packet. */
export function destinationOf(rule: string): string {
  const parts = / (-d \S+) /.exec(rule)?.[1]?.startsWith('-d 127.') ? [] : [/ (-d \S+) /.exec(rule)?.[1] ?? ''];
  return [...parts, / -p (\S+) /.exec(rule)?.[1] ?? '', / --dport (\S+)/.exec(rule)?.[1] ?? ''].join(' ').trim();
}

/** The rules that stand otherwise among those for their destination than expected. Both sides hold the same rules. */
export function misplaced(expected: readonly Entry[], actual: readonly Entry[]): readonly Entry[] {
  const wanted = grouped(expected.filter((entry) => !isNodePortJump(entry.text)));
  const found: Entry[] = [];
  for (const [key, group] of grouped(actual.filter((entry) => !isNodePortJump(entry.text)))) {
    if (group.length < 2 || targets(group) < 2) continue;
    const order = wanted.get(key) ?? [];
    if (group.some((entry, i) => entry.canonical !== order[i]?.canonical)) found.push(...order, ...group);
  }
  const jump = actual.findIndex((entry) => isNodePortJump(entry.text));
  if (jump >= 0) found.push(...actual.slice(jump).filter((entry) => !isNodePortJump(entry.text)));
  return found;
}

/** Whether these rules may stand in any order. */
export function isFree(rules: readonly string[]): boolean {
  const jump = rules.findIndex(isNodePortJump);
  if (jump >= 0 && !rules.slice(jump).every(isNodePortJump)) return false;
  const first = new Map<string, string | undefined>();
  for (const rule of rules) {
    if (isNodePortJump(rule)) continue;
    const key = destinationOf(rule);
    const target = targetOf(rule);
    if (!first.has(key)) first.set(key, target);
    else if (first.get(key) !== target) return false;
  }
  return true;
}

function targets(group: readonly Entry[]): number {
  return new Set(group.map((entry) => targetOf(entry.text))).size;
}

function grouped(entries: readonly Entry[]): ReadonlyMap<string, readonly Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const key = destinationOf(entry.text);
    const group = groups.get(key);
    if (group) group.push(entry);
    else groups.set(key, [entry]);
  }
  return groups;
}

/**
 * The expected rules, destination by destination in the order in which the node has them, what it lacks behind, the node ports last.
 *
 * @param destinations of the node's rules
 */
export function inOrderOf(destinations: readonly string[], wanted: readonly string[]): readonly string[] {
  const left = new Map<string, string[]>();
  for (const rule of wanted) {
    if (isNodePortJump(rule)) continue;
    const key = destinationOf(canonicalRule(rule));
    const group = left.get(key);
    if (group) group.push(rule);
    else left.set(key, [rule]);
  }
  const ordered: string[] = [];
  for (const key of destinations) {
    const group = left.get(key);
    if (!group) continue;
    ordered.push(...group);
    left.delete(key);
  }
  return [...ordered, ...[...left.values()].flat(), ...wanted.filter(isNodePortJump)];
}

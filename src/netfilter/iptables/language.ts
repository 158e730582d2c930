import { matched, unmatched, type Branch, type Language, type Spot } from '../evaluation.ts';
import type { Chain } from '../program.ts';
import type { State } from '../state.ts';
import { unbelievable, type IptablesRule } from './decode.ts';
import { nextRule } from './dispatch.ts';

export const iptables: Language = {
  next: nextRule,
  evaluate(chain, index, state, spot) {
    const rule = chain.rule(index) as IptablesRule;
    const answer = rule.test(state, spot);
    if (answer === false) return [unmatched(state)];
    if (answer === true) return act(chain, rule, state, spot, undefined);
    const branches: Branch[] = [];
    for (const way of answer)
      if (way.holds) branches.push(...act(chain, rule, way.state, spot, way.chance));
      else branches.push(unmatched(way.state));
    return branches;
  },
};

function act(
  chain: Chain,
  rule: IptablesRule,
  state: State,
  spot: Spot,
  chance: number | undefined,
): readonly Branch[] {
  if (rule.problem) return unbelievable(rule)(state);
  const { target } = rule;
  if (target.kind === 'none') return [withChance(matched(state), chance)];
  if (target.kind === 'call') {
    const called = chain.table.chains.get(target.name)!;
    const kind = target.goto ? 'goto' : 'jump';
    return [withChance({ state, verdict: { kind, chain: called }, effect: kind }, chance)];
  }
  const branches = target.action(state, spot);
  return chance === undefined ? branches : branches.map((branch) => withChance(branch, chance));
}

function withChance(branch: Branch, chance: number | undefined): Branch {
  if (chance === undefined) return branch;
  return { ...branch, chance: (branch.chance ?? 1) * chance };
}

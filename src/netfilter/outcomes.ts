import { formatAddress } from './address.ts';
import { assumptionsOf, mergeAll } from './merge.ts';
import type { Outcome, Step } from './outcome.ts';
import type { PathNode, State } from './state.ts';

/** A packet at its end. */
export interface Ended {
  readonly state: State;
  readonly verdict: Outcome['verdict'];
  readonly rejectWith?: string;
  readonly routing?: NonNullable<Outcome['routing']>;
}

/** Ends that a reader cannot tell apart become one outcome; the path is the likeliest one's. The most likely first. */
export function outcomesOf(ended: readonly Ended[]): Outcome[] {
  const weighted = ended.map((end) => ({ end, weight: end.state.weight, assumed: end.state.assumed }));
  const merged = mergeAll(
    weighted,
    ({ end }) => endKey(end),
    (one, weight, assumed) => ({ ...one, weight, assumed }),
  );
  return merged
    .map(({ end, weight, assumed }) => outcomeOf(end, weight, assumed))
    .sort((a, b) => a.assumptions.length - b.assumptions.length || b.probability - a.probability);
}

function endKey({ state, verdict, rejectWith, routing }: Ended): string {
  const { connection } = state;
  return [
    verdict,
    rejectWith,
    routing?.delivered,
    routing?.interface,
    formatAddress(state.destination),
    state.destinationPort,
    connection.destinationTranslated,
    connection.masquerade,
    connection.translatedSource ? formatAddress(connection.translatedSource) : '',
  ].join('|');
}

function outcomeOf(end: Ended, weight: number, assumed: State['assumed']): Outcome {
  const { state, verdict, rejectWith, routing } = end;
  const { connection } = state;
  return {
    verdict,
    ...(rejectWith ? { rejectWith } : {}),
    destination: state.destination,
    ...(state.destinationPort === undefined ? {} : { destinationPort: state.destinationPort }),
    translated: connection.destinationTranslated,
    masquerade: connection.masquerade,
    ...(connection.masquerade && connection.translatedSource ? { source: connection.translatedSource } : {}),
    probability: weight,
    assumptions: assumptionsOf(assumed).filter(({ settled }) => !settled),
    path: stepsOf(state.path),
    ...(routing ? { routing } : {}),
  };
}

function stepsOf(path: PathNode | undefined): Step[] {
  const steps: Step[] = [];
  for (let node = path; node; node = node.before) steps.push(stepOf(node));
  return steps.reverse();
}

function stepOf({ hook, chain, index, effect, chance }: PathNode): Step {
  const { table } = chain;
  const where = { hook, engine: table.engine, table: table.label, chain: chain.name };
  if (index < 0) return { ...where, rule: `policy ${chain.base?.policy === 'drop' ? 'DROP' : 'ACCEPT'}`, effect };
  const rule = chain.rule(index);
  return { ...where, place: rule.place, rule: rule.text, effect, ...(chance === undefined ? {} : { chance }) };
}

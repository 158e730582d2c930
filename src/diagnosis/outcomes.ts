/** Whether two programs treat a packet alike: their outcomes as distributions, whatever rules led there. */
import { formatEndpoint } from '../netfilter/address.ts';
import type { Outcome } from '../netfilter/outcome.ts';

/** Where a packet ends, and with which share; `end` is the same text for the same treatment. */
export interface Share {
  readonly end: string;
  readonly outcome: Outcome;
  readonly probability: number;
}

/** kube-proxy's own rounding is below 2^-31 for each endpoint; a share that differs by more is another share. */
const TOLERANCE = 1e-8;

/** Beyond this many unknowns the sets of assumptions are compared as they are. */
const MAXIMUM_UNKNOWNS = 6;

/** "accept 10.244.0.1:8080 masquerade", "reject icmp-port-unreachable", "drop". */
export function endOf(outcome: Outcome): string {
  if (outcome.verdict === 'drop') return 'drop';
  if (outcome.verdict === 'reject') return `reject ${outcome.rejectWith ?? ''}`;
  const destination = formatEndpoint(outcome.destination, outcome.destinationPort);
  return `accept ${destination}${outcome.masquerade ? ' masquerade' : ''}`;
}

/** The shares of the outcomes, those with the same end folded into one. */
export function sharesOf(outcomes: readonly Outcome[]): readonly Share[] {
  const shares = new Map<string, { end: string; outcome: Outcome; probability: number }>();
  for (const outcome of outcomes) {
    const end = endOf(outcome);
    const share = shares.get(end);
    if (share) share.probability += outcome.probability;
    else shares.set(end, { end, outcome, probability: outcome.probability });
  }
  return [...shares.values()];
}

/** Equal for every way in which what is not known may turn out. */
export function sameOutcomes(a: readonly Outcome[], b: readonly Outcome[]): boolean {
  const words = [...new Set([...a, ...b].flatMap((outcome) => outcome.assumptions.map((each) => each.words)))];
  if (words.length === 0) return sameShares(a, b);
  if (words.length > MAXIMUM_UNKNOWNS) return sameShares(a, b, assumptionsOf);
  for (let world = 0; world < 1 << words.length; world++) {
    const holds = new Map(words.map((word, i) => [word, (world & (1 << i)) !== 0]));
    const inWorld = (outcome: Outcome): boolean =>
      outcome.assumptions.every((assumption) => holds.get(assumption.words) === assumption.holds);
    if (!sameShares(a.filter(inWorld), b.filter(inWorld))) return false;
  }
  return true;
}

function assumptionsOf(outcome: Outcome): string {
  return outcome.assumptions
    .map(({ words, holds }) => `${holds ? '' : 'not '}${words}`)
    .sort()
    .join(', ');
}

function sameShares(
  a: readonly Outcome[],
  b: readonly Outcome[],
  aside: (outcome: Outcome) => string = () => '',
): boolean {
  if (a.length === 1 && b.length === 1) return endOf(a[0]!) === endOf(b[0]!) && aside(a[0]!) === aside(b[0]!);
  const rest = new Map<string, number>();
  const add = (outcome: Outcome, sign: number): void => {
    const key = `${endOf(outcome)} ${aside(outcome)}`;
    rest.set(key, (rest.get(key) ?? 0) + sign * outcome.probability);
  };
  for (const outcome of a) add(outcome, 1);
  for (const outcome of b) add(outcome, -1);
  for (const difference of rest.values()) if (Math.abs(difference) > TOLERANCE) return false;
  return true;
}

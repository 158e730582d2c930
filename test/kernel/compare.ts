import { formatAddress, formatEndpoint } from '../../src/netfilter/address.ts';
import type { Outcome } from '../../src/netfilter/outcome.ts';
import type { KernelAnswer } from './oracle.ts';

/** Counts of fair choices leave this many standard deviations once in two million times. */
const SIGMAS = 5;

/** Whether a count of n fits a probability: certain and impossible are exact; one packet more or less is never the reason. */
export function fits(count: number, n: number, probability: number): boolean {
  if (probability < 1e-12) return count === 0;
  if (probability > 1 - 1e-12) return count === n;
  return Math.abs(count - n * probability) <= SIGMAS * Math.sqrt(n * probability * (1 - probability)) + 1;
}

/** REJECT's answers as oracle.py sees them: the ICMP code. */
const ANSWERS: Readonly<Record<string, string>> = {
  'icmp-net-unreachable': 'icmp 0',
  'icmp-host-unreachable': 'icmp 1',
  'icmp-proto-unreachable': 'icmp 2',
  'icmp-port-unreachable': 'icmp 3',
  'icmp-net-prohibited': 'icmp 9',
  'icmp-host-prohibited': 'icmp 10',
  'icmp-admin-prohibited': 'icmp 13',
  'icmp6-no-route': 'icmp6 0',
  'icmp6-adm-prohibited': 'icmp6 1',
  'icmp6-addr-unreachable': 'icmp6 3',
  'icmp6-port-unreachable': 'icmp6 4',
  'icmp6-policy-fail': 'icmp6 5',
  'icmp6-reject-route': 'icmp6 6',
  'tcp-reset': 'tcp-reset',
};

/** `how`: whether the rules tell how a packet is rejected; nft's listing does not always. */
function endOf(outcome: Outcome, how: boolean): string {
  if (outcome.verdict === 'accept') return formatEndpoint(outcome.destination, outcome.destinationPort);
  if (outcome.verdict === 'reject' && !how) return 'reject';
  return outcome.verdict === 'reject' ? (ANSWERS[outcome.rejectWith ?? ''] ?? `reject ${outcome.rejectWith}`) : 'drop';
}

/** Where the outcomes and the kernel disagree, in words; undefined where they agree. */
export function disagreement(outcomes: readonly Outcome[], kernel: KernelAnswer): string | undefined {
  const counts = new Map<string, number>();
  for (const [to, { n }] of Object.entries(kernel.accept)) counts.set(to, n);
  const how = !outcomes.some(({ verdict, rejectWith }) => verdict === 'reject' && rejectWith === undefined);
  for (const [answer, n] of Object.entries(kernel.reject)) {
    const end = how ? answer : 'reject';
    counts.set(end, (counts.get(end) ?? 0) + n);
  }
  if (kernel.drop > 0) counts.set('drop', kernel.drop);
  const n = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const told = (): string => `the kernel: ${show(counts)}; the trace: ${outcomes.map(showOutcome).join(' + ')}`;

  if (outcomes.some(({ assumptions }) => assumptions.length > 0)) {
    const possible = new Set(outcomes.map((outcome) => endOf(outcome, how)));
    for (const end of counts.keys())
      if (!possible.has(end)) return `${end} happened and no assumption allows it: ${told()}`;
    return undefined;
  }

  const shares = new Map<string, { all: number; masquerade: number; sources: Map<string, number>; unnamed: boolean }>();
  let sum = 0;
  for (const outcome of outcomes) {
    sum += outcome.probability;
    const end = endOf(outcome, how);
    let share = shares.get(end);
    if (!share) shares.set(end, (share = { all: 0, masquerade: 0, sources: new Map(), unnamed: false }));
    share.all += outcome.probability;
    if (outcome.masquerade) share.masquerade += outcome.probability;
    if (!outcome.masquerade) continue;
    if (outcome.source) {
      const source = formatAddress(outcome.source);
      share.sources.set(source, (share.sources.get(source) ?? 0) + outcome.probability);
    } else share.unnamed = true;
  }
  if (Math.abs(sum - 1) > 1e-9) return `the probabilities add up to ${sum}: ${told()}`;
  for (const end of new Set([...counts.keys(), ...shares.keys()])) {
    const count = counts.get(end) ?? 0;
    const share = shares.get(end);
    if (!fits(count, n, share?.all ?? 0)) return `${end}: ${count} of ${n} do not fit ${share?.all ?? 0}: ${told()}`;
    const seen = kernel.accept[end];
    if (!seen || !share) continue;
    const rewritten = share.masquerade / share.all;
    const certain = rewritten > 1 - 1e-12 && !share.unnamed;
    if (certain)
      for (const [source, times] of Object.entries(seen.sources))
        if (!fits(times, seen.n, (share.sources.get(source) ?? 0) / share.all))
          return `${end}: the source became ${source} ${times} times of ${seen.n}: ${told()}`;
    // Where the address stays the same, a random port is the old one once in 64,512 times.
    if (!fits(seen.masquerade, seen.n, rewritten) && !(certain && seen.masquerade === seen.n - 1))
      return `${end}: the source of ${seen.masquerade} of ${seen.n} was rewritten, which does not fit ${rewritten}: ${told()}`;
  }
  return undefined;
}

function show(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([end, count]) => `${count} × ${end}`).join(', ');
}

function showOutcome(outcome: Outcome): string {
  const assumed = outcome.assumptions.map(({ words, holds }) => `${holds ? 'if' : 'unless'} ${words}`).join(' and ');
  return `${outcome.probability.toFixed(4)} ${endOf(outcome, outcome.rejectWith !== undefined)}${outcome.masquerade ? ` from ${outcome.source ? formatAddress(outcome.source) : 'somewhere'}` : ''}${assumed ? ` (${assumed})` : ''}`;
}

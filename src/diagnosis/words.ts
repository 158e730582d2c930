/** One packet's fate against the expected one, as a sentence. */
import { formatAddress, formatEndpoint } from '../netfilter/address.ts';
import type { Outcome } from '../netfilter/outcome.ts';
import type { Subject, Witness } from './consequence.ts';
import { sharesOf, type Share } from './outcomes.ts';
import { fraction, percent } from './shares.ts';
import { whose } from './whose.ts';

/** Given "from node-3, " and "shop/front:http": "from node-3, a third of the connections to shop/front:http go to …". */
export type Sentence = (from: string, to: string) => string;

export function sentenceOf({ probe, expected, actual }: Witness, subject: Subject): Sentence {
  const before = sharesOf(expected);
  const after = sharesOf(actual);
  const gained = after.filter((each) => shareOf(before, each.end) === 0);
  const lost = before.filter((each) => shareOf(after, each.end) === 0);
  const sources = changedSources(gained, lost);
  if (sources) return (from, to) => `${from}${sources(to)}`;
  const missed = lost.filter(({ outcome }) => outcome.verdict === 'accept' && outcome.translated);
  const missedNames = listOf(missed.map(({ outcome }) => nameOf(outcome, subject)));
  const others = after.filter((each) => shareOf(before, each.end) > 0);

  if (gained.length === 0 && missed.length > 0) {
    const shift = others.find((each) => Math.abs(each.probability - shareOf(before, each.end)) > 1e-8);
    const rest = shift
      ? `; ${others.length > 1 ? 'the others get' : 'the other gets'} ${shifted(shift.probability, shareOf(before, shift.end))}`
      : '';
    return (from, to) =>
      `${from}${missedNames} ${missed.length > 1 ? 'get' : 'gets'} none of the connections to ${to}${rest}`;
  }
  if (gained.length === 0) {
    const shift =
      after.find((each) => Math.abs(each.probability - shareOf(before, each.end)) > 1e-8) ?? after[0] ?? before[0]!;
    const was = shareOf(before, shift.end);
    const name = shift.outcome.verdict === 'accept' ? nameOf(shift.outcome, subject) : `a ${shift.outcome.verdict}`;
    return (from, to) =>
      `${from}${name} gets ${shifted(shareOf(after, shift.end), was, ` of the connections to ${to}`)}`;
  }

  const stray = probe.way.kind === 'rule';
  const endings = endingsOf(gained, subject, stray);
  const [first, ...more] = endings;
  const tail: string[] = [];
  const refused = lost.find(({ outcome }) => outcome.verdict !== 'accept');
  if (missed.length > 0)
    tail.push(
      others.length > 0 || gained.some(({ outcome }) => outcome.translated)
        ? `${missedNames} ${missed.length > 1 ? 'get' : 'gets'} none`
        : `they should go to ${missedNames}`,
    );
  if (refused) tail.push(`they should be ${refused.outcome.verdict === 'drop' ? 'dropped' : 'rejected'}`);
  return (from, to) =>
    [
      `${from}${quantity(first!.share)} to ${to} ${first!.words}`,
      ...more.slice(0, 3).map((ending) => `, ${fraction(ending.share)} ${ending.words}`),
      ...tail.map((words) => `; ${words}`),
    ].join('');
}

/** The same ends, but with another source: whom the pods see, and where the answers go. */
function changedSources(gained: readonly Share[], lost: readonly Share[]): ((to: string) => string) | undefined {
  const ends = (shares: readonly Share[]) =>
    shares
      .map(({ outcome }) => (outcome.verdict === 'accept' ? destinationOf(outcome) : outcome.verdict))
      .sort()
      .join();
  if (gained.length === 0 || ends(gained) !== ends(lost)) return undefined;
  if (!gained.every(({ outcome }) => outcome.verdict === 'accept')) return undefined;
  const share = gained.reduce((total, each) => total + each.probability, 0);
  const what = gained[0]!.outcome.masquerade
    ? "show the pods the node's address instead of the client's"
    : "keep the client's address, so answers may take another way back";
  return (to) => `${quantity(share)} to ${to} ${what}`;
}

interface Ending {
  readonly share: number;
  readonly words: string;
}

/** "go to 10.244.1.1:8080, which is cart-lgsrf now", "are rejected (icmp-port-unreachable)"; endpoints of the port itself in one list. */
function endingsOf(gained: readonly Share[], subject: Subject, stray: boolean): readonly Ending[] {
  const endings: Ending[] = [];
  const known: Share[] = [];
  for (const each of gained) {
    const { outcome, probability } = each;
    if (outcome.verdict === 'drop') endings.push({ share: probability, words: 'are dropped' });
    else if (outcome.verdict === 'reject')
      endings.push({ share: probability, words: `are rejected (${outcome.rejectWith ?? 'icmp-port-unreachable'})` });
    else if (!outcome.translated)
      endings.push({
        share: probability,
        words: `are translated by no rule and leave for ${destinationOf(outcome)} itself`,
      });
    else if (subject.endpoints.has(destinationOf(outcome))) known.push(each);
    else endings.push({ share: probability, words: `go to ${destinationOf(outcome)}, ${nowOf(outcome, subject)}` });
  }
  if (known.length > 0) {
    const share = known.reduce((total, each) => total + each.probability, 0);
    const names = listOf(known.map(({ outcome }) => nameOf(outcome, subject)));
    endings.push({ share, words: stray ? `go to ${names}` : `go to ${names}, which should get none of them` });
  }
  return endings.sort((a, b) => b.share - a.share);
}

/** "which is cart-lgsrf now", "which no longer exists". */
function nowOf(outcome: Outcome, subject: Subject): string {
  const owner = whose(subject.objects, formatAddress(outcome.destination));
  if (!owner) return 'which no longer exists';
  return owner.kind === 'node' ? `which is node ${owner.name}` : `which is ${owner.name} now`;
}

function shareOf(shares: readonly Share[], end: string): number {
  return shares.find((each) => each.end === end)?.probability ?? 0;
}

export function destinationOf(outcome: Outcome): string {
  return formatEndpoint(outcome.destination, outcome.destinationPort);
}

/** "front-mmb8r (10.244.2.4:8080)", or the address alone where no pod has it. */
function nameOf(outcome: Outcome, subject: Subject): string {
  const owner = whose(subject.objects, formatAddress(outcome.destination));
  const text = destinationOf(outcome);
  return owner?.kind === 'pod' ? `${owner.name} (${text})` : text;
}

/** Where a sentence stands by itself; one that begins with a pod's name, or any other, is left as it is. */
export function standing(sentence: string): string {
  return /^(?:from|all|half|an?|two|three|the|no|refused|dropped|handed)\b/.test(sentence)
    ? sentence.charAt(0).toUpperCase() + sentence.slice(1)
    : sentence;
}

/** "a, b and c"; of more than three the first two by name. */
export function listOf(names: readonly string[]): string {
  if (names.length > 3) return `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`;
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)!}` : (names[0] ?? '');
}

/** "all connections", "a third of the connections". */
function quantity(probability: number): string {
  return probability > 1 - 1e-6 ? 'all connections' : `${fraction(probability)} of the connections`;
}

/** "25 % instead of 33.3 %", with as many digits as it takes to tell the two apart. */
function shifted(now: number, was: number, of = ''): string {
  let [after, before] = [percent(now), percent(was)];
  for (let digits = 2; after === before && digits <= 8; digits++)
    [after, before] = [now, was].map((share) => `${(share * 100).toFixed(digits)} %`) as [string, string];
  return `${after}${of} instead of ${before}`;
}

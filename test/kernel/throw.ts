import type { Family } from '../../src/netfilter/address.ts';
import type { Outcome } from '../../src/netfilter/outcome.ts';
import type { Chain, Program } from '../../src/netfilter/program.ts';
import { trace } from '../../src/netfilter/trace.ts';
import type { OnMatch } from '../../src/netfilter/walk.ts';
import { disagreement } from './compare.ts';
import type { RandomLanguage, RuleSet } from './language.ts';
import { networkOf, NODE, packetOf, randomCases } from './node.ts';
import type { KernelAnswer, Oracle, OracleCase } from './oracle.ts';
import { Random } from './random.ts';

const NETWORK = networkOf(NODE);

export interface Throw {
  readonly language: RandomLanguage;
  readonly family: Family;
  readonly seed: string;
  /** Packets (each its own case) against the rule set, and how often each is sent. */
  readonly cases: number;
  readonly n: number;
  /** The packets are those of known connections, of which conntrack has seen the first packet and its answer. */
  readonly known?: boolean;
}

export interface Thrown {
  readonly pairs: number;
  /** Rules whose counters were compared. */
  readonly counters: number;
  /** Of the pairs, those whose answer rests on an assumption. */
  readonly assumed: number;
  /** In words, shrunk, to be pasted as a test. */
  readonly failures: readonly string[];
}

/** One random rule set, with random packets, in the kernel and in the trace. */
export async function throwOne(oracle: Oracle, of: Throw): Promise<Thrown> {
  const { language, family, seed } = of;
  for (let attempt = 0; attempt < 20; attempt++) {
    const random = new Random(`${language.name} ${family} ${seed} ${attempt}${of.known ? ' known' : ''}`);
    const rules = language.random(random, family);
    const cases = randomCases(random, family, of);
    const answer = await ask(oracle, language, family, rules, cases);
    if (typeof answer === 'string') {
      // Some combinations the kernel or its tools refuse; anything else is a fault of the tests.
      if (attempt < 19) continue;
      throw new Error(`${language.name} ${family} ${seed}: no rule set that loads: ${answer}`);
    }
    return judge(oracle, of, rules, cases, answer);
  }
  throw new Error('not reached');
}

interface Answered {
  readonly program: Program;
  readonly kernel: readonly KernelAnswer[];
}

async function ask(
  oracle: Oracle,
  language: RandomLanguage,
  family: Family,
  rules: RuleSet,
  cases: readonly OracleCase[],
): Promise<Answered | string> {
  const answer = await oracle.ask({ load: rules.load, network: NODE, cases, list: language.list(family, rules) });
  if ('error' in answer) return answer.error;
  return { program: language.program(answer.lists, family), kernel: answer.cases };
}

async function judge(
  oracle: Oracle,
  of: Throw,
  rules: RuleSet,
  cases: readonly OracleCase[],
  { program, kernel }: Answered,
): Promise<Thrown> {
  const failures: string[] = [];
  const meetings = new Meetings();
  let assumed = 0;
  for (const [i, one] of cases.entries()) {
    const outcomes = trace(program, NETWORK, packetOf(one), { onMatch: meetings.meet });
    meetings.sent(one.n);
    if (outcomes.some(({ assumptions }) => assumptions.length > 0)) assumed++;
    if (disagreement(outcomes, kernel[i]!) && failures.length < 5) {
      const failure = await confirm(oracle, of, rules, one);
      if (failure) failures.push(failure);
    }
  }
  let counters = 0;
  // Of known connections the first packets and the answers have been counted, too.
  if (!of.known && meetings.countable && failures.length === 0) {
    const { compared, misfit } = miscounted(of, program, meetings);
    counters = compared;
    if (misfit !== undefined && (await miscountedAgain(oracle, of, rules, cases)))
      failures.push(`${of.language.name} ${of.family} ${of.seed}: ${misfit}\n${textOf(rules)}`);
  }
  return { pairs: kernel.filter(happened).length, counters, assumed, failures };
}

/** Whether there was a packet to judge by: a connection whose first packet or its answer was dropped never becomes a known one. */
function happened({ accept, reject, drop }: KernelAnswer): boolean {
  return drop > 0 || Object.keys(accept).length > 0 || Object.keys(reject).length > 0;
}

/** The first rule whose counter does not fit, in words, and how many rules were compared. */
function miscounted(
  { language }: Throw,
  program: Program,
  meetings: Meetings,
): { readonly compared: number; readonly misfit?: string } {
  let compared = 0;
  for (const { chain, index, packets } of language.counters(program)) {
    compared++;
    const { mean, variance } = meetings.of(chain, index);
    const close = Math.abs(packets - mean) <= 6 * Math.sqrt(variance) + 1;
    if (close && (mean > 1e-9 || packets === 0)) continue;
    const misfit = `${chain.name}, "${chain.rule(index).text}": its counter says ${packets}, the trace ${mean}`;
    return { compared, misfit };
  }
  return { compared };
}

/** Whether counters are off once more with the same rules and packets: chance is not off twice, a wrong trace is. */
async function miscountedAgain(
  oracle: Oracle,
  of: Throw,
  rules: RuleSet,
  cases: readonly OracleCase[],
): Promise<boolean> {
  const answer = await ask(oracle, of.language, of.family, rules, cases);
  if (typeof answer === 'string') return false;
  const meetings = new Meetings();
  for (const one of cases) {
    trace(answer.program, NETWORK, packetOf(one), { onMatch: meetings.meet });
    meetings.sent(one.n);
  }
  return miscounted(of, answer.program, meetings).misfit !== undefined;
}

/** How often packets meet each rule, as the trace says. */
class Meetings {
  /** Of one packet of the case that is being traced: the mean, and the most that there can be. */
  readonly #one = new Map<Chain, { mean: number; most: number }[]>();
  readonly #all = new Map<Chain, { mean: number; variance: number }[]>();
  /** False once an assumption was met: both its ways count as a packet each, even where they meet again. */
  countable = true;

  readonly meet: OnMatch = (chain, index, state) => {
    if (state.assumed) this.countable = false;
    const counts = listIn(this.#one, chain);
    const { mean, most } = counts[index] ?? { mean: 0, most: 0 };
    counts[index] = { mean: mean + state.weight, most: most + 1 };
  };

  /**
   * The case is over, and n such packets were sent. A packet may meet a rule more than once, so its meetings are no coin's: what lies
   * between 0 and `most` with this mean varies by mean × (most − mean) at most (Bhatia and Davis 2000).
   */
  sent(n: number): void {
    for (const [chain, counts] of this.#one)
      counts.forEach(({ mean, most }, index) => {
        const sums = listIn(this.#all, chain);
        const before = sums[index] ?? { mean: 0, variance: 0 };
        sums[index] = {
          mean: before.mean + n * mean,
          variance: before.variance + n * Math.max(0, mean * (most - mean)),
        };
      });
    this.#one.clear();
  }

  /** Over all packets that were sent. */
  of(chain: Chain, index: number): { readonly mean: number; readonly variance: number } {
    return this.#all.get(chain)?.[index] ?? { mean: 0, variance: 0 };
  }
}

function listIn<T>(of: Map<Chain, T[]>, chain: Chain): T[] {
  let list = of.get(chain);
  if (!list) of.set(chain, (list = []));
  return list;
}

/** Whether they still disagree when asked again with many packets, and then the smallest rule set that shows it. */
async function confirm(oracle: Oracle, of: Throw, rules: RuleSet, one: OracleCase): Promise<string | undefined> {
  const many: OracleCase = { ...one, n: 1000 };
  let words = await disagrees(oracle, of, rules, many);
  if (words === undefined || (await disagrees(oracle, of, rules, many)) === undefined) return undefined;
  let smallest = rules;
  for (let index = smallest.rules - 1; index >= 0; index--) {
    const fewer = smallest.without(index);
    const still = await disagrees(oracle, of, fewer, { ...one, n: 200 });
    if (still === undefined) continue;
    smallest = fewer;
    words = still;
  }
  return `${of.language.name} ${of.family} ${of.seed}: ${words}\n${JSON.stringify(one)}\n${textOf(smallest)}`;
}

async function disagrees(
  oracle: Oracle,
  { language, family }: Throw,
  rules: RuleSet,
  one: OracleCase,
): Promise<string | undefined> {
  const answer = await ask(oracle, language, family, rules, [one]);
  if (typeof answer === 'string') return undefined;
  return disagreement(traceOne(answer.program, one), answer.kernel[0]!);
}

function traceOne(program: Program, one: OracleCase): readonly Outcome[] {
  return trace(program, NETWORK, packetOf(one));
}

function textOf(rules: RuleSet): string {
  return rules.load.map(({ run, input }) => `${run.join(' ')} <<'END'\n${input}END`).join('\n');
}

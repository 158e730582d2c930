import type { Family } from '../../src/netfilter/address.ts';
import type { Outcome } from '../../src/netfilter/outcome.ts';
import type { Chain, Program } from '../../src/netfilter/program.ts';
import { trace } from '../../src/netfilter/trace.ts';
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
export async function throwOne(oracle: Oracle, { language, family, seed, cases: count, n }: Throw): Promise<Thrown> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const random = new Random(`${language.name} ${family} ${seed} ${attempt}`);
    const rules = language.random(random, family);
    const cases = randomCases(random, family, count, n);
    const answer = await ask(oracle, language, family, rules, cases);
    if (typeof answer === 'string') {
      // Some combinations the kernel or its tools refuse; anything else is a fault of the tests.
      if (attempt < 19) continue;
      throw new Error(`${language.name} ${family} ${seed}: no rule set that loads: ${answer}`);
    }
    return judge(oracle, { language, family, seed, cases: count, n }, rules, cases, answer);
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
  const expected = new Map<Chain, number[]>();
  let assumed = 0;
  let countable = true;
  for (const [i, one] of cases.entries()) {
    const outcomes = trace(program, NETWORK, packetOf(one), {
      onMatch: (chain, index, state) => {
        // Both ways of an assumption count as one packet each, even where they meet again.
        if (state.assumed) countable = false;
        let counts = expected.get(chain);
        if (!counts) expected.set(chain, (counts = []));
        counts[index] = (counts[index] ?? 0) + state.weight * one.n;
      },
    });
    if (outcomes.some(({ assumptions }) => assumptions.length > 0)) assumed++;
    if (disagreement(outcomes, kernel[i]!) && failures.length < 5) {
      const failure = await confirm(oracle, of, rules, one);
      if (failure) failures.push(failure);
    }
  }
  let counters = 0;
  if (countable && failures.length === 0)
    for (const { chain, index, packets } of of.language.counters(program)) {
      counters++;
      const mean = expected.get(chain)?.[index] ?? 0;
      // Packets may meet a rule more than once; their spread is then wider than a fair coin's, but never beyond this.
      const close = Math.abs(packets - mean) <= 6 * Math.sqrt(2 * mean) + 1;
      if (close && (mean > 1e-9 || packets === 0)) continue;
      failures.push(
        `${of.language.name} ${of.family} ${of.seed}: ${chain.name}, "${chain.rule(index).text}": its counter says ${packets}, the trace ${mean}\n${textOf(rules)}`,
      );
      break;
    }
  return { pairs: cases.length, counters, assumed, failures };
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

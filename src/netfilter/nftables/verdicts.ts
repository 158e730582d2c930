/** Verdicts, verdict maps and the answers of reject. */
import { named } from '../named.ts';
import type { Verdict as WalkVerdict } from '../evaluation.ts';
import type { Step } from '../outcome.ts';
import { assume, weighted, type State } from '../state.ts';
import { chainNamed, sourceOf, where, type Context } from './context.ts';
import type { Value } from './datatypes.ts';
import type { Lookup } from './lookup.ts';
import { unknownOp } from './match.ts';
import { printElement, printStatement } from './print.ts';
import { reader } from './registers.ts';
import type { Statement, Verdict } from './ruleset.ts';
import { arms, type Op, type Way } from './ways.ts';

export interface Decision {
  readonly then: Way['then'];
  readonly effect?: Step['effect'];
}

/** undefined where it goes to a chain that the dump does not have. */
export function decision(verdict: Verdict, context: Context): Decision | undefined {
  if (!('chain' in verdict)) {
    if (verdict.name === 'continue') return { then: 'next' };
    return { then: { kind: verdict.name }, effect: verdict.name };
  }
  const chain = chainNamed(context, verdict.chain);
  return chain && { then: { kind: verdict.name, chain }, effect: verdict.name };
}

export function verdictOp(verdict: Verdict, context: Context): Op {
  const decided = decision(verdict, context);
  if (!decided) return missingChain(verdict, context);
  if (decided.then === 'next') return () => true;
  return (state) => [{ state, ...decided }];
}

function missingChain(verdict: Verdict, context: Context): Op {
  const name = 'chain' in verdict ? verdict.chain : '';
  const words = `the chain ${name}, which is not in the dump, lets the packet go on ${where(context)}`;
  return passOrDrop(words, context);
}

/** For what may do anything: the packet goes on unchanged, or it does not. */
export function passOrDrop(words: string, { rule }: Context): Op {
  return (state) =>
    assume(state, words, rule.place).map(({ state: assumed, holds }): Way =>
      holds
        ? { state: assumed, then: 'next', effect: 'unknown' }
        : { state: assumed, then: { kind: 'drop' }, effect: 'unknown' },
    );
}

export function vmapOp(statement: Statement & { kind: 'vmap' }, context: Context): Op {
  const source = sourceOf(statement.data, statement.key, context);
  const shown = printStatement(statement).slice(0, 120);
  if (!source)
    return passOrDrop(`"${shown}", whose map is not in the dump, lets the packet go on ${where(context)}`, context);
  const { lookup } = source;
  const read = reader(statement.key);
  const ops = new Map<number, Op>();
  const opOf = (index: number): Op => {
    let op = ops.get(index);
    if (!op) {
      const data = lookup.elements[index]!.data;
      op =
        data?.kind === 'verdict'
          ? verdictOp(data, context)
          : passOrDrop(`"${shown}" lets the packet go on ${where(context)}`, context);
      ops.set(index, op);
    }
    return op;
  };
  const unread = lookup.unreadable.length > 0;
  const missed = unknownOp(
    `no element of "${shown}" that cannot be read (${lookup.unreadable[0] ?? ''}) is this packet's ${where(context)}`,
    context,
  );
  return (state, spot) => {
    const register = read(state, spot);
    const run = (index: number, at: State, chance: number | undefined): readonly Way[] => {
      const share = chance === undefined ? {} : { chance };
      if (index < 0) {
        if (!unread) return [{ state: at, then: 'break', ...share }];
        return (missed(at, spot) as readonly Way[]).map((way) => ({
          ...way,
          ...share,
          then: way.then === 'next' ? 'break' : { kind: 'drop' },
        }));
      }
      const result = opOf(index)(at, spot);
      if (typeof result === 'boolean') return [{ state: at, then: result ? 'next' : 'break', ...share }];
      return result.map((way) => ({ ...way, ...share }));
    };
    if (typeof register === 'object' && register.kind === 'even' && register.size > 1024n)
      return large(register, lookup).flatMap(({ index, share }) => run(index, weighted(state, share), share));
    const found = arms(register, state);
    if (found.length === 0) return false;
    return found.flatMap(({ state: at, value, chance }) => {
      const values = (Array.isArray(value) ? value : [value]) as readonly (Value | undefined)[];
      if (values.every((one) => one !== undefined)) return run(lookup.find(values), at, chance);
      return candidates(
        lookup.candidates(values),
        at,
        (index) => printElement(lookup.elements[index]!, statement.key),
        (index, one) => run(index, one, chance),
        shown,
        context,
      );
    });
  };
}

/** One assumption for each element that may be the packet's; what is left is none of them. */
function candidates(
  some: readonly number[],
  state: State,
  show: (index: number) => string,
  run: (index: number, state: State) => readonly Way[],
  shown: string,
  context: Context,
): readonly Way[] {
  const ways: Way[] = [];
  let rest: State | undefined = state;
  for (const index of some) {
    if (!rest) break;
    const split: ReturnType<typeof assume> = assume(
      rest,
      `"${shown}" finds ${show(index)} ${where(context)}`,
      context.rule.place,
    );
    rest = undefined;
    for (const { state: assumed, holds } of split)
      if (holds) ways.push(...run(index, assumed));
      else rest = assumed;
  }
  if (rest) ways.push(...run(-1, rest));
  return ways;
}

/** The elements' shares of a large even register, and what none of them covers. */
function large(
  { base, size }: { readonly base: bigint; readonly size: bigint },
  lookup: Lookup,
): readonly { readonly index: number; readonly share: number }[] {
  const counts = new Map<number, number>();
  // Beyond what is worth counting, the shares of a sample are as good as the kernel's own chance.
  const steps = size <= 65536n ? size : 65536n;
  for (let i = 0n; i < steps; i++) {
    const index = lookup.find([base + (i * size) / steps]);
    counts.set(index, (counts.get(index) ?? 0) + 1);
  }
  return [...counts].map(([index, count]) => ({ index, share: count / Number(steps) }));
}

const ICMP: Readonly<Record<string, string>> = {
  'net-unreachable': 'icmp-net-unreachable',
  'host-unreachable': 'icmp-host-unreachable',
  'prot-unreachable': 'icmp-proto-unreachable',
  'port-unreachable': 'icmp-port-unreachable',
  'net-prohibited': 'icmp-net-prohibited',
  'host-prohibited': 'icmp-host-prohibited',
  'admin-prohibited': 'icmp-admin-prohibited',
};
const ICMPV6: Readonly<Record<string, string>> = {
  'no-route': 'icmp6-no-route',
  'admin-prohibited': 'icmp6-adm-prohibited',
  'addr-unreachable': 'icmp6-addr-unreachable',
  'port-unreachable': 'icmp6-port-unreachable',
  'policy-fail': 'icmp6-policy-fail',
  'reject-route': 'icmp6-reject-route',
};
/** icmpx speaks for both families (nft_reject.c, icmp_code_v4 and icmp_code_v6). */
const ICMPX: Readonly<Record<string, readonly [string, string]>> = {
  'no-route': ['icmp-net-unreachable', 'icmp6-no-route'],
  'port-unreachable': ['icmp-port-unreachable', 'icmp6-port-unreachable'],
  'host-unreachable': ['icmp-host-unreachable', 'icmp6-addr-unreachable'],
  'admin-prohibited': ['icmp-admin-prohibited', 'icmp6-adm-prohibited'],
};

/**
 * @param families whether the rule matches a set of families: nft 1.0.6 then writes ICMPv6's code (4) into a plain reject, which
 *   the kernel puts into IPv4's answer, too (there it means that a fragmentation was needed), and lists it as a plain reject again.
 */
export function rejectOp(statement: Statement & { kind: 'reject' }, families: boolean): Op {
  const [type = 'icmpx', code = 'port-unreachable'] = (statement.with ?? '').split(' ').filter((word) => word !== '');
  return (state) => {
    const four = state.source.family === 4;
    let answer: string | undefined;
    if (families && four && statement.with === undefined) answer = undefined;
    else if (type === 'tcp') {
      if (state.protocol !== 'tcp') return false;
      answer = 'tcp-reset';
    } else if (type === 'icmp') {
      if (!four) return false;
      answer = named(ICMP, code) ?? `icmp-${code}`;
    } else if (type === 'icmpv6') {
      if (four) return false;
      answer = named(ICMPV6, code) ?? `icmp6-${code}`;
    } else answer = named(ICMPX, code)?.[four ? 0 : 1] ?? (four ? `icmp-${code}` : `icmp6-${code}`);
    const verdict: WalkVerdict = { kind: 'reject', ...(answer === undefined ? {} : { with: answer }) };
    return [{ state, then: verdict, effect: 'reject' }];
  };
}

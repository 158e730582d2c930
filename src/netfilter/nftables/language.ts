/** How rules of nftables take part in a trace (nft_do_chain in net/netfilter/nf_tables_core.c). */
import { unmatched, type Branch, type Language, type Spot } from '../evaluation.ts';
import type { Step } from '../outcome.ts';
import type { Chain as ProgramChain } from '../program.ts';
import type { State } from '../state.ts';
import { assignOp, dynsetOp, handoverOp, natOp } from './actions.ts';
import { where, type Context } from './context.ts';
import { matchOp, unknownOp } from './match.ts';
import { printStatement } from './print.ts';
import { nextRule } from './dispatch.ts';
import type { Chain, Statement } from './ruleset.ts';
import { passOrDrop, rejectOp, verdictOp, vmapOp } from './verdicts.ts';
import { times, type Op } from './ways.ts';

const CONTINUE = { kind: 'continue' } as const;

/** iptables' extensions that let every packet go on as it is. */
const EFFECTLESS_XT = new Set(
  'comment nfacct LOG NFLOG ULOG TRACE AUDIT CHECKSUM TCPMSS CLASSIFY IDLETIMER LED SECMARK CONNSECMARK RATEEST'.split(
    ' ',
  ),
);

/** A chain that keeps its rules' statements ready, each from its first use on. */
export interface NftChain extends ProgramChain {
  readonly source: Chain;
  readonly ops: (readonly Op[] | undefined)[];
  contextOf(index: number): Context;
}

export const nftablesLanguage: Language = {
  next: (chain, from, state) => nextRule(chain, from, state, (chain as NftChain).source.rules),
  evaluate(chain, index, state, spot) {
    const own = chain as NftChain;
    const branches: Branch[] = [];
    run((own.ops[index] ??= compile(own.contextOf(index))), 0, state, spot, undefined, undefined, branches);
    return branches;
  },
};

/** Follows a rule's statements from `at` on; what a statement did before another broke the rule off stays done. */
function run(
  ops: readonly Op[],
  at: number,
  state: State,
  spot: Spot,
  effect: Step['effect'] | undefined,
  chance: number | undefined,
  branches: Branch[],
): void {
  for (let i = at; i < ops.length; i++) {
    const result = ops[i]!(state, spot);
    if (result === true) continue;
    if (result === false) {
      branches.push(effect === undefined ? unmatched(state) : { state, verdict: CONTINUE, effect });
      return;
    }
    for (const way of result) {
      const share = times(chance, way.chance);
      const did = way.effect ?? effect;
      if (way.then === 'next') run(ops, i + 1, way.state, spot, did, share.chance, branches);
      else if (way.then === 'break')
        branches.push(did === undefined ? unmatched(way.state) : { state: way.state, verdict: CONTINUE, effect: did });
      else branches.push({ state: way.state, verdict: way.then, effect: did ?? 'none', ...share });
    }
    return;
  }
  const share = chance === undefined ? {} : { chance };
  branches.push({ state, verdict: CONTINUE, effect: effect ?? 'none', ...share });
}

export function compile(context: Context): readonly Op[] {
  const { statements } = context.rule;
  return statements.map((statement, i) => opOf(statement, i === statements.length - 1, context));
}

/** `meta nfproto { ipv4, ipv6 }` */
function namesFamilies(statement: Statement): boolean {
  if (statement.kind !== 'match' || statement.right.kind !== 'set') return false;
  return statement.left.kind === 'meta' && statement.left.key === 'nfproto';
}

const always: Op = () => true;

function opOf(statement: Statement, last: boolean, context: Context): Op {
  switch (statement.kind) {
    case 'match':
      if (context.translated && statement.left.kind === 'ct' && statement.left.key === 'status')
        return unknownOp(
          `the conntrack match that nft lists as "${printStatement(statement)}" holds ${where(context)}`,
          context,
        );
      return matchOp(statement, context);
    case 'verdict':
      return verdictOp(statement, context);
    case 'vmap':
      return vmapOp(statement, context);
    case 'assign':
      return assignOp(statement, context);
    case 'nat':
      return natOp(statement, context);
    case 'reject':
      return rejectOp(statement, context.rule.statements.some(namesFamilies));
    case 'notrack':
      return (state) =>
        state.connection.tracking === 'none'
          ? [
              {
                state: { ...state, connection: { ...state.connection, tracking: 'untracked' } },
                then: 'next',
                effect: 'mark',
              },
            ]
          : true;
    case 'dynset':
      return dynsetOp(
        statement,
        statement.statements.map((inner) => opOf(inner, false, context)),
        context,
      );
    case 'counter':
    case 'effectless':
      return always;
    case 'stateful':
      return unknownOp(`"${statement.text}" lets the packet go on ${where(context)}`, context);
    case 'handover':
      return handoverOp(statement, context);
    case 'xt':
      return xtOp(statement, context);
    case 'unknown':
      return last
        ? passOrDrop(
            `"${short(statement.text)}", which cannot be read, lets the packet go on ${where(context)}`,
            context,
          )
        : unknownOp(`"${short(statement.text)}", which cannot be read, matches ${where(context)}`, context);
  }
}

function xtOp(statement: Statement & { kind: 'xt' }, context: Context): Op {
  const { type, name } = statement;
  if (EFFECTLESS_XT.has(name)) return always;
  if (name === '')
    return passOrDrop(`the iptables target that nft leaves out lets the packet go on ${where(context)}`, context);
  if (type === 'match')
    return unknownOp(
      `the iptables match "${name}", of which nft shows only the name, holds ${where(context)}`,
      context,
    );
  return passOrDrop(
    `the iptables target "${name}", of which nft shows only the name, lets the packet go on ${where(context)}`,
    context,
  );
}

function short(text: string): string {
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}

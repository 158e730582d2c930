import { named } from '../../named.ts';
import { matched, type Branch, type Verdict } from '../../evaluation.ts';
import type { Step } from '../../outcome.ts';
import { assume, type State } from '../../state.ts';
import { optionOf, valueOf, type Action, type TargetModule } from '../module.ts';

export function ends(verdict: Verdict, effect: Step['effect']): Action {
  return (state) => [{ state, verdict, effect }];
}

/** Both ways of a target that hands the packet to somebody else: it goes on, or is never seen again. */
export function handedOver(words: string, verdict: Verdict = { kind: 'accept' }): Action {
  return (state) =>
    assume(state, words).map(({ state: assumed, holds }): Branch => ({
      state: assumed,
      verdict: holds ? verdict : { kind: 'drop' },
      effect: holds ? 'unknown' : 'drop',
    }));
}

function simple(name: string, action: Action, about: string): TargetModule {
  return { names: [name], knowledge: 'decided', about, compile: () => action };
}

export const accept = simple('ACCEPT', ends({ kind: 'accept' }, 'accept'), 'ends the base chain');
export const drop = simple('DROP', ends({ kind: 'drop' }, 'drop'), 'ends the packet');
export const returns = simple(
  'RETURN',
  ends({ kind: 'return' }, 'return'),
  "back to the caller, or the base chain's policy",
);

const REJECTS: Readonly<Record<string, string>> = {
  'icmp-net-prohib': 'icmp-net-prohibited',
  'icmp-host-prohib': 'icmp-host-prohibited',
  'icmp-admin-prohib': 'icmp-admin-prohibited',
  'net-unreach': 'icmp-net-unreachable',
  'host-unreach': 'icmp-host-unreachable',
  'proto-unreach': 'icmp-proto-unreachable',
  'port-unreach': 'icmp-port-unreachable',
  'net-prohib': 'icmp-net-prohibited',
  'host-prohib': 'icmp-host-prohibited',
  'admin-prohib': 'icmp-admin-prohibited',
  'tcp-rst': 'tcp-reset',
};

export const reject: TargetModule = {
  names: ['REJECT'],
  knowledge: 'decided',
  about: 'ends the packet, with the answer that it sends',
  compile(options, { family }) {
    const given = valueOf(options, '--reject-with');
    const answer = given ?? (family === 6 ? 'icmp6-port-unreachable' : 'icmp-port-unreachable');
    return ends({ kind: 'reject', with: named(REJECTS, answer) ?? answer }, 'reject');
  },
};

export const queue: TargetModule = {
  names: ['NFQUEUE', 'QUEUE'],
  knowledge: 'unknown',
  about: 'asked for: whether the program behind the queue accepts the packet',
  flags: ['--queue-bypass', '--queue-cpu-fanout'],
  compile(options) {
    const queue = valueOf(options, '--queue-num', '--queue-balance') ?? '0';
    return handedOver(`the program behind queue ${queue} accepts the packet`);
  },
};

export const synproxy: TargetModule = {
  names: ['SYNPROXY'],
  knowledge: 'unknown',
  about: 'asked for: whether the handshake is completed in its stead',
  flags: ['--sack-perm', '--timestamp', '--ecn'],
  compile: () => handedOver('the client completes the handshake with SYNPROXY'),
};

export const tproxy: TargetModule = {
  names: ['TPROXY'],
  knowledge: 'unknown',
  about: 'asked for: whether a transparent proxy listens; without one the packet is dropped',
  compile(options) {
    const [value, mask] = (valueOf(options, '--tproxy-mark') ?? '0/0').split('/').map(Number);
    const port = valueOf(options, '--on-port') ?? '0';
    const words = `a transparent proxy listens on port ${port === '0' ? 'of the destination' : port}`;
    return (state) =>
      assume(state, words).map(({ state: assumed, holds }): Branch => {
        if (!holds) return { state: assumed, verdict: { kind: 'drop' }, effect: 'drop' };
        const mark = ((assumed.mark & ~(mask ?? 0xffffffff)) ^ (value ?? 0)) >>> 0;
        return { state: { ...assumed, mark }, verdict: { kind: 'accept' }, effect: 'unknown' };
      });
  },
};

/** A target that we do not know: it may let the packet go on to the next rule, or end it. */
export function unknownTarget(words: string): Action {
  return (state: State) =>
    assume(state, `the target "${words}" lets the packet go on`).map(({ state: assumed, holds }) =>
      holds
        ? matched(assumed, 'unknown')
        : { state: assumed, verdict: { kind: 'drop' as const }, effect: 'unknown' as const },
    );
}

export function hasFlag(options: Parameters<typeof optionOf>[0], ...names: string[]): boolean {
  return optionOf(options, ...names) !== undefined;
}

import { matched } from '../../evaluation.ts';
import type { State } from '../../state.ts';
import { parseMasked, parseNumber, valueOf, type Action, type Option, type TargetModule } from '../module.ts';
import { hasFlag } from './verdicts.ts';

interface MarkChange {
  /** new = (old & ~mask) ^ value */
  readonly value: number;
  readonly mask: number;
}

/** --set-xmark and its other spellings (iptables/extensions/libxt_MARK.c); undefined where there is none, a text where it is wrong. */
function changeOf(options: readonly Option[]): MarkChange | undefined | string {
  for (const option of options) {
    const text = option.values[0]?.text;
    const masked = parseMasked(text);
    const wrong = `a number, or VALUE/MASK, was expected after ${option.name}`;
    switch (option.name) {
      case '--set-xmark':
        return masked ?? wrong;
      case '--set-mark':
        return masked ? { value: masked.value, mask: (masked.value | masked.mask) >>> 0 } : wrong;
      case '--and-mark': {
        const bits = parseNumber(text);
        return bits === undefined ? wrong : { value: 0, mask: ~bits >>> 0 };
      }
      case '--or-mark': {
        const bits = parseNumber(text);
        return bits === undefined ? wrong : { value: bits, mask: bits };
      }
      case '--xor-mark': {
        const bits = parseNumber(text);
        return bits === undefined ? wrong : { value: bits, mask: 0 };
      }
    }
  }
  return undefined;
}

function changed(old: number, { value, mask }: MarkChange): number {
  return ((old & ~mask) ^ value) >>> 0;
}

export const mark: TargetModule = {
  names: ['MARK'],
  knowledge: 'decided',
  about: "the packet's mark",
  compile(options) {
    const change = changeOf(options);
    if (change === undefined) return '--set-xmark, --set-mark, --and-mark, --or-mark or --xor-mark was expected';
    if (typeof change === 'string') return change;
    return (state) => [matched({ ...state, mark: changed(state.mark, change) }, 'mark')];
  },
};

function withConnectionMark(state: State, mark: number): State {
  return { ...state, connection: { ...state.connection, mark } };
}

/** connmark_tg_shift in net/netfilter/xt_connmark.c; a packet without a connection is left alone. */
export const connmark: TargetModule = {
  names: ['CONNMARK'],
  knowledge: 'decided',
  about: "the connection's mark, in all forms, and the packet's with --restore-mark",
  flags: ['--save-mark', '--restore-mark'],
  compile(options) {
    const both = parseNumber(valueOf(options, '--mask') ?? '0xffffffff');
    const nfmask = parseNumber(valueOf(options, '--nfmask') ?? valueOf(options, '--mask') ?? '0xffffffff');
    const ctmask = parseNumber(valueOf(options, '--ctmask') ?? valueOf(options, '--mask') ?? '0xffffffff');
    if (both === undefined || nfmask === undefined || ctmask === undefined) return 'a mask was expected';
    const left = Number(valueOf(options, '--left-shift-mark') ?? 0);
    const right = Number(valueOf(options, '--right-shift-mark') ?? 0);
    const shifted = (bits: number): number => (right > 0 ? bits >>> right : left > 0 ? (bits << left) >>> 0 : bits);
    let next: (state: State) => State;
    if (hasFlag(options, '--save-mark'))
      next = (state) =>
        withConnectionMark(state, ((state.connection.mark & ~ctmask) ^ shifted((state.mark & nfmask) >>> 0)) >>> 0);
    else if (hasFlag(options, '--restore-mark'))
      next = (state) => ({
        ...state,
        mark: ((state.mark & ~nfmask) ^ shifted((state.connection.mark & ctmask) >>> 0)) >>> 0,
      });
    else {
      const change = changeOf(options);
      if (change === undefined) return '--set-xmark, --save-mark or --restore-mark was expected';
      if (typeof change === 'string') return change;
      next = (state) => withConnectionMark(state, shifted(changed(state.connection.mark, change)));
    }
    const action: Action = (state) => [matched(state.connection.tracking === 'tracked' ? next(state) : state, 'mark')];
    return action;
  },
};

/** xt_ct_target: only a packet that conntrack has not seen yet. */
export const ct: TargetModule = {
  names: ['CT', 'NOTRACK'],
  knowledge: 'decided',
  about: '--notrack, --zone; helpers, events and timeouts change nothing here',
  flags: ['--notrack'],
  compile(options, _, name) {
    const untracked = name === 'NOTRACK' || hasFlag(options, '--notrack');
    const zone = Number(valueOf(options, '--zone', '--zone-orig') ?? Number.NaN);
    return (state) => {
      const { connection } = state;
      if (connection.tracking !== 'none') return [matched(state)];
      if (untracked) return [matched({ ...state, connection: { ...connection, tracking: 'untracked' } }, 'mark')];
      return [matched(Number.isNaN(zone) ? state : { ...state, connection: { ...connection, zone } })];
    };
  },
};

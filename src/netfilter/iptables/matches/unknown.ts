import { unknown, within, type Test } from '../answer.ts';
import { optionOf, type MatchModule } from '../module.ts';

/** Matches about things that neither packet nor dump tells, with the words that ask for them. */

export const owner: MatchModule = {
  names: ['owner'],
  knowledge: 'partly',
  about: 'the sender of a local packet is asked for; a packet from elsewhere has none',
  flags: ['--socket-exists', '--suppl-groups'],
  compile(options, { words }) {
    // owner_mt in net/netfilter/xt_owner.c: without a socket only negated options match
    const allNegated = options.filter((option) => option.name !== '--suppl-groups').every((option) => option.negated);
    return (state) => (state.in === '' ? unknown(state, `the sender fits "${words}"`) : allNegated);
  },
};

export const socket: MatchModule = {
  names: ['socket'],
  knowledge: 'unknown',
  about: 'asked for: whether a local socket takes the packet',
  flags: ['--transparent', '--nowildcard', '--restore-skmark'],
  compile:
    (_, { words }) =>
    (state) =>
      state.protocol === 'tcp' || state.protocol === 'udp' ? unknown(state, `a local socket fits "${words}"`) : false,
};

export const length: MatchModule = {
  names: ['length'],
  knowledge: 'partly',
  about: 'asked for, unless every packet of that protocol fits, or none',
  compile(options, { family, words }) {
    const option = optionOf(options, '--length');
    const [low, high] = (option?.values[0]?.text ?? '').split(':');
    const range = [Number(low || 0), high === undefined ? Number(low) : Number(high || 65535)] as const;
    if (!option || Number.isNaN(range[0]) || Number.isNaN(range[1])) return 'a length was expected after --length';
    const head = family === 4 ? 20 : 40;
    const least = { tcp: 20, udp: 8, sctp: 12, icmp: 8 };
    return (state) => {
      const answer = within(undefined, [range], [head + least[state.protocol], 65535]);
      if (answer !== undefined) return answer !== option.negated;
      return unknown(state, `the packet fits "${words}"`);
    };
  },
};

export const dscp: MatchModule = {
  names: ['dscp', 'tos'],
  knowledge: 'partly',
  about: 'asked for, unless a rule before has set it',
  compile(options, { words }) {
    const option = optionOf(options, '--dscp', '--tos');
    if (!option) return '--dscp or --tos was expected';
    const [value, mask] = (option.values[0]?.text ?? '').split('/').map(Number);
    if (value === undefined || Number.isNaN(value)) return `a number was expected after ${option.name}`;
    return (state) => {
      if (state.dscp === undefined) return unknown(state, `the packet fits "${words}"`);
      if (option.name === '--dscp') return (state.dscp === value) !== option.negated;
      const bits = mask === undefined || Number.isNaN(mask) ? 0xff : mask;
      // the two ECN bits below the DSCP are not known
      if ((bits & 3) !== 0) return unknown(state, `the packet fits "${words}"`);
      return (((state.dscp << 2) & bits) === value) !== option.negated;
    };
  },
};

/** Of the packet, its sender or the moment; all are asked for by the rule's own words. */
export const asked: MatchModule = {
  names: [
    'ttl',
    'hl',
    'time',
    'string',
    'u32',
    'bpf',
    'policy',
    'cgroup',
    'osf',
    'realm',
    'cpu',
    'devgroup',
    'cluster',
    'ipv6header',
    'eui64',
    'ipvs',
  ],
  knowledge: 'unknown',
  about: 'asked for, in the words of the rule',
  flags: ['--kerneltz', '--contiguous', '--strict', '--next', '--icase', '--soft'],
  compile: (_, { words }) => askByWords(words),
};

export const mac: MatchModule = {
  names: ['mac'],
  knowledge: 'partly',
  about: 'asked for; what the node sends itself has none',
  compile:
    (_, { words }) =>
    (state) =>
      state.in === '' || state.in === 'lo' ? false : askByWords(words)(state, undefined as never),
};

export const nothing: MatchModule = {
  names: ['comment', 'nfacct'],
  knowledge: 'decided',
  about: 'always: it only describes or counts',
  compile: () => () => true,
};

export function askByWords(words: string): Test {
  return (state) => unknown(state, `the packet fits "${words}"`);
}

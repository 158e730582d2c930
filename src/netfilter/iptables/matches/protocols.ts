import { every, negated, unknown, type Answer, type Test } from '../answer.ts';
import { optionOf, valueOf, type MatchModule } from '../module.ts';
import type { State } from '../../state.ts';
import { portTests } from './ports.ts';

const FLAGS: Readonly<Record<string, number>> = {
  FIN: 1,
  SYN: 2,
  RST: 4,
  PSH: 8,
  ACK: 16,
  URG: 32,
  ALL: 63,
  NONE: 0,
};

function parseFlags(text: string | undefined): number | undefined {
  let flags = 0;
  for (const name of (text ?? '?').split(',')) {
    const flag = FLAGS[name.toUpperCase()];
    if (flag === undefined) return undefined;
    flags |= flag;
  }
  return flags;
}

/** The flags that the packet may have, as (certainly set, possibly set): a first packet is a SYN; of later ones ACK is certain and SYN is not there. */
function tcpFlags(state: State): readonly [number, number] {
  const { tracking, state: of } = state.connection;
  if (tracking === 'invalid') return [0, 63];
  return of === 'established' ? [16, 63 & ~2] : [2, 2];
}

export function tcpFlagsAre(state: State, mask: number, wanted: number): Answer {
  const [certain, possible] = tcpFlags(state);
  if ((certain & mask & ~wanted) !== 0 || (wanted & mask & ~possible) !== 0 || (wanted & ~mask) !== 0) return false;
  if (((certain ^ possible) & mask) === 0) return (certain & mask) === wanted;
  const names = (bits: number): string =>
    Object.keys(FLAGS)
      .filter((name) => name !== 'ALL' && name !== 'NONE' && FLAGS[name]! & bits)
      .join(',') || 'none';
  return unknown(state, `of its TCP flags ${names(mask)} exactly ${names(wanted)} are set`);
}

function requireProtocol(protocol: State['protocol'], test: Test): Test {
  return (state, spot) => state.protocol === protocol && test(state, spot);
}

export const tcp: MatchModule = {
  names: ['tcp'],
  knowledge: 'partly',
  about:
    'ports and flags of the packet (a first packet is a SYN); an unnamed source port and --tcp-option are asked for',
  flags: ['--syn'],
  pairs: ['--tcp-flags'],
  compile(options) {
    const ports = portTests(options);
    if (typeof ports === 'string') return ports;
    const tests = [...ports];
    const flags = optionOf(options, '--tcp-flags', '--syn');
    if (flags) {
      const [mask, wanted] =
        flags.name === '--syn' ? [23, 2] : [parseFlags(flags.values[0]?.text), parseFlags(flags.values[1]?.text)];
      if (mask === undefined || wanted === undefined) return 'two lists of TCP flags were expected after --tcp-flags';
      tests.push(negated(flags.negated, (state) => tcpFlagsAre(state, mask, wanted)));
    }
    const option = optionOf(options, '--tcp-option');
    if (option)
      tests.push(
        negated(option.negated, (state) => unknown(state, `the packet has the TCP option ${option.values[0]?.text}`)),
      );
    return requireProtocol('tcp', every(tests));
  },
};

export const udp: MatchModule = {
  names: ['udp'],
  knowledge: 'partly',
  about: 'ports of the packet; an unnamed source port is asked for where a range cuts 1024 to 65535',
  compile(options) {
    const ports = portTests(options);
    return typeof ports === 'string' ? ports : requireProtocol('udp', every(ports));
  },
};

/** The first packet of an association holds one INIT chunk. */
const INIT = 1;
const CHUNKS: Readonly<Record<string, number>> = {
  DATA: 0,
  INIT: 1,
  INIT_ACK: 2,
  SACK: 3,
  HEARTBEAT: 4,
  HEARTBEAT_ACK: 5,
  ABORT: 6,
  SHUTDOWN: 7,
  SHUTDOWN_ACK: 8,
  ERROR: 9,
  COOKIE_ECHO: 10,
  COOKIE_ACK: 11,
  ECN_ECNE: 12,
  ECN_CWR: 13,
  SHUTDOWN_COMPLETE: 14,
  ASCONF: 193,
  ASCONF_ACK: 128,
  FORWARD_TSN: 192,
  I_DATA: 64,
};

export const sctp: MatchModule = {
  names: ['sctp'],
  knowledge: 'partly',
  about: 'ports, and the INIT chunk of a first packet; later chunks are asked for',
  pairs: ['--chunk-types'],
  compile(options) {
    const ports = portTests(options);
    if (typeof ports === 'string') return ports;
    const tests = [...ports];
    const chunks = optionOf(options, '--chunk-types');
    if (chunks) {
      const how = chunks.values[0]?.text;
      const names = (chunks.values[1]?.text ?? '').split(',');
      const types = names.map((name) => CHUNKS[name.split(':')[0]!]);
      if (!how || (names[0] !== 'ALL' && names[0] !== 'NONE' && types.includes(undefined)))
        return 'any, all or only, and a list of chunk types, were expected after --chunk-types';
      const flagged = names.some((name) => name.includes(':'));
      const has = names[0] === 'ALL' || types.includes(INIT);
      // match_packet in net/netfilter/xt_sctp.c, for a packet with the one chunk INIT
      const answer = how === 'any' ? has : how === 'all' ? has && types.length === 1 && names[0] !== 'ALL' : has;
      tests.push(
        negated(chunks.negated, (state) =>
          flagged || state.connection.state === 'established'
            ? unknown(state, `the packet's SCTP chunks fit "${how} ${names.join(',')}"`)
            : answer,
        ),
      );
    }
    return requireProtocol('sctp', every(tests));
  },
};

/** Types by name, for both families: what iptables-save prints as numbers and people write by name. An echo request is 8, or 128. */
const ICMP: Readonly<Record<string, string>> = {
  any: '255',
  'echo-reply': '0',
  pong: '0',
  'destination-unreachable': '3',
  'source-quench': '4',
  redirect: '5',
  'echo-request': '8',
  ping: '8',
  'router-advertisement': '9',
  'router-solicitation': '10',
  'time-exceeded': '11',
  'ttl-exceeded': '11',
  'parameter-problem': '12',
  'timestamp-request': '13',
  'timestamp-reply': '14',
  'address-mask-request': '17',
  'address-mask-reply': '18',
};
const ICMP6: Readonly<Record<string, string>> = {
  'destination-unreachable': '1',
  'packet-too-big': '2',
  'time-exceeded': '3',
  'ttl-exceeded': '3',
  'parameter-problem': '4',
  'echo-request': '128',
  ping: '128',
  'echo-reply': '129',
  pong: '129',
  'router-solicitation': '133',
  'router-advertisement': '134',
  'neighbour-solicitation': '135',
  'neighbor-solicitation': '135',
  'neighbour-advertisement': '136',
  'neighbor-advertisement': '136',
  redirect: '137',
};

function icmpModule(name: 'icmp' | 'icmp6'): MatchModule {
  return {
    names: name === 'icmp' ? ['icmp'] : ['icmp6', 'icmpv6'],
    knowledge: 'decided',
    about: 'an icmp packet is an echo request',
    compile(options) {
      const option = optionOf(options, '--icmp-type', '--icmpv6-type');
      if (!option) return (state) => state.protocol === 'icmp';
      const text = option.values[0]?.text ?? '';
      const number = /^\d+(\/\d+)?$/.test(text) ? text : (name === 'icmp' ? ICMP : ICMP6)[text];
      if (number === undefined) return `an ICMP type that is known was expected after ${option.name}`;
      const [type, code] = number.split('/').map(Number);
      const echo = name === 'icmp' ? 8 : 128;
      const is = (name === 'icmp' && type === 255) || (type === echo && (code === undefined || code === 0));
      return (state) => state.protocol === 'icmp' && is !== option.negated;
    },
  };
}

export const icmp = icmpModule('icmp');
export const icmp6 = icmpModule('icmp6');

/** Protocols and headers that none of the packets has which can be asked for. */
export const absent: MatchModule = {
  names: ['ah', 'esp', 'dccp', 'udplite', 'ipcomp', 'l2tp', 'frag', 'rt', 'hbh', 'dst', 'mh', 'srh'],
  knowledge: 'decided',
  about: 'never: a packet that can be asked for has no such header',
  flags: [
    '--ahres',
    '--fragres',
    '--fragfirst',
    '--fragmore',
    '--fraglast',
    '--rt-0-res',
    '--rt-0-not-strict',
    '--compres',
  ],
  compile: () => () => false,
};

export const ecn: MatchModule = {
  names: ['ecn'],
  knowledge: 'unknown',
  about: 'asked for',
  flags: ['--ecn-tcp-cwr', '--ecn-tcp-ece'],
  compile:
    (_, { words }) =>
    (state) =>
      unknown(state, `the packet fits "${words}"`),
};

export const tcpmss: MatchModule = {
  names: ['tcpmss'],
  knowledge: 'partly',
  about: 'the MSS of a TCP packet is asked for; others have none',
  compile(options) {
    const option = optionOf(options, '--mss');
    return (state) => {
      if (state.protocol !== 'tcp') return false;
      const answer = unknown(state, `its MSS is ${valueOf(options, '--mss')}`);
      return option?.negated && typeof answer !== 'boolean'
        ? answer.map((way) => ({ ...way, holds: !way.holds }))
        : answer;
    };
  },
};

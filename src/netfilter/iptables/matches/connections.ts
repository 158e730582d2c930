import { every, negated, unknown, type Test } from '../answer.ts';
import { optionOf, parseMasked, type MatchModule } from '../module.ts';
import type { State, Tuple } from '../../state.ts';
import { addressTest } from './addresses.ts';
import { EPHEMERAL, parsePorts } from './ports.ts';
import { within } from '../answer.ts';

/** XT_CONNTRACK_STATE_…: a packet has one of the first five, and the nat bits beside it. */
const BITS: Readonly<Record<string, number>> = {
  NEW: 1,
  ESTABLISHED: 2,
  RELATED: 4,
  INVALID: 8,
  UNTRACKED: 16,
  SNAT: 32,
  DNAT: 64,
};

function stateBits({ connection }: State): number {
  if (connection.tracking === 'untracked') return BITS['UNTRACKED']!;
  if (connection.tracking !== 'tracked') return BITS['INVALID']!;
  return (
    BITS[connection.state.toUpperCase()]! |
    (connection.sourceTranslated ? BITS['SNAT']! : 0) |
    (connection.destinationTranslated ? BITS['DNAT']! : 0)
  );
}

function parseStates(text: string | undefined): number | undefined {
  let bits = 0;
  for (const name of (text ?? '').split(',')) {
    const bit = BITS[name.toUpperCase()];
    if (bit === undefined) return undefined;
    bits |= bit;
  }
  return bits;
}

/** IPS_…, as --ctstatus names them. */
const STATUS = ['NONE', 'EXPECTED', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED'] as const;

/** The reply's tuple: the translated addresses, the other way round. */
function replyOf(state: State): Tuple {
  const { connection } = state;
  return {
    source: state.destination,
    sourcePort: state.destinationPort,
    destination: connection.masquerade ? (connection.translatedSource ?? state.source) : state.source,
    destinationPort: state.sourcePort,
  };
}

function tupleState(state: State, tuple: Tuple): State {
  return { ...state, source: tuple.source, destination: tuple.destination };
}

/** conntrack_mt in net/netfilter/xt_conntrack.c, in its order: the state first, and nothing else of a packet that has no connection. */
export const conntrack: MatchModule = {
  names: ['conntrack'],
  knowledge: 'partly',
  about:
    'state with SNAT and DNAT, original and reply tuple, direction and protocol; status and expiry of a known connection are asked for',
  compile(options, { family }) {
    const stated = optionOf(options, '--ctstate');
    const mask = stated ? parseStates(stated.values[0]?.text) : 0;
    if (mask === undefined) return 'connection states such as NEW were expected after --ctstate';
    const rest: Test[] = [];
    for (const [name, tupleOf, which] of TUPLE_OPTIONS) {
      const option = optionOf(options, name);
      if (!option) continue;
      const test = addressTest(which, option.values[0]?.text ?? '', family);
      if (!test) return `an address was expected after ${name}`;
      rest.push(negated(option.negated, (state, spot) => test(tupleState(state, tupleOf(state)), spot)));
    }
    for (const [name, tupleOf, which] of PORT_OPTIONS) {
      const option = optionOf(options, name);
      if (!option) continue;
      const range = parsePorts(option.values[0]?.text ?? '');
      if (!range) return `a port was expected after ${name}`;
      rest.push(
        negated(option.negated, (state) => {
          const port = tupleOf(state)[which];
          if (port === undefined && state.protocol === 'icmp') return within(0, [range], [0, 0])!;
          const source = which === 'sourcePort' ? tupleOf === originalOf : tupleOf === replyOf;
          const answer = within(port, [range], source ? EPHEMERAL : [0, 65535]);
          return answer ?? unknown(state, `the connection's ${name.slice(2)} is ${range[0]} to ${range[1]}`);
        }),
      );
    }
    const direction = optionOf(options, '--ctdir');
    // Every packet that can be asked for goes the way of the connection's first.
    if (direction) rest.push(negated(direction.negated, () => direction.values[0]?.text.toUpperCase() === 'ORIGINAL'));
    const proto = optionOf(options, '--ctproto');
    if (proto) {
      const wanted = proto.values[0]?.text ?? '';
      const numbers: Readonly<Record<string, string>> = {
        '6': 'tcp',
        '17': 'udp',
        '132': 'sctp',
        '1': 'icmp',
        '58': 'icmp',
      };
      const name = numbers[wanted] ?? (wanted === 'ipv6-icmp' ? 'icmp' : wanted);
      rest.push(negated(proto.negated, (state) => state.protocol === name));
    }
    const status = optionOf(options, '--ctstatus');
    if (status) {
      const wanted = (status.values[0]?.text ?? '').toUpperCase().split(',');
      if (wanted.some((word) => !(STATUS as readonly string[]).includes(word)))
        return 'a connection status such as CONFIRMED was expected after --ctstatus';
      rest.push(
        negated(status.negated, (state, { hook }) => {
          if (wanted.includes('NONE')) return unknown(state, 'the connection has no status');
          if (state.connection.state === 'established') {
            if (wanted.includes('CONFIRMED') || wanted.includes('SEEN_REPLY')) return true;
            return unknown(state, `the connection is ${wanted.join(' or ').toLowerCase()}`);
          }
          // A new connection is confirmed at the end of POSTROUTING or INPUT; over lo, POSTROUTING comes before INPUT.
          if (wanted.includes('CONFIRMED') && state.in === 'lo' && (hook === 'input' || hook === 'prerouting'))
            return true;
          return wanted.includes('EXPECTED') && state.connection.state === 'related';
        }),
      );
    }
    const expire = optionOf(options, '--ctexpire');
    if (expire)
      rest.push(
        negated(expire.negated, (state) =>
          unknown(state, `the connection would expire in ${expire.values[0]?.text} s`),
        ),
      );
    const others = every(rest);
    return (state, spot) => {
      if (stated && ((stateBits(state) & mask) !== 0) === stated.negated) return false;
      if (state.connection.tracking !== 'tracked') return stated !== undefined;
      return rest.length === 0 ? true : others(state, spot);
    };
  },
};

const originalOf = (state: State): Tuple => state.connection.original;

const TUPLE_OPTIONS = [
  ['--ctorigsrc', originalOf, 'source'],
  ['--ctorigdst', originalOf, 'destination'],
  ['--ctreplsrc', replyOf, 'source'],
  ['--ctrepldst', replyOf, 'destination'],
] as const;

const PORT_OPTIONS = [
  ['--ctorigsrcport', originalOf, 'sourcePort'],
  ['--ctorigdstport', originalOf, 'destinationPort'],
  ['--ctreplsrcport', replyOf, 'sourcePort'],
  ['--ctrepldstport', replyOf, 'destinationPort'],
] as const;

export const state: MatchModule = {
  names: ['state'],
  knowledge: 'decided',
  about: "the connection's state",
  compile(options) {
    const option = optionOf(options, '--state');
    const mask = parseStates(option?.values[0]?.text);
    if (!option || mask === undefined) return 'connection states such as NEW were expected after --state';
    // xt_state knows no nat bits
    return (packet) => ((stateBits(packet) & 31 & mask) !== 0) !== option.negated;
  },
};

export const connmark: MatchModule = {
  names: ['connmark'],
  knowledge: 'decided',
  about: "the connection's mark, as rules before have set it; never of a packet without a connection",
  compile(options) {
    const option = optionOf(options, '--mark');
    const wanted = parseMasked(option?.values[0]?.text);
    if (!option || !wanted) return 'a mark was expected after --mark';
    return ({ connection }) =>
      connection.tracking === 'tracked' && ((connection.mark & wanted.mask) >>> 0 === wanted.value) !== option.negated;
  },
};

export const mark: MatchModule = {
  names: ['mark'],
  knowledge: 'decided',
  about: "the packet's mark, as rules before have set it",
  compile(options) {
    const option = optionOf(options, '--mark');
    const wanted = parseMasked(option?.values[0]?.text);
    if (!option || !wanted) return 'a mark was expected after --mark';
    return (packet) => ((packet.mark & wanted.mask) >>> 0 === wanted.value) !== option.negated;
  },
};

export const helper: MatchModule = {
  names: ['helper', 'connbytes', 'connlabel'],
  knowledge: 'unknown',
  about: 'asked for: what conntrack keeps of a connection beside its state',
  flags: ['--set'],
  compile:
    (_, { words }) =>
    (packet) =>
      unknown(packet, `the connection fits "${words}"`),
};

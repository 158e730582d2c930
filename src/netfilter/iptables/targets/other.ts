import { matched } from '../../evaluation.ts';
import { assume, forget, remember } from '../../state.ts';
import { optionOf, valueOf, type TargetModule } from '../module.ts';
import { setPacket, setWords } from '../sets.ts';

/** Targets after which the packet goes on as it was, for all that rules can see. */
export const passive: TargetModule = {
  names: [
    'LOG',
    'NFLOG',
    'ULOG',
    'TRACE',
    'AUDIT',
    'TCPMSS',
    'CHECKSUM',
    'TCPOPTSTRIP',
    'CLASSIFY',
    'IDLETIMER',
    'LED',
    'RATEEST',
    'SECMARK',
    'CONNSECMARK',
    'TEE',
    'ECN',
    'TTL',
    'HL',
  ],
  knowledge: 'decided',
  about: 'the packet goes on; no rule sees a difference that we follow',
  flags: [
    '--log-tcp-sequence',
    '--log-tcp-options',
    '--log-ip-options',
    '--log-uid',
    '--log-macdecode',
    '--clamp-mss-to-pmtu',
    '--checksum-fill',
    '--ecn-tcp-remove',
    '--save',
    '--restore',
    '--led-always-blink',
  ],
  compile: () => (state) => [matched(state)],
};

export const tos: TargetModule = {
  names: ['TOS', 'DSCP'],
  knowledge: 'decided',
  about: 'sets the DSCP field, which later rules see',
  compile(options) {
    const dscp = optionOf(options, '--set-dscp', '--set-dscp-class');
    if (dscp) {
      const value = Number(dscp.values[0]?.text);
      return (state) => [matched({ ...state, dscp: Number.isNaN(value) ? undefined : value & 63 }, 'mark')];
    }
    const [value, mask] = (valueOf(options, '--set-tos') ?? '').split('/').map(Number);
    const whole = value !== undefined && !Number.isNaN(value) && (mask === undefined || (mask & 0xfc) === 0xfc);
    return (state) => [matched({ ...state, dscp: whole ? (value! >>> 2) & 63 : undefined }, 'mark')];
  },
};

export const hmark: TargetModule = {
  names: ['HMARK'],
  knowledge: 'unknown',
  about: 'assumed to leave the mark as it is',
  compile: () => (state) => [
    matched(assume(state, 'the mark that HMARK computes makes no difference')[0]!.state, 'unknown'),
  ],
};

/** Adds to a set, or takes out: later matches of the same packet see it. */
export const set: TargetModule = {
  names: ['SET'],
  knowledge: 'decided',
  about: 'adds to or deletes from a set, which later rules see',
  flags: ['--exist'],
  pairs: ['--add-set', '--del-set', '--map-set'],
  compile(options) {
    const option = optionOf(options, '--add-set', '--del-set', '--map-set');
    const name = option?.values[0]?.text;
    const directions = (option?.values[1]?.text ?? '').split(',');
    if (!option || !name || directions.some((d) => d !== 'src' && d !== 'dst'))
      return 'a set and its directions (src, dst) were expected after --add-set or --del-set';
    if (option.name === '--map-set') return (state) => [matched(state, 'unknown')];
    return (state) => {
      const words = setWords(name, directions as ('src' | 'dst')[], setPacket(state));
      const [now, before] = option.name === '--add-set' ? ['+', '-'] : ['-', '+'];
      return [matched(remember(forget(state, `${before}${words}`), `${now}${words}`))];
    };
  },
};

import { formatAddress, parseAddress } from '../../address.ts';
import { inSet } from '../../ipset.ts';
import { forget, remember, remembers, type State } from '../../state.ts';
import { negated, not, unknown, type Answer, type Way } from '../answer.ts';
import { optionOf, valueOf, type MatchModule } from '../module.ts';
import { setPacket, setWords } from '../sets.ts';

/** How often a packet's address may be stamped in one list by one packet: enough for any --hitcount that one packet can reach. */
const STAMPS = 20;

/**
 * recent_mt in net/netfilter/xt_recent.c. The client is one that no list remembers, unless a rule on this packet's way has
 * written it down; of a known connection's client that is asked for.
 */
export const recent: MatchModule = {
  names: ['recent'],
  knowledge: 'partly',
  about: 'a new client is in no list but those that rules before have put it in; of a known connection it is asked for',
  flags: ['--set', '--rcheck', '--update', '--remove', '--reap', '--rttl', '--rsource', '--rdest'],
  compile(options) {
    const action = optionOf(options, '--set', '--rcheck', '--update', '--remove');
    if (!action) return '--set, --rcheck, --update or --remove was expected';
    const list = valueOf(options, '--name') ?? 'DEFAULT';
    const which = optionOf(options, '--rdest') ? 'destination' : 'source';
    const mask = parseAddress(valueOf(options, '--mask') ?? '');
    const seconds = valueOf(options, '--seconds');
    const hits = Number(valueOf(options, '--hitcount') ?? 1);
    const since = seconds === undefined ? '' : ` less than ${seconds} s ago`;
    const words = `the ${which} was seen${hits > 1 ? ` ${hits} times` : ''}${since} in the list ${list}`;
    const invert = action.negated;
    return (state) => {
      const address = state[which];
      const key = formatAddress(mask ? { ...address, value: address.value & mask.value } : address);
      const stamp = (n: number): string => `recent ${list} ${key} ${n}`;
      const stamps = (from: State): number => {
        let n = 0;
        while (n < STAMPS && remembers(from, stamp(n))) n++;
        return n;
      };
      const stamped = (from: State): State => remember(from, stamp(Math.min(stamps(from), STAMPS - 1)));
      const way = (to: State, holds: boolean): Answer => [{ state: to, holds: holds !== invert }];
      if (action.name === '--set') return way(stamped(state), true);
      const seen = stamps(state);
      if (seen === 0 && state.connection.state === 'established') {
        const answer = unknown(state, words);
        return invert ? not(answer) : answer;
      }
      if (action.name === '--remove') {
        let without = state;
        for (let n = 0; n < seen; n++) without = forget(without, stamp(n));
        return way(without, seen > 0);
      }
      const holds = seen > 0 && seen >= hits;
      // the kernel stamps again where the match, negation included, came out true
      return way(action.name === '--update' && seen > 0 && holds !== invert ? stamped(state) : state, holds);
    };
  },
};

export const set: MatchModule = {
  names: ['set'],
  knowledge: 'partly',
  about:
    'the sets of the ipset dump; a set that is not in it, counters and what the packet does not tell are asked for',
  flags: ['--return-nomatch'],
  pairs: ['--match-set', '--set'],
  compile(options, { family }) {
    const option = optionOf(options, '--match-set', '--set');
    const name = option?.values[0]?.text;
    const directions = (option?.values[1]?.text ?? '').split(',');
    if (!option || !name || directions.some((d) => d !== 'src' && d !== 'dst'))
      return 'a set and its directions (src, dst) were expected after --match-set';
    const counters = options.some((one) => /^--(packets|bytes)-/.test(one.name));
    return negated(option.negated, (state, spot) => {
      const { program } = spot;
      const packet = setPacket(state);
      const found = program.ipsets.get(name);
      const ways = directions as ('src' | 'dst')[];
      const key = setWords(name, ways, packet);
      if (remembers(state, `+${key}`)) return true;
      if (remembers(state, `-${key}`)) return false;
      const inside = found && inSet(found, ways, packet, family, (other) => program.ipsets.get(other));
      if (inside === undefined || (inside && counters))
        return unknown(state, `${key}${counters ? ' and its counters fit' : ''}`);
      return inside;
    });
  },
};

/** What is left of a budget that other packets draw on as well. */
export const limit: MatchModule = {
  names: ['limit', 'hashlimit', 'quota', 'rateest'],
  knowledge: 'unknown',
  about: 'asked for: whether the limit is used up',
  flags: ['--rateest-delta', '--rateest-lt', '--rateest-gt', '--rateest-eq', '--hashlimit-rate-match'],
  compile(_, { words, place }) {
    return (state) => unknown(state, `the packet is within "${words}" of line ${place.line}`, place);
  },
};

export const connlimit: MatchModule = {
  names: ['connlimit'],
  knowledge: 'partly',
  about: 'asked for: how many connections there are; a limit of 0 is decided',
  flags: ['--connlimit-saddr', '--connlimit-daddr'],
  compile(options, { words }) {
    const above = optionOf(options, '--connlimit-above');
    const upto = optionOf(options, '--connlimit-upto');
    const option = above ?? upto;
    if (!option) return '--connlimit-above or --connlimit-upto was expected';
    const zero = option.values[0]?.text === '0';
    const invert = option.negated;
    if (zero) return () => (above !== undefined) !== invert;
    return (state) => unknown(state, `the connections fit "${words}"`);
  },
};

export const statistic: MatchModule = {
  names: ['statistic'],
  knowledge: 'split',
  about: 'random: by its probability; nth: as one of every N packets',
  compile(options) {
    const mode = valueOf(options, '--mode');
    if (mode === 'random') {
      const option = optionOf(options, '--probability');
      const probability = Number(option?.values[0]?.text);
      if (!option || !(probability >= 0 && probability <= 1))
        return 'a number from 0 to 1 was expected after --probability';
      // the kernel compares 31 random bits (statistic_mt in net/netfilter/xt_statistic.c)
      const kept = Math.round(probability * 2 ** 31) / 2 ** 31;
      const share = option.negated ? 1 - kept : kept;
      return chanceTest(share);
    }
    const option = optionOf(options, '--every');
    const every = Number(option?.values[0]?.text);
    if (mode !== 'nth' || !option || !(every >= 1))
      return '--mode random --probability P, or --mode nth --every N was expected';
    return chanceTest(option.negated ? 1 - 1 / every : 1 / every);
  },
};

function chanceTest(share: number): (state: State) => Answer {
  if (share >= 1) return () => true;
  if (share <= 0) return () => false;
  return (state) => {
    const yes: Way = { state: { ...state, weight: state.weight * share }, holds: true, chance: share };
    const no: Way = { state: { ...state, weight: state.weight * (1 - share) }, holds: false, chance: 1 - share };
    return [yes, no];
  };
}

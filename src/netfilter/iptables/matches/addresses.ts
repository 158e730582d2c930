import { bitsOf, contains, parseAddress, parsePrefix, type Address, type Family, type Prefix } from '../../address.ts';
import type { Spot } from '../../evaluation.ts';
import type { World } from '../../world.ts';
import { negated, unknown, type Test } from '../answer.ts';
import { optionOf, type MatchModule } from '../module.ts';
import type { State } from '../../state.ts';

/** "10.0.0.0/8", "10.0.0.0/255.0.0.0" with any mask, "fd00::/8". */
export function parseNetwork(
  text: string,
):
  { readonly prefix: Prefix } | { readonly value: bigint; readonly mask: bigint; readonly family: Family } | undefined {
  const prefix = parsePrefix(text);
  if (prefix) return { prefix };
  const [first, second] = text.split('/');
  const address = parseAddress(first ?? '');
  const mask = parseAddress(second ?? '');
  if (!address || !mask || mask.family !== address.family) return undefined;
  return { value: address.value & mask.value, mask: mask.value, family: address.family };
}

export function addressTest(which: 'source' | 'destination', text: string, family: Family): Test | undefined {
  const network = parseNetwork(text);
  if (!network) return undefined;
  if ('prefix' in network) {
    const { prefix } = network;
    if (prefix.family !== family) return undefined;
    if (prefix.length === bitsOf(family)) return (state) => state[which].value === prefix.value;
    return (state) => contains(prefix, state[which]);
  }
  return network.family === family ? (state) => (state[which].value & network.mask) === network.value : undefined;
}

export const iprange: MatchModule = {
  names: ['iprange'],
  knowledge: 'decided',
  about: 'source and destination address',
  compile(options, { family }) {
    const tests: Test[] = [];
    for (const [name, which] of [
      ['--src-range', 'source'],
      ['--dst-range', 'destination'],
    ] as const) {
      const option = optionOf(options, name);
      if (!option) continue;
      const [low, high] = (option.values[0]?.text ?? '').split('-').map(parseAddress);
      if (!low || low.family !== family) return `a range of addresses was expected after ${name}`;
      const to = high ?? low;
      tests.push(negated(option.negated, (state) => state[which].value >= low.value && state[which].value <= to.value));
    }
    if (tests.length === 0) return '--src-range or --dst-range was expected';
    return (state, spot) => tests.every((test) => test(state, spot) === true);
  },
};

const TYPES = [
  'UNSPEC',
  'UNICAST',
  'LOCAL',
  'BROADCAST',
  'ANYCAST',
  'MULTICAST',
  'BLACKHOLE',
  'UNREACHABLE',
  'PROHIBIT',
  'THROW',
  'NAT',
  'XRESOLVE',
] as const;
type TypeName = (typeof TYPES)[number];

/** The types exclude each other: the kernel looks the address up in its local table alone (inet_dev_addr_type). */
function isType4(address: Address, types: ReadonlySet<TypeName>, world: World, device: string | undefined): boolean {
  const type = world.addressType(address);
  const local = type === 'local' && (device === undefined || deviceHas(world, device, address));
  return types.has(type === 'local' && !local ? 'UNICAST' : (type.toUpperCase() as TypeName));
}

/** match_type6 in net/netfilter/xt_addrtype.c: UNICAST is true of local addresses, too, and several types must all be true. */
function isType6(address: Address, types: ReadonlySet<TypeName>, world: World, device: string | undefined): boolean {
  const type = world.addressType(address);
  if (types.has('MULTICAST') && type !== 'multicast') return false;
  if (types.has('UNICAST') && (type === 'multicast' || type === 'unspec')) return false;
  if (types.has('UNSPEC') && type !== 'unspec') return false;
  if (!types.has('LOCAL') && !types.has('ANYCAST') && !types.has('UNREACHABLE')) return true;
  if (types.has('LOCAL') && type === 'local' && (device === undefined || deviceHas(world, device, address)))
    return true;
  if (types.has('ANYCAST') && type === 'anycast') return true;
  return types.has('UNREACHABLE') && world.route(address).kind === 'none';
}

function deviceHas(world: World, device: string, address: Address): boolean {
  if (device === 'lo' && !world.network.addresses.some((a) => a.address.value === address.value)) return true;
  return world.addressesOf(device, address.family).some((own) => own.value === address.value);
}

export const addrtype: MatchModule = {
  names: ['addrtype'],
  knowledge: 'decided',
  about:
    "the node's addresses and their broadcast addresses, 127.0.0.0/8 and multicast; --limit-iface by the interface's own addresses",
  flags: ['--limit-iface-in', '--limit-iface-out'],
  compile(options, { family }) {
    const limit = optionOf(options, '--limit-iface-in', '--limit-iface-out');
    const tests: Test[] = [];
    for (const [name, which] of [
      ['--src-type', 'source'],
      ['--dst-type', 'destination'],
    ] as const) {
      const option = optionOf(options, name);
      if (!option) continue;
      const names = (option.values[0]?.text ?? '').split(',');
      if (names.some((type) => !(TYPES as readonly string[]).includes(type)))
        return `address types such as LOCAL were expected after ${name}`;
      const types = new Set(names as TypeName[]);
      const is = family === 6 ? isType6 : isType4;
      tests.push(
        negated(option.negated, (state, { world }) => {
          const device = limit && (limit.name === '--limit-iface-in' ? state.in : state.out);
          if (limit && device === undefined)
            return unknown(state, `${state[which].value} is ${names.join(' or ')} there`);
          return is(state[which], types, world, device);
        }),
      );
    }
    if (tests.length === 0) return '--src-type or --dst-type was expected';
    return tests.length === 1
      ? tests[0]!
      : (state, spot) => {
          const first = tests[0]!(state, spot);
          return first === true ? tests[1]!(state, spot) : first;
        };
  },
};

/** "eth0", "eth+" (all that begin so), "+" (all, even none). */
export function interfaceTest(which: 'in' | 'out', pattern: string): Test {
  const prefix = pattern.endsWith('+') ? pattern.slice(0, -1) : undefined;
  const words = `it ${which === 'in' ? 'comes in' : 'leaves'} by ${prefix === undefined ? pattern : `an interface whose name begins with "${prefix}"`}`;
  if (prefix === '') return () => true;
  return (state) => {
    const name = state[which];
    if (name === undefined) return unknown(state, words);
    return prefix === undefined ? name === pattern : name.startsWith(prefix);
  };
}

/** Rules see bridge ports only of packets that a bridge handed up (br_netfilter); a case names none. */
export const physdev: MatchModule = {
  names: ['physdev'],
  knowledge: 'decided',
  about: 'as for a packet that no bridge port is known of: only negated options match',
  flags: ['--physdev-is-in', '--physdev-is-out', '--physdev-is-bridged'],
  compile: (options) => () => options.every((option) => option.negated),
};

export const pkttype: MatchModule = {
  names: ['pkttype'],
  knowledge: 'decided',
  about: 'by the destination: broadcast, multicast, or unicast',
  compile(options) {
    const option = optionOf(options, '--pkt-type');
    const type = option?.values[0]?.text;
    if (!option || !type) return '--pkt-type with unicast, broadcast or multicast was expected';
    return negated(option.negated, (state: State, { world }: Spot) => {
      const address = world.addressType(state.destination);
      if (address === 'broadcast' || address === 'multicast') return type === address;
      return type === 'unicast' || type === 'host';
    });
  },
};

export const rpfilter: MatchModule = {
  names: ['rpfilter'],
  knowledge: 'partly',
  about: 'by the route back to the source, where the routes are known',
  flags: ['--loose', '--validmark', '--accept-local', '--invert'],
  compile(options) {
    const has = (name: string): boolean => optionOf(options, name) !== undefined;
    const [loose, local, invert] = [has('--loose'), has('--accept-local'), has('--invert')];
    return negated(invert, (state, { world }) => {
      if (state.in === 'lo') return true;
      const route = world.route(state.source);
      if (route.kind === 'local') return local;
      if (route.kind === 'none') return false;
      if (route.kind === 'unknown' || state.in === undefined)
        return unknown(state, 'the route back to the source leaves by the interface that it came in by');
      return loose || route.interface === state.in;
    });
  },
};

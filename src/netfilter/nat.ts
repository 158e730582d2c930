import { equal, type Address } from './address.ts';
import { spread } from './nat-hash.ts';
import type { Spot } from './evaluation.ts';
import { weighted, type State } from './state.ts';

/**
 * What nat means for a connection (net/netfilter/nf_nat_core.c). These functions do what the target of a rule does: they rewrite the packet,
 * set the connection's bits and mark this direction as decided. Whoever calls them then answers with the verdict `accept`, as the kernel does.
 * The walker leaves a packet whose connection no chain has translated alone afterwards, too.
 */

export interface NatRange {
  /** Inclusive. One address: low and high are the same. Absent: the address stays. */
  readonly addresses?: { readonly low: Address; readonly high: Address };
  /** Inclusive. Absent: the port stays, where it can. */
  readonly ports?: { readonly low: number; readonly high: number };
  /** Shifted port maps ("--to-destination 10.0.0.1:1000-1010/2000"): the port that maps to the first. */
  readonly basePort?: number;
  /** --random, --random-fully, fully-random: any port of the range, or any at all. */
  readonly random?: boolean;
  readonly persistent?: boolean;
}

export interface Arm {
  readonly state: State;
  /** Present where chance decided: this arm's share. */
  readonly chance?: number;
}

/** DNAT, in PREROUTING and OUTPUT: one arm for each port that chance may choose. */
export function translateDestination(state: State, range: NatRange): readonly Arm[] {
  const destination = range.addresses
    ? addressIn(state, range.addresses, range.persistent ?? false)
    : state.destination;
  if (state.destinationPort === undefined || !range.ports)
    return [{ state: withDestination(state, destination, state.destinationPort) }];
  const { low, high } = order(range.ports);
  const size = high - low + 1;
  if (range.basePort !== undefined) {
    const offset = (state.destinationPort - range.basePort + 65536) % 65536;
    return [{ state: withDestination(state, destination, low + (offset % size)) }];
  }
  if (range.random && size > 1) {
    // get_random_u16() % size (nf_nat_l4proto_unique_tuple)
    return Array.from({ length: size }, (_, i) => {
      const chance = (Math.floor(65536 / size) + (i < 65536 % size ? 1 : 0)) / 65536;
      return { state: withDestination(weighted(state, chance), destination, low + i), chance };
    });
  }
  const stays = state.destinationPort >= low && state.destinationPort <= high;
  return [{ state: withDestination(state, destination, stays ? state.destinationPort : low) }];
}

/** REDIRECT: to the address of the interface it came in by, to loopback in OUTPUT. Empty where that interface has no address: the kernel drops it. */
export function redirect(state: State, range: Omit<NatRange, 'addresses'>, spot: Spot): readonly Arm[] {
  const address = spot.world.redirectDestination(
    spot.hook === 'output' ? '' : (state.in ?? ''),
    state.destination.family,
  );
  if (!address) return [];
  return translateDestination(state, { ...range, addresses: { low: address, high: address } });
}

/** SNAT, in POSTROUTING and INPUT. */
export function translateSource(state: State, range: NatRange): State {
  const address = range.addresses
    ? addressIn(state, range.addresses, range.persistent ?? false, 'source')
    : state.source;
  return withSource(state, address, range);
}

/** MASQUERADE: the address of the interface it leaves by. */
export function masquerade(state: State, range: Omit<NatRange, 'addresses'>, spot: Spot): State {
  return withSource(state, spot.world.masqueradeSource(state.out, state.destination), range);
}

/** The address with its leading bits replaced (NETMAP). */
export function mapPrefix(address: Address, to: Address, length: number): Address {
  const host = BigInt((address.family === 4 ? 32 : 128) - length);
  const mask = (1n << host) - 1n;
  return { family: address.family, value: ((to.value >> host) << host) | (address.value & mask) };
}

function addressIn(
  state: State,
  { low, high }: { readonly low: Address; readonly high: Address },
  persistent: boolean,
  manip: 'source' | 'destination' = 'destination',
): Address {
  if (equal(low, high)) return low;
  const { source, destination } = state;
  if (manip === 'source' && source.value >= low.value && source.value <= high.value) return source;
  return spread(manip, source, destination, low, high, persistent);
}

function order({ low, high }: { readonly low: number; readonly high: number }): {
  readonly low: number;
  readonly high: number;
} {
  return low <= high ? { low, high } : { low: high, high: low };
}

function withDestination(state: State, destination: Address, destinationPort: number | undefined): State {
  const changed = !equal(destination, state.destination) || destinationPort !== state.destinationPort;
  return {
    ...state,
    destination,
    destinationPort,
    connection: {
      ...state.connection,
      destinationDone: true,
      destinationTranslated: state.connection.destinationTranslated || changed,
    },
  };
}

function withSource(state: State, source: Address | undefined, range: NatRange): State {
  const random = range.random ?? false;
  const ports = range.ports && state.sourcePort !== undefined ? order(range.ports) : undefined;
  const portStays =
    !random && (!range.ports || (ports && state.sourcePort! >= ports.low && state.sourcePort! <= ports.high));
  // Where neither address nor port changes, nothing is rewritten and IPS_SRC_NAT stays unset.
  const same = source !== undefined && equal(source, state.source) && portStays === true;
  return {
    ...state,
    source: source ?? state.source,
    sourcePort: portStays
      ? state.sourcePort
      : range.ports && range.ports.low === range.ports.high
        ? range.ports.low
        : undefined,
    connection: {
      ...state.connection,
      sourceDone: true,
      sourceTranslated: state.connection.sourceTranslated || !same,
      masquerade: state.connection.masquerade || !same,
      translatedSource: source,
    },
  };
}

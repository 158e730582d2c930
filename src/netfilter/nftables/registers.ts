/**
 * What a selector gives for a packet: nft loads it into a register, or breaks off the rule where the packet has no such thing
 * (nft_payload_eval, nft_meta_get_eval, nft_ct_get_eval, nft_fib_eval in net/netfilter).
 */
import type { Spot } from '../evaluation.ts';
import type { State, Tuple } from '../state.ts';
import type { Expression } from './ruleset.ts';
import { resolve, typeOf, type Value } from './datatypes.ts';
import { hashOf } from './hash.ts';
import { printExpression } from './print.ts';

export type Register =
  | Value
  /** The packet has no such thing: the rule does not match, whatever it compares with. */
  | { readonly kind: 'break' }
  /** Chance: each of `size` numbers from `base` is as likely as the others. */
  | { readonly kind: 'even'; readonly base: bigint; readonly size: bigint }
  /** One of `size` numbers from `base`, always the same for this packet, but not known which. */
  | { readonly kind: 'fixed'; readonly base: bigint; readonly size: bigint; readonly words: string }
  /** Some number of this range. `stray`: bytes that mean something else, so that they hardly ever are a certain number. */
  | { readonly kind: 'within'; readonly low: bigint; readonly high: bigint; readonly stray: boolean }
  | { readonly kind: 'unknown' }
  /** A concatenation. */
  | { readonly kind: 'parts'; readonly parts: readonly Register[] };

export type Read = (state: State, spot: Spot) => Register;

export const BREAK: Register = { kind: 'break' };
export const UNKNOWN: Register = { kind: 'unknown' };
/** An unknown source port: the contract of a case is "some ephemeral port". */
const EPHEMERAL: Register = { kind: 'within', low: 1024n, high: 65535n, stray: false };
const STRAY_PORT: Register = { kind: 'within', low: 0n, high: 65535n, stray: true };

const NUMBERS: Readonly<Record<State['protocol'], bigint>> = { tcp: 6n, udp: 17n, sctp: 132n, icmp: 1n };

export function protocolNumber(state: State): bigint {
  return state.protocol === 'icmp' && state.source.family === 6 ? 58n : NUMBERS[state.protocol];
}

export function reader(selector: Expression): Read {
  switch (selector.kind) {
    case 'payload':
      return payload(selector.protocol, selector.field);
    case 'meta':
      return meta(selector.key);
    case 'ct':
      return conntrack(selector.key, selector.direction);
    case 'fib':
      return fib(selector.flags, selector.result);
    case 'numgen': {
      // `inc` takes turns; which turn this packet's is, nobody knows.
      const register: Register = {
        kind: 'even',
        base: BigInt(selector.offset),
        size: BigInt(Math.max(1, selector.mod)),
      };
      return () => register;
    }
    case 'jhash':
      return hashed(selector);
    case 'symhash': {
      const words = printExpression(selector);
      const size = BigInt(Math.max(1, selector.mod));
      return () => ({ kind: 'fixed', base: BigInt(selector.offset), size, words });
    }
    case 'binary':
      return binary(selector);
    case 'concat': {
      const parts = selector.parts.map(reader);
      return (state, spot) => {
        const read: Register[] = [];
        for (const part of parts) {
          const register = part(state, spot);
          if (register === BREAK) return BREAK;
          read.push(register);
        }
        return { kind: 'parts', parts: read };
      };
    }
    default:
      return () => UNKNOWN;
  }
}

function hashed(selector: Expression & { readonly kind: 'jhash' }): Read {
  const { mod, offset, of } = selector;
  const size = BigInt(Math.max(1, mod));
  const fixed: Register = { kind: 'fixed', base: BigInt(offset), size, words: printExpression(selector) };
  const hash = hashOf(selector);
  const read = reader(of);
  return (state, spot) => {
    const register = read(state, spot);
    if (register === BREAK) return BREAK;
    const parts = typeof register === 'object' && register.kind === 'parts' ? register.parts : [register];
    return hash && parts.every((part) => typeof part === 'bigint') ? hash(parts) : fixed;
  };
}

function payload(protocol: string, field: string): Read {
  switch (protocol) {
    case 'ip':
    case 'ip6':
      return network(protocol, field);
    case 'tcp':
    case 'udp':
    case 'sctp':
      return (state) => (state.protocol === protocol ? transport(field, state) : BREAK);
    case 'th':
      return (state) =>
        state.protocol !== 'icmp' ? transport(field, state) : /^[sd]port$/.test(field) ? STRAY_PORT : UNKNOWN;
    case 'icmp':
    case 'icmpv6': {
      const family = protocol === 'icmp' ? 4 : 6;
      return (state) => {
        if (state.protocol !== 'icmp' || state.source.family !== family) return BREAK;
        if (field === 'type') return family === 4 ? 8n : 128n;
        return field === 'code' ? 0n : UNKNOWN;
      };
    }
    case 'ether':
    case 'vlan':
      // What the node itself sends has no link header yet; what another sent has one that no case tells.
      return (state) => (state.in === '' ? BREAK : UNKNOWN);
    case 'arp':
    case 'udplite':
    case 'dccp':
    case 'ah':
    case 'esp':
    case 'comp':
    case 'igmp':
      return () => BREAK;
    default:
      return () => UNKNOWN;
  }
}

function network(protocol: 'ip' | 'ip6', field: string): Read {
  const family = protocol === 'ip' ? 4 : 6;
  const value = (state: State): Register => {
    switch (field) {
      case 'saddr':
        return state.source.value;
      case 'daddr':
        return state.destination.value;
      case 'protocol':
      case 'nexthdr':
        return protocolNumber(state);
      case 'version':
        return BigInt(family);
      case 'dscp':
        return state.dscp === undefined ? UNKNOWN : BigInt(state.dscp);
      default:
        return UNKNOWN;
    }
  };
  return (state) => (state.source.family === family ? value(state) : BREAK);
}

function transport(field: string, state: State): Register {
  switch (field) {
    case 'sport':
      return port(state.sourcePort);
    case 'dport':
      return port(state.destinationPort);
    case 'flags':
      // The first packet of a TCP connection is a SYN; of a known one nearly every packet is an ACK.
      return state.connection.state === 'established' ? 0x10n : 0x02n;
    default:
      return UNKNOWN;
  }
}

function port(value: number | undefined): Register {
  return value === undefined ? EPHEMERAL : BigInt(value);
}

function meta(key: string): Read {
  switch (key) {
    case 'mark':
      return (state) => BigInt(state.mark);
    case 'iifname':
    case 'iif':
      return (state) => state.in ?? UNKNOWN;
    case 'oifname':
    case 'oif':
      return (state) => state.out ?? UNKNOWN;
    case 'l4proto':
      return protocolNumber;
    case 'nfproto':
      return (state) => (state.source.family === 4 ? 2n : 10n);
    case 'protocol':
      return (state) => (state.source.family === 4 ? 0x0800n : 0x86ddn);
    case 'random': {
      const register: Register = { kind: 'even', base: 0n, size: 1n << 32n };
      return () => register;
    }
    case 'pkttype':
      return (state, { world }) => (/^(local|unicast)$/.test(world.addressType(state.destination)) ? 0n : UNKNOWN);
    case 'skuid':
    case 'skgid':
    case 'cgroup':
      // Only a packet that a process of the node sends has a socket.
      return (_, { hook }) => (hook === 'output' || hook === 'postrouting' ? UNKNOWN : BREAK);
    default:
      return () => UNKNOWN;
  }
}

const STATES = { new: 8n, established: 2n, related: 4n } as const;

function conntrack(key: string, direction: 'original' | 'reply' | undefined): Read {
  if (key === 'state')
    return ({ connection }) => {
      if (connection.tracking === 'tracked') return STATES[connection.state];
      // Before conntrack a packet is INVALID, not NEW.
      return connection.tracking === 'untracked' ? 64n : 1n;
    };
  const value = (state: State, spot: Spot): Register => {
    const { connection } = state;
    const tuple: Tuple =
      direction === 'reply'
        ? {
            source: state.destination,
            destination: state.source,
            sourcePort: state.destinationPort,
            destinationPort: state.sourcePort,
          }
        : connection.original;
    switch (key) {
      case 'status':
        return status(state, spot);
      case 'mark':
        return BigInt(connection.mark);
      case 'zone':
        return BigInt(connection.zone);
      case 'direction':
        return 0n;
      case 'l3proto':
        return state.source.family === 4 ? 2n : 10n;
      case 'protocol':
        return protocolNumber(state);
      case 'saddr':
        return tuple.source.value;
      case 'daddr':
        return tuple.destination.value;
      case 'ip saddr':
      case 'ip6 saddr':
        return tuple.source.family === familyOf(key) ? tuple.source.value : BREAK;
      case 'ip daddr':
      case 'ip6 daddr':
        return tuple.destination.family === familyOf(key) ? tuple.destination.value : BREAK;
      case 'proto-src':
        return state.protocol === 'icmp' ? UNKNOWN : port(tuple.sourcePort);
      case 'proto-dst':
        return state.protocol === 'icmp' ? UNKNOWN : port(tuple.destinationPort);
      default:
        return UNKNOWN;
    }
  };
  return (state, spot) => (state.connection.tracking === 'tracked' ? value(state, spot) : BREAK);
}

function familyOf(key: string): 4 | 6 {
  return key.startsWith('ip6') ? 6 : 4;
}

/**
 * The connection's whole word (enum ip_conntrack_status). Besides the bits that have names in nft it holds "the source's and the destination's
 * translation is decided", which the nat core sets even where nothing was translated; so `ct status == dnat` hardly ever matches.
 */
function status(state: State, { program, hook, base }: Spot): bigint {
  const { connection } = state;
  let word = 0n;
  if (connection.destinationTranslated) word |= 0x20n;
  if (connection.sourceTranslated) word |= 0x10n;
  const early = hook === 'prerouting' || hook === 'output';
  const priority = base.base!.priority;
  const isNat = base.base!.type === 'nat';
  const hasNat = program.tables.some(
    (table) =>
      (table.family === 'inet' || table.family === state.source.family) &&
      table.bases.some((chain) => chain.base?.type === 'nat'),
  );
  const overLo = state.in === 'lo';
  if (connection.destinationDone || (hasNat && (!early || overLo || (!isNat && priority > -100)))) word |= 0x100n;
  const late = hook === 'input' || hook === 'postrouting';
  if (connection.sourceDone || (hasNat && (overLo || (late && !isNat && priority > 100)))) word |= 0x80n;
  if (connection.state === 'established') word |= 0x0en;
  else if (overLo) word |= 0x08n; // confirmed in POSTROUTING
  return word;
}

const ADDRESS_TYPES = { unspec: 0n, unicast: 1n, local: 2n, broadcast: 3n, anycast: 4n, multicast: 5n } as const;

function fib(flags: readonly string[], result: string): Read {
  const ofSource = flags.includes('saddr');
  const sameInterface = flags.includes('iif');
  if (result === 'type')
    return (state, { world }) => {
      const address = ofSource ? state.source : state.destination;
      const type = world.addressType(address);
      if (type === 'local' && (sameInterface || flags.includes('oif'))) {
        const name = sameInterface ? state.in : state.out;
        if (name === undefined) return UNKNOWN;
        const own = world.addressesOf(name, address.family).some((each) => each.value === address.value);
        return own ? ADDRESS_TYPES.local : ADDRESS_TYPES.unicast;
      }
      if (type === 'unicast' && address.family === 6 && world.route(address).kind === 'none') return 7n;
      return ADDRESS_TYPES[type];
    };
  if (result === 'oif' || result === 'oifname')
    return (state, { world }) => {
      const route = world.route(ofSource ? state.source : state.destination);
      if (state.in === 'lo') return 'lo';
      if (route.kind === 'unknown' || state.in === undefined) return UNKNOWN;
      if (route.kind !== 'forward') return '';
      return sameInterface && route.interface !== state.in ? '' : route.interface;
    };
  return () => UNKNOWN;
}

/** Arithmetic on what was loaded: `meta mark & 0xff | 0x1`, `meta random & 0x7fffffff`. */
function binary({ op, left, right }: Expression & { kind: 'binary' }): Read {
  const read = reader(left);
  const cover = resolve(right, typeOf(left));
  const constant: Register = cover?.kind === 'one' ? cover.value : UNKNOWN;
  const other: Read =
    right.kind === 'number' || right.kind === 'text' || right.kind === 'list' ? () => constant : reader(right);
  return (state, spot) => {
    const a = read(state, spot);
    const b = other(state, spot);
    if (a === BREAK || b === BREAK) return BREAK;
    if (typeof a === 'bigint' && typeof b === 'bigint') return calculate(op, a, b);
    // The low bits of an even number are even.
    if (typeof a === 'object' && a.kind === 'even' && a.base === 0n && typeof b === 'bigint' && op === '&') {
      const size = b + 1n;
      if ((size & b) === 0n && (a.size & (a.size - 1n)) === 0n) return { ...a, size: size < a.size ? size : a.size };
    }
    return UNKNOWN;
  };
}

function calculate(op: string, a: bigint, b: bigint): bigint {
  switch (op) {
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '<<':
      return (a << b) & 0xffffffffn;
    default:
      return a >> b;
  }
}

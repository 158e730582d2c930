import { parseAddress, parsePrefix, type Address, type Family } from '../../address.ts';
import type { Branch } from '../../evaluation.ts';
import type { Step } from '../../outcome.ts';
import {
  mapPrefix,
  masquerade as masqueradeSource,
  redirect as redirectTo,
  translateDestination,
  translateSource,
  type Arm,
  type NatRange,
} from '../../nat.ts';
import type { State } from '../../state.ts';
import { valueOf, type Context, type TargetModule } from '../module.ts';
import { hasFlag } from './verdicts.ts';

/** "10.0.0.1", "10.0.0.1-10.0.0.9:80", "[fd00::1]:80-90", ":8080", "10.0.0.1:1000-1010/2000". */
export function parseRange(text: string, family: Family): NatRange | undefined {
  const parts =
    family === 6
      ? /^(?:\[([^\]]+)\]|([^[\]]*?))(?::([\d\-/]+))?$/.exec(text)
      : /^()([\d.-]*)(?::([\d\-/]+))?$/.exec(text);
  if (!parts) return undefined;
  const bare = family === 6 && parts[1] === undefined;
  const addresses = bare ? text : parts[1] || parts[2]!;
  const ports = bare ? undefined : parts[3];
  let range: NatRange = {};
  if (addresses !== '' && !(bare && /^:\d/.test(text) && !text.includes('::'))) {
    const [low, high, more] = addresses.split('-').map(parseAddress);
    if (!low || low.family !== family || (addresses.includes('-') && !high) || more) return undefined;
    range = { addresses: { low, high: high ?? low } };
  } else if (bare) {
    const only = /^:([\d\-/]+)$/.exec(text);
    if (!only) return undefined;
    return withPorts({}, only[1]!);
  }
  return ports === undefined ? range : withPorts(range, ports);
}

function withPorts(range: NatRange, text: string): NatRange | undefined {
  const found = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(\d{1,5}))?$/.exec(text);
  if (!found) return undefined;
  const [low, high] = [Number(found[1]), Number(found[2] ?? found[1])];
  if (low > 65535 || high > 65535) return undefined;
  return { ...range, ports: { low, high }, ...(found[3] === undefined ? {} : { basePort: Number(found[3]) }) };
}

function branches(arms: readonly Arm[], effect: Step['effect']): readonly Branch[] {
  return arms.map(({ state, chance }) => ({
    state,
    verdict: { kind: 'accept' },
    effect,
    ...(chance === undefined ? {} : { chance }),
  }));
}

/** What iptables prints for a target whose revision it does not understand: ":0", an address of zeros. Not to be believed. */
function garbled({ addresses, ports }: NatRange): boolean {
  return (
    (!addresses && ports?.low === 0) ||
    (addresses !== undefined && addresses.low.value === 0n) ||
    (ports !== undefined && ports.low === 0 && ports.high === 0)
  );
}

const UNBELIEVABLE = 'this is what an iptables prints that is older than the one which wrote the rule';

export const dnat: TargetModule = {
  names: ['DNAT'],
  knowledge: 'decided',
  about:
    "address and port; of a range of addresses the one that the kernel's hash picks; of a range of ports, with --random, each by its chance",
  flags: ['--random', '--persistent'],
  compile(options, { family }) {
    const text = valueOf(options, '--to-destination');
    const range = text === undefined ? undefined : parseRange(text, family);
    if (!range) return 'an address, a range of them, or ":port" was expected after --to-destination';
    if (garbled(range)) return UNBELIEVABLE;
    const whole = { ...range, random: hasFlag(options, '--random'), persistent: hasFlag(options, '--persistent') };
    return (state) => branches(translateDestination(state, whole), 'dnat');
  },
};

export const redirect: TargetModule = {
  names: ['REDIRECT'],
  knowledge: 'decided',
  about: 'the first address of the interface that the packet came in by; loopback in OUTPUT',
  flags: ['--random'],
  compile(options) {
    const text = valueOf(options, '--to-ports');
    const range = text === undefined ? {} : withPorts({}, text);
    if (!range) return 'a port or a range of ports was expected after --to-ports';
    if (garbled(range)) return UNBELIEVABLE;
    const whole = { ...range, random: hasFlag(options, '--random') };
    return (state, spot) => {
      const arms = redirectTo(state, whole, spot);
      return arms.length > 0 ? branches(arms, 'redirect') : [{ state, verdict: { kind: 'drop' }, effect: 'drop' }];
    };
  },
};

export const snat: TargetModule = {
  names: ['SNAT'],
  knowledge: 'decided',
  about: "the address that the source becomes; of a range the one that the kernel's hash picks",
  flags: ['--random', '--random-fully', '--persistent'],
  compile(options, { family }) {
    const text = valueOf(options, '--to-source');
    const range = text === undefined ? undefined : parseRange(text, family);
    if (!range) return 'an address, a range of them, or ":port" was expected after --to-source';
    if (garbled(range)) return UNBELIEVABLE;
    const whole = {
      ...range,
      random: hasFlag(options, '--random', '--random-fully'),
      persistent: hasFlag(options, '--persistent'),
    };
    return (state) => branches([{ state: translateSource(state, whole) }], 'snat');
  },
};

export const masquerade: TargetModule = {
  names: ['MASQUERADE'],
  knowledge: 'decided',
  about: 'the address of the interface that the packet leaves by, where it is known',
  flags: ['--random', '--random-fully'],
  compile(options) {
    const text = valueOf(options, '--to-ports');
    const range = text === undefined ? {} : withPorts({}, text);
    if (!range) return 'a port or a range of ports was expected after --to-ports';
    const whole = { ...range, random: hasFlag(options, '--random', '--random-fully') };
    return (state, spot) => branches([{ state: masqueradeSource(state, whole, spot) }], 'masquerade');
  },
};

function netmapped(address: Address, to: NonNullable<ReturnType<typeof parsePrefix>>): NatRange {
  const mapped = mapPrefix(address, to, to.length);
  return { addresses: { low: mapped, high: mapped } };
}

export const netmap: TargetModule = {
  names: ['NETMAP'],
  knowledge: 'decided',
  about: 'the network part of the address is replaced',
  compile(options, { family }: Context) {
    const to = parsePrefix(valueOf(options, '--to') ?? '');
    if (!to || to.family !== family) return 'a network was expected after --to';
    return (state: State, { hook }) =>
      hook === 'prerouting' || hook === 'output'
        ? branches(translateDestination(state, netmapped(state.destination, to)), 'dnat')
        : branches([{ state: translateSource(state, netmapped(state.source, to)) }], 'snat');
  },
};

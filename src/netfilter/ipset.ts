import { named } from './named.ts';
import { bitsOf, parseAddress, type Address, type Family } from './address.ts';
import type { Place } from './outcome.ts';
import type { ReadProblem } from './program.ts';
import { asPart, inOneGo, type Slices } from './slices.ts';

/** One set of `ipset save`. Its elements are read when the set is first asked, those of a big one with the dump. */
export interface IpSet {
  readonly name: string;
  /** "hash:ip,port". */
  readonly type: string;
  /** Absent for sets that hold both or neither (bitmap:port, list:set, hash:mac). */
  readonly family: Family | undefined;
  readonly place: Place;
  /** The rest of the create line: "family inet hashsize 1024 maxelem 65536". */
  readonly options: string;
  /** "10.0.0.1,tcp:80", with options such as "timeout 300" and "nomatch" behind. */
  readonly elements: readonly string[];
}

/** What a packet shows to one dimension of a set; undefined: not known. */
export interface SetPacket {
  address(direction: 'src' | 'dst'): Address;
  port(direction: 'src' | 'dst'): number | undefined;
  interface(direction: 'src' | 'dst'): string | undefined;
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'icmp' | 'icmpv6';
  readonly mark: number;
}

export interface IpsetReading {
  readonly sets: ReadonlyMap<string, IpSet>;
  readonly problems: readonly ReadProblem[];
}

export function readIpsets(text: string, dump: string): IpsetReading {
  return inOneGo(readIpsetsInSlices(text, dump));
}

/** So many lines are read, and elements made ready to be looked up, in one go: some milliseconds. */
const SLICE = 2048;
/** So many problems are told. */
const TOLD = 1000;

/** The same in slices: yields the share that is done, 0 to 1. */
export function* readIpsetsInSlices(text: string, dump: string): Slices<IpsetReading> {
  const sets = new Map<string, IpSet & { readonly elements: string[] }>();
  const problems: ReadProblem[] = [];
  const problem = (place: Place, message: string, advice: string): void => {
    if (problems.length < TOLD) problems.push({ place, message, advice });
  };
  let start = 0;
  for (let line = 1; start < text.length; line++) {
    if (line % SLICE === 0) yield start / text.length / 2;
    let end = text.indexOf('\n', start);
    if (end < 0) end = text.length;
    const place: Place = { dump, line, start, end: end > start && text[end - 1] === '\r' ? end - 1 : end };
    const words = text.slice(place.start, place.end);
    start = end + 1;
    const create = /^create\s+(\S+|"[^"]*")\s+(\S+)\s*(.*)$/.exec(words);
    if (create) {
      const options = create[3]!;
      const six = /\bfamily inet6\b/.test(options);
      const both = /^(bitmap:port|list:set|hash:mac)$/.test(create[2]!);
      const family = both ? undefined : six ? 6 : 4;
      sets.set(create[1]!, { name: create[1]!, type: create[2]!, family, place, options, elements: [] });
      continue;
    }
    const add = /^add\s+(\S+|"[^"]*")\s+(.+)$/.exec(words);
    if (add) {
      const set = sets.get(add[1]!);
      if (set) set.elements.push(add[2]!.trimEnd());
      else
        problem(
          place,
          `Line ${line} adds to the set ${add[1]!}, which no line before has created.`,
          'Save the whole of `ipset save`, from its beginning.',
        );
    } else if (/^\s*\S/.test(words) && /^(create|add)\b/.test(words))
      problem(
        place,
        `Line ${line} is not what \`ipset save\` prints: "create NAME TYPE …" or "add NAME ELEMENT …" was expected.`,
        'Save the output of `ipset save` as it is.',
      );
  }
  for (const set of sets.values())
    if (set.elements.length > SLICE && set.type !== 'list:set')
      yield* asPart(indexInSlices(set), (share) => (1 + share) / 2);
  return { sets, problems };
}

interface Index {
  /** By canonical key: whether the element is a `nomatch`. */
  readonly keys: ReadonlyMap<string, boolean>;
  /** Of hash:net,iface: the nets alone. The most specific one that holds the address decides, whatever its interfaces are. */
  readonly nets: ReadonlySet<string>;
  /** Whether there is an element that could not be read: it may be any. */
  readonly unreadable: boolean;
  /** The prefix lengths that occur, most specific first: one for each net dimension. */
  readonly lengths: readonly (readonly number[])[];
  readonly dimensions: readonly string[];
  readonly netmask: number | undefined;
}

const indexes = new WeakMap<IpSet, Index>();

/**
 * Whether the packet is in the set: undefined where something about it is not known (a port, an interface). Like the kernel: too few directions or the other family is "no"; a
 * `nomatch` element that is the most specific one is "no".
 */
export function inSet(
  set: IpSet,
  directions: readonly ('src' | 'dst')[],
  packet: SetPacket,
  family: Family,
  setNamed: (name: string) => IpSet | undefined,
  depth = 0,
): boolean | undefined {
  if (set.type === 'list:set') {
    if (depth > 8) return undefined;
    let unknown = false;
    for (const element of set.elements) {
      const member = setNamed(element.split(' ')[0]!);
      const inside = member ? inSet(member, directions, packet, family, setNamed, depth + 1) : undefined;
      if (inside) return true;
      if (inside === undefined) unknown = true;
    }
    return unknown ? undefined : false;
  }
  const index = indexOf(set);
  if (directions.length < index.dimensions.length || (set.family !== undefined && set.family !== family)) return false;
  for (const [i, dimension] of index.dimensions.entries()) if (dimension === 'mac' && i >= 0) return undefined;
  for (const lengths of index.lengths) {
    let net = 0;
    const parts: string[] = [];
    for (const [i, dimension] of index.dimensions.entries()) {
      const direction = directions[i]!;
      if (dimension === 'ip') {
        const address = packet.address(direction);
        parts.push(prefixKey(address, index.netmask ?? bitsOf(address.family)));
      } else if (dimension === 'net') parts.push(prefixKey(packet.address(direction), lengths[net++]!));
      else if (dimension === 'port') {
        const port = portKey(packet, direction, set.type === 'bitmap:port');
        if (port === 'none') return false;
        if (port === undefined) return undefined;
        parts.push(port);
      } else if (dimension === 'iface') {
        const name = packet.interface(direction);
        if (name === undefined) return undefined;
        parts.push(name);
      } else parts.push(String(packet.mark));
    }
    const nomatch = index.keys.get(parts.join(','));
    if (nomatch !== undefined) return !nomatch;
    if (index.nets.has(parts[0]!)) return false;
  }
  return index.unreadable ? undefined : false;
}

/** The key of a packet's port, "tcp:80". "none": this kind of set never holds such a protocol. */
function portKey(packet: SetPacket, direction: 'src' | 'dst', bitmap: boolean): string | 'none' | undefined {
  if (packet.protocol === 'icmp' || packet.protocol === 'icmpv6') {
    // hash types hold type and code in place of the port; an echo request is 8/0, or 128/0
    if (bitmap) return 'none';
    return packet.protocol === 'icmp' ? 'icmp:8/0' : 'icmpv6:128/0';
  }
  if (bitmap && packet.protocol === 'sctp') return 'none';
  const port = packet.port(direction);
  if (port === undefined) return undefined;
  return bitmap ? String(port) : `${packet.protocol}:${port}`;
}

function prefixKey(address: Address, length: number): string {
  const host = BigInt(bitsOf(address.family) - length);
  return `${(address.value >> host).toString(36)}/${length}`;
}

function indexOf(set: IpSet): Index {
  return indexes.get(set) ?? inOneGo(indexInSlices(set));
}

function* indexInSlices(set: IpSet): Slices<Index> {
  const dimensions = set.type.replace(/^[^:]*:/, '').split(',');
  const keys = new Map<string, boolean>();
  const lengths = new Map<string, readonly number[]>();
  const nets = new Set<string>();
  let unreadable = false;
  const netmask = /\bnetmask (\S+)/.exec(set.options)?.[1];
  const mask = netmask === undefined ? undefined : lengthOf(netmask, set.family === 6 ? 128 : 32);
  if (netmask !== undefined && mask === undefined) unreadable = true;
  for (const [at, element] of set.elements.entries()) {
    if (at % SLICE === SLICE - 1) yield at / set.elements.length;
    const [words, ...options] = element.split(' ');
    const nomatch = options.includes('nomatch');
    const used: number[] = [];
    const parts: string[] = [];
    for (const [i, part] of words!.split(',').entries()) {
      const dimension = dimensions[i];
      if (dimension === 'ip' || dimension === 'net') {
        const [text, cidr] = part.split('/');
        const address = parseAddress(text!);
        if (!address) break;
        const full = bitsOf(address.family);
        const length = dimension === 'ip' ? (mask ?? full) : cidr === undefined ? full : lengthOf(cidr, full);
        if (length === undefined) break;
        if (dimension === 'net') used.push(length);
        parts.push(prefixKey(address, length));
      } else if (dimension === 'port') parts.push(elementPort(part));
      else if (dimension === 'iface') parts.push(part.replace(/^physdev:/, ''));
      else if (dimension === 'mark') parts.push(String(Number(part)));
      else parts.push(part);
    }
    if (parts.length < dimensions.length) {
      unreadable = true;
      continue;
    }
    keys.set(parts.join(','), nomatch);
    if (set.type === 'hash:net,iface') nets.add(parts[0]!);
    lengths.set(used.join(','), used);
  }
  const index: Index = {
    keys,
    nets,
    unreadable,
    dimensions,
    netmask: mask,
    lengths: [...lengths.values()].sort((a, b) => {
      const at = a.findIndex((length, i) => length !== b[i]);
      return at < 0 ? 0 : b[at]! - a[at]!;
    }),
  };
  indexes.set(set, index);
  return index;
}

/** Of a prefix, in bits; undefined where it is none. */
function lengthOf(text: string, most: number): number | undefined {
  return /^\d{1,3}$/.test(text) && Number(text) <= most ? Number(text) : undefined;
}

const ICMP_TYPES: Readonly<Record<string, string>> = {
  'icmp:echo-request': 'icmp:8/0',
  'icmp:ping': 'icmp:8/0',
  'icmpv6:echo-request': 'icmpv6:128/0',
  'icmpv6:ping': 'icmpv6:128/0',
};

/** "tcp:80" and "icmp:8/0" as saved; icmp types are saved by name where they have one. */
function elementPort(part: string): string {
  const text = part.replace(/^ipv6-icmp:/, 'icmpv6:');
  return named(ICMP_TYPES, text) ?? text;
}

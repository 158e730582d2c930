/**
 * The file of cases that `trace` reads: a node's network and the packets to follow. Errors say file, line and what was expected; what is
 * answered without (a misspelt key, an interface that the node does not have) is told the same way.
 */
import { jsonFault, lineOf, locate } from '../kubernetes/snapshot/json.ts';
import { parseAddress, parsePrefix, type Address } from '../netfilter/address.ts';
import type { NodeNetwork, PacketCase } from '../netfilter/outcome.ts';

export interface Cases {
  readonly network: NodeNetwork;
  readonly cases: readonly { readonly id: unknown; readonly packet: PacketCase }[];
  /** What changes no answer, and may have been meant to: file, line and what was expected. The line is looked for when it is asked for. */
  readonly remarks: readonly (() => string)[];
}

type Path = readonly (string | number)[];

class Bad extends Error {
  readonly path: Path;
  constructor(path: Path, expected: string) {
    super(expected);
    this.path = path;
  }
}

/** Throws an Error that says file, line and what was expected there. */
export function readCases(text: string, file: string): Cases {
  const fault = jsonFault(text);
  if (fault) throw new Error(`${file}, line ${lineOf(text, fault.offset).line}: expected ${fault.expected}`);
  const told = ({ path, message }: Bad): string => {
    const where = path.length > 0 ? `${path.join('.')}: ` : '';
    return `${file}, line ${lineOf(text, locate(text, path)).line}: ${where}expected ${message}`;
  };
  const remarks: Bad[] = [];
  try {
    return { ...casesOf(JSON.parse(text), remarks), remarks: remarks.map((remark) => () => told(remark)) };
  } catch (error) {
    if (!(error instanceof Bad)) throw error;
    throw new Error(told(error));
  }
}

function casesOf(root: unknown, remarks: Bad[]): Omit<Cases, 'remarks'> {
  const file = record(root, []);
  remarks.push(...otherKeys(file, ['interfaces', 'addresses', 'routes', 'cases'], []));
  const { interfaces, addresses, routes, cases } = file;
  const network: NodeNetwork = {
    interfaces: list(interfaces ?? [], ['interfaces']).map((name, i) => string(name, ['interfaces', i], 'a name')),
    addresses: list(addresses ?? [], ['addresses']).map((entry, i) => {
      const path = ['addresses', i];
      const [text, name] = list(entry, path, 2);
      const prefixed = string(text, [...path, 0], 'an address such as "172.18.0.2/16"');
      const address = parseAddress(prefixed.replace(/\/\d+$/, ''));
      const prefix = parsePrefix(prefixed);
      if (!address || !prefix) throw new Bad([...path, 0], 'an address such as "172.18.0.2/16"');
      return { address, length: prefix.length, interface: string(name, [...path, 1], "an interface's name") };
    }),
    routes: list(routes ?? [], ['routes']).map((entry, i) => {
      const path = ['routes', i];
      const [text, name, family] = list(entry, path, 3);
      if (family !== undefined && family !== 4 && family !== 6)
        throw new Bad([...path, 2], '4 or 6, the family of "default"');
      const to = string(text, [...path, 0], '"default" or a network such as "10.244.0.0/16"');
      const prefix = to === 'default' ? parsePrefix(family === 6 ? '::/0' : '0.0.0.0/0') : parsePrefix(to);
      if (!prefix) throw new Bad([...path, 0], '"default" or a network such as "10.244.0.0/16"');
      return { prefix, interface: string(name, [...path, 1], "an interface's name") };
    }),
  };
  const names = new Set(network.interfaces);
  for (const each of [...network.addresses, ...network.routes]) names.add(each.interface);
  return {
    network,
    cases: list(cases, ['cases']).map((entry, i) =>
      packetOf(record(entry, ['cases', i]), ['cases', i], names, remarks),
    ),
  };
}

/** For whoever reads the file, or whatever else does. */
const FREE = /^(?:note|comment|description|title|name|node|n|seed|expect|expected|kernel|[_$].*|x-.*)$/;

function otherKeys(value: Readonly<Record<string, unknown>>, keys: readonly string[], path: Path): Bad[] {
  const expected = `one of the keys ${keys.map((known) => `"${known}"`).join(', ')}, or "note"; this one is ignored`;
  return Object.keys(value)
    .filter((key) => !keys.includes(key) && !FREE.test(key))
    .map((key) => new Bad([...path, key], expected));
}

const PROTOCOLS = ['tcp', 'udp', 'sctp', 'icmp'] as const;
const STATES = ['new', 'established', 'related', 'invalid', 'untracked'] as const;

function packetOf(
  entry: Readonly<Record<string, unknown>>,
  path: Path,
  interfaces: ReadonlySet<string>,
  remarks: Bad[],
): Cases['cases'][number] {
  remarks.push(...otherKeys(entry, ['id', 'in', 'src', 'dst', 'proto', 'dport', 'sport', 'state'], path));
  const { id, src, dst, proto, dport, sport, state } = entry;
  const protocol = PROTOCOLS.find((name) => name === proto);
  if (!protocol) throw new Bad([...path, 'proto'], '"tcp", "udp", "sctp" or "icmp"');
  const source = address(src, [...path, 'src']);
  const destination = address(dst, [...path, 'dst']);
  if (source.family !== destination.family) throw new Bad([...path, 'dst'], 'an address of the family of "src"');
  if (protocol !== 'icmp' && dport === undefined) throw new Bad(path, 'a "dport", as every case but icmp has');
  const known = STATES.find((name) => name === (state ?? 'new'));
  if (!known) throw new Bad([...path, 'state'], STATES.map((name) => `"${name}"`).join(' or '));
  const inside = string(entry['in'], [...path, 'in'], 'an interface\'s name, or "local"');
  // Without any network every name is as good as another: only rules can tell them apart.
  if (interfaces.size > 0 && inside !== 'local' && inside !== 'lo' && !interfaces.has(inside)) {
    const names = [...interfaces].map((name) => `"${name}"`).join(', ');
    remarks.push(
      new Bad([...path, 'in'], `"local" or one of the interfaces ${names}; followed as if there were this one`),
    );
  }
  const packet: PacketCase = {
    in: inside,
    source,
    destination,
    protocol,
    ...(protocol === 'icmp' ? {} : { destinationPort: port(dport, [...path, 'dport']) }),
    ...(sport === undefined ? {} : { sourcePort: port(sport, [...path, 'sport']) }),
    ...(known === 'new' ? {} : { state: known }),
  };
  return { id, packet };
}

function address(value: unknown, path: Path): Address {
  const found = typeof value === 'string' ? parseAddress(value) : undefined;
  if (!found) throw new Bad(path, 'an IP address in quotes, without a zone such as %eth0');
  return found;
}

function port(value: unknown, path: Path): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 65535)
    throw new Bad(path, 'a port, 0 to 65535, without quotes');
  return value;
}

function string(value: unknown, path: Path, expected: string): string {
  if (typeof value !== 'string') throw new Bad(path, `${expected} in quotes`);
  return value;
}

function list(value: unknown, path: Path, most = Infinity): readonly unknown[] {
  if (!Array.isArray(value)) throw new Bad(path, 'a list, [ … ]');
  if (value.length > most) throw new Bad([...path, most], `at most ${most} entries in this list`);
  return value;
}

function record(value: unknown, path: Path): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Bad(path, 'an object, { … }');
  return value as Readonly<Record<string, unknown>>;
}

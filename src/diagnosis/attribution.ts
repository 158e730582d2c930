/** Which Service ports a difference touches: whose chain or rule it is, and whose address and port the rule is about. */
import type { ProxiedEndpoint } from '../kubeproxy/endpoints.ts';
import type { ProxiedPort } from '../kubeproxy/services.ts';
import { keyOfPort } from '../kubeproxy/services.ts';
import { servicePortHash } from '../kubeproxy/names.ts';
import type { Slices } from '../netfilter/slices.ts';
import { commentOf, targetOf } from './blocks.ts';
import type { Entry, SliceDifference } from './compare.ts';
import { portHashOf } from './owned.ts';

/** Entries that differ, with the chain, set or map that they differ in. */
export interface Touch {
  readonly difference: SliceDifference;
  readonly entries: readonly Entry[];
}

export interface Touched {
  readonly ports: ReadonlyMap<ProxiedPort, readonly Touch[]>;
  /** By what the rule's comment calls the Service port that the API no longer has: "shop/old:http". */
  readonly gone: ReadonlyMap<string, readonly Touch[]>;
  /** Rules that all Services share. */
  readonly common: readonly Touch[];
}

export interface PortWithEndpoints {
  readonly port: ProxiedPort;
  readonly endpoints: readonly Pick<ProxiedEndpoint, 'text'>[];
}

/** A node's Service ports of one family, by what rules say of them. Indexes are built when they are first asked. */
export class PortIndex {
  readonly ports: readonly ProxiedPort[];
  #hashes: ReadonlyMap<string, ProxiedPort> | undefined;
  #labels: ReadonlyMap<string, ProxiedPort> | undefined;
  #ways: ReadonlyMap<string, readonly ProxiedPort[]> | undefined;
  #addresses: ReadonlyMap<string, readonly ProxiedPort[]> | undefined;
  #endpoints: ReadonlyMap<string, readonly ProxiedPort[]> | undefined;
  readonly #withEndpoints: readonly PortWithEndpoints[];

  /** @param ports with all endpoints that rules may lead to */
  constructor(ports: readonly PortWithEndpoints[]) {
    this.#withEndpoints = ports;
    this.ports = ports.map((each) => each.port);
  }

  /** @param endpoint "10.244.0.1:8080" */
  byEndpoint(endpoint: string, protocol: string): readonly ProxiedPort[] {
    this.#endpoints ??= indexed(this.#withEndpoints, ({ port, endpoints }) => [
      port,
      [...new Set(endpoints.map(({ text }) => `${text}|${port.protocol}`))],
    ]);
    return this.#endpoints.get(`${endpoint}|${protocol}`) ?? [];
  }

  byClusterIP(address: string): readonly ProxiedPort[] {
    this.#addresses ??= indexed(this.ports, (port) => [port, [port.clusterIP]]);
    return this.#addresses.get(address) ?? [];
  }

  byHash(hash: string): ProxiedPort | undefined {
    this.#hashes ??= new Map(this.ports.map((port) => [servicePortHash(port.label, port.protocol), port]));
    return this.#hashes.get(hash);
  }

  byLabel(label: string, protocol: string): ProxiedPort | undefined {
    this.#labels ??= new Map(this.ports.map((port) => [keyOfPort(port), port]));
    return this.#labels.get(`${label}/${protocol}`);
  }

  /** @param address undefined: a node port */
  byWay(address: string | undefined, protocol: string, port: number): readonly ProxiedPort[] {
    this.#ways ??= indexed(this.ports, (each) => [each, waysIn(each)]);
    return this.#ways.get(`${address ?? '*'}|${protocol}|${port}`) ?? [];
  }
}

/** By each of their keys, in their order. */
function indexed<T>(
  all: readonly T[],
  keysOf: (one: T) => readonly [ProxiedPort, readonly string[]],
): ReadonlyMap<string, readonly ProxiedPort[]> {
  const index = new Map<string, ProxiedPort[]>();
  for (const one of all) {
    const [port, keys] = keysOf(one);
    for (const key of keys) {
      const list = index.get(key);
      if (list) list.push(port);
      else index.set(key, [port]);
    }
  }
  return index;
}

function waysIn(port: ProxiedPort): readonly string[] {
  return [
    ...[port.clusterIP, ...port.externalIPs, ...port.loadBalancerIPs].map(
      (address) => `${address}|${port.protocol}|${port.port}`,
    ),
    ...(port.nodePort ? [`*|${port.protocol}|${port.nodePort}`] : []),
    ...(port.healthCheckNodePort ? [`*|tcp|${port.healthCheckNodePort}`] : []),
  ];
}

/** In slices of one difference each. */
export function* attributeSlices(differences: readonly SliceDifference[], index: PortIndex): Slices<Touched> {
  const ports = new Map<ProxiedPort, Touch[]>();
  const gone = new Map<string, Touch[]>();
  const common: Touch[] = [];
  const touch = <K>(map: Map<K, Touch[]>, key: K, difference: SliceDifference, entry: Entry): void => {
    const list = map.get(key) ?? [];
    map.set(key, list);
    const last = list.at(-1);
    if (last?.difference === difference) (last.entries as Entry[]).push(entry);
    else list.push({ difference, entries: [entry] });
  };

  for (const [i, difference] of differences.entries()) {
    yield i / differences.length;
    const own = difference.port;
    const entries = [...difference.missing, ...difference.extra, ...difference.moved];
    if (own) {
      for (const entry of entries) {
        touch(ports, own, difference, entry);
        // Another's chain or address in a port's own chain: both may see it.
        for (const port of portsAbout(entry, index)) if (port !== own) touch(ports, port, difference, entry);
      }
      continue;
    }
    const shared: Entry[] = [];
    for (const entry of entries) {
      const about = new Set([...(entry.port ? [entry.port] : []), ...portsAbout(entry, index)]);
      for (const port of about) touch(ports, port, difference, entry);
      if (about.size > 0) continue;
      const label = labelOf(entry) ?? (difference.name === 'hairpin-connections' ? hairpinOf(entry.text) : undefined);
      if (label === undefined) shared.push(entry);
      else touch(gone, label, difference, entry);
    }
    if (shared.length > 0) common.push({ difference, entries: shared });
  }
  return { ports, gone, common };
}

/** The ports that a rule or element leads to, names, or has the address and port of. */
export function portsAbout(entry: Entry, index: PortIndex): readonly ProxiedPort[] {
  return entry.text.startsWith('-A ') ? portsAboutRule(entry.text, index) : portsAboutJson(entry.text, index);
}

function portsAboutRule(rule: string, index: PortIndex): readonly ProxiedPort[] {
  const found: (ProxiedPort | undefined)[] = [];
  const protocol = / -p (\S+)/.exec(rule)?.[1] ?? 'tcp';
  const target = targetOf(rule);
  const hash = target === undefined ? undefined : portHashOf(target);
  if (hash !== undefined) found.push(index.byHash(hash));
  const label = ruleLabel(rule);
  if (label !== undefined)
    for (const each of protocol === 'tcp' ? ['tcp', 'udp', 'sctp'] : [protocol]) found.push(index.byLabel(label, each));
  const address = / -d (\S+?)\/(?:32|128) /.exec(rule)?.[1];
  const port = Number(/ --dport (\d+)/.exec(rule)?.[1]);
  if (port) found.push(...index.byWay(rule.includes(' ! -d ') ? undefined : address, protocol, port));
  return [...new Set(found.filter((each) => each !== undefined))];
}

/** Which Service port an iptables rule's comment names: "shop/cart:http cluster IP", "shop/cart -> 10.244.0.1:80". */
export function ruleLabel(rule: string): string | undefined {
  const comment = commentOf(rule);
  if (comment === undefined) return undefined;
  const inside = /(?:^|\b(?:for|to|traffic for) )([a-z0-9-]+\/[a-z0-9.-]+(?::[a-z0-9-]+)?)(?= |$)/.exec(comment);
  return inside?.[1];
}

/** Names such as "service-ULMVA6XW-ns1/svc1/tcp/p80", "endpoint-5OJB2KTY-ns1/svc1/tcp/p80__10.180.0.1/80". */
const NFT_NAME =
  /(?:service|local|external|firewall|endpoint|affinity)-[A-Z2-7]{8}-([^/"]+)\/([^/"]+)\/(tcp|udp|sctp)\/([a-z0-9-]*)/g;

function portsAboutJson(json: string, index: PortIndex): readonly ProxiedPort[] {
  const found: (ProxiedPort | undefined)[] = [];
  for (const [, namespace = '', name = '', protocol = '', portName = ''] of json.matchAll(NFT_NAME))
    found.push(index.byLabel(`${namespace}/${name}${portName ? `:${portName}` : ''}`, protocol));
  // Keys of elements: ["10.96.0.10","udp",53] at an address, ["tcp",30080] on the node.
  for (const [, address, protocol = '', port] of json.matchAll(/\["(?:([\da-f.:]+)",")?(tcp|udp|sctp)",(\d+)\]/g))
    found.push(...index.byWay(address, protocol, Number(port)));
  // An element of cluster-ips: an address alone.
  const address = /^"([\da-f.:]+)"$/.exec(json)?.[1];
  if (address !== undefined) found.push(...index.byClusterIP(address));
  // hairpin-connections: an endpoint, twice, and its port, whoever's.
  const endpoint = hairpinOf(json);
  if (endpoint !== undefined)
    for (const protocol of ['tcp', 'udp', 'sctp'] as const)
      if (json.includes(`"${protocol}"`)) found.push(...index.byEndpoint(endpoint, protocol));
  return [...new Set(found.filter((each) => each !== undefined))];
}

/** "10.244.0.1:8080" of an element of hairpin-connections. */
function hairpinOf(json: string): string | undefined {
  const [, ip, port] = /\["([\da-f.:]+)","\1","(?:tcp|udp|sctp)",(\d+)\]/.exec(json) ?? [];
  if (ip === undefined || port === undefined) return undefined;
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function labelOf(entry: Entry): string | undefined {
  if (entry.text.startsWith('-A ')) return ruleLabel(entry.text);
  const [, namespace, name, , portName] = new RegExp(NFT_NAME.source).exec(entry.text) ?? [];
  return name === undefined ? undefined : `${namespace!}/${name}${portName ? `:${portName}` : ''}`;
}

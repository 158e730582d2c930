import { parseAddress } from '../../src/netfilter/address.ts';
import type { Place } from './iptables-language.ts';
import { INTERFACES, MARKS, POOL, PORTS } from './node.ts';
import type { Random } from './random.ts';

/** The ipsets that rules of a rule set ask, by name: the text that makes them. */
export type Sets = Map<string, string>;

const hex = (value: number): string => `0x${value.toString(16)}`;

export function destination({ random, family }: Place): string {
  return random.one(POOL[family][random.weighted({ vips: 5, pods: 2, local: 2 })]);
}

export function source({ random, family }: Place): string {
  return random.one([...POOL[family].clients.map(([, address]) => address), POOL[family].local[0]]);
}

/** "LOW-HIGH" of two of these addresses. */
export function span(random: Random, addresses: readonly string[]): string {
  const two = random.some([...new Set(addresses)], 2, 2);
  return two.sort((a, b) => (parseAddress(a)!.value < parseAddress(b)!.value ? -1 : 1)).join('-');
}

function twoPorts(random: Random): readonly [number, number] {
  const [low, high] = random.some(PORTS, 2, 2).sort((a, b) => a - b);
  return [low!, high!];
}

const no = (random: Random, chance = 0.25): string => (random.chance(chance) ? '! ' : '');

/** A match of the protocol's own: ports, flags, chunks, ICMP types. */
export function randomPort({ random, family }: Place, protocol: string): string {
  const [low, high] = twoPorts(random);
  if (protocol === 'icmp') {
    const name = family === 6 ? 'icmp6' : 'icmp';
    const type = random.one(family === 6 ? ['128', '129', '128/0'] : ['8', '0', '3/1', '8/0', 'any']);
    return `-m ${name} ${type === 'any' ? '' : no(random, 0.2)}--icmp${family === 6 ? 'v6' : ''}-type ${type}`;
  }
  switch (
    random.weighted({
      dport: 55,
      sport: 10,
      flags: protocol === 'tcp' ? 12 : 0,
      chunks: protocol === 'sctp' ? 12 : 0,
      multi: 23,
    })
  ) {
    case 'dport':
      return `-m ${protocol} ${no(random)}--dport ${random.one([low, low, `${low}:${high}`, `:${high}`, `${low}:`])}`;
    case 'sport':
      return `-m ${protocol} ${no(random)}--sport ${random.one(['1024:65535', '1:1023', '80'])}`;
    case 'flags':
      return `-m tcp ${no(random)}${random.one(['--syn', '--tcp-flags SYN,ACK SYN', '--tcp-flags ALL SYN', '--tcp-flags ACK ACK', '--tcp-flags FIN,SYN,RST,ACK NONE'])}`;
    case 'chunks':
      return `-m sctp ${no(random)}--chunk-types ${random.one(['any INIT', 'any DATA,INIT', 'all INIT', 'all INIT,DATA', 'only INIT', 'only DATA'])}`;
    default: {
      const kind = random.one(['dports', 'dports', 'sports', 'ports']);
      const ports = random.some(PORTS, 2, 3).filter((port) => kind === 'dports' || port < 1024);
      return `-m multiport ${no(random)}--${kind} ${[...ports, random.one(kind === 'dports' ? ['1:70', '8000:8500', '30000:32767', '9'] : ['1:70', '9'])].join(',')}`;
    }
  }
}

const STATES = [
  'NEW',
  'NEW',
  'ESTABLISHED',
  'RELATED,ESTABLISHED',
  'DNAT',
  'DNAT',
  'SNAT',
  'SNAT,DNAT',
  'INVALID',
  'NEW,DNAT',
  'UNTRACKED',
];

/** Any match that can be decided, but for a few that cannot. */
export function randomMatch(place: Place, protocol: string | undefined): string {
  const { random, family, table, hook, user } = place;
  const pool = POOL[family];
  const inward = hook === 'prerouting' || hook === 'input';
  const outward = hook === 'output' || hook === 'postrouting';
  const kind = random.weighted({
    d: 6,
    s: 4,
    i: !user && outward ? 0 : 2,
    o: !user && inward ? 0 : 2,
    addrtype: 3,
    mark: 4,
    connmark: 2,
    state: 3,
    tuple: 2,
    statistic: 2 + (table === 'nat' && (hook === 'prerouting' || hook === 'output') ? 4 : 0),
    iprange: 1,
    set: 3,
    recent: 0.7,
    odd: 1,
    unknown: 0.15,
  });
  switch (kind) {
    case 'd':
      return `${no(random)}-d ${random.one([destination(place), destination(place), random.one(pool.nets)])}`;
    case 's':
      return `${no(random)}-s ${random.one([source(place), random.one(pool.nets)])}`;
    case 'i':
    case 'o':
      return `${no(random)}-${kind} ${random.one([...INTERFACES, 'eth+', 'eth+', 'c+', 'e+'])}`;
    case 'addrtype': {
      const types = random.one([
        'LOCAL',
        'LOCAL',
        'LOCAL',
        'UNICAST',
        'LOCAL,UNICAST',
        family === 6 ? 'ANYCAST' : 'BROADCAST',
        'MULTICAST',
      ]);
      const limit =
        hook === 'prerouting' && !user && types === 'LOCAL' && random.chance(0.2) ? ' --limit-iface-in' : '';
      return `-m addrtype ${no(random)}--${random.one(['dst', 'dst', 'src'])}-type ${types}${limit}`;
    }
    case 'mark':
    case 'connmark': {
      const mark = random.one(MARKS);
      return `-m ${kind} ${no(random)}--mark ${random.one([hex(mark), `${hex(mark)}/${hex(mark)}`, `0x0/${hex(mark)}`, `${hex(mark)}/0xffff`])}`;
    }
    case 'state':
      if (random.chance(0.15))
        return `-m state --state ${random.one(['NEW', 'RELATED,ESTABLISHED', 'INVALID', 'UNTRACKED'])}`;
      return `-m conntrack ${no(random)}--ctstate ${random.one(STATES)}`;
    case 'tuple':
      return randomTuple(place, protocol);
    case 'statistic':
      return `-m statistic --mode random ${no(random, 0.1)}--probability ${random.one(['0.5', '0.5', '0.33333333349', '0.25', '0.75'])}`;
    case 'iprange':
      return `-m iprange ${no(random)}${
        random.chance(0.6)
          ? `--dst-range ${span(random, [...pool.vips, ...pool.pods])}`
          : `--src-range ${span(
              random,
              pool.clients.map(([, address]) => address),
            )}`
      }`;
    case 'set':
      return randomSet(place);
    case 'recent':
      return randomRecent(random);
    case 'odd':
      return randomOdd(place);
    case 'unknown':
      return random.one([
        '-m limit --limit 5/min',
        '-m length --length 0:30000',
        '-m time --timestart 10:00',
        '-m connlimit --connlimit-above 3',
      ]);
  }
}

function randomTuple(place: Place, protocol: string | undefined): string {
  const { random, family } = place;
  const pool = POOL[family];
  const address = random.one([destination(place), random.one(pool.nets)]);
  const stated = random.chance(0.25)
    ? `--ctstate ${random.one(['INVALID', 'NEW', 'NEW,INVALID', 'UNTRACKED,NEW', 'DNAT'])} `
    : '';
  const options = [
    `${no(random)}--ctorigdst ${address}`,
    `${no(random)}--ctorigdst ${address}`,
    `${no(random)}--ctorigsrc ${random.one([source(place), random.one(pool.nets)])}`,
    `${no(random)}--ctreplsrc ${random.one([random.one(pool.pods), random.one(pool.nets)])}`,
    `${no(random)}--ctrepldst ${random.one([source(place), random.one(pool.nets)])}`,
    `${no(random)}--ctproto ${random.one(['6', '17'])}`,
    `--ctdir ${random.one(['ORIGINAL', 'REPLY'])}`,
    `${no(random)}--ctstatus ${random.one(['EXPECTED', 'ASSURED', 'SEEN_REPLY'])}`,
    ...(protocol && protocol !== 'icmp'
      ? [
          `${no(random)}--ctorigdstport ${random.one(PORTS)}`,
          `${no(random)}--ctreplsrcport ${random.one([...PORTS, '8000:9000'])}`,
        ]
      : []),
  ];
  return `-m conntrack ${stated}${random.one(options)}`;
}

/** Lists start empty for every packet, so only what a packet itself has written counts. */
function randomRecent(random: Random): string {
  const list = `--name R${random.integer(0, 1)} ${random.one(['--rsource', '--rsource', '--rdest'])}`;
  return `-m recent ${random.one([`--set ${list}`, `--set ${list}`, `! --set ${list}`, `${no(random)}--rcheck --seconds 60 ${list}`, `${no(random)}--update ${list}`, `--rcheck --hitcount 2 ${list}`, `${no(random)}--remove ${list}`])}`;
}

function randomOdd(place: Place): string {
  const { random, family, hook, table, user } = place;
  return random
    .one([
      `-m physdev ${no(random)}--physdev-is-in`,
      `-m pkttype ${no(random)}--pkt-type ${random.one(['unicast', 'broadcast'])}`,
      `-m length ${no(random)}--length ${random.one(['0:10', '0:65535'])}`,
      '-m connlimit --connlimit-above 0',
      ...(hook === 'prerouting' && !user && (table === 'raw' || table === 'mangle')
        ? [`-m rpfilter ${random.one(['', '--loose', '--invert', '--accept-local'])}`]
        : []),
      ...(family === 4 ? ['-f'] : ['-m frag --fragid 1', '-m rt --rt-type 0']),
      '-m comment --comment odd',
    ])
    .trim();
}

function randomSet(place: Place): string {
  const { random, sets, user, hook } = place;
  const type = random.weighted({
    'hash:ip': 3,
    'hash:net': 3,
    'hash:ip,port': 4,
    'hash:ip,port,ip': 1,
    'hash:net,port': 1,
    'bitmap:port': 1,
    'hash:ip,port,net': 1,
    'hash:net,iface': 0.6,
    'list:set': 0.6,
  });
  const name = `${type.replace(/[:,]/g, '-').toUpperCase()}-${random.integer(0, 1)}`;
  if (!sets.has(name)) sets.set(name, setText(place, type, name));
  const dimensions = { 1: 'dst', 2: 'dst,dst', 3: 'dst,dst,src' }[
    type === 'list:set' ? 2 : (type.split(',').length as 1 | 2 | 3)
  ];
  let ways = dimensions;
  if (type === 'hash:net,iface')
    ways =
      !user && (hook === 'output' || hook === 'postrouting')
        ? 'dst,dst'
        : !user && (hook === 'prerouting' || hook === 'input')
          ? 'dst,src'
          : random.one(['dst,src', 'src,src']);
  // a source port of a set's element is none that a packet has
  else if (random.chance(0.15) && type !== 'bitmap:port') ways = dimensions.replace('dst', 'src');
  return `-m set ${no(random)}--match-set ${name} ${ways}`;
}

function setText(place: Place, type: string, name: string): string {
  const { random, family } = place;
  const pool = POOL[family];
  const lines: string[] = [];
  if (type === 'list:set') {
    const members = [`${name}-A`, `${name}-B`];
    const kinds = ['hash:ip', random.one(['hash:ip,port', 'hash:net'])];
    const texts = members.map((member, i) => setText(place, kinds[i]!, member));
    return [
      ...texts,
      `create ${name} list:set\n`,
      ...random.some(members, 1, 2).map((member) => `add ${name} ${member}\n`),
    ].join('');
  }
  const options = type === 'bitmap:port' ? ' range 0-65535' : ` family ${family === 6 ? 'inet6' : 'inet'}`;
  const masked = type === 'hash:ip' && random.chance(0.2) ? ` netmask ${family === 6 ? 64 : 24}` : '';
  const timed = random.chance(0.15);
  lines.push(`create ${name} ${type}${options}${masked}${timed ? ' timeout 3000' : ''}`);
  for (let n = random.integer(1, 6); n > 0; n--) {
    const port = `${random.one(['tcp', 'tcp', 'udp', 'sctp'])}:${random.one(PORTS)}`;
    const ip = destination(place);
    const net = random.one(pool.nets);
    const echo = random.chance(0.1) ? (family === 6 ? 'icmpv6:128/0' : 'icmp:8/0') : port;
    const elements: Readonly<Record<string, string>> = {
      'hash:ip': ip,
      'hash:net': net,
      'hash:ip,port': `${ip},${echo}`,
      'hash:ip,port,ip': `${ip},${port},${source(place)}`,
      'hash:net,port': `${net},${port}`,
      'bitmap:port': String(random.one(PORTS)),
      'hash:ip,port,net': `${ip},${port},${net}`,
      'hash:net,iface': `${net},${random.one(INTERFACES)}`,
    };
    lines.push(`add -exist ${name} ${elements[type]!}`);
  }
  if (type === 'hash:net' && random.chance(0.4)) lines.push(`add -exist ${name} ${destination(place)} nomatch`);
  return `${lines.join('\n')}\n`;
}

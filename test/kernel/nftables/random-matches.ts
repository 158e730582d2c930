import { INTERFACES, PORTS } from '../node.ts';
import { addressType, destination, different, ip, mark, pool, port, source, type Draft } from './random-rules.ts';

const TRANSPORTS = ['tcp', 'tcp', 'udp', 'sctp'] as const;

/** Words of one match; '' where what the rule says already leaves none. */
export function randomMatch(draft: Draft): string {
  const before = draft.transport;
  const words = anyMatch(draft);
  if (!/[<>]/.test(words)) return words;
  if (draft.unequal) {
    draft.transport = before;
    return '';
  }
  draft.unequal = true;
  return words;
}

function anyMatch(draft: Draft): string {
  const { random } = draft;
  const kind = random.weighted({
    address: 9,
    port: 5,
    protocol: 2,
    interface: 4,
    mark: 5,
    state: 2,
    status: 2,
    original: 2,
    fib: 3,
    chance: 2,
    concat: 3,
    icmp: 0.5,
    flags: 0.7,
    other: 1,
  });
  switch (kind) {
    case 'address':
      return address(draft);
    case 'port':
      return ports(draft);
    case 'protocol':
      return protocol(draft);
    case 'interface':
      return interfaceName(draft);
    case 'mark':
      return marked(draft, random.one(['meta', 'meta', 'ct']));
    case 'state': {
      const states = [
        'new',
        'new',
        'established,related',
        '!= new',
        'invalid',
        '! invalid',
        'untracked',
        '{ new, untracked }',
      ];
      return `ct state ${random.one(states)}`;
    }
    case 'status':
      return `ct status ${random.one(['dnat', 'dnat', 'snat', '! dnat', 'dnat,snat', '!= dnat', '== dnat', '{ dnat, snat }', 'confirmed'])}`;
    case 'original':
      return original(draft);
    case 'fib':
      return fib(draft);
    case 'chance':
      return random.one([
        'numgen random mod 2 0',
        'numgen random mod 4 != 0',
        'numgen random mod 3 < 2',
        'numgen random mod 4 offset 10 { 10, 12 }',
        'meta random & 2147483647 < 715827883',
        'meta random < 1073741824',
        'meta random & 3 2',
        `jhash ${draft.family === 4 ? 'ip' : 'ip6'} saddr . meta l4proto mod ${random.integer(2, 5)} seed ${random.integer(0, 2 ** 31)} < 2`,
      ]);
    case 'concat':
      return concat(draft);
    case 'icmp':
      if (draft.transport) return '';
      draft.transport = 'icmp';
      return draft.family === 4
        ? `icmp type ${random.one(['echo-request', '{ echo-reply, echo-request }', '!= echo-request', 'destination-unreachable'])}`
        : `icmpv6 type ${random.one(['echo-request', '!= echo-request', '{ echo-reply, echo-request }'])}`;
    case 'flags':
      if (draft.transport && draft.transport !== 'tcp') return '';
      draft.transport = 'tcp';
      return `tcp flags ${random.one(['syn', '& (syn | ack) == syn', '& (fin | syn | rst | ack) != syn', 'ack', '! syn', '== syn'])}`;
    case 'other':
      return other(draft);
  }
}

const no = ({ random }: Draft): string => random.one(['', '', '', '!= ']);

function span(draft: Draft): string {
  const { vips, pods } = pool(draft);
  const [low, high] = draft.random.some([...vips.slice(0, 3), ...pods], 2, 2).sort((a, b) => compare(a, b)) as [
    string,
    string,
  ];
  return `${low}-${high}`;
}

function compare(a: string, b: string): number {
  const bytes = (text: string): string =>
    text.includes(':')
      ? expand(text)
      : text
          .split('.')
          .map((part) => part.padStart(3, '0'))
          .join('.');
  return bytes(a) < bytes(b) ? -1 : 1;
}

function expand(text: string): string {
  const [head = '', tail = ''] = text.split('::');
  const left = head.split(':').filter(Boolean);
  const right = tail.split(':').filter(Boolean);
  const middle = new Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...middle, ...right].map((group) => group.padStart(4, '0')).join(':');
}

function address(draft: Draft): string {
  const { random } = draft;
  const field = random.one(['daddr', 'daddr', 'saddr']);
  const of = (): string => (field === 'daddr' ? destination(draft) : source(draft));
  const { nets, disjoint } = pool(draft);
  const form = random.weighted({ one: 7, net: 4, span: 2, anonymous: 3, set: 2, interval: 2, mask: 1 });
  const sense = no(draft);
  switch (form) {
    case 'one':
      return `${ip(draft)} ${field} ${sense}${of()}`;
    case 'net':
      return `${ip(draft)} ${field} ${sense}${random.one(nets)}`;
    case 'span':
      return `${ip(draft)} ${field} ${sense}${span(draft)}`;
    case 'anonymous':
      return `${ip(draft)} ${field} ${sense}{ ${different(draft, of, 4).join(', ')} }`;
    case 'set':
      return `${ip(draft)} ${field} ${sense}${draft.define('set', addressType(draft), different(draft, of, 4), false)}`;
    case 'interval':
      return `${ip(draft)} ${field} ${sense}${draft.define('set', addressType(draft), random.some(disjoint, 2, 3), true)}`;
    case 'mask':
      return draft.family === 4
        ? `ip ${field} & ${random.one(['0.0.0.255', '0.0.255.3'])} == ${random.one(['0.0.0.5', '0.0.0.20', '0.0.3.1'])}`
        : `ip6 ${field} & ::ff ${random.one(['==', '!='])} ${random.one(['::5', '::20'])}`;
  }
}

function ports(draft: Draft): string {
  const { random } = draft;
  if (draft.transport && draft.transport !== 'some') return '';
  const [low, high] = random.some(PORTS, 2, 2).sort((a, b) => a - b) as [number, number];
  const values = [
    `${low}`,
    `${low}`,
    `${low}-${high}`,
    `{ ${random.some(PORTS, 2, 3).join(', ')} }`,
    '{ 1-70, 8000-8500 }',
  ];
  const form = random.one([...values.map((value) => `${no(draft)}${value}`), `>= ${high}`, `< ${high}`, `> ${low}`]);
  if (draft.transport === 'some') return `th dport ${form}`;
  const protocol = random.one([...TRANSPORTS, 'th', 'sport']);
  if (protocol === 'sport') {
    draft.transport = 'tcp';
    return `tcp sport ${random.one(['1024-65535', '!= 22', '< 1024'])}`;
  }
  draft.transport = protocol === 'th' ? 'some' : protocol;
  return protocol === 'th' ? `meta l4proto { tcp, udp, sctp } th dport ${form}` : `${protocol} dport ${form}`;
}

function protocol(draft: Draft): string {
  const { random } = draft;
  if (draft.transport) return '';
  const chosen = random.one(['tcp', 'udp', '{ tcp, udp }', '{ tcp, sctp }', draft.family === 4 ? 'icmp' : 'ipv6-icmp']);
  const sense = no(draft);
  draft.transport = sense || chosen.startsWith('{') ? 'other' : chosen.includes('icmp') ? 'icmp' : chosen;
  if (draft.family === 4 && random.chance(0.2)) return `ip protocol ${sense}${chosen}`;
  return `meta l4proto ${sense}${chosen}`;
}

function interfaceName(draft: Draft): string {
  const { random } = draft;
  const side = random.one(['i', 'o']);
  if (random.chance(0.15)) return `${side}if ${no(draft)}"${random.one(INTERFACES)}"`;
  const names = [...INTERFACES.map((name) => `"${name}"`), '"eth*"', '{ "eth0", "cni0" }', '{ "eth*", "lo" }'];
  return `${side}ifname ${no(draft)}${random.one(names)}`;
}

function marked(draft: Draft, of: string): string {
  const m = mark(draft);
  const other = mark(draft);
  return `${of} mark ${draft.random.one([
    m,
    `& ${m} == ${m}`,
    `& ${m} != ${m}`,
    `& ${m} == 0`,
    `& ${m} != 0`,
    `!= ${m}`,
    `{ ${m}, 0x0 }`,
    `0x1-${other}`,
    `> ${m}`,
  ])}`.replace('0x1-0x1', '0x1');
}

function original(draft: Draft): string {
  const { random } = draft;
  const { nets } = pool(draft);
  return random.one([
    `ct original ${ip(draft)} daddr ${no(draft)}${random.one([destination(draft), random.one(nets)])}`,
    `ct original ${ip(draft)} daddr { ${different(draft, () => destination(draft), 3).join(', ')} }`,
    `ct original ${ip(draft)} saddr ${no(draft)}${source(draft)}`,
    `ct reply ${ip(draft)} saddr ${no(draft)}${random.one([random.one(pool(draft).pods), destination(draft)])}`,
    'ct direction original',
  ]);
}

function fib(draft: Draft): string {
  const { random, hook } = draft;
  const types = ['local', 'local', '!= local', 'unicast', '{ local, unicast }'];
  const choices = [`fib ${random.one(['daddr', 'daddr', 'saddr'])} type ${random.one(types)}`];
  // These need an incoming interface, and nft accepts them where every packet has one.
  if (hook === 'prerouting')
    choices.push(
      `fib saddr . iif oif ${random.one(['missing', 'exists'])}`,
      `fib daddr . iif type ${random.one(['local', '!= local'])}`,
      `fib saddr oifname ${no(draft)}"${random.one(INTERFACES)}"`,
    );
  return random.one(choices);
}

function concat(draft: Draft): string {
  const { random } = draft;
  const type = addressType(draft);
  const form = random.weighted({ service: 6, interval: 2, interface: 1, hairpin: 1, mark: 1 });
  const daddr = `${ip(draft)} daddr`;
  if (form === 'interface') {
    const elements = different(draft, () => `"${random.one(['eth0', 'cni0', 'lo'])}" . ${destination(draft)}`, 5);
    return `iifname . ${daddr} ${no(draft)}{ ${elements.join(', ')} }`;
  }
  if (form === 'mark') {
    const elements = different(draft, () => `${random.one(['0x0', mark(draft)])} . ${destination(draft)}`, 5);
    return `meta mark . ${daddr} ${no(draft)}${draft.define('set', `mark . ${type}`, elements, false)}`;
  }
  if (form === 'hairpin') {
    const { pods } = pool(draft);
    const elements = different(draft, () => `${source(draft)} . ${random.one(pods)}`, 6);
    return `${ip(draft)} saddr . ${daddr} ${no(draft)}${draft.define('set', `${type} . ${type}`, elements, false)}`;
  }
  if (draft.transport && draft.transport !== 'some') return '';
  const sense = no(draft);
  // What is none of these may be ICMP, whose bytes `th dport` would read all the same.
  draft.transport = sense === '' ? 'some' : 'other';
  const key = `${daddr} . meta l4proto . th dport ${sense}`;
  const service = `${type} . inet_proto . inet_service`;
  if (form === 'interval') {
    const [low, high] = random.some(PORTS, 2, 2).sort((a, b) => a - b) as [number, number];
    const elements = [
      `${random.one(pool(draft).nets.slice(0, 4))} . tcp . ${low}-${high}`,
      `${pool(draft).local[0]} . udp . ${port(draft)}`,
      `${random.one(pool(draft).nets.slice(0, 4))} . sctp . 1-65535`,
    ];
    return `${key}${draft.define('set', service, elements, true)}`;
  }
  const elements = different(draft, () => `${destination(draft)} . ${random.one(TRANSPORTS)} . ${port(draft)}`, 8);
  return `${key}${random.chance(0.6) ? draft.define('set', service, elements, false) : `{ ${elements.join(', ')} }`}`;
}

function other(draft: Draft): string {
  const { random, family, table } = draft;
  const choices = ['meta pkttype host', `meta protocol ${family === 4 ? 'ip' : 'ip6'}`];
  if (table === 'inet') choices.push('meta nfproto ipv4', 'meta nfproto ipv6', 'meta nfproto { ipv4, ipv6 }');
  return random.one(choices);
}

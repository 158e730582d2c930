import { addressType, destination, different, ip, mark, pool, port, type Draft } from './random-rules.ts';

const TRANSPORTS = ['tcp', 'tcp', 'udp', 'sctp'] as const;

/** What a rule does: its last words. */
export function randomAction(draft: Draft, kind: 'filter' | 'destination' | 'source'): string {
  const { random, hook, type, priority } = draft;
  const early = (hook === 'prerouting' || hook === 'output') && priority < -200;
  const form = random.weighted({
    verdict: 5,
    vmap: 3,
    mark: 3,
    ctmark: 1,
    nothing: 0.5,
    return: 1,
    accept: kind === 'filter' ? 1.5 : 0,
    drop: kind === 'filter' ? 0.3 : 0,
    reject: kind === 'filter' && /^(prerouting|input|forward|output)$/.test(hook) ? 1 : 0,
    notrack: type === 'filter' && early ? 0.3 : 0,
    dnat: kind === 'destination' ? 8 : 0,
    redirect: kind === 'destination' ? 1.2 : 0,
    snat: kind === 'source' ? 2 : 0,
    masquerade: kind === 'source' && hook === 'postrouting' ? 4 : 0,
  });
  switch (form) {
    case 'verdict':
      return verdict(draft);
    case 'vmap':
      return vmap(draft);
    case 'mark':
      return setMark(draft, 'meta', 'ct');
    case 'ctmark':
      return setMark(draft, 'ct', 'meta');
    case 'nothing':
      return '';
    case 'reject':
      return reject(draft);
    case 'dnat':
      return dnat(draft);
    case 'redirect':
      return redirect(draft);
    case 'snat': {
      const { sources } = pool(draft);
      const to = random.one([sources[0], sources[1], `${sources[0]}-${sources[1]}`]);
      return `snat${familyWord(draft)} to ${to}${random.one(['', ' fully-random', ' persistent'])}`;
    }
    case 'masquerade':
      return random.one(['masquerade fully-random', 'masquerade random']);
    default:
      return form;
  }
}

function verdict({ random, below }: Draft): string {
  if (below.length > 0 && random.chance(0.7)) return `${random.one(['jump', 'jump', 'goto'])} ${random.one(below)}`;
  return random.one(['accept', 'return', 'accept', 'continue', ...(random.chance(0.2) ? ['drop'] : [])]);
}

function vmap(draft: Draft): string {
  const { random } = draft;
  const v = (): string => verdict(draft);
  const daddr = `${ip(draft)} daddr`;
  const type = addressType(draft);
  const form = random.weighted({
    numgen: 5,
    service: draft.transport && draft.transport !== 'some' ? 0 : 4,
    interval: 1,
    catchall: 0.7,
    small: 3,
  });
  switch (form) {
    case 'numgen': {
      const n = random.integer(1, 5);
      const offset = random.one([0, 0, 0, 7]);
      const elements = Array.from({ length: n }, (_, i) => `${i + offset} : ${v()}`).filter(
        (_, i) => i === 0 || random.chance(0.85),
      );
      return `numgen random mod ${n}${offset ? ` offset ${offset}` : ''} vmap { ${elements.join(', ')} }`;
    }
    case 'service': {
      const keys = different(draft, () => `${destination(draft)} . ${random.one(TRANSPORTS)} . ${port(draft)}`, 8);
      const elements = keys.map((key) => `${key} : ${v()}`);
      const data = random.chance(0.5)
        ? `{ ${elements.join(', ')} }`
        : draft.define('map', `${type} . inet_proto . inet_service : verdict`, elements, false);
      draft.transport = 'some';
      return `${daddr} . meta l4proto . th dport vmap ${data}`;
    }
    case 'interval':
    case 'catchall': {
      const elements = random.some(pool(draft).disjoint, 2, 3).map((net) => `${net} : ${v()}`);
      if (form === 'catchall') elements.push(`* : ${v()}`);
      return `${daddr} vmap ${draft.define('map', `${type} : verdict`, elements, true)}`;
    }
    case 'small': {
      const choices = [
        `iifname vmap { "eth0" : ${v()}, "cni0" : ${v()} }`,
        `${daddr} vmap { ${different(draft, () => destination(draft), 4)
          .map((key) => `${key} : ${v()}`)
          .join(', ')} }`,
        `ct state vmap { established : accept, new : ${v()} }`,
        `meta mark vmap { ${mark(draft)} : ${v()}, 0x0 : ${v()} }`,
        `ct mark vmap { 0x0 : ${v()}, 0x2 : ${v()} }`,
        `fib daddr type vmap { local : ${v()}, unicast : ${v()} }`,
      ];
      if (!draft.transport)
        choices.push(
          `meta l4proto vmap { tcp : ${v()}, udp : ${v()} }`,
          `tcp dport vmap { 80 : ${v()}, 400-9000 : ${v()} }`,
        );
      return random.one(choices);
    }
  }
}

function setMark(draft: Draft, of: string, from: string): string {
  const [m, mask] = [mark(draft), mark(draft)];
  const { random } = draft;
  const addresses = different(draft, () => destination(draft), 4);
  return `${of} mark set ${random.one([
    m,
    `${of} mark or ${m}`,
    `${of} mark and ${mask}`,
    `${of} mark xor ${m}`,
    `${of} mark and ${mask} or ${m}`,
    `${from} mark`,
    `${from} mark and ${mask}`,
    `${ip(draft)} daddr map { ${addresses.map((address) => `${address} : ${mark(draft)}`).join(', ')} }`,
    `numgen random mod 2 offset 1`,
  ])}`;
}

function reject(draft: Draft): string {
  const { random, table, transport } = draft;
  const forms = ['reject', 'reject'];
  if (!transport || transport === 'tcp') forms.push('reject with tcp reset');
  if (table === 'inet')
    forms.push(`reject with icmpx ${random.one(['admin-prohibited', 'no-route', 'host-unreachable'])}`);
  else if (draft.family === 4)
    forms.push(`reject with icmp ${random.one(['admin-prohibited', 'host-unreachable', 'net-unreachable'])}`);
  else forms.push(`reject with icmpv6 ${random.one(['admin-prohibited', 'addr-unreachable', 'no-route'])}`);
  return random.one(forms);
}

/** In an inet table the family of a translation must be told. */
function familyWord(draft: Draft): string {
  return draft.table === 'inet' ? ` ${ip(draft)}` : '';
}

/** Ports can be translated where the rule asks for a protocol that has some; undefined where it asks for something else. */
function ported(draft: Draft): string | undefined {
  if (draft.transport === 'tcp' || draft.transport === 'udp' || draft.transport === 'sctp') return '';
  if (draft.transport) return undefined;
  const protocol = draft.random.one(['tcp', 'udp', '{ tcp, udp, sctp }']);
  return `meta l4proto ${protocol} `;
}

function withPort(draft: Draft, address: string, ports: string | number): string {
  return draft.family === 6 ? `[${address}]:${ports}` : `${address}:${ports}`;
}

function redirect(draft: Draft): string {
  const { random } = draft;
  const prefix = ported(draft);
  if (prefix === undefined || random.chance(0.3)) return 'redirect';
  return `${prefix}redirect to :${random.one([port(draft), '8000-8003', '8000-8003 random', '8079-8081'])}`;
}

function dnat(draft: Draft): string {
  const { random } = draft;
  const type = addressType(draft);
  const { pods, local } = pool(draft);
  const to = (): string => random.one([...pods, ...pods, ...pods, ...local]);
  const plain = `dnat${familyWord(draft)} to`;
  const joint = `dnat ${ip(draft)} addr . port to`;
  const numbered = (value: () => string): string => {
    const n = random.integer(1, 4);
    return `numgen random mod ${n} map { ${Array.from({ length: n }, (_, i) => `${i} : ${value()}`).join(', ')} }`;
  };
  const prefix = ported(draft);
  const form = random.weighted({
    address: 2,
    addresses: 1.5,
    map: 1,
    range: 0.7,
    port: prefix === undefined ? 0 : 3,
    ports: prefix === undefined ? 0 : 1,
    endpoints: prefix === undefined ? 0 : 2,
    joined: draft.transport === undefined || draft.transport === 'tcp' ? 1 : 0,
  });
  switch (form) {
    case 'address':
      return `${plain} ${to()}`;
    case 'addresses':
      return `${plain} ${numbered(to)}`;
    case 'map': {
      const elements = different(draft, () => destination(draft), 4).map((key) => `${key} : ${to()}`);
      return `${plain} ${ip(draft)} daddr map ${random.chance(0.5) ? `{ ${elements.join(', ')} }` : draft.define('map', `${type} : ${type}`, elements, false)}`;
    }
    case 'range':
      return `${plain} ${pods[0]}-${pods[2]}${random.one(['', ' persistent'])}`;
    case 'port':
      return `${prefix}${plain} ${withPort(draft, to(), port(draft))}`;
    case 'ports':
      return `${prefix}${plain} ${withPort(draft, to(), random.one(['8000-8003', '8079-8081', '50-60 random', '442-444 fully-random']))}`;
    case 'endpoints':
      return `${prefix}${joint} ${numbered(() => `${to()} . ${port(draft)}`)}`;
    case 'joined': {
      const keys = different(draft, () => `${destination(draft)} . ${port(draft)}`, 9);
      const elements = keys.map((key) => `${key} : ${to()} . ${port(draft)}`);
      const map = draft.define('map', `${type} . inet_service : ${type} . inet_service`, elements, false);
      return `${joint} ${ip(draft)} daddr . tcp dport map ${map}`;
    }
  }
}

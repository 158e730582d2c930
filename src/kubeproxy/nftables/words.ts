/** The phrases that the rules of all generations share, in one family's words. */
import type { Json, NftFamily, Statement } from './objects.ts';
import { concat, daddr, dport, fibType, is, isNot, l4proto, saddr } from './statements.ts';

export interface Words {
  readonly family: NftFamily;
  /** `ipv4_addr`: the type of an address in a set. */
  readonly address: 'ipv4_addr' | 'ipv6_addr';
  readonly saddr: Json;
  readonly daddr: Json;
  /** `ip daddr . meta l4proto . th dport`: where a packet goes. */
  readonly destination: Json;
  /** The type of such a destination in a set. */
  readonly destinationType: readonly string[];
  /** `ip daddr 127.0.0.0/8`, `ip6 daddr ::1` */
  readonly loopback: Statement;
  /** `ip daddr != 127.0.0.0/8` */
  readonly notLoopback: Statement;
}

/** `meta l4proto . th dport`: where a packet to a node port goes. */
export const port = concat(l4proto, dport);
export const PORT_TYPE: readonly string[] = ['inet_proto', 'inet_service'];

/** `fib daddr type local`: to an address of the node. */
export const toLocal: Statement = is(fibType('daddr'), 'local');
/** `fib saddr type local`: from the node itself. */
export const fromLocal: Statement = is(fibType('saddr'), 'local');

function words(family: NftFamily, address: Words['address'], loopback: Json): Words {
  const to = daddr(family);
  return {
    family,
    address,
    saddr: saddr(family),
    daddr: to,
    destination: concat(to, l4proto, dport),
    destinationType: [address, ...PORT_TYPE],
    loopback: is(to, loopback),
    notLoopback: isNot(to, loopback),
  };
}

const WORDS = {
  ip: words('ip', 'ipv4_addr', { prefix: { addr: '127.0.0.0', len: 8 } }),
  ip6: words('ip6', 'ipv6_addr', '::1'),
};

export function wordsOf(family: NftFamily): Words {
  return WORDS[family];
}

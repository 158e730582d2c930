import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatAddress, formatEndpoint, parseAddress, parsePrefix } from '../../../src/netfilter/address.ts';
import { programOf } from '../../../src/netfilter/program-of.ts';
import { trace } from '../../../src/netfilter/trace.ts';
import type { NodeNetwork, Outcome, PacketCase } from '../../../src/netfilter/outcome.ts';

const network: NodeNetwork = {
  interfaces: ['eth0', 'cni0'],
  addresses: (
    [
      ['172.18.0.2', 16, 'eth0'],
      ['10.244.1.254', 24, 'cni0'],
      ['fd00:18::2', 64, 'eth0'],
    ] as const
  ).map(([address, length, name]) => ({ address: parseAddress(address)!, length, interface: name })),
  routes: ['0.0.0.0/0', '::/0'].map((prefix) => ({ prefix: parsePrefix(prefix)!, interface: 'eth0' })),
};

interface Case {
  readonly in?: string;
  readonly src?: string;
  readonly dst?: string;
  readonly proto?: PacketCase['protocol'];
  readonly dport?: number;
  readonly state?: PacketCase['state'];
}

/** Outcomes of a packet from outside to 10.244.1.5:80, unless the case says otherwise. */
function outcomes(rules: string, given: Case = {}): Outcome[] {
  const program = programOf([{ name: 'nft.txt', text: rules }]);
  assert.deepEqual(program.problems, []);
  const protocol = given.proto ?? 'tcp';
  return trace(program, network, {
    in: given.in ?? 'eth0',
    source: parseAddress(given.src ?? '203.0.113.9')!,
    destination: parseAddress(given.dst ?? '10.244.1.5')!,
    protocol,
    ...(protocol === 'icmp' ? {} : { destinationPort: given.dport ?? 80 }),
    ...(given.state ? { state: given.state } : {}),
  });
}

/** "accept 10.0.0.1:80", "drop", "reject icmp-port-unreachable", each with its share where that is not 1. */
function ends(rules: string, given: Case = {}): string[] {
  return outcomes(rules, given)
    .map((outcome) => {
      const to = outcome.verdict === 'accept' ? ` ${formatEndpoint(outcome.destination, outcome.destinationPort)}` : '';
      const source = outcome.masquerade ? ` from ${outcome.source ? formatAddress(outcome.source) : '?'}` : '';
      const assumed = outcome.assumptions.map(({ words, holds }) => ` ${holds ? 'if' : 'unless'} ${words}`).join('');
      const share = outcome.probability === 1 ? '' : ` ${outcome.probability.toFixed(3)}`;
      return `${outcome.verdict}${to}${outcome.rejectWith ? ` ${outcome.rejectWith}` : ''}${source}${share}${assumed}`;
    })
    .sort();
}

/** A table with one base chain, and more before it. */
function chain(
  hook: string,
  priority: string,
  rules: readonly string[],
  more = '',
  type = 'filter',
  family = 'ip',
): string {
  const lines = rules.map((rule) => `\t\t${rule}\n`).join('');
  return `table ${family} t {\n${more}\tchain base {\n\t\ttype ${type} hook ${hook} priority ${priority}; policy accept;\n${lines}\t}\n}\n`;
}

const FORWARDED = ['accept 10.244.1.5:80'];

describe('goto, jump and the end of a chain', () => {
  const more = '\tchain empty {\n\t}\n\tchain called {\n\t\tgoto empty\n\t\tdrop\n\t}\n';

  it('what goto leads to returns to behind the last jump', () => {
    assert.deepEqual(ends(chain('forward', 'filter', ['jump called', 'reject'], more)), [
      'reject icmp-port-unreachable',
    ]);
  });

  it('a goto from a base chain ends in its policy', () => {
    assert.deepEqual(ends(chain('forward', 'filter', ['goto empty', 'drop'], more)), FORWARDED);
  });

  it('a verdict map without the key goes on behind the rule', () => {
    assert.deepEqual(ends(chain('forward', 'filter', ['tcp dport vmap { 81 : accept }', 'drop'])), ['drop']);
    assert.deepEqual(ends(chain('forward', 'filter', ['tcp dport vmap { 80 : accept }', 'drop'])), FORWARDED);
    assert.deepEqual(ends(chain('forward', 'filter', ['tcp dport vmap { 80 : continue }', 'drop'])), ['drop']);
  });
});

describe('conntrack', () => {
  it('is not there yet in raw: the state is INVALID, and mark, status and tuple break the rule off', () => {
    for (const match of ['ct state new', 'ct mark 0x0', 'ct status ! dnat', 'ct original ip daddr 10.0.0.0/8'])
      assert.deepEqual(ends(chain('prerouting', 'raw', [`${match} drop`])), FORWARDED, match);
    assert.deepEqual(ends(chain('prerouting', 'raw', ['ct state invalid drop'])), ['drop']);
    assert.deepEqual(ends(chain('prerouting', 'mangle', ['ct state new drop'])), ['drop']);
  });

  it('leaves what is not tracked alone, and nat does, too', () => {
    const rules =
      chain('prerouting', 'raw', ['notrack']) +
      chain('prerouting', 'dstnat', ['dnat to 10.244.1.6'], '', 'nat').replace('table ip t', 'table ip u') +
      chain('forward', 'filter', ['ct state untracked accept', 'drop']).replace('table ip t', 'table ip v');
    assert.deepEqual(ends(rules), FORWARDED);
  });

  it('has whole words for == and bits for a name alone', () => {
    const nat = chain('prerouting', 'dstnat', ['dnat to 10.244.1.6'], '', 'nat').replace('table ip t', 'table ip u');
    const after = (match: string): string[] => ends(nat + chain('forward', 'filter', [`${match} drop`]));
    assert.deepEqual(after('ct status dnat'), ['drop']);
    assert.deepEqual(after('ct status snat,dnat'), ['drop']);
    assert.deepEqual(after('ct status ! dnat'), ['accept 10.244.1.6:80']);
    assert.deepEqual(after('ct status == dnat'), ['accept 10.244.1.6:80']);
    assert.deepEqual(after('ct status != dnat'), ['drop']);
  });

  it('does not call a packet translated that went where it was sent', () => {
    const nat = chain('prerouting', 'dstnat', ['dnat to 10.244.1.5'], '', 'nat').replace('table ip t', 'table ip u');
    assert.deepEqual(ends(nat + chain('forward', 'filter', ['ct status dnat drop'])), FORWARDED);
  });
});

describe('interfaces', () => {
  it('that are not there have an empty name, which differs from every other', () => {
    assert.deepEqual(ends(chain('prerouting', 'mangle', ['oifname != "eth0" drop'])), ['drop']);
    assert.deepEqual(ends(chain('prerouting', 'mangle', ['oifname "eth*" drop'])), FORWARDED);
    assert.deepEqual(ends(chain('output', 'filter', ['iifname != "cni0" drop']), { in: 'local', src: '172.18.0.2' }), [
      'drop',
    ]);
  });
});

describe('nat chains', () => {
  it('all stand at the place of the nat core', () => {
    const early = chain('prerouting', '-300', ['dnat to 10.244.1.6'], '', 'nat').replace('table ip t', 'table ip u');
    assert.deepEqual(ends(early + chain('prerouting', '-150', ['ip daddr 10.244.1.6 drop'])), ['accept 10.244.1.6:80']);
    assert.deepEqual(ends(early + chain('prerouting', '-90', ['ip daddr 10.244.1.6 drop'])), ['drop']);
  });

  it('are asked one after the other until one translates', () => {
    const first = chain('prerouting', '-110', ['accept'], '', 'nat').replace('table ip t', 'table ip u');
    assert.deepEqual(ends(first + chain('prerouting', '-100', ['dnat to 10.244.1.6'], '', 'nat')), [
      'accept 10.244.1.6:80',
    ]);
  });

  it('send to the port that was asked for if it lies in the range', () => {
    const to = (range: string): string[] =>
      ends(chain('prerouting', 'dstnat', [`meta l4proto tcp dnat to 10.244.1.6:${range}`], '', 'nat'));
    assert.deepEqual(to('79-81'), ['accept 10.244.1.6:80']);
    assert.deepEqual(to('90-91'), ['accept 10.244.1.6:90']);
    assert.deepEqual(to('90-91 random'), ['accept 10.244.1.6:90 0.500', 'accept 10.244.1.6:91 0.500']);
  });

  it('redirect to the address of the interface, or to loopback from the node itself', () => {
    const rules = ['meta l4proto tcp redirect to :8080'];
    assert.deepEqual(ends(chain('prerouting', 'dstnat', rules, '', 'nat')), ['accept 172.18.0.2:8080']);
    assert.deepEqual(ends(chain('output', '-100', rules, '', 'nat'), { in: 'local', src: '172.18.0.2' }), [
      'accept 127.0.0.1:8080',
    ]);
  });

  it('masquerade with the address of the way out', () => {
    const rules = chain('postrouting', 'srcnat', ['masquerade fully-random'], '', 'nat');
    assert.deepEqual(ends(rules), ['accept 10.244.1.5:80 from 10.244.1.254']);
  });

  it('of an inet table translate one family and let the other pass', () => {
    const rules = chain('prerouting', 'dstnat', ['dnat ip to 10.244.1.6', 'dnat ip6 to fd00::6'], '', 'nat', 'inet');
    assert.deepEqual(ends(rules), ['accept 10.244.1.6:80']);
    assert.deepEqual(ends(rules, { src: '2001:db8::9', dst: 'fd00::5' }), ['accept [fd00::6]:80']);
  });
});

describe('sets and maps', () => {
  const interval =
    '\tset nets {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = { 10.0.0.0/24, 10.244.0.0/16,\n\t\t\t     192.0.2.1-192.0.2.9 }\n\t}\n';

  it('of intervals hold what lies in them', () => {
    assert.deepEqual(ends(chain('forward', 'filter', ['ip daddr @nets drop'], interval)), ['drop']);
    assert.deepEqual(ends(chain('forward', 'filter', ['ip saddr @nets drop'], interval)), FORWARDED);
    assert.deepEqual(ends(chain('forward', 'filter', ['ip daddr != @nets drop'], interval)), FORWARDED);
    assert.deepEqual(ends(chain('forward', 'filter', ['ip saddr @nets drop'], interval), { src: '192.0.2.9' }), [
      'drop',
    ]);
  });

  it('of concatenated intervals hold what lies in all parts', () => {
    const set =
      '\tset s {\n\t\ttype ipv4_addr . inet_service\n\t\tflags interval\n\t\telements = { 10.244.0.0/16 . 70-90, 10.244.1.5 . 443 }\n\t}\n';
    assert.deepEqual(ends(chain('forward', 'filter', ['ip daddr . tcp dport @s drop'], set)), ['drop']);
    assert.deepEqual(ends(chain('forward', 'filter', ['ip daddr . tcp dport @s drop'], set), { dport: 443 }), ['drop']);
    assert.deepEqual(ends(chain('forward', 'filter', ['ip daddr . tcp dport @s drop'], set), { dport: 444 }), [
      'accept 10.244.1.5:444',
    ]);
  });

  it('may have an element for all others', () => {
    const map =
      '\tmap m {\n\t\ttype ipv4_addr : verdict\n\t\tflags interval\n\t\telements = { 10.0.0.0/16 : accept, * : drop }\n\t}\n';
    assert.deepEqual(ends(chain('forward', 'filter', ['ip daddr vmap @m'], map)), ['drop']);
  });

  it('that are not in the dump make an assumption', () => {
    assert.deepEqual(ends(chain('forward', 'filter', ['ip saddr @gone drop'])), [
      'accept 10.244.1.5:80 unless "ip saddr @gone" holds in rule 1 of chain base of table ip t, whose set is not in the dump,',
      'drop if "ip saddr @gone" holds in rule 1 of chain base of table ip t, whose set is not in the dump,',
    ]);
  });

  it('of a client that nobody remembers need no assumption, and those that are listed are known', () => {
    const affinity =
      '\tset affinity-x {\n\t\ttype ipv4_addr\n\t\tsize 65535\n\t\tflags dynamic,timeout\n\t\ttimeout 10m\n\t\telements = { 203.0.113.7 expires 9m1s }\n\t}\n';
    const rules = ['ip saddr @affinity-x drop', 'update @affinity-x { ip saddr }', 'ip saddr @affinity-x reject'];
    assert.deepEqual(ends(chain('forward', 'filter', rules.slice(0, 1), affinity)), FORWARDED);
    assert.deepEqual(ends(chain('forward', 'filter', rules.slice(0, 1), affinity), { src: '203.0.113.7' }), ['drop']);
    assert.deepEqual(ends(chain('forward', 'filter', rules, affinity)), ['reject icmp-port-unreachable']);
  });
});

describe('chance', () => {
  it('of numgen is shared out by the map, and what it lacks falls through', () => {
    assert.deepEqual(
      ends(chain('forward', 'filter', ['numgen random mod 4 vmap { 0 : drop, 1 : accept }', 'reject'])),
      ['accept 10.244.1.5:80 0.250', 'drop 0.250', 'reject icmp-port-unreachable 0.500'],
    );
    assert.deepEqual(ends(chain('forward', 'filter', ['numgen random mod 4 offset 10 { 10, 12 } drop'])), [
      'accept 10.244.1.5:80 0.500',
      'drop 0.500',
    ]);
  });

  it('of `meta random` is what iptables wrote as a probability', () => {
    assert.deepEqual(ends(chain('forward', 'filter', ['meta random & 2147483647 < 715827883 drop'])), [
      'accept 10.244.1.5:80 0.667',
      'drop 0.333',
    ]);
  });

  it('is none for a hash, which gives a packet the same each time', () => {
    const rules = ['meta mark set jhash ip saddr mod 2', 'meta mark 0x0 drop', 'meta mark 0x1 reject'];
    assert.deepEqual(ends(chain('forward', 'filter', rules)), [
      'drop if "jhash ip saddr mod 2" gives 0 for this packet',
      'reject icmp-port-unreachable unless "jhash ip saddr mod 2" gives 0 for this packet',
    ]);
  });
});

describe('what no dump says', () => {
  it('is an assumption: limits, quotas, queues', () => {
    assert.deepEqual(ends(chain('forward', 'filter', ['limit rate 5/second accept', 'drop'])), [
      'accept 10.244.1.5:80 if "limit rate 5/second" lets the packet go on in rule 1 of chain base of table ip t',
      'drop unless "limit rate 5/second" lets the packet go on in rule 1 of chain base of table ip t',
    ]);
    assert.deepEqual(ends(chain('forward', 'filter', ['queue to 3', 'drop'])), [
      'accept 10.244.1.5:80 if the program behind "queue to 3" lets the packet pass in rule 1 of chain base of table ip t',
      'drop unless the program behind "queue to 3" lets the packet pass in rule 1 of chain base of table ip t',
    ]);
  });

  it('is an assumption: words that cannot be read', () => {
    assert.deepEqual(ends(chain('forward', 'filter', ['frobnicate drop'])), [
      'accept 10.244.1.5:80 unless "frobnicate", which cannot be read, matches in rule 1 of chain base of table ip t',
      'drop if "frobnicate", which cannot be read, matches in rule 1 of chain base of table ip t',
    ]);
  });
});

describe('protocols', () => {
  it('without ports match no port, nor its opposite', () => {
    for (const match of [
      'tcp dport 80',
      'tcp dport != 80',
      'udp dport 53',
      'icmpv6 type echo-request',
      'ip6 daddr != ::1',
    ])
      assert.deepEqual(
        ends(chain('forward', 'filter', [`${match} drop`], '', 'filter', 'inet'), { proto: 'icmp' }),
        ['accept 10.244.1.5'],
        match,
      );
  });

  it('reject in their own words', () => {
    const reject = (rule: string, family = 'inet', given: Case = {}): string[] =>
      ends(chain('forward', 'filter', [rule], '', 'filter', family), given);
    const six = { src: '2001:db8::9', dst: 'fd00::5' };
    assert.deepEqual(reject('reject'), ['reject icmp-port-unreachable']);
    assert.deepEqual(reject('reject', 'inet', six), ['reject icmp6-port-unreachable']);
    assert.deepEqual(reject('reject with icmpx admin-prohibited', 'inet', six), ['reject icmp6-adm-prohibited']);
    assert.deepEqual(reject('reject with icmp host-unreachable', 'inet', six), ['accept [fd00::5]:80']);
    assert.deepEqual(reject('reject with tcp reset'), ['reject tcp-reset']);
    assert.deepEqual(reject('reject with tcp reset', 'ip', { proto: 'udp' }), ['accept 10.244.1.5:80']);
  });
});

describe('tables', () => {
  it('that are dormant or belong to other families are not walked', () => {
    const drop = chain('forward', 'filter', ['drop']);
    assert.deepEqual(ends(drop.replace('{\n', '{\n\tflags dormant\n\n')), FORWARDED);
    assert.deepEqual(ends(drop.replace('table ip', 'table bridge')), FORWARDED);
    assert.deepEqual(ends(drop.replace('table ip', 'table ip6')), FORWARDED);
    assert.deepEqual(ends(drop.replace('table ip', 'table inet')), ['drop']);
  });
});

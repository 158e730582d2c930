import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePrefix } from '../../src/netfilter/address.ts';
import { programOf } from '../../src/netfilter/program-of.ts';
import { trace } from '../../src/netfilter/trace.ts';
import { follow, NETWORK, packet, told } from './follow.ts';

const TO_VIP = packet('eth0 203.0.113.9 -> 10.96.0.10 tcp 80');
const FROM_NODE = packet('local 172.18.0.2 -> 10.96.0.10 tcp 80');

test('accept ends its base chain alone; the chains of later tables still see the packet', () => {
  const rules = `*mangle
:FORWARD ACCEPT [0:0]
-A FORWARD -j ACCEPT
-A FORWARD -j DROP
COMMIT
*filter
:FORWARD ACCEPT [0:0]
-A FORWARD -p tcp -j REJECT --reject-with tcp-reset
COMMIT
`;
  const outcomes = follow(rules, TO_VIP);
  assert.deepEqual(told(outcomes), ['1 reject tcp-reset 10.96.0.10:80']);
  assert.deepEqual(
    outcomes[0]!.path.map(({ table, effect, place }) => [table, effect, place?.line]),
    [
      ['mangle', 'accept', 3],
      ['filter', 'reject', 8],
    ],
  );
});

test('what falls off a base chain meets its policy, and RETURN in it does, too', () => {
  for (const rule of ['', '-A FORWARD -j RETURN\n-A FORWARD -j ACCEPT\n']) {
    const outcomes = follow(`*filter\n:FORWARD DROP [0:0]\n${rule}COMMIT\n`, TO_VIP);
    assert.deepEqual(told(outcomes), ['1 drop 10.96.0.10:80']);
    assert.equal(outcomes[0]!.path.at(-1)!.rule, 'policy DROP');
  }
});

test('a jump comes back behind itself, a goto behind the last jump', () => {
  const rules = (how: string): string => `*filter
:FORWARD DROP [0:0]
:A - [0:0]
:B - [0:0]
-A FORWARD -j A
-A FORWARD -p tcp -j REJECT --reject-with tcp-reset
-A A -${how} B
-A A -j ACCEPT
-A B -p udp -j DROP
COMMIT
`;
  assert.deepEqual(told(follow(rules('j'), TO_VIP)), ['1 accept 10.96.0.10:80']);
  assert.deepEqual(told(follow(rules('g'), TO_VIP)), ['1 reject tcp-reset 10.96.0.10:80']);
});

test('a packet from outside that is translated to the node itself meets INPUT, and its masquerade mark stays without effect', () => {
  const rules = `*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -j MARK --set-xmark 0x4000/0x4000
-A PREROUTING -d 10.96.0.10/32 -p tcp -j DNAT --to-destination 172.18.0.2:6443
-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
COMMIT
`;
  const [outcome] = follow(rules, TO_VIP);
  assert.deepEqual(told([outcome!]), ['1 accept 172.18.0.2:6443']);
  assert.deepEqual(outcome!.routing, { delivered: 'local', interface: 'eth0' });
});

test('to its own address a node sends through OUTPUT, POSTROUTING, PREROUTING and INPUT, and nat is asked once', () => {
  const rules = `*mangle
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -i lo -m mark --mark 0x7 -j CONNMARK --save-mark
-A OUTPUT -j MARK --set-mark 0x7
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -j DNAT --to-destination 10.244.1.9
-A OUTPUT -d 10.96.0.10/32 -j DNAT --to-destination 172.18.0.2
COMMIT
*filter
:INPUT ACCEPT [0:0]
-A INPUT -i lo -m connmark --mark 0x7 -m conntrack --ctstate NEW,DNAT -j REJECT
COMMIT
`;
  const outcomes = follow(rules, FROM_NODE);
  assert.deepEqual(told(outcomes), ['1 reject icmp-port-unreachable 172.18.0.2:80']);
  assert.deepEqual(
    outcomes[0]!.path.map(({ hook }) => hook),
    ['output', 'output', 'prerouting', 'input'],
  );
});

test('DNAT to the destination that the packet has already sets no DNAT state', () => {
  const rules = (to: string): string => `*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -j DNAT --to-destination ${to}
COMMIT
*filter
:FORWARD ACCEPT [0:0]
-A FORWARD -m conntrack --ctstate DNAT -j DROP
COMMIT
`;
  assert.deepEqual(told(follow(rules('10.96.0.10:80'), TO_VIP)), ['1 accept 10.96.0.10:80']);
  assert.deepEqual(told(follow(rules('10.96.0.10:81'), TO_VIP)), ['1 drop 10.96.0.10:81']);
});

test('in OUTPUT -o is the interface from before the translation, in POSTROUTING the one after it', () => {
  const rules = `*nat
:OUTPUT ACCEPT [0:0]
-A OUTPUT -d 10.96.0.10/32 -j DNAT --to-destination 10.244.1.5
COMMIT
*filter
:OUTPUT ACCEPT [0:0]
-A OUTPUT -o cni0 -j DROP
COMMIT
*mangle
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o eth0 -j DROP
COMMIT
`;
  const [outcome] = follow(rules, FROM_NODE);
  assert.equal(outcome!.verdict, 'accept');
  assert.deepEqual(outcome!.routing, { delivered: 'forwarded', interface: 'cni0' });
});

test('MASQUERADE takes the address of the interface that the packet leaves by', () => {
  const rules = (to: string): string => `*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -j DNAT --to-destination ${to}
-A POSTROUTING -j MASQUERADE --random-fully
COMMIT
`;
  assert.deepEqual(told(follow(rules('10.244.1.5'), TO_VIP)), ['1 accept 10.244.1.5:80 from 10.244.1.254']);
  assert.deepEqual(told(follow(rules('10.244.2.5'), TO_VIP)), ['1 accept 10.244.2.5:80 from 172.18.0.2']);
  const six = packet('eth0 2001:db8::9 -> fd00:10:96::a tcp 80');
  assert.deepEqual(told(follow(rules('fd00:10:244:1::5'), six)), [
    '1 accept [fd00:10:244:1::5]:80 from fd00:10:244:1::fe',
  ]);
});

const SHARED = `*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -m statistic --mode random --probability 0.25000000000 -j DNAT --to-destination 10.244.1.5
-A PREROUTING -j DNAT --to-destination 10.244.1.6
-A POSTROUTING -d 10.244.1.6/32 -j MASQUERADE --random-fully
COMMIT
*filter
:FORWARD DROP [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
`;

test('a packet of a known connection keeps the answer of the first, and asks no nat rule', () => {
  assert.deepEqual(told(follow(SHARED, TO_VIP)), ['0.75 drop 10.244.1.6:80', '0.25 drop 10.244.1.5:80']);
  const known = follow(SHARED.replace(':FORWARD DROP', ':FORWARD ACCEPT'), { ...TO_VIP, state: 'established' });
  assert.deepEqual(told(known), ['0.75 accept 10.244.1.6:80 from 10.244.1.254', '0.25 accept 10.244.1.5:80']);
  for (const { path } of known)
    assert.deepEqual(
      path.map(({ table, effect }) => [table, effect]),
      [['filter', 'accept']],
    );
});

test('invalid and untracked packets are not translated, related ones are', () => {
  const rules = SHARED.replace('RELATED,ESTABLISHED', 'INVALID,UNTRACKED,RELATED');
  assert.deepEqual(told(follow(rules, { ...TO_VIP, state: 'invalid' })), ['1 accept 10.96.0.10:80']);
  assert.deepEqual(told(follow(rules, { ...TO_VIP, state: 'untracked' })), ['1 accept 10.96.0.10:80']);
  assert.deepEqual(told(follow(rules, { ...TO_VIP, state: 'related' })), [
    '0.75 accept 10.244.1.6:80 from 10.244.1.254',
    '0.25 accept 10.244.1.5:80',
  ]);
});

test('what nobody knows splits the trace, and each way names it', () => {
  const rules = `*filter
:FORWARD ACCEPT [0:0]
-A FORWARD -m limit --limit 5/min -j LOG
-A FORWARD -m time --timestart 08:00:00 -j DROP
COMMIT
`;
  const words = 'the packet fits "-m time --timestart 08:00:00"';
  assert.deepEqual(told(follow(rules, TO_VIP)), [
    `1 drop 10.96.0.10:80 if ${words}`,
    `1 accept 10.96.0.10:80 unless ${words}`,
  ]);
});

test('a port may have its name; a name that no port has is asked, whatever JavaScript calls its own', () => {
  const drop = (port: string): string =>
    `*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -p tcp -m tcp --dport ${port} -j DROP\nCOMMIT\n`;
  assert.deepEqual(told(follow(drop('http'), TO_VIP)), ['1 drop 10.96.0.10:80']);
  const ends = (port: string): readonly string[] =>
    follow(drop(port), TO_VIP).map(({ verdict, assumptions }) => `${verdict}, ${assumptions.length} asked`);
  assert.deepEqual(ends('constructor'), ends('nobodys-port'));
  assert.ok(ends('constructor').some((end) => end.startsWith('drop')));
});

test('a settled assumption is followed one way, and is no assumption any more', () => {
  const rules = '*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m time --timestart 08:00:00 -j DROP\nCOMMIT\n';
  const settled = new Map([['the packet fits "-m time --timestart 08:00:00"', true]]);
  assert.deepEqual(told(follow(rules, TO_VIP, { settled })), ['1 drop 10.96.0.10:80']);
});

test('forty choices that make no difference cost no more than one', () => {
  const unknowns = Array.from(
    { length: 40 },
    (_, i) => `-A FORWARD -m u32 --u32 "${i}=1" -j MARK --set-mark 0x1\n`,
  ).join('');
  const chances = '-A FORWARD -m statistic --mode random --probability 0.5 -j MARK --set-mark 0x2\n'.repeat(40);
  const rules = `*filter\n:FORWARD ACCEPT [0:0]\n${unknowns}${chances}COMMIT\n`;
  const start = performance.now();
  assert.deepEqual(told(follow(rules, TO_VIP)), ['1 accept 10.96.0.10:80']);
  assert.ok(performance.now() - start < 2000);
});

test('chains that call each other in a circle end, and are told', () => {
  const rules =
    '*filter\n:FORWARD ACCEPT [0:0]\n:A - [0:0]\n:B - [0:0]\n-A FORWARD -j A\n-A A -j B\n-A B -j A\nCOMMIT\n';
  const [outcome, ...more] = follow(rules, TO_VIP);
  assert.equal(more.length, 0);
  assert.match(outcome!.assumptions[0]!.words, /the chain A, which calls itself/);
});

test('ten thousand chains, each called by the one before, are no danger to the stack', () => {
  const names = Array.from({ length: 10_000 }, (_, i) => `C${i}`);
  const rules = `*filter\n:FORWARD DROP [0:0]\n${names.map((name) => `:${name} - [0:0]\n`).join('')}-A FORWARD -j C0\n${names
    .map((name, i) => `-A ${name} -j ${i + 1 < names.length ? names[i + 1]! : 'ACCEPT'}\n`)
    .join('')}COMMIT\n`;
  assert.deepEqual(told(follow(rules, TO_VIP)), ['1 accept 10.96.0.10:80']);
});

test('rules that would take a kernel years end with an assumption', () => {
  const names = Array.from({ length: 40 }, (_, i) => `C${i}`);
  const rules = `*filter\n:FORWARD ACCEPT [0:0]\n${names.map((name) => `:${name} - [0:0]\n`).join('')}-A FORWARD -j C0\n${names
    .slice(0, -1)
    .map((name, i) => `-A ${name} -j ${names[i + 1]!}\n`.repeat(2))
    .join('')}COMMIT\n`;
  const outcomes = follow(rules, TO_VIP);
  assert.ok(outcomes.every(({ assumptions }) => assumptions.length > 0));
});

test('where the node has routes and none fits, the packet ends after the rules that come before routing', () => {
  const network = { ...NETWORK, routes: [{ prefix: parsePrefix('192.0.2.0/24')!, interface: 'eth0' }] };
  const program = programOf([{ name: 'iptables-save.txt', text: '*filter\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n' }]);
  assert.deepEqual(told(trace(program, network, TO_VIP)), ['1 drop 10.96.0.10:80']);
  assert.deepEqual(told(trace(program, network, packet('eth0 203.0.113.9 -> 192.0.2.1 tcp 80'))), [
    '1 accept 192.0.2.1:80',
  ]);
});

test('hundreds of unknowns that do make a difference end as well', () => {
  const unknowns = Array.from(
    { length: 300 },
    (_, i) => `-A FORWARD -m u32 --u32 "${i}=1" -j MARK --set-mark 0x1\n`,
  ).join('');
  const outcomes = follow(
    `*filter\n:FORWARD ACCEPT [0:0]\n${unknowns}-A FORWARD -m mark --mark 0x1 -j DROP\nCOMMIT\n`,
    TO_VIP,
  );
  assert.deepEqual(new Set(outcomes.map(({ verdict }) => verdict)), new Set(['accept', 'drop']));
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { programOf } from '../../src/netfilter/program-of.ts';
import { trace } from '../../src/netfilter/trace.ts';
import { disagreement } from './compare.ts';
import { networkOf, NODE, packetOf } from './node.ts';
import { Oracle, type OracleCase } from './oracle.ts';

/** Facts about the kernel that random rules seldom meet, each in the smallest rule set that shows it. */

let oracle: Oracle;
before(() => {
  oracle = new Oracle();
});
after(() => {
  oracle.close();
});

const CLIENT: OracleCase = { in: 'eth0', src: '203.0.113.40', dst: '10.96.0.20', proto: 'tcp', dport: 80, n: 60 };
const LOCAL: OracleCase = { ...CLIENT, in: 'local', src: '172.20.0.2' };

/** Asks both; answers with what became of the packets, in the kernel's words. */
async function agree(rules: string, one: OracleCase, ipset = ''): Promise<Readonly<Record<string, number>>> {
  const six = one.src.includes(':');
  const load = [
    ...(ipset ? [{ run: ['ipset', 'restore'], input: ipset }] : []),
    { run: [six ? 'ip6tables-legacy-restore' : 'iptables-legacy-restore'], input: rules },
  ];
  const list = [[six ? 'ip6tables-legacy-save' : 'iptables-legacy-save'], ...(ipset ? [['ipset', 'save']] : [])];
  const answer = await oracle.ask({ load, network: NODE, cases: [one], list });
  if ('error' in answer) assert.fail(answer.error);
  const [saved = '', sets] = answer.lists;
  const program = programOf([
    { name: six ? 'ip6tables-save.txt' : 'iptables-save.txt', text: saved },
    ...(sets === undefined ? [] : [{ name: 'ipset-save.txt', text: sets }]),
  ]);
  const outcomes = trace(program, networkOf(NODE), packetOf(one));
  const kernel = answer.cases[0]!;
  assert.equal(disagreement(outcomes, kernel), undefined);
  const counts = Object.entries(kernel.accept).map(([to, { n }]) => [to, n] as const);
  return Object.fromEntries([
    ...counts,
    ...Object.entries(kernel.reject),
    ...(kernel.drop ? [['drop', kernel.drop] as const] : []),
  ]);
}

const nat = (...rules: string[]): string =>
  ['*nat', ':PREROUTING ACCEPT', ':INPUT ACCEPT', ':OUTPUT ACCEPT', ':POSTROUTING ACCEPT', ...rules, 'COMMIT', ''].join(
    '\n',
  );
const filter = (...rules: string[]): string =>
  ['*filter', ':INPUT ACCEPT', ':FORWARD ACCEPT', ':OUTPUT ACCEPT', ...rules, 'COMMIT', ''].join('\n');
const mangle = (...rules: string[]): string =>
  [
    '*mangle',
    ':PREROUTING ACCEPT',
    ':INPUT ACCEPT',
    ':FORWARD ACCEPT',
    ':OUTPUT ACCEPT',
    ':POSTROUTING ACCEPT',
    ...rules,
    'COMMIT',
    '',
  ].join('\n');

test('a mark survives lo, and so do the connection and its mark', async () => {
  const rules = (mark: string): string =>
    mangle('-A OUTPUT -j MARK --set-mark 0x7', '-A OUTPUT -j CONNMARK --set-mark 0x9') +
    nat('-A OUTPUT -d 10.96.0.20 -j DNAT --to-destination 172.20.0.2') +
    filter(`-A INPUT -i lo -m mark --mark ${mark} -m connmark --mark 0x9 -m conntrack --ctstate NEW,DNAT -j DROP`);
  assert.deepEqual(await agree(rules('0x7'), LOCAL), { drop: 60 });
  assert.deepEqual(await agree(rules('0x8'), LOCAL), { '172.20.0.2:80': 60 });
});

test('DNAT to the destination that is there already is no DNAT', async () => {
  const rules = (to: string): string =>
    nat(`-A PREROUTING -p tcp -j DNAT --to-destination ${to}`) +
    filter('-A FORWARD -m conntrack --ctstate DNAT -j DROP');
  assert.deepEqual(await agree(rules('10.96.0.20:80'), CLIENT), { '10.96.0.20:80': 60 });
  assert.deepEqual(await agree(rules('10.96.0.20:81'), CLIENT), { drop: 60 });
});

test('MASQUERADE and SNAT change the source that the rules behind them see over lo', async () => {
  const rules = nat(
    '-A OUTPUT -d 10.96.0.20 -j DNAT --to-destination 10.8.0.1',
    '-A POSTROUTING -j SNAT --to-source 198.18.0.7',
  );
  assert.deepEqual(await agree(rules + filter('-A INPUT -s 198.18.0.7 -m conntrack --ctstate SNAT -j DROP'), LOCAL), {
    drop: 60,
  });
  assert.deepEqual(await agree(rules + filter('-A INPUT -s 172.20.0.2 -j DROP'), LOCAL), { '10.8.0.1:80': 60 });
});

test('OUTPUT has the way out from before the translation, POSTROUTING the one after it', async () => {
  const rules = nat('-A OUTPUT -d 10.96.0.20 -j DNAT --to-destination 10.244.3.5');
  assert.deepEqual(await agree(rules + filter('-A OUTPUT -o cni0 -j DROP'), LOCAL), { '10.244.3.5:80': 60 });
  assert.deepEqual(await agree(rules + filter('-A OUTPUT -o eth0 -j DROP'), LOCAL), { drop: 60 });
  assert.deepEqual(await agree(rules + mangle('-A POSTROUTING -o cni0 -j DROP'), LOCAL), { drop: 60 });
});

test('a known connection keeps its translation, and no nat rule is asked again', async () => {
  const rules =
    nat(
      '-A PREROUTING -d 10.96.0.20 -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.244.3.5:8080',
      '-A PREROUTING -d 10.96.0.20 -p tcp -j DNAT --to-destination 10.244.3.6:8080',
      '-A POSTROUTING -d 10.244.3.6 -j MASQUERADE --random-fully',
    ) +
    filter(
      '-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -m conntrack --ctdir ORIGINAL -p tcp ! --syn -j ACCEPT',
      '-A FORWARD -p tcp --syn -j ACCEPT',
      '-A FORWARD -s 10.244.0.0/16 -j ACCEPT',
      '-A FORWARD -j DROP',
    );
  const ends = await agree(rules, { ...CLIENT, known: true });
  assert.deepEqual(Object.keys(ends).sort(), ['10.244.3.5:8080', '10.244.3.6:8080']);
  const udp: OracleCase = { ...CLIENT, proto: 'udp', dport: 53, known: true };
  const drop = filter('-A FORWARD -m conntrack --ctstate ESTABLISHED --ctorigdstport 53 -d 10.244.3.5 -i eth0 -j DROP');
  assert.deepEqual(await agree(nat('-A PREROUTING -d 10.96.0.20 -j DNAT --to-destination 10.244.3.5') + drop, udp), {
    drop: 60,
  });
});

test('what the first packet wrote into the connection mark is there for the later ones', async () => {
  const rules = (mark: string): string =>
    mangle('-A PREROUTING -i eth0 -m conntrack --ctstate NEW -j CONNMARK --set-mark 0x5') +
    filter(`-A FORWARD -m conntrack --ctstate ESTABLISHED -i eth0 -m connmark --mark ${mark} -j DROP`);
  const known: OracleCase = { ...CLIENT, dst: '10.244.3.5', known: true };
  assert.deepEqual(await agree(rules('0x5'), known), { drop: 60 });
  assert.deepEqual(await agree(rules('0x6'), known), { '10.244.3.5:80': 60 });
});

test('of a range of addresses a hash picks one, the same for every connection between the two', async () => {
  for (const [family, low, high, dst, src] of [
    [4, '10.244.3.4', '10.244.3.12', '10.96.0.21', '198.51.100.8'],
    [6, 'fd00:244:3::4', 'fd00:244:3::c', 'fd00:96::20', '2001:db8:5::40'],
  ] as const)
    for (const persistent of ['', ' --persistent']) {
      const rules = nat(`-A PREROUTING -j DNAT --to-destination ${low}-${high}${persistent}`);
      assert.equal(Object.keys(await agree(rules, { ...CLIENT, src, dst })).length, 1, `IPv${family}`);
    }
});

test('a shifted range of ports keeps the distance', async () => {
  const rules = nat('-A PREROUTING -p tcp -j DNAT --to-destination 10.244.3.5:5000-5010/79');
  assert.deepEqual(await agree(rules, CLIENT), { '10.244.3.5:5001': 60 });
});

test('a packet that a rule put into a set, or a list, is found there by the next rule', async () => {
  const sets = 'create seen hash:ip family inet\n';
  const rules =
    mangle('-A PREROUTING -j SET --add-set seen src', '-A PREROUTING -m recent --set --name met') +
    filter('-A FORWARD -m set --match-set seen src -m recent --rcheck --seconds 10 --name met -j DROP');
  assert.deepEqual(await agree(rules, CLIENT, sets), { drop: 60 });
});

test('a DSCP that a rule has set is seen by the next', async () => {
  const rules = mangle('-A PREROUTING -j DSCP --set-dscp 0x0a', '-A FORWARD -m dscp --dscp 0x0a -j DROP');
  assert.deepEqual(await agree(rules, CLIENT), { drop: 60 });
});

test('an untracked packet skips nat', async () => {
  const rules = `*raw\n:PREROUTING ACCEPT\n-A PREROUTING -j CT --notrack\nCOMMIT\n${nat('-A PREROUTING -j DNAT --to-destination 10.244.3.5')}`;
  assert.deepEqual(
    await agree(rules + filter('-A FORWARD -m conntrack --ctstate UNTRACKED -p tcp --dport 81 -j DROP'), CLIENT),
    { '10.96.0.20:80': 60 },
  );
});

test('nobody behind a queue and no transparent proxy mean that the packet is dropped, and the trace asks', async () => {
  assert.deepEqual(await agree(filter('-A FORWARD -j NFQUEUE --queue-num 3'), CLIENT), { drop: 60 });
  assert.deepEqual(await agree(filter('-A FORWARD -j NFQUEUE --queue-num 3 --queue-bypass'), CLIENT), {
    '10.96.0.20:80': 60,
  });
  assert.deepEqual(
    await agree(mangle('-A PREROUTING -p tcp -j TPROXY --on-port 15001 --tproxy-mark 0x1/0x1'), CLIENT),
    { drop: 60 },
  );
});

test('one of every N packets, in turn, is a share of 1/N', async () => {
  const rules = nat(
    '-A PREROUTING -m statistic --mode nth --every 3 --packet 0 -j DNAT --to-destination 10.244.3.5',
    '-A PREROUTING -j DNAT --to-destination 10.244.3.6',
  );
  assert.deepEqual(await agree(rules, CLIENT), { '10.244.3.5:80': 20, '10.244.3.6:80': 40 });
});

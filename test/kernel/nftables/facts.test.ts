import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { trace } from '../../../src/netfilter/trace.ts';
import { disagreement } from '../compare.ts';
import { networkOf, NODE, packetOf } from '../node.ts';
import { Oracle, type OracleCase } from '../oracle.ts';
import { nftablesLanguage } from './language.ts';

/** Facts about nftables that random rules seldom meet, each in the smallest rule set that shows it. */

let oracle: Oracle;
before(() => {
  oracle = new Oracle();
});
after(() => {
  oracle.close();
});

const CLIENT: OracleCase = { in: 'eth0', src: '203.0.113.40', dst: '10.244.3.5', proto: 'tcp', dport: 80, n: 60 };
const LOCAL: OracleCase = { ...CLIENT, in: 'local', src: '172.20.0.2' };
const PING: OracleCase = { in: 'eth0', src: CLIENT.src, dst: CLIENT.dst, proto: 'icmp', n: 60 };

/** "filter forward 0": a chain with its rules. */
interface Chain {
  readonly at: string;
  readonly rules: readonly string[];
}

function ruleset(chains: readonly Chain[], more = '', family = 'ip'): string {
  const body = chains.map(({ at, rules }, i) => {
    const [type, hook, priority] = at.split(' ');
    return ` chain c${i} {\n  type ${type} hook ${hook} priority ${priority}; policy accept;\n${rules.map((rule) => `  ${rule}\n`).join('')} }\n`;
  });
  return `table ${family} t {\n${more}${body.join('')}}\n`;
}

/** Asks both; answers with what became of the packets, in the kernel's words. */
async function agree(rules: string, one: OracleCase): Promise<Readonly<Record<string, number>>> {
  const family = one.src.includes(':') ? 6 : 4;
  const set = { load: [{ run: ['nft', '-f', '-'], input: rules }], rules: 0, without: () => set };
  const answer = await oracle.ask({
    load: set.load,
    network: NODE,
    cases: [one],
    list: nftablesLanguage.list(family, set),
  });
  if ('error' in answer) assert.fail(answer.error);
  const kernel = answer.cases[0]!;
  const program = nftablesLanguage.program(answer.lists, family);
  assert.equal(disagreement(trace(program, networkOf(NODE), packetOf(one)), kernel), undefined);
  const accepted = Object.entries(kernel.accept).map(([to, { n }]) => [to, n] as const);
  const dropped = kernel.drop > 0 ? [['drop', kernel.drop] as const] : [];
  return Object.fromEntries([...accepted, ...Object.entries(kernel.reject), ...dropped]);
}

test('before conntrack the state is INVALID, and mark, status and tuple break the rule off', async () => {
  const raw = (match: string): string => ruleset([{ at: 'filter prerouting -250', rules: [`${match} drop`] }]);
  for (const match of ['ct state new', 'ct mark 0x0', 'ct status ! dnat', 'ct original ip daddr 10.0.0.0/8'])
    assert.deepEqual(await agree(raw(match), CLIENT), { '10.244.3.5:80': 60 }, match);
  assert.deepEqual(await agree(raw('ct state invalid'), CLIENT), { drop: 60 });
});

test('which ICMP code a plain reject gets is told, but behind a set of families, where a listing hides it', async () => {
  const input = (rule: string): string => ruleset([{ at: 'filter input 0', rules: [rule] }], '', 'inet');
  const one: OracleCase = { ...CLIENT, dst: '172.20.0.2', proto: 'udp' };
  assert.deepEqual(await agree(input('reject'), one), { 'icmp 3': 60 });
  assert.deepEqual(await agree(input('meta nfproto ipv4 reject'), one), { 'icmp 3': 60 });
  const [answer] = Object.keys(await agree(input('meta nfproto { ipv4, ipv6 } reject'), one));
  assert.match(answer!, /^icmp [34]$/); // nft 1.0.6 writes 4, ICMPv6's code
});

test('what is not tracked is not translated, in its state and by its nat chains', async () => {
  const rules = ruleset([
    { at: 'filter prerouting -300', rules: ['notrack'] },
    { at: 'nat prerouting -100', rules: ['dnat to 10.244.3.6'] },
    { at: 'filter forward 0', rules: ['ct state != untracked drop'] },
    { at: 'nat postrouting 100', rules: ['masquerade fully-random'] },
  ]);
  assert.deepEqual(await agree(rules, CLIENT), { '10.244.3.5:80': 60 });
});

test('a translation to where the packet goes anyway is none', async () => {
  const rules = (match: string): string =>
    ruleset([
      { at: 'nat prerouting -100', rules: ['dnat to 10.244.3.5'] },
      { at: 'filter forward 0', rules: [`${match} drop`] },
    ]);
  assert.deepEqual(await agree(rules('ct status dnat'), CLIENT), { '10.244.3.5:80': 60 });
  assert.deepEqual(await agree(rules('ct status ! dnat'), CLIENT), { drop: 60 });
});

test('the status as a whole word has more bits than those with names', async () => {
  const rules = (match: string): string =>
    ruleset([
      { at: 'nat prerouting -100', rules: ['dnat to 10.244.3.6'] },
      { at: 'filter forward 0', rules: [`${match} drop`] },
    ]);
  assert.deepEqual(await agree(rules('ct status == dnat'), CLIENT), { '10.244.3.6:80': 60 });
  assert.deepEqual(await agree(rules('ct status { dnat, snat }'), CLIENT), { '10.244.3.6:80': 60 });
  assert.deepEqual(await agree(rules('ct status != dnat'), CLIENT), { drop: 60 });
  assert.deepEqual(await agree(rules('ct status & 0x1a0 == 0x120'), CLIENT), { drop: 60 });
});

test('a mark set in OUTPUT is still there when the packet comes back over lo', async () => {
  const rules = ruleset([
    { at: 'filter output 0', rules: ['meta mark set 0x4', 'ct mark set 0x8'] },
    { at: 'filter input 0', rules: ['iifname "lo" meta mark 0x4 ct mark 0x8 ct state new drop'] },
  ]);
  assert.deepEqual(await agree(rules, { ...LOCAL, dst: '10.8.0.1' }), { drop: 60 });
});

test('the way out in OUTPUT is the one from before the translation, in POSTROUTING the new one', async () => {
  const rules = (hook: string, name: string): string =>
    ruleset([
      { at: 'nat output -100', rules: ['dnat to 10.244.3.6'] },
      { at: `filter ${hook} 300`, rules: [`oifname "${name}" drop`] },
    ]);
  const one = { ...LOCAL, dst: '10.96.0.20' };
  assert.deepEqual(await agree(rules('output', 'eth0'), one), { drop: 60 });
  assert.deepEqual(await agree(rules('output', 'cni0'), one), { '10.244.3.6:80': 60 });
  assert.deepEqual(await agree(rules('postrouting', 'cni0'), one), { drop: 60 });
});

test('an interface that is not there has an empty name', async () => {
  assert.deepEqual(await agree(ruleset([{ at: 'filter prerouting 0', rules: ['oifname != "eth0" drop'] }]), CLIENT), {
    drop: 60,
  });
  assert.deepEqual(await agree(ruleset([{ at: 'filter prerouting 0', rules: ['oifname "eth*" drop'] }]), CLIENT), {
    '10.244.3.5:80': 60,
  });
  assert.deepEqual(await agree(ruleset([{ at: 'filter output 0', rules: ['iif != "cni0" drop'] }]), LOCAL), {
    drop: 60,
  });
});

test('of equal priorities the chain that was registered later runs first', async () => {
  const rules = ruleset([
    { at: 'filter forward 0', rules: ['reject'] },
    { at: 'filter forward 0', rules: ['drop'] },
  ]);
  assert.deepEqual(await agree(rules, CLIENT), { drop: 60 });
});

test('goto never comes back to the caller', async () => {
  const more = ' chain end {\n }\n chain called {\n  goto end\n  drop\n }\n';
  const rules = ruleset([{ at: 'filter forward 0', rules: ['jump called', 'reject with tcp reset'] }], more);
  assert.deepEqual(await agree(rules, CLIENT), { 'tcp-reset': 60 });
  assert.deepEqual(await agree(ruleset([{ at: 'filter forward 0', rules: ['goto end', 'drop'] }], more), CLIENT), {
    '10.244.3.5:80': 60,
  });
});

test('ports are none of a ping, nor its opposite', async () => {
  for (const match of ['tcp dport 80', 'tcp dport != 80', 'meta l4proto { tcp, udp } th dport != 80'])
    assert.deepEqual(await agree(ruleset([{ at: 'filter forward 0', rules: [`${match} drop`] }]), PING), {
      '10.244.3.5': 60,
    });
});

test('what one rule puts into a set is there for the next', async () => {
  const more = ' set seen { type ipv4_addr; flags dynamic,timeout; size 100; timeout 1m; }\n';
  const rules = ruleset(
    [{ at: 'filter forward 0', rules: ['update @seen { ip saddr }', 'ip saddr @seen drop'] }],
    more,
  );
  assert.deepEqual(await agree(rules, CLIENT), { drop: 60 });
});

test('packets are rewritten in place by th and ip', async () => {
  const rules = ruleset([
    { at: 'filter prerouting -300', rules: ['meta l4proto tcp th dport set 8080', 'ip dscp set cs1'] },
    { at: 'filter forward 0', rules: ['tcp dport 8080 ip dscp cs1 drop'] },
  ]);
  assert.deepEqual(await agree(rules, CLIENT), { drop: 60 });
});

test('a prefix is translated bit by bit', async () => {
  const rules = ruleset([
    { at: 'nat prerouting -100', rules: ['dnat prefix to ip daddr map { 10.96.0.0/24 : 10.244.3.0/24 }'] },
  ]);
  assert.deepEqual(await agree(rules, { ...CLIENT, dst: '10.96.0.20' }), { '10.244.3.20:80': 60 });
});

test('an inet table rejects in the words of the family', async () => {
  const rules = ruleset([{ at: 'filter forward 0', rules: ['reject with icmpx admin-prohibited'] }], '', 'inet');
  assert.deepEqual(await agree(rules, CLIENT), { 'icmp 13': 60 });
  assert.deepEqual(await agree(rules, { ...CLIENT, src: '2001:db8:5::40', dst: 'fd00:244:3::5' }), { 'icmp6 1': 60 });
});

test('reverse path: fib tells whether the source is reached by the same interface', async () => {
  const rules = ruleset([{ at: 'filter prerouting -300', rules: ['fib saddr . iif oif missing drop'] }]);
  assert.deepEqual(await agree(rules, CLIENT), { '10.244.3.5:80': 60 });
  assert.deepEqual(await agree(rules, { ...CLIENT, in: 'eth1' }), { drop: 60 });
});

test('a dormant table is not run', async () => {
  const rules = ruleset([{ at: 'filter forward 0', rules: ['drop'] }]).replace('{\n', '{\n flags dormant;\n');
  assert.deepEqual(await agree(rules, CLIENT), { '10.244.3.5:80': 60 });
});

test("a hash with a seed is the kernel's own: of addresses, ports, protocol and mark, alone and together", async () => {
  const seen = new Set<string>();
  const selectors = [
    'ip saddr',
    'ip daddr',
    'tcp dport',
    'ip saddr & 255.255.0.255',
    'meta mark',
    'meta l4proto',
    'ip protocol . th dport',
    'ip saddr . tcp dport',
    'ip saddr . ip daddr . meta l4proto . th dport',
    'meta mark . ip daddr . ct original ip saddr . ct mark',
    'ip daddr . th dport . ip saddr . meta mark . ip protocol . ip saddr . ip daddr',
  ];
  for (const [i, selector] of selectors.entries())
    for (const seed of ['0x0', '0xdeadbeef', `0x${(i * 7919).toString(16)}`]) {
      const hash = `jhash ${selector} mod 4 seed ${seed} offset 10`;
      const rules = ruleset([
        {
          at: 'filter forward 0',
          rules: [
            'meta mark set 0x12345678',
            `${hash} vmap { 10 : drop, 12 : accept }`,
            `${hash} 11 reject with icmp type host-unreachable`,
            'reject with icmp type admin-prohibited',
          ],
        },
      ]);
      const src = `203.0.113.${40 + i}`;
      const [end] = Object.keys(await agree(rules, { ...CLIENT, src, dport: 80 + i, sport: 40_000 + i }));
      seen.add(end!.replace(/:\d+$/, ''));
    }
  assert.equal(seen.size, 4, [...seen].join());
});

test("a hash of IPv6 addresses is the kernel's own", async () => {
  for (const selector of ['ip6 saddr', 'ip6 saddr . ip6 daddr . tcp dport', 'tcp dport . ip6 daddr']) {
    const rules = ruleset(
      [{ at: 'filter forward 0', rules: [`jhash ${selector} mod 2 seed 0xcafe vmap { 0 : drop, 1 : accept }`] }],
      '',
      'ip6',
    );
    await agree(rules, { ...CLIENT, src: 'fd00:113::40', dst: 'fd00:10:244:3::5' });
  }
});

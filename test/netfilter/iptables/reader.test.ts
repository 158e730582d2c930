import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { IptablesRule } from '../../../src/netfilter/iptables/decode.ts';
import { readIptables } from '../../../src/netfilter/iptables/reader.ts';
import type { Chain, Reading } from '../../../src/netfilter/program.ts';
import { programOf } from '../../../src/netfilter/program-of.ts';
import { readProgram } from '../../../src/netfilter/read-program.ts';
import { follow, packet, told } from '../follow.ts';

const RECORDINGS = path.resolve(import.meta.dirname, '../../recordings');

function read(text: string, dump = 'iptables-save.txt'): Reading {
  return readIptables({ text, dump, engine: 'iptables-legacy', family: dump.startsWith('ip6') ? 6 : 4 });
}

function recorded(file: string): string {
  return readFileSync(path.join(RECORDINGS, file), 'utf8');
}

function rulesOf(chain: Chain): IptablesRule[] {
  return Array.from({ length: chain.length }, (_, i) => chain.rule(i) as IptablesRule);
}

test('every rule of every recording is read, in full, with its place', () => {
  let rules = 0;
  for (const name of readdirSync(RECORDINGS))
    for (const node of readdirSync(path.join(RECORDINGS, name, 'nodes')))
      for (const file of readdirSync(path.join(RECORDINGS, name, 'nodes', node)).filter(
        (one) => one.includes('tables') && one.includes('save'),
      )) {
        const text = recorded(`${name}/nodes/${node}/${file}`);
        const lines = text.split('\n');
        const { tables, problems } = read(text, file);
        assert.deepEqual(problems, []);
        let here = 0;
        for (const table of tables)
          for (const chain of table.chains.values()) {
            assert.equal(lines[chain.place.line - 1], text.slice(chain.place.start, chain.place.end));
            for (const rule of rulesOf(chain)) {
              here++;
              assert.equal(rule.problem, undefined, rule.text);
              assert.equal(lines[rule.place.line - 1], rule.text);
              assert.equal(text.slice(rule.place.start, rule.place.end), rule.text);
              for (const token of rule.tokens()) {
                const written = text.slice(token.start, token.end);
                assert.equal(
                  token.quoted ? written.replace(/^"|"$/g, '').replace(/\\(.)/g, '$1') : written,
                  token.text,
                );
              }
            }
          }
        assert.equal(here, lines.filter((line) => line.startsWith('-A ')).length);
        rules += here;
      }
  assert.ok(rules > 9000, `${rules} rules`);
});

const VIP = packet('eth0 203.0.113.9 -> 10.96.222.131 tcp 8080');

test('what stands around a dump, its line ends and its counters make no difference', () => {
  const text = recorded('1.37-iptables-nft/nodes/node-1/iptables-save.txt');
  const answer = told(follow(text, VIP));
  assert.ok(answer.length > 1);
  const around = `user@host:~$ kubectl exec kube-proxy-x -- iptables-save\nDefaulted container "kube-proxy" out of: kube-proxy\n${text}\nuser@host:~$ exit\n`;
  assert.deepEqual(told(follow(around, VIP)), answer);
  assert.deepEqual(told(follow(text.replaceAll('\n', '\r\n'), VIP)), answer);
  assert.deepEqual(told(follow(text.replaceAll(/^-A/gm, '[12:3456] -A'), VIP)), answer);
  const counted = read('*filter\n:INPUT ACCEPT [0:0]\n[12:3456] -A INPUT -j ACCEPT\nCOMMIT\n').tables[0]!.chains.get(
    'INPUT',
  )!;
  const rule = counted.rule(0) as IptablesRule;
  assert.deepEqual([rule.text, rule.counters], ['-A INPUT -j ACCEPT', { packets: 12, bytes: 3456 }]);
});

test('a dump says its backend and family itself', () => {
  const legacy = recorded('1.37-iptables-legacy/nodes/node-1/iptables-save.txt');
  const nft = recorded('1.37-iptables-nft/nodes/node-1/iptables-save.txt');
  const six = recorded('1.37-iptables-nft/nodes/node-1/ip6tables-save.txt');
  const { tables } = read(legacy + nft + six);
  assert.deepEqual(
    new Set(tables.map(({ engine, family }) => `${engine} ${family}`)),
    new Set(['iptables-legacy 4', 'iptables-nft 4', 'iptables-nft 6']),
  );
  // without its first line the addresses tell the family
  assert.equal(read(six.replaceAll(/^#.*\n/gm, '')).tables.find(({ name }) => name === 'nat')!.family, 6);
});

test('a dump that is cut off is told, and what is there is read', () => {
  const text = recorded('1.37-iptables-legacy/nodes/node-1/iptables-save.txt');
  const cut = text.slice(0, text.indexOf('-A KUBE-SERVICES') + 40);
  const { tables, problems } = read(cut);
  assert.match(
    problems.at(-1)!.message,
    /^The table \w+ that begins at line \d+ ends at line \d+ without COMMIT: the dump is cut off\.$/,
  );
  assert.ok(tables.some(({ chains }) => chains.has('KUBE-SERVICES')));
});

test('lines that do not belong there are told with their number and what was expected', () => {
  const { problems } = read('-A INPUT -j DROP\n*filter\n:INPUT ACCEPT [0:0]\nhello\n-X\n-A NOWHERE -j DROP\nCOMMIT\n');
  assert.deepEqual(
    problems.map(({ place, message }) => [place.line, message]),
    [
      [1, 'Line 1 is a rule outside of any table: a line "*nat" (or another table) was expected before it.'],
      [4, 'Line 4 stands in the table filter and is no rule, chain, comment or COMMIT.'],
      [5, 'Line 5 is not "-A CHAIN …", which iptables-save prints for a rule.'],
      [6, 'Line 6 adds to the chain NOWHERE, which no ":NOWHERE" line declares.'],
    ],
  );
  const [warning] = read("# Table `nat' is incompatible, use 'nft' tool.\n").problems;
  assert.match(warning!.message, /could not print the table nat/);
});

test('a comment may hold anything: quotes, options, brackets', () => {
  const text =
    '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 10.0.0.0/8 -m comment --comment "say \\"-j ACCEPT\\" ! -d \\\\ [unsupported" -j DROP\nCOMMIT\n';
  const rule = read(text).tables[0]!.chains.get('INPUT')!.rule(0) as IptablesRule;
  assert.equal(rule.comment, 'say "-j ACCEPT" ! -d \\ [unsupported');
  assert.deepEqual(rule.target.kind === 'action' && rule.target.name, 'DROP');
});

test('negation may stand before an option or behind it, and a protocol brings its own match', () => {
  for (const words of ['! -s 10.0.0.0/8 -p tcp -m tcp ! --dport 80', '-s ! 10.0.0.0/8 -p tcp --dport ! 80']) {
    const rules = `*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD ${words} -j DROP\nCOMMIT\n`;
    assert.deepEqual(told(follow(rules, packet('eth0 203.0.113.9 -> 10.96.0.10 tcp 81'))), ['1 drop 10.96.0.10:81']);
    assert.deepEqual(told(follow(rules, packet('eth0 203.0.113.9 -> 10.96.0.10 tcp 80'))), ['1 accept 10.96.0.10:80']);
    assert.deepEqual(told(follow(rules, packet('eth0 10.1.1.1 -> 10.96.0.10 tcp 81'))), ['1 accept 10.96.0.10:81']);
  }
});

test('rules that an older iptables printed wrongly are told, and never believed', () => {
  const before = '*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-POSTROUTING - [0:0]\n';
  for (const [rule, said] of [
    ['-A PREROUTING -p tcp -j DNAT [unsupported revision]', /iptables printed "\[unsupported revision\]"/],
    ['-A PREROUTING -p tcp -m tcp -j DNAT --to-destination :0 --persistent', /older than the one which wrote the rule/],
    [
      '-A PREROUTING -m comment --comment "kubernetes firewall for dropping marked packets" -j DROP',
      /the match of the mark is missing/,
    ],
    ['-A PREROUTING -m mark -j DROP', /a mark was expected after --mark/],
    ['-A PREROUTING -j KUBE-GONE', /the chain KUBE-GONE is not in the dump/],
  ] as const) {
    const text = `${before}${rule}\nCOMMIT\n`;
    assert.match(read(text).tables[0]!.chains.get('PREROUTING')!.rule(0).problem!.message, said);
    const outcomes = follow(text, packet('eth0 203.0.113.9 -> 10.96.0.10 tcp 80'));
    assert.ok(outcomes.some(({ verdict, destination }) => verdict === 'accept' && destination.value === 0x0a60000an));
    assert.ok(outcomes.every(({ assumptions }) => assumptions.length > 0));
  }
});

test('an unknown match or target is followed both ways, in its own words', () => {
  const rules = '*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m geoip --source-country CN -j XYZ --level 3\nCOMMIT\n';
  assert.deepEqual(told(follow(rules, packet('eth0 203.0.113.9 -> 10.96.0.10 tcp 80'))).sort(), [
    '1 accept 10.96.0.10:80 if the packet fits "-m geoip --source-country CN" if the target "XYZ --level 3" lets the packet go on',
    '1 accept 10.96.0.10:80 unless the packet fits "-m geoip --source-country CN"',
    '1 drop 10.96.0.10:80 if the packet fits "-m geoip --source-country CN" unless the target "XYZ --level 3" lets the packet go on',
  ]);
});

test('a long dispatch chain is looked up by address or port, and answers as if it had been walked', () => {
  const services = Array.from({ length: 300 }, (_, i) => `10.96.1.${i % 250}`);
  const rules = services.map(
    (vip, i) =>
      [
        `-A KUBE-SERVICES -d ${vip}/32 -p tcp -m comment --comment "a/b:c -d 10.9.9.9/32 --dport 5" -m tcp --dport ${1000 + i} -j DNAT --to-destination 10.244.1.${i % 250}:80`,
        `-A KUBE-SERVICES -p tcp -m comment --comment "np" -m tcp --dport ${30_000 + i} -j DNAT --to-destination 10.244.2.${i % 250}:80`,
        `-A KUBE-SERVICES ! -d ${vip}/32 -p udp -m udp --dport ${1000 + i} -j DNAT --to-destination 10.244.3.1:53`,
      ][i % 3]!,
  );
  const text = (n: number): string =>
    `*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n-A PREROUTING -j KUBE-SERVICES\n${rules.slice(0, n).join('\n')}\n-A KUBE-SERVICES -d 10.96.0.0/16 -j DNAT --to-destination 10.244.9.9\nCOMMIT\n`;
  for (let i = 0; i < 300; i++)
    for (const [vip, proto, port] of [
      [services[i]!, 'tcp', 1000 + i],
      ['172.18.0.2', 'tcp', 30_000 + i],
      ['10.96.7.7', 'udp', 1000 + i],
      [services[(i + 1) % 300]!, 'tcp', 1000 + i],
    ] as const) {
      const one = packet(`eth0 203.0.113.9 -> ${vip} ${proto} ${port}`);
      const expected = rules.findIndex((_, at) => {
        if (at % 3 === 0) return vip === services[at] && proto === 'tcp' && port === 1000 + at;
        if (at % 3 === 1) return proto === 'tcp' && port === 30_000 + at;
        return proto === 'udp' && vip !== services[at] && port === 1000 + at;
      });
      const [outcome] = follow(text(300), one);
      const hit = outcome!.path.find(({ chain }) => chain === 'KUBE-SERVICES');
      assert.equal(
        hit?.rule,
        expected < 0
          ? vip.startsWith('10.96.')
            ? '-A KUBE-SERVICES -d 10.96.0.0/16 -j DNAT --to-destination 10.244.9.9'
            : undefined
          : rules[expected],
      );
    }
});

test('reading in turns gives the same program, reports progress, and can be stopped', async () => {
  const text = recorded('1.37-iptables-legacy/nodes/node-1/iptables-save.txt').repeat(60);
  const dumps = [{ name: 'iptables-save.txt', text }];
  const shares: number[] = [];
  const program = await readProgram(dumps, { onProgress: (share) => shares.push(share) });
  assert.equal(program.tables.length, programOf(dumps).tables.length);
  assert.ok(shares.every((share, i) => share >= 0 && share <= 1 && (i === 0 || share >= shares[i - 1]!)));
  const stop = new AbortController();
  stop.abort(new Error('enough'));
  await assert.rejects(readProgram(dumps, { signal: stop.signal }), /enough/);
});

test('both backends of a node are in its program, each once', () => {
  const folder = '1.37-iptables-both-backends/nodes/node-1';
  const dumps = ['iptables-save.txt', 'ip6tables-save.txt', 'iptables-nft-save.txt', 'nft.json', 'nft.txt'].map(
    (name) => ({ name, text: recorded(`${folder}/${name}`) }),
  );
  const program = programOf(dumps);
  const tables = program.tables.map(({ engine, family, name }) => `${engine} ${family} ${name}`);
  assert.equal(new Set(tables).size, tables.length);
  for (const engine of ['iptables-nft', 'iptables-legacy']) {
    const nat = program.tables.find((table) => table.engine === engine && table.family === 4 && table.name === 'nat');
    assert.ok(nat?.chains.has('KUBE-SERVICES'), engine);
  }
  // what is not in use was there first
  assert.ok(tables.indexOf('iptables-nft 4 nat') < tables.indexOf('iptables-legacy 4 nat'));
});

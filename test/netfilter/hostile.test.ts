import assert from 'node:assert/strict';
import { test } from 'node:test';
import { programOf } from '../../src/netfilter/program-of.ts';
import { trace } from '../../src/netfilter/trace.ts';
import { checkDumps } from './check-dump.ts';
import { NETWORK, packet } from './follow.ts';

/** Dumps that no kernel has: what is nested or repeated without end, and words that JavaScript gives a meaning of its own. */

const json = (expr: string): string =>
  `{"nftables": [{"table": {"family": "ip", "name": "t"}},
    {"chain": {"family": "ip", "table": "t", "name": "c", "type": "filter", "hook": "prerouting", "prio": 0, "policy": "accept"}},
    {"rule": {"family": "ip", "table": "t", "chain": "c", "expr": [${expr}]}}]}`;
const text = (rule: string): string =>
  `table ip t {\n\tchain c {\n\t\ttype filter hook prerouting priority 0;\n\t\t${rule}\n\t}\n}\n`;
const rules = (rule: string): string => `*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD ${rule} -j DROP\nCOMMIT\n`;
const deep = (open: string, close: string, inner = '1'): string => open.repeat(50_000) + inner + close.repeat(50_000);
const match = (left: string): string => `{"match": {"op": "==", "left": ${left}, "right": 1}}`;

for (const [what, name, dump] of [
  ['lists in lists, in JSON', 'nft.json', json(match(deep('[', ']')))],
  ['operations in operations, in JSON', 'nft.json', json(match(deep('{"&": [1, ', ']}')))],
  ['operations in a row, in JSON', 'nft.json', json(match(`{"|": [${'1, '.repeat(50_000)}1]}`))],
  [
    'maps in maps, in JSON',
    'nft.json',
    json(`{"vmap": {"key": ${deep('{"map": {"key": ', ', "data": "@x"}}')}, "data": "@x"}}`),
  ],
  [
    'statements in statements, in JSON',
    'nft.json',
    json(deep('{"set": {"op": "add", "set": "@s", "elem": 1, "stmt": [', ']}}')),
  ],
  ['what nobody knows, in JSON', 'nft.json', json(deep('{"foo": ', '}'))],
  ['brackets in brackets', 'nft.txt', text(`meta mark ${deep('(', ')')} drop`)],
  ['sets in sets', 'nft.txt', text(`ip saddr ${deep('{', '}')} drop`)],
  ['operations in a row', 'nft.txt', text(`meta mark ${'& 1 '.repeat(50_000)} == 1 drop`)],
  ['hashes of hashes', 'nft.txt', text(`${'jhash '.repeat(50_000)} ip saddr mod 2 drop`)],
  ['updates in updates', 'nft.txt', text('update @s { ip saddr '.repeat(20_000))],
  ['blanks without end', 'nft.txt', text(`ip saddr 10.0.0.1${' '.repeat(300_000)}counter${'\t'.repeat(300_000)}drop`)],
  ['blanks without end', 'iptables-save.txt', rules(`-s 10.0.0.1${' '.repeat(300_000)}-p tcp`)],
  ['negations in a row', 'iptables-save.txt', rules(`${'! '.repeat(50_000)}-s 10.0.0.1`)],
  ['matches in a row', 'iptables-save.txt', rules('-m statistic --mode random --probability 0.5 '.repeat(5_000))],
  [
    'half a million words that belong to one option',
    'iptables-save.txt',
    rules(`-m tcp --dport 1 ${'a '.repeat(500_000)}`),
  ],
  ['sets that hold themselves', 'ipset-save.txt', `create A list:set size 8\n${'add A A\n'.repeat(50_000)}`],
] as const)
  test(`${what} are read and traced`, () => {
    checkDumps([{ name, text: dump }]);
  });

for (const number of ['1e400', '2.5', '-1', '-1e9', '1e40', '18446744073709551616'])
  test(`${number} where a number was expected is read and traced`, () => {
    for (const expr of [
      match(number),
      match(`{"numgen": {"mode": "random", "mod": ${number}, "offset": 0}}`),
      match(`{"numgen": {"mode": "inc", "mod": 2, "offset": ${number}}}`),
      match(
        `{"jhash": {"mod": ${number}, "seed": ${number}, "expr": {"payload": {"protocol": "ip", "field": "saddr"}}}}`,
      ),
      match(
        `{"jhash": {"mod": 2, "seed": 1, "offset": ${number}, "expr": {"payload": {"protocol": "ip", "field": "saddr"}}}}`,
      ),
      match(`{"symhash": {"mod": ${number}, "offset": 0}}`),
      `{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": {"prefix": {"addr": "10.0.0.0", "len": ${number}}}}}`,
      `{"match": {"op": "==", "left": {"payload": {"base": "nh", "offset": ${number}, "len": ${number}}}, "right": 1}}`,
      `{"match": {"op": "==", "left": {"meta": {"key": "mark"}}, "right": {"range": [${number}, ${number}]}}}`,
      `{"match": {"op": "==", "left": {"<<": [{"meta": {"key": "mark"}}, ${number}]}, "right": 1}}`,
      `{"mangle": {"key": {"meta": {"key": "mark"}}, "value": ${number}}}`,
      `{"mangle": {"key": {"ct": {"key": "mark"}}, "value": {"|": [{"meta": {"key": "mark"}}, ${number}]}}}`,
      `{"counter": {"packets": ${number}, "bytes": ${number}}}`,
      `{"dnat": {"addr": "10.0.0.1", "port": ${number}}}`,
      `{"limit": {"rate": ${number}, "per": "second"}}`,
    ])
      checkDumps([{ name: 'nft.json', text: json(expr) }]);
    for (const rule of [
      `meta mark ${number} drop`,
      `numgen random mod ${number} 0 drop`,
      `jhash ip saddr mod ${number} seed ${number} 0 drop`,
      `ip saddr 10.0.0.0/${number} drop`,
      `meta mark & ${number} == ${number} drop`,
      `meta mark << ${number} == 1 drop`,
      `tcp dport ${number}-${number} drop`,
      `@nh,${number},${number} 1 drop`,
    ])
      checkDumps([{ name: 'nft.txt', text: text(rule.replaceAll('1e400', '9'.repeat(400))) }]);
    for (const rule of [
      `-s 10.0.0.0/${number}`,
      `-p tcp -m tcp --dport ${number}`,
      `-m mark --mark ${number}/${number}`,
      `-m statistic --mode random --probability ${number}`,
      `-m statistic --mode nth --every ${number} --packet ${number}`,
    ])
      checkDumps([{ name: 'iptables-save.txt', text: rules(rule) }]);
    for (const target of [
      `MARK --set-xmark ${number}/${number}`,
      `NETMAP --to 10.0.0.0/${number}`,
      `DNAT --to-destination 10.0.0.1:${number}`,
    ])
      checkDumps([
        {
          name: 'iptables-save.txt',
          text: rules('')
            .replace('-j DROP', `-j ${target}`)
            .replaceAll('filter', 'nat')
            .replaceAll('FORWARD', 'PREROUTING'),
        },
      ]);
    checkDumps([
      { name: 'iptables-save.txt', text: rules('-m set --match-set S src') },
      { name: 'ipset-save.txt', text: `create S hash:net family inet netmask ${number}\nadd S 10.0.0.0/${number}\n` },
    ]);
  });

test('a rule of more matches than a kernel can hold is told, and followed both ways', () => {
  const [table] = programOf([{ name: 'iptables-save.txt', text: rules('-m socket '.repeat(5_000)) }]).tables;
  assert.match(table!.chains.get('FORWARD')!.rule(0).problem!.message, /5000 matches are more than a rule can have/);
});

test('a trace through thousands of rules that ask for what nobody knows ends', { timeout: 30_000 }, () => {
  const many = Array.from({ length: 20_000 }, (_, i) => `-A FORWARD -m geoip --source-country C${i} -j DROP\n`);
  for (const [name, dump] of [
    ['iptables-save.txt', `*filter\n:FORWARD ACCEPT [0:0]\n${many.join('')}COMMIT\n`],
    ['nft.txt', text('pt;'.repeat(20_000))],
  ] as const) {
    const outcomes = trace(programOf([{ name, text: dump }]), NETWORK, packet('eth0 203.0.113.9 -> 10.0.0.1 tcp 80'));
    assert.deepEqual([...new Set(outcomes.map(({ verdict }) => verdict))].sort(), ['accept', 'drop']);
    const words = outcomes.flatMap(({ assumptions }) => assumptions.map((one) => one.words));
    assert.ok(words.some((one) => /more than 500 rules ask for what nobody knows/.test(one)));
  }
});

for (const word of ['constructor', '__proto__', 'toString', 'hasOwnProperty'])
  test(`"${word}" means nothing where a dump has it`, () => {
    const statements = [
      `meta ${word} 1 drop`,
      `ct ${word} 1 drop`,
      `ip ${word} 1 drop`,
      `meta mark ${word} 1 drop`,
      `meta mark & 1 ${word} 1 drop`,
      `ip protocol ${word} drop`,
      `socket ${word} 1 drop`,
      `reject with icmp type ${word}`,
      `reject with icmpx type ${word}`,
    ];
    const [refused] = trace(
      programOf([{ name: 'nft.txt', text: text(`reject with icmp type ${word}`) }]),
      NETWORK,
      packet('eth0 203.0.113.9 -> 10.0.0.1 tcp 80'),
    );
    assert.equal(refused!.rejectWith, `icmp-${word}`);
    for (const statement of statements) checkDumps([{ name: 'nft.txt', text: text(statement) }]);
    for (const expr of [
      `{"${word}": 1}`,
      match(`{"${word}": {}}`),
      match(`{"meta": {"key": "${word}"}}`),
      `{"reject": {"type": "icmp", "expr": "${word}"}}`,
    ])
      checkDumps([{ name: 'nft.json', text: json(expr) }]);
    for (const rule of [`-m ${word}`, `-p ${word}`, `-m set --match-set ${word} src`, `-m addrtype --dst-type ${word}`])
      checkDumps([{ name: 'iptables-save.txt', text: rules(rule) }]);
    checkDumps([
      { name: 'iptables-save.txt', text: rules(`-j REJECT --reject-with ${word}`).replace(' -j DROP', '') },
      { name: 'ipset-save.txt', text: `create ${word} hash:ip,port family inet\nadd ${word} 10.0.0.1,${word}\n` },
    ]);
  });

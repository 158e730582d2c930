import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readNft, nftTables } from '../../../src/netfilter/nftables/tables.ts';
import type { Ruleset } from '../../../src/netfilter/nftables/ruleset.ts';
import { catalogue, recordedPairs } from './dumps.ts';

const recorded = recordedPairs().find(({ name }) => name.includes('1.37-nftables/nodes/node-1'))!;

/** Looks at everything that a ruleset has, so that whatever is read late is read. */
function everything(ruleset: Ruleset): { rules: number; elements: number; unknown: number } {
  const seen = { rules: 0, elements: 0, unknown: 0 };
  for (const table of ruleset.tables) {
    for (const chain of table.chains)
      for (const rule of chain.rules) {
        seen.rules++;
        assert.ok(rule.place.line >= 1 && rule.place.end >= rule.place.start, JSON.stringify(rule.place));
        assert.equal(typeof rule.text, 'string');
        for (const statement of rule.statements) if (statement.kind === 'unknown') seen.unknown++;
      }
    for (const set of table.sets) seen.elements += set.elements.length;
  }
  for (const table of nftTables(ruleset))
    for (const chain of table.chains.values()) for (let i = 0; i < chain.length; i++) chain.rule(i);
  return seen;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('a damaged dump', () => {
  it('is read up to where it was cut off, and says so', () => {
    for (const text of [recorded.text, recorded.json]) {
      const whole = everything(readNft(text, 'dump'));
      let last = 0;
      for (let share = 0.05; share < 1; share += 0.05) {
        const cut = readNft(text.slice(0, text.length * share), 'dump');
        const { rules } = everything(cut);
        assert.equal(cut.complete, false, `at ${share}`);
        assert.equal(cut.problems.length, 1);
        assert.match(cut.problems[0]!.message, /cut off|ends inside/);
        assert.match(cut.problems[0]!.advice, /Record the node again/);
        assert.ok(rules >= last && rules <= whole.rules + 1);
        last = rules;
      }
      assert.ok(last > 0.5 * whole.rules);
    }
  });

  it('of JSON is read on behind a lost, doubled or stray bracket or quote, which is told with its place', () => {
    const { json } = recorded;
    const whole = everything(readNft(json, 'dump'));
    let checked = 0;
    for (const [i, { place }] of readNft(json, 'dump')
      .tables.flatMap(({ chains }) => chains)
      .flatMap(({ rules }) => rules)
      .entries()) {
      const own = json.slice(place.start, place.end);
      const marks = [...own.matchAll(/["{}[\]]/g)];
      const mark = marks[(i * 7) % marks.length]!;
      const at = place.start + mark.index;
      for (const put of ['', mark[0] + mark[0], '"', '}', '[']) {
        const damaged = json.slice(0, at) + put + json.slice(at + 1);
        if (put === mark[0]) continue;
        const ruleset = readNft(damaged, 'dump');
        const { rules } = everything(ruleset);
        const what = `${own.slice(0, mark.index)}>>>${put}<<<${own.slice(mark.index + 1)}`;
        // The rule itself, or where the damage reaches over its end, the one behind it.
        assert.ok(rules >= whole.rules - 2, `${rules} of ${whole.rules} rules: ${what}`);
        if (isJson(damaged)) continue;
        assert.ok(ruleset.problems.length >= 1, what);
        assert.ok(
          ruleset.problems.every(({ place: told }, i) => told.start >= (ruleset.problems[i - 1]?.place.start ?? 0)),
          'in the order of the text',
        );
        assert.ok(
          ruleset.problems.every(({ place: told }) => told.start <= place.end + 9 && told.end >= place.start - 9),
          `${at}: ${JSON.stringify(ruleset.problems)}`,
        );
        checked++;
      }
    }
    assert.ok(checked > 100);
  });

  it('may have a shell prompt and kubectl words around it', () => {
    for (const text of [recorded.text, recorded.json]) {
      const whole = everything(readNft(text, 'dump'));
      const pasted = readNft(
        `Defaulted container "kube-proxy" out of: kube-proxy, init (init)\nroot@node-1:/# nft list ruleset\n${text}root@node-1:/# `,
        'dump',
      );
      assert.deepEqual(everything(pasted), whole);
      assert.equal(pasted.complete, true);
      assert.ok(pasted.problems.length >= 1);
      assert.match(pasted.problems[0]!.message, /Defaulted container/);
    }
  });

  it('of JSON may lack its beginning, and what is whole is read', () => {
    const { json } = recorded;
    const whole = everything(readNft(json, 'dump'));
    for (const share of [0.001, 0.1, 0.5]) {
      const cut = readNft(json.slice(json.length * share), 'dump');
      assert.equal(cut.complete, false);
      assert.equal(cut.problems.length, 1);
      assert.match(cut.problems[0]!.message, /beginning is missing/);
      assert.ok(everything(cut).rules >= whole.rules * (0.9 - share), String(share));
    }
  });

  it('may begin with a prompt that looks like JSON', () => {
    for (const [language, listing] of [
      ['text', recorded.text],
      ['json', recorded.json],
    ] as const) {
      const pasted = readNft(`[root@node-1 ~]# nft list ruleset\n${listing}`, 'dump');
      assert.equal(pasted.language, language);
      assert.deepEqual(everything(pasted), everything(readNft(listing, 'dump')));
      assert.match(pasted.problems[0]!.message, /root@node-1/);
    }
  });

  it('may have Windows line ends, a byte order mark and handles', () => {
    const whole = readNft(recorded.text, 'dump');
    const windows = readNft(`\ufeff${recorded.text.replaceAll('\n', '\r\n')}`, 'dump');
    assert.deepEqual(windows.problems, []);
    const texts = (ruleset: Ruleset): string[] =>
      ruleset.tables.flatMap((table) => table.chains).flatMap((chain) => chain.rules.map((rule) => rule.text));
    assert.deepEqual(texts(windows), texts(whole));
    const handles = recorded.text.replace(/^(\t\t[a-z].*[^;,}])$/gm, '$1 # handle 7');
    assert.deepEqual(texts(readNft(handles, 'dump')), texts(whole));
    const everywhere = readNft(handles.replace(/ \{$/gm, ' { # handle 7'), 'dump');
    assert.deepEqual(texts(everywhere), texts(whole));
    const bases = (ruleset: Ruleset): unknown[] =>
      ruleset.tables.flatMap(({ chains }) => chains.map(({ base }) => base));
    assert.deepEqual(bases(everywhere), bases(whole));
    assert.deepEqual(everything(everywhere), everything(whole));
  });

  it('may have words of a chain right behind its bracket', () => {
    const text = 'table ip t {\n\tchain c {\n\t\ttype nat hook input prior}policy accept;';
    const ruleset = readNft(text, 'dump');
    assert.equal(ruleset.complete, false);
    assert.equal(ruleset.tables[0]!.chains[0]!.base, undefined);
    assert.ok(ruleset.problems.length > 0);
  });

  it('keeps a statement that cannot be read, with the verdict behind it', () => {
    const text = 'table ip t {\n\tchain c {\n\t\tip daddr 10.0.0.1 frobnicate "x" 3 drop\n\t\tblorp\n\t}\n}\n';
    const [first, second] = readNft(text, 'dump').tables[0]!.chains[0]!.rules;
    assert.deepEqual(first!.statements.slice(1), [
      { kind: 'unknown', text: 'frobnicate "x" 3' },
      { kind: 'verdict', name: 'drop' },
    ]);
    assert.deepEqual(second!.statements, [{ kind: 'unknown', text: 'blorp' }]);
    const rule = nftTables(readNft(text, 'dump'))[0]!.chains.get('c')!.rule(1);
    assert.equal(rule.problem?.place.line, 4);
    assert.match(rule.problem!.message, /blorp/);
  });

  it('of iptables-nft that has lost its targets says so for each rule', () => {
    const lossy = recordedPairs().find(({ name }) => name.includes('1.36-iptables-nft-nocidr/nodes/node-2'))!;
    const nat = nftTables(readNft(lossy.text, 'dump')).find(({ name, family }) => name === 'nat' && family === 4)!;
    const endpoint = [...nat.chains.values()].find(({ name }) => name.startsWith('KUBE-SEP-'))!;
    assert.equal(endpoint.rule(0).problem, undefined);
    assert.match(endpoint.rule(1).problem!.message, /without its target/);
    assert.match(endpoint.rule(1).problem!.advice, /iptables-save/);
  });

  it('of JSON keeps what it has no name for', () => {
    const json = JSON.stringify({
      nftables: [
        { table: { family: 'ip', name: 't', handle: 1 } },
        { chain: { family: 'ip', table: 't', name: 'c' } },
        { rule: { family: 'ip', table: 't', chain: 'c', expr: [{ blorp: { a: 1 } }, { drop: null }] } },
        { rule: { family: 'nosuch', table: 't', chain: 'c', expr: [] } },
      ],
    });
    const ruleset = readNft(json, 'dump');
    assert.deepEqual(ruleset.tables[0]!.chains[0]!.rules[0]!.statements, [
      { kind: 'unknown', text: '{"blorp":{"a":1}}' },
      { kind: 'verdict', name: 'drop' },
    ]);
    assert.match(ruleset.problems[0]!.message, /rule names no table/);
  });

  it('of JSON keeps what stands where a list of statements or elements was expected: it may be anything', () => {
    const json = JSON.stringify({
      nftables: [
        { table: { family: 'ip', name: 't', handle: 1 } },
        { set: { family: 'ip', table: 't', name: 's', type: 'ipv4_addr', elem: { a: 1 } } },
        { rule: { family: 'ip', table: 't', chain: 'c', expr: 'drop' } },
      ],
    });
    const [table] = readNft(json, 'dump').tables;
    assert.deepEqual(table!.sets[0]!.elements, [{ key: { kind: 'unknown', text: '{"a":1}' } }]);
    assert.deepEqual(table!.chains[0]!.rules[0]!.statements, [{ kind: 'unknown', text: '"drop"' }]);
  });

  it('that is no dump at all gives a problem and no tables', () => {
    for (const text of ['{', '{"nftables": 5}', '[]', 'iptables-save\n*nat\nCOMMIT\n', '<html>'])
      assert.ok(readNft(text, 'dump').problems.length > 0, text);
    assert.deepEqual(readNft('', 'dump').problems, []);
  });
});

describe('the readers', () => {
  const words = [
    'table ip t {',
    'chain c {',
    '}',
    '{',
    '"',
    'elements = { ',
    'set s {',
    'type filter hook input priority ',
    '0;',
    'ip daddr',
    '1.2.3.4',
    'vmap',
    ': drop',
    ',',
    '\n',
    '\t',
    ';',
    '# x',
    'dnat to',
    ':80',
    'jump',
    '(',
    ')',
    '@s',
    'numgen random mod',
    '-',
    '\0',
    '=',
    '!=',
  ];

  it('never throw, whatever they are given', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(fc.constantFrom(...words)).map((list) => list.join(' ')),
        ),
        (text) => {
          everything(readNft(text, 'dump'));
          everything(readNft(`{"nftables": [${text}`, 'dump'));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('never throw on a dump with changed, lost or repeated pieces', () => {
    const { text, json } = catalogue();
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.array(
          fc.record({
            at: fc.double({ min: 0, max: 1, noNaN: true }),
            lose: fc.nat(40),
            put: fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom(...words)),
          }),
          { minLength: 1, maxLength: 6 },
        ),
        (isText, changes) => {
          let dump = isText ? text : json;
          for (const { at, lose, put } of changes) {
            const from = Math.floor(at * dump.length);
            dump = dump.slice(0, from) + put + dump.slice(from + lose);
          }
          everything(readNft(dump, 'dump'));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('read any JSON in the place of rules, expressions and elements', () => {
    const key = fc.constantFrom(
      'match',
      'vmap',
      'mangle',
      'payload',
      'op',
      'left',
      'right',
      'set',
      'elem',
      'val',
      'concat',
      'prefix',
      'addr',
      'len',
      'range',
      'dnat',
      'map',
      'key',
      'data',
      '&',
      'reject',
      'type',
      'limit',
      'counter',
      'jump',
      'target',
      'meta',
      'ct',
      'fib',
      'flags',
      'numgen',
      'mod',
      'expr',
      'log',
      'queue',
      'meter',
      'xt',
    );
    const value = fc.letrec((tie) => ({
      json: fc.oneof(
        { depthSize: 'small' },
        fc.string(),
        fc.integer(),
        fc.constant(null),
        fc.boolean(),
        fc.array(tie('json'), { maxLength: 3 }),
        fc.dictionary(key, tie('json'), { maxKeys: 3 }),
      ),
    })).json;
    fc.assert(
      fc.property(fc.array(value), value, (expr, elem) => {
        everything(
          readNft(
            JSON.stringify({
              nftables: [
                { table: { family: 'ip', name: 't' } },
                { set: { family: 'ip', table: 't', name: 's', type: elem, elem: [elem] } },
                { chain: { family: 'ip', table: 't', name: 'c', type: 'filter', hook: 'input', prio: elem } },
                { rule: { family: 'ip', table: 't', chain: 'c', expr } },
                elem,
              ],
            }),
            'dump',
          ),
        );
      }),
      { numRuns: 1000 },
    );
  });
});

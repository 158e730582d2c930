import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Ruleset } from '../../../src/netfilter/nftables/ruleset.ts';
import { readNft, readNftInSlices } from '../../../src/netfilter/nftables/tables.ts';
import { programOf, programSlices } from '../../../src/netfilter/program-of.ts';
import { readProgram } from '../../../src/netfilter/read-program.ts';
import { trace } from '../../../src/netfilter/trace.ts';
import { NETWORK, packet } from '../follow.ts';

const read = (name: string): string =>
  readFileSync(new URL(`../../recordings/1.37-nftables/nodes/node-1/${name}`, import.meta.url), 'utf8');
const recorded = read('nft.txt');
const recordedJson = read('nft.json');

/** A recorded listing with its endpoint and service chains many times over, under other names. */
function many(times: number): string {
  const end = recorded.indexOf('\n}\n');
  const from = recorded.indexOf('\tchain service-');
  const chains = recorded.slice(from, end);
  const copies = Array.from({ length: times }, (_, i) => chains.replaceAll('/tcp/', `-${i}/tcp/`));
  return recorded.slice(0, from) + copies.join('\n') + recorded.slice(end);
}

/** The same of its JSON. */
function manyJson(times: number): string {
  const { nftables } = JSON.parse(recordedJson) as { readonly nftables: readonly object[] };
  const [owned, others] = [true, false].map((own) =>
    nftables.filter((one) => /"(name|chain)":"service-/.test(JSON.stringify(one)) === own),
  );
  const text = owned!.map((one) => JSON.stringify(one)).join(', ');
  const copies = Array.from({ length: times }, (_, i) => text.replaceAll('/tcp/', `-${i}/tcp/`));
  return `{"nftables": [${[...others!.map((one) => JSON.stringify(one)), ...copies].join(', ')}]}`;
}

/** A verdict map so big that it is read in parts, and a chain that asks it; with comments that look like the end of an element. */
function bigMap(elements: number): { readonly json: string; readonly text: string } {
  const address = (i: number): string => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
  const where = { family: 'ip', table: 't' };
  const ids = Array.from({ length: elements }, (_, i) => i);
  const comment = 'a, b }, { c ] "elem": [';
  const json = JSON.stringify({
    nftables: [
      { table: { family: 'ip', name: 't', handle: 1 } },
      {
        map: {
          ...where,
          name: 'big',
          type: 'ipv4_addr',
          map: 'verdict',
          elem: ids.map((i) => [{ elem: { val: address(i), comment } }, i === 7 ? { drop: null } : { accept: null }]),
          comment: 'big',
        },
      },
      { chain: { ...where, name: 'c', type: 'filter', hook: 'forward', prio: 0, policy: 'accept' } },
      {
        rule: {
          ...where,
          chain: 'c',
          expr: [{ vmap: { key: { payload: { protocol: 'ip', field: 'daddr' } }, data: '@big' } }],
        },
      },
    ],
  });
  const listed = ids.map((i) => `${address(i)} comment "a, b }, { c ] elem: [" : ${i === 7 ? 'drop' : 'accept'}`);
  const text = `table ip t {
\tmap big {
\t\ttype ipv4_addr : verdict
\t\tcomment "big"
\t\telements = { ${listed.join(',\n\t\t\t     ')} }
\t}

\tchain c {
\t\ttype filter hook forward priority filter; policy accept;
\t\tip daddr vmap @big
\t}
}
`;
  return { json, text };
}

function slicesOf(text: string, name: string): { readonly shares: readonly number[]; readonly ruleset: Ruleset } {
  const shares: number[] = [];
  const reading = readNftInSlices(text, name);
  for (;;) {
    const { done, value } = reading.next();
    if (done) return { shares, ruleset: value };
    shares.push(value);
  }
}

for (const [name, text] of [
  ['nft.txt', many(400)],
  ['nft.json', manyJson(200)],
] as const)
  test(`a big ${name} is read in many slices, with rising progress, to what reading it in one go gives`, () => {
    const { shares, ruleset } = slicesOf(text, name);
    assert.ok(shares.length > 10, `${shares.length} slices of ${text.length} characters`);
    assert.deepEqual(
      shares,
      [...shares].sort((a, b) => a - b),
    );
    assert.ok(shares.every((share) => share >= 0 && share <= 1));
    const chains = ({ tables }: Ruleset): unknown => tables.map((table) => table.chains.map((chain) => chain.name));
    assert.deepEqual(chains(ruleset), chains(readNft(text, name)));
    assert.deepEqual(ruleset.problems, []);
  });

test('every element of JSON has its place, also behind a big set and on many lines', () => {
  const { json } = bigMap(20_000);
  for (const text of [manyJson(2), json, json.replaceAll('{"', '\n{"')]) {
    const [table] = readNft(text, 'nft.json').tables;
    for (const { place } of [...table!.chains, ...table!.sets, ...table!.chains.flatMap(({ rules }) => rules)]) {
      const kind = Object.keys(JSON.parse(text.slice(place.start, place.end)) as object)[0]!;
      assert.match(kind, /^(chain|rule|set|map)$/);
      assert.equal(place.line, text.slice(0, place.start).split('\n').length);
    }
  }
});

test('a set of 200,000 elements is read in parts, in either listing, to all of its elements', () => {
  const listings = bigMap(200_000);
  for (const [name, text] of [
    ['nft.json', listings.json],
    ['nft.txt', listings.text],
  ] as const) {
    const { shares, ruleset } = slicesOf(text, name);
    assert.ok(shares.length > 100, `${shares.length} slices`);
    const [set] = ruleset.tables[0]!.sets;
    assert.equal(set!.elements.length, 200_000);
    assert.deepEqual(
      set!.elements.filter(({ data }) => data?.kind !== 'verdict' || data.name !== 'accept').map(({ key }) => key),
      [{ kind: 'text', value: '10.0.0.7' }],
    );
    assert.equal(set!.comment, 'big');
    const program = programOf([{ name, text }]);
    const verdicts = ['10.0.0.7', '10.3.13.63', '10.200.0.1'].map((to) =>
      trace(program, NETWORK, packet(`eth0 203.0.113.9 -> ${to} tcp 80`)).map(({ verdict }) => verdict),
    );
    assert.deepEqual(verdicts, [['drop'], ['accept'], ['accept']]);
  }
});

test('a part of a big set that cannot be read is told, and may be any element', () => {
  const { json } = bigMap(20_000);
  const at = json.indexOf('"10.0.20.7"');
  const damaged = json.slice(0, at) + json.slice(at).replace('"10.0.20.7"', '10.0.20.7');
  const ruleset = readNft(damaged, 'nft.json');
  assert.equal(ruleset.problems.length, 1);
  const [{ place }] = ruleset.problems as [Ruleset['problems'][number]];
  assert.ok(place.start < at && place.end > at && place.end - place.start < 100_000);
  assert.ok(ruleset.tables[0]!.sets[0]!.elements.length > 18_000);
  const program = programOf([{ name: 'nft.json', text: damaged }]);
  const assumed = trace(program, NETWORK, packet('eth0 203.0.113.9 -> 10.200.0.1 tcp 80')).flatMap(
    ({ assumptions }) => assumptions,
  );
  assert.match(assumed[0]!.words, /cannot be read/);
});

test('rules of a long chain are asked by their destination, from the first trace on', () => {
  const rules = Array.from({ length: 5000 }, (_, i) => `\t\tip daddr 10.0.${i >> 8}.${i & 255} drop`);
  const text = `table ip t {\n\tchain c {\n\t\ttype filter hook forward priority 0;\n${rules.join('\n')}\n\t}\n}\n`;
  const program = programOf([{ name: 'nft.txt', text }]);
  const [outcome] = trace(program, NETWORK, packet('eth0 203.0.113.9 -> 10.0.19.135 tcp 80'));
  assert.equal(outcome!.verdict, 'drop');
  assert.equal(outcome!.path.at(-1)?.place?.line, 5000 + 3);
});

test('reading can be stopped, and reports progress', async () => {
  const dumps = [{ name: 'nft.json', text: manyJson(300) }];
  const stop = new AbortController();
  const shares: number[] = [];
  await assert.rejects(
    readProgram(dumps, {
      signal: stop.signal,
      onProgress: (share) => {
        shares.push(share);
        if (shares.length === 2) stop.abort(new Error('enough'));
      },
    }),
    /enough/,
  );
  assert.equal(shares.length, 2);
  assert.ok(shares[0]! < shares[1]! && shares[1]! < 1, String(shares));
});

test('where the text is whole, JSON is not read', () => {
  const dumps = [
    { name: 'nft.json', text: '{"nftables": [' },
    { name: 'nft.txt', text: recorded },
  ];
  const reading = programSlices(dumps);
  let step = reading.next();
  while (!step.done) step = reading.next();
  assert.deepEqual(step.value.problems, []);
  assert.ok(step.value.tables.some((table) => table.label === 'ip kube-proxy'));
});

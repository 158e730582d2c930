/** Small dumps of every kind, recorded or made up, with some of their bytes changed, lost, doubled or moved. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { DumpText } from '../../src/netfilter/program-of.ts';
import { iptablesLanguage } from '../kernel/iptables-language.ts';
import { nftablesLanguage } from '../kernel/nftables/language.ts';
import { Random } from '../kernel/random.ts';

export const KINDS = ['iptables', 'ipset', 'nft text', 'nft JSON'] as const;
export type Kind = (typeof KINDS)[number];

/** The same seed gives the same dumps; those of the same `base` are changes of one dump. */
export function mutant(kind: Kind, base: string, seed: string): readonly DumpText[] {
  const random = new Random(seed);
  const [first, ...others] = baseOf(kind, base);
  return [{ name: first!.name, text: mutated(first!.text, random) }, ...others];
}

let last: { readonly key: string; readonly dumps: readonly DumpText[] } | undefined;

function baseOf(kind: Kind, seed: string): readonly DumpText[] {
  const key = `${kind} ${seed}`;
  if (last?.key !== key) last = { key, dumps: makeBase(kind, new Random(key)) };
  return last.dumps;
}

/** The dump that is to be changed, and what it is read with. */
function makeBase(kind: Kind, random: Random): readonly DumpText[] {
  const family = random.chance(0.3) ? 6 : 4;
  const rules = family === 6 ? 'ip6tables-save.txt' : 'iptables-save.txt';
  switch (kind) {
    case 'iptables':
    case 'ipset': {
      if (kind === 'iptables' && random.chance(0.4)) return [{ name: rules, text: someRules(random) }];
      const { load } = iptablesLanguage.random(random, family);
      const dumps = load.map(({ run, input }) => ({
        name: run[0] === 'ipset' ? 'ipset-save.txt' : rules,
        text: input,
      }));
      const sets = dumps.find(({ name }) => name.startsWith('ipset')) ?? { name: 'ipset-save.txt', text: SETS };
      const [own] = dumps.filter(({ name }) => name === rules);
      return kind === 'ipset' ? [sets, own!] : [own!, sets];
    }
    case 'nft text':
      if (random.chance(0.5)) return [{ name: 'nft.txt', text: someBlocks(random) }];
      return [{ name: 'nft.txt', text: nftablesLanguage.random(random, family).load.at(-1)!.input }];
    case 'nft JSON':
      return [{ name: 'nft.json', text: someElements(random) }];
  }
}

const SETS = `create VIPS hash:ip,port family inet hashsize 1024 maxelem 65536
add VIPS 10.96.0.10,tcp:80
create WAYS hash:net,iface family inet
add WAYS 10.0.0.0/8,cni0 timeout 0 nomatch comment "a b"
create ALL list:set size 8
add ALL VIPS
`;

const tests = path.resolve(import.meta.dirname, '..');
const files = (pattern: string): readonly string[] =>
  globSync(pattern, { cwd: tests })
    .sort()
    .map((file) => readFileSync(path.join(tests, file), 'utf8'))
    .filter((text) => text.length > 2000);

function late<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

const saved = late(() => files('recordings/*/nodes/node-1/ip*tables-save.txt').map((text) => text.split('\n')));
const listed = late(() =>
  [...files('recordings/*/nodes/node-1/nft.txt'), ...files('netfilter/nftables/catalogue.txt')].map((text) =>
    text.split(/\n(?=\t(?:chain|set|map|flowtable|counter|limit|quota|ct) |table |\})/),
  ),
);
const elements = late(() =>
  [...files('recordings/*/nodes/node-1/nft.json'), ...files('netfilter/nftables/catalogue.json')].map(
    (text) => (JSON.parse(text) as { readonly nftables: readonly object[] }).nftables,
  ),
);

/** Pieces in their order: each that `keep` says, and a dozen or two of the others, most of them in a row. */
function some<T>(pieces: readonly T[], random: Random, keep: (piece: T) => boolean): readonly T[] {
  const from = random.integer(0, pieces.length);
  const until = from + random.integer(5, 25);
  return pieces.filter((piece, i) => keep(piece) || (i >= from && i < until) || random.chance(6 / pieces.length));
}

function someRules(random: Random): string {
  const chosen = some(random.one(saved()), random, (line) => /^(\*|COMMIT|:[A-Z]+ )/.test(line));
  return `${chosen.join('\n')}\n`;
}

function someBlocks(random: Random): string {
  const chosen = some(random.one(listed()), random, (block) => /^(table|\})|\thook |type \w+ hook/.test(block));
  return `${chosen.join('\n')}\n`;
}

function someElements(random: Random): string {
  const chosen = some(random.one(elements()), random, (one) =>
    /^\{"(metainfo|table)"|"hook":/.test(JSON.stringify(one)),
  );
  return random.chance(0.2) ? JSON.stringify({ nftables: chosen }, null, 2) : JSON.stringify({ nftables: chosen });
}

const BYTES = [
  '\0',
  '\r\n',
  '\n',
  ' ',
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  '(',
  ',',
  ';',
  ':',
  '.',
  '/',
  '!',
  '#',
  '*',
  '@',
  '\ufeff',
  '\ud800',
  'é',
];
const NUMBERS = [
  '0',
  '-1',
  '4294967296',
  '1e400',
  '0x',
  '00000000000000000001',
  '255.255.255.255/33',
  '::',
  '9'.repeat(40),
];

const OPENERS = ['[', '{', '(', '{"set": [', '{"&": [1, ', '! ', '& 1 ', '"', '\n'];

/** One to a few changes. */
export function mutated(text: string, random: Random): string {
  let now = text;
  for (
    let n = random.weighted({ '1': 6, '2': 3, '4': 2, '12': 1 });
    Number(n) > 0;
    n = String(Number(n) - 1) as typeof n
  )
    now = changed(now, random);
  return now;
}

function changed(text: string, random: Random): string {
  const at = random.integer(0, text.length);
  const short = at + random.integer(1, 4);
  const long = at + random.integer(1, 400);
  switch (
    random.weighted({
      lose: 4,
      put: 4,
      replace: 4,
      word: 5,
      swap: 3,
      cut: 2,
      double: 2,
      move: 2,
      number: 3,
      line: 3,
      end: 0.3,
      many: 0.2,
    })
  ) {
    case 'lose':
      return text.slice(0, at) + text.slice(short);
    case 'put':
      return text.slice(0, at) + random.one(BYTES) + text.slice(at);
    case 'replace':
      return text.slice(0, at) + random.one(BYTES) + text.slice(short);
    case 'word': {
      // A word of the dump, where another stands.
      const [from, to] = wordAt(text, at);
      const [other, end] = wordAt(text, random.integer(0, text.length));
      return text.slice(0, from) + text.slice(other, end) + text.slice(to);
    }
    case 'swap': {
      const [from, to] = wordAt(text, at);
      const [next, end] = wordAt(text, to + 1);
      return (
        text.slice(0, from) + text.slice(next, end) + text.slice(to, next) + text.slice(from, to) + text.slice(end)
      );
    }
    case 'cut':
      return text.slice(0, at) + text.slice(long);
    case 'double':
      return text.slice(0, long) + text.slice(at);
    case 'move': {
      const rest = text.slice(0, at) + text.slice(long);
      const to = random.integer(0, rest.length);
      return rest.slice(0, to) + text.slice(at, long) + rest.slice(to);
    }
    case 'number': {
      const found = /\d+/.exec(text.slice(at));
      if (!found) return text;
      const from = at + found.index;
      return text.slice(0, from) + random.one(NUMBERS) + text.slice(from + found[0].length);
    }
    case 'line': {
      const lines = text.split('\n');
      const [from, to] = [random.integer(0, lines.length - 1), random.integer(0, lines.length - 1)];
      lines.splice(to, random.integer(0, 1), lines[from]!);
      return lines.join('\n');
    }
    case 'end':
      return text.slice(0, at);
    case 'many': {
      // So deep, or so often, that what calls itself for each of them would not come back.
      const piece = random.chance(0.5) ? random.one(OPENERS) : text.slice(at, short);
      return text.slice(0, at) + piece.repeat(random.one([100, 3000, 20_000])) + text.slice(short);
    }
  }
}

/** The word at or behind `at`. */
function wordAt(text: string, at: number): readonly [from: number, to: number] {
  const found = /[^\s",{}[\]:;]+/.exec(text.slice(at, at + 200));
  if (!found) return [Math.min(at, text.length), Math.min(at, text.length)];
  return [at + found.index, at + found.index + found[0].length];
}

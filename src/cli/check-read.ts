/** Whether dumps are dumps at all, and what of them could not be read, for those who asked by a command. */
import type { Program } from '../netfilter/program.ts';
import { programOf, type DumpText } from '../netfilter/program-of.ts';

/**
 * What could not be read is told on standard error, and the rest is answered for; a text in which nothing could be read at all is an
 * error: it would let every packet pass.
 */
export function checkRead(program: Program, dumps: readonly DumpText[], told: (name: string) => string): void {
  const [problem] = program.problems;
  for (const dump of dumps) {
    const expected = EXPECTED.find(({ name }) => name.test(dump.name));
    if (!expected || isEmpty(dump.text) || holdsRules(program, dump, dumps)) continue;
    const own = program.problems.find(({ place }) => place.dump === dump.name);
    // Tables, but empty ones; or such of nft as iptables made, which are read from its own dump.
    const known = own === undefined || (dump.name.startsWith('nft') && programOf([dump]).tables.length > 0);
    if (known && expected.start.test(dump.text)) continue;
    throw new Error(`${told(dump.name)}, line ${own?.place.line ?? 1}: expected ${expected.words}, and read no rules`);
  }
  if (program.tables.length === 0 && problem)
    throw new Error(`${told(problem.place.dump)}, line ${problem.place.line}: expected rules, and read none`);
  complain(
    program.problems.map(
      ({ place, message, advice }) =>
        () =>
          `${told(place.dump)}, line ${place.line}: ${message} ${advice}`,
    ),
  );
}

/** On standard error, as many as somebody reads. */
export function complain(lines: readonly (() => string)[]): void {
  for (const line of lines.slice(0, COMPLAINTS)) process.stderr.write(`${printable(line())}\n`);
  if (lines.length > COMPLAINTS) process.stderr.write(`and ${lines.length - COMPLAINTS} more\n`);
}

/** Nothing but comments, as a backend without rules prints it. */
function isEmpty(text: string): boolean {
  return text
    .slice(0, 10_000)
    .split('\n')
    .every((line) => /^\s*(?:#|$)/.test(line));
}

const COMPLAINTS = 20;

/** What a text that is no dump holds may be anything, a terminal's own commands included. */
function printable(line: string): string {
  return line.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd');
}

function holdsRules({ tables, ipsets }: Program, dump: DumpText, dumps: readonly DumpText[]): boolean {
  if (dump.name.startsWith('ipset')) return ipsets.size > 0;
  const read = new Set(
    tables
      .filter(({ engine, name }) => engine === 'nftables' || IPTABLES.has(name))
      .flatMap(({ chains }) => [...chains.values()].slice(0, 1).map(({ place }) => place.dump)),
  );
  if (read.has(dump.name)) return true;
  // JSON and text of nft say the same: one of them is enough.
  return dump.name.startsWith('nft') && dumps.some(({ name }) => name.startsWith('nft') && read.has(name));
}

/** The kernel has no others. */
const IPTABLES: ReadonlySet<string> = new Set(['raw', 'mangle', 'nat', 'filter', 'security']);

/** What a dump looks like, by its name. */
const EXPECTED: readonly { readonly name: RegExp; readonly start: RegExp; readonly words: string }[] = [
  {
    name: /^ip6?tables-(.*-)?save\.txt$/,
    start: /^\*(raw|mangle|nat|filter|security)\s*$/m,
    words: 'a table such as "*nat", as iptables-save prints it',
  },
  {
    name: /^nft\./,
    start: /^table (ip|ip6|inet|arp|bridge|netdev) \S+ \{|"table"|"metainfo"/m,
    words: 'the output of `nft list ruleset` or `nft -j list ruleset`',
  },
  { name: /^ipset/, start: /^create \S+ \w+:\w+/m, words: '"create NAME TYPE …", as ipset save prints it' },
];

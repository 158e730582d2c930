/**
 * node scripts/matches.ts: writes docs/matches.md, the list of every iptables match and target, and of what of nftables a trace knows, from the very modules that
 * decide them. A test says whether the page is current.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Knowledge } from '../src/netfilter/iptables/module.ts';
import { MATCH_MODULES, TARGET_MODULES } from '../src/netfilter/iptables/registry.ts';
import { SELECTORS, STATEMENTS, type Known } from '../src/netfilter/nftables/knowledge.ts';

export const MATCHES_PAGE = path.resolve(import.meta.dirname, '../docs/matches.md');

const WORDS: Readonly<Record<Knowledge, string>> = {
  decided: 'decided',
  split: 'split by chance',
  partly: 'decided or asked',
  unknown: 'asked',
};

const HEAD: readonly (readonly [string, Knowledge, string])[] = [
  ['`-s`, `-d`', 'decided', 'address, network, or any mask; negated or not'],
  ['`-i`, `-o`', 'partly', 'the interface, `+` included; asked where a route, and so the way out, is not known'],
  ['`-p`', 'decided', 'tcp, udp, sctp, icmp; any other protocol never matches'],
  ['`-f`', 'decided', 'never: a first packet is no later fragment'],
];

interface Row {
  readonly names: readonly string[];
  readonly knowledge: Knowledge;
  readonly about: string;
}

function table(head: string, rows: readonly (readonly [string, Knowledge, string])[]): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  return [
    `| ${head} | | by what |`,
    '| --- | --- | --- |',
    ...rows.map(([name, knowledge, about]) => `| ${name} | ${WORDS[knowledge]} | ${cell(about)} |`),
  ].join('\n');
}

function rowsOf(modules: readonly Row[]): (readonly [string, Knowledge, string])[] {
  return modules.map(({ names, knowledge, about }) => [
    names.map((name) => `\`${name}\``).join(', '),
    knowledge,
    about,
  ]);
}

function knownRows(known: readonly Known[]): (readonly [string, Knowledge, string])[] {
  return known.map(({ name, knowledge, about }) => [name, knowledge, about]);
}

export function matchesPage(): string {
  return `# What a trace knows of iptables and nftables

Made by \`node scripts/matches.ts\` from the code that follows packets; do not edit.

- **decided**: from the packet, the node's addresses and routes, and the dump alone.
- **split by chance**: every way is followed, with its share.
- **asked**: neither tells. Both ways are followed, and each outcome names, in words, what it rests on; settle it and see the rest.
- **decided or asked**: decided where packet, node and dump tell, asked where they do not.

A match or target that is not listed here is asked, in the words of its rule. A rule that cannot be read in full, or that an older iptables
printed wrongly, is told and never believed: it is followed as if it did nothing, and as if it dropped the packet.

## The rule itself

${table('option', HEAD)}

## Matches (\`-m\`)

${table('match', rowsOf(MATCH_MODULES))}

## Targets (\`-j\`)

${table('target', rowsOf(TARGET_MODULES))}

## nftables: selectors

${table('selector', knownRows(SELECTORS))}

## nftables: statements

${table('statement', knownRows(STATEMENTS))}
`;
}

if (import.meta.main) writeFileSync(MATCHES_PAGE, matchesPage());

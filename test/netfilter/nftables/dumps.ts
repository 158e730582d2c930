import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readJson } from '../../../src/netfilter/nftables/json.ts';
import { readNft } from '../../../src/netfilter/nftables/tables.ts';
import type { Ruleset } from '../../../src/netfilter/nftables/ruleset.ts';

const tests = path.resolve(import.meta.dirname, '../..');

/** One node's rules in both of nft's languages. */
export interface Pair {
  readonly name: string;
  readonly text: string;
  readonly json: string;
}

function pair(folder: string, name: string): Pair {
  const read = (end: string): string => readFileSync(path.join(tests, `${folder}.${end}`), 'utf8');
  return { name, text: read('txt'), json: read('json') };
}

/** What nft 1.0.6 lists on every node of every recording. */
export function recordedPairs(): Pair[] {
  return globSync('recordings/*/nodes/*/nft.json', { cwd: tests })
    .sort()
    .map((file) => pair(file.slice(0, -'.json'.length), path.dirname(file).replaceAll(path.sep, '/')));
}

/** A rule set with every statement that nft 1.0.6 and this project's kernel accept, listed by nft itself. */
export function catalogue(): Pair {
  return pair('netfilter/nftables/catalogue', 'catalogue');
}

export function both({ text, json }: Pair): readonly [Ruleset, Ruleset] {
  return [readNft(text, 'nft.txt'), readJson(json, 'nft.json')];
}

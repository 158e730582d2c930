/**
 * Reads `nft list ruleset`. One pass over the text finds tables, chains and sets; what is inside of chains and sets is read when it
 * is first looked at. Text around the dump (a shell prompt, kubectl's notes) is told and left out. Never throws.
 */
import { asPart, type Slices } from '../slices.ts';
import { isIptablesName, type Chain, type NamedObject, type NamedSet, type NftFamily } from './ruleset.ts';
import type { Ruleset, Table } from './ruleset.ts';
import { TextChain } from './text-chains.ts';
import { readSet } from './text-sets.ts';
import { TextSource, unquote } from './text-source.ts';
import { blockEnd, blockEndInSlices, eachStatement, lineEnd, tokenize } from './tokens.ts';

const TABLE = /^[^\S\n]*(?:(?:add|create)\s+)?table\s+(?:(ip6?|inet|arp|bridge|netdev)\s+)?([^\s{}]+)\s*\{/gm;
/** After so many characters of a table others have their turn: some milliseconds. */
const EACH = 100_000;

const OBJECT =
  /^(chain|set|map|counter|quota|limit|flowtable|meter|secmark|synproxy|ct\s+(?:helper|timeout|expectation))\s+("[^"]*"|[^\s{}]+)\s*\{/;

/** Yields how far it has come, 0 to 1, every few milliseconds. */
export function* readTextInSlices(text: string, dump: string): Slices<Ruleset> {
  const source = new TextSource(text, dump);
  const tables: Table[] = [];
  let at = 0;
  for (;;) {
    TABLE.lastIndex = at;
    const found = TABLE.exec(text);
    noise(source, at, found ? found.index : text.length);
    if (!found) break;
    const start = found.index + (found[0].length - found[0].trimStart().length);
    const body = found.index + found[0].length;
    // Finding the end of a table is the smaller half of reading it.
    const before = at;
    const looking = blockEndInSlices(text, body);
    const stop = yield* asPart(looking, (come) => (before + (come - before) / 3) / text.length);
    const { inner, end } = source.block(stop, `table ${found[2]}`);
    const family = (found[1] as NftFamily | undefined) ?? 'ip';
    const reading = readTable(source, family, unquote(found[2]!), { start, end, inner: body, to: inner });
    tables.push(yield* asPart(reading, (come) => (body + (end - body) / 3 + ((come - body) * 2) / 3) / text.length));
    at = end;
  }
  return { language: 'text', tables, problems: source.problems, complete: source.complete };
}

/** Tells lines between tables that are no part of a dump. */
function noise(source: TextSource, start: number, end: number): void {
  eachStatement(source.text, start, end, (from, to) => {
    const line = source.text.slice(from, Math.min(to, lineEnd(source.text, from)));
    source.problem(
      from,
      from + line.length,
      `"${line.slice(0, 80)}" is no part of an nft dump: "table FAMILY NAME {" was expected here.`,
      'It was left out. If rules are missing, record them again with "nft list ruleset".',
    );
  });
}

/** Where a block stands, and what is between its brackets. */
interface Block {
  readonly start: number;
  readonly end: number;
  readonly inner: number;
  readonly to: number;
}

/** Yields how far it has come in the text, as an offset. */
function* readTable(source: TextSource, family: NftFamily, name: string, block: Block): Generator<number, Table, void> {
  const { text } = source;
  const translated = isIptablesName(family, name);
  const chains: Chain[] = [];
  const sets: NamedSet[] = [];
  const objects: NamedObject[] = [];
  let flags: readonly string[] = [];
  let comment: string | undefined;

  const line = (from: number, to: number): void => {
    const words = tokenize(text, from, to).map((token) => token.text);
    if (words[0] === 'flags') flags = words.slice(1).filter((word) => word !== ',');
    else if (words[0] === 'comment') comment = words[1];
    else if (!source.cutOff(to))
      source.problem(
        from,
        to,
        `"${text
          .slice(from, Math.min(to, from + 400))
          .split('\n')[0]!
          .slice(0, 80)}" in table ${name}: a chain, a set, a map or a named object was expected.`,
        'It was left out. If the line was damaged, record the node again.',
      );
  };

  let told = block.inner;
  for (let at = block.inner; at < block.to;) {
    if (at - told > EACH) yield (told = at);
    const head = headOf(text, at, block.to);
    // What stands before the member's head on lines of its own: flags, comment, garbage.
    if (head > at) eachStatement(text, at, head, line);
    const brace = text.indexOf('{', head);
    if (brace < 0 || brace >= block.to) break;
    const stop = yield* blockEndInSlices(text, brace + 1);
    const to = stop < 0 || stop > block.to ? block.to : stop;
    let from = head;
    while (from < to && text.charCodeAt(from) <= 32) from++;
    at = to;
    const found = OBJECT.exec(text.slice(from, Math.min(to, from + 400)));
    if (!found) {
      line(from, to);
      continue;
    }
    const [, kind, quoted] = found;
    const member = unquote(quoted!);
    const inner = from + found[0].length;
    const inside =
      text.charCodeAt(to - 1) === 125 ? to - 1 : source.block(blockEnd(text, inner), `${kind} ${member}`).inner;
    const own = { start: from, end: to, inner, to: Math.max(inner, inside) };
    if (kind === 'chain') chains.push(new TextChain(source, { family, name: member, translated }, own));
    else if (kind === 'set' || kind === 'map')
      sets.push(yield* readSet(source, kind, member, source.place(from, to), own.inner, own.to));
    else objects.push({ kind: kind!.replace(/\s+/g, ' '), name: member, place: source.place(from, to) });
  }
  const place = source.place(block.start, block.end);
  return { family, name, flags, ...(comment === undefined ? {} : { comment }), chains, sets, objects, place };
}

/** Where the words begin that stand before the next bracket, on its line. */
function headOf(text: string, at: number, end: number): number {
  const brace = text.indexOf('{', at);
  if (brace < 0 || brace >= end) return end;
  for (let head = brace; head > at; head--) {
    const c = text.charCodeAt(head - 1);
    if (c === 10 || c === 59 || c === 125) return head;
  }
  return at;
}

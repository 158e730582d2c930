import type { Family } from '../address.ts';
import type { Place } from '../outcome.ts';
import type { Engine, ReadProblem } from '../program.ts';

/**
 * One pass over the text of iptables-save that finds where tables, chains and rules stand, and decodes nothing: a node of a big cluster has a
 * million lines, of which a trace needs a hundred.
 */
export interface ScannedTable {
  readonly engine: Engine;
  readonly family: Family;
  readonly name: string;
  readonly place: Place;
  readonly chains: ReadonlyMap<string, ScannedChain>;
  /** Offset of each rule's line, and the line's number, in the order of the text. */
  readonly starts: Uint32Array;
  readonly lines: Uint32Array;
}

export interface ScannedChain {
  readonly name: string;
  /** "ACCEPT", "DROP"; "-" for a chain that only jumps reach. */
  readonly policy: string;
  readonly line: number;
  readonly start: number;
  /** The chain's rules are `count` of the table's from `first` on, as iptables-save prints them … */
  first: number;
  count: number;
  /** … unless they are scattered: then these are all of them. */
  scattered: number[] | undefined;
}

export interface ScanSource {
  readonly text: string;
  readonly dump: string;
  /** What holds where no header line says otherwise. */
  readonly engine: Engine;
  readonly family: Family;
}

export interface Scan {
  readonly tables: readonly ScannedTable[];
  readonly problems: readonly ReadProblem[];
}

/** Lines between two yields: about a millisecond's worth. */
const SLICE = 4096;

const CODE = { STAR: 42, COLON: 58, DASH: 45, BRACKET: 91, HASH: 35, C: 67 } as const;

/** Yields the offset that it has reached every few thousand lines, so that a long text can be read in slices. */
export function* scanIptables({ text, dump, engine, family }: ScanSource): Generator<number, Scan, void> {
  const tables: ScannedTable[] = [];
  const problems: ReadProblem[] = [];
  let header: { engine: Engine; family: Family } | undefined;
  let open: OpenTable | undefined;
  /** The chain of the last rule: the next line is most likely its as well. */
  let current: ScannedChain | undefined;
  let currentName = '';
  const length = text.length;

  const problem = (line: number, start: number, end: number, message: string, advice: string): void => {
    if (problems.length < 1000) problems.push({ place: { dump, line, start, end }, message, advice });
  };
  const close = (line: number, end: number, whole: boolean): void => {
    if (!open) return;
    if (!whole)
      problem(
        open.line,
        open.start,
        end,
        `The table ${open.name} that begins at line ${open.line} ends at line ${line} without COMMIT: the dump is cut off.`,
        'Save the dump again, whole; what follows the cut is missing from every answer.',
      );
    tables.push(closed(open, dump, end));
    open = undefined;
    current = undefined;
    currentName = '';
  };

  let line = 0;
  let start = 0;
  while (start < length) {
    line++;
    let end = text.indexOf('\n', start);
    if (end < 0) end = length;
    const code = text.charCodeAt(start);
    if (code === CODE.DASH || (code === CODE.BRACKET && open)) {
      const at = code === CODE.DASH ? start : afterCounters(text, start, end);
      if (open && text.startsWith('-A ', at)) {
        const name = at + 3;
        const after = name + currentName.length;
        const code2 = text.charCodeAt(after);
        if (
          !current ||
          !text.startsWith(currentName, name) ||
          !(code2 === 32 || code2 === 10 || code2 === 13 || after === end)
        ) {
          currentName = word(text, name, end);
          current = open.chains.get(currentName);
          if (!current) {
            current = { name: currentName, policy: '-', line, start, first: 0, count: 0, scattered: undefined };
            open.chains.set(currentName, current);
            problem(
              line,
              start,
              end,
              `Line ${line} adds to the chain ${currentName}, which no ":${currentName}" line declares.`,
              'Save the whole dump, from its beginning.',
            );
          }
        }
        addRule(open, current, start, line);
      } else if (code === CODE.DASH)
        problem(
          line,
          start,
          end,
          open
            ? `Line ${line} is not "-A CHAIN …", which iptables-save prints for a rule.`
            : `Line ${line} is a rule outside of any table: a line "*nat" (or another table) was expected before it.`,
          'Save the output of iptables-save as it is.',
        );
    } else if (code === CODE.COLON) {
      if (open) {
        const name = word(text, start + 1, end);
        const policy = word(text, start + 2 + name.length, end);
        open.chains.set(name, { name, policy: policy || '-', line, start, first: 0, count: 0, scattered: undefined });
      } else
        problem(
          line,
          start,
          end,
          `Line ${line} declares a chain outside of any table: a line "*nat" (or another table) was expected before it.`,
          'Save the output of iptables-save as it is.',
        );
    } else if (code === CODE.STAR) {
      close(line, start, false);
      const name = word(text, start + 1, end);
      open = opened(name, line, start, header ?? { engine, family: familyOf(text, start, family) });
    } else if (code === CODE.C && text.startsWith('COMMIT', start)) close(line, end, true);
    else if (code === CODE.HASH) {
      const words = text.slice(start, Math.min(end, start + 300));
      const found = /^# Generated by (x?)(ip6?tables)(-nft|-legacy)?-save v[\d.]+ ?(\((nf_tables|legacy)\))?/.exec(
        words,
      );
      if (found)
        header = {
          family: found[2] === 'ip6tables' ? 6 : 4,
          engine: found[3] === '-nft' || found[5] === 'nf_tables' ? 'iptables-nft' : 'iptables-legacy',
        };
      else if (words.startsWith('# Completed')) header = undefined;
      const incompatible = /^# Table `(\w+)' is incompatible, use 'nft' tool/.exec(words);
      if (incompatible)
        problem(
          line,
          start,
          end,
          `iptables-save could not print the table ${incompatible[1]!}, which other programs changed with nft.`,
          'Save `nft list ruleset` as well: it shows that table.',
        );
    } else if (open && end > start && !/^\s*$/.test(text.slice(start, Math.min(end, start + 200))))
      problem(
        line,
        start,
        end,
        `Line ${line} stands in the table ${open.name} and is no rule, chain, comment or COMMIT.`,
        'Save the output of iptables-save as it is.',
      );
    start = end + 1;
    if (line % SLICE === 0) yield start;
  }
  close(line, length, false);
  return { tables, problems };
}

interface OpenTable {
  readonly engine: Engine;
  readonly family: Family;
  readonly name: string;
  readonly line: number;
  readonly start: number;
  readonly chains: Map<string, ScannedChain>;
  starts: Uint32Array;
  lines: Uint32Array;
  rules: number;
}

function opened(
  name: string,
  line: number,
  start: number,
  by: { readonly engine: Engine; readonly family: Family },
): OpenTable {
  return {
    ...by,
    name,
    line,
    start,
    chains: new Map(),
    starts: new Uint32Array(64),
    lines: new Uint32Array(64),
    rules: 0,
  };
}

function closed(table: OpenTable, dump: string, end: number): ScannedTable {
  const { engine, family, name, line, start, chains, rules } = table;
  return {
    engine,
    family,
    name,
    chains,
    place: { dump, line, start, end },
    starts: table.starts.slice(0, rules),
    lines: table.lines.slice(0, rules),
  };
}

function addRule(table: OpenTable, chain: ScannedChain, start: number, line: number): void {
  const at = table.rules++;
  if (at === table.starts.length) {
    const grow = (old: Uint32Array): Uint32Array => {
      const grown = new Uint32Array(old.length * 2);
      grown.set(old);
      return grown;
    };
    table.starts = grow(table.starts);
    table.lines = grow(table.lines);
  }
  table.starts[at] = start;
  table.lines[at] = line;
  if (chain.count === 0) chain.first = at;
  else if (chain.scattered) chain.scattered.push(at);
  else if (chain.first + chain.count !== at)
    chain.scattered = [...Array.from({ length: chain.count }, (_, i) => chain.first + i), at];
  chain.count++;
}

/** Behind "[12:3456] ", which iptables-save -c prints in front of a rule. */
export function afterCounters(text: string, start: number, end: number): number {
  const bracket = text.indexOf('] ', start);
  return bracket < 0 || bracket >= end ? start : bracket + 2;
}

function word(text: string, from: number, end: number): string {
  let to = from;
  while (to < end) {
    const code = text.charCodeAt(to);
    if (code === 32 || code === 13 || code === 9) break;
    to++;
  }
  return text.slice(from, to);
}

/** Without a header, what the rules name tells: a look at the table's beginning. */
function familyOf(text: string, start: number, otherwise: Family): Family {
  const commit = text.indexOf('\nCOMMIT', start);
  const look = text.slice(start, Math.min(commit < 0 ? text.length : commit, start + 200_000));
  if (/^-A .* -[sd] [0-9a-fA-F]*:[0-9a-fA-F:.]*|^-A .*(ipv6-icmp|icmp6-)/m.test(look)) return 6;
  if (/^-A .* -[sd] \d+\.\d+\.\d+\.\d+/m.test(look)) return 4;
  return otherwise;
}

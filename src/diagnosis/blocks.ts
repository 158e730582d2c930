/**
 * An iptables-save text by table and chain, without decoding a rule: enough to see that two texts hold the same. One pass over the
 * text; the lines of a chain are looked at only where somebody asks for them.
 */

export interface Block {
  readonly chain: string;
  /** "ACCEPT", "DROP"; "-" for a chain that only jumps reach; undefined where no declaration was seen. */
  readonly policy: string | undefined;
  /** The place of its rules in the text: usually one piece, since iptables-save prints chain by chain. */
  readonly pieces: readonly Piece[];
}

interface Piece {
  readonly start: number;
  /** Behind the last rule's newline. */
  end: number;
  /** Of the first rule, from 1. */
  readonly line: number;
}

export interface TableBlocks {
  readonly name: string;
  readonly blocks: ReadonlyMap<string, Block>;
  /** False where the text ends before this table's COMMIT. */
  readonly committed: boolean;
}

export interface Blocks {
  readonly text: string;
  readonly tables: ReadonlyMap<string, TableBlocks>;
}

/** A rule as its line stands in the text, without counters. */
export interface Line {
  /** "-A KUBE-SERVICES -d …". */
  readonly text: string;
  /** From 1. */
  readonly line: number;
  /** Offsets in the text; `end` is behind the last character. */
  readonly start: number;
  readonly end: number;
}

interface GrowingBlock {
  chain: string;
  policy: string | undefined;
  pieces: Piece[];
}

export function readBlocks(text: string): Blocks {
  const tables = new Map<string, TableBlocks>();
  let blocks = new Map<string, GrowingBlock>();
  let name = '';
  let line = 0;
  // The rule before this one: most rules follow one of the same chain.
  let prefix = '';
  let piece: Piece | undefined;

  const blockOf = (chain: string): GrowingBlock => {
    let block = blocks.get(chain);
    if (!block) blocks.set(chain, (block = { chain, policy: undefined, pieces: [] }));
    return block;
  };
  const open = (table: string): void => {
    name = table;
    blocks = new Map((tables.get(table)?.blocks as Map<string, GrowingBlock> | undefined) ?? []);
    tables.set(name, { name, blocks, committed: false });
    piece = undefined;
  };

  for (let start = 0; start < text.length;) {
    const newline = text.indexOf('\n', start);
    const next = newline < 0 ? text.length : newline + 1;
    line++;
    let at = start;
    if (text.charCodeAt(at) === 0x5b /* [ */) at = Math.max(at, text.indexOf('] ', at) + 2);
    const first = text.charCodeAt(at);
    if (first === 0x2d /* - */ && text.startsWith('-A ', at)) {
      if (piece && piece.end === start && text.startsWith(prefix, at)) piece.end = next;
      else {
        let space = text.indexOf(' ', at + 3);
        if (space < 0 || space > next) space = next;
        const chain = text.slice(at + 3, space).trimEnd();
        piece = { start, end: next, line };
        blockOf(chain).pieces.push(piece);
        prefix = `-A ${chain} `;
      }
    } else if (first === 0x3a /* : */) {
      const [chain = '', policy = '-'] = text
        .slice(at + 1, next)
        .trim()
        .split(' ');
      blockOf(chain).policy = policy;
    } else if (first === 0x2a /* * */) open(text.slice(at + 1, next).trim());
    else if (first === 0x43 /* C */ && text.startsWith('COMMIT', at))
      tables.set(name, { name, blocks, committed: true });
    start = next;
  }
  return { text, tables };
}

/** The rules of a chain, in their order. */
export function linesOf(blocks: Blocks, block: Block | undefined): readonly Line[] {
  const lines: Line[] = [];
  for (const piece of block?.pieces ?? []) {
    let line = piece.line;
    for (let start = piece.start; start < piece.end; line++) {
      const newline = blocks.text.indexOf('\n', start);
      const next = newline < 0 ? piece.end : newline + 1;
      const at = blocks.text.charCodeAt(start) === 0x5b ? blocks.text.indexOf('] ', start) + 2 : start;
      const text = blocks.text.slice(at, next).trimEnd();
      lines.push({ text, line, start: at, end: at + text.length });
      start = next;
    }
  }
  return lines;
}

/**
 * A rule's text without what the kernel does not look at: its comment (left out above 1,000 endpoints, worded differently
 * by releases), doubled spaces.
 */
export function canonicalRule(text: string): string {
  let out = text;
  if (out.includes('-m comment')) out = out.replace(/ -m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+)/g, '');
  return out.includes('  ') ? out.replace(/ {2,}/g, ' ') : out;
}

/** The comment of a rule, unquoted. */
export function commentOf(text: string): string | undefined {
  const found = / -m comment --comment (?:"((?:[^"\\]|\\.)*)"|(\S+))/.exec(text);
  return found ? (found[1]?.replace(/\\(.)/g, '$1') ?? found[2]) : undefined;
}

/** The chain that a rule jumps or goes to; built-in targets such as DROP included. */
export function targetOf(text: string): string | undefined {
  return / (?:-j|-g) (\S+)/.exec(text)?.[1];
}

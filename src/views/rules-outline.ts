/**
 * Where things stand in a dump as an editor shows it: tables, chains, sets and maps by their lines. It reads a file that is being
 * edited or was cut off as well as a whole one, knows nothing of what rules mean, and takes one pass.
 */

/** A chain, set or map. Lines are from 0. */
export interface Block {
  readonly kind: 'chain' | 'set' | 'map';
  readonly name: string;
  /** Where it is declared (":KUBE-SVC-… -", "chain services {"); a chain that is only appended to has its first rule there. */
  readonly declared: number;
  /** Its first and last line of rules or elements; before `declared` + 1 where it has none. */
  readonly first: number;
  readonly last: number;
  /** Of a chain: the number of its rules. */
  readonly rules: number;
  /** "ACCEPT", "DROP": a base chain's policy. */
  readonly policy?: string;
}

export interface TableOutline {
  /** "nat"; for nft "ip kube-proxy". */
  readonly name: string;
  readonly first: number;
  readonly last: number;
  /** In the order of their declarations. */
  readonly blocks: ReadonlyMap<string, Block>;
}

export type Outline = readonly TableOutline[];

type Open<T> = { -readonly [K in keyof T]: T[K] };

export function outlineOf(lines: readonly string[]): Outline {
  return /^table /m.test(lines.slice(0, 50).join('\n')) ? nftOutline(lines) : iptablesOutline(lines);
}

function iptablesOutline(lines: readonly string[]): Outline {
  const tables: { name: string; first: number; last: number; blocks: Map<string, Open<Block>> }[] = [];
  let table: (typeof tables)[number] | undefined;
  lines.forEach((line, i) => {
    const sign = line.charCodeAt(0);
    if (sign === 0x2a /* * */) {
      table = { name: line.slice(1).trim(), first: i, last: i, blocks: new Map() };
      tables.push(table);
      return;
    }
    if (!table) return;
    if (line.trim() !== '' && sign !== 0x23 /* # */) table.last = i;
    if (sign === 0x3a /* : */) {
      const [name, policy] = line.slice(1).split(' ');
      const base = policy !== undefined && policy !== '-' ? { policy } : {};
      if (name) table.blocks.set(name, { kind: 'chain', name, declared: i, first: i + 1, last: i, rules: 0, ...base });
      return;
    }
    const at = sign === 0x5b /* [ */ ? line.indexOf('-A ') : line.startsWith('-A ') ? 0 : -1;
    if (at >= 0) {
      const end = line.indexOf(' ', at + 3);
      const name = line.slice(at + 3, end < 0 ? undefined : end);
      const block = table.blocks.get(name);
      if (!block) table.blocks.set(name, { kind: 'chain', name, declared: i, first: i, last: i, rules: 1 });
      else {
        if (block.rules++ === 0) block.first = i;
        block.last = i;
      }
    } else if (line.startsWith('COMMIT')) table = undefined;
  });
  return tables;
}

function nftOutline(lines: readonly string[]): Outline {
  const tables: { name: string; first: number; last: number; blocks: Map<string, Open<Block>> }[] = [];
  let table: (typeof tables)[number] | undefined;
  let block: Open<Block> | undefined;
  lines.forEach((line, i) => {
    const text = line.trim();
    const opened = /^table (.+?) \{/.exec(line);
    if (opened) {
      table = { name: opened[1]!, first: i, last: i, blocks: new Map() };
      tables.push(table);
      block = undefined;
      return;
    }
    if (!table) return;
    if (text !== '') table.last = i;
    const begun = /^(chain|set|map) (\S+) \{/.exec(text);
    if (begun) {
      const [, kind, name] = begun as unknown as [string, Block['kind'], string];
      block = { kind, name, declared: i, first: i + 1, last: i, rules: 0 };
      table.blocks.set(name, block);
    } else if (/^\}/.test(text)) {
      // A table's own brace stands at the line's beginning.
      if (line.startsWith('}')) table = undefined;
      block = undefined;
    } else if (block && text !== '') {
      block.last = i;
      if (block.kind !== 'chain' || /^(comment|type) /.test(text)) {
        const policy = /policy (\w+);/.exec(text)?.[1];
        if (policy) block.policy = policy.toUpperCase();
      } else block.rules++;
    }
  });
  return tables;
}

/** What a name at this line means: the table's own block first, since tables may have chains of the same name. */
export function blockNamed(outline: Outline, name: string, line: number): Block | undefined {
  const own = outline.find((table) => table.first <= line && line <= table.last)?.blocks.get(name);
  if (own) return own;
  for (const table of outline) {
    const block = table.blocks.get(name);
    if (block) return block;
  }
  return undefined;
}

/** The word around a column that may be a chain's, set's or map's name, or an address; undefined between words. */
export function nameAt(
  line: string,
  column: number,
): { readonly name: string; readonly start: number; readonly end: number } | undefined {
  const letter = /[A-Za-z0-9_.:/-]/;
  let start = column;
  let end = column;
  while (start > 0 && letter.test(line[start - 1]!)) start--;
  while (end < line.length && letter.test(line[end]!)) end++;
  let name = line.slice(start, end);
  // ":KUBE-SVC-…" declares; "service-…:" ends with the colon of a map's element.
  if (name.startsWith(':') && !name.startsWith('::')) {
    start++;
    name = name.slice(1);
  }
  if (name.endsWith(':') && !name.endsWith('::')) {
    end--;
    name = name.slice(0, -1);
  }
  return name === '' || name === '-' ? undefined : { name, start, end };
}

/** The lines where the name stands as a word, from 0. */
export function linesWith(
  lines: readonly string[],
  name: string,
): readonly { readonly line: number; readonly start: number }[] {
  const found: { line: number; start: number }[] = [];
  lines.forEach((text, line) => {
    for (let start = text.indexOf(name); start >= 0; start = text.indexOf(name, start + 1)) {
      const before = text[start - 1];
      const after = text[start + name.length];
      const open = before === undefined || /[\s:@!"]/.test(before);
      if (open && (after === undefined || /[\s:,;}"]/.test(after))) found.push({ line, start });
    }
  });
  return found;
}

/** The language `kube-rules` in the editor: folding, outline, definitions, references and hovers of any dump, from disk or from a node. */
import * as vscode from 'vscode';
import type { Traffic } from './context.ts';
import { rulesHoverText } from './rules-hover-text.ts';
import type { Outline } from './rules-outline.ts';
import { blockNamed, linesWith, nameAt, outlineOf } from './rules-outline.ts';
import { count } from './words.ts';

interface Read {
  readonly version: number;
  readonly lines: readonly string[];
  readonly outline: Outline;
}

const known = new WeakMap<vscode.TextDocument, Read>();

function read(document: vscode.TextDocument): Read {
  const before = known.get(document);
  if (before?.version === document.version) return before;
  const lines = document.getText().split(/\r?\n/);
  const now = { version: document.version, lines, outline: outlineOf(lines) };
  known.set(document, now);
  return now;
}

function lineRange(first: number, last: number, lines: readonly string[]): vscode.Range {
  return new vscode.Range(first, 0, last, lines[last]?.length ?? 0);
}

export function foldingRanges(document: vscode.TextDocument): vscode.FoldingRange[] {
  const ranges: vscode.FoldingRange[] = [];
  for (const table of read(document).outline) {
    ranges.push(new vscode.FoldingRange(table.first, table.last));
    let declared: { first: number; last: number } | undefined;
    for (const block of table.blocks.values()) {
      const inline = block.kind !== 'chain' || block.first === block.declared + 1;
      const first = inline && block.rules === 0 ? block.declared : block.first;
      if (block.last > first) ranges.push(new vscode.FoldingRange(first, block.last));
      // The long list of iptables' declarations folds as one.
      if (block.first === block.declared) continue;
      if (declared && block.declared === declared.last + 1) declared.last = block.declared;
      else declared ??= { first: block.declared, last: block.declared };
    }
    if (declared && declared.last > declared.first) ranges.push(new vscode.FoldingRange(declared.first, declared.last));
  }
  return ranges;
}

export function documentSymbols(document: vscode.TextDocument): vscode.DocumentSymbol[] {
  const { lines, outline } = read(document);
  return outline.map((table) => {
    const range = lineRange(table.first, table.last, lines);
    const symbol = new vscode.DocumentSymbol(
      table.name,
      '',
      vscode.SymbolKind.Namespace,
      range,
      lineRange(table.first, table.first, lines),
    );
    symbol.children = [...table.blocks.values()].map((block) => {
      const first = block.last >= block.first ? Math.min(block.first, block.declared + 1, block.last) : block.declared;
      const start = block.first === block.declared + 1 || block.last < block.first ? block.declared : first;
      const whole = lineRange(Math.max(start, table.first), Math.max(block.last, start), lines);
      const detail = block.kind === 'chain' ? count(block.rules, '{0} rule', '{0} rules') : block.kind;
      const kind = block.kind === 'chain' ? vscode.SymbolKind.Function : vscode.SymbolKind.Array;
      return new vscode.DocumentSymbol(
        block.name,
        detail,
        kind,
        whole,
        lineRange(whole.start.line, whole.start.line, lines),
      );
    });
    return symbol;
  });
}

export function definition(
  document: vscode.TextDocument,
  position: vscode.Position,
): vscode.LocationLink[] | undefined {
  const { lines, outline } = read(document);
  const word = nameAt(lines[position.line] ?? '', position.character);
  const block = word && blockNamed(outline, word.name, position.line);
  if (!block) return undefined;
  // A chain's rules are what one looks for; its declaration where it has none, or where one is at them already.
  const within = position.line >= block.first && position.line <= block.last;
  const line = block.last >= block.first && !within ? block.first : block.declared;
  return [
    {
      originSelectionRange: new vscode.Range(position.line, word.start, position.line, word.end),
      targetUri: document.uri,
      targetRange: lineRange(line, Math.max(line, block.last), lines),
      targetSelectionRange: lineRange(line, line, lines),
    },
  ];
}

export function references(document: vscode.TextDocument, position: vscode.Position): vscode.Location[] | undefined {
  const { lines } = read(document);
  const word = nameAt(lines[position.line] ?? '', position.character);
  return (
    word &&
    linesWith(lines, word.name).map(
      ({ line, start }) =>
        new vscode.Location(document.uri, new vscode.Range(line, start, line, start + word.name.length)),
    )
  );
}

/** What the cluster says of a dump from disk, too, where one is open: nothing is opened for it. */
export function hover(
  traffic: Traffic,
  document: vscode.TextDocument,
  position: vscode.Position,
): vscode.Hover | undefined {
  const { lines, outline } = read(document);
  const word = nameAt(lines[position.line] ?? '', position.character);
  const text = word && rulesHoverText(word.name, position.line, lines, outline, traffic.source?.objects);
  if (!text) return undefined;
  const markdown = new vscode.MarkdownString(text, true);
  markdown.isTrusted = { enabledCommands: ['serviceTraffic.showDiagram'] };
  return new vscode.Hover(markdown, new vscode.Range(position.line, word.start, position.line, word.end));
}

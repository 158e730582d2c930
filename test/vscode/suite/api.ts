import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Connection } from '../../../src/views/connection.ts';
import type { NodesTree } from '../../../src/views/nodes-tree.ts';
import type { ServicesTree } from '../../../src/views/services-tree.ts';

/** What the extension's activate() returns. */
export interface Api {
  readonly connection: Connection;
  readonly services: ServicesTree;
  readonly nodes: NodesTree;
}

const ID = 'service-traffic.service-traffic';

export function extension(): vscode.Extension<Api> {
  const found = vscode.extensions.getExtension<Api>(ID);
  assert.ok(found, `${ID} is not loaded`);
  return found;
}

/** The activated extension, with its cluster opened. */
export async function opened(): Promise<Api> {
  const api = await extension().activate();
  await api.connection.open();
  return api;
}

/** Waits until something is so, and says what never was. */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  ms = 15_000,
): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const got = await ask();
    if (got !== undefined && got !== false) return got;
    if (Date.now() > end) throw new Error(`never within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A row and what is below it, as text: "front · 3 endpoints". */
export async function rowsOf<Row>(
  tree: vscode.TreeDataProvider<Row>,
  parent?: Row,
): Promise<{ row: Row; text: string; tree: vscode.TreeItem }[]> {
  const rows = (await tree.getChildren(parent)) ?? [];
  return Promise.all(
    rows.map(async (row) => {
      const item = await tree.getTreeItem(row);
      return { row, tree: item, text: [item.label, item.description].filter((part) => part).join(' · ') };
    }),
  );
}

/** Goes down the tree by labels. */
export async function walk<Row>(tree: vscode.TreeDataProvider<Row>, ...labels: readonly string[]): Promise<Row> {
  let at: Row | undefined;
  for (const label of labels) {
    const rows = await rowsOf(tree, at);
    const next = rows.find(({ tree: item }) => item.label === label);
    assert.ok(next, `no row "${label}" among ${rows.map(({ text }) => text).join(' | ')}`);
    at = next.row;
  }
  assert.ok(at !== undefined);
  return at;
}

/** The Markdown of all hovers at a place. */
export async function hoverText(document: vscode.TextDocument, position: vscode.Position): Promise<string> {
  const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
    'vscode.executeHoverProvider',
    document.uri,
    position,
  );
  return hovers
    .flatMap(({ contents }) => contents)
    .map((content) => (typeof content === 'string' ? content : content.value))
    .join('\n')
    .replace(/\\([\\`*_{}[\]()#+\-.!|<>~$&:])/g, '$1');
}

export function positionOf(document: vscode.TextDocument, text: string, shift = 1): vscode.Position {
  const at = document.getText().indexOf(text);
  assert.ok(at >= 0, `no "${text}" in ${document.uri.toString()}`);
  return document.positionAt(at + shift);
}

import * as vscode from 'vscode';
import type { Mark, RowText } from './services-text.ts';

/** Rows with an identity: VS Code refreshes a row by the object that it was given. */
export class Known<Row extends { readonly id: string }> {
  readonly #rows = new Map<string, Row>();
  /** The row that VS Code knows by this id, brought up to date in place. */
  keep(rows: readonly Row[]): Row[] {
    return rows.map((row) => {
      const known = this.#rows.get(row.id);
      if (known) return Object.assign(known, row);
      this.#rows.set(row.id, row);
      return row;
    });
  }
  get(id: string): Row | undefined {
    return this.#rows.get(id);
  }
  all(): Iterable<Row> {
    return this.#rows.values();
  }
  clear(): void {
    this.#rows.clear();
  }
}

const COLORS: Readonly<Record<Mark, string | undefined>> = {
  good: 'testing.iconPassed',
  warning: 'list.warningForeground',
  error: 'list.errorForeground',
  unknown: 'descriptionForeground',
  quiet: undefined,
};

/** A row of any of our trees as VS Code wants it. */
export function treeItem(id: string, text: RowText, badge?: vscode.Uri): vscode.TreeItem {
  const states = vscode.TreeItemCollapsibleState;
  const state = text.opens === 'no' ? states.None : text.opens === 'open' ? states.Expanded : states.Collapsed;
  const item = new vscode.TreeItem(text.label, state);
  const color = COLORS[text.mark];
  item.id = id;
  item.description = text.description;
  item.iconPath = new vscode.ThemeIcon(text.icon, color === undefined ? undefined : new vscode.ThemeColor(color));
  item.contextValue = text.context;
  item.accessibilityInformation = { label: text.spoken };
  item.tooltip = new vscode.MarkdownString(text.tooltip, true);
  if (badge) item.resourceUri = badge;
  return item;
}

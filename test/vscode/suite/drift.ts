import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { opened, until } from './api.ts';

function tab<T>(what: string, find: (tab: vscode.Tab) => T | undefined): Promise<T> {
  return until(what, () => {
    const active = vscode.window.tabGroups.activeTabGroup.activeTab;
    return active && find(active);
  });
}

describe('Expected and actual', () => {
  it("are compared in VS Code's diff editor, for one Service on one node", async () => {
    await opened();
    await vscode.commands.executeCommand('serviceTraffic.compareRules', 'shop/front', 'node-3');
    const diff = await tab('the diff', ({ input }) => (input instanceof vscode.TabInputTextDiff ? input : undefined));
    const expected = (await vscode.workspace.openTextDocument(diff.original)).getText();
    const actual = (await vscode.workspace.openTextDocument(diff.modified)).getText();
    assert.match(actual, /--to-destination 10\.244\.1\.1:8080/);
    assert.doesNotMatch(expected, /--to-destination 10\.244\.1\.1:8080/);
    assert.doesNotMatch(actual, /shop\/cart/);
    const shown = vscode.workspace.textDocuments.filter(({ uri }) => uri.path === diff.modified.path);
    assert.deepEqual([...new Set(shown.map(({ languageId }) => languageId))], ['kube-rules']);
  });

  it('are the same text on a node whose kube-proxy works', async () => {
    await vscode.commands.executeCommand('serviceTraffic.compareRules', { node: 'node-1' });
    const diff = await tab('the diff of node-1', ({ input }) =>
      input instanceof vscode.TabInputTextDiff && input.original.path.includes('/node-1/') ? input : undefined,
    );
    const [expected, actual] = await Promise.all(
      [diff.original, diff.modified].map(async (uri) => (await vscode.workspace.openTextDocument(uri)).getText()),
    );
    assert.ok(expected!.length > 1000);
    assert.equal(actual, expected);
  });

  it('are a matrix of nodes and Services', async () => {
    await vscode.commands.executeCommand('serviceTraffic.showMatrix');
    const label = await tab('the matrix', (active) =>
      active.input instanceof vscode.TabInputWebview ? active.label : undefined,
    );
    assert.equal(label, 'Nodes and Services');
  });
});

describe('Findings', () => {
  it('are a document, trouble first, with links to the diagram, the comparison and the rules', async () => {
    await opened();
    await vscode.commands.executeCommand('serviceTraffic.showFindings');
    const document = await until('the findings', () => {
      const shown = vscode.window.activeTextEditor?.document;
      return shown?.uri.scheme === 'service-traffic-findings' ? shown : undefined;
    });
    assert.equal(document.languageId, 'kube-findings');
    assert.match(document.getText(), /^shop: \d+ errors .* 3 of 3 nodes read\n\nErrors\n\nST101 /);
    assert.match(document.getText(), /\nST301 {2}shop\/front http · node-3\n/);
    const links = await vscode.commands.executeCommand<vscode.DocumentLink[]>(
      'vscode.executeLinkProvider',
      document.uri,
    );
    const targets = new Set(
      links.map(({ target }) => /^command:serviceTraffic\.(\w+)\?/.exec(target!.toString(true))?.[1]),
    );
    assert.deepEqual([...targets].sort(), ['compareRules', 'openRuleAt', 'openYaml', 'revealInTree', 'showDiagram']);
  });

  it('lead to the very rule', async () => {
    const document = vscode.window.activeTextEditor!.document;
    const links = await vscode.commands.executeCommand<vscode.DocumentLink[]>(
      'vscode.executeLinkProvider',
      document.uri,
    );
    const extra = links.find(({ range }) => /^ +- nat: -A /.test(document.lineAt(range.start.line).text))!;
    const rule = / -j (KUBE-SEP-\S+)/.exec(document.lineAt(extra.range.start.line).text)![1]!;
    const [, command, query] = /^command:([^?]+)\?(.*)$/.exec(extra.target!.toString(true))!;
    await vscode.commands.executeCommand(command!, ...(JSON.parse(query!) as unknown[]));
    await until('the rule in its dump', () => {
      const editor = vscode.window.activeTextEditor;
      return (
        editor?.document.uri.scheme === 'service-traffic-dump' &&
        editor.document.lineAt(editor.selection.start.line).text.includes(rule)
      );
    });
  });
});

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

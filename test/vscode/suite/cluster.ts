import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { opened, rowsOf, until, walk } from './api.ts';

describe('On a real cluster', () => {
  it('lists the Services that the API server has', async () => {
    const { connection, services } = await opened();
    assert.equal(connection.source?.kind, 'live');
    const labels = (await rowsOf(services)).map(({ tree }) => tree.label);
    assert.ok(labels.includes('default'), labels.join());
  });

  it("reads every node's rules by exec, and says what they do", async () => {
    const { connection, services } = await opened();
    await vscode.commands.executeCommand('serviceTraffic.capture');
    const source = connection.source!;
    for (const node of source.objects.nodes) assert.equal(source.rules(node.metadata.name).kind, 'captured');
    const rows = await until('the nodes have been traced', async () => {
      const found = await rowsOf(services, await walk(services, 'default', 'kubernetes', 'https', 'On the nodes'));
      return found.every(({ text }) => !text.includes('read')) ? found : undefined;
    });
    assert.match(rows[0]!.text, /1 of 1$/);
  });
});

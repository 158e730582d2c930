import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { extension, opened } from './api.ts';

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string }[];
    readonly views: { readonly serviceTraffic: readonly { readonly id: string }[] };
  };
}

describe('The extension in VS Code', () => {
  it('does nothing before somebody asks for it', () => {
    assert.equal(extension().isActive, false);
  });

  it('leaves YAML without a Service alone', async () => {
    const document = await vscode.workspace.openTextDocument({
      language: 'yaml',
      content: 'kind: ConfigMap\nmetadata:\n  name: a\n',
    });
    await vscode.commands.executeCommand('vscode.executeHoverProvider', document.uri, new vscode.Position(0, 2));
    const { connection } = await extension().activate();
    assert.equal(connection.source, undefined, 'a cluster was opened for a ConfigMap');
  });

  it('registers the commands that it contributes, and no others', async () => {
    await opened();
    const contributed = (extension().packageJSON as Manifest).contributes.commands.map(({ command }) => command);
    // Those that VS Code itself makes of our views ("serviceTraffic.nodes.focus") have a second dot.
    const registered = (await vscode.commands.getCommands(true)).filter((command) =>
      /^serviceTraffic\.[A-Za-z]+$/.test(command),
    );
    assert.deepEqual(registered.sort(), [...contributed].sort());
  });

  it('runs with the workspace, where kubeconfig and credential plugins are', () => {
    assert.equal(extension().extensionKind, vscode.ExtensionKind.Workspace);
  });

  it('opens the recording that the setting names', async () => {
    const { connection } = await opened();
    assert.equal(connection.source?.kind, 'recording');
    assert.equal(connection.source.name, 'shop');
    assert.equal(connection.source.state.kind, 'ready');
  });

  it('goes back to what the settings say after something else was chosen', async () => {
    const { connection } = await opened();
    assert.equal(connection.chosen, false);
    await vscode.commands.executeCommand('serviceTraffic.closeRecording');
    assert.deepEqual([connection.source?.kind, connection.chosen], ['live', true]);
    await vscode.commands.executeCommand('serviceTraffic.useSettings');
    assert.deepEqual([connection.source?.kind, connection.chosen], ['recording', false]);
  });
});

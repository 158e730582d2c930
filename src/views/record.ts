import { homedir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { writeRecording } from '../kubernetes/snapshot/write.ts';
import { capture } from './capture.ts';
import type { Connection } from './connection.ts';
import { t } from './words.ts';

/** Command: writes what is known of the cluster to a folder or a zip, which shows the same view when it is opened. */
export async function record(connection: Connection): Promise<void> {
  const source = await connection.open();
  const unread = source.objects.nodes
    .map((node) => node.metadata.name)
    .filter((node) => source.rules(node).kind === 'none');
  if (unread.length > 0) await capture(connection, unread);
  const zip = t('A zip file, to send to somebody');
  const folder = t('A folder, to keep beside other files');
  const kind = await vscode.window.showQuickPick([zip, folder], {
    title: t('Record This Cluster'),
    placeHolder: t('As what?'),
  });
  if (kind === undefined) return;
  const stamp = new Date().toISOString().slice(0, 16).replace(/[-:]/g, '').replace('T', '-');
  const name = `${source.name.replace(/[^\w.-]+/g, '_')}-${stamp}`;
  const base = vscode.workspace.workspaceFolders?.find(({ uri }) => uri.scheme === 'file')?.uri.fsPath ?? homedir();
  const target = await vscode.window.showSaveDialog({
    title: t('Record This Cluster'),
    saveLabel: t('Record'),
    defaultUri: vscode.Uri.file(path.join(base, kind === zip ? `${name}.zip` : name)),
    ...(kind === zip && { filters: { [t('Recorded clusters')]: ['zip'] } }),
  });
  if (!target) return;
  const problem = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: t('Recording {0}', source.name) },
    () => writeRecording(source, target.fsPath),
  );
  if (problem) {
    connection.log.error(`${problem.message} ${problem.detail ?? ''}`);
    void vscode.window.showErrorMessage(`${problem.message} ${problem.advice}`);
    return;
  }
  const open = t('Open It');
  if ((await vscode.window.showInformationMessage(t('Recorded to {0}.', target.fsPath), open)) === open)
    await connection.choose({ recording: target.fsPath });
}

/** Commands that choose what is looked at. */
import * as vscode from 'vscode';
import type { Choice } from './choice.ts';
import type { Connection } from './connection.ts';
import { t } from './words.ts';

export async function openRecording(connection: Connection): Promise<void> {
  const [chosen] =
    (await vscode.window.showOpenDialog({
      title: t('Open a Recorded Cluster'),
      openLabel: t('Open'),
      canSelectFiles: true,
      canSelectFolders: true,
      filters: { [t('Recorded clusters')]: ['zip'] },
    })) ?? [];
  if (chosen) await open(connection, { recording: chosen.fsPath });
}

export async function openSample(connection: Connection): Promise<void> {
  await open(connection, { sample: true });
}

async function open(connection: Connection, choice: Choice): Promise<void> {
  await connection.choose(choice);
  await vscode.commands.executeCommand('serviceTraffic.services.focus');
}

/** The live cluster, even where the settings name a recording. */
export async function closeRecording(connection: Connection): Promise<void> {
  await connection.choose({ live: true });
}

export async function chooseKubeconfig(connection: Connection): Promise<void> {
  const [chosen] =
    (await vscode.window.showOpenDialog({
      title: t('Choose a Kubeconfig File'),
      openLabel: t('Use'),
      canSelectFiles: true,
      canSelectFolders: false,
    })) ?? [];
  if (!chosen) return;
  const target = vscode.workspace.workspaceFolders
    ? vscode.ConfigurationTarget.Workspace
    : vscode.ConfigurationTarget.Global;
  await vscode.workspace.getConfiguration('serviceTraffic').update('kubeconfig', chosen.fsPath, target);
  await connection.choose({ live: true });
}

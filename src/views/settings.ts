import { homedir } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import type { KubeProxyByHand } from '../kubernetes/objects.ts';

function setting<T>(name: string): T | undefined {
  return vscode.workspace.getConfiguration('serviceTraffic').get<T>(name);
}

/** `~` is the home folder; a relative path begins at the first workspace folder. */
function absolute(file: string): string {
  if (file === '~' || file.startsWith('~/') || file.startsWith('~\\')) return path.join(homedir(), file.slice(1));
  const folder = vscode.workspace.workspaceFolders?.find(({ uri }) => uri.scheme === 'file');
  return folder ? path.resolve(folder.uri.fsPath, file) : file;
}

/** The recording to show instead of a live cluster, as an absolute path. */
export function recordingSetting(): string | undefined {
  const file = setting<string>('recording')?.trim();
  return file ? absolute(file) : undefined;
}

/** The kubeconfig to use instead of KUBECONFIG and ~/.kube/config, as an absolute path. */
export function kubeconfigSetting(): string | undefined {
  const file = setting<string>('kubeconfig')?.trim();
  return file ? absolute(file) : undefined;
}

/** What the user knows better than the cluster says it; undefined where nothing is set. */
export function kubeProxyByHand(): KubeProxyByHand | undefined {
  const release = setting<string>('kubeProxy.release')?.trim();
  const configuration = setting<object>('kubeProxy.configuration') ?? {};
  const isSet = Object.keys(configuration).length > 0;
  if (!release && !isSet) return undefined;
  return { ...(release ? { release } : {}), ...(isSet ? { configuration: JSON.stringify(configuration) } : {}) };
}

/** Seconds between two readings of the nodes' rules, or undefined for never. Never less than 10. */
export function refreshSeconds(): number | undefined {
  const seconds = setting<number>('capture.refreshSeconds');
  return typeof seconds === 'number' && seconds > 0 ? Math.max(10, seconds) : undefined;
}

export function hoverEnabled(): boolean {
  return setting<boolean>('hover.enabled') ?? true;
}

import * as vscode from 'vscode';
import type { ClusterSource } from '../kubernetes/source.ts';
import type { Connection } from './connection.ts';
import { refreshSeconds } from './settings.ts';
import { count, t } from './words.ts';

/** Reads these nodes' rules (all nodes' without a list), with progress and a way to stop; says at the end what could not be read. */
export async function capture(connection: Connection, nodes?: readonly string[]): Promise<void> {
  const source = await connection.open();
  if (source.kind !== 'live') {
    void vscode.window.showInformationMessage(t('This is a recording: its rules stay as they were recorded.'));
    return;
  }
  const wanted = nodes ?? source.objects.nodes.map((node) => node.metadata.name);
  await captureWithProgress(source, wanted);
  await sayFailures(source, wanted);
}

async function captureWithProgress(source: ClusterSource, nodes: readonly string[]): Promise<void> {
  const title = count(nodes.length, 'Reading the rules of {0} node', 'Reading the rules of {0} nodes');
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  await vscode.window.withProgress(options, async (progress, token) => {
    const abort = new AbortController();
    token.onCancellationRequested(() => abort.abort());
    let told = 0;
    const before = new Map(nodes.map((node) => [node, source.rules(node)]));
    const tell = (): void => {
      const done = nodes.filter((node) => {
        const rules = source.rules(node);
        return rules !== before.get(node) && (rules.kind === 'captured' || rules.kind === 'failed');
      });
      const reading = nodes.filter((node) => source.rules(node).kind === 'capturing');
      const message = `${done.length}/${nodes.length}${reading.length > 0 ? ` · ${reading.slice(0, 4).join(', ')}` : ''}`;
      progress.report({ message, increment: ((done.length - told) / nodes.length) * 100 });
      told = done.length;
    };
    const listening = source.onDidChange(tell);
    tell();
    try {
      await source.capture(nodes, abort.signal);
    } finally {
      listening.dispose();
    }
  });
}

async function sayFailures(source: ClusterSource, nodes: readonly string[]): Promise<void> {
  const failed = nodes.flatMap((node) => {
    const rules = source.rules(node);
    return rules.kind === 'failed' && rules.problem.code !== 'cancelled' ? [{ node, problem: rules.problem }] : [];
  });
  const [first] = failed;
  if (!first) return;
  const words =
    failed.length === 1
      ? `${first.node}: ${first.problem.message} ${first.problem.advice}`
      : t(
          '{0} of {1} nodes could not be read. {2}: {3} {4}',
          failed.length,
          nodes.length,
          first.node,
          first.problem.message,
          first.problem.advice,
        );
  const show = t('Show the nodes');
  if ((await vscode.window.showWarningMessage(words, show)) === show)
    await vscode.commands.executeCommand('serviceTraffic.nodes.focus');
}

/** Reads again, so often as the setting says, what has been read before; only while the side bar is on screen. */
export function refreshRegularly(connection: Connection, visible: () => boolean): vscode.Disposable {
  let timer: NodeJS.Timeout | undefined;
  const begin = (): void => {
    clearInterval(timer);
    const seconds = refreshSeconds();
    if (seconds !== undefined) timer = setInterval(() => void refresh(connection, visible), seconds * 1000);
  };
  begin();
  const settings = vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration('serviceTraffic.capture.refreshSeconds')) begin();
  });
  return vscode.Disposable.from(settings, { dispose: () => clearInterval(timer) });
}

async function refresh(connection: Connection, visible: () => boolean): Promise<void> {
  const { source } = connection;
  if (!source || source.kind !== 'live' || !visible()) return;
  const read = source.objects.nodes
    .map((node) => node.metadata.name)
    .filter((node) => source.rules(node).kind === 'captured');
  if (read.length > 0) await source.capture(read);
}

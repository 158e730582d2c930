import * as vscode from 'vscode';
import type { ClusterSource } from '../kubernetes/source.ts';
import type { Traffic } from './context.ts';
import { problemsOf } from './state.ts';
import { count, t } from './words.ts';

/** The cluster and its state, once there is one: "$(plug) prod-eu"; in its tooltip how many nodes are read. A click opens the side bar. */
export function createStatusBar(traffic: Traffic): vscode.Disposable {
  const entry = vscode.window.createStatusBarItem('serviceTraffic.status', vscode.StatusBarAlignment.Left, 5);
  entry.name = 'Service Traffic';
  entry.command = 'serviceTraffic.services.focus';
  const update = (): void => {
    const { source } = traffic;
    if (!source) return entry.hide();
    entry.text = `${iconOf(source)} ${source.name}${suffixOf(source)}`;
    entry.accessibilityInformation = { label: `Service Traffic: ${source.name}${suffixOf(source)}` };
    entry.tooltip = tooltipOf(source);
    entry.backgroundColor = isAlarming(source) ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
    entry.show();
  };
  update();
  return vscode.Disposable.from(entry, traffic.onDidChange(update));
}

/** Something that was there, or should be, is not. Who has no kubeconfig at all is not to be bothered. */
function isAlarming({ state }: ClusterSource): boolean {
  return state.kind === 'stale' || (state.kind === 'failed' && state.problem.code !== 'no-kubeconfig');
}

function iconOf(source: ClusterSource): string {
  switch (source.state.kind) {
    case 'connecting':
      return '$(sync~spin)';
    case 'failed':
      return isAlarming(source) ? '$(warning)' : '$(debug-disconnect)';
    case 'stale':
      return '$(warning)';
    case 'ready':
      return source.kind === 'recording' ? '$(archive)' : '$(plug)';
  }
}

function suffixOf(source: ClusterSource): string {
  switch (source.state.kind) {
    case 'connecting':
      return ` · ${t('connecting …')}`;
    case 'failed':
      return ` · ${t('not connected')}`;
    case 'stale':
      return ` · ${t('connection lost')}`;
    case 'ready':
      return '';
  }
}

/** "3 of 3 nodes read". */
function nodesRead(source: ClusterSource): string {
  const nodes = source.objects.nodes.map((node) => node.metadata.name);
  const read = nodes.filter((node) => source.rules(node).kind === 'captured').length;
  return t('{0} of {1} nodes read', read, nodes.length);
}

function tooltipOf(source: ClusterSource): vscode.MarkdownString {
  const text = new vscode.MarkdownString('', true);
  text.appendMarkdown(`**${source.kind === 'recording' ? t('Recorded cluster') : t('Cluster')}** `);
  text.appendText(source.name);
  text.appendMarkdown('\n\n');
  text.appendText(source.location);
  text.appendMarkdown('\n\n');
  const services = source.objects.services.length;
  text.appendText(`${count(services, '{0} Service', '{0} Services')}, ${nodesRead(source)}`);
  for (const { message, advice } of problemsOf(source)) {
    text.appendMarkdown('\n\n$(warning) ');
    text.appendText(`${message} ${advice}`);
  }
  return text;
}

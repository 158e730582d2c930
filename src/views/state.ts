import * as vscode from 'vscode';
import type { ClusterSource } from '../kubernetes/source.ts';
import type { Traffic } from './context.ts';
import { t } from './words.ts';

/** Which welcome view fits: the keys of `viewsWelcome` in package.json. `full` where there is something to show. */
export type ViewState = 'none' | 'connecting' | 'empty' | 'full' | (string & {});

export function viewStateOf(source: ClusterSource | undefined): ViewState {
  if (!source) return 'none';
  if (source.objects.services.length > 0) return 'full';
  const { state } = source;
  switch (state.kind) {
    case 'connecting':
      return 'connecting';
    case 'failed':
    case 'stale':
      return state.problem.code;
    case 'ready': {
      const services = state.missing.find(({ resource }) => resource === 'services');
      return services ? services.problem.code : 'empty';
    }
  }
}

/** Tells VS Code's `when` clauses what there is, and keeps that up to date. */
export function keepContextKeys(traffic: Traffic & { readonly chosen: boolean }): vscode.Disposable {
  const told = new Map<string, unknown>();
  const tell = (name: string, value: unknown): void => {
    if (told.get(name) === value) return;
    told.set(name, value);
    void vscode.commands.executeCommand('setContext', `serviceTraffic.${name}`, value);
  };
  const update = (): void => {
    const { source } = traffic;
    const state = viewStateOf(source);
    tell('state', state);
    tell('hasObjects', state === 'full');
    tell('kind', source?.kind ?? 'none');
    tell('chosen', source !== undefined && traffic.chosen);
    tell('problem', source !== undefined && problemsOf(source).length > 0);
  };
  update();
  return traffic.onDidChange(update);
}

/** All that is wrong with the source as a whole, worst first. */
export function problemsOf(
  source: ClusterSource,
): readonly { readonly message: string; readonly advice: string; readonly detail?: string }[] {
  const { state } = source;
  switch (state.kind) {
    case 'failed':
    case 'stale':
      return [state.problem];
    case 'ready':
      return state.missing.map(({ problem }) => problem);
    case 'connecting':
      return [];
  }
}

/** Messages end without a full stop where they stand alone in a row. */
export function sentences(problem: { readonly message: string; readonly advice: string }): string {
  const { message, advice } = problem;
  return `${message}${/[.!?…]$/.test(message) ? '' : '.'} ${advice}`.trim();
}

/** Command: what went wrong, with what to do, where it can be copied. */
export async function showProblem(traffic: Traffic): Promise<void> {
  const problems = traffic.source ? problemsOf(traffic.source) : [];
  if (problems.length === 0) {
    void vscode.window.showInformationMessage(t('Nothing is wrong with the connection.'));
    return;
  }
  for (const { message, advice, detail } of problems)
    traffic.log.error([message, advice, ...(detail ? [detail] : [])].join('\n  '));
  const [first] = problems;
  const log = t('Show the log');
  const again = t('Connect again');
  const chosen = await vscode.window.showErrorMessage(sentences(first!), again, log);
  if (chosen === log) traffic.log.show();
  if (chosen === again) await vscode.commands.executeCommand('serviceTraffic.reconnect');
}

import * as vscode from 'vscode';
import type { Connection } from './connection.ts';
import type { ServicesRow } from './services-rows.ts';
import type { ServicesTree } from './services-tree.ts';
import { showProblem } from './state.ts';

/** What the commands work on. */
export interface Parts {
  readonly connection: Connection;
  readonly services: ServicesTree;
  readonly servicesView: vscode.TreeView<ServicesRow>;
}

type Command = (...args: never[]) => unknown;

/** Every command of package.json, and no other: a test compares the two. What is heavy is loaded when it is first asked for. */
function table(parts: Parts): Readonly<Record<string, Command>> {
  const { connection, services } = parts;
  return {
    filter: async () => (await import('./arrange.ts')).askFilter(services),
    clearFilter: () => void (services.filter = ''),
    sortByTrouble: () => void (services.order = 'trouble'),
    sortByName: () => void (services.order = 'name'),
    openRecording: async () => (await import('./open-source.ts')).openRecording(connection),
    openSample: async () => (await import('./open-source.ts')).openSample(connection),
    closeRecording: async () => (await import('./open-source.ts')).closeRecording(connection),
    chooseKubeconfig: async () => (await import('./open-source.ts')).chooseKubeconfig(connection),
    reconnect: () => connection.reopen(),
    showProblem: () => showProblem(connection),
    showLog: () => connection.log.show(),
    openWalkthrough: () =>
      vscode.commands.executeCommand(
        'workbench.action.openWalkthrough',
        'service-traffic.service-traffic#start',
        false,
      ),
  };
}

export function registerCommands(parts: Parts): vscode.Disposable {
  const registered = Object.entries(table(parts)).map(([name, run]) =>
    vscode.commands.registerCommand(`serviceTraffic.${name}`, async (...args: unknown[]) => {
      try {
        return await run(...(args as never[]));
      } catch (error) {
        // A fault of ours: said, kept in the log, and VS Code shows it.
        parts.connection.log.error(`serviceTraffic.${name}`, error);
        throw error;
      }
    }),
  );
  return vscode.Disposable.from(...registered);
}

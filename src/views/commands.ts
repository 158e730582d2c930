import * as vscode from 'vscode';
import type { Connection } from './connection.ts';
import type { RuleLocation } from './context.ts';
import type { NodesRow } from './nodes-rows.ts';
import type { NodesTree } from './nodes-tree.ts';
import type { ServicesRow } from './services-rows.ts';
import type { ServicesTree } from './services-tree.ts';
import { showProblem } from './state.ts';
import { subjectOf, type Subject } from './subject.ts';
import { t } from './words.ts';

/** What the commands work on. */
export interface Parts {
  readonly connection: Connection;
  readonly services: ServicesTree;
  readonly servicesView: vscode.TreeView<ServicesRow>;
  readonly nodes: NodesTree;
  readonly nodesView: vscode.TreeView<NodesRow>;
}

type Command = (...args: never[]) => unknown;

/** Every command of package.json, and no other: a test compares the two. What is heavy is loaded when it is first asked for. */
function table(parts: Parts): Readonly<Record<string, Command>> {
  const { connection, services } = parts;
  const serviceOr = async (subject: Subject, title: string): Promise<string | undefined> =>
    subject.service ?? (await import('./find.ts')).pickService(connection, title);
  return {
    find: async () => (await import('./find.ts')).find(connection),
    openRules: async (first?: unknown, second?: unknown) =>
      (await import('./open-rules.ts')).openRules(connection, subjectOf(first, second)),
    openRuleAt: (rule: RuleLocation) => connection.openRule(rule),
    showDiagram: async (first?: unknown, second?: unknown) => {
      const { port, node, ...subject } = subjectOf(first, second);
      const service = await serviceOr(subject, t('Show Diagram'));
      if (service === undefined) return;
      const selection = { service, ...(port !== undefined && { port }), ...(node !== undefined && { node }) };
      (await import('./diagram/panel.ts')).showDiagram(connection, selection);
    },
    compareRules: async (first?: unknown, second?: unknown) => {
      const { service, node } = subjectOf(first, second);
      await (await import('./compare-rules.ts')).compareRules(connection, service, node);
    },
    showFindings: async () => (await import('./findings.ts')).showFindings(connection),
    showMatrix: async () => (await import('./matrix/panel.ts')).showMatrix(connection),
    trace: async (first?: unknown, second?: unknown) => {
      const { trace, traceFile } = await import('./trace.ts');
      // From the title of an editor: a dump of a node, or a file that somebody sent.
      if (!(first instanceof vscode.Uri)) return trace(connection, subjectOf(first, second));
      const { dumpOf } = await import('./dump-documents.ts');
      const shown = dumpOf(first);
      return shown ? trace(connection, { node: shown.node }) : traceFile(first);
    },
    capture: async () => (await import('./capture.ts')).capture(connection),
    captureNode: async (row?: unknown) => {
      const { node } = subjectOf(row);
      await (await import('./capture.ts')).capture(connection, node === undefined ? undefined : [node]);
    },
    record: async () => (await import('./record.ts')).record(connection),
    revealInTree: (first?: unknown, second?: unknown) => reveal(parts, subjectOf(first, second)),
    revealInEditor: async (first?: unknown) => {
      const key = await serviceOr(subjectOf(first), t('Find in Workspace Files'));
      if (key !== undefined) await (await import('./find-in-files.ts')).revealInEditor(key);
    },
    openYaml: async (first?: unknown) => {
      const source = await connection.open();
      const { objectUri } = await import('./object-documents.ts');
      const named = first as { kind?: unknown; key?: unknown } | undefined;
      if (named?.kind === 'pods' && typeof named.key === 'string') return show(objectUri(source, 'pods', named.key));
      const subject = subjectOf(first);
      if (subject.service === undefined && subject.node !== undefined)
        return show(objectUri(source, 'nodes', subject.node));
      const key = await serviceOr(subject, t('Open YAML'));
      if (key !== undefined) await show(objectUri(source, 'services', key));
    },
    copyVip: async (first?: unknown) => {
      const key = await serviceOr(subjectOf(first), t('Copy VIP'));
      const { serviceNamed, vipsOf } = await import('../translation/directory.ts');
      const service = key === undefined ? undefined : serviceNamed((await connection.open()).objects, key);
      const vip = service && vipsOf(service)[0];
      if (vip === undefined) return;
      await vscode.env.clipboard.writeText(vip);
      vscode.window.setStatusBarMessage(t('{0} is on the clipboard', vip), 3000);
    },
    filter: async () => (await import('./arrange.ts')).askFilter(services),
    clearFilter: () => void (services.filter = ''),
    sortByTrouble: () => void (services.order = 'trouble'),
    sortByName: () => void (services.order = 'name'),
    openRecording: async () => (await import('./open-source.ts')).openRecording(connection),
    openSample: async () => (await import('./open-source.ts')).openSample(connection),
    closeRecording: async () => (await import('./open-source.ts')).closeRecording(connection),
    useSettings: () => connection.choose(undefined),
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

async function show(uri: vscode.Uri): Promise<void> {
  await vscode.window.showTextDocument(uri, { preview: true });
}

/** Selects a Service's (or port's) row, or a node's, wherever it is in its tree. */
async function reveal(parts: Parts, { service, port, node }: Subject): Promise<void> {
  await parts.connection.open();
  const how = { select: true, focus: true, expand: true };
  if (service !== undefined) {
    const row = await parts.services.find(service, port);
    if (row) await parts.servicesView.reveal(row, how);
    return;
  }
  const row = node === undefined ? undefined : await parts.nodes.find(node);
  if (row) await parts.nodesView.reveal(row, how);
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

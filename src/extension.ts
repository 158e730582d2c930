import * as vscode from 'vscode';
import { AfterCapture } from './views/after-capture.ts';
import { refreshRegularly } from './views/capture.ts';
import { registerCommands } from './views/commands.ts';
import { Connection } from './views/connection.ts';
import { Badges } from './views/decorations.ts';
import { restoreDiagrams } from './views/diagram/serializer.ts';
import { registerDocuments } from './views/documents.ts';
import { driftDocuments } from './views/drift-scheme.ts';
import { dumpDocuments } from './views/dump-documents.ts';
import { findingsDocuments } from './views/findings.ts';
import { Health } from './views/health.ts';
import { registerLanguages } from './views/languages.ts';
import { NodesTree } from './views/nodes-tree.ts';
import { objectDocuments } from './views/object-documents.ts';
import { ServicesTree } from './views/services-tree.ts';
import { keepContextKeys } from './views/state.ts';
import { createStatusBar } from './views/status-bar.ts';
import { traceDocuments } from './views/trace-documents.ts';
import { speak } from './views/words.ts';

/** Builds the parts and connects them. Nothing is read, and no heavy module loaded, before somebody looks at something. */
export function activate(context: vscode.ExtensionContext): unknown {
  speak((message, ...args) => vscode.l10n.t(message, ...(args as string[])));
  const log = vscode.window.createOutputChannel('Service Traffic', { log: true });
  const connection = new Connection(context, log, {
    recording: async (path) => (await import('./kubernetes/snapshot/open.ts')).openRecording(path),
    live: async (kubeconfig) =>
      (await import('./kubernetes/live/open.ts')).openLiveCluster(kubeconfig ? { kubeconfig } : {}),
    watch: async (kubeconfig, changed) =>
      (await import('./kubernetes/live/watch-kubeconfig.ts')).watchKubeconfig(
        kubeconfig ? { kubeconfig } : {},
        changed,
      ),
  });
  const health = new Health(connection);
  const services = new ServicesTree(connection, health);
  const nodes = new NodesTree(connection, health);
  const badges = new Badges(health);
  const servicesView = vscode.window.createTreeView('serviceTraffic.services', {
    treeDataProvider: services,
    showCollapseAll: true,
  });
  const nodesView = vscode.window.createTreeView('serviceTraffic.nodes', { treeDataProvider: nodes });
  nodesView.onDidChangeVisibility(({ visible }) => (nodes.visible = visible));
  nodes.visible = nodesView.visible;
  context.subscriptions.push(
    log,
    connection,
    health,
    services,
    servicesView,
    nodes,
    nodesView,
    badges,
    ...[traceDocuments, objectDocuments, dumpDocuments, driftDocuments, findingsDocuments].map((kind) =>
      registerDocuments(connection, kind(connection)),
    ),
    vscode.window.registerFileDecorationProvider(badges),
    restoreDiagrams(connection),
    keepContextKeys(connection),
    registerLanguages(connection),
    createStatusBar(connection),
    registerCommands({ connection, services, servicesView, nodes, nodesView }),
    new AfterCapture(connection),
    refreshRegularly(connection, () => servicesView.visible || nodesView.visible),
  );
  // `npm start` wants a newcomer to see something at once.
  if (process.env['SERVICE_TRAFFIC_START']) void vscode.commands.executeCommand('serviceTraffic.services.focus');
  return { connection, services, nodes };
}

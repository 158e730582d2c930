/** VS Code's own diff of what a node should hold and what it holds. */
import * as vscode from 'vscode';
import type { NodeDrift } from '../diagnosis/drift-types.ts';
import { sideBySide } from '../diagnosis/side-by-side.ts';
import { nodeSummary, serviceStates } from '../diagnosis/summary.ts';
import type { ClusterSource } from '../kubernetes/source.ts';
import type { Traffic } from './context.ts';
import { driftIn, subjectIn } from './drift.ts';
import { sideUri, type Side } from './drift-scheme.ts';
import { summaryWords } from './node-health.ts';
import { t } from './words.ts';

/** The text of one side; a comment that says why where there is none. */
export async function sideText(
  traffic: Traffic,
  node: string,
  service: string | undefined,
  side: Side,
): Promise<string> {
  // After a reload of the window the document is asked for before anything else.
  const source = await traffic.open();
  await traffic.captured([node]);
  const subject = subjectIn(source, node);
  const sides = subject && sideBySide(subject, service);
  return (
    sides?.[side] ?? `# ${t('The rules of {0} were not read, or what they should be cannot be computed.', node)}\n`
  );
}

/** Command: of one Service, or of the whole node. Asks for the node where none is given. */
export async function compareRules(traffic: Traffic, service: string | undefined, wanted?: string): Promise<void> {
  const source = await traffic.open();
  const node = wanted ?? (await pickNode(source, service));
  if (node === undefined) return;
  await traffic.captured([node]);
  const title =
    service === undefined ? t('{0}: expected ↔ actual', node) : t('{0} on {1}: expected ↔ actual', service, node);
  const sides = [sideUri(source, node, service, 'expected'), sideUri(source, node, service, 'actual')] as const;
  for (const side of sides) {
    const document = await vscode.workspace.openTextDocument(side);
    await vscode.languages.setTextDocumentLanguage(document, 'kube-rules');
  }
  await vscode.commands.executeCommand('vscode.diff', ...sides, title, { preview: true });
}

/** The nodes that differ first. */
async function pickNode(source: ClusterSource, service: string | undefined): Promise<string | undefined> {
  const names = source.objects.nodes.map(({ metadata }) => metadata.name);
  if (names.length <= 1) return names[0];
  const rowsOf = async () => {
    const rows = [];
    for (const label of names) {
      const drift = await driftIn(source, label);
      if (!drift) rows.push({ label, description: t('not read yet'), differs: 0 });
      else rows.push({ label, description: summaryWords(drift), differs: differs(drift, service) ? 1 : 0 });
    }
    return rows.sort((a, b) => b.differs - a.differs);
  };
  const title = t('Compare with what kube-proxy should have written: on which node?');
  return (await vscode.window.showQuickPick(rowsOf(), { title }))?.label;
}

function differs(drift: NodeDrift, service: string | undefined): boolean {
  if (drift.kind === 'unknown') return false;
  if (service !== undefined) return serviceStates(drift).get(service) === 'drifted';
  const { ports, programmed, pending, gone, common } = nodeSummary(drift);
  return programmed + pending < ports || gone > 0 || common;
}

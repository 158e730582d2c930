import * as vscode from 'vscode';
import type { ClusterSource } from '../kubernetes/source.ts';
import type { Traffic } from './context.ts';
import { commandUri, documentUri, type DocumentKind } from './documents.ts';
import type { FindingsText } from './findings-text.ts';
import { t } from './words.ts';

/** service-traffic-findings:/CLUSTER/Findings: all that is wrong in a cluster, as a read-only document with links. */
const FINDINGS_SCHEME = 'service-traffic-findings';

/** So many nodes are read where they have not been: reading a thousand takes minutes, and the document offers it. */
const MOST_UNASKED = 20;

/** Command: the document; what it needs of the nodes comes into it as it is read. */
export async function showFindings(traffic: Traffic): Promise<void> {
  const source = await traffic.open();
  const names = source.objects.nodes.map(({ metadata }) => metadata.name);
  if (source.kind === 'recording' || names.length <= MOST_UNASKED) {
    const reading = traffic.captured(names);
    if (source.kind === 'recording') await reading;
    else reading.catch((error: unknown) => traffic.log.error('reading the rules for the findings', error));
  }
  const document = await vscode.workspace.openTextDocument(documentUri(FINDINGS_SCHEME, [source.name, t('Findings')]));
  await vscode.languages.setTextDocumentLanguage(document, 'kube-findings');
  await vscode.window.showTextDocument(document, { preview: true });
}

interface Told {
  readonly source: ClusterSource;
  /** What it was told of: the same as long as nothing has changed. */
  readonly of: readonly unknown[];
  readonly text: Promise<FindingsText>;
}

export function findingsDocuments(traffic: Traffic): DocumentKind {
  let known: Told | undefined;
  const tell = async (): Promise<FindingsText> => {
    const source = await traffic.open();
    const { objects } = source;
    const of = [objects, ...objects.nodes.map(({ metadata }) => source.rules(metadata.name))];
    const isSame =
      known?.source === source && of.length === known.of.length && of.every((one, i) => one === known?.of[i]);
    if (!known || !isSame) {
      const before = known?.text;
      const text = (async () => {
        await before?.catch(() => undefined); // one after another
        const { findingsIn } = await import('./findings-in.ts');
        const { findingsText } = await import('./findings-text.ts');
        return findingsText(source, await findingsIn(source));
      })();
      known = { source, of, text };
    }
    return known.text;
  };
  return {
    scheme: FINDINGS_SCHEME,
    isTouched: (_, { source, objects, nodes }) =>
      source || nodes.length > 0 || objects.some((kind) => kind !== 'namespaces'),
    text: async () => (await tell()).text,
    links: async (document) => {
      const { text, links } = await tell();
      if (text !== document.getText()) return []; // it is being told anew
      return links.map(({ line, start, end, command, argument, tooltip }) => {
        const target = argument === undefined ? commandUri(command) : commandUri(command, argument);
        const link = new vscode.DocumentLink(new vscode.Range(line, start, line, end), target);
        link.tooltip = tooltip;
        return link;
      });
    },
  };
}

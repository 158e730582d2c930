import * as vscode from 'vscode';
import type { ClusterSource } from '../kubernetes/source.ts';
import type { Traffic } from './context.ts';
import { commandUri, documentUri, type DocumentKind } from './documents.ts';
import type { FindingsText } from './findings-text.ts';
import { folded } from './folded.ts';
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
  /** What it was told of: the same as long as nothing has changed. */
  readonly of: readonly unknown[];
  readonly text: FindingsText;
}

export function findingsDocuments(traffic: Traffic): DocumentKind {
  const known = new WeakMap<ClusterSource, Told>();
  const stillSo = (source: ClusterSource): FindingsText | undefined => {
    const told = known.get(source);
    if (!told) return undefined;
    const now = contentOf(source);
    return now.length === told.of.length && now.every((one, i) => one === told.of[i]) ? told.text : undefined;
  };
  const tellAnew = folded(async (): Promise<FindingsText> => {
    const source = await traffic.open();
    const before = stillSo(source);
    if (before) return before;
    const of = contentOf(source);
    const [{ findingsIn }, { findingsText }] = await Promise.all([
      import('./findings-in.ts'),
      import('./findings-text.ts'),
    ]);
    const text = findingsText(source, await findingsIn(source));
    known.set(source, { of, text });
    return text;
  });
  const tell = async (): Promise<FindingsText> => stillSo(await traffic.open()) ?? tellAnew();
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

function contentOf(source: ClusterSource): readonly unknown[] {
  const { objects } = source;
  return [objects, ...objects.nodes.map(({ metadata }) => source.rules(metadata.name))];
}

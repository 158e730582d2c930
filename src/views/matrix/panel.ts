import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { matrixOf, type MatrixNode } from '../../diagnosis/matrix.ts';
import type { NodeDrift } from '../../diagnosis/drift-types.ts';
import { standing } from '../../diagnosis/words.ts';
import { keyOf } from '../../kubernetes/objects.ts';
import type { ClusterSource } from '../../kubernetes/source.ts';
import { captureIn } from '../capture-of.ts';
import { makesRules, type Traffic } from '../context.ts';
import { diagramHtml } from '../diagram/html.ts';
import { driftIn } from '../drift.ts';
import { folded } from '../folded.ts';
import { historyIn, remember } from '../history.ts';
import { clock } from '../moments.ts';
import { pendingWords, timelineOf } from '../timeline.ts';
import { t } from '../words.ts';
import { matrixWords } from './page-words.ts';
import { readToMatrixPanel, type TimelineEntry, type ToMatrixPage, type ToMatrixPanel } from './protocol.ts';

const MATRIX_VIEW = 'serviceTraffic.matrix';

/** So often is a matrix that is still being computed shown, in milliseconds; a big one less often, so that it is ever computed. */
const SHOWN_EVERY = 400;
/** At most one part in so many of the time is spent on showing. Measured, 1,000 nodes with 500 Services take half a second. */
const SHOWN_PART = 5;

/** Of a node's timeline. */
const EVENTS = 12;

let open: MatrixPanel | undefined;

/** Command: all nodes against all Services. There is one such panel. */
export function showMatrix(traffic: Traffic): void {
  if (open) open.reveal();
  else open = new MatrixPanel(traffic, () => (open = undefined));
}

class MatrixPanel {
  readonly #traffic: Traffic;
  readonly #panel: vscode.WebviewPanel;
  readonly #disposables: vscode.Disposable[] = [];
  #listening = false;
  #closed = false;
  /** What was found out last of each node of `#source`. */
  readonly #known = new Map<string, MatrixNode>();
  #source: ClusterSource | undefined;
  readonly #compute = folded(() => this.#computeAll());

  constructor(traffic: Traffic, closed: () => void) {
    this.#traffic = traffic;
    const dist = vscode.Uri.joinPath(traffic.extensionUri, 'dist');
    this.#panel = vscode.window.createWebviewPanel(MATRIX_VIEW, t('Nodes and Services'), vscode.ViewColumn.Active, {
      enableScripts: true,
      localResourceRoots: [dist],
    });
    const { webview } = this.#panel;
    this.#disposables.push(
      this.#panel.onDidDispose(() => {
        this.#closed = true;
        for (const disposable of this.#disposables.splice(0)) disposable.dispose();
        closed();
      }),
      this.#panel.onDidChangeViewState(() => {
        if (!this.#panel.visible) this.#listening = false;
      }),
      webview.onDidReceiveMessage((value: unknown) => {
        const message = readToMatrixPanel(value);
        if (message) void this.#answer(message);
        else traffic.log.warn('The matrix sent something that is no message', JSON.stringify(value));
      }),
      traffic.onDidChange(({ source, objects, nodes }) => {
        if (source || nodes.length > 0 || objects.some(makesRules)) this.#change();
      }),
    );
    const uri = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(dist, name)).toString();
    webview.html = diagramHtml({
      script: uri('matrix.js'),
      style: uri('matrix.css'),
      cspSource: webview.cspSource,
      nonce: randomBytes(18).toString('base64url'),
      title: t('Nodes and Services'),
      language: vscode.env.language,
    });
  }

  reveal(): void {
    this.#panel.reveal();
  }

  #change(): void {
    if (!this.#listening) return;
    this.#compute().catch((error: unknown) => this.#traffic.log.error('comparing nodes for the matrix', error));
  }

  async #answer(message: ToMatrixPanel): Promise<void> {
    const run = (command: string, ...args: unknown[]) =>
      vscode.commands.executeCommand(`serviceTraffic.${command}`, ...args);
    switch (message.type) {
      case 'ready':
        this.#listening = true;
        this.#post({ type: 'words', words: matrixWords() });
        await this.#traffic.open();
        this.#change();
        break;
      case 'tell': {
        const { node, service } = message;
        this.#post({
          type: 'told',
          node,
          service,
          sentences: await this.#sentences(node, service),
          timeline: this.#timeline(node),
        });
        break;
      }
      case 'compare':
        await run('compareRules', {
          ...(message.service !== undefined && { service: message.service }),
          node: message.node,
        });
        break;
      case 'diagram':
        await run('showDiagram', message.service, message.node);
        break;
      case 'capture': {
        const source = await this.#traffic.open();
        const names = source.objects.nodes.map(({ metadata }) => metadata.name);
        if (message.again) await source.capture(names);
        else await this.#traffic.captured(names);
        break;
      }
      case 'problem':
        this.#traffic.log.error('In the matrix', message.text);
        break;
    }
  }

  /**
   * Node by node, giving VS Code its turn in between; what is known so far is shown from time to time. What changes meanwhile does not end it:
   * a big cluster's matrix would never be there.
   */
  async #computeAll(): Promise<void> {
    const { source } = this.#traffic;
    if (!source) return;
    if (source !== this.#source) this.#known.clear();
    this.#source = source;
    const names = source.objects.nodes.map(({ metadata }) => metadata.name);
    const here = new Set(names);
    for (const name of this.#known.keys()) if (!here.has(name)) this.#known.delete(name);
    let due = performance.now() + SHOWN_EVERY;
    for (const name of names) {
      this.#known.set(name, await nodeOf(source, name));
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#closed || !this.#listening || source !== this.#traffic.source) return;
      const start = performance.now();
      if (start < due) continue;
      this.#show(source, names);
      const end = performance.now();
      due = end + Math.max(SHOWN_EVERY, (end - start) * SHOWN_PART);
    }
    this.#show(source, names);
  }

  #show(source: ClusterSource, names: readonly string[]): void {
    const services = source.objects.services.map(keyOf);
    const nodes = names.flatMap((name) => this.#known.get(name) ?? []);
    const waiting = names.length - nodes.length;
    this.#post({ type: 'matrix', cluster: source.name, matrix: matrixOf(nodes, services), waiting });
  }

  async #sentences(node: string, service: string): Promise<readonly string[]> {
    const source = this.#traffic.source;
    const drift = source && (await driftIn(source, node));
    return drift ? sentencesOf(drift, service).map(standing) : [];
  }

  #timeline(node: string): readonly TimelineEntry[] {
    const source = this.#traffic.source;
    if (source?.kind !== 'live') return [];
    return timelineOf(historyIn(source, node))
      .slice(0, EVENTS)
      .map(({ at, words, mark }) => ({ time: clock(at), words, mark }));
  }

  #post(message: ToMatrixPage): void {
    void this.#panel.webview.postMessage(message);
  }
}

async function nodeOf(source: ClusterSource, name: string): Promise<MatrixNode> {
  const rules = source.rules(name);
  if (captureIn(rules)) return { name, drift: await remember(source, name) };
  const why = rules.kind === 'failed' ? rules.problem.message : t('not read yet');
  return { name, drift: undefined, why };
}

function sentencesOf(drift: NodeDrift, service: string): readonly string[] {
  if (drift.kind === 'unknown') return [drift.words];
  return drift.families.flatMap((family) => [
    ...family.common.flatMap((common) =>
      common
        .explain()
        .consequences.slice(0, 2)
        .map((each) => each.words),
    ),
    ...family.drifted
      .filter((port) => port.service === service)
      .flatMap((port) => [
        ...(port.pending ? [`${port.label}: ${pendingWords(port.pending)}`] : []),
        ...port.explain().consequences.map((each) => each.words),
      ]),
    ...family.leftovers.flatMap(({ acts }) =>
      acts.filter(({ label }) => label.split(':')[0] === service).map(({ words }) => words),
    ),
  ]);
}

import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { proxyPods } from '../../diagnosis/cluster.ts';
import { keyOf } from '../../kubernetes/objects.ts';
import { ALL_NODES, paint } from '../../translation/paint.ts';
import type { Action, Selection } from '../../translation/picture.ts';
import type { Traffic } from '../context.ts';
import { sceneOf } from '../scene.ts';
import { t } from '../words.ts';
import { diagramHtml } from './html.ts';
import { offered } from './offered.ts';
import { pageWords } from './page-words.ts';
import type { ToPage, ToPanel } from './protocol.ts';
import { readToPanel } from './protocol.ts';
import { DIAGRAM_VIEW } from './view-type.ts';

/** So many nodes are read where nobody has said which: reading a thousand takes minutes. */
const FIRST_NODES = 4;

const open = new Map<string, DiagramPanel>();

/** Shows a Service's diagram: in its own panel where there is one already. */
export function showDiagram(traffic: Traffic, selection: Selection): void {
  const known = open.get(selection.service);
  if (known) {
    known.reveal(selection);
    return;
  }
  const column = vscode.window.activeTextEditor ? vscode.ViewColumn.Active : vscode.ViewColumn.One;
  const panel = vscode.window.createWebviewPanel(DIAGRAM_VIEW, selection.service, column);
  new DiagramPanel(traffic, panel, selection);
}

/** Fills a panel that VS Code kept over a reload of the window. */
export function restoreDiagram(traffic: Traffic, panel: vscode.WebviewPanel, selection: Selection): void {
  new DiagramPanel(traffic, panel, selection);
}

/** One Service's diagram. The page keeps what the reader has chosen; everything else is painted anew when it may have changed. */
class DiagramPanel {
  readonly #traffic: Traffic;
  readonly #panel: vscode.WebviewPanel;
  readonly #disposables: vscode.Disposable[] = [];
  #selection: Selection;
  /** The page listens. A hidden page is gone, and says so anew when it is shown again. */
  #listening = false;
  #posted = '';
  #busy = 0;

  constructor(traffic: Traffic, panel: vscode.WebviewPanel, selection: Selection) {
    this.#traffic = traffic;
    this.#panel = panel;
    this.#selection = selection;
    open.set(selection.service, this);
    const dist = vscode.Uri.joinPath(traffic.extensionUri, 'dist');
    panel.webview.options = { enableScripts: true, localResourceRoots: [dist] };
    this.#disposables.push(
      panel.onDidDispose(() => this.#dispose()),
      panel.onDidChangeViewState(() => {
        if (!panel.visible) this.#listening = false;
        this.#update();
      }),
      panel.webview.onDidReceiveMessage((message: unknown) => this.#receive(message)),
      traffic.onDidChange(() => this.#update()),
    );
    const uri = (name: string) => panel.webview.asWebviewUri(vscode.Uri.joinPath(dist, name)).toString();
    panel.webview.html = diagramHtml({
      script: uri('webview.js'),
      style: uri('webview.css'),
      cspSource: panel.webview.cspSource,
      nonce: randomBytes(18).toString('base64url'),
      title: selection.service,
      language: vscode.env.language,
    });
  }

  reveal(selection: Selection): void {
    this.#panel.reveal();
    this.#choose({ ...this.#selection, ...selection });
  }

  #choose(selection: Selection): void {
    if (selection.service !== this.#selection.service) open.delete(this.#selection.service);
    open.set(selection.service, this);
    this.#selection = selection;
    this.#update();
    void this.#read(false);
  }

  #receive(value: unknown): void {
    const message = readToPanel(value);
    if (!message) {
      this.#traffic.log.warn('The diagram sent something that is no message', JSON.stringify(value));
      return;
    }
    void this.#answer(message);
  }

  async #answer(message: ToPanel): Promise<void> {
    switch (message.type) {
      case 'ready':
        this.#listening = true;
        this.#posted = '';
        // What the panel was asked for last counts more than what the page showed before it was hidden.
        if (message.selection?.service === this.#selection.service)
          this.#selection = { ...message.selection, ...this.#selection };
        this.#post({ type: 'words', words: pageWords() });
        if (this.#busy > 0) this.#post({ type: 'busy', busy: true });
        await this.#traffic.open();
        this.#update();
        await this.#read(false);
        this.#settle();
        break;
      case 'choose':
        this.#choose(message.selection);
        break;
      case 'openRule':
        await this.#traffic.openRule({ node: message.node, dump: message.dump, line: message.line });
        break;
      case 'copy':
        await vscode.env.clipboard.writeText(message.text);
        vscode.window.setStatusBarMessage(t('The table is on the clipboard'), 3000);
        break;
      case 'refresh':
        await this.#read(true);
        break;
      case 'act':
        await this.#act(message.action, message.argument);
        break;
      case 'problem':
        this.#traffic.log.error('In the diagram', message.text);
        break;
    }
  }

  async #act(action: Action, node: string | undefined): Promise<void> {
    const { service } = this.#selection;
    const run = (command: string, ...args: unknown[]) =>
      vscode.commands.executeCommand(`serviceTraffic.${command}`, ...args);
    switch (action) {
      case 'capture':
        if (node !== undefined) await this.#busyWith((source) => source.capture([node]));
        break;
      case 'pod': {
        const pod = node === undefined ? undefined : proxyPods(this.#traffic.source?.objects.pods ?? []).get(node);
        if (pod) await run('openYaml', { kind: 'pods', key: keyOf(pod) });
        break;
      }
      case 'yaml':
        await run('openYaml', service);
        break;
      case 'rules':
        await run('openRules', service, node);
        break;
      case 'trace':
        await run('trace', service, node);
        break;
      case 'expected':
        await run('compareRules', service, node);
        break;
    }
  }

  /** A node that was chosen because something is wrong there stays, also when it is right again. */
  #settle(): void {
    const source = this.#traffic.source;
    if (!source || this.#selection.node !== undefined) return;
    const scene = sceneOf(source);
    if (!scene.nodes.some((node) => node.kind === 'read')) return;
    this.#selection = { ...this.#selection, node: paint(scene, this.#selection).selection.node };
  }

  /** Sees to it that the nodes that are looked at have been read; `again` reads them once more. */
  async #read(again: boolean): Promise<void> {
    const source = this.#traffic.source;
    if (!source) return;
    const names = source.objects.nodes.map((node) => node.metadata.name);
    const { node } = this.#selection;
    const wanted = node === undefined ? names.slice(0, FIRST_NODES) : node === ALL_NODES ? names : [node];
    const missing = again ? wanted : wanted.filter((name) => source.rules(name).kind === 'none');
    if (missing.length > 0)
      await this.#busyWith((own) => (again ? own.capture(missing) : this.#traffic.captured(missing)));
  }

  async #busyWith(work: (source: NonNullable<Traffic['source']>) => Promise<void>): Promise<void> {
    const source = this.#traffic.source;
    if (!source) return;
    if (this.#busy++ === 0) this.#post({ type: 'busy', busy: true });
    try {
      await work(source);
    } finally {
      if (--this.#busy === 0) this.#post({ type: 'busy', busy: false });
    }
    this.#update();
  }

  /** Paints where somebody sees it, and says so where it differs from what the page has. */
  #update(): void {
    const source = this.#traffic.source;
    if (!source || !this.#listening || !this.#panel.visible) return;
    const picture = offered(paint(sceneOf(source), this.#selection), source);
    this.#panel.title = picture.service;
    const text = JSON.stringify(picture);
    if (text === this.#posted) return;
    this.#posted = text;
    this.#post({ type: 'picture', picture, now: Date.now() });
  }

  #post(message: ToPage): void {
    void this.#panel.webview.postMessage(message);
  }

  #dispose(): void {
    if (open.get(this.#selection.service) === this) open.delete(this.#selection.service);
    for (const disposable of this.#disposables.splice(0)) disposable.dispose();
  }
}

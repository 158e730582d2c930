import * as vscode from 'vscode';
import { withByHand } from '../kubernetes/by-hand.ts';
import type { ClusterObjects } from '../kubernetes/objects.ts';
import type { ClusterSource, Disposable, NodeRules } from '../kubernetes/source.ts';
import { chosenRecording, stillChosen, type Choice, type Remembered } from './choice.ts';
import type { RuleLocation, Traffic, TrafficChange } from './context.ts';
import { ReadAhead } from './read-ahead.ts';
import { kubeProxyByHand, kubeconfigSetting, recordingSetting } from './settings.ts';
import { t } from './words.ts';

/** How sources are opened. Each is loaded when it is first needed; neither rejects. */
export interface Openers {
  recording(path: string): Promise<ClusterSource>;
  /** @param kubeconfig a file instead of KUBECONFIG and ~/.kube/config */
  live(kubeconfig: string | undefined): Promise<ClusterSource>;
  /** Calls back when the kubeconfig leads to another cluster, by another user, or nowhere. */
  watch(kubeconfig: string | undefined, changed: () => void): Promise<Disposable>;
}

const CHOICE = 'serviceTraffic.choice';
const ALL: readonly (keyof ClusterObjects)[] = [
  'namespaces',
  'services',
  'endpointSlices',
  'endpoints',
  'nodes',
  'pods',
  'kubeProxyConfig',
  'serverVersion',
];

function settingsNow(): string {
  return JSON.stringify([recordingSetting() ?? null, kubeconfigSetting() ?? null]);
}

/** Owns the source that is shown: opens it at the first need, replaces it when the choice or the settings change. */
export class Connection implements Traffic, vscode.Disposable {
  readonly extensionUri: vscode.Uri;
  readonly log: vscode.LogOutputChannel;
  source: ClusterSource | undefined;

  readonly #openers: Openers;
  readonly #memory: vscode.Memento;
  readonly #changed = new vscode.EventEmitter<TrafficChange>();
  readonly onDidChange = this.#changed.event;
  readonly #settings: vscode.Disposable;
  #opening: Promise<ClusterSource> | undefined;
  #listening: Disposable | undefined;
  #watching: Disposable | undefined;
  #attempt = 0;
  readonly #asked = new Set<string>();
  /** By node: who waits for the end of its reading, whoever began that. */
  readonly #awaited = new Map<string, { readonly promise: Promise<void>; readonly resolve: () => void }>();
  readonly #readAhead = new ReadAhead(
    (node) => this.#changed.fire({ source: false, objects: [], nodes: [node] }),
    (node, read) =>
      vscode.window.withProgress(
        { location: vscode.ProgressLocation.Window, title: t('Sorting the rules of {0}', node) },
        (progress) => read((share) => progress.report({ message: `${Math.floor(share * 100)} %` })),
      ),
  );

  constructor(context: vscode.ExtensionContext, log: vscode.LogOutputChannel, openers: Openers) {
    this.extensionUri = context.extensionUri;
    this.log = log;
    this.#openers = openers;
    this.#memory = context.workspaceState;
    this.#settings = vscode.workspace.onDidChangeConfiguration((event) => {
      const ours = ['serviceTraffic.recording', 'serviceTraffic.kubeconfig', 'serviceTraffic.kubeProxy'];
      if (this.#opening && ours.some((name) => event.affectsConfiguration(name))) void this.reopen();
    });
  }

  open(): Promise<ClusterSource> {
    return (this.#opening ??= this.#open());
  }

  /** Opens again whatever is chosen now: after a change of the settings, or because the user asks for it. */
  reopen(): Promise<ClusterSource> {
    return (this.#opening = this.#open());
  }

  /** Whether something else is shown than what the settings say, because a command chose it. */
  get chosen(): boolean {
    const setting = recordingSetting();
    return chosenRecording(this.#choice(), setting, this.extensionUri.fsPath) !== setting;
  }

  /** Shows something else from now on; undefined goes back to what the settings say. */
  async choose(choice: Choice | undefined): Promise<ClusterSource> {
    const remembered: Remembered | undefined = choice && { choice, settings: settingsNow() };
    await this.#memory.update(CHOICE, remembered);
    return this.reopen();
  }

  #choice(): Choice | undefined {
    return stillChosen(this.#memory.get<Remembered>(CHOICE), settingsNow());
  }

  async #open(): Promise<ClusterSource> {
    const attempt = ++this.#attempt;
    const recording = chosenRecording(this.#choice(), recordingSetting(), this.extensionUri.fsPath);
    this.log.info(recording ? `opening the recording ${recording}` : 'opening the cluster of the kubeconfig');
    const opened = await (recording ? this.#openers.recording(recording) : this.#openers.live(kubeconfigSetting()));
    const source = withByHand(opened, kubeProxyByHand());
    if (attempt !== this.#attempt) {
      source.dispose(); // something else was chosen meanwhile
      return this.open();
    }
    this.#show(source);
    if (!recording) void this.#watch(attempt);
    await this.#settled(source);
    if (this.source !== source) return this.open(); // something else was chosen meanwhile
    if (source.state.kind === 'failed') {
      const { problem } = source.state;
      this.log.warn(`${problem.message} ${problem.advice} ${problem.detail ?? ''}`);
    }
    return source;
  }

  /** Settles once the source is no longer on its way, or another one is shown. */
  #settled(source: ClusterSource): Promise<void> {
    if (source.state.kind !== 'connecting') return Promise.resolve();
    return new Promise((resolve) => {
      const listening = this.onDidChange(() => {
        if (this.source === source && source.state.kind === 'connecting') return;
        listening.dispose();
        resolve();
      });
    });
  }

  /** Switching the context in the kubeconfig switches the view. */
  async #watch(attempt: number): Promise<void> {
    const watching = await this.#openers.watch(kubeconfigSetting(), () => void this.reopen());
    if (attempt === this.#attempt) this.#watching = watching;
    else watching.dispose();
  }

  #show(source: ClusterSource): void {
    this.#listening?.dispose();
    this.#watching?.dispose();
    this.#watching = undefined;
    this.source?.dispose();
    this.source = source;
    this.#asked.clear();
    // Of the cluster that was shown: nobody waits for that one's nodes any more.
    for (const { resolve } of this.#awaited.values()) resolve();
    this.#awaited.clear();
    this.#readAhead.clear();
    this.#listening = source.onDidChange((change) => {
      if (change.objects.includes('nodes')) this.#forgetGone(source);
      this.#ended(source, change.nodes);
      this.#readAhead.look(source, change.nodes);
      this.#changed.fire({ ...change, source: false });
    });
    const nodes = source.objects.nodes.map((node) => node.metadata.name);
    this.#readAhead.look(source, nodes);
    this.#changed.fire({ source: true, objects: ALL, nodes });
  }

  /** Another node may come by the same name, and has not been asked for. */
  #forgetGone({ objects }: ClusterSource): void {
    const names = new Set(objects.nodes.map(({ metadata }) => metadata.name));
    for (const node of this.#asked) if (!names.has(node)) this.#asked.delete(node);
  }

  async captured(nodes: readonly string[]): Promise<void> {
    const source = this.source;
    // A recording too big to be read at once has its nodes read when somebody looks at them.
    if (!source) return;
    const wanted = new Set(nodes.filter((node) => source.rules(node).kind === 'none' && !this.#asked.has(node)));
    for (const node of wanted) this.#asked.add(node);
    const ends = nodes
      .filter((node) => wanted.has(node) || isFirstRead(source.rules(node)))
      .map((node) => this.#end(node));
    if (wanted.size > 0) void source.capture([...wanted]).then(() => this.#ended(source, [...wanted]));
    await Promise.all(ends);
  }

  #end(node: string): Promise<void> {
    const known = this.#awaited.get(node);
    if (known) return known.promise;
    let resolve = (): void => undefined;
    const promise = new Promise<void>((settle) => (resolve = settle));
    this.#awaited.set(node, { promise, resolve });
    return promise;
  }

  #ended(source: ClusterSource, nodes: Iterable<string>): void {
    if (source !== this.source) return;
    for (const node of nodes) {
      if (source.rules(node).kind === 'capturing') continue;
      this.#awaited.get(node)?.resolve();
      this.#awaited.delete(node);
    }
  }

  async openRule(rule: RuleLocation): Promise<void> {
    const { dumpUri } = await import('./dump-documents.ts');
    const uri = this.source && dumpUri(this.source, rule.node, rule.dump);
    if (!uri) {
      void vscode.window.showWarningMessage(t('The rules of {0} have not been read.', rule.node));
      return;
    }
    const start = new vscode.Position(rule.line - 1, 0);
    const end = new vscode.Position(rule.line - 1 + (rule.lines ?? 1) - 1, Number.MAX_SAFE_INTEGER);
    await vscode.window.showTextDocument(uri, { selection: new vscode.Range(start, end), preview: true });
  }

  dispose(): void {
    this.#attempt++;
    this.#readAhead.clear();
    this.#listening?.dispose();
    this.#watching?.dispose();
    this.source?.dispose();
    this.#settings.dispose();
    this.#changed.dispose();
  }
}

function isFirstRead(rules: NodeRules): boolean {
  return rules.kind === 'capturing' && !rules.earlier;
}

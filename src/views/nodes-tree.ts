import * as vscode from 'vscode';
import type { ClusterSource } from '../kubernetes/source.ts';
import { captureIn } from './capture-of.ts';
import type { Traffic } from './context.ts';
import { dumpUri } from './dump-documents.ts';
import type { Health } from './health.ts';
import type { NodesRow } from './nodes-rows.ts';
import { Known, treeItem } from './tree-item.ts';

/** So often are "12 s ago" and the like brought up to date while they are on screen, in milliseconds. */
const AGE_REFRESH = 15_000;

/** The tree "Nodes". What it shows is computed in nodes-rows.ts, which is loaded when the view is first shown. */
export class NodesTree implements vscode.TreeDataProvider<NodesRow>, vscode.Disposable {
  readonly #traffic: Traffic;
  readonly #health: Health;
  readonly #changed = new vscode.EventEmitter<NodesRow | undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #known = new Known<NodesRow>();
  readonly #listening: vscode.Disposable;
  #timer: NodeJS.Timeout | undefined;

  constructor(traffic: Traffic, health: Health) {
    this.#traffic = traffic;
    this.#health = health;
    this.#listening = vscode.Disposable.from(
      traffic.onDidChange((change) => {
        if (change.source) this.#known.clear();
        if (change.source || change.objects.some((kind) => kind === 'nodes' || kind === 'pods'))
          this.#changed.fire(undefined);
        else this.#refresh(change.nodes);
      }),
      health.onDidChangeNodes((names) => this.#refresh(names)),
    );
  }

  #refresh(names: readonly string[]): void {
    for (const name of names) {
      const row = this.#known.get(`node/${name}`);
      if (row) this.#changed.fire(row);
    }
  }

  /** Ages are only kept up to date for a live cluster on screen. */
  set visible(visible: boolean) {
    clearInterval(this.#timer);
    this.#timer = visible
      ? setInterval(() => {
          const { source } = this.#traffic;
          if (source?.kind === 'live') this.#refresh(source.objects.nodes.map((node) => node.metadata.name));
        }, AGE_REFRESH)
      : undefined;
  }

  async getTreeItem(row: NodesRow): Promise<vscode.TreeItem> {
    const { nodesText } = await import('./nodes-rows.ts');
    const source = await this.#traffic.open();
    const text =
      row.kind === 'node'
        ? nodesText(row, source, this.#health.ofNode(row.name), await modeOf(source, row.name))
        : nodesText(row, source, undefined, undefined);
    const item = treeItem(row.id, text);
    if (row.kind === 'dump') {
      const uri = dumpUri(source, row.node, row.dump.name);
      if (uri) item.command = { command: 'vscode.open', title: text.label, arguments: [uri] };
    }
    return item;
  }

  async getChildren(row?: NodesRow): Promise<NodesRow[]> {
    const source = this.#traffic.source ?? (await this.#traffic.open());
    const { nodesRows, nodeFacts, noticeRows } = await import('./nodes-rows.ts');
    if (!row) {
      const rows = nodesRows(source.objects);
      this.#health.wantNodes(rows.flatMap((one) => (one.kind === 'node' ? [one.name] : [])));
      return this.#known.keep([...noticeRows(source), ...rows]);
    }
    if (row.kind === 'group') return this.#known.keep(row.rows);
    if (row.kind !== 'node') return [];
    await this.#traffic.captured([row.name]);
    const [{ driftRows }, { latencyRows }, { remember }] = await Promise.all([
      import('./drift-rows.ts'),
      import('./latency-rows.ts'),
      import('./history.ts'),
    ]);
    const drift = await remember(source, row.name);
    const facts = nodeFacts(source, row.name, row.node, await modeOf(source, row.name));
    return this.#known.keep([...driftRows(row.name, drift), ...latencyRows(source, row.name), ...facts]);
  }

  getParent(row: NodesRow): NodesRow | undefined {
    return row.kind === 'dump' || row.kind === 'group' ? this.#known.get(`node/${row.node}`) : undefined;
  }

  /** The row of a node. */
  async find(name: string): Promise<NodesRow | undefined> {
    return (await this.getChildren()).find((row) => row.kind === 'node' && row.name === name);
  }

  dispose(): void {
    clearInterval(this.#timer);
    this.#listening.dispose();
    this.#changed.dispose();
  }
}

/** Asked for each of a thousand rows, ten times a second: of the node alone, not by way of all of them. */
async function modeOf(source: ClusterSource, name: string): Promise<string | undefined> {
  const { isQuick, tracedNode } = await import('../translation/read-node.ts');
  const rules = source.rules(name);
  const capture = captureIn(rules);
  if (!capture || !isQuick(capture)) return undefined;
  const node = tracedNode(name, rules, source.objects);
  return node.kind === 'read' ? node.mode : undefined;
}

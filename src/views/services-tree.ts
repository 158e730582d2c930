import * as vscode from 'vscode';
import type { Arrangement, ServicesRow } from './services-rows.ts';
import type { Traffic } from './context.ts';
import { badgeUri } from './decorations.ts';
import type { Health } from './health.ts';
import { Known, treeItem } from './tree-item.ts';

/** The rules of so many nodes are read without being asked for; of a bigger cluster the rest on request. */
const AT_FIRST = 10;

/** The tree "Services". What it shows is computed row by row in services-rows.ts, which is loaded when the view is first shown. */
export class ServicesTree implements vscode.TreeDataProvider<ServicesRow>, vscode.Disposable {
  readonly #traffic: Traffic;
  readonly #health: Health;
  readonly #changed = new vscode.EventEmitter<ServicesRow | undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #known = new Known<ServicesRow>();
  readonly #listening: vscode.Disposable;
  #filter = '';
  #order: Arrangement['order'] = 'name';

  constructor(traffic: Traffic, health: Health) {
    this.#traffic = traffic;
    this.#health = health;
    this.#listening = vscode.Disposable.from(
      traffic.onDidChange((change) => {
        if (change.source) this.#known.clear();
        if (change.source || change.objects.length > 0) this.#changed.fire(undefined);
        else if (change.nodes.length > 0) this.#rulesChanged();
      }),
      health.onDidChange((keys) => this.#healthChanged(keys)),
    );
  }

  get filter(): string {
    return this.#filter;
  }

  set filter(text: string) {
    this.#filter = text.trim().toLowerCase();
    void vscode.commands.executeCommand('setContext', 'serviceTraffic.filtered', this.#filter !== '');
    this.#changed.fire(undefined);
  }

  set order(order: Arrangement['order']) {
    this.#order = order;
    void vscode.commands.executeCommand('setContext', 'serviceTraffic.sort', order);
    this.#changed.fire(undefined);
  }

  get #arrangement(): Arrangement {
    return { filter: this.#filter, order: this.#order, programming: (key) => this.#health.of(key) };
  }

  /** Rules say nothing new about the rows above; theirs come with the health. */
  #rulesChanged(): void {
    for (const row of this.#known.all())
      if (row.kind === 'endpoints' || row.kind === 'on-nodes') this.#changed.fire(row);
  }

  /** Only the rows that say something else now; all of them where the order hangs on it. */
  #healthChanged(keys: readonly string[]): void {
    if (this.#order === 'trouble') return this.#changed.fire(undefined);
    for (const key of keys) {
      const row = this.#known.get(`svc/${key}`);
      if (row) this.#changed.fire(row);
    }
  }

  async getTreeItem(row: ServicesRow): Promise<vscode.TreeItem> {
    const { servicesText } = await import('./services-text.ts');
    const text = servicesText(row, (key) => this.#health.of(key));
    const badged = row.kind === 'service' ? row.story.key : row.kind === 'namespace' ? row.name : undefined;
    return treeItem(row.id, text, badged === undefined ? undefined : badgeUri(row.kind, badged));
  }

  async getChildren(row?: ServicesRow): Promise<ServicesRow[]> {
    const source = this.#traffic.source ?? (await this.#traffic.open());
    const rows = await import('./services-rows.ts');
    const { objects } = source;
    const nodes = objects.nodes.map((node) => node.metadata.name).slice(0, AT_FIRST);
    switch (row?.kind) {
      case undefined:
        void this.#traffic.captured(nodes);
        return this.#known.keep(rows.namespaceRows(objects, this.#arrangement));
      case 'namespace': {
        const services = rows.serviceRows(objects, row.name, this.#arrangement);
        this.#health.want(services.flatMap((one) => (one.kind === 'service' ? [one.story.key] : [])));
        return this.#known.keep(services);
      }
      case 'service':
        return this.#known.keep(rows.portRows(row.story));
      case 'port':
        return this.#known.keep(rows.halves(row.story, row.port));
      case 'endpoints':
        return this.#known.keep(rows.endpointRows(await this.#health.scene(), row.story, row.port));
      case 'on-nodes': {
        void this.#traffic.captured(nodes);
        return this.#known.keep(rows.nodeRows(await this.#health.scene(), row.story, row.port));
      }
      default:
        return [];
    }
  }

  /** Needed for reveal(): the row above. */
  getParent(row: ServicesRow): ServicesRow | undefined {
    switch (row.kind) {
      case 'namespace':
        return undefined;
      case 'service':
        return this.#known.get(`ns/${row.story.service.metadata.namespace ?? ''}`);
      case 'note':
        return undefined;
      case 'port':
        return this.#known.get(`svc/${row.story.key}`);
      case 'endpoints':
      case 'on-nodes':
        return this.#known.get(`port/${row.story.key}/${row.port.id}`);
      case 'endpoint':
        return this.#known.get(`endpoints/${row.story.key}/${row.port.id}`);
      case 'nodes':
        return this.#known.get(`nodes/${row.story.key}/${row.port.id}`);
    }
  }

  /** The row of a Service, or of one of its ports, wherever the tree has been opened so far. */
  async find(key: string, portId?: string): Promise<ServicesRow | undefined> {
    const namespaces = await this.getChildren();
    const namespace = namespaces.find((row) => row.kind === 'namespace' && row.name === key.slice(0, key.indexOf('/')));
    const service = namespace && (await this.getChildren(namespace)).find((row) => row.id === `svc/${key}`);
    if (!service || portId === undefined) return service;
    return (await this.getChildren(service)).find((row) => row.id === `port/${key}/${portId}`) ?? service;
  }

  dispose(): void {
    this.#listening.dispose();
    this.#changed.dispose();
  }
}

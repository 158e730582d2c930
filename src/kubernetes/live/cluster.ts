/** A live cluster as a ClusterSource: it follows the objects, and captures the nodes' rules when it is asked to. */
import { captureNode } from '../capture/node.ts';
import { Changes } from '../changes.ts';
import { decodeObject } from '../decode.ts';
import { nodesByPods } from '../nodes-by-pods.ts';
import type { ClusterObjects, ConfigMap, Node, ObjectMeta, Pod } from '../objects.ts';
import type { ClusterSource, Disposable, NodeRules, Problem, SourceChange, SourceState } from '../source.ts';
import { bodyText } from './body.ts';
import { ChangeTimes } from './change-times.ts';
import { Collection } from './collection.ts';
import type { Connection } from './connection.ts';
import { listAndWatch, TIMING, type Health, type Timing } from './list-watch.ts';
import { FOLLOWED, RESOURCES, type Followed } from './resources.ts';
import { Slots } from './slots.ts';

/** Nodes that are captured at the same time. */
const AT_ONCE = 4;

/** The pods of kube-proxy's namespace, listed once for all nodes of a capture. */
type OwnPods = () => Promise<readonly Pod[] | 'forbidden'>;

type AnyCollection = Collection<{ readonly metadata: ObjectMeta }>;

export class LiveCluster implements ClusterSource {
  readonly kind = 'live';
  readonly name: string;
  readonly location: string;
  readonly #connection: Connection;
  readonly #collections = Object.fromEntries(FOLLOWED.map((name) => [name, new Collection()])) as unknown as Record<
    Followed,
    AnyCollection
  >;
  readonly #health = new Map<Followed, Health>(FOLLOWED.map((name) => [name, { kind: 'starting' }]));
  readonly #rules = new Map<string, NodeRules>();
  readonly #abort = new AbortController();
  readonly #changes = new Changes();
  readonly #times = new ChangeTimes();
  #byPods: readonly Node[] = [];
  #kubeProxyConfig: ConfigMap | undefined;
  #configProblem: Problem | undefined;
  #serverVersion: string | undefined;
  #objects: ClusterObjects | undefined;
  #state: SourceState = { kind: 'connecting' };
  /** Milliseconds since the epoch. */
  #lostSince: number | undefined;
  readonly #slots = new Slots(AT_ONCE);

  constructor(connection: Connection, timing: Timing = TIMING) {
    this.#connection = connection;
    this.name = connection.name;
    this.location = connection.server;
    for (const name of FOLLOWED) {
      const collection = this.#collections[name];
      const changed = (): void => this.#changed(name);
      const see = (object: { readonly metadata: ObjectMeta }): void => {
        if (name === 'services') this.#times.sawService(object);
        else if (name === 'endpointSlices') this.#times.sawSlice(object);
      };
      let listed = false;
      void listAndWatch(
        connection,
        RESOURCES[name],
        connection.namespace,
        {
          replace: (objects) => {
            const others = collection.replace(objects);
            // The first list is what was there before; a later one has what a watch has missed.
            if (listed) others.forEach(see);
            if (!listed || others.length > 0) changed();
            listed = true;
          },
          upsert: (object) => {
            if (!collection.upsert(object)) return;
            see(object);
            changed();
          },
          remove: (object) => (collection.remove(object), see(object), changed()),
          health: (health) => this.#feel(name, health),
        },
        this.#abort.signal,
        timing,
      );
    }
  }

  get state(): SourceState {
    return this.#state;
  }

  get objects(): ClusterObjects {
    this.#objects ??= {
      ...this.#followed(),
      ...(this.#kubeProxyConfig ? { kubeProxyConfig: this.#kubeProxyConfig } : {}),
      ...(this.#serverVersion === undefined ? {} : { serverVersion: this.#serverVersion }),
    };
    return this.#objects;
  }

  #followed(): ClusterObjects {
    const list = (name: Followed) => this.#collections[name].list;
    const followed = {
      namespaces: list('namespaces'),
      services: list('services'),
      endpointSlices: list('endpointSlices'),
      endpoints: [],
      nodes: list('nodes'),
      pods: list('pods'),
    } as unknown as ClusterObjects;
    if (!this.#withoutNodes) return followed;
    const nodes = nodesByPods(followed);
    if (!sameObject(nodes, this.#byPods)) this.#byPods = nodes;
    return { ...followed, nodes: this.#byPods };
  }

  get #withoutNodes(): boolean {
    return this.#health.get('nodes')?.kind === 'refused';
  }

  onDidChange(listener: (change: SourceChange) => void): Disposable {
    return this.#changes.listen(listener);
  }

  readonly changedAt = (service: string): number | undefined => this.#times.at(service);

  rules(node: string): NodeRules {
    return this.#rules.get(node) ?? { kind: 'none' };
  }

  async capture(nodes: readonly string[], signal?: AbortSignal): Promise<void> {
    const both = AbortSignal.any([this.#abort.signal, ...(signal ? [signal] : [])]);
    let listed: Promise<readonly Pod[] | 'forbidden'> | undefined;
    const ownPods: OwnPods = () => (listed ??= this.#ownPods());
    await Promise.all([...new Set(nodes)].map((node) => this.#captureOne(node, both, ownPods)));
    // The rules are compared with what kube-proxy was told to write.
    if (!both.aborted) await this.#readConfig();
  }

  dispose(): void {
    this.#abort.abort();
    this.#changes.dispose();
    this.#connection.dispose();
  }

  async #captureOne(node: string, signal: AbortSignal, ownPods: OwnPods): Promise<void> {
    const before = this.#rules.get(node) ?? { kind: 'none' };
    if (before.kind === 'capturing') return this.#captureEnded(node, signal);
    const earlier = before.kind === 'captured' ? before.capture : before.kind === 'failed' ? before.earlier : undefined;
    const set = (rules: NodeRules): void => {
      this.#rules.set(node, rules);
      this.#changes.report({ nodes: [node] });
    };
    const progress = (done: number, of: number): void =>
      set({ kind: 'capturing', done, of, ...(earlier ? { earlier } : {}) });
    progress(0, 1);
    const result = await this.#slots.run(async () => {
      const objects = await this.#withProxyPods(node, ownPods);
      return 'code' in objects ? objects : captureNode(this.#connection, objects, node, signal, progress);
    }, signal);
    if (signal.aborted || result === undefined) set(before);
    else if ('dumps' in result) set({ kind: 'captured', capture: result });
    else set({ kind: 'failed', problem: result, at: Date.now(), ...(earlier ? { earlier } : {}) });
  }

  /** The objects; with kube-proxy's pods from their own namespace where pods of all namespaces may not be listed. */
  async #withProxyPods(node: string, ownPods: OwnPods): Promise<ClusterObjects | Problem> {
    const pods = this.#health.get('pods');
    if (pods?.kind === 'following' && !pods.reduced) return this.objects;
    const more = await ownPods();
    if (more === 'forbidden')
      return {
        code: 'forbidden',
        message: `You may not list pods in kube-system: kube-proxy’s pod on ${node} cannot be found`,
        advice: 'Ask for the verbs list and watch on pods; docs/clusterrole.yaml has all that is needed.',
      };
    return { ...this.objects, pods: [...this.objects.pods, ...more] };
  }

  async #ownPods(): Promise<readonly Pod[] | 'forbidden'> {
    const found = await this.#json('/api/v1/namespaces/kube-system/pods');
    if (found === 403) return 'forbidden';
    if (!isRecord(found) || !Array.isArray(found['items'])) return [];
    return found['items'].flatMap((value) => decodeObject('Pod', value).object ?? []);
  }

  /** Somebody else's capture of the same node serves as well. */
  #captureEnded(node: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        listening.dispose();
        resolve();
      };
      const listening = this.#changes.listen(() => this.rules(node).kind === 'capturing' || done());
      signal.addEventListener('abort', done, { once: true });
    });
  }

  #changed(name: keyof ClusterObjects): void {
    this.#objects = undefined;
    const tells = this.#withoutNodes && (name === 'pods' || name === 'endpointSlices');
    this.#changes.report({
      objects: tells ? [name, 'nodes'] : [name],
      nodes: name === 'nodes' ? this.#forgetGoneNodes() : [],
    });
  }

  /** The next node of that name is another machine, and a cluster that scales has hundreds of them in a day. */
  #forgetGoneNodes(): readonly string[] {
    if (this.#withoutNodes || this.#rules.size === 0) return [];
    const names = new Set(this.#collections.nodes.list.map(({ metadata }) => metadata.name));
    const gone = [...this.#rules.keys()].filter((name) => !names.has(name));
    for (const name of gone) this.#rules.delete(name);
    return gone;
  }

  #feel(name: Followed, health: Health): void {
    this.#health.set(name, health);
    const was = this.#state.kind;
    this.#state = this.#overall();
    if (name === 'nodes' && health.kind === 'refused') this.#changed('nodes');
    // What has no watch is asked for when the connection is there, or there again.
    if (this.#state.kind === 'ready' && was !== 'ready') void Promise.all([this.#readVersion(), this.#readConfig()]);
    this.#changes.report({});
  }

  #overall(): SourceState {
    const health = [...this.#health];
    const lost = health.find(([, each]) => each.kind === 'lost')?.[1];
    if (lost?.kind === 'lost') {
      if (this.#state.kind === 'ready' || this.#state.kind === 'stale') {
        this.#lostSince ??= Date.now();
        return { kind: 'stale', problem: lost.problem, since: this.#lostSince };
      }
      return { kind: 'failed', problem: lost.problem };
    }
    this.#lostSince = undefined;
    if (health.some(([, each]) => each.kind === 'starting'))
      return this.#state.kind === 'ready' || this.#state.kind === 'stale' ? this.#state : { kind: 'connecting' };
    const refused = health.flatMap(([, each]) => (each.kind === 'refused' ? [each.problem] : []));
    if (refused.length === health.length)
      return {
        kind: 'failed',
        problem: {
          code: 'forbidden',
          message: `The user of the context ${this.name} may read nothing that is needed: ${FOLLOWED.map((name) => RESOURCES[name].name).join(', ')}`,
          advice: 'Ask an administrator for the rights in docs/clusterrole.yaml, or choose another context.',
          ...(refused[0]?.detail === undefined ? {} : { detail: refused[0].detail }),
        },
      };
    const missing = health.flatMap(([name, each]) => {
      const problem = each.kind === 'refused' ? each.problem : each.kind === 'following' ? each.reduced : undefined;
      return problem ? [{ resource: RESOURCES[name].name as string, problem }] : [];
    });
    if (this.#configProblem) missing.push({ resource: 'kube-proxy-config', problem: this.#configProblem });
    return { kind: 'ready', missing };
  }

  async #readVersion(): Promise<void> {
    const value = await this.#json('/version');
    const version = isRecord(value) ? value['gitVersion'] : undefined;
    if (typeof version !== 'string' || version === this.#serverVersion) return;
    this.#serverVersion = version;
    this.#changed('serverVersion');
  }

  /** kubeadm and most others call it kube-proxy; EKS kube-proxy-config. Where there is none, the flags are in the pod. */
  async #readConfig(): Promise<void> {
    for (const name of ['kube-proxy', 'kube-proxy-config']) {
      const value = await this.#json(`/api/v1/namespaces/kube-system/configmaps/${name}`);
      if (value === 404) continue;
      const problem: Problem | undefined =
        value === 403
          ? {
              code: 'forbidden',
              message:
                'You may not get the ConfigMap kube-system/kube-proxy: what kube-proxy was told to do is not known',
              advice: 'Ask for the verb get on this ConfigMap; docs/clusterrole.yaml has all that is needed.',
            }
          : undefined;
      const config = isRecord(value) ? decodeObject('ConfigMap', value).object : undefined;
      if (problem?.message !== this.#configProblem?.message) {
        this.#configProblem = problem;
        this.#state = this.#overall();
        this.#changes.report({});
      }
      if (config && !sameObject(config, this.#kubeProxyConfig)) {
        this.#kubeProxyConfig = config;
        this.#changed('kubeProxyConfig');
      }
      return;
    }
    if (!this.#kubeProxyConfig) return;
    this.#kubeProxyConfig = undefined;
    this.#changed('kubeProxyConfig');
  }

  /** The JSON at a path, or the status where it isn't 200; undefined where there is no reply. */
  async #json(path: string): Promise<unknown> {
    try {
      const reply = await this.#connection.get(path, { signal: this.#abort.signal });
      const text = await bodyText(reply.body);
      return reply.status === 200 ? JSON.parse(text) : reply.status;
    } catch {
      return undefined; // the loops say what is wrong with the connection
    }
  }
}

function sameObject(a: object, b: object | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

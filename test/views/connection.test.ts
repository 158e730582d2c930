import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Changes } from '../../src/kubernetes/changes.ts';
import type { ClusterObjects } from '../../src/kubernetes/objects.ts';
import type { ClusterSource, NodeRules, SourceState } from '../../src/kubernetes/source.ts';
import './with-vscode-stub.ts';

const { Connection } = await import('../../src/views/connection.ts');

const READY: SourceState = { kind: 'ready', missing: [] };

/** A cluster whose captures end when the test says so. */
class Cluster implements ClusterSource {
  readonly kind = 'live';
  readonly location = '';
  readonly name: string;
  state: SourceState;
  objects = { nodes: [{ metadata: { name: 'node-1' } }] } as unknown as ClusterObjects;
  readonly asked: string[] = [];
  readonly changes = new Changes();
  readonly #rules = new Map<string, NodeRules>();
  #ends: (() => void)[] = [];

  constructor(name: string, state: SourceState) {
    this.name = name;
    this.state = state;
  }
  onDidChange(listener: Parameters<ClusterSource['onDidChange']>[0]) {
    return this.changes.listen(listener);
  }
  rules(node: string): NodeRules {
    return this.#rules.get(node) ?? { kind: 'none' };
  }
  capture(nodes: readonly string[]): Promise<void> {
    this.asked.push(...nodes);
    for (const node of nodes) this.#rules.set(node, { kind: 'capturing', done: 0, of: 1 });
    return new Promise((resolve) => this.#ends.push(resolve));
  }
  /** Of one node; the capture as a whole ends with the last. */
  end(node: string, rules: NodeRules): void {
    this.#rules.set(node, rules);
    this.changes.report({ nodes: [node] });
    if ([...this.#rules.values()].every(({ kind }) => kind !== 'capturing'))
      for (const end of this.#ends.splice(0)) end();
  }
  dispose(): void {
    this.changes.dispose();
  }
}

function connect(...clusters: readonly Cluster[]) {
  const left = [...clusters];
  const context = {
    extensionUri: { fsPath: '/' },
    workspaceState: { get: () => undefined, update: () => Promise.resolve() },
  };
  const log = { info: () => undefined, warn: () => undefined };
  const openers = {
    live: () => Promise.resolve(left.shift()!),
    recording: () => Promise.reject(new Error('none')),
    watch: () => Promise.resolve({ dispose: () => undefined }),
  };
  return new Connection(...([context, log, openers] as unknown as ConstructorParameters<typeof Connection>));
}

/** Whether it settles within a moment. */
const settles = (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([promise.then(() => true), new Promise<false>((resolve) => setTimeout(() => resolve(false), 50))]);

test('who waits for a cluster that never answers has the one that is chosen instead', async () => {
  const [silent, other] = [new Cluster('silent', { kind: 'connecting' }), new Cluster('other', READY)];
  const connection = connect(silent, other);
  const waiting = connection.open();
  assert.equal(await settles(waiting), false);
  await connection.reopen();
  assert.equal(await settles(waiting), true);
  assert.equal(await waiting, other);
  connection.dispose();
});

const FAILED: NodeRules = { kind: 'failed', problem: { code: 'exec-failed', message: '', advice: '' }, at: 0 };

test('who needs a node that somebody else has begun to read waits for that node, and not for others', async () => {
  const cluster = new Cluster('x', READY);
  const connection = connect(cluster);
  await connection.open();
  const all = connection.captured(['node-1', 'node-2']);
  const one = connection.captured(['node-1']);
  assert.equal(await settles(one), false);
  cluster.end('node-1', FAILED);
  await one;
  assert.equal(await settles(all), false);
  cluster.end('node-2', FAILED);
  await all;
  await connection.captured(['node-1']);
  assert.deepEqual(cluster.asked, ['node-1', 'node-2']);
  connection.dispose();
});

test('nobody waits for nodes of a cluster that is shown no more', async () => {
  const connection = connect(new Cluster('x', READY), new Cluster('y', READY));
  await connection.open();
  const waiting = connection.captured(['node-1']);
  await connection.reopen();
  assert.equal(await settles(waiting), true);
  connection.dispose();
});

test('a node that came by the name of one that is gone is read as well', async () => {
  const cluster = new Cluster('x', READY);
  const connection = connect(cluster);
  await connection.open();
  const first = connection.captured(['node-1']);
  cluster.end('node-1', { kind: 'none' });
  await first;
  const { objects } = cluster;
  for (const nodes of [[], objects.nodes]) {
    cluster.objects = { ...objects, nodes };
    cluster.changes.report({ objects: ['nodes'] });
    await new Promise((resolve) => setTimeout(resolve, 120));
  }
  void connection.captured(['node-1']);
  assert.deepEqual(cluster.asked, ['node-1', 'node-1']);
  connection.dispose();
});

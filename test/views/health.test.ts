import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { openRecording } from '../../src/kubernetes/snapshot/open.ts';
import type { ClusterSource } from '../../src/kubernetes/source.ts';
import type { Traffic, TrafficChange } from '../../src/views/context.ts';
import './with-vscode-stub.ts';

const { Health } = await import('../../src/views/health.ts');

async function looked() {
  const recording = await openRecording(path.join(import.meta.dirname, '../recordings/1.37-iptables-stale-node'));
  let { objects } = recording;
  const source: ClusterSource = {
    ...recording,
    state: recording.state,
    rules: (node) => recording.rules(node),
    get objects() {
      return objects;
    },
  };
  const listeners: ((change: TrafficChange) => void)[] = [];
  const problems: unknown[] = [];
  const traffic = {
    source,
    open: () => Promise.resolve(source),
    onDidChange: (listener: (change: TrafficChange) => void) => {
      listeners.push(listener);
      return { dispose: () => undefined };
    },
    log: { error: (...words: unknown[]) => void problems.push(words) },
  };
  const health = new Health(traffic as unknown as Traffic);
  return {
    health,
    problems,
    names: objects.nodes.map(({ metadata }) => metadata.name),
    objects,
    change: (next: Partial<typeof objects>): void => {
      objects = { ...objects, ...next };
      for (const listener of listeners) listener({ source: false, objects: ['services'], nodes: [] });
    },
  };
}

async function until(what: string, holds: () => boolean, meanwhile: () => void = () => undefined): Promise<void> {
  for (const end = performance.now() + 5000; !holds();) {
    if (performance.now() > end) throw new Error(`not within five seconds: ${what}`);
    meanwhile();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('how every node stands is found out in a cluster that changes all the time', async (t) => {
  const { health, names, change, problems } = await looked();
  t.after(() => health.dispose());
  health.wantNodes(names);
  await until(
    'all nodes are known',
    () => names.every((name) => health.ofNode(name)),
    () => change({}),
  );
  assert.deepEqual(problems, []);
});

test('how a node stood is not shown for how it stands, where that is not found out any more', async (t) => {
  const { health, names, change, objects } = await looked();
  t.after(() => health.dispose());
  health.wantNodes(names);
  await until('all nodes are known', () => names.every((name) => health.ofNode(name)));
  const told: string[] = [];
  health.onDidChangeNodes((nodes) => told.push(...nodes));
  const [gone, ...others] = names;
  change({ nodes: objects.nodes.slice(1) });
  await until('the node is gone', () => !health.ofNode(gone!));
  assert.ok(others.every((name) => health.ofNode(name)));
  change({ services: Array.from({ length: 20_000 }, () => objects.services[0]!) });
  await until('the others are not known', () => others.every((name) => !health.ofNode(name)));
  await until('it is told', () => names.every((name) => told.includes(name)));
});

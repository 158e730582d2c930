import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterSource, NodeRules } from '../../src/kubernetes/source.ts';
import { nodeFacts, nodesRows, nodesText, noticeRows } from '../../src/views/nodes-rows.ts';
import { sample } from './sample.ts';

const source = await sample();

function withRules(rules: NodeRules): ClusterSource {
  return {
    ...source,
    name: 'x',
    kind: 'live',
    location: '',
    state: source.state,
    objects: source.objects,
    rules: () => rules,
    onDidChange: () => ({ dispose: () => undefined }),
    capture: async () => undefined,
    dispose: () => undefined,
  };
}

function text(
  from: ClusterSource,
  health?: { ports: number; right: number; wrong: readonly string[] },
): ReturnType<typeof nodesText> {
  return nodesText(nodesRows(from.objects)[0]!, from, health, 'iptables');
}

test('A node that was read: mode, version, and when', () => {
  assert.match(text(source).description, /^iptables \(nft\) · v1\.37\.2 · 2026-11-\d\d /);
  assert.equal(text(source, { ports: 21, right: 21, wrong: [] }).mark, 'good');
});

test('A node that is otherwise than the API says', () => {
  const wrong = text(source, { ports: 21, right: 18, wrong: ['shop/front'] });
  assert.match(wrong.description, /^18 of 21 ports right/);
  assert.equal(wrong.mark, 'error');
  assert.match(wrong.tooltip, /shop\/front/);
});

test('Not read, being read, and why not', () => {
  assert.match(text(withRules({ kind: 'none' })).description, /not read yet$/);
  assert.match(text(withRules({ kind: 'capturing', done: 1, of: 5 })).description, /being read: 1 of 5$/);
  assert.equal(text(withRules({ kind: 'capturing', done: 1, of: 5 })).icon, 'sync~spin');
  const problem = { code: 'forbidden', message: 'This user may not exec.', advice: 'Ask for pods/exec.' } as const;
  const failed = text(withRules({ kind: 'failed', problem, at: 0 }));
  assert.match(failed.description, /This user may not exec\.$/);
  assert.match(failed.tooltip, /Ask for pods\/exec/);
  assert.match(failed.context, /capturable/);
});

test('Below a node: what is known of it, and its dumps', () => {
  const [row] = nodesRows(source.objects);
  assert.ok(row?.kind === 'node');
  const facts = nodeFacts(source, row.name, row.node, 'iptables');
  const labels = facts.map((fact) =>
    fact.kind === 'fact' ? `${fact.label}: ${fact.value}` : fact.kind === 'dump' ? fact.dump.name : fact.kind,
  );
  assert.ok(labels.includes('Zone: zone-1'), labels.join('\n'));
  assert.ok(labels.includes('Mode: iptables (nft)'));
  assert.ok(labels.includes('iptables-save.txt'));
  assert.ok(labels.some((label) => label.startsWith('kube-proxy: v1.37.2 · kube-proxy-')));
});

test('Above nodes that are known by their pods alone: which right is missing', () => {
  assert.deepEqual(noticeRows(source), []);
  const problem = { code: 'forbidden', message: 'You may not list nodes', advice: 'Ask for the verbs list.' } as const;
  const state = { kind: 'ready', missing: [{ resource: 'nodes', problem }] } as const;
  const [row] = noticeRows({ objects: source.objects, state });
  assert.ok(row?.kind === 'problem' && row.message === problem.message && row.advice === problem.advice);
  assert.deepEqual(noticeRows({ objects: { ...source.objects, nodes: [] }, state }), []);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterSource, Dump, NodeRules } from '../../src/kubernetes/source.ts';
import type { NodeHealth } from '../../src/views/health.ts';
import { inOrder, nodeFacts, nodesRows, nodesText, noticeRows } from '../../src/views/nodes-rows.ts';
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

function text(from: ClusterSource, health?: Partial<NodeHealth>): ReturnType<typeof nodesText> {
  const whole = health && { ports: 21, right: 21, pending: 0, wrong: [], common: false, ...health };
  return nodesText(nodesRows(from.objects)[0]!, from, whole, 'iptables');
}

test('A node that was read: mode, version, and when', () => {
  assert.match(text(source).description, /^iptables \(nft\) · v1\.37\.2 · 2026-11-\d\d /);
  assert.equal(text(source, {}).mark, 'good');
});

test('A node that is otherwise than the API says', () => {
  const wrong = text(source, { right: 18, wrong: ['shop/front'] });
  assert.match(wrong.description, /^18 of 21 ports right/);
  assert.equal(wrong.mark, 'error');
  assert.match(wrong.tooltip, /shop\/front/);
  const many = Array.from({ length: 12 }, (_, i) => `shop/wrong-${i}`);
  const tooltip = text(source, { right: 9, wrong: many }).tooltip.replaceAll('\\', '');
  assert.match(tooltip, /- shop\/wrong-9\n- and 2 more$/);
});

test('A change that is about to be written is no fault; a rule that all share and that is wrong is one', () => {
  const pending = text(source, { right: 19, pending: 2 });
  assert.match(pending.description, /^19 of 21 ports right, 2 pending ·/);
  assert.equal(pending.mark, 'good');
  const common = text(source, { common: true });
  assert.match(common.description, /^21 of 21 ports right, rules that all share are wrong ·/);
  assert.equal(common.mark, 'error');
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

test('The rules of the mode that a node is in come first among its dumps', () => {
  const dump = (name: Dump['name']): Dump => ({ name, from: '', text: '', complete: true });
  const dumps = ['fib_trie.txt', 'nft.json', 'iptables-legacy-save.txt', 'nft.txt'] as const;
  const order = (mode: string): readonly string[] => inOrder(dumps.map(dump), mode).map(({ name }) => name);
  assert.deepEqual(order('iptables'), ['iptables-legacy-save.txt', 'nft.txt', 'nft.json', 'fib_trie.txt']);
  assert.deepEqual(order('nftables'), ['nft.txt', 'nft.json', 'iptables-legacy-save.txt', 'fib_trie.txt']);
});

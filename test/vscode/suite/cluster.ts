import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import { viewStateOf } from '../../../src/views/state.ts';
import { hoverText, opened, rowsOf, until, walk } from './api.ts';

const run = promisify(execFile);
/** What test/vscode/run.ts tells of the cluster. */
const { kube, admin, nobody } = JSON.parse(process.env['TEST_CLUSTER'] ?? '{}') as Record<
  'kube' | 'admin' | 'nobody',
  string
>;

function kubectl(...args: readonly string[]): Promise<unknown> {
  return run(kube, ['kubectl', `--kubeconfig=${admin}`, ...args]);
}

describe('On a real cluster', () => {
  it('lists the Services that the API server has', async () => {
    const { connection, services } = await opened();
    assert.equal(connection.source?.kind, 'live');
    assert.equal(connection.source.state.kind, 'ready');
    const labels = (await rowsOf(services)).map(({ tree }) => tree.label);
    assert.ok(labels.includes('default'), labels.join());
    assert.ok(labels.includes('shop'), labels.join());
  });

  it("reads every node's rules by exec, and says what they do", async () => {
    const { connection, services, nodes } = await opened();
    await vscode.commands.executeCommand('serviceTraffic.capture');
    const source = connection.source!;
    for (const node of source.objects.nodes) assert.equal(source.rules(node.metadata.name).kind, 'captured');
    const rows = await rowsOf(services, await walk(services, 'shop', 'front', 'http', 'On the nodes'));
    assert.match(rows.map(({ text }) => text).join(), /^node-1, node-2 · 3 of 3$/);
    const [node] = await until('the nodes have been compared', async () => {
      const found = (await rowsOf(nodes)).map(({ text }) => text);
      return found[0]?.includes('ports right') ? found : undefined;
    });
    assert.match(node!, /^node-1 · (\d+) of \1 ports right · iptables \(nft\) · v1\.37\.2 · just now|s ago$/);
  });

  it('tells below a node when its kube-proxy last wrote the rules, and has a timeline of what was read', async () => {
    const { nodes } = await opened();
    const rows = await until('the timeline is there', async () => {
      const found = (await rowsOf(nodes, await walk(nodes, 'node-1'))).map(({ text }) => text);
      return found.some((text) => text.startsWith('Timeline')) ? found : undefined;
    });
    assert.ok(
      rows.some((text) => /^Last sync · \d\d:\d\d:\d\d · [\d.]+ s on average/.test(text)),
      rows.join('\n'),
    );
    const events = (await rowsOf(nodes, await walk(nodes, 'node-1', 'Timeline'))).map(({ text }) => text);
    assert.match(events[0]!, /^\d\d:\d\d:\d\d · read: /);
  });

  it('has a change of the cluster in the tree within a second', async () => {
    const { services } = await opened();
    await kubectl('create', 'service', 'clusterip', 'late', '--tcp=80:8080', '-n', 'shop');
    await until(
      'the new Service is in the tree',
      async () => (await rowsOf(services, await walk(services, 'shop'))).some(({ tree }) => tree.label === 'late'),
      1000,
    );
  });

  it('hovers with the live state', async () => {
    await opened();
    const content = 'kind: Service\nmetadata: {name: front, namespace: shop}\n';
    const document = await vscode.workspace.openTextDocument({ language: 'yaml', content });
    assert.match(
      await hoverText(document, new vscode.Position(0, 8)),
      /\*\*shop\/front\*\* in .*3 endpoints[\s\S]*node-1, node-2: 3 of 3/,
    );
  });

  it('follows the kubeconfig when its current context leads elsewhere', async () => {
    const { connection } = await opened();
    const before = connection.source;
    const { readFile } = await import('node:fs/promises');
    const text = await readFile(admin, 'utf8');
    try {
      await writeFile(admin, await readFile(nobody, 'utf8'));
      const state = await until('the user without rights is told so', () => {
        const { source } = connection;
        return source !== before && source?.state.kind !== 'connecting' ? viewStateOf(source) : undefined;
      });
      assert.equal(state, 'forbidden');
    } finally {
      await writeFile(admin, text);
    }
    await until('the cluster is back', () => viewStateOf(connection.source) === 'full');
  });

  it('shows a recording instead, and goes back to the cluster', async () => {
    const { connection } = await opened();
    await vscode.commands.executeCommand('serviceTraffic.openSample');
    assert.equal(connection.source?.name, 'shop');
    assert.equal(connection.source.kind, 'recording');
    assert.equal(path.basename(connection.source.location), 'shop');
    await vscode.commands.executeCommand('serviceTraffic.closeRecording');
    assert.equal(connection.source.kind, 'live');
  });
});

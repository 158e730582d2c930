import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { opened, rowsOf, until, walk } from './api.ts';

describe('The side bar', () => {
  it('lists namespaces, and below them Services with type, VIP, ports and endpoints', async () => {
    const { services } = await opened();
    const namespaces = (await rowsOf(services)).map(({ text }) => text);
    assert.deepEqual(namespaces, ['default · 1 Service', 'shop · 18 Services']);
    const rows = await rowsOf(services, await walk(services, 'shop'));
    const db = rows.find(({ tree }) => tree.label === 'db');
    assert.match(db?.text ?? '', /^db · ClusterIP 10\.96\.\d+\.\d+:5432 · 2 endpoints$/);
    const typo = rows.find(({ tree }) => tree.label === 'typo');
    assert.match(typo?.text ?? '', /^typo · no endpoints: nothing has app=frnt · ClusterIP/);
  });

  it('says on which node a Service is otherwise than the API says, once it knows', async () => {
    const { services } = await opened();
    const shop = await walk(services, 'shop');
    const text = await until('front is wrong on node-3', async () => {
      const front = (await rowsOf(services, shop)).find(({ tree }) => tree.label === 'front');
      return front?.text.includes('node-3') ? front.text : undefined;
    });
    assert.match(text, /^front · wrong on node-3 · 3 endpoints/);
  });

  it('shows the endpoints of a port, and the one that a node does not know', async () => {
    const { services } = await opened();
    const endpoints = await rowsOf(services, await walk(services, 'shop', 'front', 'http', 'Endpoints'));
    assert.equal(endpoints.length, 3);
    assert.match(endpoints[0]!.text, /^front-\S+ · 10\.244\.\d+\.\d+:8080 · node-1 zone-1 · ready$/);
    assert.equal(endpoints.filter(({ text }) => text.includes('unknown to node-3 · 10.244.2.')).length, 1);
  });

  it('shows what the nodes do, those alike in one row', async () => {
    const { services } = await opened();
    const nodes = (await rowsOf(services, await walk(services, 'shop', 'front', 'http', 'On the nodes'))).map(
      ({ text }) => text,
    );
    assert.equal(nodes.length, 2);
    assert.equal(nodes[0], 'node-1, node-2 · 3 of 3');
    assert.match(nodes[1]!, /^node-3 · 2 of 3, 1 stale: 10\.244\.1\.1 is cart-\S+ now$/);
    const typo = await rowsOf(services, await walk(services, 'shop', 'typo', '80', 'On the nodes'));
    assert.deepEqual(
      typo.map(({ text }) => text),
      ['node-1, node-2, node-3 · REJECT'],
    );
  });

  it('gives every row a label to be spoken and a Markdown tooltip', async () => {
    const { services, nodes } = await opened();
    const check = async <Row>(
      tree: vscode.TreeDataProvider<Row>,
      parent: Row | undefined,
      depth: number,
    ): Promise<number> => {
      let seen = 0;
      for (const { row, tree: item, text } of await rowsOf(tree, parent)) {
        seen++;
        assert.ok(item.accessibilityInformation?.label, `nothing to say for ${text}`);
        assert.ok(item.tooltip instanceof vscode.MarkdownString && item.tooltip.value, `no tooltip for ${text}`);
        assert.ok(item.id, `no identity for ${text}`);
        if (depth > 0 && item.collapsibleState !== vscode.TreeItemCollapsibleState.None)
          seen += await check(tree, row, depth - 1);
      }
      return seen;
    };
    assert.ok((await check(services, undefined, 4)) > 150);
    assert.ok((await check(nodes, undefined, 1)) > 15);
  });

  it('lists the nodes with mode, versions and how many ports are right', async () => {
    const { nodes } = await opened();
    await until(
      'node-3 has been compared',
      async () => (await rowsOf(nodes)).some(({ text }) => /of \d+ ports/.test(text)) || undefined,
    );
    const [first, , third] = (await rowsOf(nodes)).map(({ text }) => text);
    assert.match(first!, /^node-1 · (\d+) of \1 ports right · iptables \(nft\) · v1\.37\.2 · 2026-11-\d\d/);
    assert.match(third!, /^node-3 · \d+ of \d+ ports right · iptables \(nft\)/);
  });

  it('filters by every word, and sorts by trouble', async () => {
    const { services } = await opened();
    try {
      services.filter = 'shop LoadBalancer';
      assert.deepEqual(
        (await rowsOf(services, await walk(services, 'shop'))).map(({ tree }) => tree.label),
        ['public', 'public-local'],
      );
      services.filter = 'nothing has such a name';
      assert.deepEqual(await rowsOf(services), []);
      services.filter = '';
      services.order = 'trouble';
      const labels = (await rowsOf(services, await walk(services, 'shop'))).map(({ tree }) => tree.label as string);
      assert.ok(labels.indexOf('front') < labels.indexOf('typo'), labels.join());
      assert.ok(labels.indexOf('typo') < labels.indexOf('db'), labels.join());
      assert.deepEqual(labels.slice(-2), ['front-headless', 'partner']);
    } finally {
      services.filter = '';
      services.order = 'name';
    }
  });

  it('finds a row for a link', async () => {
    await opened();
    await vscode.commands.executeCommand('serviceTraffic.revealInTree', 'shop/front', '80/TCP');
  });
});

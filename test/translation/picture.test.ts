import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ALL_NODES, paint } from '../../src/translation/paint.ts';
import type { Selection } from '../../src/translation/picture.ts';
import { asMarkdown, twinOf } from '../../src/translation/twin.ts';
import { sceneOf } from './scene.ts';

const scene = await sceneOf('1.37-iptables-stale-node');

function nodePicture(selection: Selection) {
  const picture = paint(scene, selection);
  assert.equal(picture.body.kind, 'node');
  return { picture, body: picture.body };
}

describe('The picture', () => {
  test('shows the node where something is wrong, where none was asked for', () => {
    const { picture } = nodePicture({ service: 'shop/front' });
    assert.equal(picture.selection.node, 'node-3');
    assert.equal(picture.address, '10.96.76.241:80/TCP');
    assert.equal(picture.about, 'iptables (nft) · kube-proxy 1.37.2');
  });

  test('says in a sentence what is wrong and what it does', () => {
    const { finding } = paint(scene, { service: 'shop/front' });
    assert.equal(finding?.title, 'Drift on node-3.');
    assert.equal(
      finding.text,
      'A third of the connections go to 10.244.1.1, which is no endpoint of shop/front: cart-858f4fdc45-lgsrf has that address now. front-86f8476988-mmb8r is ready and gets nothing from there.',
    );
    assert.equal(paint(scene, { service: 'shop/front', node: 'node-1' }).finding, undefined);
    assert.equal(paint(scene, { service: 'shop/typo' }).finding?.title, 'No endpoints.');
  });

  test('calls pending what came after the reading or may still be written, and offers to read again', () => {
    const found = (age: number) =>
      paint({ ...scene, pending: () => ({ age, due: 3100 }) }, { service: 'shop/front', node: 'node-3' }).finding;
    assert.equal(found(0)?.title, 'Pending on node-3.');
    assert.equal(found(0)?.severity, 'info');
    assert.match(
      found(0)?.text ?? '',
      /^The rules were read before the newest change of shop\/front\. By these rules: A third/,
    );
    assert.match(found(1200)?.text ?? '', /changed 1\.2 s before the rules were read, and kube-proxy may take 3\.1 s/);
    assert.deepEqual(found(0)?.actions[0], { action: 'capture', label: 'Read again', argument: 'node-3' });
  });

  test('calls a node pending among all nodes as well, and shows one that is late before it', () => {
    const pending = () => ({ age: 0, due: 3100 });
    const { body } = paint({ ...scene, pending }, { service: 'shop/front', node: ALL_NODES });
    assert.ok(body.kind === 'nodes');
    const row = body.rows.find(({ nodes }) => nodes.includes('node-3'));
    assert.deepEqual(row?.verdict, { mark: 'unknown', words: 'pending: 1 stale, 1 missing' });

    const late = scene.nodes.find(({ name }) => name === 'node-3')!;
    const nodes = scene.nodes.map((node) => (node.name === 'node-1' ? { ...late, name: 'node-1' } : node));
    const shown = (waits: readonly string[]) => {
      const some = {
        ...scene,
        nodes,
        pending: (_: unknown, node: string) => (waits.includes(node) ? pending() : undefined),
      };
      return paint(some, { service: 'shop/front' }).selection.node;
    };
    assert.deepEqual([shown([]), shown(['node-1']), shown(['node-1', 'node-3'])], ['node-1', 'node-3', 'node-1']);
  });

  test('accuses a node that is late for what it is, and none that is in time, whichever comes first', () => {
    const late = scene.nodes.find(({ name }) => name === 'node-3')!;
    assert.ok(late.kind === 'read');
    const pending = (_: unknown, node: string) => (node === 'node-1' ? { age: 0, due: 3100 } : undefined);
    const dropping: typeof late = {
      ...late,
      trace: (packet) => late.trace(packet).map((one) => ({ ...one, verdict: 'drop' })),
    };
    for (const first of [late, dropping]) {
      const nodes = scene.nodes.map((node) => (node.name === 'node-1' ? { ...first, name: 'node-1' } : node));
      const { finding } = paint({ ...scene, nodes, pending }, { service: 'shop/front', node: ALL_NODES });
      assert.equal(finding?.title, 'Drift on node-3.');
    }
  });

  test('says of a wrong node that its kube-proxy does not run, where the API knows that', () => {
    const pods = scene.objects.pods.map((pod) =>
      pod.spec?.nodeName === 'node-3' && pod.metadata.labels?.['k8s-app'] === 'kube-proxy'
        ? { ...pod, status: { ...pod.status, phase: 'Failed', reason: 'Evicted', conditions: [] } }
        : pod,
    );
    const { finding } = paint({ ...scene, objects: { ...scene.objects, pods } }, { service: 'shop/front' });
    assert.match(finding?.text ?? '', /kube-proxy is not running on node-3 \(kube-proxy-khhqd: /);
  });

  test('survives JSON unchanged', () => {
    for (const node of ['node-3', ALL_NODES]) {
      const picture = paint(scene, { service: 'shop/front', node });
      assert.deepEqual(JSON.parse(JSON.stringify(picture)), picture);
    }
  });

  test('is the same text for the same cluster', async () => {
    const again = await sceneOf('1.37-iptables-stale-node');
    for (const selection of [{ service: 'shop/front' }, { service: 'shop/public', node: ALL_NODES }])
      assert.equal(JSON.stringify(paint(again, selection)), JSON.stringify(paint(scene, selection)));
  });

  test('has what gets packets first, and what gets none last, with the reason', () => {
    const { body } = nodePicture({ service: 'shop/front' });
    assert.deepEqual(
      body.ends.map(({ title, shareWords, mark, note }) => [title, shareWords, mark, note]),
      [
        ['front-86f8476988-92hnx', '33.3 %', 'good', 'node-1 · zone-1 · ready'],
        ['cart-858f4fdc45-lgsrf', '33.3 %', 'wrong', 'no endpoint of shop/front'],
        ['front-86f8476988-5mjmj', '33.3 %', 'good', 'node-3 · zone-2 · ready'],
        ['front-86f8476988-mmb8r', '0 %', 'missing', 'ready, but not in its rules'],
      ],
    );
  });

  test('lists the rules behind a stream with their lines, without the jumps that every packet takes', () => {
    const { body } = nodePicture({ service: 'shop/front' });
    const wrong = body.streams.find((stream) => stream.mark === 'wrong')!;
    assert.deepEqual(
      wrong.rules.map((place) => [body.ruleLines[place]!.line, body.ruleLines[place]!.text]),
      [
        [235, '-A KUBE-SERVICES -d 10.96.76.241/32 -p tcp --dport 80 -j KUBE-SVC-LQHX3O73FPKHOFRJ'],
        [
          290,
          '-A KUBE-SVC-LQHX3O73FPKHOFRJ -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-6NNU4JXAO734GDDK',
        ],
        [159, '-A KUBE-SEP-6NNU4JXAO734GDDK -p tcp -j DNAT --to-destination 10.244.1.1:8080'],
      ],
    );
  });

  test('says what becomes of the source', () => {
    assert.equal(nodePicture({ service: 'shop/front', node: 'node-1' }).body.rules.note, 'the source is kept');
    const outside = nodePicture({ service: 'shop/front', node: 'node-1', client: 'node' });
    assert.match(outside.body.rules.note ?? '', /^masquerade: the source becomes /);
    assert.ok(outside.body.streams.every((stream) => stream.masquerade));
  });

  test('says how long a client keeps its pod, where the Service has session affinity', () => {
    const { body } = nodePicture({ service: 'shop/cart', node: 'node-1' });
    assert.equal(body.rules.note, 'the source is kept; a client keeps its pod for 600 s');
  });

  test('of all nodes has one row for those that are alike', () => {
    const picture = paint(scene, { service: 'shop/front', node: ALL_NODES });
    assert.equal(picture.body.kind, 'nodes');
    assert.deepEqual(
      picture.body.rows.map(({ title, segments, verdict }) => [
        title,
        segments.map(({ label }) => label),
        verdict.words,
      ]),
      [
        ['node-1, node-2', ['front-…92hnx', 'front-…5mjmj', 'front-…mmb8r'], 'as expected'],
        ['node-3', ['front-…92hnx', '10.244.1.1 · now cart-…lgsrf', 'front-…5mjmj'], '1 stale, 1 missing'],
      ],
    );
  });

  test('of a Service that is gone, or that no rules are written for, says so', () => {
    const why = (service: string) => {
      const { body } = paint(scene, { service });
      return body.kind === 'nothing' ? body.why : undefined;
    };
    assert.equal(why('shop/none'), 'There is no Service shop/none in this cluster.');
    assert.match(why('shop/front-headless') ?? '', /headless/);
  });

  test('of a node that was not read offers to read it', () => {
    const unread = { ...scene, nodes: [{ kind: 'unread' as const, name: 'node-1', why: 'not read yet' }] };
    assert.deepEqual(paint(unread, { service: 'shop/front' }).body, {
      kind: 'nothing',
      why: 'The rules of node-1: not read yet.',
      capture: 'node-1',
    });
  });
});

test('the twin of the picture is a table that says the same', () => {
  const picture = paint(scene, { service: 'shop/front' });
  const twin = twinOf(picture);
  assert.equal(
    asMarkdown(twin, undefined),
    `**shop/front, Cluster IP :80 http, from a pod on the node**

| Goes to | Address | Share | Source | State | Rules |
| --- | --- | --- | --- | --- | --- |
| front-86f8476988-92hnx | \`10.244.0.1:8080\` | 33.3 % | kept | node-1 · zone-1 · ready | 235, 289, 153 |
| cart-858f4fdc45-lgsrf | \`10.244.1.1:8080\` | 33.3 % | kept | no endpoint of shop/front | 235, 290, 159 |
| front-86f8476988-5mjmj | \`10.244.2.1:8080\` | 33.3 % | kept | node-3 · zone-2 · ready | 235, 291, 183 |
| front-86f8476988-mmb8r | \`10.244.2.4:8080\` | 0 % |  | ready, but not in its rules |  |
`,
  );
  const nodes = twinOf(paint(scene, { service: 'shop/front', node: ALL_NODES }));
  assert.equal(nodes.rows.length, 6);
});

test('Markdown keeps what would break its table', () => {
  const text = asMarkdown({ caption: 'c', head: ['a'], rows: [[{ text: 'x | y\nz' }]] }, 'Drift.');
  assert.match(text, /\| x \\\| y z \|/);
  assert.match(text, /\nDrift\.\n/);
});

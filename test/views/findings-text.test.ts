import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { openRecording } from '../../src/kubernetes/snapshot/open.ts';
import type { ClusterSource } from '../../src/kubernetes/source.ts';
import { findingsIn } from '../../src/views/findings-in.ts';
import { findingsText, type FindingsText } from '../../src/views/findings-text.ts';

async function told(recording: string, change: (source: ClusterSource) => ClusterSource = (source) => source) {
  const source = change(await openRecording(path.join(import.meta.dirname, '../recordings', recording)));
  return findingsText(source, await findingsIn(source));
}

/** What the links are written on, with what they do. */
function linked({ text, links }: FindingsText): readonly string[] {
  const lines = text.split('\n');
  return links.map(
    ({ line, start, end, command, argument }) =>
      `${lines[line]!.slice(start, end)} → ${command} ${JSON.stringify(argument)}`,
  );
}

test('What is wrong comes first, each with why, what to do and where to look', async () => {
  const page = await told('1.37-iptables-stale-node');
  const { text } = page;
  assert.match(
    text,
    /^1\.37-iptables-stale-node: 16 errors · 0 warnings · 0 notes · 3 of 3 nodes read\n\nErrors\n\nST101 /,
  );
  assert.ok(
    text.includes(
      [
        'ST101  shop/typo',
        '       shop/typo has no endpoints: no pod in shop has app=frnt; 3 pods have app=front.',
        '       → Change app=frnt to app=front in the selector of shop/typo, or label the pods.',
        '       Diagram · YAML',
      ].join('\n'),
    ),
    text,
  );
  const front = text.slice(text.indexOf('ST301  shop/front http'));
  assert.match(front, /^ST301 {2}shop\/front http · node-3\n {7}shop\/front:http on node-3: from node-3, a third of/);
  assert.match(front, /\n {7}\+ nat: -A KUBE-SVC-LQHX3O73FPKHOFRJ .*\n/);
  const links = linked(page);
  for (const link of [
    'shop/typo → revealInTree {"service":"shop/typo"}',
    'Diagram → showDiagram {"service":"shop/typo"}',
    'YAML → openYaml {"service":"shop/typo"}',
    'node-3 → revealInTree {"node":"node-3"}',
    'Diagram → showDiagram {"service":"shop/front","node":"node-3"}',
    'Expected and actual rules → compareRules {"service":"shop/front","node":"node-3"}',
  ])
    assert.ok(links.includes(link), link);
});

test('A rule that is too much leads to its own line, a rule that is missing to its chain', async () => {
  const source = await openRecording(path.join(import.meta.dirname, '../recordings/1.37-iptables-stale-node'));
  const page = findingsText(source, await findingsIn(source));
  const rules = source.rules('node-3');
  assert.ok(rules.kind === 'captured');
  const dump = rules.capture.dumps.find(({ name }) => name === 'iptables-save.txt')!.text.split('\n');
  const lines = page.text.split('\n');
  let seen = 0;
  for (const { line, argument } of page.links.filter(({ command }) => command === 'openRuleAt')) {
    const at = dump[(argument as { line: number }).line - 1]!;
    const chain = /-A (\S+)/.exec(lines[line]!)![1]!;
    assert.ok(
      at.startsWith(lines[line]!.trim().startsWith('-') ? `-A ${chain} ` : `:${chain} `),
      `${lines[line]}: ${at}`,
    );
    seen++;
  }
  assert.ok(seen > 20, `${seen} rules with a line`);
});

test('An nftables rule leads to its chain in the text listing, wherever it was compared', async () => {
  const source = await openRecording(path.join(import.meta.dirname, '../recordings/1.35-nftables'));
  const changed = new Set<unknown>();
  const endpointSlices = source.objects.endpointSlices.map((slice) => {
    if (!slice.metadata.name.startsWith('front-') || changed.size > 0) return slice;
    const other = { ...slice, endpoints: slice.endpoints!.slice(1) };
    changed.add(other);
    return other;
  });
  assert.equal(changed.size, 1);
  const now = {
    ...source,
    kind: source.kind,
    objects: { ...source.objects, endpointSlices },
    rules: source.rules.bind(source),
  };
  const page = findingsText(now, await findingsIn(now));
  const rules = source.rules('node-1');
  assert.ok(rules.kind === 'captured');
  const dump = rules.capture.dumps.find(({ name }) => name === 'nft.txt')!.text.split('\n');
  const opened = page.links
    .filter(({ command, argument }) => command === 'openRuleAt' && (argument as { node: string }).node === 'node-1')
    .map(({ line, start, end, argument }) => [
      page.text.split('\n')[line]!.slice(start, end),
      dump[(argument as { line: number }).line - 1]!.trim(),
    ]);
  assert.ok(opened.length > 0, page.text);
  for (const [words, line] of opened) assert.equal(line, `chain ${words!.replace(/^ip6? kube-proxy /, '')} {`);
});

test('What is the same on several nodes is told once', async () => {
  const { text } = await told('1.37-nftables');
  assert.match(
    text,
    /\nST207 {2}node-1, node-2, node-3\n {7}node-1 still holds .*\n {7}The same on node-2, node-3\.\n/,
  );
  assert.equal(text.match(/^ST207/gm)?.length, 1);
});

test('Nodes that were not read are told, and a live cluster offers to read them', async () => {
  const page = await told('1.37-iptables-nft', (source) => ({
    ...source,
    kind: 'live',
    objects: source.objects,
    rules: (node) => (node === 'node-1' ? source.rules(node) : { kind: 'none' }),
  }));
  assert.match(page.text, /1 of 3 nodes read\n\nRead the rules of all nodes\n/);
  assert.match(page.text, /\nNotes\n\nST203 {2}node-2, node-3\n {7}The rules of node-2 have not been read\.\n/);
  assert.ok(linked(page).includes('Read the rules of all nodes → capture undefined'));
});

test('Nothing wrong is said as such', async () => {
  const source = await openRecording(path.join(import.meta.dirname, '../recordings/1.37-iptables-nft'));
  assert.match(
    findingsText(source, []).text,
    /^1\.37-iptables-nft: 0 errors .*\n\nNothing is wrong, as far as was read\.\n$/,
  );
});

import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { zipSync } from 'fflate';
import { memoryFiles } from './memory-files.ts';
import { openRecording } from '../../src/kubernetes/snapshot/open.ts';
import { openRecordingFiles } from '../../src/kubernetes/snapshot/recording.ts';
import type { ClusterSource, Problem } from '../../src/kubernetes/source.ts';

const RECORDINGS = path.join(import.meta.dirname, '../recordings');
const STALE = path.join(RECORDINGS, '1.37-iptables-stale-node');

function problemsOf(source: ClusterSource): { resource: string; problem: Problem }[] {
  return source.state.kind === 'ready' ? [...source.state.missing] : [];
}

function memory(files: Record<string, string | Uint8Array>): Promise<ClusterSource> {
  const bytes = new Map(
    Object.entries(files).map(([name, text]) => [
      name,
      typeof text === 'string' ? new TextEncoder().encode(text) : text,
    ]),
  );
  return openRecordingFiles(memoryFiles(bytes), 'made', 'made here');
}

const SERVICE = '{"kind":"Service","metadata":{"name":"a","namespace":"n"},"spec":{"clusterIP":"10.96.0.9"}}';

describe('every recording of ours', async () => {
  for (const name of await readdir(RECORDINGS))
    it(`${name} opens without a problem`, async () => {
      const source = await openRecording(path.join(RECORDINGS, name));
      assert.deepEqual(source.state, { kind: 'ready', missing: [] });
      assert.equal(source.kind, 'recording');
      assert.equal(source.name, name);
      assert.ok(source.objects.services.length >= 19);
      assert.ok(source.objects.endpointSlices.length > 15);
      assert.ok(source.objects.pods.length >= 10);
      assert.equal(source.objects.kubeProxyConfig?.metadata.name, 'kube-proxy');
      assert.match(source.objects.serverVersion ?? '', /^v1\.\d+\.\d+$/);
      assert.deepEqual(source.objects.nodes.map((node) => node.metadata.name).sort(), ['node-1', 'node-2', 'node-3']);
      for (const node of source.objects.nodes) {
        const rules = source.rules(node.metadata.name);
        assert.equal(rules.kind, 'captured');
        if (rules.kind !== 'captured') continue;
        assert.deepEqual(rules.capture.problems, []);
        assert.ok(
          rules.capture.dumps.every((dump) => dump.complete && dump.from.startsWith(`nodes/${rules.capture.node}/`)),
        );
        assert.equal(new Date(rules.capture.at).getUTCFullYear(), 2026);
      }
      source.dispose();
    });
});

describe('a recording', () => {
  it('was captured when iptables-save says so, whatever the date of the files', async () => {
    const source = await openRecording(STALE);
    const rules = source.rules('node-1');
    assert.ok(rules.kind === 'captured');
    assert.equal(new Date(rules.capture.at).toISOString(), '2026-11-23T17:03:25.000Z');
  });

  it('keeps the fields that we look at and leaves out the rest', async () => {
    const source = await openRecording(STALE);
    const front = source.objects.services.find((service) => service.metadata.name === 'front')!;
    assert.deepEqual(front.spec.selector, { app: 'front' });
    assert.deepEqual(
      front.spec.ports?.map((port) => port.targetPort),
      ['http', 'https'],
    );
    assert.ok(!('managedFields' in front.metadata));
    assert.equal(front.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'], undefined);
  });

  it('is the same from a zip, in a folder of the zip, and from memory', async () => {
    const folder = await openRecording(STALE);
    const files = new Map<string, Uint8Array>();
    for (const entry of await readdir(STALE, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) {
        const full = path.join(entry.parentPath, entry.name);
        files.set(path.relative(STALE, full).split(path.sep).join('/'), await readFile(full));
      }
    const temporary = await mkdtemp(path.join(os.tmpdir(), 'recording-'));
    after(() => rm(temporary, { recursive: true }));
    const zip = path.join(temporary, 'stale.zip');
    await writeFile(zip, zipSync(Object.fromEntries([...files].map(([name, bytes]) => [`some/where/${name}`, bytes]))));
    const fromZip = await openRecording(zip);
    const fromMemory = await openRecordingFiles(memoryFiles(files), 'memory', 'memory');
    assert.equal(fromZip.name, 'stale');
    for (const other of [fromZip, fromMemory]) {
      assert.deepEqual(other.objects, folder.objects);
      assert.deepEqual(other.state, folder.state);
      for (const node of ['node-1', 'node-2', 'node-3']) assert.deepEqual(other.rules(node), folder.rules(node));
    }
  });

  it('may be a plain array, or one List with several kinds, in UTF-16 with a byte order mark', async () => {
    const array = await memory({ 'objects/services.json': `[${SERVICE}]` });
    const text = `{"kind":"List","items":[${SERVICE},{"kind":"Namespace","metadata":{"name":"n"}},{"kind":"Deployment","metadata":{"name":"d"}}]}`;
    const mixed = await memory({ 'objects/all.json': Buffer.from(`\ufeff${text}`, 'utf16le') });
    assert.deepEqual(array.objects.services, mixed.objects.services);
    assert.equal(array.objects.services[0]?.spec.clusterIP, '10.96.0.9');
    assert.deepEqual(mixed.objects.namespaces, [{ metadata: { name: 'n' } }]);
  });

  it('may lack kinds: each is named with what is lost and how to add it', async () => {
    const source = await memory({ 'objects/services.json': `[${SERVICE}]` });
    assert.deepEqual(
      problemsOf(source)
        .map((each) => each.resource)
        .sort(),
      ['endpointslices', 'nodes', 'pods'],
    );
    assert.match(problemsOf(source)[0]!.problem.advice, /kubectl get \w+ -A -o json > objects\/\w+\.json/);
  });

  it('of rules alone shows the nodes that they are of', async () => {
    const rules = await readFile(path.join(STALE, 'nodes/node-3/iptables-save.txt'), 'utf8');
    const source = await memory({ 'nodes/node-3/iptables-save.txt': rules });
    assert.deepEqual(source.objects.nodes, [{ metadata: { name: 'node-3' } }]);
    assert.equal(source.rules('node-3').kind, 'captured');
    assert.ok(problemsOf(source).some(({ resource }) => resource === 'nodes'));
  });

  it('with a file that is cut off says where, and shows the objects before that', async () => {
    const text = `{"items": [\n${SERVICE},\n${SERVICE.replace('"a"', '"b"')},\n{"kind": "Service", "metadata": {"na`;
    const source = await memory({ 'objects/services.json': text });
    assert.deepEqual(
      source.objects.services.map((service) => service.metadata.name),
      ['a', 'b'],
    );
    const { problem } = problemsOf(source).find((each) => each.resource === 'services')!;
    assert.equal(problem.code, 'bad-recording');
    assert.equal(problem.message, 'objects/services.json, line 4, column 37: expected a quote that ends the string');
    assert.match(problem.advice, /The 2 objects before it are shown/);
  });

  it('with a field of the wrong type names the field and its line, and shows the others', async () => {
    const text = `[${SERVICE},\n{"kind":"Service","metadata":{"name":"b"},\n"spec":{"ports":[{"port":"80"}],\n"selector":{"app":1}}},\n{"kind":"Service","metadata":{}}]`;
    const source = await memory({ 'objects/services.json': text });
    assert.deepEqual(
      source.objects.services.map((service) => service.metadata.name),
      ['a', 'b'],
    );
    assert.deepEqual(
      problemsOf(source)
        .filter((each) => each.resource === 'services')
        .map((each) => each.problem.message),
      [
        'objects/services.json, line 4, column 19: expected a string at Service.spec.selector.app',
        'objects/services.json, line 3, column 26: expected a number at Service.spec.ports[0].port',
        'objects/services.json, line 5, column 30: expected the field name at Service.metadata.name',
      ],
    );
  });

  it('with a cut-off dump says which and keeps it', async () => {
    const save = await readFile(path.join(STALE, 'nodes/node-1/iptables-save.txt'), 'utf8');
    const cut = save.slice(0, save.lastIndexOf('COMMIT'));
    const source = await memory({
      'nodes/n/iptables-save.txt': cut,
      'nodes/n/nft.json': '{"nftables": [{"metainfo": {}}',
      'nodes/n/README': 'not a dump',
    });
    const rules = source.rules('n');
    assert.ok(rules.kind === 'captured');
    assert.deepEqual(
      rules.capture.dumps.map((dump) => [dump.name, dump.complete]),
      [
        ['iptables-save.txt', false],
        ['nft.json', false],
      ],
    );
    assert.deepEqual(
      rules.capture.problems.map((problem) => problem.code),
      ['truncated', 'truncated'],
    );
  });

  it('that is big has each node’s rules read when they are asked for', async () => {
    const save = await readFile(path.join(STALE, 'nodes/node-1/iptables-save.txt'));
    const files = memoryFiles(new Map([['nodes/n/iptables-save.txt', save]]));
    const source = await openRecordingFiles(files, 'big', 'big', 0, save.length - 1);
    assert.deepEqual(source.rules('n'), { kind: 'none' });
    await source.capture(['n']);
    assert.equal(source.rules('n').kind, 'captured');
  });

  it('knows no rules of a node without a folder, and says so when asked for them', async () => {
    const source = await memory({ 'objects/services.json': '[]' });
    assert.deepEqual(source.rules('node-9'), { kind: 'none' });
    const changed = new Promise((resolve) => source.onDidChange(resolve));
    await source.capture(['node-9']);
    const rules = source.rules('node-9');
    assert.ok(rules.kind === 'failed');
    assert.match(rules.problem.message, /nodes\/node-9/);
    assert.deepEqual(await changed, { objects: [], nodes: ['node-9'] });
  });

  for (const [what, make] of [
    ['a path that is not there', async () => path.join(RECORDINGS, 'no-such')],
    ['a folder without objects and nodes', async () => import.meta.dirname],
    ['a file that is no zip', async () => import.meta.filename],
  ] as const)
    it(`is refused with a reason and an advice where it is ${what}`, async () => {
      const location = await make();
      const source = await openRecording(location);
      assert.ok(source.state.kind === 'failed');
      assert.equal(source.state.problem.code, 'bad-recording');
      assert.ok(source.state.problem.message.includes(location));
      assert.match(source.state.problem.advice, /folder/);
      assert.deepEqual(source.objects.services, []);
    });
});

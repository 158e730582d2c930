import assert from 'node:assert/strict';
import { mkdtemp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { openRecording } from '../../src/kubernetes/snapshot/open.ts';
import { writeRecording } from '../../src/kubernetes/snapshot/write.ts';
import type { ClusterSource, NodeRules } from '../../src/kubernetes/source.ts';

const RECORDINGS = path.join(import.meta.dirname, '../recordings');
const temporary = await mkdtemp(path.join(os.tmpdir(), 'recording-'));
after(() => rm(temporary, { recursive: true }));

/** What a view can see of a source, apart from its name. */
function seen(source: ClusterSource): unknown {
  const nodes = source.objects.nodes.map((node) => node.metadata.name);
  return { state: source.state, objects: source.objects, rules: nodes.map((node) => source.rules(node)) };
}

function withRules(source: ClusterSource, node: string, rules: NodeRules): ClusterSource {
  return {
    ...source,
    name: source.name,
    state: source.state,
    objects: source.objects,
    onDidChange: (listener) => source.onDidChange(listener),
    capture: (nodes) => source.capture(nodes),
    dispose: () => source.dispose(),
    rules: (name) => (name === node ? rules : source.rules(name)),
  };
}

describe('a written recording', () => {
  for (const name of [
    '1.37-iptables-stale-node',
    '1.37-iptables-both-backends',
    '1.20-iptables-legacy',
    '1.29-nftables',
  ])
    for (const form of ['folder', 'out.zip'])
      it(`of ${name} shows the same when it is opened again (${form})`, async () => {
        const source = await openRecording(path.join(RECORDINGS, name));
        const target = path.join(temporary, name, form);
        assert.equal(await writeRecording(source, target), undefined);
        assert.deepEqual(seen(await openRecording(target)), seen(source));
      });

  it('keeps which pod was executed in, what went wrong there and what failed later', async () => {
    const source = await openRecording(path.join(RECORDINGS, '1.37-iptables-nft'));
    const problem = { code: 'exec-failed', message: 'It failed.', advice: 'Try again.', detail: 'EOF' } as const;
    const before = source.rules('node-2');
    assert.ok(before.kind === 'captured');
    const earlier = { ...before.capture, pod: 'kube-system/kube-proxy-x', problems: [problem], at: 1_763_900_000_123 };
    const rules: NodeRules = { kind: 'failed', problem, at: 1_763_900_001_000, earlier };
    const target = path.join(temporary, 'failed');
    assert.equal(await writeRecording(withRules(source, 'node-2', rules), target), undefined);
    assert.deepEqual((await openRecording(target)).rules('node-2'), rules);
  });

  it('says of a kind that could not be read what its source said', async () => {
    const source = await openRecording(path.join(RECORDINGS, '1.37-iptables-nft'));
    const problem = { code: 'forbidden', message: 'You may not list pods', advice: 'Ask for it.' } as const;
    const target = path.join(temporary, 'viewer');
    const viewer = {
      ...withRules(source, '', { kind: 'none' }),
      state: { kind: 'ready', missing: [{ resource: 'pods', problem }] } as const,
      objects: { ...source.objects, pods: [] },
    };
    assert.equal(await writeRecording(viewer, target), undefined);
    const reopened = await openRecording(target);
    assert.deepEqual(reopened.state, viewer.state);
    assert.deepEqual(reopened.objects, viewer.objects);
    assert.equal(await writeRecording(reopened, target), undefined, 'it is a recording still');
  });

  it('has the rules of nodes that are known by their pods alone', async () => {
    const source = await openRecording(path.join(RECORDINGS, '1.37-iptables-nft'));
    const target = path.join(temporary, 'nodeless');
    const nodeless = { ...withRules(source, '', { kind: 'none' }), objects: { ...source.objects, nodes: [] } };
    assert.equal(await writeRecording(nodeless, target), undefined);
    assert.deepEqual((await openRecording(target)).rules('node-2'), source.rules('node-2'));
  });

  it('replaces an older recording, and nothing else', async () => {
    const source = await openRecording(path.join(RECORDINGS, '1.37-iptables-nft'));
    const target = path.join(temporary, 'twice');
    await writeRecording(await openRecording(path.join(RECORDINGS, '1.37-iptables-both-backends')), target);
    assert.equal(await writeRecording(source, target), undefined);
    assert.deepEqual(seen(await openRecording(target)), seen(source));

    const home = path.join(temporary, 'home');
    await mkdir(home);
    await writeFile(path.join(home, 'thesis.txt'), 'years of work');
    const problem = await writeRecording(source, home);
    assert.match(problem!.message, /nothing was written/);
    assert.deepEqual(await readdir(home), ['thesis.txt']);
  });

  it('that cannot be written says so and leaves nothing behind', async () => {
    const source = await openRecording(path.join(RECORDINGS, '1.37-iptables-nft'));
    const file = path.join(temporary, 'a-file');
    await writeFile(file, '');
    const problem = await writeRecording(source, path.join(file, 'below'));
    assert.match(problem!.message, /could not be written/);
    assert.ok(!(await readdir(temporary)).some((name) => name.endsWith('.part')));
  });
});

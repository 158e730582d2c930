import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import {
  kubeconfigFiles,
  readKubeconfig,
  type ActiveContext,
  type Kubeconfig,
} from '../../src/kubernetes/live/kubeconfig.ts';
import { openLiveCluster } from '../../src/kubernetes/live/open.ts';
import { watchKubeconfig } from '../../src/kubernetes/live/watch-kubeconfig.ts';
import type { Problem } from '../../src/kubernetes/source.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'kubeconfig-'));
after(() => rm(folder, { recursive: true }));
const environment = { ...process.env };
beforeEach(() => {
  delete process.env['KUBECONFIG'];
  process.env['HOME'] = path.join(folder, 'home');
});
after(() => Object.assign(process.env, environment));

async function file(name: string, text: string): Promise<string> {
  const full = path.join(folder, name);
  await mkdir(path.dirname(full), { recursive: true });
  await writeFile(full, text);
  return full;
}

const config = (current: string, server = 'https://one:6443'): string => `
apiVersion: v1
kind: Config
current-context: ${current}
clusters: [{name: c, cluster: {server: "${server}", certificate-authority: ca.crt}}]
users: [{name: u, user: {token: secret}}]
contexts:
- {name: one, context: {cluster: c, user: u, namespace: shop}}
- {name: two, context: {cluster: c, user: u}}
- {name: no-cluster, context: {cluster: gone, user: u}}
- {name: no-user, context: {cluster: c, user: gone}}
`;

async function active(options: Parameters<typeof readKubeconfig>[0]): Promise<ActiveContext> {
  const kubeconfig = await readKubeconfig(options);
  assert.ok(kubeconfig.kind === 'read', JSON.stringify(kubeconfig));
  return kubeconfig.active;
}

async function problem(options: Parameters<typeof readKubeconfig>[0]): Promise<Problem> {
  const kubeconfig = await readKubeconfig(options);
  assert.ok(kubeconfig.kind === 'problem', JSON.stringify(kubeconfig));
  return kubeconfig.problem;
}

describe('the kubeconfig', () => {
  it('is the named file before KUBECONFIG, and that before the one at home', async () => {
    const home = await file('home/.kube/config', config('two'));
    const other = await file('other', config('one'));
    const third = await file('third', config('one', 'https://third'));
    assert.deepEqual(kubeconfigFiles({}), [home]);
    assert.equal((await active({})).name, 'two');
    process.env['KUBECONFIG'] = other;
    assert.equal((await active({})).name, 'one');
    assert.equal((await active({ kubeconfig: third })).cluster.value['server'], 'https://third');
    assert.deepEqual(kubeconfigFiles({ kubeconfig: '~/.kube/config' }), [home]);
  });

  it('is merged from several files: the first that names something wins, and absent files are passed over', async () => {
    const first = await file('a/first', 'current-context: two\n');
    const second = await file('b/second', config('one', 'https://second'));
    const third = await file('c/third', config('one', 'https://third').replace('name: two', 'name: three'));
    process.env['KUBECONFIG'] = [first, path.join(folder, 'absent'), second, third].join(path.delimiter);
    const kubeconfig = await readKubeconfig({});
    assert.ok(kubeconfig.kind === 'read');
    assert.equal(kubeconfig.active.name, 'two');
    assert.equal(kubeconfig.active.cluster.value['server'], 'https://second');
    assert.equal(kubeconfig.active.cluster.folder, path.join(folder, 'b'));
    assert.deepEqual(kubeconfig.contexts, ['one', 'two', 'no-cluster', 'no-user', 'three']);
    assert.deepEqual(kubeconfig.files, [first, second, third]);
  });

  it('may be asked for another context than the current one', async () => {
    const found = await active({ kubeconfig: await file('x', config('one')), context: 'two' });
    assert.deepEqual([found.name, found.namespace], ['two', undefined]);
  });

  it('that is nowhere is a problem with the places that were looked at', async () => {
    process.env['HOME'] = path.join(folder, 'nobody');
    const found = await problem({});
    assert.equal(found.code, 'no-kubeconfig');
    assert.ok(found.message.includes(path.join(folder, 'nobody/.kube/config')));
    assert.match(found.advice, /serviceTraffic\.kubeconfig/);
  });

  for (const [what, text, code, message] of [
    ['is no YAML', 'clusters: [\n  {name: "c', 'bad-kubeconfig', /bad, line \d+, column \d+: /],
    ['is no object', '- a\n- b\n', 'bad-kubeconfig', /expected a kubeconfig/],
    [
      'has a cluster without a name',
      'clusters:\n- name: c\n- cluster: {}\n',
      'bad-kubeconfig',
      /line 3: expected a name in clusters\[1\]/,
    ],
    ['has a list that is none', 'contexts: 7', 'bad-kubeconfig', /expected contexts to be a list/],
    ['has no current context', config('""'), 'no-context', /names no current context/],
    ['names a context that it does not have', config('gone'), 'no-context', /The context gone is not in/],
    ['names a cluster that it does not have', config('no-cluster'), 'bad-kubeconfig', /names the cluster gone/],
    ['names a user that it does not have', config('no-user'), 'bad-kubeconfig', /names the user gone/],
    ['is empty', '', 'no-context', /names no current context/],
  ] as const)
    it(`that ${what} is a problem which says so`, async () => {
      const found = await problem({ kubeconfig: await file('bad', text) });
      assert.equal(found.code, code);
      assert.match(found.message, message);
      assert.ok(found.message.includes(path.join(folder, 'bad')) || code === 'bad-kubeconfig');
      assert.ok(found.advice.length > 10);
    });

  it('that leads nowhere gives a source whose state says why', async () => {
    for (const [text, code] of [
      [config('gone'), 'no-context'],
      [config('one', 'not a server'), 'bad-kubeconfig'],
    ] as const) {
      const source = await openLiveCluster({ kubeconfig: await file('nowhere', text) });
      const failed = await new Promise<string>((resolve) => {
        const look = (): void => void (source.state.kind === 'failed' && resolve(source.state.problem.code));
        source.onDidChange(look);
        look();
      });
      assert.equal(failed, code);
      source.dispose();
    }
  });
});

describe('watching the kubeconfig', () => {
  const next = (seen: Kubeconfig[]) =>
    new Promise<Kubeconfig>((resolve, reject) => {
      const end = setTimeout(() => (clearInterval(timer), reject(new Error('nobody was told'))), 3000);
      const timer = setInterval(() => {
        if (seen.length === 0) return;
        clearInterval(timer);
        clearTimeout(end);
        resolve(seen.shift()!);
      }, 5);
    });

  it('tells of a switched context, a file that comes later, one that goes, and a link that is turned', async () => {
    const name = path.join(folder, 'watched');
    const seen: Kubeconfig[] = [];
    const watching = watchKubeconfig({ kubeconfig: name }, (kubeconfig) => seen.push(kubeconfig), 20);
    await new Promise((resolve) => setTimeout(resolve, 60));
    await file('watched', config('one'));
    const first = await next(seen);
    assert.ok(first.kind === 'read' && first.active.name === 'one');

    await rename(await file('watched.new', config('two')), name);
    const second = await next(seen);
    assert.ok(second.kind === 'read' && second.active.name === 'two');

    await unlink(name);
    assert.equal((await next(seen)).kind, 'problem');
    await symlink(await file('target-1', config('one', 'https://first')), name);
    const third = await next(seen);
    assert.ok(third.kind === 'read' && third.active.cluster.value['server'] === 'https://first');
    await symlink(await file('target-2', config('one', 'https://longer-second')), `${name}.link`);
    await rename(`${name}.link`, name);
    const fourth = await next(seen);
    assert.ok(fourth.kind === 'read' && fourth.active.cluster.value['server'] === 'https://longer-second');
    watching.dispose();
  });

  it('does not tell of changes elsewhere in the file, nor after its end', async () => {
    const name = await file('quiet', config('one'));
    const seen: Kubeconfig[] = [];
    const watching = watchKubeconfig({ kubeconfig: name }, (kubeconfig) => seen.push(kubeconfig), 20);
    await new Promise((resolve) => setTimeout(resolve, 60));
    await writeFile(name, `${config('one')}- {name: more, context: {cluster: c, user: u}}\n`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    watching.dispose();
    await writeFile(name, config('two'));
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(seen, []);
  });
});

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { NodeDrift } from '../../src/diagnosis/drift-types.ts';
import { boundsOf } from '../../src/diagnosis/latency.ts';
import { metricsIn, readProxyMetrics, unsynced, type ProxyMetrics } from '../../src/diagnosis/proxy-metrics.ts';
import { ofInterest } from '../../src/kubernetes/capture/metrics.ts';
import { getByPortForward } from '../../src/kubernetes/capture/port-forward.ts';
import { LiveCluster } from '../../src/kubernetes/live/cluster.ts';
import { Connection, type GetOptions, type Reply } from '../../src/kubernetes/live/connection.ts';
import { readKubeconfig, type Kubeconfig } from '../../src/kubernetes/live/kubeconfig.ts';
import { openLiveCluster } from '../../src/kubernetes/live/open.ts';
import { watchKubeconfig } from '../../src/kubernetes/live/watch-kubeconfig.ts';
import { openRecording } from '../../src/kubernetes/snapshot/open.ts';
import { writeRecording } from '../../src/kubernetes/snapshot/write.ts';
import type { ClusterSource } from '../../src/kubernetes/source.ts';
import { formatAddress, formatPrefix } from '../../src/netfilter/address.ts';
import { readNetwork } from '../../src/netfilter/network.ts';
import { slicesOf } from '../../src/kubernetes/slices.ts';
import { historyIn, remember } from '../../src/views/history.ts';
import { eventWords, timelineOf } from '../../src/views/timeline.ts';
import { freePort, startRig, type Rig, type RigUser } from './rig.ts';
import { isDrifted } from '../diagnosis/recorded.ts';

const SHOP = path.join(import.meta.dirname, 'manifests/shop.yaml');
const ROLE = path.join(import.meta.dirname, '../../docs/clusterrole.yaml');

/** Settles when the condition holds, with the milliseconds that it took; looks at every change. */
async function until(source: ClusterSource, what: string, holds: () => boolean, seconds = 20): Promise<number> {
  const start = performance.now();
  if (holds()) return 0;
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      listening.dispose();
      reject(new Error(`not within ${seconds} s: ${what}; the state is ${JSON.stringify(source.state)}`));
    }, seconds * 1000);
    const listening = source.onDidChange(() => {
      if (!holds()) return;
      clearTimeout(timer);
      listening.dispose();
      resolve();
    });
  });
  return performance.now() - start;
}

const isReady = (source: ClusterSource) => () => source.state.kind === 'ready';

describe('a real cluster', { timeout: 20 * 60_000 }, () => {
  let rig: Rig;
  let port: number;
  let folder: string;
  const sources: ClusterSource[] = [];

  async function open(user: RigUser): Promise<ClusterSource> {
    const source = await openLiveCluster({ kubeconfig: rig.kubeconfigs[user] });
    sources.push(source);
    await until(source, 'an answer', () => source.state.kind !== 'connecting');
    return source;
  }

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'live-'));
    // Names and port of this run's own: another may go on at the same time.
    port = await freePort();
    rig = await startRig({ prefix: `live-${process.pid}`, port });
    await rig.kubectl(['apply', '-f', SHOP]);
    await rig.kubectl(['wait', '-n', 'shop', '--for=condition=Available', 'deployment/front', 'deployment/cart']);
    await rig.settled();
  });

  after(async () => {
    for (const source of sources) source.dispose();
    await rig.down();
    await rm(folder, { recursive: true });
  });

  it('is listed: Services, endpoints, nodes, pods, namespaces, the configuration and the version', async () => {
    const source = await open('admin');
    await until(source, 'the version and the configuration', () => source.objects.kubeProxyConfig !== undefined);
    const { objects } = source;
    assert.deepEqual(source.state, { kind: 'ready', missing: [] });
    assert.equal(source.name, 'admin');
    assert.equal(source.location, `https://127.0.0.1:${port}`);
    assert.deepEqual(
      objects.nodes.map((node) => node.metadata.name),
      rig.nodes,
    );
    assert.equal(objects.pods.filter((pod) => pod.metadata.labels?.['app'] === 'front').length, 3);
    assert.ok(objects.services.some((service) => service.metadata.name === 'front-nodeport'));
    assert.ok(objects.endpointSlices.some((slice) => slice.metadata.name === 'dual-v6'));
    assert.ok(objects.namespaces.some((namespace) => namespace.metadata.name === 'shop'));
    assert.equal(objects.serverVersion, 'v1.37.2');
    assert.match(objects.kubeProxyConfig?.data?.['config.conf'] ?? '', /mode: iptables/);
    assert.equal(objects, source.objects, 'the same reference until something changes');
  });

  it('shows a new pod, and what it does to a Service, within a second', async () => {
    const source = await open('admin');
    const front = (): number =>
      source.objects.endpointSlices
        .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === 'front')
        .flatMap((slice) => slice.endpoints ?? []).length;
    // The best of a few: controllers and kubelets are on the way too, and the machine may be busy with other things.
    const took: number[] = [];
    for (const replicas of [4, 3, 4, 3]) {
      await rig.kubectl(['scale', '-n', 'shop', 'deployment/front', `--replicas=${replicas}`]);
      took.push(await until(source, `${replicas} endpoints`, () => front() === replicas));
    }
    console.log(`      shown after ${took.map((ms) => ms.toFixed(0)).join(', ')} ms`);
    assert.ok(Math.min(...took) < 1000);
  });

  it('folds a burst into at most one change in 100 ms', async () => {
    const source = await open('admin');
    const times: number[] = [];
    const listening = source.onDidChange(() => times.push(performance.now()));
    await rig.kubectl(['scale', '-n', 'shop', 'deployment/cart', '--replicas=30']);
    const carts = () =>
      source.objects.pods.filter((pod) => pod.metadata.labels?.['app'] === 'cart' && pod.status?.podIP);
    await until(source, 'thirty pods', () => carts().length === 30);
    await rig.kubectl(['scale', '-n', 'shop', 'deployment/cart', '--replicas=2']);
    await until(source, 'two pods', () => carts().length === 2);
    listening.dispose();
    assert.ok(times.length >= 2);
    for (const [i, time] of times.entries())
      assert.ok(i === 0 || time - times[i - 1]! >= 95, `${time - times[i - 1]!} ms`);
  });

  it('has its rules read from three nodes, by exec in their kube-proxy pods', async () => {
    const source = await open('admin');
    await rig.settled();
    const progress = new Set<string>();
    source.onDidChange(() => {
      const rules = source.rules('node-1');
      progress.add(rules.kind === 'capturing' ? `${rules.done} of ${rules.of}` : rules.kind);
    });
    const start = performance.now();
    await source.capture(rig.nodes);
    console.log(`      three nodes in ${(performance.now() - start).toFixed(0)} ms`);
    for (const node of rig.nodes) {
      const rules = source.rules(node);
      assert.ok(rules.kind === 'captured', JSON.stringify(rules));
      const { dumps, problems, pod } = rules.capture;
      assert.deepEqual(problems, []);
      assert.match(pod ?? '', /^kube-system\/kube-proxy-/);
      const text = (name: string): string => dumps.find((dump) => dump.name === name)?.text ?? '';
      assert.equal(
        text('iptables-save.txt').replace(/^#.*$|\[\d+:\d+\]/gm, ''),
        (await rig.onNode(node, ['iptables-save'])).replace(/^#.*$|\[\d+:\d+\]/gm, ''),
      );
      assert.match(text('iptables-save.txt'), /KUBE-SVC-.*shop\/front:http/);
      assert.match(text('ip6tables-save.txt'), /shop\/dual:http/);
      assert.match(text('nft.json'), /KUBE-SERVICES/);
      assert.match(text('iptables-version.txt'), /\(nf_tables\)/);
      assert.ok(dumps.every((dump) => dump.complete));
      const network = readNetwork(dumps)!.network;
      const addresses = network.addresses.map(
        (each) => `${formatAddress(each.address)}/${each.length} ${each.interface}`,
      );
      assert.ok(addresses.includes(`172.18.0.${Number(node.slice(5)) + 1}/16 eth0`), addresses.join());
      assert.ok(
        addresses.some((each) => /^10\.244\.\d\.254\/24 cni0$/.test(each)),
        addresses.join(),
      );
      const routes = network.routes.map((each) => `${formatPrefix(each.prefix)} ${each.interface}`);
      assert.ok(routes.includes('0.0.0.0/0 eth0') && routes.some((each) => /^10\.244\.\d\.0\/24 cni0$/.test(each)));
    }
    assert.ok(progress.size > 1);
  });

  it('stops reading at once when it is cancelled, and keeps what it had', async () => {
    const source = await open('admin');
    await source.capture(['node-1']);
    const before = source.rules('node-1');
    const abort = new AbortController();
    const changed = source.onDidChange(() => {
      const rules = source.rules('node-1');
      if (rules.kind === 'capturing' && rules.done > 1) abort.abort();
    });
    await source.capture(rig.nodes, abort.signal);
    changed.dispose();
    assert.equal(source.rules('node-1'), before);
    assert.equal(source.rules('node-2').kind, 'none');
  });

  it('is the same when it is recorded and opened again, as a folder and as a zip', async () => {
    const source = await open('admin');
    await until(source, 'the configuration', () => source.objects.kubeProxyConfig !== undefined);
    await source.capture(rig.nodes);
    for (const target of [path.join(folder, 'recorded'), path.join(folder, 'recorded.zip')]) {
      assert.equal(await writeRecording(source, target), undefined);
      const reopened = await openRecording(target);
      assert.deepEqual(reopened.objects, source.objects);
      assert.deepEqual(reopened.state, source.state);
      for (const node of rig.nodes) assert.deepEqual(reopened.rules(node), source.rules(node));
    }
  });

  it("has kube-proxy's metrics beside the rules: by a command in its pod, and from outside by a port-forward", async () => {
    const source = await open('admin');
    await source.capture(['node-2']);
    const rules = source.rules('node-2');
    assert.ok(rules.kind === 'captured');
    const dump = rules.capture.dumps.find(({ name }) => name === 'metrics.txt');
    assert.match(dump?.from ?? '', /^curl .*127\.0\.0\.1:10249\/metrics$/);
    const { families, syncDuration } = readProxyMetrics(dump!.text);
    const { synced, queued } = families[4];
    assert.ok(synced !== undefined && queued !== undefined && Math.abs(Date.now() - synced) < 600_000);
    assert.ok(syncDuration !== undefined && syncDuration > 0);

    const kubeconfig = await readKubeconfig({ kubeconfig: rig.kubeconfigs.admin });
    assert.ok(kubeconfig.kind === 'read');
    const connection = new Connection(kubeconfig.active);
    const pod = rules.capture.pod!.split('/')[1]!;
    const target = { namespace: 'kube-system', pod };
    const forwarded = await getByPortForward(connection, target, 10249, '/metrics', AbortSignal.timeout(5000));
    assert.equal(readProxyMetrics(ofInterest(forwarded)).families[4].synced !== undefined, true);
    const wrong = getByPortForward(connection, target, 10250, '/metrics', AbortSignal.timeout(5000));
    await assert.rejects(wrong, /10250/);
    connection.dispose();
  });

  it('tells a viewer that nodes and exec are not his, and shows him the rest', async () => {
    const source = await open('viewer');
    assert.ok(source.state.kind === 'ready');
    assert.deepEqual(
      source.state.missing.map((each) => [each.resource, each.problem.code]),
      [['nodes', 'forbidden']],
    );
    assert.ok(source.objects.services.length >= 19);
    // Nodes by their pods.
    assert.deepEqual(
      source.objects.nodes.map(({ metadata }) => metadata.name),
      rig.nodes,
    );
    await source.capture(['node-1']);
    const rules = source.rules('node-1');
    assert.ok(rules.kind === 'failed');
    assert.equal(rules.problem.code, 'forbidden');
    assert.match(rules.problem.advice, /get and create on pods\/exec in kube-system/);
    assert.match(rules.problem.detail ?? '', /User "viewer" cannot \w+ resource "pods\/exec"/);
    const target = path.join(folder, 'of-a-viewer');
    assert.equal(await writeRecording(source, target), undefined);
    const recorded = await openRecording(target);
    assert.deepEqual(recorded.state, source.state);
    assert.deepEqual(recorded.objects.nodes, source.objects.nodes);
  });

  it('tells a user without any right that he may read nothing', async () => {
    const source = await open('nobody');
    assert.ok(source.state.kind === 'failed');
    assert.equal(source.state.problem.code, 'forbidden');
    assert.match(
      source.state.problem.message,
      /nobody may read nothing .*services, endpointslices, nodes, pods, namespaces/,
    );
    assert.match(source.state.problem.advice, /docs\/clusterrole\.yaml/);
  });

  it('is shown as far as it goes to a user with rights in one namespace', async () => {
    await rig.kubectl(['create', 'rolebinding', 'shopkeeper', '-n', 'shop', '--clusterrole=view', '--user=nobody']);
    const file = path.join(folder, 'shopkeeper');
    await writeFile(file, await readFile(rig.kubeconfigs.nobody, 'utf8'));
    await rig.kubectl(['config', '--kubeconfig', file, 'set-context', '--current', '--namespace=shop']);
    const source = await openLiveCluster({ kubeconfig: file });
    sources.push(source);
    await until(source, 'ready', isReady(source));
    assert.ok(source.state.kind === 'ready');
    assert.match(source.state.missing[0]!.problem.message, /You may list services in the namespace shop alone/);
    assert.ok(source.objects.services.length >= 18);
    assert.ok(source.objects.services.every((service) => service.metadata.namespace === 'shop'));
    await source.capture(['node-1']);
    const rules = source.rules('node-1');
    assert.ok(rules.kind === 'failed' && rules.problem.code === 'forbidden');
    assert.match(rules.problem.message, /may not list pods in kube-system/);
    await rig.kubectl(['delete', 'rolebinding', 'shopkeeper', '-n', 'shop']);
  });

  for (const [verb, said] of [
    // What the server says is not always of use: our words name both verbs.
    ['get', /is forbidden: $/],
    ['create', /cannot get resource "pods\/exec"/],
  ] as const)
    it(`asks for both verbs where exec is allowed with ${verb} alone`, async () => {
      const name = `exec-by-${verb}`;
      await rig.kubectl(['create', 'role', name, '-n', 'kube-system', `--verb=${verb}`, '--resource=pods/exec']);
      await rig.kubectl(['create', 'rolebinding', name, '-n', 'kube-system', `--role=${name}`, '--user=viewer']);
      const source = await open('viewer');
      await source.capture(['node-1']);
      await rig.kubectl(['delete', 'role,rolebinding', name, '-n', 'kube-system']);
      const rules = source.rules('node-1');
      assert.ok(rules.kind === 'failed' && rules.problem.code === 'forbidden', JSON.stringify(rules));
      assert.match(rules.problem.detail ?? '', said);
      assert.match(rules.problem.advice, /get and create on pods\/exec/);
    });

  it('is shown whole to a user who has just the rights in docs/clusterrole.yaml', async () => {
    const role = (await readFile(ROLE, 'utf8')).replace(/^#.*\n/gm, '').replaceAll('USER', 'reader');
    await rig.kubectl(['apply', '-f', '-'], role);
    const source = await open('reader');
    await until(source, 'the configuration', () => source.objects.kubeProxyConfig !== undefined);
    assert.deepEqual(source.state, { kind: 'ready', missing: [] });
    await source.capture(rig.nodes);
    for (const node of rig.nodes) assert.equal(source.rules(node).kind, 'captured');
    // And no more than that: neither Secrets nor a change of anything.
    await assert.rejects(rig.kubectl(['get', 'secrets', '-A', '--as=reader']), /forbidden/);
    await assert.rejects(rig.kubectl(['delete', 'service', '-n', 'shop', 'front', '--as=reader']), /forbidden/);
  });

  it('has a change pending while kube-proxy may still write it, programmed where it did, and drifted where it never does', async () => {
    const source = await open('admin');
    await source.capture(rig.nodes);
    for (const node of rig.nodes) assert.equal(isDrifted((await remember(source, node))!), false, node);
    await rig.stopProxy('node-3');
    const endpoints = () => slicesOf(source.objects, 'shop/front').flatMap((slice) => slice.endpoints ?? []).length;
    const before = endpoints();
    await rig.kubectl(['scale', '-n', 'shop', 'deployment/front', '--replicas=7']);
    await until(
      source,
      'another endpoint',
      () => endpoints() > before && source.changedAt?.('shop/front') !== undefined,
    );
    await source.capture(['node-3']);
    const young = (await remember(source, 'node-3'))!;
    const front = (drift: NodeDrift) =>
      drift.kind === 'compared'
        ? drift.families.flatMap(({ drifted }) => drifted.filter(({ service }) => service === 'shop/front'))
        : [];
    assert.ok(front(young).length > 0);
    for (const { pending } of front(young)) assert.ok(pending && pending.age < 3000, JSON.stringify(pending));
    assert.equal(isDrifted(young), false);

    await rig.settled();
    await source.capture(['node-1', 'node-3']);
    const programmed = (await remember(source, 'node-1'))!;
    assert.deepEqual([front(programmed), isDrifted(programmed)], [[], false]);
    const late = (await remember(source, 'node-3'))!;
    assert.ok(front(late).length > 0 && front(late).every(({ pending }) => pending === undefined));
    const [moment] = historyIn(source, 'node-1').moments;
    const shown = moment?.shown.find(({ service }) => service === 'shop/front');
    // By kube-proxy's own word, which is nearer than the capture some seconds later.
    assert.ok(shown && boundsOf(shown)!.most < 4000, JSON.stringify(shown));
    assert.ok(historyIn(source, 'node-3').moments[0]?.late.some(({ service }) => service === 'shop/front'));
    for (const line of timelineOf(historyIn(source, 'node-3')).slice(0, 4)) console.log(`      ${eventWords(line)}`);
    await rig.start('kube-proxy-node-3');
    await rig.settled();
  });

  it('is reached through the proxy of the kubeconfig, rules included', async () => {
    const tunnels: string[] = [];
    const proxy = http.createServer();
    proxy.on('connect', (request, socket, head) => {
      tunnels.push(request.url ?? '');
      const upstream = net.connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        upstream.write(head);
        upstream.pipe(socket).pipe(upstream);
      });
      for (const end of [upstream, socket]) end.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(proxy.address() as net.AddressInfo).port}`;
    const file = path.join(folder, 'proxied');
    await writeFile(file, await readFile(rig.kubeconfigs.admin, 'utf8'));
    await rig.kubectl(['config', '--kubeconfig', file, 'set-cluster', 'rig', `--proxy-url=${url}`]);
    const source = await openLiveCluster({ kubeconfig: file });
    sources.push(source);
    await until(source, 'ready', isReady(source));
    const lists = tunnels.length;
    assert.ok(lists > 0 && tunnels.every((to) => to === `127.0.0.1:${port}`), tunnels.join());
    await source.capture(['node-1']);
    const rules = source.rules('node-1');
    assert.ok(rules.kind === 'captured' && rules.capture.problems.length === 0, JSON.stringify(rules));
    assert.ok(tunnels.length > lists);
    source.dispose();
    proxy.close();
    proxy.closeAllConnections();
  });

  it('stays in sight while its API server is away, and goes on when it is back, though its watches have expired', async () => {
    const kubeconfig = await readKubeconfig({ kubeconfig: rig.kubeconfigs.admin });
    assert.ok(kubeconfig.kind === 'read');
    const lists: string[] = [];
    const connection = new (class extends Connection {
      override get(target: string, options?: GetOptions): Promise<Reply> {
        if (!target.includes('watch=1')) lists.push(target.split('?')[0]!);
        return super.get(target, options);
      }
    })(kubeconfig.active);
    const source = new LiveCluster(connection);
    sources.push(source);
    await until(source, 'ready', isReady(source));
    const services = source.objects.services.length;
    const states: string[] = [];
    source.onDidChange(() => states.at(-1) === source.state.kind || states.push(source.state.kind));

    await rig.stop('kube-apiserver');
    await until(source, 'stale', () => source.state.kind === 'stale', 10);
    assert.ok(source.state.kind === 'stale' && source.state.problem.code === 'unreachable');
    assert.ok(Math.abs(source.state.since - Date.now()) < 20_000);
    assert.equal(source.objects.services.length, services);

    lists.length = 0;
    await rig.start('kube-apiserver');
    const back = await until(source, 'ready again', isReady(source), 60);
    console.log(`      back ${(back / 1000).toFixed(1)} s after the API server was started`);
    assert.equal(source.objects.services.length, services);
    const name = `after-${process.pid}`;
    await rig.kubectl(['create', 'service', 'clusterip', name, '--tcp=80']);
    const took = await until(source, 'a new Service', () =>
      source.objects.services.some((service) => service.metadata.name === name),
    );
    assert.ok(took < 1000, `${took} ms`);
    // The restarted server's memory begins now: the versions that our watches knew are gone, so they were listed again.
    assert.ok(lists.includes('/api/v1/services'), lists.join());
    assert.deepEqual(
      states.filter((state) => state !== 'stale' && state !== 'ready'),
      [],
      states.join(),
    );
  });

  it('answers a version that it has forgotten in a way that we take for expired', async () => {
    const kubeconfig = await readKubeconfig({ kubeconfig: rig.kubeconfigs.admin });
    assert.ok(kubeconfig.kind === 'read');
    const connection = new Connection(kubeconfig.active);
    const reply = await connection.get('/api/v1/services?watch=1&resourceVersion=1&timeoutSeconds=5');
    let said = String(reply.status);
    for await (const chunk of reply.body) said += String(chunk);
    connection.dispose();
    assert.match(said, /^410|"code":410/);
  });

  it('is left for another when kubectl switches the context', async () => {
    const file = path.join(folder, 'config');
    const merged = await rig.kubectl(['config', 'view', '--flatten', '--kubeconfig', rig.kubeconfigs.admin]);
    await writeFile(file, merged);
    const config = (...args: string[]) => rig.kubectl(['config', '--kubeconfig', file, ...args]);
    await config('set-context', 'second', '--cluster=rig', '--user=admin', '--namespace=shop');
    const seen: Kubeconfig[] = [];
    const watching = watchKubeconfig({ kubeconfig: file }, (kubeconfig) => seen.push(kubeconfig));
    const first = await openLiveCluster({ kubeconfig: file });
    sources.push(first);
    assert.equal(first.name, 'admin');
    await config('set-context', 'third', '--cluster=rig', '--user=admin'); // not the active one: nobody is told
    await new Promise((resolve) => setTimeout(resolve, 1200));
    assert.equal(seen.length, 0);

    const start = performance.now();
    await config('use-context', 'second');
    while (seen.length === 0 && performance.now() - start < 5000)
      await new Promise((resolve) => setTimeout(resolve, 20));
    const took = performance.now() - start;
    assert.ok(took < 1500, `${took} ms`);
    assert.ok(seen[0]?.kind === 'read' && seen[0].active.name === 'second' && seen[0].active.namespace === 'shop');
    const second = await openLiveCluster({ kubeconfig: file });
    sources.push(second);
    assert.equal(second.name, 'second');
    await until(second, 'ready', isReady(second));
    watching.dispose();
  });

  it('has nodes in nftables mode read as well', async () => {
    await rig.proxies({ mode: 'nftables' });
    await rig.settled();
    const source = await open('admin');
    await source.capture(['node-2']);
    const rules = source.rules('node-2');
    assert.ok(rules.kind === 'captured', JSON.stringify(rules));
    assert.match(rules.capture.dumps.find((dump) => dump.name === 'nft.txt')?.text ?? '', /table ip kube-proxy/);
    await until(source, 'the new configuration', () =>
      /mode: nftables/.test(source.objects.kubeProxyConfig?.data?.['config.conf'] ?? ''),
    );
  });

  it('has a change pending for as long as kube-proxy says that a sync is due, however long that is', async () => {
    await rig.proxies({ mode: 'nftables', configuration: 'nftables: {minSyncPeriod: 20s}' });
    await rig.settled();
    const source = await open('admin');
    for (const replicas of [3, 5, 4]) {
      await rig.kubectl(['scale', '-n', 'shop', 'deployment/front', `--replicas=${replicas}`]);
      await new Promise((resolve) => setTimeout(resolve, 1500));
    }
    const ports = async (): Promise<{ readonly drift: NodeDrift; readonly metrics: ProxyMetrics }> => {
      await source.capture(['node-2']);
      const rules = source.rules('node-2');
      assert.ok(rules.kind === 'captured');
      return { drift: (await remember(source, 'node-2'))!, metrics: metricsIn(rules.capture.dumps)! };
    };
    const before = await ports();
    assert.ok(unsynced(before.metrics, 4) !== undefined, JSON.stringify(before.metrics));
    assert.ok(before.drift.kind === 'compared' && before.drift.families.some(({ drifted }) => drifted.length > 0));
    assert.equal(isDrifted(before.drift), false, 'all that differs is pending');
    await new Promise((resolve) => setTimeout(resolve, 21_000));
    const after = await ports();
    assert.equal(unsynced(after.metrics, 4), undefined);
    assert.deepEqual(after.drift.kind === 'compared' && after.drift.families.flatMap(({ drifted }) => drifted), []);
  });
});

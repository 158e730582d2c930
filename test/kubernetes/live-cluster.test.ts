import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { LiveCluster } from '../../src/kubernetes/live/cluster.ts';
import type { SourceChange } from '../../src/kubernetes/source.ts';
import {
  connectTo,
  event,
  list,
  QUICK,
  refuse,
  service,
  startFakeApiServer,
  until,
  type Asked,
} from './fake-api-server.ts';

const ends: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function follow(script: (asked: Asked) => void) {
  const server = await startFakeApiServer(script);
  // A watch that is taken up anew would miss what the script sends meanwhile.
  const cluster = new LiveCluster(connectTo(server.url), { ...QUICK, watchIdle: 60_000 });
  ends.push(
    () => cluster.dispose(),
    () => server.close().catch(() => undefined),
  );
  return { server, cluster };
}

const stay = ({ reply }: Asked, ...events: string[]): void => {
  reply.writeHead(200);
  reply.write(events.join(''));
  reply.flushHeaders();
};

/** A server that lets everything be read. */
function open(asked: Asked): void {
  const { path, query, reply } = asked;
  if (query.has('watch')) return stay(asked);
  if (path === '/version') return void reply.end('{"gitVersion":"v1.37.2"}');
  if (path.endsWith('/configmaps/kube-proxy')) return refuse(reply, 404, 'not found');
  if (path.endsWith('/configmaps/kube-proxy-config'))
    return void reply.end('{"metadata":{"name":"kube-proxy-config"},"data":{"config":"mode: iptables"}}');
  if (path.endsWith('/services')) return void reply.end(list([service('b'), service('a')], '7'));
  return void reply.end(list([], '7'));
}

describe('a live cluster', () => {
  it('is ready when every kind has been answered, with version and configuration, whatever that is called', async () => {
    const { cluster } = await follow(open);
    assert.equal(cluster.state.kind, 'connecting');
    await until('it is ready', () => cluster.state.kind === 'ready');
    await until('the configuration is there', () => cluster.objects.kubeProxyConfig !== undefined);
    assert.deepEqual(cluster.state, { kind: 'ready', missing: [] });
    assert.equal(cluster.objects.kubeProxyConfig?.metadata.name, 'kube-proxy-config');
    assert.equal(cluster.objects.serverVersion, 'v1.37.2');
    assert.deepEqual(
      cluster.objects.services.map((each) => each.metadata.name),
      ['a', 'b'],
    );
  });

  it('keeps objects as they are, and their lists where nothing changed', async () => {
    let send: (line: string) => void = () => undefined;
    const { cluster } = await follow((asked) => {
      open(asked);
      if (asked.query.has('watch') && asked.path.endsWith('/services')) send = (line) => void asked.reply.write(line);
    });
    await until('the configuration is there', () => cluster.objects.kubeProxyConfig !== undefined);
    const before = cluster.objects;
    assert.equal(cluster.objects, before);
    send(event('MODIFIED', { ...service('a', '8'), spec: { clusterIP: '10.96.0.2' } }));
    await until('the change is in', () => cluster.objects !== before);
    assert.equal(cluster.objects.pods, before.pods);
    assert.equal(cluster.objects.services[1], before.services[1]);
    assert.equal(cluster.objects.services[0]?.metadata.resourceVersion, '8');
  });

  it('is not changed by a new version of an object with nothing new in it, watched or listed, as each kubelet writes them all the time', async () => {
    let send: (line: string) => void = () => undefined;
    let lists = 0;
    const node = (version: string, heartbeat: string, ready = 'True') => ({
      metadata: { name: 'node-1', resourceVersion: version },
      status: { conditions: [{ type: 'Ready', status: ready, lastHeartbeatTime: heartbeat }] },
    });
    const { cluster } = await follow((asked) => {
      if (!asked.path.endsWith('/nodes')) return open(asked);
      if (asked.query.has('watch')) send = (line) => void asked.reply.write(line);
      else return void asked.reply.end(list([node(String(++lists), `12:0${lists}`)], String(lists)));
      return open(asked);
    });
    await until('the configuration is there', () => cluster.objects.kubeProxyConfig !== undefined);
    await new Promise((resolve) => setTimeout(resolve, 120));
    const { nodes } = cluster.objects;
    const changes: SourceChange[] = [];
    cluster.onDidChange((change) => changes.push(change));
    send(event('MODIFIED', node('8', '12:05')));
    send(event('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' }));
    await until('it is listed again', () => lists === 2);
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.equal(cluster.objects.nodes, nodes);
    assert.deepEqual(
      changes.flatMap(({ objects }) => objects),
      [],
    );
    send(event('MODIFIED', node('9', '12:06', 'False')));
    await until('the node has changed', () => cluster.objects.nodes !== nodes);
  });

  it('tells of a burst once in 100 ms, with the kinds that changed', async () => {
    let send: (line: string) => void = () => undefined;
    const { cluster } = await follow((asked) => {
      open(asked);
      if (asked.query.has('watch') && asked.path.endsWith('/services')) send = (line) => void asked.reply.write(line);
    });
    await until('the configuration is there', () => cluster.objects.kubeProxyConfig !== undefined);
    await new Promise((resolve) => setTimeout(resolve, 120));
    const changes: SourceChange[] = [];
    const times: number[] = [];
    cluster.onDidChange((change) => {
      changes.push(change);
      times.push(performance.now());
    });
    const start = performance.now();
    for (let i = 0; i < 100; i++) {
      send(event('ADDED', service(`s${i}`, String(10 + i))));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const took = performance.now() - start;
    await until('all are in', () => cluster.objects.services.length === 102);
    await new Promise((resolve) => setTimeout(resolve, 120));
    assert.ok(times[0]! - start < took, 'the first does not wait for the last');
    assert.ok(changes.length <= Math.ceil(took / 100) + 2, `${changes.length} in ${took} ms`);
    assert.ok(changes.every((change) => change.objects.every((kind) => kind === 'services')));
  });

  it('is ready without the kinds that are forbidden, each with its loss', async () => {
    const { cluster } = await follow((asked) =>
      asked.path.endsWith('/nodes') || asked.path.includes('/configmaps/')
        ? refuse(asked.reply, 403, 'forbidden')
        : open(asked),
    );
    const missing = () => (cluster.state.kind === 'ready' ? cluster.state.missing.map((each) => each.resource) : []);
    await until('both are told', () => missing().length === 2);
    assert.deepEqual(missing(), ['nodes', 'kube-proxy-config']);
  });

  it('knows nodes by their pods where nodes may not be listed, and tells of a new one', async () => {
    let send: (line: string) => void = () => undefined;
    const pod = (name: string, nodeName?: string) => ({
      metadata: { name, namespace: 'n' },
      spec: { ...(nodeName && { nodeName }), containers: [] },
      ...(nodeName === 'node-1' && { status: { hostIP: '172.18.0.2' } }),
    });
    const slice = {
      metadata: { name: 'a-x', namespace: 'n' },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.244.2.7'], nodeName: 'node-2', zone: 'b' }],
    };
    const { cluster } = await follow((asked) => {
      if (asked.path.endsWith('/nodes')) return refuse(asked.reply, 403, 'forbidden');
      if (asked.path.endsWith('/pods') && !asked.query.has('watch'))
        return void asked.reply.end(list([pod('a', 'node-2'), pod('b', 'node-1'), pod('c', 'node-2'), pod('d')], '7'));
      if (asked.path.endsWith('/endpointslices') && !asked.query.has('watch'))
        return void asked.reply.end(list([slice], '7'));
      if (asked.path.endsWith('/pods')) send = (line) => void asked.reply.write(line);
      return open(asked);
    });
    await until('it is ready', () => cluster.state.kind === 'ready');
    const { nodes } = cluster.objects;
    const address = { type: 'InternalIP', address: '172.18.0.2' };
    assert.deepEqual(nodes, [
      { metadata: { name: 'node-1' }, status: { addresses: [address] } },
      { metadata: { name: 'node-2', labels: { 'topology.kubernetes.io/zone': 'b' } } },
    ]);
    const changes: SourceChange[] = [];
    cluster.onDidChange((change) => changes.push(change));
    send(event('ADDED', pod('e', 'node-1')));
    await until('the pod is there', () => cluster.objects.pods.length === 5);
    assert.equal(cluster.objects.nodes, nodes);
    send(event('ADDED', pod('f', 'node-3')));
    await until('the node is there', () => cluster.objects.nodes.length === 3);
    await until('it is told', () => changes.some(({ objects }) => objects.includes('nodes')));
  });

  it('knows when a Service or its endpoints were seen to change, not when they were there before', async () => {
    const watches = new Map<string, Asked>();
    const slice = (name: string, version: string) => ({
      metadata: {
        name: `${name}-x`,
        namespace: 'n',
        resourceVersion: version,
        labels: { 'kubernetes.io/service-name': name },
      },
      addressType: 'IPv4',
      endpoints: [],
    });
    let slices = [slice('a', '1'), slice('b', '1')];
    const { cluster } = await follow((asked) => {
      if (asked.query.has('watch')) watches.set(asked.path, asked);
      else if (asked.path.endsWith('/endpointslices')) return void asked.reply.end(list(slices, '7'));
      return open(asked);
    });
    await until(
      'both are watched',
      () => [...watches.keys()].filter((path) => /slices|services/.test(path)).length === 2,
    );
    const at = (name: string): number | undefined => cluster.changedAt(`n/${name}`);
    assert.deepEqual([at('a'), at('b')], [undefined, undefined]);

    const start = Date.now();
    const on = (kind: string): Asked => [...watches].find(([path]) => path.endsWith(kind))![1];
    // Not by a version with nothing new in it, as far as it is kept.
    on('/services').reply.write(event('MODIFIED', { ...service('b', '8'), managedFields: [{ manager: 'kubectl' }] }));
    on('/services').reply.write(event('MODIFIED', { ...service('a', '9'), spec: { clusterIP: '10.96.0.2' } }));
    await until('a has changed', () => at('a') !== undefined);
    assert.ok(at('a')! >= start && at('a')! <= Date.now());
    assert.equal(at('b'), undefined);
    on('/endpointslices').reply.write(event('DELETED', slice('b', '10')));
    await until('b has changed', () => at('b') !== undefined);

    // What a watch has missed is in the next list.
    const before = at('a');
    slices = [slice('a', '1'), slice('c', '1')];
    const expired = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' };
    on('/endpointslices').reply.end(event('ERROR', expired));
    await until('c is there', () => at('c') !== undefined);
    assert.equal(at('a'), before);
  });

  it('finds kube-proxy’s pod in its own namespace where pods of all namespaces are forbidden', async () => {
    const pod = {
      metadata: { name: 'proxy-x', namespace: 'kube-system', labels: { component: 'kube-proxy' } },
      spec: { nodeName: 'n', containers: [{ name: 'kube-proxy' }] },
      status: { phase: 'Running' },
    };
    const { cluster, server } = await follow((asked) => {
      if (asked.path === '/api/v1/pods') return refuse(asked.reply, 403, 'forbidden');
      if (asked.path.endsWith('/kube-system/pods')) return void asked.reply.end(list([pod], '7'));
      if (asked.path.endsWith('/exec')) return refuse(asked.reply, 403, 'no exec');
      return open(asked);
    });
    await until('it is ready', () => cluster.state.kind === 'ready');
    await cluster.capture(['n', 'm', 'o']);
    const times = (path: string): number => server.asked.filter((asked) => asked.path === path).length;
    assert.equal(times('/api/v1/namespaces/kube-system/pods/proxy-x/exec'), 1);
    assert.equal(times('/api/v1/namespaces/kube-system/pods'), 1, 'once for all nodes');
    const rules = cluster.rules('n');
    assert.ok(rules.kind === 'failed' && rules.problem.code === 'forbidden', JSON.stringify(rules));
  });

  it('forgets the rules of a node that is gone: another one may come by its name', async () => {
    let send: (line: string) => void = () => undefined;
    const node = { metadata: { name: 'n', resourceVersion: '1' } };
    const { cluster } = await follow((asked) => {
      if (!asked.path.endsWith('/nodes')) return open(asked);
      if (asked.query.has('watch')) send = (line) => void asked.reply.write(line);
      else return void asked.reply.end(list([node], '7'));
      return open(asked);
    });
    await until('the configuration is there', () => cluster.objects.kubeProxyConfig !== undefined);
    await cluster.capture(['n']);
    assert.equal(cluster.rules('n').kind, 'failed');
    send(event('MODIFIED', { metadata: { ...node.metadata, resourceVersion: '8', labels: { a: 'b' } } }));
    await until('it has changed', () => cluster.objects.nodes[0]?.metadata.labels !== undefined);
    assert.equal(cluster.rules('n').kind, 'failed');
    const told: string[] = [];
    cluster.onDidChange(({ nodes }) => told.push(...nodes));
    send(event('DELETED', { metadata: { ...node.metadata, resourceVersion: '9' } }));
    await until('it is gone', () => cluster.objects.nodes.length === 0);
    assert.deepEqual(cluster.rules('n'), { kind: 'none' });
    await until('it is told', () => told.includes('n'));
  });

  it('captures at most four nodes at once, and says of each how far it is', async () => {
    const held: (() => void)[] = [];
    let most = 0;
    const pod = (node: string) => ({
      metadata: { name: `proxy-${node}`, namespace: 'kube-system', labels: { 'k8s-app': 'kube-proxy' } },
      spec: { nodeName: node, containers: [{ name: 'kube-proxy' }] },
      status: { phase: 'Running' },
    });
    const nodes = Array.from({ length: 10 }, (_, i) => `n${i}`);
    const { cluster } = await follow((asked) => {
      if (asked.path === '/api/v1/pods' && !asked.query.has('watch'))
        return void asked.reply.end(list(nodes.map(pod), '7'));
      if (!asked.path.endsWith('/exec')) return open(asked);
      held.push(() => refuse(asked.reply, 500, 'the kubelet is away'));
      most = Math.max(most, held.length);
    });
    await until('it is ready', () => cluster.state.kind === 'ready');
    const captured = cluster.capture([...nodes, 'n0']);
    assert.deepEqual(cluster.rules('n9'), { kind: 'capturing', done: 0, of: 1 });
    let ended = false;
    void captured.then(() => (ended = true));
    while (!ended) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      held.shift()?.();
    }
    assert.equal(most, 4);
    for (const node of nodes) {
      const rules = cluster.rules(node);
      assert.ok(rules.kind === 'failed' && rules.problem.code === 'exec-failed', JSON.stringify(rules));
    }
  });

  it('stops waiting and asking when a capture is cancelled, and has what it had', async () => {
    let asked = 0;
    const { cluster } = await follow((each) => {
      if (each.path === '/api/v1/pods' && !each.query.has('watch')) {
        const labels = { 'k8s-app': 'kube-proxy' };
        const pods = ['a', 'b', 'c', 'd', 'e', 'f'].map((node) => ({
          metadata: { name: node, namespace: 'kube-system', labels },
          spec: { nodeName: node },
          status: { phase: 'Running' },
        }));
        return void each.reply.end(list(pods, '7'));
      }
      if (!each.path.endsWith('/exec')) return open(each);
      asked++; // and never answered
    });
    await until('it is ready', () => cluster.state.kind === 'ready');
    const abort = new AbortController();
    const captured = cluster.capture(['a', 'b', 'c', 'd', 'e', 'f'], abort.signal);
    await until('four are asked', () => asked === 4);
    abort.abort();
    await captured;
    assert.equal(asked, 4);
    for (const node of ['a', 'f']) assert.deepEqual(cluster.rules(node), { kind: 'none' });
  });

  it('has failed where everything is forbidden', async () => {
    const { cluster } = await follow(({ reply }) => refuse(reply, 403, 'forbidden'));
    await until('it has failed', () => cluster.state.kind === 'failed');
    assert.ok(cluster.state.kind === 'failed' && cluster.state.problem.code === 'forbidden');
  });

  it('has failed while nothing answers, and is ready once something does', async () => {
    const { cluster, server } = await follow(open);
    const late = new LiveCluster(connectTo(server.url), QUICK);
    ends.unshift(() => late.dispose());
    await server.close();
    await until('it has failed', () => late.state.kind === 'failed');
    assert.ok(late.state.kind === 'failed' && late.state.problem.code === 'unreachable');
    await server.listen();
    await until('it is ready', () => late.state.kind === 'ready');
    cluster.dispose();
  });

  it('is stale, not gone, while a server that was there is away', async () => {
    const { cluster, server } = await follow(open);
    await until('it is ready', () => cluster.state.kind === 'ready');
    await server.close();
    await until('it is stale', () => cluster.state.kind === 'stale');
    assert.ok(cluster.state.kind === 'stale' && Date.now() - cluster.state.since < 10_000);
    assert.equal(cluster.objects.services.length, 2);
    await server.listen();
    await until('it is ready', () => cluster.state.kind === 'ready');
  });

  it('asks for nothing more once it is disposed', async () => {
    const { cluster, server } = await follow(open);
    await until('it is ready', () => cluster.state.kind === 'ready');
    cluster.dispose();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const asked = server.asked.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(server.asked.length, asked);
  });
});

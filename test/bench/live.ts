/**
 * npm run bench:live: what it costs to list a big cluster and to follow its changes, beside the bare JSON.parse of the same bytes. Server and
 * client share this process, so both are in the figures.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { LiveCluster } from '../../src/kubernetes/live/cluster.ts';
import { connectTo, event, startFakeApiServer } from '../kubernetes/fake-api-server.ts';

const [SERVICES, ENDPOINTS, PODS, PAGE] = [5_000, 10, 20_000, 500];

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
/** As long as a pod's usual metadata of who set which field. */
const managedFields = [{ manager: 'kubelet', fieldsV1: { text: 'f:'.repeat(1200) } }];
const metadata = (name: string, i: number, version = '1') => ({
  metadata: { name, namespace: `ns-${i % 50}`, resourceVersion: version, managedFields },
});
const pod = (i: number, version = '1') => ({
  ...metadata(`pod-${i}`, i, version),
  spec: {
    nodeName: `node-${i % 100}`,
    containers: [{ name: 'c', env: times(10, (j) => ({ name: `E${j}`, value: 'v'.repeat(60) })) }],
  },
  status: { phase: 'Running', podIP: '10.1.1.1' },
});
const objects: Record<string, object[]> = {
  services: times(SERVICES, (i) => ({
    ...metadata(`svc-${i}`, i),
    spec: { clusterIP: '10.96.1.1', ports: [{ port: 80 }] },
  })),
  endpointslices: times(SERVICES, (i) => ({
    ...metadata(`svc-${i}-x`, i),
    addressType: 'IPv4',
    ports: [{ port: 8080 }],
    endpoints: times(ENDPOINTS, (j) => ({
      addresses: [`10.1.1.${j}`],
      conditions: { ready: true },
      nodeName: `node-${j}`,
    })),
  })),
  pods: times(PODS, (i) => pod(i)),
  nodes: times(100, (i) => ({ metadata: { name: `node-${i}` } })),
  namespaces: times(50, (i) => ({ metadata: { name: `ns-${i}` } })),
};

const pages = new Map<string, string>();
for (const [name, all] of Object.entries(objects))
  for (let at = 0; at < all.length; at += PAGE) {
    const more = at + PAGE < all.length ? { continue: String(at + PAGE) } : {};
    pages.set(
      `${name} ${at}`,
      JSON.stringify({ metadata: { resourceVersion: '5', ...more }, items: all.slice(at, at + PAGE) }),
    );
  }
const bytes = [...pages.values()].reduce((sum, page) => sum + page.length, 0);

let write: ((line: string) => void) | undefined;
const server = await startFakeApiServer(({ path, query, reply }) => {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (query.has('watch')) {
    reply.writeHead(200);
    reply.flushHeaders();
    if (name === 'pods') write = (line) => void reply.write(line);
    return;
  }
  const page = pages.get(`${name} ${query.get('continue') ?? 0}`);
  if (page === undefined) reply.writeHead(404);
  reply.end(page ?? '{}');
});

const start = performance.now();
for (const page of pages.values()) JSON.parse(page);
const parsed = performance.now() - start;

const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
const listing = performance.now();
const cluster = new LiveCluster(connectTo(server.url));
const wait = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
};
await wait(() => cluster.state.kind === 'ready' && write !== undefined);
const ready = performance.now() - listing;
console.log(
  `${SERVICES} Services, ${SERVICES * ENDPOINTS} endpoints, ${PODS} pods (${(bytes / 1e6).toFixed(0)} MB of JSON): ` +
    `ready in ${ready.toFixed(0)} ms, ${(ready / parsed).toFixed(1)} times their JSON.parse; ` +
    `longest block ${(delay.max / 1e6).toFixed(0)} ms`,
);

delay.reset();
let told = 0;
cluster.onDidChange(() => {
  told++;
  void cluster.objects.pods;
});
const changing = performance.now();
for (let i = 0; i < PODS / 4; i++) {
  write!(event('MODIFIED', pod(i, String(10 + i))));
  if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
}
await wait(() => cluster.objects.pods.some((each) => each.metadata.resourceVersion === String(9 + PODS / 4)));
console.log(
  `${PODS / 4} changed pods in ${(performance.now() - changing).toFixed(0)} ms: told ${told} times, ` +
    `longest block ${(delay.max / 1e6).toFixed(0)} ms`,
);
cluster.dispose();
await server.close();

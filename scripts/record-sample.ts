/**
 * node scripts/record-sample.ts: makes samples/shop anew, on the cluster of test/cluster. Its story: node-3's kube-proxy stops; then a front
 * pod moves from node-2 to node-3 and its old address goes to a cart pod, and an external IP changes. node-3 knows nothing of it.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { openLiveCluster } from '../src/kubernetes/live/open.ts';
import { writeRecording } from '../src/kubernetes/snapshot/write.ts';
import type { ClusterSource, NodeRules } from '../src/kubernetes/source.ts';
import { freePort, startRig, whyNoRig } from '../test/cluster/rig.ts';

const root = path.resolve(import.meta.dirname, '..');

/** The API server would draw other ones each time; screenshots and tests name these. */
const CLUSTER_IPS: Readonly<Record<string, string>> = {
  cart: '10.96.171.167',
  'cart-local': '10.96.86.108',
  db: '10.96.2.186',
  dns: '10.96.97.113',
  front: '10.96.76.241',
  'front-nodeport': '10.96.81.29',
  'front-zone': '10.96.167.132',
  legacy: '10.96.215.254',
  'node-cache': '10.96.253.94',
  public: '10.96.214.215',
  'public-local': '10.96.244.16',
  slow: '10.96.179.64',
  'slow-anyway': '10.96.156.53',
  typo: '10.96.20.96',
  'wrong-port': '10.96.111.117',
};

const why = whyNoRig();
if (why !== undefined) throw new Error(why);
const rig = await startRig({ prefix: `sample-${process.pid}`, port: await freePort() });

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: { replicas?: number; clusterIP?: string };
}

const manifests = parseAllDocuments(readFileSync(path.join(root, 'test/cluster/manifests/shop.yaml'), 'utf8')).map(
  (document) => document.toJS() as Manifest,
);
for (const { kind, metadata, spec } of manifests) {
  if (kind === 'Deployment') spec.replicas = 0;
  const address = kind === 'Service' ? CLUSTER_IPS[metadata.name] : undefined;
  if (address !== undefined) spec.clusterIP = address;
}
await rig.kubectl(['apply', '-f', '-'], manifests.map((manifest) => stringify(manifest)).join('---\n'));

const replicas = new Map<string, number>();

/** One more pod of a Deployment, on that node. */
async function add(deployment: string, node: string): Promise<void> {
  for (const other of rig.nodes) if (other !== node) await rig.kubectl(['cordon', other]);
  const count = (replicas.get(deployment) ?? 0) + 1;
  replicas.set(deployment, count);
  await rig.kubectl(['scale', '-n', 'shop', `deployment/${deployment}`, `--replicas=${count}`]);
  const scheduled = `jsonpath={.status.replicas}=${count}`;
  await rig.kubectl(['wait', '-n', 'shop', `deployment/${deployment}`, `--for=${scheduled}`]);
  await rig.kubectl(['wait', '-n', 'shop', 'pod', '-l', `app=${deployment}`, '--for=jsonpath={.status.phase}=Running']);
  for (const other of rig.nodes) if (other !== node) await rig.kubectl(['uncordon', other]);
}

for (const [deployment, node] of [
  ['front', 'node-1'],
  ['cart', 'node-1'],
  ['slow', 'node-1'],
  ['front', 'node-2'],
  ['front', 'node-3'],
  ['cart', 'node-3'],
  ['slow', 'node-3'],
] as const)
  await add(deployment, node);
for (const [name, ip] of [
  ['public', '192.0.2.21'],
  ['public-local', '192.0.2.22'],
] as const) {
  const patch = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip, ipMode: 'VIP' }] } } });
  await rig.kubectl(['patch', 'service', '-n', 'shop', name, '--subresource=status', '--type=merge', '-p', patch]);
}
await rig.settled();

await rig.stopProxy('node-3');
const [moved] = (
  await rig.kubectl([
    'get',
    'pods',
    '-n',
    'shop',
    '-l',
    'app=front',
    '--field-selector=spec.nodeName=node-2',
    '-o=name',
  ])
).split('\n');
for (const node of ['node-1', 'node-2']) await rig.kubectl(['cordon', node]);
await rig.kubectl(['delete', '-n', 'shop', moved!]);
await rig.kubectl(['rollout', 'status', '-n', 'shop', 'deployment/front']);
for (const node of ['node-1', 'node-2']) await rig.kubectl(['uncordon', node]);
await add('cart', 'node-2');
const external = JSON.stringify({ spec: { externalIPs: ['192.0.2.11'] } });
await rig.kubectl(['patch', 'service', '-n', 'shop', 'legacy', '--type=merge', '-p', external]);
await rig.settled();

const source = await openLiveCluster({ kubeconfig: rig.kubeconfigs.admin });
while (source.state.kind !== 'ready' || !source.objects.kubeProxyConfig || !source.objects.serverVersion)
  await new Promise((resolve) => setTimeout(resolve, 50));
await source.capture(rig.nodes);

const addresses = source.objects.pods.map((pod) => `${pod.metadata.name.split('-')[0]} ${pod.status?.podIP}`);
for (const expected of ['front 10.244.0.1', 'front 10.244.2.1', 'front 10.244.2.4', 'cart 10.244.1.1'])
  if (!addresses.includes(expected)) throw new Error(`the story went otherwise: ${addresses.join(', ')}`);

const problem = await writeRecording(slim(source), path.join(root, 'samples/shop'));
if (problem) throw new Error(`${problem.message}: ${problem.detail ?? ''}`);
source.dispose();
await rig.down();

/** nft's JSON of rules that iptables made says a second time, and at length, what iptables-save says. */
function slim(whole: ClusterSource): ClusterSource {
  return {
    name: whole.name,
    kind: whole.kind,
    location: whole.location,
    state: whole.state,
    objects: whole.objects,
    onDidChange: (listener) => whole.onDidChange(listener),
    capture: (nodes, signal) => whole.capture(nodes, signal),
    dispose: () => whole.dispose(),
    rules: (node): NodeRules => {
      const rules = whole.rules(node);
      if (rules.kind !== 'captured') throw new Error(`${node} was not captured: ${JSON.stringify(rules)}`);
      const dumps = rules.capture.dumps.filter((dump) => dump.name !== 'nft.json' && dump.text !== '');
      return { ...rules, capture: { ...rules.capture, dumps } };
    },
  };
}

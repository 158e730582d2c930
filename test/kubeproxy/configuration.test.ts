import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { ClusterObjects, ConfigMap, Node, Pod } from '../../src/kubernetes/objects.ts';
import { configurationOf, override, type Configuration } from '../../src/kubeproxy/configuration.ts';
import { milliseconds } from '../../src/kubeproxy/duration.ts';
import { localTraffic } from '../../src/kubeproxy/local-traffic.ts';

const EMPTY: ClusterObjects = { namespaces: [], services: [], endpointSlices: [], endpoints: [], nodes: [], pods: [] };

const map = (key: string, text: string): ConfigMap => ({
  metadata: { name: 'kube-proxy', namespace: 'kube-system' },
  data: { [key]: text },
});

function pod(args: readonly string[]): Pod {
  return {
    metadata: { name: 'kube-proxy-x', namespace: 'kube-system', labels: { component: 'kube-proxy' } },
    spec: { nodeName: 'node-1', containers: [{ name: 'kube-proxy', args }] },
  };
}

const found = (objects: Partial<ClusterObjects>, dump?: string) =>
  configurationOf({ ...EMPTY, ...objects }, 'node-1', dump);
const values = (configuration: Configuration, ...keys: (keyof Configuration)[]) =>
  keys.map((key) => configuration[key].value);

const KUBEADM = `
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
bindAddress: 0.0.0.0
clusterCIDR: 10.244.0.0/16,fd00:10:244::/56
detectLocalMode: ""
iptables: {masqueradeAll: true, masqueradeBit: 15, minSyncPeriod: 1m30s, syncPeriod: 0s, localhostNodePorts: false}
nftables: {masqueradeAll: false, masqueradeBit: 3, minSyncPeriod: 500ms}
mode: ""
nodePortAddresses: [192.0.2.0/24]
conntrack: {tcpBeLiberal: true}
featureGates: {TopologyAwareHints: true}
`;

test("kubeadm's ConfigMap says everything; an empty mode is iptables", () => {
  const { configuration, problems } = found({ kubeProxyConfig: map('config.conf', KUBEADM) });
  assert.deepEqual(problems, []);
  assert.deepEqual(values(configuration, 'mode', 'clusterCIDRs', 'detectLocalMode', 'masqueradeAll', 'masqueradeBit'), [
    'iptables',
    ['10.244.0.0/16', 'fd00:10:244::/56'],
    'ClusterCIDR',
    true,
    15,
  ]);
  assert.deepEqual(values(configuration, 'minSyncPeriod', 'syncPeriod', 'localhostNodePorts', 'tcpBeLiberal'), [
    90_000,
    30_000,
    false,
    true,
  ]);
  assert.equal(configuration.masqueradeBit.guess, false);
  assert.equal(configuration.masqueradeBit.from, 'ConfigMap kube-system/kube-proxy (config.conf)');
  assert.deepEqual(configuration.featureGates.value, { TopologyAwareHints: true });
});

test('in nftables mode its own section counts', () => {
  const text = KUBEADM.replace('mode: ""\n', 'mode: nftables\n');
  const { configuration } = found({ kubeProxyConfig: map('config', text) });
  assert.deepEqual(values(configuration, 'mode', 'masqueradeAll', 'masqueradeBit', 'minSyncPeriod'), [
    'nftables',
    false,
    3,
    500,
  ]);
});

test('a broken file keeps what can be read of it and says where it breaks', () => {
  const { configuration, problems } = found({
    kubeProxyConfig: map('config.conf', 'mode: nftables\nclusterCIDR: [\n'),
  });
  assert.equal(configuration.mode.value, 'nftables');
  assert.match(problems[0]!, /ConfigMap kube-system\/kube-proxy \(config\.conf\), line \d+: no valid YAML/);
});

test('flags count where there is no file, whether words or one line for a shell', () => {
  const words = ['kube-proxy', '--cluster-cidr', '10.4.0.0/14', '--masquerade-all', '--proxy-mode=nftables'];
  const line = [
    '/bin/sh',
    '-c',
    'exec kube-proxy --cluster-cidr=10.4.0.0/14 --masquerade-all --proxy-mode="nftables" 1>>/var/log/x',
  ];
  for (const args of [words, line]) {
    const { configuration } = found({ pods: [pod(args)] });
    assert.deepEqual(values(configuration, 'clusterCIDRs', 'masqueradeAll', 'mode'), [
      ['10.4.0.0/14'],
      true,
      'nftables',
    ]);
    assert.match(configuration.mode.from, /the flags of pod kube-system\/kube-proxy-x/);
  }
});

test('with --config the file counts, without it the flags', () => {
  const kubeProxyConfig = map('config.conf', KUBEADM);
  const bit = (args: readonly string[]) =>
    found({ kubeProxyConfig, pods: [pod(args)] }).configuration.masqueradeBit.value;
  assert.equal(bit(['--config=/var/lib/kube-proxy/config.conf', '--iptables-masquerade-bit=7']), 15);
  assert.equal(bit(['--iptables-masquerade-bit=7']), 7);
});

test("k3s' kube-proxy is configured by the arguments that k3s writes on its node", () => {
  const args = ['server', '--cluster-cidr', '10.50.0.0/16', '--kube-proxy-arg', 'masquerade-all=true'];
  const node: Node = { metadata: { name: 'node-1', annotations: { 'k3s.io/node-args': JSON.stringify(args) } } };
  const { configuration } = found({ nodes: [node] });
  assert.deepEqual(values(configuration, 'clusterCIDRs', 'masqueradeAll'), [['10.50.0.0/16'], true]);
  const agent: Node = { metadata: { name: 'node-1', annotations: { 'k3s.io/node-args': '["agent"]' } } };
  assert.deepEqual(found({ nodes: [agent] }).configuration.clusterCIDRs.value, ['10.42.0.0/16']);
});

const golden = readFileSync(path.join(import.meta.dirname, 'iptables/golden/1.28.15.txt'), 'utf8');

test('with neither file nor flags, what the rules betray is a guess', () => {
  const { configuration } = found({}, golden);
  assert.deepEqual(
    values(configuration, 'mode', 'clusterCIDRs', 'masqueradeBit', 'masqueradeAll', 'localhostNodePorts'),
    ['iptables', ['10.244.0.0/16'], 14, false, true],
  );
  assert.ok(configuration.clusterCIDRs.guess);
  const other = golden
    .replaceAll('! -s 10.244.0.0/16 -d 10.96.0.80/32 -p', '-d 10.96.0.80/32 ! -i veth+ -p')
    .replaceAll('! -s 10.244.0.0/16 -d', '-d')
    .replaceAll('0x4000', '0x100')
    .replace(/^-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports/m, (rule) =>
      rule.replace('-m', '! -d 127.0.0.0/8 -m'),
    );
  const betrayed = found({}, other).configuration;
  assert.deepEqual(
    values(betrayed, 'detectLocalMode', 'interfaceNamePrefix', 'masqueradeBit', 'masqueradeAll', 'localhostNodePorts'),
    ['InterfaceNamePrefix', 'veth', 8, true, false],
  );
});

test('where the pod names a file that cannot be read, the rules are asked', () => {
  const { configuration } = found({ pods: [pod(['--config=/var/lib/kube-proxy-config/config'])] }, golden);
  assert.deepEqual([configuration.clusterCIDRs.value, configuration.clusterCIDRs.guess], [['10.244.0.0/16'], true]);
  assert.equal(configuration.clusterCIDRs.from, "the node's rules");
});

test('whatever is known can be overridden by hand', () => {
  const configuration = override(found({}).configuration, { masqueradeBit: 5 });
  assert.deepEqual(configuration.masqueradeBit, { value: 5, from: 'set by hand', guess: false });
});

test('local traffic is told by the first CIDR of the family, by the node, by an interface, or not at all', () => {
  const of = (settings: Parameters<typeof override>[1], family: 4 | 6 = 4) =>
    localTraffic(
      override(found({}).configuration, settings),
      { metadata: { name: 'n' }, spec: { podCIDRs: ['10.1.2.0/24'] } },
      family,
    );
  assert.deepEqual(of({ clusterCIDRs: ['fd00::/56', '10.0.0.0/8', '11.0.0.0/8'] }), {
    by: 'source',
    cidr: '10.0.0.0/8',
  });
  assert.equal(of({ clusterCIDRs: ['10.0.0.0/8'] }, 6), undefined);
  assert.deepEqual(of({ detectLocalMode: 'NodeCIDR' }), { by: 'source', cidr: '10.1.2.0/24' });
  assert.deepEqual(of({ detectLocalMode: 'BridgeInterface', bridgeInterface: 'cni0' }, 6), {
    by: 'interface',
    name: 'cni0',
  });
  assert.deepEqual(of({ detectLocalMode: 'InterfaceNamePrefix', interfaceNamePrefix: 'veth' }), {
    by: 'interface',
    name: 'veth+',
  });
});

test("durations are Go's", () => {
  assert.deepEqual(['1s', '1m30s', '500ms', '0', '1.5h', 'soon', ''].map(milliseconds), [
    1000,
    90_000,
    500,
    0,
    5_400_000,
    undefined,
    undefined,
  ]);
});

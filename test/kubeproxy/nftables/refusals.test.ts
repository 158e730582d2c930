import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configurationOf, override, type Settings } from '../../../src/kubeproxy/configuration.ts';
import { expectedRules, nodeProxy } from '../../../src/kubeproxy/expected.ts';
import { expectedNftables } from '../../../src/kubeproxy/nftables/expected.ts';
import { parseRelease } from '../../../src/kubeproxy/version.ts';
import type { ClusterObjects, Service } from '../../../src/kubernetes/objects.ts';
import { GOLDEN_CLUSTER } from './golden.ts';

// Each of these was seen with a real kube-proxy of the release on a real node: nft refused, and the node had no table.

function refusals(services: readonly Service[], release: string, settings: Partial<Settings> = {}) {
  const objects: ClusterObjects = { ...GOLDEN_CLUSTER, services };
  const { configuration } = configurationOf(objects, 'node-1');
  const effective = override(configuration, { mode: 'nftables', ...settings });
  const { refusals } = expectedNftables(objects, 'node-1', effective, parseRelease(release)!, { family: 'ip' });
  return refusals.map(({ reason }) => reason);
}

const golden = (name: string) => GOLDEN_CLUSTER.services.find(({ metadata }) => metadata.name === name)!;
const named = (service: Service, name: string, spec: Partial<Service['spec']>): Service => ({
  ...service,
  metadata: { ...service.metadata, name },
  spec: { ...service.spec, ...spec },
});

test('a prefix of interface names is no interface: up to 1.33.5, and in 1.34.0 and 1.34.1', () => {
  const prefix = { detectLocalMode: 'InterfaceNamePrefix', interfaceNamePrefix: 'veth' } as const;
  const services = [golden('plain')];
  for (const release of ['1.29.6', '1.33.5', '1.34.1'])
    assert.deepEqual(refusals(services, release, prefix), ['interface']);
  assert.deepEqual(refusals(services, '1.34.1', prefix), ['interface'], 'and again, when parts are remembered');
  for (const release of ['1.33.6', '1.34.2', '1.37.2']) assert.deepEqual(refusals(services, release, prefix), []);
  assert.deepEqual(refusals([], '1.29.6', prefix), [], 'no rule, no refusal');
  assert.deepEqual(refusals(services, '1.29.6', { detectLocalMode: 'BridgeInterface', bridgeInterface: 'cni0' }), []);
});

test('up to 1.36 a comment longer than 128 bytes is too long, where a Service without endpoints gets one', () => {
  const long = { ...golden('nowhere'), metadata: { namespace: 'n'.repeat(63), name: 's'.repeat(63) } };
  assert.deepEqual(refusals([long], '1.36.3'), ['comment']);
  assert.deepEqual(refusals([long], '1.37.2'), []);
  assert.deepEqual(
    refusals([{ ...long, metadata: { namespace: 'n'.repeat(63), name: 's'.repeat(62) } }], '1.36.3'),
    [],
  );
});

test('up to 1.30 two Services that claim an address and port for different chains shut each other out, and all others', () => {
  const other = named(golden('balanced'), 'plain', {
    clusterIP: '10.96.0.9',
    clusterIPs: ['10.96.0.9'],
    ports: [{ name: 'p', port: 80 }],
  });
  // The external IP, and the load balancer's with and without its firewall.
  assert.deepEqual(refusals([golden('balanced'), other], '1.30.4'), ['claim', 'claim', 'claim']);
  assert.deepEqual(refusals([golden('balanced'), other], '1.31.0'), []);
});

test('in 1.29 source ranges that overlap are refused, the IP that lets the node in among them', () => {
  const ranges = (...loadBalancerSourceRanges: string[]) =>
    refusals([named(golden('balanced'), 'balanced', { loadBalancerSourceRanges })], '1.29.6');
  assert.deepEqual(ranges('10.0.0.0/8', '10.1.0.0/16'), ['overlap']);
  assert.deepEqual(ranges('203.0.113.0/24', '10.0.0.0/8', '0.0.0.0/1'), ['overlap']);
  assert.deepEqual(ranges('0.0.0.0/0'), ['overlap'], 'holds the node, whose own IP is then allowed as well');
  assert.deepEqual(ranges('203.0.113.0/24', '10.0.0.0/8'), []);
});

test('a refusal is among the notes of the node, once', () => {
  const node = { metadata: { name: 'node-1' }, status: { nodeInfo: { kubeletVersion: 'v1.32.2' } } };
  const file = 'mode: nftables\ndetectLocalMode: InterfaceNamePrefix\ndetectLocal: {interfaceNamePrefix: veth}\n';
  const kubeProxyConfig = { metadata: { name: 'kube-proxy' }, data: { 'config.conf': file } };
  const objects: ClusterObjects = { ...GOLDEN_CLUSTER, nodes: [node], kubeProxyConfig };
  const { proxy } = expectedRules(objects, nodeProxy(objects, 'node-1'));
  assert.equal(proxy.notes.length, 1);
  assert.match(proxy.notes[0]!, /^kube-proxy 1\.32\.2 matches interfaces by their number/);
});

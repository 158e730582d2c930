import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterObjects, Node } from '../../src/kubernetes/objects.ts';
import { configurationOf, override, type Settings } from '../../src/kubeproxy/configuration.ts';
import { nodeIP, primaryFamily } from '../../src/kubeproxy/node-addresses.ts';
import { addressesIn, nodePortRanges } from '../../src/kubeproxy/node-ports.ts';
import { parseRelease } from '../../src/kubeproxy/version.ts';

const EMPTY: ClusterObjects = { namespaces: [], services: [], endpointSlices: [], endpoints: [], nodes: [], pods: [] };
const NODE: Node = {
  metadata: { name: 'node-1' },
  status: {
    addresses: [
      { type: 'Hostname', address: 'node-1' },
      { type: 'ExternalIP', address: '203.0.113.5' },
      { type: 'InternalIP', address: '172.18.0.2' },
      { type: 'InternalIP', address: 'fd00:18::2' },
    ],
  },
};

function configuration(settings: Partial<Settings>) {
  return override(configurationOf(EMPTY, 'node-1').configuration, settings);
}

function ranges(nodePortAddresses: readonly string[], family: 4 | 6 = 4, release = '1.37.2'): string[] {
  return nodePortRanges(configuration({ nodePortAddresses }), NODE, family, parseRelease(release)!);
}

test('a family that is not named, or named as a whole, is not restricted', () => {
  assert.deepEqual(ranges([]), []);
  assert.deepEqual(ranges(['172.18.0.0/16'], 6), []);
  assert.deepEqual(ranges(['172.18.0.0/16', '0.0.0.0/0']), []);
  assert.deepEqual(ranges(['172.18.0.0/16', 'fd00::/8'], 6), ['fd00::/8']);
});

test("primary stands for the node's own addresses, from 1.37 on among others", () => {
  assert.deepEqual(ranges(['primary']), ['172.18.0.2/32']);
  assert.deepEqual(ranges(['primary'], 6), ['fd00:18::2/128']);
  assert.deepEqual(ranges(['primary', '10.0.0.0/8']), ['172.18.0.2/32', '10.0.0.0/8']);
  assert.deepEqual(ranges(['primary', '10.0.0.0/8'], 4, '1.36.3'), ['10.0.0.0/8']);
  assert.deepEqual(ranges(['localhost'], 6), ['::1/128']);
});

test('addresses in ranges are found once', () => {
  assert.deepEqual(
    addressesIn(['172.18.0.0/16', '172.0.0.0/8'], ['127.0.0.1', '172.18.0.2', '172.18.0.2', 'fd00::1']),
    ['172.18.0.2'],
  );
});

test("the node's own address depends on the release", () => {
  const of = (release: string, family: 4 | 6 = 4, settings: Partial<Settings> = {}) =>
    nodeIP(configuration(settings), NODE, family, parseRelease(release)!);
  assert.deepEqual([of('1.37.2'), of('1.37.2', 6)], ['172.18.0.2', 'fd00:18::2']);
  // Only the first address counted in 1.28, and before it the one that kube-proxy binds to, which is none.
  assert.deepEqual([of('1.28.15'), of('1.28.15', 6)], ['172.18.0.2', '::']);
  assert.deepEqual([of('1.27.16'), of('1.21.14')], ['0.0.0.0', '0.0.0.0']);
  assert.equal(of('1.20.15'), '172.18.0.2');
  assert.equal(of('1.24.17', 4, { bindAddress: '192.0.2.7' }), '192.0.2.7');
  assert.equal(of('1.37.2', 4, { bindAddress: '192.0.2.7' }), '192.0.2.7');
});

test('a single-stack kube-proxy serves the family of its own address', () => {
  assert.equal(primaryFamily(configuration({}), NODE), 4);
  assert.equal(primaryFamily(configuration({ bindAddress: '::' }), NODE), 4);
  assert.equal(primaryFamily(configuration({ bindAddress: 'fd00::1' }), NODE), 6);
  const six: Node = { metadata: { name: 'n' }, status: { addresses: [{ type: 'InternalIP', address: 'fd00::5' }] } };
  assert.equal(primaryFamily(configuration({}), six), 6);
});

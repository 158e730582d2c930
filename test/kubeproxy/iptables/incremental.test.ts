import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import type { ClusterObjects } from '../../../src/kubernetes/objects.ts';
import { openRecording } from '../../../src/kubernetes/snapshot/open.ts';
import { expectedRules, nodeProxy } from '../../../src/kubeproxy/expected.ts';
import type { ExpectedPort } from '../../../src/kubeproxy/iptables/port.ts';

const { objects } = await openRecording(path.resolve(import.meta.dirname, '../../recordings/1.37-iptables-nft'));

function ports(of: ClusterObjects, node: string): readonly ExpectedPort[] {
  const expected = expectedRules(of, nodeProxy(of, node));
  assert.ok(expected.mode === 'iptables');
  return expected.families[4].ports;
}

test("after one slice's change only the ports of its Service are computed again", () => {
  const before = ports(objects, 'node-1');
  const i = objects.endpointSlices.findIndex(
    ({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'cart',
  );
  const slice = objects.endpointSlices[i]!;
  const changed = { ...slice, endpoints: slice.endpoints!.slice(1) };
  const after = ports({ ...objects, endpointSlices: objects.endpointSlices.with(i, changed) }, 'node-1');
  const again = after.filter(
    (port, k) => port !== before[k] && !port.port.externalPolicyLocal && !port.port.internalPolicyLocal,
  );
  // front-zone's endpoints have hints, so what they mean depends on the node and is not kept.
  assert.deepEqual(again.map(({ port }) => port.label).sort(), ['shop/cart', 'shop/front-zone']);
  const labels = (list: readonly ExpectedPort[]) => list.map(({ port }) => port.label);
  assert.deepEqual(labels(after), labels(before));
  assert.equal(after.find(({ port }) => port.label === 'shop/cart')!.selection.cluster.length, 1);
});

test('what is the same on every node is computed once, what is not is not mixed up', () => {
  const [one, two] = [ports(objects, 'node-1'), ports(objects, 'node-2')];
  const shared = one.filter((port, i) => port === two[i]).map(({ port }) => port.label);
  assert.ok(shared.includes('shop/front:http'));
  for (const label of ['shop/public-local:http', 'shop/node-cache', 'shop/front-zone'])
    assert.ok(!shared.includes(label), label);
});

test('a changed Service or configuration is not answered from memory', () => {
  const renamed = objects.services.map((service) =>
    service.metadata.name === 'cart'
      ? { ...service, spec: { ...service.spec, clusterIP: '10.96.9.9', clusterIPs: ['10.96.9.9'] } }
      : service,
  );
  const moved = ports({ ...objects, services: renamed }, 'node-1').find(({ port }) => port.label === 'shop/cart')!;
  assert.ok(moved.lines.nat.some((line) => line.includes('-d 10.96.9.9/32')));
  const expected = expectedRules(
    objects,
    nodeProxy({ ...objects, kubeProxyByHand: { configuration: 'iptables: {masqueradeAll: true}' } }, 'node-1'),
  );
  assert.ok(expected.mode === 'iptables');
  const cart = expected.families[4].ports.find(({ port }) => port.label === 'shop/cart')!;
  assert.ok(cart.lines.nat.some((line) => /^-A KUBE-SVC-\S+ -d .*-j KUBE-MARK-MASQ/.test(line)));
});

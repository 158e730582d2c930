import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { openRecording } from '../../src/kubernetes/snapshot/open.ts';
import type { DumpName, NodeCapture } from '../../src/kubernetes/source.ts';
import { formatAddress, formatPrefix } from '../../src/netfilter/address.ts';
import type { NodeNetwork } from '../../src/netfilter/outcome.ts';
import { nodeNetwork } from '../../src/translation/network.ts';

const { objects } = await openRecording(path.join(import.meta.dirname, '../recordings/1.37-iptables-stale-node'));

function capture(...names: DumpName[]): NodeCapture {
  const read = (name: string) => readFileSync(path.join(import.meta.dirname, '../netfilter/network', name), 'utf8');
  const dumps = names.map((name) => ({ name, text: read(name), from: name, complete: true }));
  return { node: 'node-1', at: 0, dumps, problems: [] };
}

const addresses = (network: NodeNetwork) =>
  network.addresses.map((each) => `${formatAddress(each.address)}/${each.length} ${each.interface}`);
const routes = (network: NodeNetwork) => network.routes.map((each) => `${formatPrefix(each.prefix)} ${each.interface}`);

describe("a node's network", () => {
  it('is derived from the Node objects where it was not captured', () => {
    const { network, measured } = nodeNetwork('node-1', objects);
    assert.equal(measured.size, 0);
    assert.deepEqual(addresses(network), ['127.0.0.1/8 lo', '::1/128 lo', '172.18.0.2/32 eth0']);
    assert.deepEqual(routes(network), [
      '10.244.0.0/24 cni0',
      'fd00:10:244::/64 cni0',
      '10.244.1.0/24 eth0',
      'fd00:10:244:1::/64 eth0',
      '10.244.2.0/24 eth0',
      'fd00:10:244:2::/64 eth0',
      '0.0.0.0/0 eth0',
      '::/0 eth0',
    ]);
  });

  it('gives the bridge the first address of the pod network, unless a pod has it', () => {
    const first = ['10.244.0.1/24 cni0', 'fd00:10:244::1/64 cni0'];
    const bridge = (network: NodeNetwork) => addresses(network).filter((each) => each.endsWith('cni0'));
    assert.ok(objects.pods.some((pod) => pod.status?.podIP === '10.244.0.1'));
    assert.deepEqual(bridge(nodeNetwork('node-1', objects).network), []);
    assert.deepEqual(bridge(nodeNetwork('node-1', { ...objects, pods: [], endpointSlices: [] }).network), first);
  });

  it('is what the kernel says where that was captured', () => {
    const { network, measured } = nodeNetwork(
      'node-1',
      objects,
      capture('fib_trie.txt', 'route.txt', 'if_inet6.txt', 'ipv6_route.txt'),
    );
    assert.deepEqual([...measured], [4, 6]);
    assert.ok(addresses(network).includes('172.18.0.2/16 eth0'));
    assert.ok(!addresses(network).includes('172.18.0.2/32 eth0'));
  });

  it('is completed with the family, and with the routes, that the capture lacks', () => {
    const four = nodeNetwork('node-1', objects, capture('fib_trie.txt', 'route.txt'));
    assert.deepEqual([...four.measured], [4]);
    assert.ok(routes(four.network).includes('fd00:10:244:1::/64 eth0'));
    assert.ok(!routes(four.network).includes('10.244.0.0/24 cni0'));
    const unrouted = nodeNetwork('node-1', objects, capture('addresses.json'));
    assert.equal(unrouted.measured.size, 0);
    assert.ok(routes(unrouted.network).includes('0.0.0.0/0 eth0'));
  });

  it('is known as far as it goes for a node that the API does not have', () => {
    const { network } = nodeNetwork('no-such-node', objects);
    assert.deepEqual(routes(network).slice(-2), ['0.0.0.0/0 eth0', '::/0 eth0']);
  });
});

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { expectedRules, nodeProxy } from '../../../src/kubeproxy/expected.ts';
import { openRecording } from '../../../src/kubernetes/snapshot/open.ts';
import type { Dump } from '../../../src/kubernetes/source.ts';
import { difference, lines } from './compare.ts';

const RECORDINGS = path.resolve(import.meta.dirname, '../../recordings');

for (const [name, settings] of [
  ['1.29-nftables', { nodePortAddresses: ['0.0.0.0/0', '::/0'] }],
  ['1.33-nftables', { nodePortAddresses: ['172.18.0.2/32', '::/0'] }],
  ['1.35-nftables', { nodePortAddresses: ['172.18.0.2/32', '::/0'] }],
  ['1.37-nftables', { nodePortAddresses: ['172.18.0.2/32', '::/0'] }],
] as const)
  test(`without pods and ConfigMap the tables of ${name} betray the configuration that they were written by`, async () => {
    const source = await openRecording(path.join(RECORDINGS, name));
    await source.capture(['node-1']);
    const rules = source.rules('node-1');
    assert.ok(rules.kind === 'captured');
    const { namespaces, services, endpointSlices, endpoints } = source.objects;
    const nodes = source.objects.nodes.map((node) => ({ ...node, status: { addresses: node.status!.addresses! } }));
    const objects = { namespaces, services, endpointSlices, endpoints, pods: [], nodes };
    const { dumps } = rules.capture;
    const proxy = nodeProxy(objects, 'node-1', dumps);
    const { mode, clusterCIDRs, nodePortAddresses, masqueradeBit, masqueradeAll } = proxy.configuration;
    assert.equal(mode.value, 'nftables');
    assert.ok(mode.guess);
    assert.deepEqual(clusterCIDRs.value, ['10.244.0.0/16', 'fd00:10:244::/56']);
    assert.deepEqual(nodePortAddresses.value, settings.nodePortAddresses);
    assert.equal(masqueradeBit.value, 14);
    assert.equal(masqueradeAll.value, false);
    const expected = expectedRules(objects, proxy, dumps);
    assert.ok(expected.mode === 'nftables');
    const actual = lines(JSON.parse(dumps.find((dump) => dump.name === 'nft.json')!.text));
    assert.deepEqual(difference(lines(expected.tables), actual), { missing: [], extra: [] });
  });

test('masquerading everything, an interface, another mark and no node port at all are read off a table, too', () => {
  const settings = (services: string) => {
    const text = `table ip kube-proxy {\n\tset nodeport-ips {\n\t\ttype ipv4_addr\n\t}\n\tchain services {\n\t\t${services}\n\t}\n\tchain masquerading {\n\t\tmeta mark & 0x00000020 != 0x00000000 meta mark set meta mark ^ 0x00000020 masquerade fully-random\n\t}\n}\n`;
    const dump: Dump = { name: 'nft.txt', text, from: 'a test', complete: true };
    const nothing = { namespaces: [], services: [], endpointSlices: [], endpoints: [], nodes: [], pods: [] };
    const { configuration } = nodeProxy(nothing, 'node-1', [dump]);
    const { masqueradeAll, masqueradeBit, detectLocalMode, bridgeInterface, interfaceNamePrefix, nodePortAddresses } =
      configuration;
    assert.equal(masqueradeBit.value, 5);
    assert.deepEqual(nodePortAddresses.value, ['127.0.0.0/8']);
    return [masqueradeAll, detectLocalMode, bridgeInterface, interfaceNamePrefix].map(({ value }) => value);
  };
  const all = 'ip daddr @cluster-ips meta mark set meta mark | 0x00000020 comment "masquerade all clusterIP traffic"';
  assert.deepEqual(settings(all), [true, 'ClusterCIDR', '', '']);
  const bridge = 'ip daddr @cluster-ips iifname != "cni0" meta mark set meta mark | 0x00000020';
  assert.deepEqual(settings(bridge), [false, 'BridgeInterface', 'cni0', '']);
  const prefix = 'ip daddr @cluster-ips iifname != "veth*" meta mark set meta mark | 0x00000020';
  assert.deepEqual(settings(prefix), [false, 'InterfaceNamePrefix', '', 'veth']);
  assert.deepEqual(settings('ip daddr 10.96.0.1 tcp dport 443 jump mark-for-masquerade'), [
    true,
    'ClusterCIDR',
    '',
    '',
  ]);
});

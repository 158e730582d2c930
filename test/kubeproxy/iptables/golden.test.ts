/**
 * A small cluster, and what kube-proxies of five generations programmed for it on node-1, small enough to read: a load balancer with
 * external policy Local, source ranges and affinity; an internal policy Local without a local endpoint; a node port without endpoints.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { ClusterObjects } from '../../../src/kubernetes/objects.ts';
import type { Dump } from '../../../src/kubernetes/source.ts';
import { expectedRules, expectedText, nodeProxy } from '../../../src/kubeproxy/expected.ts';
import { difference } from './compare.ts';

const GOLDEN = path.join(import.meta.dirname, 'golden');
const read = (name: string) => readFileSync(path.join(GOLDEN, name), 'utf8');
const stored = JSON.parse(read('cluster.json')) as Pick<
  ClusterObjects,
  'services' | 'endpointSlices' | 'endpoints' | 'nodes'
>;
const objects: ClusterObjects = { namespaces: [], pods: [], ...stored };

for (const release of ['1.20.15', '1.22.17', '1.24.17', '1.28.15', '1.37.2'])
  test(`the rules of ${release} stand as its kube-proxy wrote them, line for line`, () => {
    const old = release === '1.20.15';
    const clusterCIDR = old ? '10.244.0.0/16' : '10.244.0.0/16,fd00:10:244::/56';
    const settings = { clusterCIDR, ...(old ? { featureGates: { EndpointSliceProxying: false } } : {}) };
    const known = { ...objects, kubeProxyByHand: { release, configuration: JSON.stringify(settings) } };
    const actual = read(`${release}.txt`);
    const expected = expectedText(expectedRules(known, nodeProxy(known, 'node-1')), 4)!;
    assert.deepEqual(difference(expected, actual), { missing: [], extra: [] });
    // Chains are declared in iptables-save's order, counters are zero.
    const declarations = (text: string) => text.split('\n').filter((line) => /^[:*]/.test(line));
    assert.deepEqual(declarations(expected), declarations(actual));
  });

test('what the node itself betrays is used: no nfacct, an old iptables, a liberal conntrack', () => {
  const proxyOf = (release: string, dumps: readonly Dump[]) =>
    nodeProxy({ ...objects, kubeProxyByHand: { release } }, 'node-1', dumps);
  const dump = (name: Dump['name'], text: string): Dump => ({ name, text, from: name, complete: true });
  const textOf = (release: string, dumps: readonly Dump[]) =>
    expectedText(expectedRules(objects, proxyOf(release, dumps), dumps), 4)!;

  const counted = read('1.37.2.txt');
  const uncounted = textOf('1.37.2', [
    dump('iptables-save.txt', counted.replaceAll(/ -m nfacct --nfacct-name {2}\S+/g, '')),
  ]);
  assert.ok(!uncounted.includes('nfacct'));
  assert.ok(uncounted.includes('--ctstate INVALID -j DROP'));
  const liberal = textOf('1.37.2', [dump('iptables-save.txt', counted.replace(/^.*--ctstate INVALID.*\n/m, ''))]);
  assert.ok(!liberal.includes('INVALID'));
  // The same with counters before each rule, as iptables-save -c prints it.
  const counters = read('1.28.15.txt').replaceAll(/^-A/gm, '[12:720] -A');
  const bit = nodeProxy(objects, 'node-1', [dump('iptables-save.txt', counters.replaceAll('0x4000', '0x8000'))]);
  assert.deepEqual([bit.configuration.masqueradeBit.value, bit.facts.nfacct.value], [15, false]);
  assert.equal(bit.configuration.clusterCIDRs.value[0], '10.244.0.0/16');
  // 1.28 did not look at the sysctl: there a missing rule is missing.
  assert.ok(
    textOf('1.28.15', [dump('iptables-save.txt', read('1.28.15.txt').replace(/^.*INVALID.*\n/m, ''))]).includes(
      'INVALID',
    ),
  );
  const old = [dump('iptables-version.txt', 'iptables v1.6.1\n')];
  assert.ok(textOf('1.28.15', old).includes('-j MASQUERADE\n'));
  assert.ok(textOf('1.28.15', []).includes('-j MASQUERADE --random-fully\n'));
});

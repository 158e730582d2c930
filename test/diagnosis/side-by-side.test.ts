import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sideBySide } from '../../src/diagnosis/side-by-side.ts';
import { nodeNetwork } from '../../src/translation/network.ts';
import { recorded, RECORDINGS } from './recorded.ts';

async function sides(recording: string, node: string, service?: string) {
  const { objects, captures } = await recorded(recording);
  const capture = captures.get(node)!;
  const { network } = nodeNetwork(node, objects, capture);
  return sideBySide({ objects, capture, network }, service)!;
}

function onlyIn(a: string, b: string): readonly string[] {
  const other = new Set(b.split('\n'));
  return a.split('\n').filter((line) => !other.has(line));
}

describe('expected and actual rules, side by side', () => {
  for (const recording of RECORDINGS)
    test(`are the same text where the node is right: ${recording}`, async () => {
      const { expected, actual } = await sides(recording, 'node-1');
      assert.ok(expected.split('\n').length > 100);
      assert.equal(actual, expected);
    });

  test('of a Service are its own rules alone', async () => {
    const { expected } = await sides('1.37-iptables-stale-node', 'node-1', 'shop/front');
    assert.match(expected, /KUBE-SERVICES .*"shop\/front:http cluster IP"/);
    assert.match(expected, /KUBE-SEP-.*--to-destination 10\.244\.0\.1:8443/);
    assert.doesNotMatch(expected, /shop\/cart|shop\/front-nodeport|KUBE-POSTROUTING/);
  });

  test('show what the stale node still has and what it lacks', async () => {
    const { expected, actual } = await sides('1.37-iptables-stale-node', 'node-3', 'shop/front');
    assert.ok(onlyIn(expected, actual).some((line) => line.includes('--to-destination 10.244.2.4:8080')));
    assert.ok(onlyIn(actual, expected).some((line) => line.includes('--to-destination 10.244.1.1:8080')));
    assert.ok(!actual.includes('shop/cart'));
  });

  test('of a Service in nftables mode are its chains and its elements', async () => {
    const { expected, actual } = await sides('1.37-nftables', 'node-1', 'shop/front');
    assert.equal(actual, expected);
    assert.match(expected, /map service-ips\n10\.96\.\d+\.\d+ \. tcp \. 80 : goto service-/);
    assert.match(expected, /meta l4proto tcp dnat ip to numgen random mod 3 map/);
    assert.doesNotMatch(expected, /shop\/cart/);
  });
});

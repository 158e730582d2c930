import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { openRecording } from '../../src/kubernetes/snapshot/open.ts';
import type { Service } from '../../src/kubernetes/objects.ts';
import { readNetwork } from '../../src/netfilter/network.ts';

const SAMPLES = path.join(import.meta.dirname, '../../samples');
const source = await openRecording(path.join(SAMPLES, 'shop'));
const services = parseAllDocuments(readFileSync(path.join(SAMPLES, 'shop.yaml'), 'utf8'))
  .map((document) => document.toJS() as Service & { readonly kind: string })
  .filter((object) => object.kind === 'Service');

const rulesOf = (node: string, dump: string): string => {
  const rules = source.rules(node);
  assert.ok(rules.kind === 'captured');
  return rules.capture.dumps.find((each) => each.name === dump)?.text ?? '';
};

describe('the sample', () => {
  it('opens without a problem, with the network of each node', () => {
    assert.deepEqual(source.state, { kind: 'ready', missing: [] });
    for (const node of ['node-1', 'node-2', 'node-3']) {
      const rules = source.rules(node);
      assert.ok(rules.kind === 'captured' && rules.capture.problems.length === 0);
      assert.deepEqual([...readNetwork(rules.capture.dumps)!.routes], [4, 6]);
    }
  });

  it('tells of a node that has not heard of a moved pod, of a new one and of a new external IP', () => {
    const owner = source.objects.pods.find((pod) => pod.status?.podIP === '10.244.1.1');
    assert.equal(owner?.metadata.labels?.['app'], 'cart');
    for (const node of ['node-1', 'node-2']) {
      assert.doesNotMatch(rulesOf(node, 'iptables-save.txt'), /shop\/front:http -> 10\.244\.1\.1:8080/);
      assert.match(rulesOf(node, 'iptables-save.txt'), /192\.0\.2\.11\/32 .*shop\/legacy external IP/);
      assert.match(rulesOf(node, 'iptables-save.txt'), /shop\/cart -> 10\.244\.1\.1:9090/);
    }
    assert.match(rulesOf('node-3', 'iptables-save.txt'), /shop\/front:http -> 10\.244\.1\.1:8080/);
    assert.match(rulesOf('node-3', 'iptables-save.txt'), /192\.0\.2\.10\/32 .*shop\/legacy external IP/);
    assert.doesNotMatch(rulesOf('node-3', 'iptables-save.txt'), /shop\/cart -> 10\.244\.1\.1:9090/);
  });

  it('has the Services of the YAML beside it, and one in the YAML that it does not have', () => {
    const absent: string[] = [];
    for (const { metadata, spec } of services) {
      const recorded = source.objects.services.find((service) => service.metadata.name === metadata.name);
      if (recorded) assert.deepEqual(recorded.spec.selector, spec.selector, metadata.name);
      else absent.push(metadata.name);
    }
    assert.deepEqual(absent, ['front-canary']);
    assert.ok(services.length >= 8);
  });
});

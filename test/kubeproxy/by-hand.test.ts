import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectedRules, expectedText, nodeProxy } from '../../src/kubeproxy/expected.ts';
import { withByHand } from '../../src/kubernetes/by-hand.ts';
import { openRecording } from '../../src/kubernetes/snapshot/open.ts';

const source = await openRecording(new URL('../recordings/1.37-iptables-nft', import.meta.url).pathname);

test('what a user knows better counts before what was found out, and says so', () => {
  const known = withByHand(source, { release: 'v1.24.3', configuration: '{"iptables": {"masqueradeBit": 15}}' });
  const { release, configuration } = nodeProxy(known.objects, 'node-1');
  assert.deepEqual([release.value, release.from], [{ minor: 24, patch: 3 }, 'set by hand']);
  assert.deepEqual(configuration.masqueradeBit, { value: 15, from: 'set by hand', guess: false });
  // What is not named stays as it was found out.
  assert.equal(configuration.mode.from, 'ConfigMap kube-system/kube-proxy (config.conf)');
  const text = expectedText(expectedRules(known.objects, nodeProxy(known.objects, 'node-1')), 4)!;
  assert.match(text, /--set-xmark 0x8000\/0x8000/);
  assert.doesNotMatch(text, /KUBE-PROXY-FIREWALL/); // since 1.25
});

test('nothing set by hand changes nothing; what cannot be read is told', () => {
  assert.equal(withByHand(source, undefined), source);
  const known = withByHand(source, { configuration: '{"clusterCIDR": ' });
  assert.match(nodeProxy(known.objects, 'node-1').notes.join(), /set by hand, line 1: no valid YAML/);
  assert.equal(known.objects, known.objects);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeSummary, serviceStates } from '../../src/diagnosis/summary.ts';
import { driftOf, recorded } from './recorded.ts';

async function summed(name: string, node: string) {
  const drift = driftOf(await recorded(name), node);
  assert.ok(drift.kind === 'compared');
  const { ports, programmed, pending, drifted, changed, changedBy } = nodeSummary(drift);
  const wrong = [...serviceStates(drift)].filter(([, state]) => state === 'drifted').map(([service]) => service);
  return { sums: { ports, programmed, pending, drifted, changed, changedBy }, wrong: wrong.sort() };
}

const NOTHING = { pending: 0, drifted: 0, changed: 0, changedBy: [] };

test('a node whose kube-proxy works has programmed every port', async () => {
  const { sums, wrong } = await summed('1.37-iptables-stale-node', 'node-1');
  assert.deepEqual(sums, { ...NOTHING, ports: 21, programmed: 21 });
  assert.deepEqual(wrong, []);
});

test('the node whose kube-proxy died has drifted', async () => {
  const { sums, wrong } = await summed('1.37-iptables-stale-node', 'node-3');
  assert.deepEqual(sums, { ...NOTHING, ports: 21, programmed: 9, drifted: 12 });
  assert.equal(wrong.length, 9);
});

test('ports whose packets are changed by what was left in the other backend are not counted as right', async () => {
  const { sums, wrong } = await summed('1.37-iptables-both-backends', 'node-2');
  assert.deepEqual(sums, { ...NOTHING, ports: 21, programmed: 18, changed: 3, changedBy: ['iptables-nft'] });
  assert.deepEqual(wrong, ['shop/cart-local', 'shop/node-cache', 'shop/public-local']);
});

test('what was left may give 127.0.0.1 some node ports more: that does no Service harm', async () => {
  const { sums, wrong } = await summed('1.37-nftables', 'node-1');
  assert.deepEqual(sums, { ...NOTHING, ports: 21, programmed: 21 });
  assert.deepEqual(wrong, []);
});

test('a rule that all share and that is wrong counts for every port that it is seen to harm', async () => {
  const cluster = await recorded('1.37-iptables-nft');
  const drift = driftOf(cluster, 'node-1', (dumps) =>
    dumps.map((dump) =>
      dump.name === 'iptables-save.txt'
        ? { ...dump, text: dump.text.replace(/^-A PREROUTING .*-j KUBE-SERVICES\n/m, '') }
        : dump,
    ),
  );
  assert.ok(drift.kind === 'compared');
  const { ports, programmed, drifted, common } = nodeSummary(drift);
  assert.equal(common, true);
  assert.equal(drifted, 17); // the others have no endpoints: they are refused in table filter
  assert.equal(programmed + drifted, ports);
});

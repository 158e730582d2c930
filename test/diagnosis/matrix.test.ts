import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { matrixOf, stateOf } from '../../src/diagnosis/matrix.ts';
import { driftOf, recorded } from './recorded.ts';

describe('the matrix of the recorded cluster with a dead kube-proxy', async () => {
  const cluster = await recorded('1.37-iptables-stale-node');
  const nodes = ['node-1', 'node-2', 'node-3'].map((name) => ({ name, drift: driftOf(cluster, name) }));
  const services = cluster.objects.services.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);

  test('has the drifted node first and folds the nodes that agree', () => {
    const { rows } = matrixOf(nodes, services);
    assert.deepEqual(
      rows.map((row) => [row.nodes, row.drifted]),
      [
        [['node-3'], 9],
        [['node-1', 'node-2'], 0],
      ],
    );
  });

  test('has the drifted Services first', () => {
    const matrix = matrixOf(nodes, services);
    const [worst] = matrix.rows;
    const states = matrix.services.map((service, i) => [service, stateOf(worst!.cells[i])]);
    assert.deepEqual(
      states.slice(0, 9).map(([, state]) => state),
      new Array<string>(9).fill('drifted'),
    );
    assert.ok(states.slice(9).every(([, state]) => state === 'programmed' || state === 'none'));
    assert.ok(matrix.services.slice(0, 9).includes('shop/front'));
    assert.deepEqual(
      states.filter(([, state]) => state === 'none').map(([service]) => service),
      ['shop/front-headless', 'shop/partner'],
    );
  });

  test('says why a node has no states', () => {
    const { rows } = matrixOf([...nodes, { name: 'node-4', drift: undefined, why: 'no right to exec' }], services);
    const row = rows.find((each) => each.nodes.includes('node-4'));
    assert.equal(row?.why, 'no right to exec');
    assert.equal(stateOf(row.cells[0]), 'unknown');
  });
});

test('1,000 nodes and 5,000 Services make a matrix whose alike nodes are one row', async () => {
  const cluster = await recorded('1.37-iptables-nft');
  const drift = driftOf(cluster, 'node-1');
  const services = Array.from({ length: 5000 }, (_, i) => `ns/service-${i}`);
  const nodes = Array.from({ length: 1000 }, (_, i) => ({ name: `node-${i}`, drift }));
  const { rows } = matrixOf(nodes, services);
  assert.equal(rows.length, 1);
  assert.equal(rows[0]!.nodes.length, 1000);
  assert.equal(rows[0]!.nodes[10], 'node-10');
});
